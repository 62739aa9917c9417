//! `GET /v1/console/events`: agents, ops, owners. Hints where to look again; drafts as they are written.

use std::convert::Infallible;

use async_trait::async_trait;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures::Stream;
use serde_json::json;

use crate::domain::ids::ShopId;
use crate::events;
use crate::http::error::ApiResult;
use crate::http::guard::Member;
use crate::http::sse;
use crate::http::state::AppState;
use crate::storage::{StorageError, turns};

struct Desk {
    state: AppState,
    shop: ShopId,
}

#[async_trait]
impl sse::Listener for Desk {
    async fn catch_up(&mut self) -> Result<Vec<Event>, StorageError> {
        Ok(vec![sse::event("resync", &json!({}))])
    }

    async fn hear(&mut self, event: events::Event) -> Result<Vec<Event>, StorageError> {
        let told = match event {
            events::Event::MessageAdded { conversation, seq } => {
                sse::event("message", &json!({ "conversation_id": conversation, "seq": seq }))
            }
            events::Event::TurnChanged { conversation, turn } => {
                let Some(now) = turns::get(&self.state.db, self.shop, turn).await? else { return Ok(vec![]) };
                sse::event("queue", &json!({ "turn_id": turn, "conversation_id": conversation, "state": now.state }))
            }
            events::Event::ConversationChanged { conversation } => {
                sse::event("conversation", &json!({ "conversation_id": conversation }))
            }
            events::Event::DraftToken { turn, text } => sse::event("draft", &json!({ "turn_id": turn, "text": text })),
            events::Event::TaskChanged { task, conversation } => {
                sse::event("task", &json!({ "task_id": task, "conversation_id": conversation }))
            }
            events::Event::CommitmentChanged { commitment, conversation, news } => {
                let told = json!({ "commitment_id": commitment, "conversation_id": conversation, "news": news });
                sse::event("commitment", &told)
            }
            events::Event::DaySummedUp => sse::event("day", &json!({})),
            events::Event::HandedOver => sse::event("handover", &json!({})),
            events::Event::RecordsChanged => sse::event("records", &json!({})),
            events::Event::Watching { conversation, account, name, doing } => sse::event(
                "watching",
                &json!({ "conversation_id": conversation, "account_id": account, "name": name, "doing": doing }),
            ),
            events::Event::Typing { .. }
            | events::Event::RevisionChanged { .. }
            | events::Event::RehearsalMoved { .. }
            | events::Event::PolicyChanged => return Ok(vec![]),
        };
        Ok(vec![told])
    }
}

pub async fn stream_events(
    State(state): State<AppState>,
    member: Member,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let desk = Desk { state: state.clone(), shop: member.shop() };
    sse::open(&state, member.shop(), desk).await
}
