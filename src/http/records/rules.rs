//! `/v1/records/rules`: everybody of the shop reads them; ops and owners settle them.

use axum::extract::State;
use serde_json::json;

use crate::domain::rules::RecordRules;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::rules;

pub async fn show_rules(State(state): State<AppState>, member: Member) -> ApiResult<Json<RecordRules>> {
    Ok(Json(rules::current(&state.db, member.shop()).await?))
}

pub async fn set_rules(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<RecordRules>,
) -> ApiResult<Json<RecordRules>> {
    body.validate().map_err(|error| ApiError::field(error.0, "outside its range"))?;
    let mut tx = state.db.begin().await?;
    rules::set(&mut tx, member.shop(), &body).await?;
    note(&mut tx, &member, "record_rules_set", ("rules", json!({ "rules": body }))).await?;
    tx.commit().await?;
    Ok(Json(body))
}
