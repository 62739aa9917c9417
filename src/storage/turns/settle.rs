//! A turn is decided, replied to, or rejected.

use serde_json::Value;

use crate::domain::conversation::{Author, Citation};
use crate::domain::decision::{Decision, Evidence};
use crate::domain::ids::{AccountId, ConversationId, PolicyId, ShopId, TurnId};
use crate::domain::order_card::OrderCard;
use crate::domain::turn::TurnState;
use crate::storage::columns::{Columns, Json};
use crate::storage::inbox::place;
use crate::storage::messages::{self, Message, NewMessage};
use crate::storage::{StorageError, Tx, assignments};

/// What was decided, with all that it was decided on.
#[derive(Debug, Clone, Copy)]
pub struct NewDecision<'a> {
    /// Of which turn.
    pub turn: TurnId,
    /// The version that was worked on.
    pub expected_version: i64,
    /// What the assistant wrote, if it came to that.
    pub draft: Option<&'a str>,
    /// Where the draft's statements come from.
    pub citations: &'a [Citation],
    /// What was decided on; its topic and confidence are kept apart, to search by.
    pub evidence: &'a Evidence,
    /// What was decided.
    pub decision: &'a Decision,
    /// By which rules.
    pub policy: PolicyId,
    /// With which random draw, 0..1.
    pub draw: f64,
    /// Everything else that is needed to understand it later.
    pub record: &'a Value,
}

/// Keeps a decision and holds the turn for an agent where that was decided; somebody on duty is given it then. An auto-send leaves it `asked`: [`reply`]
/// follows in the same transaction. Returns the turn's new version; `None` if the turn is not the one that was worked
/// on any more, and nothing was written.
pub async fn record_decision(tx: &mut Tx, shop: ShopId, new: &NewDecision<'_>) -> Result<Option<i64>, StorageError> {
    let state = match new.decision {
        Decision::AutoSend { .. } => TurnState::Asked,
        Decision::Review { .. } => TurnState::Review,
        Decision::Escalate { .. } => TurnState::Escalated,
    };
    hold(tx, shop, new.turn).await?;
    let is_audited = matches!(new.decision, Decision::AutoSend { audit: true });
    let now_ms = tx.now_ms();
    let row = sqlx::query(
        "update turns set state = $4, version = version + 1, draft = $5, citations = $6, evidence = $7, \
         confidence = $8, topic = $9, decision = $10, audit = $11, reasons = $12, policy_id = $13, draw = $14, \
         record = $15, decided_at_ms = $16 \
         where shop_id = $1 and id = $2 and version = $3 and state = 'asked' returning version, conversation_id",
    )
    .bind(shop)
    .bind(new.turn)
    .bind(new.expected_version)
    .bind(state)
    .bind(new.draft)
    .bind(Json(new.citations))
    .bind(Json(new.evidence))
    .bind(new.evidence.confidence.value())
    .bind(&new.evidence.topic)
    .bind(new.decision.code())
    .bind(i64::from(is_audited))
    .bind(Json(new.decision.reasons()))
    .bind(new.policy)
    .bind(new.draw)
    .bind(Json(new.record))
    .bind(now_ms)
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let conversation: ConversationId = row.col("conversation_id")?;
    place::refresh(tx, shop, conversation).await?;
    if state != TurnState::Asked {
        assignments::give_waiting(tx, shop, conversation).await?;
    }
    Ok(Some(row.col("version")?))
}

/// Holds the turn's conversation until the end of the transaction. Everybody who touches turns and messages together
/// takes the conversation first; otherwise a new question and a reply could wait for each other on Postgres.
async fn hold(tx: &mut Tx, shop: ShopId, turn: TurnId) -> Result<(), StorageError> {
    sqlx::query(
        "update conversations set next_seq = next_seq where shop_id = $1 \
         and id = (select conversation_id from turns where shop_id = $1 and id = $2)",
    )
    .bind(shop)
    .bind(turn)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What the buyer is told.
#[derive(Debug, Clone, Copy)]
pub struct NewReply<'a> {
    /// In which turn.
    pub turn: TurnId,
    /// The version that was seen.
    pub expected_version: i64,
    /// By whom: the assistant, an agent with a draft of ours, or an agent in own words.
    pub author: Author,
    /// The person behind it.
    pub account: Option<AccountId>,
    /// In so many words.
    pub text: &'a str,
    /// Where its statements come from.
    pub citations: &'a [Citation],
}

/// Replies to the buyer. Of several who try at once exactly one does; the others get `None`, and nothing was written.
/// The assistant replies only where an auto-send was decided; a person replies in any state that has no reply yet.
pub async fn reply(tx: &mut Tx, shop: ShopId, new: &NewReply<'_>) -> Result<Option<Message>, StorageError> {
    let sql = match new.author {
        Author::Assistant => {
            "update turns set state = 'replied', version = version + 1, replied_at_ms = $4 \
             where shop_id = $1 and id = $2 and version = $3 and state = 'asked' and decision = 'auto_send' \
             returning conversation_id, draft"
        }
        Author::Reviewed | Author::Agent => {
            "update turns set state = 'replied', version = version + 1, replied_at_ms = $4 \
             where shop_id = $1 and id = $2 and version = $3 \
             and state in ('asked', 'review', 'escalated', 'rejected') and not exists (select 1 from conversations c \
             where c.id = turns.conversation_id and c.kind = 'rehearsal') \
             returning conversation_id, draft"
        }
        // Neither answers for the shop.
        Author::Buyer | Author::Notice => return Ok(None),
    };
    hold(tx, shop, new.turn).await?;
    let now_ms = tx.now_ms();
    let row = sqlx::query(sql)
        .bind(shop)
        .bind(new.turn)
        .bind(new.expected_version)
        .bind(now_ms)
        .fetch_optional(tx.connection())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let conversation: ConversationId = row.col("conversation_id")?;
    let message = NewMessage {
        author: new.author,
        account: new.account,
        text: new.text,
        citations: new.citations,
        turn: Some(new.turn),
        client_key: None,
    };
    let mut message = messages::append(tx, shop, conversation, &message).await?;
    // An agent's own words stand alone, and so does a draft that an agent has changed: the card may be what was wrong.
    let draft: Option<String> = row.col("draft")?;
    if new.author != Author::Agent && draft.as_deref() == Some(new.text) {
        messages::show_card(tx, shop, &mut message).await?;
    }
    place::refresh(tx, shop, conversation).await?;
    Ok(Some(message))
}

/// Keeps what is shown beside the draft of a turn that was decided in this transaction.
pub async fn keep_card(tx: &mut Tx, shop: ShopId, turn: TurnId, card: &OrderCard) -> Result<(), StorageError> {
    sqlx::query("update turns set card = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(turn)
        .bind(Json(card))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Refuses a draft: the turn waits for an agent's own words. Returns its new version; `None` if another version is
/// there, or it is not held for an agent.
pub async fn reject(
    tx: &mut Tx,
    shop: ShopId,
    turn: TurnId,
    expected_version: i64,
) -> Result<Option<i64>, StorageError> {
    let row = sqlx::query(
        "update turns set state = 'rejected', version = version + 1 \
         where shop_id = $1 and id = $2 and version = $3 and state in ('review', 'escalated') and not exists \
         (select 1 from conversations c where c.id = turns.conversation_id and c.kind = 'rehearsal') \
         returning version, conversation_id",
    )
    .bind(shop)
    .bind(turn)
    .bind(expected_version)
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    place::refresh(tx, shop, row.col("conversation_id")?).await?;
    Ok(Some(row.col("version")?))
}
