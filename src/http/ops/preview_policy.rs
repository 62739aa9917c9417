//! `POST /v1/ops/preview`: agents, ops, owners. Changes nothing: the past is decided again.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::policy::Policy;
use crate::http::day::DAY_MS;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::work::off_the_async_threads;
use crate::learn::replay::{PastTurn, Preview, preview};
use crate::storage::ops::{self, Period, ReplayRow};
use crate::storage::policies;

#[derive(Deserialize, JsonSchema)]
pub struct PreviewBody {
    policy: Policy,
    /// How far back, 1 to 365; 30 if left out.
    days: Option<u32>,
}

pub async fn preview_policy(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<PreviewBody>,
) -> ApiResult<Json<Preview>> {
    body.policy.validate().map_err(|error| ApiError::field(error.field, &error))?;
    let days = body.days.unwrap_or(30);
    if !(1..=365).contains(&days) {
        return Err(ApiError::field("days", "between 1 and 365"));
    }
    let now_ms = state.now_ms();
    let period = Period { from_ms: now_ms - i64::from(days) * DAY_MS, until_ms: i64::MAX };
    let current = policies::current(&state.db, member.shop()).await?.policy;
    let rows = ops::replay_rows(&state.db, member.shop(), period).await?;
    let past: Vec<PastTurn> = rows.into_iter().map(past_turn).collect();
    Ok(Json(off_the_async_threads(move || preview(&past, &body.policy, &current)).await?))
}

fn past_turn(row: ReplayRow) -> PastTurn {
    PastTurn {
        turn: row.turn,
        conversation: row.conversation,
        question: row.question,
        evidence: row.evidence,
        draw: row.draw,
        verdict: row.verdict,
    }
}
