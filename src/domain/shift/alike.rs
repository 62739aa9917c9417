//! Whether equal questions are answered alike, whoever is on.
//!
//! # Why
//! A buyer who asks in the morning may ask again at night. Two answers to one question are not wrong by that, but one of
//! them usually is; so it is counted how often the answer to a question that came in several shifts was one and the same.
//! Equal means equal: what differs only in case, blanks and punctuation. Questions that mean the same in other words are
//! not looked for here, so the share says nothing about them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Shift, who_was_on};
use crate::domain::commitment::due::ShopClock;
use crate::domain::text::fold;

/// Shorter questions (`?`, `ok`) are no questions.
const MIN_CHARS: usize = 4;

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub answer: String,
    /// When it was answered.
    pub at_ms: i64,
}

/// A text without what two people may write differently: case, width, blanks and punctuation.
pub fn plain(text: &str) -> String {
    // Marks of citations, `[1]`, are no part of an answer.
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let after = &rest[at + 1..];
        let n_digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let is_mark = n_digits > 0 && after[n_digits..].starts_with(']');
        kept.push_str(&rest[..at]);
        rest = if is_mark { &after[n_digits + 1..] } else { after };
    }
    kept.push_str(rest);
    fold(&kept).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// How many of the questions that came in several shifts had one answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Share {
    /// The days since 1970 on which the week begins, where the shop is.
    pub week: i64,
    /// Questions that were answered in at least two shifts.
    pub n_compared: u32,
    /// Of them, those with one answer in all of these.
    pub n_alike: u32,
}

/// A question that was not answered alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Differing {
    /// As it was asked first.
    pub question: String,
    /// An answer of each kind, with the shift that gave it first.
    pub answers: Vec<ShiftAnswer>,
}

/// What a shift answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShiftAnswer {
    /// What the shift is called.
    pub shift: String,
    /// Word for word.
    pub text: String,
}

/// Differing questions that are named; more would be read by nobody.
const MAX_DIFFERING: usize = 10;

/// By the plain question: the place of the shift, and what was asked and answered in it.
type ByQuestion<'a> = BTreeMap<String, Vec<(usize, &'a Exchange)>>;

/// The shares of the weeks, oldest first, and what differs in the last one that has something to compare.
pub fn compare(exchanges: &[Exchange], shifts: &[Shift], clock: ShopClock) -> (Vec<Share>, Vec<Differing>) {
    let mut weeks: BTreeMap<i64, ByQuestion<'_>> = BTreeMap::new();
    for exchange in exchanges {
        let Some(shift) = who_was_on(shifts, exchange.at_ms, clock) else { continue };
        let question = plain(&exchange.question);
        if question.chars().count() < MIN_CHARS {
            continue;
        }
        let day = clock.day(exchange.at_ms);
        let week = day - super::weekday(day);
        weeks.entry(week).or_default().entry(question).or_default().push((shift, exchange));
    }
    let mut shares = Vec::new();
    let mut differing = Vec::new();
    for (week, questions) in weeks {
        let mut share = Share { week, ..Share::default() };
        let mut differs = Vec::new();
        for answers in questions.into_values() {
            let n_shifts = answers.iter().map(|(shift, _)| *shift).collect::<BTreeSet<_>>().len();
            if n_shifts < 2 {
                continue;
            }
            share.n_compared += 1;
            let mut kinds: BTreeMap<String, (usize, &Exchange)> = BTreeMap::new();
            for (shift, exchange) in &answers {
                kinds.entry(plain(&exchange.answer)).or_insert((*shift, exchange));
            }
            if kinds.len() == 1 {
                share.n_alike += 1;
                continue;
            }
            let told = |(shift, exchange): &(usize, &Exchange)| ShiftAnswer {
                shift: shifts[*shift].name.clone(),
                text: exchange.answer.clone(),
            };
            let question = answers[0].1.question.clone();
            differs.push(Differing { question, answers: kinds.values().map(told).collect() });
        }
        if share.n_compared > 0 {
            shares.push(share);
            differs.truncate(MAX_DIFFERING);
            differing = differs;
        }
    }
    (shares, differing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{DAY_MS, HOUR_MS};

    const CHINA: ShopClock = ShopClock { utc_offset_min: 480, day_ends_min: 1260 };
    /// Tuesday, 2026-11-24, 10:00 in China.
    const TEN_MS: i64 = 1_795_485_600_000;

    fn asked(question: &str, answer: &str, at_ms: i64) -> Exchange {
        Exchange { question: question.into(), answer: answer.into(), at_ms }
    }

    #[test]
    fn only_what_two_shifts_answered_is_compared_and_form_does_not_count() {
        let every = |name: &str, from_min, until_min| Shift {
            name: name.into(),
            weekdays: (0..7).collect(),
            from_min,
            until_min,
            agents: vec![],
        };
        let shifts = [every("早班", 480, 960), every("晚班", 960, 0)];
        let evening = TEN_MS + 8 * HOUR_MS;
        let exchanges = [
            asked("几天内可以退货？", "签收后7天内可以退货[1]。", TEN_MS),
            asked("几天内可以退货", "签收后 7 天内可以退货", evening),
            asked("怎么开发票", "下单时填写抬头", TEN_MS),
            asked("怎么开发票", "联系客服", evening),
            asked("包邮吗?", "包邮", TEN_MS),
            asked("运费多少呢", "满99包邮", TEN_MS),
            asked("运费多少呢", "10元", TEN_MS + HOUR_MS),
            asked("怎么开发票", "半夜没有人", TEN_MS - 8 * HOUR_MS),
            asked("上周的问题呀", "一样", TEN_MS - 7 * DAY_MS),
            asked("上周的问题呀", "一样", evening - 7 * DAY_MS),
        ];
        let (shares, differing) = compare(&exchanges, &shifts, CHINA);
        let told: Vec<_> = shares.iter().map(|share| (share.n_compared, share.n_alike)).collect();
        assert_eq!(told, [(1, 1), (2, 1)], "what one shift says twice in two ways is its own affair");
        assert_eq!(shares[1].week - shares[0].week, 7);
        assert_eq!(differing.len(), 1);
        assert_eq!(differing[0].question, "怎么开发票");
        assert_eq!(compare(&exchanges, &[], CHINA), (vec![], vec![]), "without a schedule nothing is compared");
    }
}
