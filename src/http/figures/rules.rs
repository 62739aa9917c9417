//! `PUT /v1/figures/rules`: ops, owners.

use axum::extract::State;
use serde_json::json;

use crate::domain::figure_rules::FigureRules;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::tallies;

pub async fn set_rules(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<FigureRules>,
) -> ApiResult<Json<FigureRules>> {
    body.validate().map_err(|field| ApiError::field(field, "1 to 3600 seconds, the longer one not shorter"))?;
    let mut tx = state.db.begin().await?;
    tallies::set_rules(&mut tx, member.shop(), &body).await?;
    note(&mut tx, &member, "figure_rules_set", ("figures", json!({ "rules": body }))).await?;
    tx.commit().await?;
    Ok(Json(body))
}
