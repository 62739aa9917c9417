//! What buyers and agents see of messages and turns.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::conversation::{Author, Citation};
use crate::domain::decision::{Decision, Reason};
use crate::domain::golden::GoldenMatch;
use crate::domain::ids::{ChunkId, ConversationId, DocumentId, MessageId, ShopId, TurnId};
use crate::domain::mood::{Mood, mood};
use crate::domain::order_card::OrderCard;
use crate::domain::record::{AnswerRecord, StageTimes, Unsupported};
use crate::domain::text::{Lang, Span};
use crate::domain::turn::TurnState;
use crate::http::people::Names;
use crate::storage::messages::Message;
use crate::storage::turns::Turn;
use crate::storage::widgets::WidgetSettings;
use crate::storage::{Db, StorageError, chunks};

/// Where a statement of a message comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageCitation {
    /// The mark in the text, from 1.
    number: u32,
    document: String,
    heading_path: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    quote: String,
}

impl From<Citation> for MessageCitation {
    fn from(citation: Citation) -> Self {
        let Citation { number, document, heading_path, page, quote, .. } = citation;
        Self { number, document, heading_path, page, quote }
    }
}

/// A notice of the system, to be put into words by the page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Notice {
    /// `person_will_answer`, `taken_over`, `handed_back`, `closed`, `reopened`, `trimmed`.
    code: String,
    /// When people are there, in the shop's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<String>,
    /// Where people are to be found otherwise, in the shop's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
}

/// An order, to be drawn by the page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CardView {
    #[serde(flatten)]
    card: OrderCard,
    /// Whether it says all that the text says: the page may then show it in place of the text.
    is_whole: bool,
}

impl CardView {
    fn new(card: OrderCard, text: &str) -> Self {
        Self { is_whole: card.to_text() == text, card }
    }
}

/// One utterance.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageView {
    id: MessageId,
    /// 1, 2, 3 … within the conversation.
    seq: i64,
    author: Author,
    #[serde(skip_serializing_if = "Option::is_none")]
    author_name: Option<String>,
    /// Of a notice: its code.
    text: String,
    citations: Vec<MessageCitation>,
    /// What a page shows beside the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<CardView>,
    /// 1, -1, or null.
    thumbs: Option<i8>,
    created_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn_id: Option<TurnId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<Notice>,
    /// What its sender called it: the sender knows its message again, wherever it hears of it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<String>,
}

/// What a message is shown with.
pub struct Told<'a> {
    /// Names of the shop's people.
    pub names: &'a Names,
    /// What the widget says about people; none for agents.
    pub widget: Option<&'a WidgetSettings>,
}

impl Told<'_> {
    /// One message.
    pub fn message(&self, message: Message) -> MessageView {
        let is_notice = message.author == Author::Notice;
        let filled = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let notice = is_notice.then(|| Notice {
            code: message.text.clone(),
            hours: self.widget.and_then(|widget| filled(&widget.hours)),
            contact: self.widget.and_then(|widget| filled(&widget.contact)),
        });
        MessageView {
            id: message.id,
            seq: message.seq,
            author: message.author,
            author_name: message.account.map(|account| self.names.of_account(account)),
            card: message.card.map(|card| CardView::new(card, &message.text)),
            text: message.text,
            citations: message.citations.into_iter().map(MessageCitation::from).collect(),
            thumbs: message.thumbs.map(|is_up| if is_up { 1 } else { -1 }),
            created_at_ms: message.created_at_ms,
            turn_id: message.turn,
            notice,
            client_key: message.client_key,
        }
    }

    /// Several.
    pub fn messages(&self, messages: Vec<Message>) -> Vec<MessageView> {
        messages.into_iter().map(|message| self.message(message)).collect()
    }
}

/// Where a statement of a draft comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TurnCitation {
    number: u32,
    chunk: ChunkId,
    document: String,
    /// Null once the chunk does not answer any more.
    document_id: Option<DocumentId>,
    heading_path: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    quote: String,
    /// Bytes of the document's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
    /// Each quoted sentence, in bytes of the document's text; empty where it is not known.
    parts: Vec<Span>,
}

