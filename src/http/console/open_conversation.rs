//! `GET /v1/console/conversations/{id}`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::ConversationId;
use crate::http::console::items::{ConversationItem, read_item};
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::http::views::{MessageView, Told, TurnView, view_turns};
use crate::storage::{messages, turns};

/// The newest messages of a long conversation.
const MAX_MESSAGES: u32 = 1_000;

#[derive(Serialize, JsonSchema)]
pub struct ConversationAnswer {
    conversation: ConversationItem,
    messages: Vec<MessageView>,
    /// Oldest first.
    turns: Vec<TurnView>,
}

pub async fn open_conversation(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
) -> ApiResult<Json<ConversationAnswer>> {
    let shop = member.shop();
    let conversation = read_item(&state, shop, id).await?;
    let messages = messages::before(&state.db, shop, id, i64::MAX, MAX_MESSAGES).await?;
    let turns = turns::of_conversation(&state.db, shop, id).await?;
    let names = Names::of(&state.db, shop).await?;
    Ok(Json(ConversationAnswer {
        conversation,
        messages: Told { names: &names, widget: None }.messages(messages),
        turns: view_turns(&state.db, shop, turns).await?,
    }))
}
