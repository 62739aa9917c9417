//! `POST /v1/password`: whoever holds the link of an invitation or a reset, once.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::http::error::{ApiResult, Code};
use crate::http::extract::Json;
use crate::http::password::{hash_password, hash_token, is_acceptable};
use crate::http::state::AppState;
use crate::http::work::off_the_async_threads;
use crate::storage::audit::{self, NewAuditEntry};
use crate::storage::{accounts, sessions};

#[derive(Deserialize, JsonSchema)]
pub struct PasswordBody {
    token: String,
    password: String,
}

pub async fn set_password(State(state): State<AppState>, Json(body): Json<PasswordBody>) -> ApiResult<StatusCode> {
    if !is_acceptable(&body.password) {
        return Err(Code::WeakPassword.into());
    }
    let hash = off_the_async_threads(move || hash_password(&body.password)).await??;
    let mut tx = state.db.begin().await?;
    let account = sessions::redeem_password_token(&mut tx, &hash_token(&body.token)).await?.ok_or(Code::LinkInvalid)?;
    accounts::set_password_hash(&mut tx, account, &hash).await?;
    // Whoever was signed in with the old password, or with a stolen one, is not any more.
    sessions::revoke_all(&mut tx, account).await?;
    if let Some(shop) = accounts::shop_of(&mut tx, account).await? {
        let detail = json!({});
        let entry = NewAuditEntry {
            account: Some(account),
            action: "password_set",
            subject: &account.to_string(),
            detail: &detail,
        };
        audit::append(&mut tx, shop, &entry).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
