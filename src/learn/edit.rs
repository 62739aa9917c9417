//! What an agent's edit meant: better words, or another claim?
//!
//! # Why
//! The agent decides with one key; the proposal keeps hurried agents honest. A changed number, date, SKU, address or
//! negation changes what the shop says, however few letters it takes. The rules look at what stands in one text and not
//! in the other, not at where it stands: moving a number is style, losing one is not.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use crate::domain::outcome::EditKind;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// An address on the web.
    Url,
    /// An e-mail address or a telephone number.
    Contact,
    /// A day.
    Date,
    /// A sum of money.
    Money,
    /// A name of an article.
    Sku,
    /// Any other number, with its unit.
    Number,
    /// A word that turns a statement round.
    Negation,
}

/// One kind of claim that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedClaim {
    /// Which kind.
    pub kind: ClaimKind,
    /// What only the draft says.
    pub before: Vec<String>,
    /// What only the edit says.
    pub after: Vec<String>,
}

/// What an edit seems to be, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Proposal {
    /// Style or fact.
    pub kind: EditKind,
    /// What differs; empty for style.
    pub because: Vec<ChangedClaim>,
}

/// What is looked for, the more particular first: what one pattern takes, the next does not see.
const PATTERNS: [(ClaimKind, &str); 7] = [
    (ClaimKind::Url, r"https?://[^\s\])，。；、）】]+|\bwww\.[^\s\])，。；、）】]+"),
    (
        ClaimKind::Contact,
        r"[\w.+-]+@[\w-]+\.[\w.-]+\w|\+?\d{2,4}[- ]\d{3,4}[- ]\d{3,4}|\b1[3-9]\d{9}\b|\b[48]00-?\d{3}-?\d{4}\b",
    ),
    (
        ClaimKind::Date,
        r"\d{4}[-/.年]\d{1,2}(?:[-/.月]\d{1,2}日?|月)|\d{1,2}月\d{1,2}[日号]|\b\d{1,2} (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b(?: \d{4})?|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}\b(?:, \d{4})?|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|(?:周|星期)[一二三四五六日天]",
    ),
    (
        ClaimKind::Money,
        r"[$€£¥]\s?\d+(?:,\d{3})*(?:\.\d+)?|\d+(?:,\d{3})*(?:\.\d+)?\s?(?:元|块钱|美元|人民币|usd|eur|gbp|cny|rmb|dollars?|euros?|pounds?|yuan)|免费|包邮|\bfree\b",
    ),
    (ClaimKind::Sku, r"\b(?:[a-z]+[-_]?\d+[a-z0-9]*(?:[-_][a-z0-9]+)*|\d+[a-z]{1,3}\d+[a-z0-9]*)\b"),
    (
        ClaimKind::Number,
        r"\d+(?:[.,:：]\d+)*\s?(?:%|[a-z°]+|个?(?:工作日|小时|分钟|天|日|周|月|年|秒|次|件|倍|折|公斤|千克|克|厘米|毫米|米|升|毫升|瓦|伏|度))?|[零〇一二两三四五六七八九十百千万半]+个?(?:工作日|小时|分钟|天|周|月|年|次|件|倍|折)|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twice|half|double)\b",
    ),
    (
        ClaimKind::Negation,
        r"不|没|无法|无需|未|非|勿|禁止|别(?:再|去|用|把)|\b(?:not|no|never|none|cannot|without|nor|neither|unable|except|unless)\b|n't\b",
    ),
];

static RULES: LazyLock<Vec<(ClaimKind, Regex)>> = LazyLock::new(|| {
    let compile =
        |(kind, pattern): (ClaimKind, &str)| (kind, Regex::new(pattern).expect("constant patterns that the tests run"));
    PATTERNS.into_iter().map(compile).collect()
});

/// Marks of citations are no numbers of the text.
static MARKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[\d+\]").expect("a constant pattern that the tests run"));

/// What the change from `draft` to `edit` seems to be.
pub fn propose(draft: &str, edit: &str) -> Proposal {
    let (before, after) = (claims(draft), claims(edit));
    let mut because = Vec::new();
    for (kind, _) in PATTERNS {
        let (only_before, only_after) = (missing_in(&after, &before, kind), missing_in(&before, &after, kind));
        if !only_before.is_empty() || !only_after.is_empty() {
            because.push(ChangedClaim { kind, before: only_before, after: only_after });
        }
    }
    let kind = if because.is_empty() { EditKind::Style } else { EditKind::Fact };
    Proposal { kind, because }
}

