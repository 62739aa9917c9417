//! Chooses which items of the best chunks are quoted as the answer.
//!
//! # Why
//! A small generator that writes freely loses the facts an answer is asked for: numbers, names of buttons, the third
//! step. Quoting keeps them. Which items to quote is a logistic regression over what is known of an item without
//! reading it: how good its chunk is, how much of the question it has, how near it stands to the closest item.

use std::collections::HashSet;

use super::rows::header_of;
use crate::domain::text::Lang;
use crate::retrieve::Passage;
use crate::retrieve::items::{Item, ItemKind};
use crate::retrieve::query::count_words;

/// Chunks an answer may quote from.
pub const MAX_PASSAGES: usize = 3;

/// Weights of an item's evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExtractWeights {
    /// Log odds of an item with no evidence.
    pub intercept: f32,
    /// In the order of [`EVIDENCE`].
    pub weights: [f32; N_EVIDENCE],
}

impl ExtractWeights {
    /// A logistic regression over 3,043 items of the best chunks of 132 development questions on two manuals, English
    /// and Chinese; 705 of them belong to the answers that people gave. It scores groups it has not seen as well as
    /// those it has.
    pub const SHIPPED: Self =
        Self { intercept: -0.843, weights: [0.568, 2.606, -1.46, 0.576, -0.816, 0.553, 0.728, -1.073, -0.755] };
}

/// How many kinds of evidence there are.
pub const N_EVIDENCE: usize = 9;

/// What is known of an item, in the order of the weights.
pub const EVIDENCE: [&str; N_EVIDENCE] = [
    "log_preference_of_chunk",
    "coverage",
    "coverage_below_best",
    "is_first",
    "distance_to_closest",
    "is_not_before_closest",
    "is_step",
    "len",
    "len_of_chunk",
];

/// Words (Han characters) an answer may have, and how sure an item must be to join as the answer fills up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// In English words.
    pub max_words_en: usize,
    /// In Han characters (and Latin words).
    pub max_words_zh: usize,
    /// Chance an item needs while the answer is nearly empty.
    pub chance_when_empty: f32,
    /// Chance an item needs when the answer is full.
    pub chance_when_full: f32,
    /// Share of the budget up to which the lower chance suffices.
    pub free_share: f32,
}

impl Budget {
    /// Short enough to be read in a chat, long enough for a list of steps.
    pub const SHIPPED: Self =
        Self { max_words_en: 130, max_words_zh: 180, chance_when_empty: 0.2, chance_when_full: 0.5, free_share: 0.25 };
}

/// A quoted item.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// Index into the passages.
    pub passage: usize,
    /// Index into the passage's items.
    pub item: usize,
    /// Estimated chance that the item belongs to the answer, 0 to 1. A score, not a confidence.
    pub chance: f32,
}

/// Rows that follow their header into the answer; a longer table is quoted row by row.
const MAX_ROWS_TOGETHER: usize = 8;

/// The candidates to quote; empty if there are none. The passage with the likeliest quote speaks first, so that the
/// answer begins with what was asked; within a passage the order is that of the text.
pub fn extract(candidates: &[Quote], passages: &[Passage], lang: Lang, budget: &Budget) -> Vec<Quote> {
    let mut groups = groups(candidates, passages);
    groups.sort_by(|a, b| b.chance.total_cmp(&a.chance).then(a.first.cmp(&b.first)));
    let mut quotes = choose(&groups, lang, budget);
    let mut likeliest = [0.0_f32; MAX_PASSAGES];
    for quote in &quotes {
        likeliest[quote.passage] = likeliest[quote.passage].max(quote.chance);
    }
    quotes.sort_by(|a, b| {
        let by_chance = likeliest[b.passage].total_cmp(&likeliest[a.passage]);
        by_chance.then((a.passage, a.item).cmp(&(b.passage, b.item)))
    });
    quotes
}

