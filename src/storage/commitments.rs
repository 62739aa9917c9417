//! Commitments to buyers: see [`crate::domain::commitment`] for the word.
//!
//! Like a task, a commitment has a version: of two people who change it at once one is told that it was changed. What
//! the server itself notes on it (that somebody was reminded, that an order seems to show that it was kept) is no
//! change of a person's, and leaves the version alone, but for a proposal, which a person must have seen to refuse it.

mod days;
mod mind;

use sqlx::any::AnyRow;

pub use days::{DayCounts, DayRow, keep_day, list_days, was_day_kept};
pub use mind::{Called, Hour, call_owners, escalate, is_anything_due, propose_for_order};

use super::columns::{Columns, Json, to_i64};
use super::{Db, StorageError, Tx};
use crate::domain::commitment::{CommitmentEvidence, CommitmentKind, CommitmentRules, CommitmentState};
use crate::domain::ids::{AccountId, CommitmentId, ConversationId, MessageId, OrderId, ShopId};
use crate::domain::task::Department;

/// A commitment to be.
#[derive(Debug, Clone, Copy)]
pub struct NewCommitment<'a> {
    /// Where it was said.
    pub conversation: ConversationId,
    /// In which message.
    pub message: MessageId,
    /// Which one of that message: the same again is the same commitment again.
    pub ordinal: usize,
    /// What was committed to.
    pub kind: CommitmentKind,
    /// Whose hands it is in.
    pub department: Department,
    /// In which words.
    pub what: &'a str,
    /// Who said it; none for the assistant.
    pub author: Option<AccountId>,
    /// For which order.
    pub order: Option<OrderId>,
    /// Until when.
    pub due_at_ms: i64,
    /// Whether the reply named the time.
    pub due_was_said: bool,
    /// What seems to keep it already: the task that was made of it.
    pub proposed: Option<&'a CommitmentEvidence>,
}

/// A commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// Identity.
    pub id: CommitmentId,
    /// Where it was said.
    pub conversation: ConversationId,
    /// In which message.
    pub message: MessageId,
    /// What was committed to.
    pub kind: CommitmentKind,
    /// Whose hands it is in.
    pub department: Department,
    /// How far it has come.
    pub state: CommitmentState,
    /// Grows with every change of a person, and with a proposal.
    pub version: i64,
    /// In which words.
    pub what: String,
    /// Who said it; none for the assistant.
    pub author: Option<AccountId>,
    /// Who sees to it.
    pub owner: Option<AccountId>,
    /// For which order.
    pub order: Option<OrderId>,
    /// Until when.
    pub due_at_ms: i64,
    /// Whether the reply named the time.
    pub due_was_said: bool,
    /// How it is known that it was kept.
    pub evidence: Option<CommitmentEvidence>,
    /// What seems to show it; a person decides.
    pub proposed: Option<CommitmentEvidence>,
    /// When its owner was reminded.
    pub reminded_at_ms: Option<i64>,
    /// When the lead was told.
    pub escalated_at_ms: Option<i64>,
    /// Whom.
    pub escalated_to: Option<AccountId>,
    /// When it was said.
    pub created_at_ms: i64,
    /// When a person changed it.
    pub updated_at_ms: i64,
    /// When it was kept or dismissed.
    pub closed_at_ms: Option<i64>,
}

/// Which commitments are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitmentQuery {
    /// Kept and dismissed ones, instead of open ones.
    pub over: bool,
    /// Due at this time or later.
    pub due_from_ms: Option<i64>,
    /// Due before this time.
    pub due_until_ms: Option<i64>,
    /// Owned by this person, or put before them as the lead.
    pub concerns: Option<AccountId>,
    /// Of this conversation.
    pub conversation: Option<ConversationId>,
    /// At most so many.
    pub limit: u32,
}

/// What is open, for badges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, schemars::JsonSchema)]
pub struct OpenCounts {
    /// Due until the end of the shop's day, what is overdue apart.
    pub today: u32,
    /// Due before now.
    pub overdue: u32,
    /// Of the reader, or put before them.
    pub mine: u32,
    /// All that are open.
    pub open: u32,
}

