//! `GET /v1/ops/numbers`: agents, ops, owners. Every day of the period, those on which nothing was asked, too.

use std::collections::HashMap;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::day::{DAY_MS, day_of};
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::ops::{self, Day, Period};

#[derive(Deserialize, JsonSchema)]
pub struct NumbersQuery {
    /// So many days, today the last; 1 to 366, 30 if left out.
    days: Option<i64>,
    /// Where days begin: minutes ahead of UTC, 480 for China; 0 if left out.
    #[serde(default)]
    offset_minutes: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct DayView {
    /// `YYYY-MM-DD`
    day: String,
    n_turns: u32,
    n_auto_sent: u32,
    n_review: u32,
    n_escalated: u32,
    n_accepted: u32,
    n_edited: u32,
    n_rejected: u32,
    n_thumbs_up: u32,
    n_thumbs_down: u32,
    /// From question to reply; null on a day without a reply.
    reply_ms_median: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub struct NumbersAnswer {
    /// Oldest first.
    days: Vec<DayView>,
}

pub async fn show_numbers(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<NumbersQuery>,
) -> ApiResult<Json<NumbersAnswer>> {
    let n_days = query.days.unwrap_or(30);
    if !(1..=366).contains(&n_days) {
        return Err(ApiError::field("days", "between 1 and 366"));
    }
    if !(-14 * 60..=14 * 60).contains(&query.offset_minutes) {
        return Err(ApiError::field("offset_minutes", "at most 14 hours either way"));
    }
    let offset_ms = query.offset_minutes * 60_000;
    let today_ms = (state.now_ms() + offset_ms).div_euclid(DAY_MS) * DAY_MS - offset_ms;
    let period = Period { from_ms: today_ms - (n_days - 1) * DAY_MS, until_ms: today_ms + DAY_MS };
    let busy = ops::days(&state.db, member.shop(), period, offset_ms).await?;
    let mut busy: HashMap<i64, Day> = busy.into_iter().map(|day| (day.from_ms, day)).collect();
    let days = (0..n_days).map(|number| period.from_ms + number * DAY_MS).map(|from_ms| {
        let day = busy.remove(&from_ms).unwrap_or_default();
        view(day_of(from_ms + offset_ms), &day)
    });
    Ok(Json(NumbersAnswer { days: days.collect() }))
}

fn view(day: String, numbers: &Day) -> DayView {
    DayView {
        day,
        n_turns: numbers.n_turns,
        n_auto_sent: numbers.n_auto_sent,
        n_review: numbers.n_review,
        n_escalated: numbers.n_escalated,
        n_accepted: numbers.n_accepted,
        n_edited: numbers.n_edited,
        n_rejected: numbers.n_rejected,
        n_thumbs_up: numbers.n_thumbs_up,
        n_thumbs_down: numbers.n_thumbs_down,
        reply_ms_median: numbers.median_reply_ms,
    }
}
