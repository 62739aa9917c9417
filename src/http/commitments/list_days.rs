//! `GET /v1/commitments/days`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::day::{DAY_MS, day_of};
use crate::http::error::ApiResult;
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::commitments::{self, DayCounts};

/// A month of them.
const MAX_LISTED: u32 = 31;

/// A day in numbers.
#[derive(Serialize, JsonSchema)]
pub struct DayView {
    /// `YYYY-MM-DD`, where the shop is.
    day: String,
    #[serde(flatten)]
    counts: DayCounts,
    /// When it was summed up.
    created_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct DaysAnswer {
    days: Vec<DayView>,
}

pub async fn list_days(State(state): State<AppState>, member: Member) -> ApiResult<Json<DaysAnswer>> {
    let rows = commitments::list_days(&state.db, member.shop(), MAX_LISTED).await?.into_iter();
    let view = |row: commitments::DayRow| DayView {
        day: day_of(row.day * DAY_MS),
        counts: row.counts,
        created_at_ms: row.created_at_ms,
    };
    Ok(Json(DaysAnswer { days: rows.map(view).collect() }))
}
