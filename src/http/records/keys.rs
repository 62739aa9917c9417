//! `/v1/records/keys`: ops, owners. What other systems sign their events with; two at most, so that one can be replaced.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::ids::{BuyerKeyId, ShopId};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::password::new_token;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::buyers::{self, BuyerKey, KeyPurpose};

#[derive(Serialize, JsonSchema)]
pub struct HookKeyView {
    id: BuyerKeyId,
    created_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct HookKeys {
    /// Where events go: `POST /v1/hooks/{shop_id}`.
    shop_id: ShopId,
    /// Oldest first.
    keys: Vec<HookKeyView>,
}

#[derive(Serialize, JsonSchema)]
pub struct NewHookKey {
    key: HookKeyView,
    /// The bytes of this text are the key for HMAC-SHA256; shown once.
    secret: String,
}

fn view(key: &BuyerKey) -> HookKeyView {
    HookKeyView { id: key.id, created_at_ms: key.created_at_ms }
}

pub async fn list_keys(State(state): State<AppState>, member: Member) -> ApiResult<Json<HookKeys>> {
    let keys = buyers::keys(&state.db, member.shop(), KeyPurpose::Webhook).await?;
    Ok(Json(HookKeys { shop_id: member.shop(), keys: keys.iter().map(view).collect() }))
}

pub async fn add_key(State(state): State<AppState>, member: Member) -> ApiResult<(StatusCode, Json<NewHookKey>)> {
    let secret = new_token();
    let mut tx = state.db.begin().await?;
    let made = buyers::create_key(&mut tx, member.shop(), (KeyPurpose::Webhook, &secret)).await?;
    let key = made.ok_or(Code::TwoKeys)?;
    note(&mut tx, &member, "hook_key_created", (&key.id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(NewHookKey { key: view(&key), secret })))
}

pub async fn remove_key(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<BuyerKeyId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !buyers::remove_key(&mut tx, member.shop(), (KeyPurpose::Webhook, id)).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "hook_key_removed", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
