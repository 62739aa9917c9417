//! `GET /v1/chat/{conversation_id}/events`: the buyer of the conversation. Messages in order, each once: whatever the
//! bus says, the stream tells what stands in SQL after the number it told last.

use std::convert::Infallible;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use futures::Stream;
use serde_json::json;

use crate::domain::conversation::Handler;
use crate::events;
use crate::http::chat::list_messages::is_typing;
use crate::http::chat::view_messages;
use crate::http::error::ApiResult;
use crate::http::guard::Buyer;
use crate::http::sse;
use crate::http::state::AppState;
use crate::storage::conversations::{self, Conversation};
use crate::storage::{StorageError, messages};

/// Messages read at once.
const BATCH: u32 = 200;

struct Chat {
    state: AppState,
    conversation: Conversation,
    last_seq: i64,
    told: Option<(Handler, bool)>,
    /// What the token was kept as when it opened the stream.
    opened_by: String,
}

impl Chat {
    /// The buyer has left, on another page perhaps: whoever looks at this one is told nothing more.
    fn has_left(&self) -> bool {
        self.conversation.buyer_hash != self.opened_by
    }

    async fn new_messages(&mut self) -> Result<Vec<Event>, StorageError> {
        let mut events = Vec::new();
        loop {
            let (shop, id) = (self.conversation.shop, self.conversation.id);
            let found = messages::after(&self.state.db, shop, id, self.last_seq, BATCH).await?;
            let Some(last) = found.last() else { return Ok(events) };
            let seqs: Vec<i64> = found.iter().map(|message| message.seq).collect();
            self.last_seq = last.seq;
            let views = view_messages(&self.state, &self.conversation, found).await?;
            let told = views.iter().zip(seqs).map(|(view, seq)| sse::event("message", view).id(seq.to_string()));
            events.extend(told);
        }
    }

    /// Who answers and whether it is over, if that is not what was told last.
    async fn new_state(&mut self) -> Result<Option<Event>, StorageError> {
        let now = conversations::get(&self.state.db, self.conversation.shop, self.conversation.id).await?;
        let Some(now) = now else { return Ok(None) };
        let (handler, closed) = (now.handler, now.closed);
        self.conversation = now;
        if self.told == Some((handler, closed)) {
            return Ok(None);
        }
        self.told = Some((handler, closed));
        Ok(Some(sse::event("state", &json!({ "handler": handler, "closed": closed }))))
    }
}

#[async_trait]
impl sse::Listener for Chat {
    async fn catch_up(&mut self) -> Result<Vec<Event>, StorageError> {
        self.told = None;
        let state = self.new_state().await?;
        if self.has_left() {
            return Ok(vec![]);
        }
        let mut events = self.new_messages().await?;
        events.extend(state);
        let is_typing = is_typing(&self.state, &self.conversation).await?;
        events.push(sse::event("typing", &json!({ "is_typing": is_typing })));
        Ok(events)
    }

    async fn hear(&mut self, event: events::Event) -> Result<Vec<Event>, StorageError> {
        let id = self.conversation.id;
        if self.has_left() {
            return Ok(vec![]);
        }
        match event {
            events::Event::MessageAdded { conversation, seq } if conversation == id && seq > self.last_seq => {
                let mut events = self.new_messages().await?;
                // A buyer who writes opens a closed conversation again.
                events.extend(self.new_state().await?);
                Ok(events)
            }
            events::Event::ConversationChanged { conversation } if conversation == id => {
                Ok(self.new_state().await?.into_iter().collect())
            }
            events::Event::Typing { conversation, is_typing } if conversation == id => {
                Ok(vec![sse::event("typing", &json!({ "is_typing": is_typing }))])
            }
            _ => Ok(vec![]),
        }
    }
}

pub async fn stream_events(
    State(state): State<AppState>,
    buyer: Buyer,
    headers: HeaderMap,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let last_id = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let last_seq = last_id.and_then(|id| id.trim().parse().ok()).unwrap_or(0);
    let shop = buyer.conversation.shop;
    let bus = state.bus.subscribe_to(buyer.conversation.id);
    let opened_by = buyer.conversation.buyer_hash.clone();
    let chat = Chat { state: state.clone(), conversation: buyer.conversation, last_seq, told: None, opened_by };
    sse::open_on(&state, (shop, bus), chat).await
}
