//! Days and clock times without a library: records name them as people write them, and cards tell them.
//!
//! # Why
//! A shop lives in one time zone, and its sheets do not say which. So every text is read and written at an offset that
//! the shop's rules name, and what is stored is milliseconds since 1970 UTC, as everywhere.

use crate::domain::text::Lang;

/// A minute.
pub const MINUTE_MS: i64 = 60_000;
/// A day.
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// An hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A date with a clock time, at some offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// 1 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
}

/// Days of a month.
fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

// The arithmetic is the usual one: years begin in March, so that the leap day comes last.

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub fn days_since_1970(year: i64, month: i64, date: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + date - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and date, so many days after 1970-01-01.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, date)
}

impl Moment {
    /// How the clock of a place stood at `at_ms`.
    pub fn at(at_ms: i64, offset_min: i64) -> Self {
        let local = at_ms + offset_min * MINUTE_MS;
        let (year, month, day) = civil(local.div_euclid(DAY_MS));
        let seconds = local.rem_euclid(DAY_MS) / 1000;
        Self { year, month, day, hour: seconds / 3600, minute: seconds / 60 % 60, second: seconds % 60 }
    }

    /// Milliseconds since 1970 UTC; `None` for a date that no calendar has.
    pub fn to_ms(self, offset_min: i64) -> Option<i64> {
        let is_date = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in(self.year, self.month)).contains(&self.day);
        let is_time = (0..24).contains(&self.hour) && (0..60).contains(&self.minute) && (0..60).contains(&self.second);
        if !is_date || !is_time {
            return None;
        }
        let days = days_since_1970(self.year, self.month, self.day);
        let seconds = (self.hour * 60 + self.minute) * 60 + self.second;
        Some(days * DAY_MS + seconds * 1000 - offset_min * MINUTE_MS)
    }
}

/// Reads `2026-11-23`, `2026/11/23 14:05`, `2026年11月23日 14:05:09`, `2026-11-23T14:05:09+08:00`. A time without a
/// zone is of the shop's own; a day without a time is its beginning.
pub fn parse_moment(text: &str, offset_min: i64) -> Option<i64> {
    let text = text.trim();
    let (text, offset_min) = match zone_of(text) {
        Some((rest, offset)) => (rest, offset),
        None => (text, offset_min),
    };
    // What follows a decimal point is less than a second.
    let text = text.rsplit_once(':').map_or(text, |(head, tail)| match tail.split_once('.') {
        Some((seconds, _)) => &text[..head.len() + 1 + seconds.len()],
        None => text,
    });
    let is_known = |c: char| c.is_ascii_digit() || "-/.:T年月日时分秒 ".contains(c);
    if !text.chars().all(is_known) {
        return None;
    }
    let numbers: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    if numbers.len() < 3 || numbers.len() > 6 || numbers[0].len() != 4 {
        return None;
    }
    let mut values = [0i64; 6];
    for (value, digits) in values.iter_mut().zip(&numbers) {
        *value = digits.parse().ok().filter(|_| digits.len() <= 4)?;
    }
    let [year, month, day, hour, minute, second] = values;
    Moment { year, month, day, hour, minute, second }.to_ms(offset_min)
}

/// The offset at the end of an ISO 8601 time, in minutes, and the text before it.
fn zone_of(text: &str) -> Option<(&str, i64)> {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return Some((rest, 0));
    }
    let time_at = text.find('T')?;
    let at = time_at + text[time_at..].rfind(['+', '-'])?;
    let (sign, digits) = (if text[at..].starts_with('-') { -1 } else { 1 }, text[at + 1..].replace(':', ""));
    let is_offset = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = digits.parse().ok().filter(|_| is_offset)?;
    Some((&text[..at], sign * (number / 100 * 60 + number % 100)))
}

/// As a buyer reads it: `11月23日 14:05`, `23 Nov, 14:05`.
pub fn told_moment(at_ms: i64, offset_min: i64, lang: Lang) -> String {
    let Moment { hour, minute, .. } = Moment::at(at_ms, offset_min);
    let day = told_day(at_ms, offset_min, lang);
    match lang {
        Lang::Zh => format!("{day} {hour:02}:{minute:02}"),
        Lang::En => format!("{day}, {hour:02}:{minute:02}"),
    }
}

/// The day alone: `11月23日`, `23 Nov`.
pub fn told_day(at_ms: i64, offset_min: i64, lang: Lang) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Moment { month, day, .. } = Moment::at(at_ms, offset_min);
    match lang {
        Lang::Zh => format!("{month}月{day}日"),
        Lang::En => {
            let name = usize::try_from(month - 1).ok().and_then(|idx| MONTHS.get(idx)).copied().unwrap_or_default();
            format!("{day} {name}")
        }
    }
}

/// For a sheet: `2026-11-23 14:05:09`.
pub fn sheet_moment(at_ms: i64, offset_min: i64) -> String {
    let Moment { year, month, day, hour, minute, second } = Moment::at(at_ms, offset_min);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-01-01, 00:00 UTC.
    const NEW_YEAR_MS: i64 = 1_767_225_600_000;
    const CHINA: i64 = 480;

    #[test]
    fn a_time_is_read_in_every_way_that_sheets_write_it() {
        let want = Some(NEW_YEAR_MS + 6 * HOUR_MS + 5 * MINUTE_MS);
        for text in [
            "2026-01-01 14:05",
            "2026/1/1 14:05:00",
            "2026年1月1日 14:05",
            "2026年1月1日14时05分",
            "2026-01-01T14:05:00",
            "2026-01-01T06:05:00Z",
            "2026-01-01T06:05:00.250Z",
            "2026-01-01T09:05:00+03:00",
            "2026-01-01T01:05:00-0500",
        ] {
            assert_eq!(parse_moment(text, CHINA), want, "{text}");
        }
        assert_eq!(parse_moment("2026.1.1", CHINA), Some(NEW_YEAR_MS - 8 * HOUR_MS));
    }

    #[test]
    fn a_day_that_no_calendar_has_is_no_time() {
        for text in [
            "",
            "soon",
            "2026-13-01",
            "2025-02-29",
            "2026-04-31",
            "26-01-01",
            "2026-01-01 24:00",
            "2026-01",
            "1/2/2026",
            "2026-01-01 10:00 11:00 12",
            "46023.5",
        ] {
            assert_eq!(parse_moment(text, CHINA), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_told_where_the_shop_is() {
        let at_ms = NEW_YEAR_MS + 20 * HOUR_MS;
        assert_eq!(told_moment(at_ms, CHINA, Lang::Zh), "1月2日 04:00");
        assert_eq!(told_moment(at_ms, 0, Lang::En), "1 Jan, 20:00");
        assert_eq!(sheet_moment(at_ms, 0), "2026-01-01 20:00:00");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(at_s in -62_000_000_000i64..250_000_000_000, offset in -720i64..=840) {
            let at_ms = at_s * 1000;
            prop_assert_eq!(Moment::at(at_ms, offset).to_ms(offset), Some(at_ms));
            if Moment::at(at_ms, offset).year >= 1000 {
                prop_assert_eq!(parse_moment(&sheet_moment(at_ms, offset), offset), Some(at_ms));
            }
        }
    }
}
