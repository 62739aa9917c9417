//! Buyers: the keys that a shop signs their identity with, and everything that is kept of one of them.
//!
//! # Why
//! A buyer has no row of their own: who they are is an id that the shop signed, or one conversation for an anonymous
//! one. What is kept of them hangs on conversations, so both taking it out and handing it over begin there.

use serde_json::{Value, json};
use sqlx::any::AnyRow;

use super::columns::Columns;
use super::seal::Place;
use super::secrets::BUYER_KEY;
use super::{Db, Dialect, StorageError, Tx, assignments, conversations, feedback, messages, tags, turns};
use crate::domain::ids::{BuyerKeyId, ConversationId, ShopId};

/// A key that is being replaced still works beside the new one.
pub const MAX_KEYS: usize = 2;

/// Messages read of one conversation; it cannot hold more in its lifetime by far.
const ALL: u32 = 1_000_000;

/// What a key signs. A key of one kind opens nothing of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyPurpose {
    /// Who a buyer is.
    Identity,
    /// What happened to an order.
    Webhook,
}

/// A key that a shop signs with.
#[derive(Clone, PartialEq, Eq)]
pub struct BuyerKey {
    /// Stands in the head of what is signed, so that the right key is tried.
    pub id: BuyerKeyId,
    /// The key, in hexadecimal: it has to be known to check a signature.
    pub secret: String,
    /// When it was made.
    pub created_at_ms: i64,
}

/// Makes a key; `None` if there are as many as there may be.
pub async fn create_key(
    tx: &mut Tx,
    shop: ShopId,
    (purpose, secret): (KeyPurpose, &str),
) -> Result<Option<BuyerKey>, StorageError> {
    let known = sqlx::query("select id from buyer_keys where shop_id = $1 and purpose = $2")
        .bind(shop)
        .bind(purpose)
        .fetch_all(tx.connection())
        .await?;
    if known.len() >= MAX_KEYS {
        return Ok(None);
    }
    let key = BuyerKey { id: BuyerKeyId(tx.new_id()), secret: secret.to_owned(), created_at_ms: tx.now_ms() };
    let sealed = tx.keys.seal(secret, Place { column: BUYER_KEY, id: key.id.0 })?;
    sqlx::query("insert into buyer_keys (id, shop_id, purpose, secret, created_at_ms) values ($1, $2, $3, $4, $5)")
        .bind(key.id)
        .bind(shop)
        .bind(purpose)
        .bind(sealed)
        .bind(key.created_at_ms)
        .execute(tx.connection())
        .await?;
    Ok(Some(key))
}

/// The shop's keys for a purpose, oldest first.
pub async fn keys(db: &Db, shop: ShopId, purpose: KeyPurpose) -> Result<Vec<BuyerKey>, StorageError> {
    let rows = sqlx::query(
        "select id, secret, created_at_ms from buyer_keys where shop_id = $1 and purpose = $2 order by created_at_ms, id",
    )
    .bind(shop)
    .bind(purpose)
    .fetch_all(&db.readers)
    .await?;
    let read = |row: &AnyRow| {
        let (id, stored): (BuyerKeyId, String) = (row.col("id")?, row.col("secret")?);
        let secret = db.keys.open(&stored, Place { column: BUYER_KEY, id: id.0 })?;
        Ok(BuyerKey { id, secret, created_at_ms: row.col("created_at_ms")? })
    };
    rows.iter().map(read).collect()
}

/// Takes a key away: what it signed is worth nothing from the commit on.
pub async fn remove_key(
    tx: &mut Tx,
    shop: ShopId,
    (purpose, key): (KeyPurpose, BuyerKeyId),
) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from buyer_keys where shop_id = $1 and id = $2 and purpose = $3")
        .bind(shop)
        .bind(key)
        .bind(purpose)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes who the shop says the buyer of a conversation is, and until when its word holds.
