//! `GET /v1/me`, `POST /v1/logout`: the person who is signed in.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde_json::json;

use crate::http::accounts::MeView;
use crate::http::error::ApiResult;
use crate::http::extract::Json;
use crate::http::guard::{Member, cookie_name};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::sessions;

pub async fn show_me(State(state): State<AppState>, member: Member) -> ApiResult<Json<MeView>> {
    Ok(Json(MeView::of(&state, member).await?))
}

pub async fn log_out(
    State(state): State<AppState>,
    member: Member,
) -> ApiResult<(StatusCode, [(HeaderName, String); 1])> {
    let mut tx = state.db.begin().await?;
    sessions::revoke(&mut tx, &member.session_hash).await?;
    note(&mut tx, &member, "signed_out", (&member.account.email, json!({}))).await?;
    tx.commit().await?;
    let is_https = state.settings.is_https();
    // A browser lets nobody but a secure answer touch a cookie with such a name.
    let secure = if is_https { "; Secure" } else { "" };
    let gone = format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", cookie_name(is_https));
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]))
}
