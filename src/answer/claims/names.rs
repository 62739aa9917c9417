//! What is compared letter by letter: links, mail addresses, phone numbers, codes of models, names, quoted labels.

use std::sync::LazyLock;

use regex::Regex;

use super::text::{Plain, letters};
use crate::domain::record::ClaimKind;
use crate::domain::text::{Span, is_han};
use crate::retrieve::query;

/// A name with its place in the plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What kind of name.
    pub kind: ClaimKind,
    /// What is compared.
    pub key: String,
}

/// Patterns in the order of reading.
static PATTERNS: LazyLock<Vec<(ClaimKind, Regex)>> = LazyLock::new(|| {
    let patterns = [
        (ClaimKind::Email, r"[\w.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"),
        (ClaimKind::Link, r#"(?:https?://|www\.)[^\s，。；、！？）)】\]》>"'\u{1}]+"#),
        (
            ClaimKind::Link,
            r#"(?-u:\b)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|cn|net|org|io|shop|store|app|tw|hk|example)(?-u:\b)(?:/[^\s，。；、！？）)】\]》>"'\u{1}]*)?"#,
        ),
        (
            ClaimKind::Phone,
            r"\+\d{1,3}[- ]?\d{2,4}(?:[- ]?\d{2,4}){1,3}(?-u:\b)|\(0\d{1,3}\)[- ]?\d{3,4}[- ]?\d{4}|(?-u:\b)1[3-9]\d{9}(?-u:\b)|(?-u:\b)[48]00[- ]?\d{3}[- ]?\d{3,4}(?-u:\b)|(?-u:\b)0\d{1,3}-\d{3,4}-?\d{3,4}(?-u:\b)|(?-u:\b)\d{1,4}(?:-\d{2,4}){2,3}(?-u:\b)",
        ),
        // Letters with digits, or digits with letters that are no unit: `AF-500-BK`, `HDMI2`, `1080p`.
        (ClaimKind::Code, r"(?-u:\b)[a-z]+(?:[-_./]?[a-z]+)*[-_./]?\d[a-z0-9]*(?:[-_./][a-z0-9]+)*"),
    ];
    patterns
        .into_iter()
        .map(|(kind, pattern)| {
            (kind, Regex::new(pattern).expect("the patterns are constants and the tests run all of them"))
        })
        .collect()
});

/// Labels between quotation marks or brackets that name something.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[“「『《【]([^”」』》】\n]{1,24})[”」』》】]").expect("a constant pattern"));

static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)\b(?:refer to|see) ['"“‘][^"”’\n]{1,120}?['"”’]"#).expect("a constant pattern"));

static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[A-Za-z]+(?:'[a-z]+)?").expect("a constant pattern"));

/// The names of a text that stand out by their form; they are blanked out.
pub fn take(plain: &mut Plain) -> Vec<Found> {
    let mut found = Vec::new();
    for (kind, pattern) in PATTERNS.iter() {
        let text = plain.text.clone();
        for one in pattern.find_iter(&text) {
            let name = one.as_str().trim_end_matches(['.', ',', ':', ';', '-', '/', '_']);
            let end = one.start() + name.len();
            found.push(Found { start: one.start(), end, kind: *kind, key: key(*kind, name) });
            plain.blank(one.start(), end);
        }
    }
    found
}

/// `http://A.com/` and `a.com` lead to the same place; a phone number is its digits.
fn key(kind: ClaimKind, name: &str) -> String {
    match kind {
        ClaimKind::Link => {
            let name = name.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
            name.trim_end_matches('/').to_owned()
        }
        ClaimKind::Phone => name.chars().filter(char::is_ascii_digit).collect(),
        ClaimKind::Code => name.chars().filter(|c| c.is_alphanumeric() || *c == '.').collect(),
        _ => name.to_owned(),
    }
}

/// Words of a sentence that are names: capitalised within an English sentence, Latin within a Chinese one. With their
/// places in the original.
pub fn words(original: &str, is_chinese: bool) -> Vec<(Span, String)> {
    let is_name = |found: &regex::Match<'_>| {
        let word = found.as_str();
        if is_chinese {
            return word.len() > 1;
        }
        // `iPhone` and `USB` are names wherever they stand.
        let is_shouted = word.len() > 2 && word[1..].contains(|c: char| c.is_ascii_uppercase());
        is_shouted
            || (word.len() > 1
                && word.starts_with(|c: char| c.is_ascii_uppercase())
                && !begins_phrase(original, found.start()))
    };
    WORD.find_iter(original).filter(is_name).map(name).collect()
}

/// Longer words of Latin letters, and every name wherever it stands: what a copy may not have that its source has not.
pub fn words_of_copy(original: &str) -> Vec<(Span, String)> {
    let counts = |found: &regex::Match<'_>| {
        found.len() > 3 || (found.len() > 2 && found.as_str().chars().all(|c| c.is_ascii_uppercase()))
    };
    WORD.find_iter(original).filter(counts).map(name).collect()
}

