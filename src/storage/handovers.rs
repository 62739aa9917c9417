//! What shifts left to the next ones, as it was then, and the records that it is read from.

mod digest;

use sqlx::any::AnyRow;

pub use digest::{AnswerRow, answer_times, answers, digest, documents_by_id};

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, HandoverId, ShiftId, ShopId};
use crate::domain::shift::Digest;

/// A hand-over to be.
#[derive(Debug, Clone, Copy)]
pub struct NewHandover<'a> {
    /// Of which shift; none where nobody is scheduled.
    pub shift: Option<ShiftId>,
    /// What the shift is called.
    pub shift_name: &'a str,
    /// Who wrote it; none where the server did.
    pub author: Option<AccountId>,
    /// When the shift began.
    pub began_at_ms: i64,
    /// When it ended, or was handed over.
    pub ended_at_ms: i64,
    /// What its people want to say besides.
    pub note: &'a str,
    /// What it leaves.
    pub digest: &'a Digest,
}

/// A hand-over.
#[derive(Debug, Clone, PartialEq)]
pub struct Handover {
    /// Identity.
    pub id: HandoverId,
    /// Of which shift.
    pub shift: Option<ShiftId>,
    /// What the shift was called.
    pub shift_name: String,
    /// Who wrote it; none where the server did.
    pub author: Option<AccountId>,
    /// When the shift began.
    pub began_at_ms: i64,
    /// When it ended, or was handed over.
    pub ended_at_ms: i64,
    /// What its people said besides.
    pub note: String,
    /// What it left.
    pub digest: Digest,
}

fn read(row: &AnyRow) -> Result<Handover, StorageError> {
    Ok(Handover {
        id: row.col("id")?,
        shift: row.col("shift_id")?,
        shift_name: row.col("shift_name")?,
        author: row.col("author_id")?,
        began_at_ms: row.col("began_at_ms")?,
        ended_at_ms: row.col("ended_at_ms")?,
        note: row.col("note")?,
        digest: row.json("body")?,
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, shift_id, shift_name, author_id, began_at_ms, ended_at_ms, note, body from handovers ",
            $rest
        )
    };
}

/// Keeps a hand-over; `None` if the same shift has left one for the same end.
pub async fn insert(tx: &mut Tx, shop: ShopId, new: &NewHandover<'_>) -> Result<Option<HandoverId>, StorageError> {
    let (id, now_ms) = (HandoverId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into handovers (id, shop_id, shift_id, shift_name, author_id, began_at_ms, ended_at_ms, note, body, \
         created_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         on conflict (shop_id, shift_id, ended_at_ms) do nothing",
    )
    .bind(id)
    .bind(shop)
    .bind(new.shift)
    .bind(new.shift_name)
    .bind(new.author)
    .bind(new.began_at_ms)
    .bind(new.ended_at_ms)
    .bind(new.note)
    .bind(Json(new.digest))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

/// One hand-over.
pub async fn get(db: &Db, shop: ShopId, id: HandoverId) -> Result<Option<Handover>, StorageError> {
    let row =
        sqlx::query(select!("where shop_id = $1 and id = $2")).bind(shop).bind(id).fetch_optional(&db.readers).await?;
    row.as_ref().map(read).transpose()
}

/// Hand-overs, the last first.
pub async fn list(db: &Db, shop: ShopId, limit: u32) -> Result<Vec<Handover>, StorageError> {
    let rows = sqlx::query(select!("where shop_id = $1 order by ended_at_ms desc, id desc limit $2"))
        .bind(shop)
        .bind(i64::from(limit))
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

/// Whether a shift has left word for this end.
pub async fn was_left(db: &Db, shop: ShopId, shift: ShiftId, ended_at_ms: i64) -> Result<bool, StorageError> {
    let row =
        sqlx::query("select count(*) as n from handovers where shop_id = $1 and shift_id = $2 and ended_at_ms >= $3")
            .bind(shop)
            .bind(shift)
            .bind(ended_at_ms)
            .fetch_one(&db.readers)
            .await?;
    Ok(row.number("n")? > 0)
}

#[cfg(test)]
mod tests;
