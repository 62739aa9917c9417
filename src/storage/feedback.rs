//! Feedback: what people made of drafts and of replies that were sent by themselves.

use sqlx::any::AnyRow;

use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, FeedbackId, ShopId, TurnId};
use crate::domain::outcome::Difference;
use crate::domain::turn::{RejectReason, Verdict};

/// One judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Identity.
    pub id: FeedbackId,
    /// Of which turn.
    pub turn: TurnId,
    /// By whom.
    pub account: AccountId,
    /// What it was.
    pub verdict: Verdict,
    /// Why it was rejected.
    pub reason: Option<RejectReason>,
    /// What was sent instead, if it was edited.
    pub final_text: Option<String>,
    /// What the edit changed.
    pub difference: Option<Difference>,
    /// When.
    pub created_at_ms: i64,
}

/// A judgement to be.
#[derive(Debug, Clone, Copy)]
pub struct NewFeedback<'a> {
    /// Of which turn.
    pub turn: TurnId,
    /// By whom.
    pub account: AccountId,
    /// What it is.
    pub verdict: Verdict,
    /// Why it was rejected.
    pub reason: Option<RejectReason>,
    /// What was sent instead, if it was edited.
    pub final_text: Option<&'a str>,
    /// What the edit changed.
    pub difference: Option<Difference>,
}

fn read(row: &AnyRow) -> Result<Feedback, StorageError> {
    Ok(Feedback {
        id: row.col("id")?,
        turn: row.col("turn_id")?,
        account: row.col("account_id")?,
        verdict: row.col("verdict")?,
        reason: row.col("reason")?,
        final_text: row.col("final_text")?,
        difference: row.col("difference")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// Adds a judgement; `None` if the shop has no such turn. A later one of the same turn outweighs the earlier.
pub async fn insert(tx: &mut Tx, shop: ShopId, new: &NewFeedback<'_>) -> Result<Option<FeedbackId>, StorageError> {
    let (id, now_ms) = (FeedbackId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into feedback (id, shop_id, turn_id, account_id, verdict, reason, final_text, created_at_ms, difference) \
         select $1, t.shop_id, t.id, $4, $5, $6, $7, $8, $9 from turns t where t.shop_id = $2 and t.id = $3",
    )
    .bind(id)
    .bind(shop)
    .bind(new.turn)
    .bind(new.account)
    .bind(new.verdict)
    .bind(new.reason)
    .bind(new.final_text)
    .bind(now_ms)
    .bind(new.difference)
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

/// The shop's judgements made before `before_ms`, newest first.
pub async fn list(db: &Db, shop: ShopId, before_ms: i64, limit: u32) -> Result<Vec<Feedback>, StorageError> {
    let rows = sqlx::query(
        "select id, turn_id, account_id, verdict, reason, final_text, difference, created_at_ms from feedback \
         where shop_id = $1 and created_at_ms < $2 order by created_at_ms desc, id desc limit $3",
    )
    .bind(shop)
    .bind(before_ms)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// All judgements of one turn, oldest first.
pub async fn of_turn(db: &Db, shop: ShopId, turn: TurnId) -> Result<Vec<Feedback>, StorageError> {
    let rows = sqlx::query(
        "select id, turn_id, account_id, verdict, reason, final_text, difference, created_at_ms from feedback \
         where shop_id = $1 and turn_id = $2 order by created_at_ms, id",
    )
    .bind(shop)
    .bind(turn)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}
