//! A conversation as a line of the inbox.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::conversation::{Author, Handler, Simulated};
use crate::domain::decision::Reason;
use crate::domain::ids::{AccountId, ConversationId, ShopId, TurnId};
use crate::domain::text::Lang;
use crate::domain::turn::TurnState;
use crate::http::error::{ApiResult, Code};
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::inbox::{self, InboxRow};

/// Of the last message, as much as a line has room for.
const PREVIEW_CHARS: usize = 120;

#[derive(Debug, Serialize, JsonSchema)]
pub struct AgentView {
    id: AccountId,
    name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct LastMessage {
    author: Author,
    /// Its beginning.
    text: String,
    created_at_ms: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct NewestTurn {
    id: TurnId,
    state: TurnState,
    confidence: Option<f64>,
    reasons: Vec<Reason>,
}

/// A conversation as a line of the inbox.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConversationItem {
    id: ConversationId,
    lang: Lang,
    handler: Handler,
    /// Who has taken over.
    agent: Option<AgentView>,
    closed: bool,
    /// Set if no buyer is there: it belongs to a simulated day, answered by a script or by the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulated: Option<Simulated>,
    last_message: Option<LastMessage>,
    /// Since when the buyer has been waiting for the shop's side.
    waiting_since_ms: Option<i64>,
    newest_turn: Option<NewestTurn>,
    updated_at_ms: i64,
}

impl ConversationItem {
    /// A line.
    pub fn new(row: InboxRow, names: &Names) -> Self {
        let conversation = row.conversation;
        let last_message = row.last_message.map(|message| LastMessage {
            author: message.author,
            text: message.text.chars().take(PREVIEW_CHARS).collect(),
            created_at_ms: message.created_at_ms,
        });
        let newest_turn = row.newest_turn.map(|turn| NewestTurn {
            id: turn.id,
            state: turn.state,
            confidence: turn.confidence,
            reasons: turn.reasons,
        });
        Self {
            id: conversation.id,
            lang: conversation.lang,
            handler: conversation.handler,
            agent: conversation.agent.map(|id| AgentView { id, name: names.of_account(id) }),
            closed: conversation.closed,
            simulated: conversation.simulated,
            last_message,
            waiting_since_ms: row.waiting_since_ms,
            newest_turn,
            updated_at_ms: conversation.updated_at_ms,
        }
    }
}

/// One conversation as a line, or 404.
pub async fn read_item(state: &AppState, shop: ShopId, id: ConversationId) -> ApiResult<ConversationItem> {
    let row = inbox::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    Ok(ConversationItem::new(row, &Names::of(&state.db, shop).await?))
}