/// Selects commitments `m`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select m.id, m.conversation_id, m.message_id, m.kind, m.department, m.state, m.version, m.what, ",
            "m.author_id, m.owner_id, m.order_id, m.due_at_ms, m.due_was_said, m.evidence, m.proposed, ",
            "m.reminded_at_ms, m.escalated_at_ms, m.escalated_to_id, m.created_at_ms, m.updated_at_ms, ",
            "m.closed_at_ms from commitments m ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Commitment, StorageError> {
    let evidence: Option<Json<CommitmentEvidence>> = row.col("evidence")?;
    let proposed: Option<Json<CommitmentEvidence>> = row.col("proposed")?;
    Ok(Commitment {
        id: row.col("id")?,
        conversation: row.col("conversation_id")?,
        message: row.col("message_id")?,
        kind: row.col("kind")?,
        department: row.col("department")?,
        state: row.col("state")?,
        version: row.col("version")?,
        what: row.col("what")?,
        author: row.col("author_id")?,
        owner: row.col("owner_id")?,
        order: row.col("order_id")?,
        due_at_ms: row.col("due_at_ms")?,
        due_was_said: row.flag("due_was_said")?,
        evidence: evidence.map(|json| json.0),
        proposed: proposed.map(|json| json.0),
        reminded_at_ms: row.col("reminded_at_ms")?,
        escalated_at_ms: row.col("escalated_at_ms")?,
        escalated_to: row.col("escalated_to_id")?,
        created_at_ms: row.col("created_at_ms")?,
        updated_at_ms: row.col("updated_at_ms")?,
        closed_at_ms: row.col("closed_at_ms")?,
    })
}

