//! Until when: the time that a sentence names, counted from when it was said and on the shop's clock.
//!
//! # Why
//! "明天" means the shop's tomorrow and ends when the shop's day does, not at a midnight in Greenwich. A time that cannot
//! be read is none at all; the caller then takes the usual one and says that nobody named it.

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::calendar::{DAY_MS, HOUR_MS, Moment, civil};

const MINUTE_MS: i64 = 60_000;

/// Nobody commits a shop to a day that is further away.
const MAX_AHEAD_DAYS: i64 = 92;

/// The clock of a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopClock {
    /// Minutes east of UTC.
    pub utc_offset_min: i64,
    /// When its day ends, in minutes after midnight.
    pub day_ends_min: i64,
}

impl ShopClock {
    /// Minutes since 1970 on the wall of the shop.
    fn wall_min(self, at_ms: i64) -> i64 {
        at_ms.div_euclid(MINUTE_MS) + self.utc_offset_min
    }

    /// The day on that wall, since 1970.
    pub fn day(self, at_ms: i64) -> i64 {
        self.wall_min(at_ms).div_euclid(24 * 60)
    }

    /// A minute of a day on that wall.
    pub fn at(self, day: i64, minute: i64) -> i64 {
        (day * 24 * 60 + minute - self.utc_offset_min) * MINUTE_MS
    }
}

/// The time that `clause`, folded to lower case and narrow letters, names; `None` if it names none, or only "soon".
pub fn due_ms(clause: &str, said_at_ms: i64, clock: ShopClock) -> Option<i64> {
    let told = span_of_time(clause, said_at_ms, clock).or_else(|| point_in_time(clause, said_at_ms, clock))?;
    // What lies in the past was no time until when.
    (told > said_at_ms).then_some(told)
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are constants and the tests run all of them")
}

static SPAN_ZH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(\d{1,3}|半|[一二两三四五六七八九十]{1,3})(?:-\d{1,3}|到\d{1,3}|~\d{1,3})?个?(工作日|小时|钟头|分钟|天|日|周|星期)(?:之?内|以内|左右|之?后)",
    )
});
static SPAN_EN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:within|in) (?:the next )?(?:about )?(\d{1,3}|an?|one|two|three|four|five|six|seven|half an)(?:\s?(?:-|to)\s?(\d{1,3}))? ?(business |working )?(minute|hour|day|week)s?\b",
    )
});

/// `24小时内`, `within 2 business days`.
fn span_of_time(clause: &str, said_at_ms: i64, clock: ShopClock) -> Option<i64> {
    if let Some(found) = SPAN_ZH.captures(clause) {
        // Of `3-5天内` the longer time is the one that must hold.
        let last = found[0].split(['-', '到', '~']).nth(1).and_then(leading_number);
        let is_half = &found[1] == "半";
        let n = last.or_else(|| if is_half { Some(0) } else { number_zh(&found[1]) })?;
        let unit = &found[2];
        let half = if is_half { 1 } else { 0 };
        return match unit {
            "分钟" => Some(said_at_ms + n * MINUTE_MS),
            "小时" | "钟头" => Some(said_at_ms + n * HOUR_MS + half * HOUR_MS / 2),
            "天" | "日" => Some(said_at_ms + n * DAY_MS + half * DAY_MS / 2),
            "周" | "星期" => Some(said_at_ms + n * 7 * DAY_MS),
            _ => Some(after_working_days(said_at_ms, n, clock)),
        };
    }
    let found = SPAN_EN.captures(clause)?;
    let is_half = &found[1] == "half an";
    let n = match found.get(2) {
        Some(last) => last.as_str().parse().ok()?,
        None => number_en(&found[1])?,
    };
    match &found[4] {
        "minute" => Some(said_at_ms + n * MINUTE_MS),
        "hour" if is_half => Some(said_at_ms + HOUR_MS / 2),
        "hour" => Some(said_at_ms + n * HOUR_MS),
        "week" => Some(said_at_ms + n * 7 * DAY_MS),
        _ if found.get(3).is_some() => Some(after_working_days(said_at_ms, n, clock)),
        _ => Some(said_at_ms + n * DAY_MS),
    }
}

