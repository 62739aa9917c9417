//! Hears commitments in a reply.
//!
//! # Why
//! Rules, not a model: the list is read every night, and a false entry costs each reader a glance, for ever. So a
//! clause counts only if it says **what** is done, **by us**, **from now on**, and if nothing in it, or in its sentence,
//! makes it a refusal, a question, a condition, a rule for everybody or somebody else's words. What is missed can be
//! written by hand.
//!
//! A look at something while the buyer waits ("稍等，我查一下") is none: it is over before anybody could forget it. A check
//! counts where somebody else has to be asked, or a time was named.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::CommitmentKind;
use super::due::{ShopClock, due_ms};
use super::rules::{
    ACTIONS_EN, ACTIONS_ZH, COURTESY_ZH, FINANCE, FOR_YOU_ZH, LASTING_EN, LASTING_ZH, LATER_ZH, MAY_ZH, NEAR_EN,
    NEAR_ZH, NOT_EN, NOT_ZH, PASSIVE_EN, PAST_ZH, SELF_EN, SELF_ZH, SENTENCE_EN, SENTENCE_ZH, SOON_EN, SOON_ZH,
    WAREHOUSE,
};
use crate::domain::task::Department;
use crate::domain::text::{Lang, Span, fold};

/// A reply with more of them is a letter; the rest is left to its reader.
const MAX_HEARD: usize = 5;

/// A commitment that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What was committed to.
    pub kind: CommitmentKind,
    /// Whose hands it is in.
    pub department: Department,
    /// The sentence, in the reply; the clause alone where the sentence holds several.
    pub span: Span,
    /// Until when, if that was said.
    pub due_at_ms: Option<i64>,
}

/// A kind, and the clause it stands in.
type Said = (CommitmentKind, String);

/// The commitments of `text`, which was said at `said_at_ms`; at most one of a kind in a sentence, in order.
pub fn hear(text: &str, said_at_ms: i64, clock: ShopClock) -> Vec<Heard> {
    let mut heard = Vec::new();
    for span in sentences(text) {
        let sentence = fold(span.of(text));
        let said = match Lang::of(&sentence) {
            Lang::Zh => in_chinese(&sentence),
            Lang::En => in_english(&sentence),
        };
        let due = |clause: &str| due_ms(clause, said_at_ms, clock);
        let of_any = said.iter().find_map(|(_, clause)| due(clause)).or_else(|| due(&sentence));
        let said = one_of_each(said);
        let is_only_one = said.len() == 1;
        for (kind, clause) in said {
            // The time may stand in another clause: `明天上午，仓库会给您发出`.
            let due_at_ms = due(&clause).or(of_any);
            let span = if is_only_one { span } else { narrowed(text, span, &clause) };
            heard.push(Heard { kind, department: department(&sentence, kind), span, due_at_ms });
        }
    }
    heard.truncate(MAX_HEARD);
    heard
}

/// Who asks somebody and comes back with the answer does one thing, not two; so does who presses and has it shipped.
fn one_of_each(mut said: Vec<Said>) -> Vec<Said> {
    for lesser in [CommitmentKind::Reply, CommitmentKind::Check] {
        if said.iter().any(|(kind, _)| *kind != lesser) {
            said.retain(|(kind, _)| *kind != lesser);
        }
    }
    if said.iter().any(|(kind, _)| *kind == CommitmentKind::Ship) {
        said.retain(|(kind, _)| *kind != CommitmentKind::Urge);
    }
    let mut seen = Vec::new();
    said.retain(|(kind, _)| {
        let is_new = !seen.contains(kind);
        seen.push(*kind);
        is_new
    });
    said
}

/// The place of a folded clause in its sentence; the sentence where it is not found, character for character.
fn narrowed(text: &str, sentence: Span, clause: &str) -> Span {
    let whole = sentence.of(text);
    let folded: Vec<char> = fold(whole).chars().collect();
    let wanted: Vec<char> = clause.trim().chars().collect();
    let places: Vec<usize> = whole.char_indices().map(|(at, _)| at).chain([whole.len()]).collect();
    let at = folded.windows(wanted.len().max(1)).position(|window| window == wanted);
    match at.filter(|_| folded.len() + 1 == places.len()) {
        Some(at) => Span { start: sentence.start + places[at], end: sentence.start + places[at + wanted.len()] },
        None => sentence,
    }
}

fn department(sentence: &str, kind: CommitmentKind) -> Department {
    if RULES.warehouse.is_match(sentence) {
        return Department::Warehouse;
    }
    if RULES.finance.is_match(sentence) {
        return Department::Finance;
    }
    match kind {
        CommitmentKind::Ship | CommitmentKind::Resend | CommitmentKind::Change | CommitmentKind::Urge => {
            Department::Warehouse
        }
        CommitmentKind::Refund | CommitmentKind::Invoice => Department::Finance,
        CommitmentKind::Deliver
        | CommitmentKind::Compensate
        | CommitmentKind::Check
        | CommitmentKind::Reply
        | CommitmentKind::Other => Department::Service,
    }
}

/// The sentences of a text, without the blanks around them.
fn sentences(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut push = |start: usize, end: usize| {
        let part = &text[start..end];
        let lead = part.len() - part.trim_start().len();
        let kept = part.trim();
        if !kept.is_empty() {
            found.push(Span { start: start + lead, end: start + lead + kept.len() });
        }
    };
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        let is_full_stop = c == '.' && text[after..].chars().next().is_none_or(char::is_whitespace);
        if is_full_stop || "。！!？?；;\n~～".contains(c) {
            push(start, after);
            start = after;
        }
    }
    push(start, text.len());
    found
}