/// Claims with how often they are made.
type Claims = BTreeMap<(ClaimKind, String), u32>;

fn claims(text: &str) -> Claims {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let mut rest = MARKS.replace_all(&folded, " ").replace('’', "'");
    let mut found = Claims::new();
    for (kind, rule) in RULES.iter() {
        for claim in rule.find_iter(&rest) {
            let plain: String = claim.as_str().chars().filter(|c| !c.is_whitespace()).collect();
            *found.entry((*kind, plain)).or_default() += 1;
        }
        rest = rule.replace_all(&rest, " ").into_owned();
    }
    // Repeating a fact adds none. A negation is different: the second turns the first round.
    found.iter_mut().filter(|((kind, _), _)| *kind != ClaimKind::Negation).for_each(|(_, n)| *n = 1);
    found
}

/// Claims of this kind that `from` makes and `text` does not, or not as often.
fn missing_in(text: &Claims, from: &Claims, kind: ClaimKind) -> Vec<String> {
    let is_missing =
        |(claim, n): &(&(ClaimKind, String), &u32)| claim.0 == kind && text.get(*claim).copied().unwrap_or(0) < **n;
    from.iter().filter(is_missing).map(|((_, claim), _)| claim.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(draft: &str, edit: &str) -> Vec<ClaimKind> {
        propose(draft, edit).because.into_iter().map(|changed| changed.kind).collect()
    }

    #[test]
    fn other_words_for_the_same_are_style() {
        for (draft, edit) in [
            ("Within 7 days [1].", "You have 7 days. [2]"),
            ("支持7天无理由退货", "您好，支持 7 天无理由退货哦～"),
            ("It costs $30, shipping included.", "Shipping included, it costs $30!"),
            ("请在 2026-01-31 前寄回", "麻烦您在２０２６-01-31 前寄回，谢谢"),
            ("You can't wash it.", "You can’t wash it, sorry."),
            ("Model AX-100 fits.", "The model ax-100 fits."),
            ("Within 7 days.", "Within 7 days, as I said: 7 days."),
        ] {
            assert_eq!(propose(draft, edit).kind, EditKind::Style, "{draft} → {edit}: {:?}", kinds(draft, edit));
        }
    }

    #[test]
    fn a_changed_claim_is_a_fact_and_is_named() {
        use ClaimKind::{Contact, Date, Money, Negation, Number, Sku, Url};
        for (draft, edit, want) in [
            ("Within 7 days.", "Within 14 days.", Number),
            ("七天内", "十天内", Number),
            ("Charge it for 2 hours.", "Charge it for 2 minutes.", Number),
            ("It costs $30.", "It costs $35.", Money),
            ("运费 10 元", "包邮", Money),
            ("到 2026-01-31 为止", "到 2026-02-28 为止", Date),
            ("Open on Sunday.", "Open on Monday.", Date),
            ("Model AX-100 fits.", "Model AX-200 fits.", Sku),
            ("可以机洗", "不可以机洗", Negation),
            ("You can wash it.", "You cannot wash it.", Negation),
            ("You can wash it.", "You can't wash it.", Negation),
            ("See https://a.example/x", "See https://a.example/y", Url),
            ("Call 400-123-4567", "Call 400-123-4568", Contact),
            ("Write to a@b.example", "Write to c@b.example", Contact),
        ] {
            let proposal = propose(draft, edit);
            assert_eq!(proposal.kind, EditKind::Fact, "{draft} → {edit}");
            assert!(kinds(draft, edit).contains(&want), "{draft} → {edit}: {:?}", proposal.because);
        }
    }

    #[test]
    fn what_differs_is_told_from_both_sides() {
        let told = propose("7 天内可退，运费 10 元。", "14 天内可退，运费 10 元。").because;
        let want = ChangedClaim { kind: ClaimKind::Number, before: vec!["7天".into()], after: vec!["14天".into()] };
        assert_eq!(told, [want]);
    }

    #[test]
    fn a_dropped_or_added_claim_counts_too() {
        assert_eq!(kinds("Returns within 7 days, unopened.", "Returns are possible, unopened."), [ClaimKind::Number]);
        assert_eq!(kinds("不可以不洗", "不可以洗"), [ClaimKind::Negation], "two negations are not one");
    }
}
