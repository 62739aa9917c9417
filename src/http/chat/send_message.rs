//! `POST /v1/chat/{conversation_id}/messages`: the buyer of the conversation.
//!
//! It is a row, with its turn and its job, before the answer leaves: a message that was acknowledged is never lost.
//! Sending it again with the same key, since the answer was lost on the way, adds nothing.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::conversation::Handler;
use crate::domain::ids::TurnId;
use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::chat::{add_notice, view_messages};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Buyer;
use crate::http::state::AppState;
use crate::http::views::MessageView;
use crate::storage::conversations::Conversation;
use crate::storage::turns::{self, Asked, NewQuestion};

/// A longer message is no question; its beginning is taken, and the buyer is told.
const MAX_CHARS: usize = 20_000;

/// What is taken of it.
const KEPT_CHARS: usize = 2_000;

/// A key is a name, not a text.
const MAX_KEY_CHARS: usize = 128;

#[derive(Deserialize, JsonSchema)]
pub struct SendBody {
    text: String,
    /// Chosen by the sender, new for every message.
    client_key: String,
}

#[derive(Serialize, JsonSchema)]
pub struct Sent {
    message: MessageView,
    turn_id: Option<TurnId>,
}

pub async fn send_message(
    State(state): State<AppState>,
    buyer: Buyer,
    Json(body): Json<SendBody>,
) -> ApiResult<(StatusCode, Json<Sent>)> {
    let conversation = buyer.conversation;
    let slow_down = |seconds| ApiError::from(Code::TooManyRequests).retry_after_s(seconds);
    state.limits.messages.take(&conversation.id.to_string(), state.now_ms()).map_err(slow_down)?;
    if body.client_key.is_empty() || body.client_key.chars().count() > MAX_KEY_CHARS {
        return Err(ApiError::field("client_key", format!("1 to {MAX_KEY_CHARS} characters")));
    }
    let (text, is_trimmed) = trim(&body.text);
    if text.is_empty() {
        return Err(Code::MessageEmpty.into());
    }
    let question = NewQuestion { text: &text, client_key: Some(&body.client_key), lang: Lang::of(&text) };
    let mut tx = state.db.begin().await?;
    let asked = turns::ask(&mut tx, conversation.shop, conversation.id, &question).await.map_err(told_apart)?;
    let asked = asked.ok_or(Code::NotFound)?;
    let mut last_seq = asked.message.seq;
    if is_trimmed
        && !asked.is_repeat
        && let Some(notice) = add_notice(&mut tx, conversation.shop, conversation.id, "trimmed").await?
    {
        last_seq = notice.seq;
    }
    tx.commit().await?;
    announce(&state, &conversation, &asked, last_seq);
    let messages = view_messages(&state, &conversation, vec![asked.message]).await?;
    let message = messages.into_iter().next().ok_or(Code::NotFound)?;
    Ok((StatusCode::ACCEPTED, Json(Sent { message, turn_id: Some(asked.turn) })))
}

/// A key that was used for another text is the sender's mistake.
fn told_apart(error: crate::storage::StorageError) -> ApiError {
    if error.conflicts_with("messages_client_key") { Code::IdempotencyConflict.into() } else { error.into() }
}

fn announce(state: &AppState, conversation: &Conversation, asked: &Asked, last_seq: i64) {
    if asked.is_repeat {
        return;
    }
    let (shop, id) = (conversation.shop, conversation.id);
    for seq in asked.message.seq..=last_seq {
        state.bus.publish(shop, Event::MessageAdded { conversation: id, seq });
    }
    for turn in asked.superseded.iter().copied().chain([asked.turn]) {
        state.bus.publish(shop, Event::TurnChanged { conversation: id, turn });
    }
    if conversation.handler == Handler::Assistant {
        state.bus.publish(shop, Event::Typing { conversation: id, is_typing: true });
    }
    (state.wake_workers)();
}

/// The message without spaces around it, and whether only its beginning was taken.
fn trim(text: &str) -> (String, bool) {
    let text = text.trim();
    match text.chars().count() > MAX_CHARS {
        true => (text.chars().take(KEPT_CHARS).collect(), true),
        false => (text.to_owned(), false),
    }
}

pub fn example() -> Value {
    json!({
        "message": {
            "id": "01890a5d-ac96-774b-bcce-b302099a8060", "seq": 1, "author": "buyer", "text": "How do I return it?",
            "citations": [], "thumbs": null, "created_at_ms": 1_767_225_600_000_i64, "client_key": "k-1",
            "turn_id": "01890a5d-ac96-774b-bcce-b302099a8061",
        },
        "turn_id": "01890a5d-ac96-774b-bcce-b302099a8061",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_far_too_long_is_cut() {
        assert_eq!(trim("  hello \n"), ("hello".to_owned(), false));
        assert_eq!(trim(&"长".repeat(MAX_CHARS)).0.chars().count(), MAX_CHARS);
        let (kept, is_trimmed) = trim(&"长".repeat(MAX_CHARS + 1));
        assert_eq!((kept.chars().count(), is_trimmed), (KEPT_CHARS, true));
    }
}
