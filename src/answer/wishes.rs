//! What a buyer wants done with their own order: to hear where it is, or to have something about it changed.
//!
//! # Why
//! Rules, not a model, for the reason that the guard gives: what changes a record must not depend on how a model feels
//! today. A wish that is not recognised goes to a person as before; a question about how something works in general
//! ("怎么改地址") is no wish, and is answered from the documents.

mod rules;

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use crate::domain::task::TaskKind;
use crate::retrieve::query::fold;

/// What a buyer wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To hear where it is.
    Status,
    /// To have something done.
    Change(TaskKind),
}

struct Rules {
    how_to: RegexSet,
    not: RegexSet,
    changes: Vec<(TaskKind, RegexSet)>,
    status: RegexSet,
    not_status: RegexSet,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules {
    how_to: set(rules::HOW_TO),
    not: set(rules::NOT),
    changes: rules::CHANGES.iter().map(|(kind, patterns)| (*kind, set(patterns))).collect(),
    status: set(rules::STATUS),
    not_status: set(rules::NOT_STATUS),
});

fn set(patterns: &[&str]) -> RegexSet {
    RegexSet::new(patterns).expect("the patterns are constants and the tests run all of them")
}

/// The wish of a message to change something; none for a question about how that is done.
pub fn change(message: &str) -> Option<TaskKind> {
    let folded = fold(message);
    if RULES.how_to.is_match(&folded) || RULES.not.is_match(&folded) {
        return None;
    }
    RULES.changes.iter().find(|(_, patterns)| patterns.is_match(&folded)).map(|(kind, _)| *kind)
}

/// The wish of a message that is about the buyer's own order.
pub fn wish(message: &str) -> Option<Wish> {
    if let Some(kind) = change(message) {
        return Some(Wish::Change(kind));
    }
    let folded = fold(message);
    let is_status = RULES.status.is_match(&folded) && !RULES.not_status.is_match(&folded);
    is_status.then_some(Wish::Status)
}

/// By what an order is named in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// What may be its number.
    pub number: Option<String>,
    /// What may be the last four digits of the phone number on it.
    pub last_four: Option<String>,
}

static CODES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[a-z0-9][a-z0-9\-_]{3,63}").expect("a constant pattern that the tests run"));
static MOBILE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^1[3-9]\d{9}$").expect("a constant pattern that the tests run"));

/// Finds an order number (six digits or more) and four digits that stand alone, or a mobile number beside the order's.
pub fn named(message: &str) -> Named {
    let text = fold(message);
    let n_digits = |code: &str| code.bytes().filter(u8::is_ascii_digit).count();
    let codes: Vec<&str> =
        CODES.find_iter(&text).map(|found| found.as_str()).filter(|code| n_digits(code) >= 4).collect();
    let is_four = |code: &&str| code.len() == 4 && n_digits(code) == 4;
    let is_mobile = |code: &&str| MOBILE.is_match(code);
    let long: Vec<&str> = codes.iter().copied().filter(|code| n_digits(code) >= 6).collect();
    // A mobile number is one only if something else is the order's number.
    let number = long.iter().find(|code| !is_mobile(code)).or_else(|| long.first()).copied();
    let mobile = long.iter().copied().find(|code| Some(*code) != number && is_mobile(code));
    let last_four = codes.iter().copied().find(is_four).or_else(|| mobile.map(|mobile| &mobile[mobile.len() - 4..]));
    Named { number: number.map(str::to_uppercase), last_four: last_four.map(str::to_owned) }
}

/// What people write around the numbers they were asked for.
static AROUND_CODES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x) 订单 | 单号 | 编号 | 号码 | 手机 | 电话 | 尾号 | 后四位 | 后4位 | 我的 | 号 | 是 | 为 | 的 | 和 | 呢
        | \b(?: my | the | it | it's | is | and | with | order | phone | mobile | number | no | ends | ending | in
        | last | four | 4 | digits )\b",
    )
    .expect("a constant pattern that the tests run")
});

/// Whether a message names an order and says nothing else: an answer to the question which one is meant.
pub fn is_only_codes(message: &str) -> bool {
    let folded = fold(message);
    let rest = CODES.replace_all(&folded, |found: &regex::Captures<'_>| {
        let is_code = found[0].bytes().filter(u8::is_ascii_digit).count() >= 4;
        if is_code { " ".to_owned() } else { found[0].to_owned() }
    });
    named(message) != Named::default() && !AROUND_CODES.replace_all(&rest, " ").contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests;
