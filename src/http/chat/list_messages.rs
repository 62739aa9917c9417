//! `GET /v1/chat/{conversation_id}/messages`: the buyer of the conversation.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::conversation::Handler;
use crate::http::chat::view_messages;
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::guard::Buyer;
use crate::http::state::AppState;
use crate::http::views::MessageView;
use crate::storage::conversations::Conversation;
use crate::storage::{StorageError, messages, turns};

/// Messages in one answer; whoever has all of them asks for those after the last.
const MAX_MESSAGES: u32 = 500;

#[derive(Deserialize, JsonSchema)]
pub struct MessagesQuery {
    /// The number that the reader has already; 0 if left out.
    #[serde(default)]
    after: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct MessagesAnswer {
    messages: Vec<MessageView>,
    handler: Handler,
    closed: bool,
    /// Whether the assistant is at work on an answer.
    is_typing: bool,
}

pub async fn list_messages(
    State(state): State<AppState>,
    buyer: Buyer,
    Query(query): Query<MessagesQuery>,
) -> ApiResult<Json<MessagesAnswer>> {
    let conversation = buyer.conversation;
    let found = messages::after(&state.db, conversation.shop, conversation.id, query.after, MAX_MESSAGES).await?;
    Ok(Json(MessagesAnswer {
        messages: view_messages(&state, &conversation, found).await?,
        handler: conversation.handler,
        closed: conversation.closed,
        is_typing: is_typing(&state, &conversation).await?,
    }))
}

/// Whether an answer is being written. Where an agent has taken over, the assistant is silent.
pub async fn is_typing(state: &AppState, conversation: &Conversation) -> Result<bool, StorageError> {
    Ok(conversation.handler == Handler::Assistant
        && turns::is_any_asked(&state.db, conversation.shop, conversation.id).await?)
}
