//! `GET /v1/knowledge/golden`: every person of the shop.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::error::ApiResult;
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::knowledge::golden::GoldenView;
use crate::http::state::AppState;
use crate::storage::golden;

#[derive(Serialize, JsonSchema)]
pub struct GoldenAnswers {
    /// Last changed first.
    answers: Vec<GoldenView>,
}

pub async fn list_golden(State(state): State<AppState>, member: Member) -> ApiResult<Json<GoldenAnswers>> {
    let answers = golden::list(&state.db, member.shop()).await?;
    Ok(Json(GoldenAnswers { answers: answers.into_iter().map(GoldenView::from).collect() }))
}