pub async fn identify(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    (buyer, until_ms): (&str, i64),
) -> Result<bool, StorageError> {
    let done =
        sqlx::query("update conversations set buyer_id = $3, identified_until_ms = $4 where shop_id = $1 and id = $2")
            .bind(shop)
            .bind(conversation)
            .bind(buyer)
            .bind(until_ms)
            .execute(tx.connection())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Whom the shop's word still names at this moment. A browser keeps the conversation for longer than its buyer sits
/// before it, so what is told to the one who writes rests on this, and never on [`buyer_of`].
pub async fn present_buyer_of(
    db: &Db,
    shop: ShopId,
    conversation: ConversationId,
) -> Result<Option<String>, StorageError> {
    let row =
        sqlx::query("select buyer_id from conversations where shop_id = $1 and id = $2 and identified_until_ms > $3")
            .bind(shop)
            .bind(conversation)
            .bind(db.now_ms())
            .fetch_optional(&db.readers)
            .await?;
    row.map_or(Ok(None), |row| row.col("buyer_id"))
}

/// Who the shop says began a conversation; `None` for an anonymous one. For the shop's own people.
pub async fn buyer_of(db: &Db, shop: ShopId, conversation: ConversationId) -> Result<Option<String>, StorageError> {
    let row = sqlx::query("select buyer_id from conversations where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(conversation)
        .fetch_optional(&db.readers)
        .await?;
    row.map_or(Ok(None), |row| row.col("buyer_id"))
}

/// Whose data is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Somebody whom the shop has named.
    Buyer(String),
    /// An anonymous buyer, who is known by one conversation only.
    Conversation(ConversationId),
}

/// The conversations of a buyer, oldest first.
pub async fn conversations_of(db: &Db, shop: ShopId, who: &Subject) -> Result<Vec<ConversationId>, StorageError> {
    let (column, value) = match who {
        Subject::Buyer(buyer) => ("buyer_id", buyer.clone()),
        Subject::Conversation(conversation) => ("id", conversation.to_string()),
    };
    let sql = match column {
        "buyer_id" => "select id from conversations where shop_id = $1 and buyer_id = $2 order by created_at_ms, id",
        _ => "select id from conversations where shop_id = $1 and id = $2",
    };
    let rows = sqlx::query(sql).bind(shop).bind(value).fetch_all(&db.readers).await?;
    rows.iter().map(|row| row.col("id")).collect()
}

/// Everything that is kept of a buyer, as one structure.
pub async fn export(db: &Db, shop: ShopId, who: &Subject) -> Result<Vec<Value>, StorageError> {
    let mut all = Vec::new();
    for id in conversations_of(db, shop, who).await? {
        let Some(conversation) = conversations::get(db, shop, id).await? else { continue };
        let said = messages::after(db, shop, id, 0, ALL).await?;
        let said: Vec<_> = said
            .iter()
            .map(|message| {
                json!({
                    "at_ms": message.created_at_ms,
                    "author": message.author,
                    "text": message.text,
                    "thumbs": message.thumbs,
                    // Copies keep the mark that the chat shows beside an answer of the assistant.
                    "ai_generated": message.author == crate::domain::conversation::Author::Assistant,
                })
            })
            .collect();
        let mut asked = Vec::new();
        for turn in turns::of_conversation(db, shop, id).await? {
            let verdicts = feedback::of_turn(db, shop, turn.id).await?;
            asked.push(json!({
                "at_ms": turn.created_at_ms,
                "question": turn.question,
                "draft": turn.draft,
                "state": turn.state,
                "verdicts": verdicts.iter().map(|one| json!({ "verdict": one.verdict, "final_text": one.final_text })).collect::<Vec<_>>(),
            }));
        }
        let handed_on = assignments::transfers(db, shop, id).await?;
        let handed_on: Vec<_> =
            handed_on.iter().map(|one| json!({ "at_ms": one.created_at_ms, "reason": one.reason })).collect();
        all.push(json!({
            "id": id,
            "lang": conversation.lang,
            "product": conversation.sku,
            "began_at_ms": conversation.created_at_ms,
            "messages": said,
            "turns": asked,
            "tags": tags::of(db, shop, &[id]).await?.remove(&id).unwrap_or_default(),
            "handed_on": handed_on,
        }));
    }
    Ok(all)
}

/// What was deleted of a buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Erased {
    /// Threads.
    pub n_conversations: u64,
    /// Utterances.
    pub n_messages: u64,
    /// Questions with their drafts, evidence and records.
    pub n_turns: u64,
    /// What agents did with the drafts, with the texts they wrote.
    pub n_feedback: u64,
    /// Golden answers that were learned from them, approved or not.
    pub n_golden: u64,
    /// What was proven and looked at by means of them.
    pub n_labels: u64,
    /// Queued work about them.
    pub n_jobs: u64,
    /// What people had to do for them.
    pub n_tasks: u64,
    /// What they were told would be done for them.
    pub n_commitments: u64,
    /// Orders that are nobody's now: the shop has to keep them, without knowing whose they were.
    pub n_orders_cut_loose: u64,
}

