//! Dates, times of day and weekdays: `11月11日`, `Nov 11, 2026`, `2026-11-11`, `9:00`, `下午三点`, `周一`.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::text::Plain;

/// A point in a calendar or on a clock, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Year, month, day; what is not said is missing.
    Date(Option<u32>, Option<u32>, Option<u32>),
    /// Minutes since midnight.
    Time(u32),
    /// Monday is 1.
    Weekday(u32),
}

impl Moment {
    /// Whether a source that says `source` says this, too.
    pub fn follows_from(self, source: Self) -> bool {
        let agrees = |mine: Option<u32>, theirs: Option<u32>| mine.is_none() || mine == theirs;
        match (self, source) {
            (Self::Date(y, m, d), Self::Date(sy, sm, sd)) => agrees(y, sy) && agrees(m, sm) && agrees(d, sd),
            (mine, theirs) => mine == theirs,
        }
    }
}

/// A moment with its place in the plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it says.
    pub moment: Moment,
}

const HAN_NUMBER: &str = "一二三四五六七八九十";
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

type Reader = fn(&Captures<'_>) -> Option<Moment>;

/// Patterns in the order of reading.
static PATTERNS: LazyLock<Vec<(Regex, Reader)>> = LazyLock::new(|| {
    let month = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?";
    let patterns: [(String, Reader); 10] = [
        (r"(?-u:\b)((?:19|20)\d{2})[-/.](\d{1,2})[-/.](\d{1,2})(?-u:\b)".to_owned(), |c| {
            Some(Moment::Date(number(c, 1), number(c, 2), number(c, 3)))
        }),
        (r"((?:19|20)\d{2})\s*年\s*(?:(\d{1,2})\s*月(?:\s*(\d{1,2})\s*[日号號])?)?".to_owned(), |c| {
            Some(Moment::Date(number(c, 1), number(c, 2), number(c, 3)))
        }),
        (format!(r"(\d{{1,2}}|[{HAN_NUMBER}]{{1,3}})\s*月\s*(\d{{1,2}}|[{HAN_NUMBER}]{{1,3}})\s*[日号號]"), |c| {
            Some(Moment::Date(None, number(c, 1), number(c, 2)))
        }),
        (format!(r"(\d{{1,2}}|[{HAN_NUMBER}]{{1,2}})\s*月(?:份|底|初|中旬)?"), |c| {
            Some(Moment::Date(None, number(c, 1), None))
        }),
        (format!(r"(?-u:\b){month}\s+(\d{{1,2}})(?:st|nd|rd|th)?(?-u:\b)(?:,?\s*((?:19|20)\d{{2}})(?-u:\b))?"), |c| {
            Some(Moment::Date(number(c, 3), english_month(c, 1), number(c, 2)))
        }),
        (format!(r"(?-u:\b)(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{month}(?:,?\s*((?:19|20)\d{{2}}))?(?-u:\b)"), |c| {
            Some(Moment::Date(number(c, 3), english_month(c, 2), number(c, 1)))
        }),
        (format!(r"(?-u:\b){month}\s+((?:19|20)\d{{2}})(?-u:\b)"), |c| Some(Moment::Date(number(c, 2), english_month(c, 1), None))),
        (r"(上午|下午|晚上|中午|早上|凌晨)?\s*(\d{1,2})[:：](\d{2})(?::\d{2})?\s*([ap]\.?m\.?)?".to_owned(), |c| {
            time(number(c, 2)?, number(c, 3)?, c.get(1).or(c.get(4)).map(|half| half.as_str()))
        }),
        (format!(r"(上午|下午|晚上|中午|早上|凌晨)\s*(\d{{1,2}}|[{HAN_NUMBER}]{{1,3}})\s*[点點时時](半)?|(?-u:\b)(\d{{1,2}})\s*([ap]\.?m\.?)(?-u:\b)"), |c| {
            let hour = number(c, 2).or_else(|| number(c, 4))?;
            let half = c.get(1).or(c.get(5)).map(|half| half.as_str());
            time(hour, if c.get(3).is_some() { 30 } else { 0 }, half)
        }),
        (r"(?:星期|礼拜|周|週)([一二三四五六日天])|(?-u:\b)(monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?(?-u:\b)".to_owned(), |c| {
            weekday(c)
        }),
    ];
    let compile = |(pattern, reader): (String, Reader)| {
        (Regex::new(&pattern).expect("the patterns are constants and the tests run all of them"), reader)
    };
    patterns.into_iter().map(compile).collect()
});

/// The moments of a text, in the order of reading; they are blanked out.
pub fn take(plain: &mut Plain) -> Vec<Found> {
    let mut found = Vec::new();
    for (pattern, reader) in PATTERNS.iter() {
        let text = plain.text.clone();
        for captures in pattern.captures_iter(&text) {
            let Some(whole) = captures.get(0) else { continue };
            // `一周一次` is no Monday.
            let is_counted = text[..whole.start()].ends_with(|c: char| HAN_NUMBER.contains(c) || c.is_ascii_digit());
            let is_weekday = |moment: &Moment| matches!(moment, Moment::Weekday(_));
            if let Some(moment) = reader(&captures).filter(|moment| !(is_counted && is_weekday(moment))) {
                found.push(Found { start: whole.start(), end: whole.end(), moment });
                plain.blank(whole.start(), whole.end());
            }
        }
    }
    found
}

fn number(captures: &Captures<'_>, group: usize) -> Option<u32> {
    let text = captures.get(group)?.as_str();
    text.parse().ok().or_else(|| {
        let digit = |c: char| HAN_NUMBER.chars().position(|known| known == c).map(|at| at as u32 + 1);
        let mut value = 0;
        for c in text.chars() {
            let digit = digit(c)?;
            value = if digit == 10 { value.max(1) * 10 } else { value + digit };
        }
        Some(value)
    })
}

fn english_month(captures: &Captures<'_>, group: usize) -> Option<u32> {
    let name = captures.get(group)?.as_str();
    MONTHS.iter().position(|month| name.starts_with(month)).map(|at| at as u32 + 1)
}

fn time(hour: u32, minute: u32, half: Option<&str>) -> Option<Moment> {
    let is_afternoon = half.is_some_and(|half| half.starts_with('p') || matches!(half, "下午" | "晚上"));
    let is_morning = half.is_some_and(|half| half.starts_with('a'));
    let hour = match hour {
        12 if is_morning => 0,
        1..=11 if is_afternoon => hour + 12,
        _ => hour,
    };
    (hour <= 24 && minute < 60).then_some(Moment::Time(hour * 60 + minute))
}

fn weekday(captures: &Captures<'_>) -> Option<Moment> {
    let day = match (captures.get(1), captures.get(2)) {
        (Some(han), _) => "一二三四五六日".chars().position(|c| han.as_str().starts_with(c)).unwrap_or(6),
        (None, english) => DAYS.iter().position(|day| english.is_some_and(|name| name.as_str() == *day))?,
    };
    Some(Moment::Weekday(day as u32 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Moment> {
        take(&mut Plain::of(text)).into_iter().map(|found| found.moment).collect()
    }

    #[test]
    fn a_date_is_the_same_in_every_notation() {
        let day = Moment::Date(Some(2026), Some(11), Some(3));
        for text in ["2026-11-03", "2026年11月3日", "Nov 3, 2026", "3rd of November 2026", "2026/11/3"] {
            assert_eq!(read(text), [day], "{text}");
        }
        assert_eq!(read("十一月三日"), [Moment::Date(None, Some(11), Some(3))]);
        assert_eq!(read("四月底"), [Moment::Date(None, Some(4), None)]);
        assert_eq!(read("3个月"), []);
    }

    #[test]
    fn a_part_of_a_date_follows_from_the_whole_but_not_the_other_way_round() {
        let (part, whole) = (Moment::Date(None, Some(11), Some(3)), Moment::Date(Some(2026), Some(11), Some(3)));
        assert!(part.follows_from(whole) && !whole.follows_from(part));
    }

    #[test]
    fn clocks_and_weekdays() {
        assert_eq!(read("9:00–21:00"), [Moment::Time(540), Moment::Time(1260)]);
        assert_eq!(read("下午三点半"), read("3:30 pm"));
        assert_eq!(read("9 am"), [Moment::Time(540)]);
        assert_eq!(read("周一至周五"), read("Monday to Friday"));
        assert_eq!(read("一周一次"), []);
    }
}
