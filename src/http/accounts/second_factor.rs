//! `/v1/me/second-factor`: every person of the shop, about themselves. Setting one up takes two steps: the key is
//! shown, then a code proves that it arrived; only then is it asked for.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::AccountId;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::totp;
use crate::http::trail::note;
use crate::storage::{StorageError, Tx, second_factor, sessions};

#[derive(Serialize, JsonSchema)]
pub struct KeyAnswer {
    /// In base32, to be typed into an authenticator app.
    secret: String,
    /// The same for an app that opens links.
    uri: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct CodeBody {
    /// Six digits.
    code: String,
}

#[derive(Serialize, JsonSchema)]
pub struct RecoveryAnswer {
    /// Each opens the account once, without the phone. Shown once.
    recovery_codes: Vec<String>,
}

pub async fn begin(State(state): State<AppState>, member: Member) -> ApiResult<Json<KeyAnswer>> {
    if second_factor::of(&state.db, member.id()).await?.secret.is_some() {
        return Err(Code::AlreadySetUp.into());
    }
    let secret = totp::new_secret();
    let mut tx = state.db.begin().await?;
    second_factor::begin(&mut tx, member.id(), &secret).await?;
    tx.commit().await?;
    let uri = totp::uri(&secret, &member.account.email);
    Ok(Json(KeyAnswer { secret, uri }))
}

/// Whoever else is signed in has not shown a second factor and is signed out.
pub async fn enable(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CodeBody>,
) -> ApiResult<Json<RecoveryAnswer>> {
    let pending = second_factor::of(&state.db, member.id()).await?.pending.ok_or(Code::NotFound)?;
    let step = totp::matching_step(&pending, body.code.trim(), state.now_ms()).ok_or(Code::SecondFactorWrong)?;
    let mut tx = state.db.begin().await?;
    if !second_factor::enable(&mut tx, member.id(), (&pending, step)).await? {
        return Err(Code::NotFound.into());
    }
    let recovery_codes = replace_codes(&mut tx, member.id()).await?;
    sessions::revoke_others(&mut tx, member.id(), &member.session_hash).await?;
    note(&mut tx, &member, "second_factor_enabled", (&member.account.email, json!({}))).await?;
    tx.commit().await?;
    Ok(Json(RecoveryAnswer { recovery_codes }))
}

pub async fn renew_codes(State(state): State<AppState>, member: Member) -> ApiResult<Json<RecoveryAnswer>> {
    if second_factor::of(&state.db, member.id()).await?.secret.is_none() {
        return Err(Code::NotFound.into());
    }
    let mut tx = state.db.begin().await?;
    let recovery_codes = replace_codes(&mut tx, member.id()).await?;
    note(&mut tx, &member, "recovery_codes_renewed", (&member.account.email, json!({}))).await?;
    tx.commit().await?;
    Ok(Json(RecoveryAnswer { recovery_codes }))
}

pub async fn remove(State(state): State<AppState>, member: Member) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    second_factor::remove(&mut tx, member.id()).await?;
    note(&mut tx, &member, "second_factor_removed", (&member.account.email, json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn replace_codes(tx: &mut Tx, account: AccountId) -> Result<Vec<String>, StorageError> {
    let codes = totp::new_recovery_codes();
    let hashes: Vec<String> = codes.iter().map(|code| totp::hash_recovery_code(code)).collect();
    second_factor::set_recovery_codes(tx, account, &hashes).await?;
    Ok(codes)
}
