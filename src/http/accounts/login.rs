//! `POST /v1/login`: anybody. A wrong address and a wrong password look the same, and take as long.

use axum::extract::State;
use axum::http::{HeaderName, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::accounts::MeView;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{ClientAddress, Json};
use crate::http::guard::{COOKIE, Member};
use crate::http::password::{hash_token, is_password, new_token};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::http::work::off_the_async_threads;
use crate::storage::accounts::{self, Account};
use crate::storage::sessions;

#[derive(Deserialize, JsonSchema)]
pub struct LoginBody {
    email: String,
    password: String,
}

#[derive(Serialize, JsonSchema)]
pub struct LoginAnswer {
    account: MeView,
    /// For scripts: `Authorization: Bearer …`.
    token: String,
}

pub async fn log_in(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    Json(body): Json<LoginBody>,
) -> ApiResult<([(HeaderName, String); 1], Json<LoginAnswer>)> {
    let key = format!("{}\n{address}", body.email.trim().to_lowercase());
    if let Some(seconds) = state.limits.logins.wait_s(&key, state.now_ms()) {
        return Err(ApiError::from(Code::TooManyAttempts).retry_after_s(seconds));
    }
    // Counted before the work: guesses sent at the same time must not slip through while the first is being checked.
    state.limits.logins.count(&key, state.now_ms());
    let account = check(&state, body).await?.ok_or(Code::WrongCredentials)?;
    state.limits.logins.forget(&key);
    let token = new_token();
    let hash = hash_token(&token);
    let member = Member { account, session_hash: hash.clone() };
    let mut tx = state.db.begin().await?;
    note(&mut tx, &member, "signed_in", (&member.account.email, json!({}))).await?;
    sessions::create(&mut tx, member.id(), &hash, state.settings.session_max_ms).await?;
    tx.commit().await?;
    let account = MeView::of(&state, member.account).await?;
    Ok(([(header::SET_COOKIE, cookie(&state, &token))], Json(LoginAnswer { account, token })))
}

async fn check(state: &AppState, body: LoginBody) -> ApiResult<Option<Account>> {
    let found = accounts::by_email(&state.db, &body.email).await?;
    let stored = found.as_ref().map(|found| found.password_hash.clone());
    let is_right = off_the_async_threads(move || is_password(&body.password, stored.as_deref())).await?;
    Ok(found.map(|found| found.account).filter(|account| is_right && !account.disabled))
}

fn cookie(state: &AppState, token: &str) -> String {
    let seconds = state.settings.session_max_ms / 1000;
    let secure = if state.settings.is_https() { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}
