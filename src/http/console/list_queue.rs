//! `GET /v1/console/queue`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::turn::TurnState;
use crate::http::error::ApiResult;
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::views::{TurnView, view_turns};
use crate::storage::conversations::ConversationKind;
use crate::storage::turns::{self, TurnQuery};

/// Turns in one answer: more than a team deals with before it reads the queue again.
const MAX_TURNS: u32 = 200;

#[derive(Serialize, JsonSchema)]
pub struct WaitingTurn {
    #[serde(flatten)]
    turn: TurnView,
    /// How long the buyer has been waiting.
    waiting_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct QueueAnswer {
    /// Those to be decided, the longest waiting first; then those whose draft is being written.
    turns: Vec<WaitingTurn>,
}

pub async fn list_queue(State(state): State<AppState>, member: Member) -> ApiResult<Json<QueueAnswer>> {
    let (shop, now_ms) = (member.shop(), state.now_ms());
    let mut turns = turns::queue(&state.db, shop, MAX_TURNS).await?;
    let being_written = TurnQuery {
        kind: ConversationKind::Buyer,
        state: Some(TurnState::Asked),
        decision: None,
        topic: None,
        before_ms: i64::MAX,
        limit: MAX_TURNS,
    };
    turns.extend(turns::list_recent(&state.db, shop, &being_written).await?.into_iter().rev());
    let waits: Vec<i64> = turns.iter().map(|turn| now_ms - turn.created_at_ms).collect();
    let views = view_turns(&state.db, shop, turns).await?;
    let turns = views.into_iter().zip(waits).map(|(turn, waiting_ms)| WaitingTurn { turn, waiting_ms });
    Ok(Json(QueueAnswer { turns: turns.collect() }))
}
