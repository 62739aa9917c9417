//! `/v1/commitments/rules`: agents, ops and owners read them; ops and owners settle them.

use axum::extract::State;
use serde_json::json;

use crate::domain::commitment::CommitmentRules;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::{accounts, commitments};

pub async fn show_rules(State(state): State<AppState>, member: Member) -> ApiResult<Json<CommitmentRules>> {
    Ok(Json(commitments::rules(&state.db, member.shop()).await?))
}

pub async fn set_rules(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CommitmentRules>,
) -> ApiResult<Json<CommitmentRules>> {
    body.validate().map_err(|field| ApiError::field(field, "outside its range"))?;
    if let Some(lead) = body.lead {
        accounts::get(&state.db, member.shop(), lead).await?.ok_or(Code::NotFound)?;
    }
    let mut tx = state.db.begin().await?;
    commitments::set_rules(&mut tx, member.shop(), &body).await?;
    note(&mut tx, &member, "commitment_rules_set", ("rules", json!({ "rules": body }))).await?;
    tx.commit().await?;
    Ok(Json(body))
}