fn in_chinese(sentence: &str) -> Vec<Said> {
    let plain = RULES.courtesy_zh.replace_all(sentence, "，");
    if sentence.ends_with(['?', '？']) || RULES.sentence_zh.is_match(&plain) {
        return vec![];
    }
    let clauses = plain.split(['，', ',', '、', ' ', '：', ':']).filter(|clause| !clause.is_empty());
    let said = clauses.filter_map(|clause| {
        let kind = kind_of(&RULES.actions_zh, clause).filter(|kind| is_meant_zh(clause, *kind))?;
        Some((kind, clause.to_owned()))
    });
    said.collect()
}

fn is_meant_zh(clause: &str, kind: CommitmentKind) -> bool {
    if RULES.not_zh.is_match(clause) {
        return false;
    }
    let (is_dated, is_soon) = (RULES.near_zh.is_match(clause), RULES.soon_zh.is_match(clause));
    if (RULES.past_zh.is_match(clause) || RULES.may_zh.is_match(clause)) && !is_dated {
        return false;
    }
    let is_ours = RULES.self_zh.is_match(clause);
    match kind {
        // `今天发货`: nobody else could. `48小时内发货` alone is what holds for everybody.
        CommitmentKind::Ship => is_dated || is_soon || RULES.for_you_zh.is_match(clause),
        CommitmentKind::Resend
        | CommitmentKind::Refund
        | CommitmentKind::Compensate
        | CommitmentKind::Invoice
        | CommitmentKind::Change
        | CommitmentKind::Urge => is_ours,
        CommitmentKind::Check => is_ours && (is_dated || RULES.lasting_zh.is_match(clause)),
        CommitmentKind::Reply => is_dated || is_soon || RULES.later_zh.is_match(clause),
        // Nobody of ours drives the van, so only who vouches for it commits the shop.
        CommitmentKind::Deliver => {
            is_dated && ["保证", "一定", "肯定", "确保"].iter().any(|word| clause.contains(word))
        }
        CommitmentKind::Other => false,
    }
}

fn in_english(sentence: &str) -> Vec<Said> {
    let sentence = sentence.replace('’', "'");
    if sentence.ends_with('?') || RULES.sentence_en.is_match(&sentence) {
        return vec![];
    }
    let mut said = vec![];
    // `I'll check with the warehouse and get back to you`: who says the first says the second.
    let mut is_ours = false;
    for clause in RULES.joint_en.split(&sentence) {
        is_ours = RULES.self_en.is_match(clause) || (is_ours && !RULES.passive_en.is_match(clause));
        let Some(kind) = kind_of(&RULES.actions_en, clause) else { continue };
        if RULES.not_en.is_match(clause) {
            is_ours = false;
            continue;
        }
        let is_near = RULES.near_en.is_match(clause);
        let is_passive = RULES.passive_en.is_match(clause) && (is_near || RULES.soon_en.is_match(clause));
        let is_meant = match kind {
            CommitmentKind::Check => is_ours && (RULES.lasting_en.is_match(clause) || is_near),
            CommitmentKind::Deliver => is_passive,
            _ => is_ours || is_passive,
        };
        if is_meant {
            said.push((kind, clause.to_owned()));
        }
    }
    said
}

fn kind_of(actions: &[(CommitmentKind, Regex)], clause: &str) -> Option<CommitmentKind> {
    actions.iter().find(|(_, action)| action.is_match(clause)).map(|(kind, _)| *kind)
}

struct Rules {
    actions_zh: Vec<(CommitmentKind, Regex)>,
    self_zh: Regex,
    near_zh: Regex,
    soon_zh: Regex,
    later_zh: Regex,
    for_you_zh: Regex,
    not_zh: RegexSet,
    past_zh: Regex,
    may_zh: Regex,
    sentence_zh: RegexSet,
    courtesy_zh: Regex,
    lasting_zh: Regex,
    actions_en: Vec<(CommitmentKind, Regex)>,
    joint_en: Regex,
    self_en: Regex,
    passive_en: Regex,
    near_en: Regex,
    soon_en: Regex,
    not_en: RegexSet,
    sentence_en: RegexSet,
    lasting_en: Regex,
    warehouse: Regex,
    finance: Regex,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules {
    actions_zh: actions(ACTIONS_ZH),
    self_zh: one(SELF_ZH),
    near_zh: one(NEAR_ZH),
    soon_zh: one(SOON_ZH),
    later_zh: one(LATER_ZH),
    for_you_zh: one(FOR_YOU_ZH),
    not_zh: set(NOT_ZH),
    past_zh: one(PAST_ZH),
    may_zh: one(MAY_ZH),
    sentence_zh: set(SENTENCE_ZH),
    courtesy_zh: one(COURTESY_ZH),
    lasting_zh: one(LASTING_ZH),
    actions_en: actions(ACTIONS_EN),
    joint_en: one(r",|\band (?:then )?|\bbut\b|:"),
    self_en: one(SELF_EN),
    passive_en: one(PASSIVE_EN),
    near_en: one(NEAR_EN),
    soon_en: one(SOON_EN),
    not_en: set(NOT_EN),
    sentence_en: set(SENTENCE_EN),
    lasting_en: one(LASTING_EN),
    warehouse: one(WAREHOUSE),
    finance: one(FINANCE),
});

fn actions(actions: &[(CommitmentKind, &str)]) -> Vec<(CommitmentKind, Regex)> {
    actions.iter().map(|(kind, pattern)| (*kind, one(pattern))).collect()
}

fn set(patterns: &[&str]) -> RegexSet {
    RegexSet::new(patterns).expect("the patterns are constants and the tests run all of them")
}

fn one(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns are constants and the tests run all of them")
}
