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
use crate::learn::dial::trial;
use crate::learn::replay::{Preview, preview};
use crate::storage::ops::Period;

/// Turns shown whose decision would change.
const MAX_CHANGES: usize = 500;

#[derive(Deserialize, JsonSchema)]
pub struct PreviewBody {
    policy: Policy,
    /// How far back, 1 to 365; 30 if left out.
    days: Option<u32>,
    /// Or a period: its first millisecond.
    from_ms: Option<i64>,
    /// One past its last; now if left out.
    until_ms: Option<i64>,
    /// So many of the turns that would end otherwise; 50 if left out, 500 at most.
    max_changes: Option<usize>,
}

pub async fn preview_policy(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<PreviewBody>,
) -> ApiResult<Json<Preview>> {
    body.policy.validate().map_err(|error| ApiError::field(error.field, &error))?;
    let period = period(&body, state.now_ms())?;
    let max_changes = body.max_changes.unwrap_or(50).min(MAX_CHANGES);
    let wanted = (body.policy, period, max_changes);
    let (past, trial) = trial(&state.db, member.shop(), wanted, &state.fingerprint).await?;
    Ok(Json(off_the_async_threads(move || preview(&past, &trial)).await?))
}

fn period(body: &PreviewBody, now_ms: i64) -> ApiResult<Period> {
    let days = body.days.unwrap_or(30);
    if !(1..=365).contains(&days) {
        return Err(ApiError::field("days", "between 1 and 365"));
    }
    let until_ms = body.until_ms.unwrap_or(now_ms + 1);
    let from_ms = body.from_ms.unwrap_or(now_ms - i64::from(days) * DAY_MS);
    if until_ms <= from_ms {
        return Err(ApiError::field("until_ms", "after from_ms"));
    }
    Ok(Period { from_ms, until_ms })
}
