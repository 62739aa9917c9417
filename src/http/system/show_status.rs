//! `GET /v1/status`: every person of the shop.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::ShopId;
use crate::domain::policy::Mode;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::{AppState, Component};
use crate::storage::jobs::{self, JobState, Lane};
use crate::storage::{ops, policies, shops};

/// The answers of one day say how long an answer takes.
const MEDIAN_WINDOW_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Serialize, JsonSchema)]
pub struct ShopView {
    id: ShopId,
    name: String,
}

/// Jobs that wait or run.
#[derive(Serialize, JsonSchema)]
pub struct Queue {
    interactive: u32,
    bulk: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct PolicyInForce {
    number: u32,
    bar: f64,
    mode: Mode,
    kill_switch: bool,
}

#[derive(Serialize, JsonSchema)]
pub struct StatusAnswer {
    version: &'static str,
    shop: ShopView,
    embedder: Component,
    generator: Component,
    /// From the question to the decision, over the last day; null without answers.
    answer_ms_median: Option<i64>,
    queue: Queue,
    policy: PolicyInForce,
}

pub async fn show_status(State(state): State<AppState>, member: Member) -> ApiResult<Json<StatusAnswer>> {
    let shop = shops::get(&state.db, member.shop()).await?.ok_or(Code::NotFound)?;
    let engines = state.health.components();
    let counts = jobs::counts(&state.db).await?;
    let waiting = |lane: Lane| {
        let unfinished = counts.iter().filter(|count| matches!(count.state, JobState::Queued | JobState::Running));
        unfinished.filter(|count| count.lane == lane).map(|count| count.n_jobs).sum()
    };
    let version = policies::current(&state.db, shop.id).await?;
    let since_ms = state.now_ms() - MEDIAN_WINDOW_MS;
    Ok(Json(StatusAnswer {
        version: env!("CARGO_PKG_VERSION"),
        answer_ms_median: ops::median_decision_ms(&state.db, shop.id, since_ms).await?,
        shop: ShopView { id: shop.id, name: shop.name },
        embedder: engines.embedder,
        generator: engines.generator,
        queue: Queue { interactive: waiting(Lane::Interactive), bulk: waiting(Lane::Bulk) },
        policy: PolicyInForce {
            number: version.number,
            bar: version.policy.bar,
            mode: version.policy.mode,
            kill_switch: version.policy.kill_switch,
        },
    }))
}
