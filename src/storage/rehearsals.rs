//! Rehearsals: files of past questions, and how far answering them has come. Their questions are in [`questions`].
//!
//! # Why
//! One job answers one question and queues the next one in the transaction that keeps its answer: after a crash exactly
//! one question is worked on again, and between two questions uploads of the shop have their turn.

pub mod questions;

use std::collections::HashSet;

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::jobs::{self, Lane};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, RehearsalId, RehearsedId, ShopId};
use crate::domain::job::JobKind;
use crate::domain::rehearsal::{PastQuestions, RefusedRow, RehearsalState, plain};
use crate::domain::text::Lang;

/// A file of past questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// Identity.
    pub id: RehearsalId,
    /// Who brought it.
    pub account: AccountId,
    /// What it was called.
    pub file_name: String,
    /// Its bytes, until they are read.
    pub sha256: Option<String>,
    /// How far it has come.
    pub state: RehearsalState,
    /// Why it failed: a code.
    pub problem: Option<String>,
    /// Messages that ask nothing.
    pub n_skipped: u32,
    /// Rows that were not taken.
    pub n_refused: u32,
    /// When it was brought.
    pub created_at_ms: i64,
}

/// A file to be read.
#[derive(Debug, Clone, Copy)]
pub struct NewRehearsal<'a> {
    /// Who brings it.
    pub account: AccountId,
    /// What it is called.
    pub file_name: &'a str,
    /// Where its bytes are.
    pub sha256: &'a str,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, account_id, file_name, sha256, state, problem, n_skipped, n_refused, created_at_ms ",
            "from rehearsals ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Rehearsal, StorageError> {
    Ok(Rehearsal {
        id: row.col("id")?,
        account: row.col("account_id")?,
        file_name: row.col("file_name")?,
        sha256: row.col("sha256")?,
        state: row.col("state")?,
        problem: row.col("problem")?,
        n_skipped: row.number("n_skipped")?,
        n_refused: row.number("n_refused")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// Takes a file whose bytes are on the disk, and queues the job that reads it.
pub async fn create(tx: &mut Tx, shop: ShopId, new: &NewRehearsal<'_>) -> Result<RehearsalId, StorageError> {
    let (id, now_ms) = (RehearsalId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "insert into rehearsals (id, shop_id, account_id, file_name, sha256, state, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(shop)
    .bind(new.account)
    .bind(new.file_name)
    .bind(new.sha256)
    .bind(RehearsalState::Reading)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    jobs::enqueue(tx, shop, JobKind::ReadRehearsal { rehearsal: id }, Lane::Bulk, now_ms).await?;
    Ok(id)
}

/// One rehearsal.
pub async fn get(db: &Db, shop: ShopId, id: RehearsalId) -> Result<Option<Rehearsal>, StorageError> {
    let row =
        sqlx::query(select!("where shop_id = $1 and id = $2")).bind(shop).bind(id).fetch_optional(&db.readers).await?;
    row.as_ref().map(read).transpose()
}

/// The newest rehearsals.
pub async fn list(db: &Db, shop: ShopId, limit: u32) -> Result<Vec<Rehearsal>, StorageError> {
    let rows = sqlx::query(select!("where shop_id = $1 order by created_at_ms desc, id desc limit $2"))
        .bind(shop)
        .bind(i64::from(limit))
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

/// The rows that were not taken.
pub async fn refused(db: &Db, shop: ShopId, id: RehearsalId) -> Result<Vec<RefusedRow>, StorageError> {
    let row = sqlx::query("select refused from rehearsals where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(id)
        .fetch_optional(&db.readers)
        .await?;
    row.map_or_else(|| Ok(vec![]), |row| row.json("refused"))
}

/// Holds the rehearsal until the transaction ends, so that nobody else moves it; how far it has come.
pub async fn hold(tx: &mut Tx, shop: ShopId, id: RehearsalId) -> Result<Option<RehearsalState>, StorageError> {
    let row = sqlx::query("update rehearsals set n_skipped = n_skipped where shop_id = $1 and id = $2 returning state")
        .bind(shop)
        .bind(id)
        .fetch_optional(tx.connection())
        .await?;
    row.map(|row| row.col("state")).transpose()
}

/// Keeps what was read of the file, forgets its bytes, and queues the first question. False if it is not being read.
pub async fn fill(tx: &mut Tx, shop: ShopId, id: RehearsalId, found: &PastQuestions) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update rehearsals set state = $3, sha256 = null, n_skipped = $4, n_refused = $5, refused = $6 \
         where shop_id = $1 and id = $2 and state = 'reading'",
    )
    .bind(shop)
    .bind(id)
    .bind(RehearsalState::Answering)
    .bind(i64::from(found.n_skipped))
    .bind(i64::try_from(found.refused.len()).unwrap_or(i64::MAX))
    .bind(Json(&found.refused))
    .execute(tx.connection())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    for (asked, ordinal) in found.asked.iter().zip(0i64..) {
        let question = RehearsedId(tx.new_id());
        sqlx::query(
            "insert into rehearsed (id, shop_id, rehearsal_id, ordinal, line, thread, question, lang, previous, \
             person_said) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(question)
        .bind(shop)
        .bind(id)
        .bind(ordinal)
        .bind(i64::from(asked.line))
        .bind(i64::from(asked.thread))
        .bind(&asked.question)
        .bind(Lang::of(&asked.question))
        .bind(&asked.previous)
        .bind(&asked.person_said)
        .execute(tx.connection())
        .await?;
    }
    queue_next(tx, shop, id).await?;
    Ok(true)
}

/// Gives a file up and says why. False if it is not being read.
pub async fn fail(tx: &mut Tx, shop: ShopId, id: RehearsalId, problem: &str) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update rehearsals set state = $3, sha256 = null, problem = $4 \
         where shop_id = $1 and id = $2 and state = 'reading'",
    )
    .bind(shop)
    .bind(id)
    .bind(RehearsalState::Failed)
    .bind(problem)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The first question that is not answered yet.
pub async fn next(tx: &mut Tx, shop: ShopId, id: RehearsalId) -> Result<Option<RehearsedId>, StorageError> {
    let row = sqlx::query(
        "select id from rehearsed where shop_id = $1 and rehearsal_id = $2 and turn_id is null and failed = 0 \
         order by ordinal limit 1",
    )
    .bind(shop)
    .bind(id)
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| row.col("id")).transpose()
}

/// Queues the first question that is not answered yet; without one, all are. The rehearsal is held.
pub async fn queue_next(tx: &mut Tx, shop: ShopId, id: RehearsalId) -> Result<(), StorageError> {
    if let Some(question) = next(tx, shop, id).await? {
        let now_ms = tx.now_ms();
        jobs::enqueue(tx, shop, JobKind::AnswerRehearsed { question }, Lane::Bulk, now_ms).await?;
        return Ok(());
    }
    sqlx::query("update rehearsals set state = $3 where shop_id = $1 and id = $2 and state = 'answering'")
        .bind(shop)
        .bind(id)
        .bind(RehearsalState::Answered)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Stops answering for now. A question that is being answered is finished. False if nothing is being answered.
pub async fn pause(tx: &mut Tx, shop: ShopId, id: RehearsalId) -> Result<bool, StorageError> {
    let sql = "update rehearsals set state = 'paused' where shop_id = $1 and id = $2 and state = 'answering'";
    Ok(sqlx::query(sql).bind(shop).bind(id).execute(tx.connection()).await?.rows_affected() == 1)
}

/// Goes on answering. False if it was not paused.
pub async fn resume(tx: &mut Tx, shop: ShopId, id: RehearsalId) -> Result<bool, StorageError> {
    let sql = "update rehearsals set state = 'answering' where shop_id = $1 and id = $2 and state = 'paused'";
    if sqlx::query(sql).bind(shop).bind(id).execute(tx.connection()).await?.rows_affected() == 0 {
        return Ok(false);
    }
    queue_next(tx, shop, id).await?;
    Ok(true)
}

/// Stops answering for good. What was answered stays, and so do its labels. False if it had ended before.
pub async fn cancel(tx: &mut Tx, shop: ShopId, id: RehearsalId) -> Result<bool, StorageError> {
    let sql = "update rehearsals set state = 'cancelled' \
               where shop_id = $1 and id = $2 and state in ('reading', 'answering', 'paused')";
    Ok(sqlx::query(sql).bind(shop).bind(id).execute(tx.connection()).await?.rows_affected() == 1)
}

/// Whether some row of any shop still needs these bytes.
pub async fn is_file_needed(tx: &mut Tx, sha256: &str) -> Result<bool, StorageError> {
    let row = sqlx::query(
        "select 1 as needed from revisions where sha256 = $1 \
         union all select 1 from rehearsals where sha256 = $1 \
         union all select 1 from imports where sha256 = $1 and state = 'queued' limit 1",
    )
    .bind(sha256)
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.is_some())
}

/// Forgets the bytes of a file that will not be read any more; their hash.
pub async fn forget_file(tx: &mut Tx, shop: ShopId, id: RehearsalId) -> Result<(), StorageError> {
    sqlx::query("update rehearsals set sha256 = null where shop_id = $1 and id = $2 and state <> 'reading'")
        .bind(shop)
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// What the same machinery has answered in earlier rehearsals, each question [`plain`].
///
/// To mend a document for a question and then ask that very question again would prove nothing about other questions;
/// whether somebody has judged the first answer, or only read it, makes no difference.
pub async fn answered(db: &Db, shop: ShopId, pipeline: &str) -> Result<HashSet<String>, StorageError> {
    let rows = sqlx::query(
        "select r.question from rehearsed r join bases b on b.turn_id = r.turn_id \
         where r.shop_id = $1 and b.pipeline = $2",
    )
    .bind(shop)
    .bind(pipeline)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(|row| Ok(plain(row.col("question")?))).collect()
}

#[cfg(test)]
mod tests;
