//! `GET /v1/me`, `POST /v1/logout`: the person who is signed in.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};

use crate::http::accounts::MeView;
use crate::http::error::ApiResult;
use crate::http::extract::Json;
use crate::http::guard::{COOKIE, Member};
use crate::http::state::AppState;
use crate::storage::sessions;

pub async fn show_me(State(state): State<AppState>, member: Member) -> ApiResult<Json<MeView>> {
    Ok(Json(MeView::of(&state, member.account).await?))
}

pub async fn log_out(
    State(state): State<AppState>,
    member: Member,
) -> ApiResult<(StatusCode, [(HeaderName, String); 1])> {
    let mut tx = state.db.begin().await?;
    sessions::revoke(&mut tx, &member.session_hash).await?;
    tx.commit().await?;
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]))
}