/// Adds a commitment; `None` if the message is another shop's, or brought this one before. Whoever said it owns it.
pub async fn create(tx: &mut Tx, shop: ShopId, new: &NewCommitment<'_>) -> Result<Option<CommitmentId>, StorageError> {
    let (id, now_ms) = (CommitmentId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into commitments (id, shop_id, conversation_id, message_id, ordinal, kind, department, state, what, \
         author_id, owner_id, order_id, due_at_ms, due_was_said, proposed, created_at_ms, updated_at_ms) \
         select $1, $2, s.conversation_id, s.id, $5, $6, $7, 'open', $8, $9, $9, $10, $11, $12, $13, $14, $14 \
         from messages s where s.shop_id = $2 and s.conversation_id = $3 and s.id = $4 \
         on conflict (message_id, ordinal) do nothing",
    )
    .bind(id)
    .bind(shop)
    .bind(new.conversation)
    .bind(new.message)
    .bind(to_i64(new.ordinal))
    .bind(new.kind)
    .bind(new.department)
    .bind(new.what)
    .bind(new.author)
    .bind(new.order)
    .bind(new.due_at_ms)
    .bind(i64::from(new.due_was_said))
    .bind(new.proposed.map(Json))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

/// How many there are of a message, whoever found them.
pub async fn count_of_message(tx: &mut Tx, shop: ShopId, message: MessageId) -> Result<usize, StorageError> {
    let row = sqlx::query("select count(*) as n from commitments where shop_id = $1 and message_id = $2")
        .bind(shop)
        .bind(message)
        .fetch_one(tx.connection())
        .await?;
    Ok(row.number("n")? as usize)
}

/// Writes a commitment back, if nobody has changed it since it was read. Another time until when reminds anew.
pub async fn update(tx: &mut Tx, shop: ShopId, one: &Commitment) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update commitments set kind = $4, state = $5, what = $6, owner_id = $7, \
         reminded_at_ms = case when due_at_ms = $8 then reminded_at_ms end, \
         escalated_at_ms = case when due_at_ms = $8 then escalated_at_ms end, \
         escalated_to_id = case when due_at_ms = $8 then escalated_to_id end, \
         due_at_ms = $8, evidence = $9, proposed = $10, updated_at_ms = $11, closed_at_ms = $12, version = version + 1 \
         where shop_id = $1 and id = $2 and version = $3",
    )
    .bind(shop)
    .bind(one.id)
    .bind(one.version)
    .bind(one.kind)
    .bind(one.state)
    .bind(&one.what)
    .bind(one.owner)
    .bind(one.due_at_ms)
    .bind(one.evidence.as_ref().map(Json))
    .bind(one.proposed.as_ref().map(Json))
    .bind(now_ms)
    .bind((one.state != CommitmentState::Open).then_some(now_ms))
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One commitment.
pub async fn get(db: &Db, shop: ShopId, id: CommitmentId) -> Result<Option<Commitment>, StorageError> {
    let row = sqlx::query(select!("where m.shop_id = $1 and m.id = $2"))
        .bind(shop)
        .bind(id)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Commitments: what is open by due time, what is over by the time of its end, last first.
pub async fn list(db: &Db, shop: ShopId, query: &CommitmentQuery) -> Result<Vec<Commitment>, StorageError> {
    let sql = if query.over {
        select!(
            "where m.shop_id = $1 and m.state <> 'open' and ($2 is null or m.due_at_ms >= $2) \
             and ($3 is null or m.due_at_ms < $3) and ($4 is null or m.owner_id = $4 or m.escalated_to_id = $4) \
             and ($5 is null or m.conversation_id = $5) order by m.closed_at_ms desc, m.id limit $6"
        )
    } else {
        select!(
            "where m.shop_id = $1 and m.state = 'open' and ($2 is null or m.due_at_ms >= $2) \
             and ($3 is null or m.due_at_ms < $3) and ($4 is null or m.owner_id = $4 or m.escalated_to_id = $4) \
             and ($5 is null or m.conversation_id = $5) order by m.due_at_ms, m.id limit $6"
        )
    };
    let rows = sqlx::query(sql)
        .bind(shop)
        .bind(query.due_from_ms)
        .bind(query.due_until_ms)
        .bind(query.concerns)
        .bind(query.conversation)
        .bind(i64::from(query.limit))
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

/// What is open, with what of it is `account`'s. The shop's day ends at `day_ends_ms`.
pub async fn counts(db: &Db, shop: ShopId, account: AccountId, day_ends_ms: i64) -> Result<OpenCounts, StorageError> {
    let row = sqlx::query(
        "select count(*) as n_open, count(*) filter (where due_at_ms < $2) as n_overdue, \
         count(*) filter (where due_at_ms >= $2 and due_at_ms <= $3) as n_today, \
         count(*) filter (where owner_id = $4 or escalated_to_id = $4) as n_mine \
         from commitments where shop_id = $1 and state = 'open'",
    )
    .bind(shop)
    .bind(db.now_ms())
    .bind(day_ends_ms)
    .bind(account)
    .fetch_one(&db.readers)
    .await?;
    Ok(OpenCounts {
        today: row.number("n_today")?,
        overdue: row.number("n_overdue")?,
        mine: row.number("n_mine")?,
        open: row.number("n_open")?,
    })
}

/// The rules in force; the usual ones where the shop has settled nothing.
pub async fn rules(db: &Db, shop: ShopId) -> Result<CommitmentRules, StorageError> {
    let row = sqlx::query("select body from commitment_rules where shop_id = $1")
        .bind(shop)
        .fetch_optional(&db.readers)
        .await?;
    row.map_or_else(|| Ok(CommitmentRules::default()), |row| row.json("body"))
}

/// The same, as this transaction sees them.
pub async fn rules_in(tx: &mut Tx, shop: ShopId) -> Result<CommitmentRules, StorageError> {
    let row = sqlx::query("select body from commitment_rules where shop_id = $1")
        .bind(shop)
        .fetch_optional(tx.connection())
        .await?;
    row.map_or_else(|| Ok(CommitmentRules::default()), |row| row.json("body"))
}

/// Settles them anew.
pub async fn set_rules(tx: &mut Tx, shop: ShopId, rules: &CommitmentRules) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "insert into commitment_rules (shop_id, body, updated_at_ms) values ($1, $2, $3) \
         on conflict (shop_id) do update set body = excluded.body, updated_at_ms = excluded.updated_at_ms",
    )
    .bind(shop)
    .bind(Json(rules))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