/// Deletes everything that is kept of a buyer, in this transaction; what was learned from their words goes, too.
pub async fn erase(tx: &mut Tx, shop: ShopId, conversations: &[ConversationId]) -> Result<Erased, StorageError> {
    // On SQLite deleted rows are overwritten, not only forgotten: see `SQLITE_PRAGMAS`.
    let statements = [
        "delete from jobs where shop_id = $1 and exists (select 1 from turns t where t.shop_id = $1 and \
         t.conversation_id = $2 and jobs.payload like '%' || t.id || '%')",
        "delete from golden_embeddings where phrasing_id in (select p.id from golden_phrasings p \
         join golden_answers g on g.id = p.golden_id join turns t on t.id = g.turn_id \
         where g.shop_id = $1 and t.conversation_id = $2)",
        "delete from golden_phrasings where shop_id = $1 and golden_id in (select g.id from golden_answers g \
         join turns t on t.id = g.turn_id where g.shop_id = $1 and t.conversation_id = $2)",
        // The row stays, without its words: its version tells the caches that something is gone.
        "update golden_answers set answer = '', state = 'off', turn_id = null, removed_at_ms = created_at_ms, \
         version = (select max(version) + 1 from golden_answers where shop_id = $1) \
         where shop_id = $1 and turn_id in (select id from turns where conversation_id = $2)",
        "delete from labels where shop_id = $1 and turn_id in (select id from turns where conversation_id = $2)",
        "delete from looks where shop_id = $1 and turn_id in (select id from turns where conversation_id = $2)",
        "delete from bases where shop_id = $1 and turn_id in (select id from turns where conversation_id = $2)",
        "delete from reasked where shop_id = $1 and turn_id in (select id from turns where conversation_id = $2)",
        "delete from feedback where shop_id = $1 and turn_id in (select id from turns where conversation_id = $2)",
        "delete from turns where shop_id = $1 and conversation_id = $2",
        "delete from tasks where shop_id = $1 and conversation_id = $2",
        "delete from commitments where shop_id = $1 and conversation_id = $2",
        "delete from order_lookups where shop_id = $1 and conversation_id = $2",
        "delete from conversation_tags where shop_id = $1 and conversation_id = $2",
        "delete from transfers where shop_id = $1 and conversation_id = $2",
        "delete from messages where shop_id = $1 and conversation_id = $2",
        "delete from conversations where shop_id = $1 and id = $2",
    ];
    let mut erased = Erased::default();
    for conversation in conversations {
        let mut counts = [0; 17];
        for (count, sql) in counts.iter_mut().zip(statements) {
            let done = sqlx::query(sql).bind(shop).bind(*conversation).execute(tx.connection()).await?;
            *count = done.rows_affected();
        }
        let [
            jobs,
            _,
            _,
            golden,
            labels,
            looks,
            bases,
            reasked,
            feedback,
            turns,
            tasks,
            told,
            _,
            _,
            _,
            messages,
            threads,
        ] = counts;
        erased.n_golden += golden;
        erased.n_jobs += jobs;
        erased.n_labels += labels + looks + bases + reasked;
        erased.n_feedback += feedback;
        erased.n_turns += turns;
        erased.n_tasks += tasks;
        erased.n_commitments += told;
        erased.n_messages += messages;
        erased.n_conversations += threads;
    }
    Ok(erased)
}

/// Folds SQLite's log into the file, so that no copy of a deleted row stays there; true if nothing is left in it.
/// Postgres vacuums by itself, in its own time: false.
pub async fn settle_log(db: &Db) -> Result<bool, StorageError> {
    if db.dialect() != Dialect::Sqlite {
        return Ok(false);
    }
    let row = sqlx::query("pragma wal_checkpoint(truncate)").fetch_one(&db.writer).await?;
    Ok(row.col::<i64>("busy")? == 0)
}
