//! `POST /v1/chat/{conversation_id}/leave`: the buyer of the conversation, on a device that is not theirs alone.
//!
//! The browser forgets the chat by itself; this makes what it held worthless, a copy of it, too. The shop keeps what was
//! said: to have that deleted is asked of the shop.

use axum::extract::State;
use axum::http::StatusCode;

use crate::events::Event;
use crate::http::chat::add_notice;
use crate::http::error::{ApiResult, Code};
use crate::http::guard::Buyer;
use crate::http::state::AppState;
use crate::storage::{presence, turns};

pub async fn leave(State(state): State<AppState>, buyer: Buyer) -> ApiResult<StatusCode> {
    let (shop, id) = (buyer.conversation.shop, buyer.conversation.id);
    let mut tx = state.db.begin().await?;
    // Nobody would read an answer: what still waits for one waits no longer.
    let dropped = turns::supersede_open(&mut tx, shop, id).await?;
    let notice = add_notice(&mut tx, shop, id, "left").await?.ok_or(Code::NotFound)?;
    presence::leave(&mut tx, shop, id).await?;
    tx.commit().await?;
    // First of all: it ends the streams that are still open.
    state.bus.publish(shop, Event::ConversationChanged { conversation: id });
    state.bus.publish(shop, Event::MessageAdded { conversation: id, seq: notice.seq });
    for turn in dropped {
        state.bus.publish(shop, Event::TurnChanged { conversation: id, turn });
    }
    Ok(StatusCode::NO_CONTENT)
}