fn name(found: regex::Match<'_>) -> (Span, String) {
    let word = found.as_str().trim_end_matches("'s").to_lowercase();
    (Span { start: found.start(), end: found.end() }, word)
}

/// Nouns that name nothing in particular: people put them where their source does without.
const PLAIN_NOUNS: &[&str] = &[
    "系统",
    "功能",
    "信息",
    "提示信息",
    "方式",
    "步骤",
    "情况",
    "问题",
    "时候",
    "时间",
    "内容",
    "作用",
    "方法",
    "原因",
    "用户",
    "账号",
    "帐号",
    "主要功能",
    "情形",
    "过程",
    "部分",
    "现象",
    "人员",
    "驾驶者",
    "使用者",
    "消费者",
    "顾客",
    "客户",
    "买家",
    "卖家",
    "商家",
];

/// Chinese nouns that stand in no source, nor run into a word that does: a sentence that repeats its source has got a
/// new subject.
pub fn new_nouns(original: &str, is_known: impl Fn(&str) -> bool) -> Vec<Span> {
    let is_known_pair = |pair: &[char]| pair.iter().all(|c| is_han(*c)) && is_known(&pair.iter().collect::<String>());
    let is_new = |(at, noun): &(usize, &str)| {
        let chars: Vec<char> = noun.chars().collect();
        // A wrong cut: the first character ends a word of the source.
        let runs_on = original[..*at].chars().next_back().is_some_and(|c| is_known_pair(&[c, chars[0]]));
        let is_changed = match chars.as_slice() {
            // `驾驶者` for `驾驶员` is no other thing.
            [first, second, third] => !is_known_pair(&[*first, *second]) && !is_known_pair(&[*second, *third]),
            _ => !is_known(noun),
        };
        chars.iter().all(|c| is_han(*c)) && !PLAIN_NOUNS.contains(noun) && is_changed && !runs_on
    };
    let nouns = query::nouns(original).into_iter().filter(is_new);
    nouns.map(|(at, noun)| Span { start: at, end: at + noun.len() }).collect()
}

/// Where a reader is sent to another chapter: `refer to "…"`.
pub fn references(original: &str) -> Vec<Span> {
    REFERENCE.find_iter(original).map(|found| Span { start: found.start(), end: found.end() }).collect()
}

/// Whether a capital at `at` may only begin a sentence, a step, a quotation.
fn begins_phrase(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches(|c: char| c == ' ' || "(*-•".contains(c));
    // What is quoted begins anew.
    before.is_empty()
        || before.ends_with(['"', '\'', '“', '‘'])
        || before.ends_with(['.', '!', '?', ':', ';', '\n', '>', '|', '。', '！', '？', '：', ')'])
}

/// Labels in quotation marks with their letters, by their places in the original.
pub fn labels(original: &str) -> Vec<(Span, String)> {
    let label = |captures: regex::Captures<'_>| {
        let inner = captures.get(1)?;
        Some((Span { start: inner.start(), end: inner.end() }, letters(inner.as_str())))
    };
    QUOTED.captures_iter(original).filter_map(label).collect()
}

/// All words of Latin letters, in lower case.
pub fn all_words(text: &str) -> impl Iterator<Item = String> {
    WORD.find_iter(text).map(|word| word.as_str().trim_end_matches("'s").to_lowercase())
}

/// What a Chinese text calls the thing whose code begins at `start`: the two characters before it.
pub fn thing_before(text: &str, start: usize) -> Option<(usize, String)> {
    let before = text[..start].trim_end_matches(' ');
    let (at, _) = before.char_indices().rev().nth(1)?;
    let thing = &before[at..];
    thing.chars().all(is_han).then(|| (at, thing.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(ClaimKind, String)> {
        take(&mut Plain::of(text)).into_iter().map(|found| (found.kind, found.key)).collect()
    }

    #[test]
    fn forms_are_told_apart() {
        assert_eq!(read("见 https://a.example/x。"), [(ClaimKind::Link, "a.example/x".to_owned())]);
        assert_eq!(read("help@a.example"), [(ClaimKind::Email, "help@a.example".to_owned())]);
        assert_eq!(read("电话 400-800-0142"), [(ClaimKind::Phone, "4008000142".to_owned())]);
        assert_eq!(read("0571-88886666")[0].0, ClaimKind::Phone);
        assert_eq!(read("型号AF-500-BK"), [(ClaimKind::Code, "af500bk".to_owned())]);
        assert_eq!(read("AF500"), read("af-500"));
        assert_eq!(read("1000-2000 元"), []);
        assert_eq!(read("5V 3A"), []);
    }

    #[test]
    fn names_stand_within_a_sentence() {
        let names = |text, is_chinese| words(text, is_chinese).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names("Press the Home button. Then open Netflix.", false), ["home", "netflix"]);
        assert_eq!(names("打开 Wallet 应用", true), ["wallet"]);
        assert_eq!(labels("点击“申请售后”")[0].1, "申请售后");
        assert_eq!(thing_before("空气炸锅 af-500", "空气炸锅 ".len()).unwrap().1, "炸锅");
    }
}
