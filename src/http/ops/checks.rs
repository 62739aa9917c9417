//! `GET /v1/ops/dial/checks`: agents, ops, owners. What the server found when it looked at a promise by itself.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::check::{Details, Finding};
use crate::domain::dial::Scope;
use crate::domain::ids::CheckId;
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::ops::dial_views::read_scope;
use crate::http::state::AppState;
use crate::storage::promise_checks::{self, Check};

/// Looks in one answer: two months of nights.
const MAX_CHECKS: u32 = 60;

#[derive(Deserialize, JsonSchema)]
pub struct ChecksQuery {
    /// `shop` or `topic:` and a topic; the shop if left out.
    scope: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct CheckView {
    id: CheckId,
    scope: Scope,
    /// What it was due for: a night, or a number of labels.
    occasion: String,
    finding: Finding,
    #[serde(flatten)]
    details: Details,
    checked_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct ChecksAnswer {
    /// Newest first, at most 60.
    checks: Vec<CheckView>,
}

/// One look, as the page shows it.
pub fn view_check(check: Check) -> CheckView {
    let Check { id, scope, occasion, finding, details, created_at_ms } = check;
    CheckView { id, scope, occasion, finding, details, checked_at_ms: created_at_ms }
}

pub async fn list_checks(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<ChecksQuery>,
) -> ApiResult<Json<ChecksAnswer>> {
    let scope = read_scope(query.scope.as_deref().unwrap_or("shop"))?;
    let checks = promise_checks::list(&state.db, member.shop(), &scope, MAX_CHECKS).await?;
    Ok(Json(ChecksAnswer { checks: checks.into_iter().map(view_check).collect() }))
}
