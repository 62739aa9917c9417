//! `/v1/me/security`, `/v1/me/sessions`, `/v1/me/confirm`, `/v1/me/password`: every person of the shop, about themselves.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::SessionId;
use crate::http::accounts::credentials::{check_password, check_second_factor, count_attempt};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{ClientAddress, Json, Path};
use crate::http::guard::Member;
use crate::http::password::{hash_password, is_acceptable};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::http::work::off_the_async_threads;
use crate::storage::accounts;
use crate::storage::second_factor;
use crate::storage::sessions::{self, Session};

#[derive(Serialize, JsonSchema)]
pub struct SessionView {
    /// None for a session from before sessions had names; it ends by itself.
    id: Option<SessionId>,
    /// Whether it is the one that asks.
    is_current: bool,
    created_at_ms: i64,
    /// To the minute.
    seen_at_ms: i64,
    expires_at_ms: i64,
    address: String,
    /// The browser's own words.
    agent: String,
}

#[derive(Serialize, JsonSchema)]
pub struct SecurityView {
    /// Whether a second factor is asked for at the login.
    has_second_factor: bool,
    n_recovery_codes: u32,
    /// Newest first.
    sessions: Vec<SessionView>,
}

#[derive(Deserialize, JsonSchema)]
pub struct ConfirmBody {
    password: String,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub struct ChangePasswordBody {
    current: String,
    new: String,
}

pub async fn show_security(State(state): State<AppState>, member: Member) -> ApiResult<Json<SecurityView>> {
    let factor = second_factor::of(&state.db, member.id()).await?;
    let sessions = sessions::of_account(&state.db, member.id()).await?;
    let view = |session: Session| SessionView {
        id: session.id,
        is_current: session.token_hash == member.session_hash,
        created_at_ms: session.created_at_ms,
        seen_at_ms: session.seen_at_ms,
        expires_at_ms: session.expires_at_ms,
        address: session.address,
        agent: session.agent,
    };
    Ok(Json(SecurityView {
        has_second_factor: factor.secret.is_some(),
        n_recovery_codes: factor.n_recovery_codes,
        sessions: sessions.into_iter().map(view).collect(),
    }))
}

/// Guessing here is slowed down as it is at the login.
pub async fn confirm(
    State(state): State<AppState>,
    member: Member,
    ClientAddress(address): ClientAddress,
    Json(body): Json<ConfirmBody>,
) -> ApiResult<StatusCode> {
    let key = count_attempt(&state, &member.account.email, &address)?;
    let account = check_password(&state, &member.account.email, body.password).await?.ok_or(Code::WrongCredentials)?;
    check_second_factor(&state, &account, body.code.as_deref()).await?;
    state.limits.logins.forget(&key);
    let mut tx = state.db.begin().await?;
    sessions::confirm(&mut tx, &member.session_hash, state.settings.confirmed_ms).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The old one is asked for, whatever was given lately: it is what is being replaced.
pub async fn change_password(
    State(state): State<AppState>,
    member: Member,
    ClientAddress(address): ClientAddress,
    Json(body): Json<ChangePasswordBody>,
) -> ApiResult<StatusCode> {
    let key = count_attempt(&state, &member.account.email, &address)?;
    check_password(&state, &member.account.email, body.current).await?.ok_or(Code::WrongCredentials)?;
    state.limits.logins.forget(&key);
    if !is_acceptable(&body.new) {
        return Err(Code::WeakPassword.into());
    }
    let hash = off_the_async_threads(move || hash_password(&body.new)).await??;
    let mut tx = state.db.begin().await?;
    accounts::set_password_hash(&mut tx, member.id(), &hash).await?;
    sessions::revoke_others(&mut tx, member.id(), &member.session_hash).await?;
    note(&mut tx, &member, "password_changed", (&member.account.email, json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn end_session(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<SessionId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !sessions::revoke_named(&mut tx, member.id(), id).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "session_ended", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn end_other_sessions(State(state): State<AppState>, member: Member) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    let n_ended = sessions::revoke_others(&mut tx, member.id(), &member.session_hash).await?;
    note(&mut tx, &member, "other_sessions_ended", (&member.account.email, json!({ "n_ended": n_ended }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
