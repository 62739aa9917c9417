//! Turns: one buyer message through one decision.
//!
//! A turn has a version. Whoever changes it says which version was seen; if another was there first, nothing happens
//! and the answer is `None`. So exactly one of the assistant, an agent who accepts, and an agent who edits replies.

mod ask;
mod settle;

use serde_json::Value;
use sqlx::any::AnyRow;

pub use ask::{Asked, NewQuestion, ask, ask_again, supersede_open};
pub use settle::{NewDecision, NewReply, keep_card, record_decision, reject, reply};

use super::columns::{Columns, Json};
use super::conversations::ConversationKind;
use super::{Db, StorageError};
use crate::domain::conversation::Citation;
use crate::domain::decision::{Decision, Evidence, Reason};
use crate::domain::ids::{ConversationId, MessageId, PolicyId, ShopId, TurnId};
use crate::domain::order_card::OrderCard;
use crate::domain::text::Lang;
use crate::domain::turn::TurnState;

/// One buyer message through one decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Identity.
    pub id: TurnId,
    /// The thread.
    pub conversation: ConversationId,
    /// The buyer's message.
    pub message: MessageId,
    /// Its text.
    pub question: String,
    /// Its language.
    pub lang: Lang,
    /// How far it has come.
    pub state: TurnState,
    /// Grows with every change.
    pub version: i64,
    /// What the assistant wrote.
    pub draft: Option<String>,
    /// Where the draft's statements come from.
    pub citations: Vec<Citation>,
    /// What is shown beside the draft.
    pub card: Option<OrderCard>,
    /// What was decided on.
    pub evidence: Option<Evidence>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// By which rules.
    pub policy: Option<PolicyId>,
    /// With which random draw, 0..1.
    pub draw: Option<f64>,
    /// Everything else that is needed to understand it later: hits, model, prompt, timings.
    pub record: Option<Value>,
    /// When it was asked.
    pub created_at_ms: i64,
    /// When it was decided.
    pub decided_at_ms: Option<i64>,
    /// When the buyer had a reply.
    pub replied_at_ms: Option<i64>,
}

/// Selects turns `t`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select t.id, t.conversation_id, t.message_id, t.question, t.lang, t.state, t.version, t.draft, ",
            "t.citations, t.card, t.evidence, t.decision, t.audit, t.reasons, t.policy_id, t.draw, t.record, ",
            "t.created_at_ms, t.decided_at_ms, t.replied_at_ms from turns t ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Turn, StorageError> {
    let evidence: Option<Json<Evidence>> = row.col("evidence")?;
    let record: Option<Json<Value>> = row.col("record")?;
    Ok(Turn {
        id: row.col("id")?,
        conversation: row.col("conversation_id")?,
        message: row.col("message_id")?,
        question: row.col("question")?,
        lang: row.col("lang")?,
        state: row.col("state")?,
        version: row.col("version")?,
        draft: row.col("draft")?,
        citations: row.json("citations")?,
        card: row.col::<Option<Json<OrderCard>>>("card")?.map(|json| json.0),
        evidence: evidence.map(|json| json.0),
        decision: read_decision(row)?,
        policy: row.col("policy_id")?,
        draw: row.col("draw")?,
        record: record.map(|json| json.0),
        created_at_ms: row.col("created_at_ms")?,
        decided_at_ms: row.col("decided_at_ms")?,
        replied_at_ms: row.col("replied_at_ms")?,
    })
}

/// From the columns `decision`, `audit` and `reasons`.
pub(super) fn read_decision(row: &AnyRow) -> Result<Option<Decision>, StorageError> {
    let Some(code) = row.col::<Option<String>>("decision")? else { return Ok(None) };
    let reasons: Vec<Reason> = row.json("reasons")?;
    match code.as_str() {
        "auto_send" => Ok(Some(Decision::AutoSend { audit: row.flag("audit")? })),
        "review" => Ok(Some(Decision::Review { reasons })),
        "escalate" => Ok(Some(Decision::Escalate { reasons })),
        _ => Err(StorageError::Damaged { what: format!("a turn's decision is `{code}`") }),
    }
}

/// One turn.
pub async fn get(db: &Db, shop: ShopId, turn: TurnId) -> Result<Option<Turn>, StorageError> {
    let row = sqlx::query(select!("where t.shop_id = $1 and t.id = $2"))
        .bind(shop)
        .bind(turn)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The turns of a conversation, oldest first.
pub async fn of_conversation(db: &Db, shop: ShopId, conversation: ConversationId) -> Result<Vec<Turn>, StorageError> {
    let rows = sqlx::query(select!(
        "join messages q on q.id = t.message_id where t.shop_id = $1 and t.conversation_id = $2 order by q.seq"
    ))
    .bind(shop)
    .bind(conversation)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// What waits for an agent, angry buyers first, then the longest waiting: drafts to review, escalations, and rejected
/// drafts that nothing was sent instead of. Test questions of staff wait for nobody.
pub async fn queue(db: &Db, shop: ShopId, limit: u32) -> Result<Vec<Turn>, StorageError> {
    let rows = sqlx::query(select!(
        "join conversations c on c.id = t.conversation_id and c.kind = 'buyer' \
         where t.shop_id = $1 and t.state in ('review', 'escalated', 'rejected') \
         order by case when t.reasons like '%\"angry\"%' then 0 else 1 end, t.created_at_ms, t.id limit $2"
    ))
    .bind(shop)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Which turns are listed.
#[derive(Debug, Clone, Copy)]
pub struct TurnQuery<'a> {
    /// Of buyers, or of staff.
    pub kind: ConversationKind,
    /// Only in this state.
    pub state: Option<TurnState>,
    /// Only with this decision: its code.
    pub decision: Option<&'a str>,
    /// Only about this.
    pub topic: Option<&'a str>,
    /// Only asked before: the way to the next page.
    pub before_ms: i64,
    /// At most so many.
    pub limit: u32,
}

/// Turns, newest first.
pub async fn list_recent(db: &Db, shop: ShopId, query: &TurnQuery<'_>) -> Result<Vec<Turn>, StorageError> {
    let rows = sqlx::query(select!(
        "join conversations c on c.id = t.conversation_id and c.kind = $7 \
         where t.shop_id = $1 and ($2 is null or t.state = $2) and ($3 is null or t.decision = $3) \
         and ($4 is null or t.topic = $4) and t.created_at_ms < $5 order by t.created_at_ms desc, t.id desc limit $6"
    ))
    .bind(shop)
    .bind(query.state)
    .bind(query.decision)
    .bind(query.topic)
    .bind(query.before_ms)
    .bind(i64::from(query.limit))
    .bind(query.kind)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

#[cfg(test)]
pub(super) mod tests;

/// Whether an answer is being written in the conversation.
pub async fn is_any_asked(db: &Db, shop: ShopId, conversation: ConversationId) -> Result<bool, StorageError> {
    let row =
        sqlx::query("select id from turns where shop_id = $1 and conversation_id = $2 and state = 'asked' limit 1")
            .bind(shop)
            .bind(conversation)
            .fetch_optional(&db.readers)
            .await?;
    Ok(row.is_some())
}
