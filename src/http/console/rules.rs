//! `GET /v1/console/rules`: how fast buyers are to be answered; `PUT /v1/ops/inbox`: ops and owners settle it.

use axum::extract::State;
use serde_json::json;

use crate::domain::inbox::InboxRules;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::inbox_rules;

pub async fn show_rules(State(state): State<AppState>, member: Member) -> ApiResult<Json<InboxRules>> {
    Ok(Json(inbox_rules::current(&state.db, member.shop()).await?))
}

pub async fn set_rules(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<InboxRules>,
) -> ApiResult<Json<InboxRules>> {
    body.validate().map_err(|error| ApiError::field(error.0, "outside its range"))?;
    let mut tx = state.db.begin().await?;
    inbox_rules::set(&mut tx, member.shop(), &body).await?;
    note(&mut tx, &member, "inbox_rules_set", ("inbox", json!({ "rules": body }))).await?;
    tx.commit().await?;
    Ok(Json(body))
}
