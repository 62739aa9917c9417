//! `GET /v1/shifts/load-plan`: agents, ops, owners. From what answers took on this machine in the last weeks.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::DAY_MS;
use crate::domain::load_plan::{LoadPlan, plan};
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::handovers;
use crate::storage::ops::Period;

/// So far back; what was measured before may have been another machine.
const PERIOD_MS: i64 = 28 * DAY_MS;
/// Nobody sells as much.
const MAX_PER_HOUR: u32 = 100_000_000;

/// A great sale of one of the shops that this is made for.
fn usual_per_hour() -> u32 {
    36_000
}

#[derive(Deserialize, JsonSchema)]
pub struct LoadQuery {
    /// Inquiries in an hour.
    #[serde(default = "usual_per_hour")]
    per_hour: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct LoadAnswer {
    /// Null where no answer was measured.
    plan: Option<LoadPlan>,
}

pub async fn plan_load(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<LoadQuery>,
) -> ApiResult<Json<LoadAnswer>> {
    if !(1..=MAX_PER_HOUR).contains(&query.per_hour) {
        return Err(ApiError::field("per_hour", format!("between 1 and {MAX_PER_HOUR}")));
    }
    let now_ms = state.now_ms();
    let period = Period { from_ms: now_ms - PERIOD_MS, until_ms: now_ms + 1 };
    let took_ms = handovers::answer_times(&state.db, member.shop(), period).await?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = u32::try_from(cores).unwrap_or(u32::MAX);
    Ok(Json(LoadAnswer { plan: plan(query.per_hour, &took_ms, cores) }))
}
