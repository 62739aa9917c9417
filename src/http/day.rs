//! Calendar days, as staff write them and as ops read them: `YYYY-MM-DD`, UTC.

pub use crate::domain::calendar::DAY_MS;
use crate::domain::calendar::{civil, days_since_1970};

/// The first millisecond of a day; `None` for what is no day.
pub fn day_start_ms(day: &str) -> Option<i64> {
    let mut parts = day.split('-');
    let (year, month, date) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || month.len() != 2 || date.len() != 2 {
        return None;
    }
    let (year, month, date): (i64, i64, i64) = (year.parse().ok()?, month.parse().ok()?, date.parse().ok()?);
    if !(1..=12).contains(&month) || date < 1 {
        return None;
    }
    let start_ms = days_since_1970(year, month, date) * DAY_MS;
    // The 30th of February would be a day in March, and then reads otherwise.
    (day_of(start_ms) == day).then_some(start_ms)
}

/// The first millisecond after a day.
pub fn day_after_ms(day: &str) -> Option<i64> {
    Some(day_start_ms(day)? + DAY_MS)
}

/// The day that a time falls on.
pub fn day_of(at_ms: i64) -> String {
    let (year, month, date) = civil(at_ms.div_euclid(DAY_MS));
    format!("{year:04}-{month:02}-{date:02}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(day_start_ms("1970-01-01"), Some(0));
        assert_eq!(day_start_ms("2024-02-29"), Some(1_709_164_800_000));
        assert_eq!(day_after_ms("1970-01-01"), Some(DAY_MS));
        assert_eq!(day_of(-1), "1969-12-31");
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in
            ["2023-02-29", "2024-13-01", "2024-00-10", "2024-1-1", "24-01-01", "", "2024-01-01-01", "2024-01-+1"]
        {
            assert_eq!(day_start_ms(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_day_reads_back(days in 0i64..1_000_000) {
            let text = day_of(days * DAY_MS);
            prop_assume!(text.len() == 10);
            prop_assert_eq!(day_start_ms(&text), Some(days * DAY_MS));
        }
    }
}
