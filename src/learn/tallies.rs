//! What every day of service came to, counted once and kept.
//!
//! # Why
//! A shop of a million messages asks for ninety days at a time. A finished day does not change any more and is read from
//! its row; a young one does (a buyer comes back, an order is paid), and is counted again, the younger the sooner.

use crate::domain::calendar::DAY_MS;
use crate::domain::ids::ShopId;
use crate::domain::tally::{AFTERMATH_MS, DayTally, Inquiry, LATE_MS, Window, read, tally};
use crate::storage::ops::Period;
use crate::storage::{Db, StorageError, rules, tallies};

/// What was counted so lately is not counted again, however young the day.
const FRESH_MS: i64 = 60 * 1000;
/// A day that ended so long ago is counted again after a part of that time.
const PART: i64 = 12;

/// A day and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// Its first millisecond.
    pub from_ms: i64,
    /// What it came to.
    pub tally: DayTally,
}

/// What to add to a time to read it where the shop is.
pub async fn offset_ms(db: &Db, shop: ShopId) -> Result<i64, StorageError> {
    Ok(rules::current(db, shop).await?.utc_offset_min * 60_000)
}

/// The days of a period, which begins and ends at midnight; what is not kept, or not fresh, is counted first.
pub async fn days(db: &Db, shop: ShopId, period: Period) -> Result<Vec<Day>, StorageError> {
    let now_ms = db.now_ms();
    let mut kept = tallies::kept(db, shop, period).await?.into_iter().peekable();
    let mut days = Vec::new();
    let mut from_ms = period.from_ms;
    while from_ms < period.until_ms.min(now_ms) {
        while kept.next_if(|day| day.day_ms < from_ms).is_some() {}
        let known = kept.next_if(|day| day.day_ms == from_ms).filter(|day| is_fresh(from_ms, day.made_at_ms, now_ms));
        let tally = match known {
            Some(day) => day.tally,
            None => count(db, shop, from_ms).await?,
        };
        days.push(Day { from_ms, tally });
        from_ms += DAY_MS;
    }
    Ok(days)
}

/// Whether what was counted then still holds.
fn is_fresh(day_ms: i64, made_at_ms: i64, now_ms: i64) -> bool {
    let end_ms = day_ms + DAY_MS;
    if made_at_ms >= end_ms + AFTERMATH_MS.max(LATE_MS) {
        return true;
    }
    (0..FRESH_MS.max((now_ms - end_ms) / PART)).contains(&(now_ms - made_at_ms))
}

async fn count(db: &Db, shop: ShopId, from_ms: i64) -> Result<DayTally, StorageError> {
    let day = Period { from_ms, until_ms: from_ms + DAY_MS };
    let threads = tallies::threads(db, shop, day).await?;
    let counted = tally(&threads, window(day, db.now_ms()));
    let mut tx = db.begin().await?;
    tallies::keep(&mut tx, shop, from_ms, &counted).await?;
    tx.commit().await?;
    Ok(counted)
}

/// The inquiries of a day, newest first: what its figures are made of.
pub async fn inquiries(
    db: &Db,
    shop: ShopId,
    from_ms: i64,
    counts_automatic: bool,
) -> Result<Vec<Inquiry>, StorageError> {
    let day = Period { from_ms, until_ms: from_ms + DAY_MS };
    let window = window(day, db.now_ms());
    let threads = tallies::threads(db, shop, day).await?;
    let mut inquiries: Vec<Inquiry> =
        threads.iter().filter_map(|thread| read(thread, window, counts_automatic)).collect();
    inquiries.sort_by_key(|inquiry| std::cmp::Reverse(inquiry.at_ms));
    Ok(inquiries)
}

fn window(day: Period, now_ms: i64) -> Window {
    Window { from_ms: day.from_ms, until_ms: day.until_ms, now_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_day_is_counted_again_soon_and_an_old_one_never() {
        let end = DAY_MS;
        assert!(is_fresh(0, end - 1_000, end - 500));
        assert!(!is_fresh(0, end - FRESH_MS - 1, end - 1));
        let half_a_day = end + DAY_MS / 2;
        assert!(is_fresh(0, half_a_day - DAY_MS / 48, half_a_day));
        assert!(!is_fresh(0, half_a_day - DAY_MS / 12, half_a_day));
        assert!(is_fresh(0, end + AFTERMATH_MS, i64::MAX / 2), "nothing of it can change any more");
        assert!(!is_fresh(0, end + 10, end), "a clock that was set back");
    }
}