/// Every distinct item of the first passages, with its chance.
pub fn candidates(passages: &[Passage], weights: &ExtractWeights) -> Vec<Quote> {
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for (at, passage) in passages.iter().take(MAX_PASSAGES).enumerate() {
        let best_coverage = passage.items.iter().map(|item| item.coverage).fold(0.0, f32::max);
        let closest = closest(passage);
        let len_words = passage.items.iter().map(|item| count_words(&item.item.text)).sum();
        for nth in 0..passage.items.len() {
            let place = Place { nth, closest, best_coverage, len_words };
            let chance = logistic(weights, &evidence(passage, &place));
            // Manuals say the same thing in several places; one quote is enough.
            if seen.insert(letters(&passage.items[nth].item.text)) {
                out.push(Quote { passage: at, item: nth, chance });
            }
        }
    }
    out
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The item closest to the question; what it shares of its words breaks near ties.
fn closest(passage: &Passage) -> usize {
    let score = |nth: usize| passage.items[nth].similarity + 0.05 * passage.items[nth].coverage;
    (0..passage.items.len()).reduce(|best, nth| if score(nth) > score(best) { nth } else { best }).unwrap_or(0)
}

struct Place {
    nth: usize,
    closest: usize,
    best_coverage: f32,
    len_words: usize,
}

fn evidence(passage: &Passage, place: &Place) -> [f32; N_EVIDENCE] {
    let scored = &passage.items[place.nth];
    let claim = |is_true: bool| if is_true { 1.0 } else { 0.0 };
    [
        (passage.preference + 1e-3).ln(),
        scored.coverage,
        scored.coverage - place.best_coverage,
        claim(place.nth == 0),
        place.nth.abs_diff(place.closest).min(8) as f32 / 8.0,
        claim(place.nth >= place.closest),
        claim(matches!(scored.item.kind, ItemKind::Step(_))),
        count_words(&scored.item.text).min(60) as f32 / 60.0,
        place.len_words.min(400) as f32 / 400.0,
    ]
}

fn logistic(weights: &ExtractWeights, evidence: &[f32; N_EVIDENCE]) -> f32 {
    let logit: f32 = weights.intercept + weights.weights.iter().zip(evidence).map(|(w, x)| w * x).sum::<f32>();
    1.0 / (1.0 + (-logit).exp())
}

/// Items that only make sense together.
struct Group {
    first: (usize, usize),
    quotes: Vec<Quote>,
    chance: f32,
    len_words: usize,
}

/// A lead with the list it announces, a run of steps, a short table with its header; everything else stands alone.
fn groups(candidates: &[Quote], passages: &[Passage]) -> Vec<Group> {
    let item = |quote: &Quote| -> &Item { &passages[quote.passage].items[quote.item].item };
    let mut out = Vec::new();
    let mut rest = candidates;
    while let Some(head) = rest.first() {
        let same_passage = rest.iter().take_while(|quote| quote.passage == head.passage).count();
        let n_rows = table_len(&rest[..same_passage], passages).unwrap_or(1);
        let n = group_len(&rest[..same_passage].iter().map(item).collect::<Vec<_>>()).max(n_rows);
        let quotes = rest[..n].to_vec();
        out.push(Group {
            first: (head.passage, head.item),
            chance: quotes.iter().map(|quote| quote.chance).fold(0.0, f32::max),
            len_words: quotes.iter().map(|quote| count_words(&item(quote).text)).sum(),
            quotes,
        });
        rest = &rest[n..];
    }
    out
}

/// How many of the quotes are a short table, if the first is its header and none of its rows is likelier: then the
/// question is about a column.
fn table_len(quotes: &[Quote], passages: &[Passage]) -> Option<usize> {
    let header = quotes.first()?;
    let is_of_table = |quote: &&Quote| header_of(passages, quote) == Some(header.item);
    let n = quotes.iter().take_while(is_of_table).count();
    let is_likeliest = quotes[..n].iter().all(|quote| quote.chance <= header.chance);
    (is_likeliest && n <= MAX_ROWS_TOGETHER + 1).then_some(n)
}

fn group_len(items: &[&Item]) -> usize {
    let list_kind = |item: &Item| match item.kind {
        ItemKind::Step(_) => Some(0),
        ItemKind::Bullet => Some(1),
        ItemKind::Row => Some(2),
        ItemKind::Sentence => None,
    };
    let (head, tail) = (items[0], &items[1..]);
    if let ItemKind::Step(first) = head.kind {
        return 1 + tail.iter().zip(first + 1..).take_while(|(item, n)| item.kind == ItemKind::Step(*n)).count();
    }
    match tail.first().and_then(|next| list_kind(next)) {
        Some(kind) if head.is_lead() => 1 + tail.iter().take_while(|item| list_kind(item) == Some(kind)).count(),
        _ => 1,
    }
}

/// Greedy: the likeliest groups that fit; the fuller the answer, the surer a group must be.
fn choose(groups: &[Group], lang: Lang, budget: &Budget) -> Vec<Quote> {
    let max_words = match lang {
        Lang::En => budget.max_words_en,
        Lang::Zh => budget.max_words_zh,
    };
    let mut quotes: Vec<Quote> = Vec::new();
    let mut used = 0;
    for group in groups {
        let filled = used as f32 / max_words as f32;
        let rise = ((filled - budget.free_share) / (1.0 - budget.free_share)).max(0.0);
        let needed = budget.chance_when_empty + (budget.chance_when_full - budget.chance_when_empty) * rise;
        if used > 0 && group.chance < needed {
            break;
        }
        // The likeliest group is quoted whole, however long it is: half a list of steps is worse than a long one.
        if used == 0 || used + group.len_words <= max_words {
            used += group.len_words;
            quotes.extend(group.quotes.iter().cloned());
        }
    }
    quotes
}

/// The quotes as text: numbered steps, dashes, table rows and sentences, one a line.
pub fn render(quotes: &[Quote], passages: &[Passage]) -> String {
    let line = |quote: &Quote| {
        let item = &passages[quote.passage].items[quote.item].item;
        match item.kind {
            ItemKind::Step(number) => format!("{number}. {}", item.text),
            ItemKind::Bullet => format!("- {}", item.text),
            ItemKind::Sentence | ItemKind::Row => item.text.clone(),
        }
    };
    quotes.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrieve::testing::passage;

    const MANUAL: &str = "To pair the remote, follow these steps:\n1. Hold the Home button.\n2. Wait for the light.\n\
        3. Release the button.\nThe remote needs two batteries. Keep it away from water.";

    fn answer(question: &str, passages: &[Passage], budget: &Budget) -> String {
        let quotes = extract(&candidates(passages, &ExtractWeights::SHIPPED), passages, Lang::of(question), budget);
        render(&quotes, passages)
    }

    #[test]
    fn steps_are_quoted_whole_and_with_their_lead() {
        let question = "How do I pair the remote?";
        let got = answer(question, &[passage(question, MANUAL, 1.0)], &Budget::SHIPPED);
        assert!(
            got.contains("steps:\n1. Hold the Home button.\n2. Wait for the light.\n3. Release the button."),
            "{got}"
        );
    }

    #[test]
    fn the_likeliest_group_is_quoted_even_if_it_is_too_long() {
        let question = "How do I pair the remote?";
        let tight = Budget { max_words_en: 3, ..Budget::SHIPPED };
        let got = answer(question, &[passage(question, MANUAL, 1.0)], &tight);
        assert!(got.lines().count() == 4 && got.starts_with("To pair"), "{got}");
    }

    #[test]
    fn what_two_chunks_both_say_is_quoted_once() {
        let question = "手套箱怎么打开？";
        let text = "按下解锁按钮，手套箱自动打开。";
        let got = answer(question, &[passage(question, text, 0.6), passage(question, text, 0.4)], &Budget::SHIPPED);
        assert_eq!(got, text);
    }

    #[test]
    fn a_header_brings_the_rows_of_its_short_table() {
        let question = "保修多久？";
        let table = "产品 | 保修期\n空气炸锅 | 12 个月\n充电宝 | 6 个月\n配件 | 3 个月";
        let passages = [passage(question, table, 1.0)];
        let answer = |chances: [f32; 4]| {
            let quotes: Vec<Quote> =
                (0..).zip(chances).map(|(item, chance)| Quote { passage: 0, item, chance }).collect();
            render(&extract(&quotes, &passages, Lang::Zh, &Budget::SHIPPED), &passages)
        };
        assert_eq!(answer([0.6, 0.1, 0.1, 0.1]), table);
        assert_eq!(answer([0.1, 0.1, 0.6, 0.1]), "充电宝 | 6 个月", "a row that is asked for comes without the others");
    }

    #[test]
    fn the_passage_with_the_likeliest_quote_speaks_first() {
        let passages = [passage("?", "Reset it. Then pair again.", 0.5), passage("?", "Hold Power to pair.", 0.4)];
        let quote = |passage, item, chance| Quote { passage, item, chance };
        let quotes = [quote(0, 0, 0.5), quote(0, 1, 0.6), quote(1, 0, 0.8)];
        let got = render(&extract(&quotes, &passages, Lang::En, &Budget::SHIPPED), &passages);
        assert_eq!(got, "Hold Power to pair.\nReset it.\nThen pair again.");
    }

    #[test]
    fn without_passages_nothing_is_quoted() {
        assert_eq!(answer("anything", &[], &Budget::SHIPPED), "");
    }

    #[test]
    fn a_fuller_answer_is_harder_to_join() {
        let quote = |chance| Quote { passage: 0, item: 0, chance };
        let group = |item: usize, chance, len_words| Group {
            first: (0, item),
            quotes: vec![Quote { item, ..quote(chance) }],
            chance,
            len_words,
        };
        let budget = Budget { max_words_en: 100, ..Budget::SHIPPED };
        let likely_then_unlikely = [group(0, 0.9, 70), group(1, 0.3, 10)];
        assert_eq!(choose(&likely_then_unlikely, Lang::En, &budget).len(), 1);
        let short_then_unlikely = [group(0, 0.9, 20), group(1, 0.3, 10)];
        assert_eq!(choose(&short_then_unlikely, Lang::En, &budget).len(), 2);
    }
}
