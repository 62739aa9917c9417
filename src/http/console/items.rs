//! A conversation as a line of the inbox.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::conversation::{Author, Handler, Simulated};
use crate::domain::decision::Reason;
use crate::domain::ids::{AccountId, ConversationId, ShopId, TurnId};
use crate::domain::inbox::{InboxRules, ReplyClock, ReplyKind};
use crate::domain::text::Lang;
use crate::domain::turn::TurnState;
use crate::http::error::{ApiResult, Code};
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::inbox::{self, Cursor, InboxRow};
use crate::storage::inbox_rules;

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
    /// The beginning of the buyer's words.
    question: String,
    topic: String,
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
    /// Whose it is; the assistant may still be the one who answers.
    assignee: Option<AgentView>,
    /// Whether it was passed to a lead.
    escalated: bool,
    /// Whether somebody has marked it.
    marked: bool,
    tags: Vec<String>,
    /// Since when the buyer has been waiting for the shop's side.
    waiting_since_ms: Option<i64>,
    /// Until when a reply is due; null where nobody waits.
    clock: Option<ReplyClock>,
    newest_turn: Option<NewestTurn>,
    updated_at_ms: i64,
}

/// What a line is shown with.
pub struct Shown<'a> {
    /// Names of the shop's people.
    pub names: &'a Names,
    /// How fast buyers are to be answered.
    pub rules: &'a InboxRules,
}

impl Shown<'_> {
    /// A line.
    pub fn item(&self, row: InboxRow) -> ConversationItem {
        let begin = |text: &str| text.chars().take(PREVIEW_CHARS).collect();
        let agent = |id: AccountId| AgentView { id, name: self.names.of_account(id) };
        let conversation = row.conversation;
        let last_message = row.last_message.map(|message| LastMessage {
            author: message.author,
            text: begin(&message.text),
            created_at_ms: message.created_at_ms,
        });
        let newest_turn = row.newest_turn.map(|turn| NewestTurn {
            id: turn.id,
            question: begin(&turn.question),
            topic: turn.topic,
            state: turn.state,
            confidence: turn.confidence,
            reasons: turn.reasons,
        });
        let kind = if row.last_reply_by.is_none() { ReplyKind::First } else { ReplyKind::Next };
        ConversationItem {
            id: conversation.id,
            lang: conversation.lang,
            handler: conversation.handler,
            agent: conversation.agent.map(agent),
            closed: conversation.closed,
            simulated: conversation.simulated,
            last_message,
            assignee: row.assignee.map(agent),
            escalated: row.is_escalated,
            marked: row.is_marked,
            tags: row.tags,
            clock: row.waiting_since_ms.map(|since_ms| self.rules.clock(since_ms, kind)),
            waiting_since_ms: row.waiting_since_ms,
            newest_turn,
            updated_at_ms: conversation.updated_at_ms,
        }
    }
}

/// One conversation as a line, or 404.
pub async fn read_item(state: &AppState, shop: ShopId, id: ConversationId) -> ApiResult<ConversationItem> {
    let row = inbox::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let names = Names::of(&state.db, shop).await?;
    Ok(Shown { names: &names, rules: &inbox_rules::current(&state.db, shop).await? }.item(row))
}

/// Where the page behind a line begins.
pub fn cursor_of(row: &InboxRow) -> String {
    format!("{}.{}", row.place_ms, row.conversation.id)
}

/// The same, read back.
pub fn read_cursor(text: &str) -> ApiResult<Cursor> {
    let parts = text.split_once('.').and_then(|(place, id)| Some((place.parse().ok()?, id.parse().ok()?)));
    let (place_ms, conversation) = parts.ok_or(Code::QueryInvalid)?;
    Ok(Cursor { place_ms, conversation })
}