/// Monday to Friday count; holidays are not known here.
fn after_working_days(said_at_ms: i64, n: i64, clock: ShopClock) -> i64 {
    let (mut at_ms, mut left) = (said_at_ms, n);
    while left > 0 {
        at_ms += DAY_MS;
        if weekday(clock.day(at_ms)) < 5 {
            left -= 1;
        }
    }
    at_ms
}

/// 0 is Monday. The first of January 1970 was a Thursday.
pub fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

static DAY_ZH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"大后天|后天|明(?:天|日|早|晚)|今(?:天|日|晚|早)|当天|(下)?(?:周|星期|礼拜)([一二三四五六日天末])|这?本?周(?:之)?内|(\d{1,2})月(\d{1,2})(?:日|号)|(\d{1,2})号",
    )
});
static DAY_EN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(day after tomorrow|tomorrow|today|tonight|this (?:morning|afternoon|evening|week)|end of (?:the )?day|eod)\b|\b(next )?(monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|\b(?:(\d{1,2})(?:st|nd|rd|th)? (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* (\d{1,2})(?:st|nd|rd|th)?)\b",
    )
});
static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(上午|早上|中午|下午|傍晚|晚上|今晚|明晚)?(\d{1,2}|[一二两三四五六七八九十]{1,3})点(半|(\d{1,2})分?)?|(?-u:\b)(\d{1,2}):(\d{2})(?-u:\b)|(?-u:\b)(\d{1,2})(?::(\d{2}))? ?(am|pm)(?-u:\b)",
    )
});

/// `明天下午3点前`, `by Friday`.
fn point_in_time(clause: &str, said_at_ms: i64, clock: ShopClock) -> Option<i64> {
    let today = clock.day(said_at_ms);
    let day = day_zh(clause, today).or_else(|| day_en(clause, today));
    let minute = clock_time(clause).or_else(|| part_of_day(clause));
    match (day, minute) {
        (None, None) => None,
        (Some(day), None) => {
            let ends_ms = clock.at(day, clock.day_ends_min);
            // Who says "today" after the shop's day has ended means before midnight.
            Some(if ends_ms > said_at_ms { ends_ms } else { clock.at(day, 24 * 60 - 1) })
        }
        (Some(day), Some(minute)) => Some(clock.at(day, minute)),
        (None, Some(minute)) => {
            let at_ms = clock.at(today, minute);
            // `3点前` after three in the morning is three in the afternoon; later still, tomorrow.
            let later = (minute < 12 * 60).then(|| clock.at(today, minute + 12 * 60));
            [Some(at_ms), later].into_iter().flatten().find(|at_ms| *at_ms > said_at_ms).or(Some(at_ms + DAY_MS))
        }
    }
}

fn day_zh(clause: &str, today: i64) -> Option<i64> {
    let found = DAY_ZH.captures(clause)?;
    let text = &found[0];
    if let Some(name) = found.get(2) {
        let wanted = match name.as_str() {
            "末" => 6,
            name => "一二三四五六日".find(name).map_or(6, |at| (at / 3) as i64),
        };
        return Some(on_weekday(today, wanted, found.get(1).is_some()));
    }
    if let (Some(month), Some(date)) = (found.get(3), found.get(4)) {
        return on_date(today, month.as_str().parse().ok()?, date.as_str().parse().ok()?);
    }
    if let Some(date) = found.get(5) {
        let (_, month, today_date) = civil(today);
        let date: i64 = date.as_str().parse().ok()?;
        return on_date(today, if date >= today_date { month } else { month % 12 + 1 }, date);
    }
    Some(match text {
        "大后天" => today + 3,
        "后天" => today + 2,
        _ if text.starts_with('明') => today + 1,
        _ if text.ends_with("周内") => today + 6 - weekday(today),
        _ => today,
    })
}

fn day_en(clause: &str, today: i64) -> Option<i64> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let found = DAY_EN.captures(clause)?;
    if let Some(name) = found.get(3) {
        let wanted = DAYS.iter().zip(0..).find(|(day, _)| **day == name.as_str())?.1;
        return Some(on_weekday(today, wanted, found.get(2).is_some()));
    }
    let date = found.get(4).zip(found.get(5)).or_else(|| found.get(7).zip(found.get(6)));
    if let Some((date, month)) = date {
        let month = MONTHS.find(month.as_str())? as i64 / 3 + 1;
        return on_date(today, month, date.as_str().parse().ok()?);
    }
    Some(match &found[1] {
        "day after tomorrow" => today + 2,
        "tomorrow" => today + 1,
        "this week" => today + 6 - weekday(today),
        _ => today,
    })
}

