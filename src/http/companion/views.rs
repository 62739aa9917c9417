//! A draft as the panel shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::{ShopId, TurnId};
use crate::domain::order::Platform;
use crate::domain::turn::{TurnState, Verdict};
use crate::http::error::{ApiResult, Code};
use crate::http::state::AppState;
use crate::http::views::{TurnView, view_turns};
use crate::storage::conversations::Conversation;
use crate::storage::turns::Turn;
use crate::storage::{StorageError, companion, feedback};

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DraftOutcome {
    /// Used as it was.
    Used,
    /// Used after a change.
    Edited,
    /// Not usable.
    Rejected,
    /// The agent wrote something else where there was no draft.
    OwnWords,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DraftView {
    #[serde(flatten)]
    turn: TurnView,
    platform: Platform,
    order_number: Option<String>,
    /// Drafts that are written first; 0 once it is decided.
    n_before: u32,
    /// What became of it; null until somebody says so.
    outcome: Option<DraftOutcome>,
}

impl DraftView {
    pub async fn new(
        state: &AppState,
        shop: ShopId,
        (turn, thread): (Turn, Conversation),
    ) -> Result<Option<Self>, StorageError> {
        let n_before = match turn.state {
            TurnState::Asked => companion::n_before(&state.db, shop, &turn).await?,
            _ => 0,
        };
        let verdict = feedback::of_turn(&state.db, shop, turn.id).await?.pop().map(|last| last.verdict);
        let outcome = match verdict {
            Some(Verdict::Accepted) => Some(DraftOutcome::Used),
            Some(Verdict::Edited) => Some(DraftOutcome::Edited),
            Some(Verdict::Rejected) => Some(DraftOutcome::Rejected),
            None if turn.state == TurnState::Replied => Some(DraftOutcome::OwnWords),
            None => None,
        };
        let views = view_turns(&state.db, shop, vec![turn]).await?;
        let view =
            |turn| Self { turn, platform: thread.platform, order_number: thread.order_number, n_before, outcome };
        Ok(views.into_iter().next().map(view))
    }
}

/// One draft, or 404.
pub async fn read_draft(state: &AppState, shop: ShopId, id: TurnId) -> ApiResult<DraftView> {
    let found = companion::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    Ok(DraftView::new(state, shop, found).await?.ok_or(Code::NotFound)?)
}
