//! `GET /v1/shifts/alike`: agents, ops, owners. Eight weeks of it.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::shift::Shift;
use crate::domain::shift::alike::{Differing, compare};
use crate::http::day::{DAY_MS, day_of};
use crate::http::error::ApiResult;
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::work::off_the_async_threads;
use crate::learn::commitments::clock_of;
use crate::storage::ops::Period;
use crate::storage::{handovers, shifts};

const WEEKS: i64 = 8;

/// A week.
#[derive(Serialize, JsonSchema)]
pub struct WeekView {
    /// Its Monday, `YYYY-MM-DD`, where the shop is.
    week: String,
    /// Questions that were answered in at least two shifts.
    n_compared: u32,
    /// Of them, those with one answer in all of these.
    n_alike: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct AlikeAnswer {
    /// Oldest first; a week without anything to compare is left out.
    weeks: Vec<WeekView>,
    /// What was not answered alike in the last of them.
    differing: Vec<Differing>,
}

pub async fn compare_answers(State(state): State<AppState>, member: Member) -> ApiResult<Json<AlikeAnswer>> {
    let (shop, now_ms) = (member.shop(), state.now_ms());
    let clock = clock_of(&state.db, shop).await?;
    let schedule: Vec<Shift> = shifts::list(&state.db, shop).await?.into_iter().map(|row| row.shift).collect();
    let period = Period { from_ms: now_ms - WEEKS * 7 * DAY_MS, until_ms: now_ms + 1 };
    let answers = handovers::answers(&state.db, shop, period).await?;
    let (shares, differing) = off_the_async_threads(move || compare(&answers, &schedule, clock)).await?;
    let week = |share: crate::domain::shift::alike::Share| WeekView {
        week: day_of(share.week * DAY_MS),
        n_compared: share.n_compared,
        n_alike: share.n_alike,
    };
    Ok(Json(AlikeAnswer { weeks: shares.into_iter().map(week).collect(), differing }))
}
