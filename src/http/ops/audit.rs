//! `GET /v1/ops/audit`, `…/verify`: ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::audit;

#[derive(Deserialize, JsonSchema)]
pub struct AuditQuery {
    /// At most so many; 100 if not said, 500 at most.
    limit: Option<u32>,
    /// Older than this.
    before_ms: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub struct AuditView {
    at_ms: i64,
    /// Who, by name; nobody for the command line.
    account: Option<String>,
    /// A stable code such as `policy_changed`.
    action: String,
    /// What it was done to: an id, a name.
    subject: String,
    detail: Value,
}

#[derive(Serialize, JsonSchema)]
pub struct AuditAnswer {
    entries: Vec<AuditView>,
}

/// Walks the chain of the shop from its beginning.
pub async fn verify_audit(State(state): State<AppState>, member: Member) -> ApiResult<Json<audit::Verified>> {
    Ok(Json(audit::verify(&state.db, member.shop()).await?))
}

pub async fn list_audit(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Json<AuditAnswer>> {
    let names = Names::of(&state.db, member.shop()).await?;
    let before_ms = query.before_ms.unwrap_or(i64::MAX);
    let entries = audit::list(&state.db, member.shop(), before_ms, query.limit.unwrap_or(100).min(500)).await?;
    let view = |entry: audit::AuditEntry| AuditView {
        at_ms: entry.created_at_ms,
        account: entry.account.map(|id| names.of_account(id)),
        action: entry.action,
        subject: entry.subject,
        detail: entry.detail,
    };
    Ok(Json(AuditAnswer { entries: entries.into_iter().map(view).collect() }))
}