/// One buyer message through one decision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TurnView {
    id: TurnId,
    conversation_id: ConversationId,
    question: String,
    lang: Lang,
    state: TurnState,
    /// To be sent back by whoever decides.
    version: i64,
    draft: Option<String>,
    /// What is shown beside the draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<CardView>,
    citations: Vec<TurnCitation>,
    /// How sure the assistant is of its draft; null where there is none.
    confidence: Option<f64>,
    topic: String,
    /// How the message sounds.
    mood: Mood,
    /// `auto_send`, `review`, `escalate`, or null while it is being written.
    decision: Option<String>,
    reasons: Vec<Reason>,
    /// In characters of the draft.
    unsupported: Vec<Unsupported>,
    /// The golden answer that the draft is, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    golden: Option<GoldenMatch>,
    created_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replied_at_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<StageTimes>,
}

/// Shows turns; the documents of all their citations are looked up at once.
pub async fn view_turns(db: &Db, shop: ShopId, turns: Vec<Turn>) -> Result<Vec<TurnView>, StorageError> {
    let mut cited: Vec<ChunkId> =
        turns.iter().flat_map(|turn| &turn.citations).map(|citation| citation.chunk).collect();
    cited.sort_unstable();
    cited.dedup();
    let mut documents = HashMap::new();
    // A statement has room for so many placeholders on every engine.
    for ids in cited.chunks(500) {
        let found = chunks::by_ids(db, shop, ids).await?;
        documents.extend(found.into_iter().map(|chunk| (chunk.id, chunk.document_id)));
    }
    Ok(turns.into_iter().map(|turn| view_turn(turn, &documents)).collect())
}

fn view_turn(mut turn: Turn, documents: &HashMap<ChunkId, DocumentId>) -> TurnView {
    if turn.decision.as_ref().is_some_and(Decision::is_shadowed) {
        (turn.draft, turn.citations, turn.card, turn.record) = (None, vec![], None, None);
    }
    let record = read_record(&turn);
    let citation = |citation: Citation| TurnCitation {
        number: citation.number,
        chunk: citation.chunk,
        document: citation.document,
        document_id: documents.get(&citation.chunk).copied(),
        heading_path: citation.heading_path,
        page: citation.page,
        quote: citation.quote,
        span: citation.span,
        parts: citation.parts,
    };
    TurnView {
        id: turn.id,
        conversation_id: turn.conversation,
        mood: mood(&turn.question),
        question: turn.question,
        lang: turn.lang,
        state: turn.state,
        version: turn.version,
        confidence: turn.evidence.as_ref().filter(|_| turn.draft.is_some()).map(|seen| seen.confidence.value()),
        card: turn.card.map(|card| CardView::new(card, turn.draft.as_deref().unwrap_or_default())),
        draft: turn.draft,
        citations: turn.citations.into_iter().map(citation).collect(),
        topic: turn.evidence.map_or_else(|| "other".into(), |evidence| evidence.asked_about().to_owned()),
        decision: turn.decision.as_ref().map(|decision| decision.code().to_owned()),
        reasons: turn.decision.map(|decision| decision.reasons().to_vec()).unwrap_or_default(),
        ms: record.as_ref().map(|record| record.ms),
        golden: record.as_ref().and_then(|record| record.golden.clone()),
        unsupported: record.map(|record| record.unsupported).unwrap_or_default(),
        created_at_ms: turn.created_at_ms,
        decided_at_ms: turn.decided_at_ms,
        replied_at_ms: turn.replied_at_ms,
    }
}

/// How an answer was made; `None` before it is decided. A record that cannot be read is as good as none: it is for the
/// curious, and must not hide the turn.
pub fn read_record(turn: &Turn) -> Option<AnswerRecord> {
    let record = turn.record.clone()?;
    serde_json::from_value(record)
        .inspect_err(|error| tracing::warn!(turn.id = %turn.id, %error, "the record of a turn cannot be read"))
        .ok()
}
