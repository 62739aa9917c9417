//! What the loser of a race is told: how the turn stands now, and who was there first.

use serde_json::json;

use crate::domain::ids::{AccountId, ShopId, TurnId};
use crate::http::error::{ApiError, Code};
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::{StorageError, feedback, messages, turns};

/// Messages looked through for the reply.
const LOOK_BACK: u32 = 100;

/// `already_resolved`, or 404 where there is no such turn.
pub async fn already_resolved(state: &AppState, shop: ShopId, turn: TurnId) -> ApiError {
    look(state, shop, turn).await.unwrap_or_else(ApiError::from)
}

/// `taken_by_other`, with whose conversation it is.
pub async fn taken_by(state: &AppState, shop: ShopId, owner: AccountId) -> ApiError {
    match Names::of(&state.db, shop).await {
        Ok(names) => {
            ApiError::from(Code::TakenByOther).with(json!({ "by": names.of_account(owner), "account_id": owner }))
        }
        Err(error) => error.into(),
    }
}

async fn look(state: &AppState, shop: ShopId, turn: TurnId) -> Result<ApiError, StorageError> {
    let Some(now) = turns::get(&state.db, shop, turn).await? else { return Ok(Code::NotFound.into()) };
    let replies = messages::before(&state.db, shop, now.conversation, i64::MAX, LOOK_BACK).await?;
    let replier = replies.iter().rev().find(|message| message.turn == Some(turn) && message.account.is_some());
    let judge = feedback::of_turn(&state.db, shop, turn).await?.pop().map(|feedback| feedback.account);
    let by = match replier.and_then(|message| message.account).or(judge) {
        Some(account) => Some(Names::of(&state.db, shop).await?.of_account(account)),
        None => None,
    };
    let detail = json!({ "state": now.state, "version": now.version, "by": by });
    Ok(ApiError::from(Code::AlreadyResolved).with(detail))
}
