//! How each day ended: counted that night, and kept as it was then.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::columns::{Columns, Json};
use super::super::{Db, StorageError, Tx};
use crate::domain::ids::ShopId;

/// A day's commitments in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DayCounts {
    /// Said on that day.
    pub made: u32,
    /// Kept on that day.
    pub kept: u32,
    /// Of them, after they were due.
    pub kept_late: u32,
    /// Dismissed on that day.
    pub dismissed: u32,
    /// Overdue in the end.
    pub overdue: u32,
    /// Open in the end, the overdue ones among them.
    pub open: u32,
}

/// A day that was summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DayRow {
    /// Days since 1970, where the shop is.
    pub day: i64,
    /// Its numbers.
    pub counts: DayCounts,
    /// When it was summed up.
    pub created_at_ms: i64,
}

/// Whether the day was summed up.
pub async fn was_day_kept(db: &Db, shop: ShopId, day: i64) -> Result<bool, StorageError> {
    let row = sqlx::query("select count(*) as n from commitment_days where shop_id = $1 and day = $2")
        .bind(shop)
        .bind(day)
        .fetch_one(&db.readers)
        .await?;
    Ok(row.number("n")? > 0)
}

/// Sums a day up that began at `from_ms`, once; `None` if it was before.
pub async fn keep_day(
    tx: &mut Tx,
    shop: ShopId,
    (day, from_ms): (i64, i64),
) -> Result<Option<DayCounts>, StorageError> {
    let now_ms = tx.now_ms();
    let row = sqlx::query(
        "select count(*) filter (where created_at_ms >= $2) as made, \
         count(*) filter (where state = 'kept' and closed_at_ms >= $2) as kept, \
         count(*) filter (where state = 'kept' and closed_at_ms >= $2 and closed_at_ms > due_at_ms) as kept_late, \
         count(*) filter (where state = 'dismissed' and closed_at_ms >= $2) as dismissed, \
         count(*) filter (where state = 'open' and due_at_ms < $3) as overdue, \
         count(*) filter (where state = 'open') as still_open from commitments where shop_id = $1",
    )
    .bind(shop)
    .bind(from_ms)
    .bind(now_ms)
    .fetch_one(tx.connection())
    .await?;
    let counts = DayCounts {
        made: row.number("made")?,
        kept: row.number("kept")?,
        kept_late: row.number("kept_late")?,
        dismissed: row.number("dismissed")?,
        overdue: row.number("overdue")?,
        open: row.number("still_open")?,
    };
    let done = sqlx::query(
        "insert into commitment_days (shop_id, day, body, created_at_ms) values ($1, $2, $3, $4) \
         on conflict (shop_id, day) do nothing",
    )
    .bind(shop)
    .bind(day)
    .bind(Json(counts))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(counts))
}

/// The days that were summed up, the last first.
pub async fn list_days(db: &Db, shop: ShopId, limit: u32) -> Result<Vec<DayRow>, StorageError> {
    let rows = sqlx::query(
        "select day, body, created_at_ms from commitment_days where shop_id = $1 order by day desc limit $2",
    )
    .bind(shop)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(DayRow { day: row.col("day")?, counts: row.json("body")?, created_at_ms: row.col("created_at_ms")? })
        })
        .collect()
}