/// The next such day, today among them; of the week after this one if `is_next`.
fn on_weekday(today: i64, wanted: i64, is_next: bool) -> i64 {
    if is_next {
        return today - weekday(today) + 7 + wanted;
    }
    today + (wanted - weekday(today)).rem_euclid(7)
}

/// A date of this year, or of the next if it is over.
fn on_date(today: i64, month: i64, day: i64) -> Option<i64> {
    let (year, ..) = civil(today);
    let on = |year| Moment { year, month, day, hour: 0, minute: 0, second: 0 }.to_ms(0).map(|at_ms| at_ms / DAY_MS);
    let next = on(year).filter(|day| *day >= today).or_else(|| on(year + 1));
    // A date of the last weeks is told of what was, and not of what will be.
    next.filter(|day| day - today <= MAX_AHEAD_DAYS)
}

/// A clock time, in minutes after midnight.
fn clock_time(clause: &str) -> Option<i64> {
    let found = CLOCK.captures(clause)?;
    let number = |group: usize| found.get(group).map(|digits| digits.as_str().parse::<i64>());
    let (hour, minute) = if let Some(hour) = found.get(2) {
        // `快一点` is no one o'clock.
        if hour.as_str() == "一" && found.get(1).is_none() && found.get(3).is_none() {
            return None;
        }
        let hour = number_zh(hour.as_str())?;
        let is_late = found.get(1).is_some_and(|part| "下午傍晚晚上今晚明晚".contains(part.as_str()))
            || (found.get(1).is_none() && (clause.contains("下午") || clause.contains("晚")));
        let minute = match (found.get(3), number(4)) {
            (_, Some(minute)) => minute.ok()?,
            (Some(_), None) => 30,
            (None, None) => 0,
        };
        (if is_late && hour < 12 { hour + 12 } else { hour }, minute)
    } else if let (Some(hour), Some(minute)) = (number(5), number(6)) {
        (hour.ok()?, minute.ok()?)
    } else {
        let hour = number(7)?.ok()? % 12 + if &found[9] == "pm" { 12 } else { 0 };
        (hour, number(8).transpose().ok()?.unwrap_or(0))
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 60 + minute)
}

/// When a part of the day is over, in minutes after midnight.
fn part_of_day(clause: &str) -> Option<i64> {
    const PARTS: [(&str, i64); 14] = [
        ("上午", 12 * 60),
        ("早上", 10 * 60),
        ("明早", 10 * 60),
        ("今早", 10 * 60),
        ("中午", 13 * 60),
        ("下午", 18 * 60),
        ("下班前", 18 * 60),
        ("傍晚", 19 * 60),
        ("晚上", 24 * 60 - 1),
        ("今晚", 24 * 60 - 1),
        ("明晚", 24 * 60 - 1),
        ("morning", 12 * 60),
        ("afternoon", 18 * 60),
        ("evening", 22 * 60),
    ];
    let part = PARTS.iter().find(|(name, _)| clause.contains(name)).map(|(_, minute)| *minute);
    part.or_else(|| clause.contains("tonight").then_some(24 * 60 - 1))
}

fn leading_number(text: &str) -> Option<i64> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// `24`, `两`, `十二`, `二十四`.
fn number_zh(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let digit = |c: char| match c {
        '两' => Some(2),
        c => "一二三四五六七八九".chars().zip(1i64..).find(|(known, _)| *known == c).map(|(_, value)| value),
    };
    match text.split_once('十') {
        None => text.chars().next().filter(|_| text.chars().count() == 1).and_then(digit),
        Some((tens, ones)) => {
            let tens = if tens.is_empty() { 1 } else { tens.chars().next().and_then(digit)? };
            let ones = if ones.is_empty() { 0 } else { ones.chars().next().and_then(digit)? };
            Some(tens * 10 + ones)
        }
    }
}

fn number_en(text: &str) -> Option<i64> {
    const WORDS: [(&str, i64); 10] = [
        ("a", 1),
        ("an", 1),
        ("half an", 0),
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
        ("five", 5),
        ("six", 6),
        ("seven", 7),
    ];
    text.parse().ok().or_else(|| WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value))
}
