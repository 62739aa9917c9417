//! `POST /v1/login`: anybody. A wrong address and a wrong password look the same, and take as long.

use axum::extract::State;
use axum::http::{HeaderName, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::info;

use crate::http::accounts::MeView;
use crate::http::accounts::credentials::{check_password, check_second_factor, count_attempt};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{ClientAddress, Json, RequestHead};
use crate::http::guard::{Member, cookie_name};
use crate::http::password::{hash_token, new_token};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::second_factor;
use crate::storage::sessions::{self, NewSession};

/// What a browser says of itself is kept up to here.
const AGENT_CHARS: usize = 160;

#[derive(Deserialize, JsonSchema)]
pub struct LoginBody {
    email: String,
    password: String,
    /// Of the second factor, where one is set up; a recovery code is one, too.
    #[serde(default)]
    code: Option<String>,
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
    head: RequestHead,
    Json(body): Json<LoginBody>,
) -> ApiResult<([(HeaderName, String); 1], Json<LoginAnswer>)> {
    let key = count_attempt(&state, &body.email, &address)?;
    let Some(account) = check_password(&state, &body.email, body.password).await? else {
        // Not in the log of the shop: a row only for accounts that exist would tell by its time that they do.
        info!(address, "http.login.refused");
        return Err(Code::WrongCredentials.into());
    };
    check_second_factor(&state, &account, body.code.as_deref()).await?;
    state.limits.logins.forget(&key);
    let token = new_token();
    let hash = hash_token(&token);
    let agent = head.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let agent: String = agent.chars().take(AGENT_CHARS).collect();
    let new = NewSession {
        token_hash: &hash,
        lifetime_ms: state.settings.session_max_ms,
        idle_ms: state.settings.session_idle_ms,
        confirmed_ms: state.settings.confirmed_ms,
        address: &address,
        agent: &agent,
    };
    let lacks_factor = second_factor::is_missing(&state.db, &account).await?;
    let member = Member::signing_in(account, hash.clone(), lacks_factor);
    let mut tx = state.db.begin().await?;
    note(&mut tx, &member, "signed_in", (&member.account.email, json!({ "address": address }))).await?;
    sessions::start(&mut tx, member.id(), &new).await?;
    tx.commit().await?;
    let account = MeView::of(&state, member).await?;
    Ok(([(header::SET_COOKIE, cookie(&state, &token))], Json(LoginAnswer { account, token })))
}

fn cookie(state: &AppState, token: &str) -> String {
    let (seconds, is_https) = (state.settings.session_max_ms / 1000, state.settings.is_https());
    let secure = if is_https { "; Secure" } else { "" };
    format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(is_https))
}
