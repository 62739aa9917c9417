//! `GET /v1/ops/turns`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::views::{TurnView, view_turns};
use crate::storage::conversations::ConversationKind;
use crate::storage::turns::{self, TurnQuery};

#[derive(Deserialize, JsonSchema)]
pub struct TurnsQuery {
    /// At most so many; 50 if left out, 200 at most.
    limit: Option<u32>,
    /// Only those asked before: the way to the next page.
    before_ms: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub struct TurnsAnswer {
    /// Newest first.
    turns: Vec<TurnView>,
}

pub async fn list_turns(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<TurnsQuery>,
) -> ApiResult<Json<TurnsAnswer>> {
    let wanted = TurnQuery {
        kind: ConversationKind::Buyer,
        state: None,
        decision: None,
        topic: None,
        before_ms: query.before_ms.unwrap_or(i64::MAX),
        limit: query.limit.unwrap_or(50).min(200),
    };
    let mut turns = turns::list_recent(&state.db, member.shop(), &wanted).await?;
    turns.retain(|turn| turn.decision.is_some());
    Ok(Json(TurnsAnswer { turns: view_turns(&state.db, member.shop(), turns).await? }))
}
