//! `/v1/me/tokens`: every person of the shop, about the keys that act as themselves. They are made at `/v1/ops/tokens`.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::ids::ApiTokenId;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::api_tokens::{self, ApiToken};

#[derive(Serialize, JsonSchema)]
pub struct OwnKey {
    id: ApiTokenId,
    /// What it is for.
    name: String,
    /// What it may do, and nothing else; never what asks for a password.
    scopes: Vec<String>,
    created_at_ms: i64,
    expires_at_ms: i64,
    /// To the minute.
    used_at_ms: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub struct OwnKeys {
    /// Those that are not over, newest first.
    tokens: Vec<OwnKey>,
}

pub async fn list_own(State(state): State<AppState>, member: Member) -> ApiResult<Json<OwnKeys>> {
    let view = |token: ApiToken| {
        let ApiToken { id, account: _, name, scopes, created_at_ms, expires_at_ms, used_at_ms } = token;
        OwnKey { id, name, scopes, created_at_ms, expires_at_ms, used_at_ms }
    };
    let tokens = api_tokens::of_account(&state.db, &member.account).await?;
    Ok(Json(OwnKeys { tokens: tokens.into_iter().map(view).collect() }))
}

pub async fn remove_own(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ApiTokenId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !api_tokens::remove_own(&mut tx, &member.account, id).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "token_removed", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
