//! Which shift is over, and what it leaves to the next.
//!
//! # Why
//! What is told at a change of shifts is read off the records at that moment and kept as it was: who comes on must not
//! depend on what somebody who wants to go home remembers.

use crate::domain::calendar::{DAY_MS, HOUR_MS};
use crate::domain::commitment::due::ShopClock;
use crate::domain::ids::{AccountId, HandoverId, ShiftId, ShopId};
use crate::domain::shift::{Digest, Shift, who_was_on};
use crate::learn::commitments::clock_of;
use crate::storage::handovers::{self, NewHandover};
use crate::storage::ops::Period;
use crate::storage::shifts::{self, ShiftRow};
use crate::storage::{Db, StorageError};

/// How long the next shift is taken to be where nobody is scheduled.
const NEXT_MS: i64 = 8 * HOUR_MS;
/// A server that slept for longer makes up for no older shifts.
const LATE_MS: i64 = DAY_MS;

/// A shift of one day that hands over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// Which shift; none where nobody is scheduled.
    pub shift: Option<ShiftId>,
    /// What it is called.
    pub name: String,
    /// When it began, and when it is over.
    pub began_at_ms: i64,
    /// When it is over.
    pub ended_at_ms: i64,
    /// Until when the next one looks ahead.
    pub next_ends_ms: i64,
}

/// The shifts that are over and have left no word.
pub async fn due(db: &Db, shop: ShopId) -> Result<Vec<Over>, StorageError> {
    let rows = shifts::list(db, shop).await?;
    let (clock, now_ms) = (clock_of(db, shop).await?, db.now_ms());
    let mut found = Vec::new();
    for row in &rows {
        let Some(watch) = row.shift.last_ended(now_ms, clock) else { continue };
        if now_ms - watch.ends_at_ms > LATE_MS || handovers::was_left(db, shop, row.id, watch.ends_at_ms).await? {
            continue;
        }
        found.push(Over {
            shift: Some(row.id),
            name: row.shift.name.clone(),
            began_at_ms: watch.began_at_ms,
            ended_at_ms: watch.ends_at_ms,
            next_ends_ms: next_ends_ms(&rows, watch.ends_at_ms, clock),
        });
    }
    Ok(found)
}

/// The shift that is on now, as if it were over; the last hours where nobody is scheduled.
pub async fn current(db: &Db, shop: ShopId, nobodys_name: &str) -> Result<Over, StorageError> {
    let rows = shifts::list(db, shop).await?;
    let (clock, now_ms) = (clock_of(db, shop).await?, db.now_ms());
    let schedule: Vec<Shift> = rows.iter().map(|row| row.shift.clone()).collect();
    let on = who_was_on(&schedule, now_ms, clock).map(|nth| &rows[nth]);
    let watch = on.and_then(|row| Some((row, row.shift.now(now_ms, clock)?)));
    Ok(match watch {
        Some((row, watch)) => Over {
            shift: Some(row.id),
            name: row.shift.name.clone(),
            began_at_ms: watch.began_at_ms,
            ended_at_ms: now_ms,
            next_ends_ms: next_ends_ms(&rows, watch.ends_at_ms, clock),
        },
        None => Over {
            shift: None,
            name: nobodys_name.to_owned(),
            began_at_ms: now_ms - NEXT_MS,
            ended_at_ms: now_ms,
            next_ends_ms: now_ms + NEXT_MS,
        },
    })
}

/// When the shift that is on at `at_ms` is over.
fn next_ends_ms(rows: &[ShiftRow], at_ms: i64, clock: ShopClock) -> i64 {
    let ends = rows.iter().filter_map(|row| row.shift.now(at_ms, clock)).map(|watch| watch.ends_at_ms);
    ends.max().unwrap_or(at_ms + NEXT_MS)
}

/// What it leaves, at this moment.
pub async fn read(db: &Db, shop: ShopId, over: &Over) -> Result<Digest, StorageError> {
    // One past the last: what happens in this very millisecond is told, too.
    let period = Period { from_ms: over.began_at_ms, until_ms: over.ended_at_ms + 1 };
    handovers::digest(db, shop, period, over.next_ends_ms).await
}

/// Keeps what it leaves; `None` if it was kept before.
pub async fn leave(
    db: &Db,
    shop: ShopId,
    over: &Over,
    (author, note): (Option<AccountId>, &str),
) -> Result<Option<HandoverId>, StorageError> {
    let digest = read(db, shop, over).await?;
    let new = NewHandover {
        shift: over.shift,
        shift_name: &over.name,
        author,
        began_at_ms: over.began_at_ms,
        ended_at_ms: over.ended_at_ms,
        note,
        digest: &digest,
    };
    let mut tx = db.begin().await?;
    let id = handovers::insert(&mut tx, shop, &new).await?;
    tx.commit().await?;
    Ok(id)
}
