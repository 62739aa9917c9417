//! The claims of a draft against the passages it cites: what it says that they do not.
//!
//! # Why
//! A wrong number is the costliest mistake and the easiest to catch. Every number with its unit, every date, price,
//! link, phone number, model, name, denial and promise of a sentence must follow from the cited sentence it repeats;
//! where no sentence comes near, from the cited passages as a whole. A sentence that is quoted word for word needs no
//! further look. The check is pure and knows no model: it errs by holding a draft that a person would have let pass.

mod evidence;
mod moments;
mod names;
mod number_words;
mod numbers;
mod polarity;
mod text;
mod units;

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::domain::record::{ClaimKind, Unsupported};
use crate::domain::text::{Lang, Span};
use crate::retrieve::items::items;
use evidence::{Evidence, Statement, Window};
use text::letters;

#[cfg(test)]
mod tests;

/// A passage that a draft cites.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cited<'a> {
    /// The document, and titles above the passage.
    pub titles: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// A denial that stands in no source counts where a sentence repeats its source at least so far.
const NEAR_COPY: f32 = 0.75;

/// From this share on, two questions differ by what they name.
const NEAR_QUESTION: f32 = 0.4;

/// The speaker commits the shop.
static COMMITS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"我们(?:会|将|一定|承诺|保证|可以为)|本店(?:会|将|承诺|保证)|一定会|[本此这]单|[给为替]您|\bwe(?:'ll| will| can| promise| guarantee)\b|\bi(?:'ll| will)\b|\byou(?:'ll| will) (?:get|receive|be)\b|\b(?:this|your) order\b")
        .expect("a constant pattern")
});

/// The claims of `draft` that do not follow from what it cites, in order.
pub fn check(draft: &str, cited: &[Cited<'_>]) -> Vec<Unsupported> {
    let evidence = Evidence::of(cited);
    let mut unsupported = Vec::new();
    for item in items(draft) {
        if evidence.has_word_for_word(&item.text) {
            continue;
        }
        let statement = Statement::of(&item.text);
        let window = evidence.window(&statement);
        let sentence = Sentence { text: &item.text, statement: &statement, window: &window, evidence: &evidence };
        for doubt in sentence.doubts() {
            let span = Span { start: item.span.start + doubt.span.start, end: item.span.start + doubt.span.end };
            unsupported.push((span, doubt));
        }
    }
    unsupported.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
    let mut read_to = 0;
    unsupported.retain(|(span, _)| {
        let is_new = span.start >= read_to;
        read_to = read_to.max(span.end);
        is_new
    });
    let n_chars = |end: usize| draft[..end].chars().count();
    let told = |(span, doubt): (Span, Doubt)| Unsupported {
        start: n_chars(span.start),
        end: n_chars(span.end),
        text: span.of(draft).to_owned(),
        kind: doubt.kind,
        source: doubt.source,
    };
    unsupported.into_iter().map(told).collect()
}

/// Whether an answer to `known` may serve `asked`: both have the same numbers, codes, links and names, neither denies
/// what the other says, and amid the same words `known` is about nothing that `asked` leaves out.
pub fn agree(asked: &str, known: &str) -> bool {
    let (one, other) = (Statement::of(asked), Statement::of(known));
    let follows = |from: &Statement, to: &Statement| {
        let quantities = to.quantities.iter().all(|(_, quantity)| from.n_supporting(quantity) > 0);
        let moments =
            to.moments.iter().all(|found| from.moments.iter().any(|known| found.moment.follows_from(known.moment)));
        quantities && moments && to.forms.iter().all(|form| from.forms.iter().any(|known| known.key == form.key))
    };
    let contradicts = |one: &Statement, other: &Statement| {
        let mut predicates = one.polarity.denied.iter().flat_map(|denial| &denial.predicates);
        predicates.any(|predicate| other.polarity.n_affirmed(predicate) > 0 && other.polarity.n_denied(predicate) == 0)
    };
    let is_same = |one: &Statement, other: &Statement| follows(one, other) && !contradicts(one, other);
    is_same(&one, &other)
        && is_same(&other, &one)
        && !names_more(asked, known)
        && !names_more(known, asked)
        && !is_about_more(known, asked)
}

/// Whether a question names something that the other does not: `iPhone`.
fn names_more(one: &str, other: &str) -> bool {
    let (words, letters) = (names::all_words(other).collect::<HashSet<String>>(), letters(other));
    let mut names = names::words(one, Lang::of(one) == Lang::Zh).into_iter();
    names.any(|(_, name)| !words.contains(&name) && !letters.contains(&name))
}

/// Whether a question has a Chinese noun amid the words of the other that the other does not have.
fn is_about_more(one: &str, other: &str) -> bool {
    let other_letters = letters(other);
    is_near_copy(one, other) && !names::new_nouns(one, |letters| other_letters.contains(letters)).is_empty()
}

/// Whether most of what a question is about stands in the other.
fn is_near_copy(one: &str, other: &str) -> bool {
    Evidence::of(&[Cited { titles: "", text: other }]).window(&Statement::of(one)).share >= NEAR_QUESTION
}

/// A claim in doubt, by its place in its sentence.
struct Doubt {
    span: Span,
    kind: ClaimKind,
    source: Option<String>,
}

/// A sentence of the draft, and what it is compared with.
struct Sentence<'a> {
    text: &'a str,
    statement: &'a Statement,
    window: &'a Window<'a>,
    evidence: &'a Evidence,
}

impl Sentence<'_> {
    fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = self.wrong_quantities();
        doubts.extend(self.wrong_moments());
        doubts.extend(self.unknown_forms());
        doubts.extend(self.unknown_names());
        doubts.extend(self.added_denials());
        doubts.extend(self.dropped_denials());
        doubts.extend(self.unknown_promises());
        doubts
    }

    fn doubt(&self, (start, end): (usize, usize), kind: ClaimKind, source: Option<String>) -> Doubt {
        Doubt { span: self.statement.plain.span(start, end), kind, source }
    }

    fn wrong_quantities(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        for (nth, ((start, end), quantity)) in self.statement.quantities.iter().enumerate() {
            // What the sentence says twice its source must say twice: else one of the two was another number there.
            let said_before = &self.statement.quantities[..nth];
            let n_before = said_before.iter().filter(|(_, known)| known.is_same(quantity)).count();
            let n_needed = if self.window.is_wide { 1 } else { 1 + n_before };
            if self.window.count(|source| source.n_supporting(quantity)) < n_needed {
                let kind = if quantity.unit.is_money() { ClaimKind::Price } else { ClaimKind::Number };
                let instead = self.window.statements().find_map(|source| source.instead_of(quantity));
                doubts.push(self.doubt((*start, *end), kind, instead.filter(|_| !self.window.is_wide)));
            }
        }
        doubts
    }

    fn wrong_moments(&self) -> Vec<Doubt> {
        let sources =
            || self.window.statements().flat_map(|source| source.moments.iter().map(move |found| (source, found)));
        let is_doubtful =
            |found: &&moments::Found| !sources().any(|(_, known)| found.moment.follows_from(known.moment));
        let doubt = |found: &moments::Found| {
            let kind = match found.moment {
                moments::Moment::Time(_) => ClaimKind::Time,
                moments::Moment::Date(..) | moments::Moment::Weekday(_) => ClaimKind::Date,
            };
            let is_alike =
                |known: &moments::Found| std::mem::discriminant(&known.moment) == std::mem::discriminant(&found.moment);
            let instead = sources()
                .find(|(_, known)| is_alike(known))
                .map(|(source, known)| source.words((known.start, known.end)));
            self.doubt((found.start, found.end), kind, instead)
        };
        self.statement.moments.iter().filter(is_doubtful).map(doubt).collect()
    }

    /// Links and phone numbers may stand anywhere in what is cited, a code must stand in the sentence that is repeated.
    fn unknown_forms(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        for form in &self.statement.forms {
            let is_near = |source: &&Statement| source.forms.iter().any(|known| known.key == form.key);
            let is_known = match form.kind {
                ClaimKind::Code => {
                    self.window.statements().any(|source| is_near(&source))
                        || self.evidence.titles.iter().any(|title| is_near(&title))
                }
                _ => self.evidence.all().any(|source| is_near(&source)),
            };
            if !is_known {
                let mut sources = self.window.statements();
                let instead = sources.find_map(|source| {
                    source
                        .forms
                        .iter()
                        .find(|known| known.kind == form.kind)
                        .map(|known| source.words((known.start, known.end)))
                });
                doubts.push(self.doubt((form.start, form.end), form.kind, instead));
            } else if form.kind == ClaimKind::Code
                && let Some((at, thing)) = names::thing_before(&self.statement.plain.text, form.start)
                && !self.evidence.has_letters(&thing)
            {
                doubts.push(self.doubt((at, form.start), ClaimKind::Name, None));
            }
        }
        doubts
    }

    fn unknown_names(&self) -> Vec<Doubt> {
        let is_chinese = Lang::of(self.text) == Lang::Zh;
        let taken = |span: &Span| {
            self.statement.forms.iter().any(|form| {
                let form = self.statement.plain.span(form.start, form.end);
                span.start < form.end && form.start < span.end
            })
        };
        let is_copy = self.window.share >= NEAR_COPY;
        let words = match (is_chinese, is_copy) {
            // Of a copy every word that is not in the source was put there.
            (_, true) => names::words_of_copy(self.text),
            (_, false) => names::words(self.text, is_chinese),
        };
        let words = words.into_iter().filter(|(_, word)| !self.evidence.has_word(word)).map(|(span, _)| span);
        let labels = names::labels(self.text)
            .into_iter()
            .filter(|(_, label)| !self.evidence.has_letters(label))
            .map(|(span, _)| span);
        let nouns = match self.window.is_wide {
            true => vec![],
            false => names::new_nouns(self.text, |letters| self.evidence.has_letters(letters)),
        };
        let references = names::references(self.text);
        words
            .filter(|span| {
                !references.iter().any(|reference| reference.start <= span.start && span.end <= reference.end)
            })
            .chain(labels)
            .chain(nouns)
            .filter(|span| !taken(span))
            .filter(|span| !self.is_unit(*span))
            .map(|span| Doubt { span, kind: ClaimKind::Name, source: None })
            .collect()
    }

    /// `MB` in `512 MB` was read with its number.
    fn is_unit(&self, span: Span) -> bool {
        self.statement.quantities.iter().any(|((start, end), _)| {
            let quantity = self.statement.plain.span(*start, *end);
            quantity.start <= span.start && span.end <= quantity.end
        })
    }

    fn added_denials(&self) -> Vec<Doubt> {
        let (mine, window) = (&self.statement.polarity, self.window);
        let is_doubtful = |denial: &&polarity::Denial| {
            let is_denied = |predicate: &String| {
                let n_needed = if window.is_wide { 1 } else { mine.n_denied(predicate) };
                window.count(|source| source.polarity.n_denied(predicate)) >= n_needed
            };
            // In other words a denial may be true: there it must contradict a sentence that denies nothing.
            let is_contrary = |source: &Statement| {
                source.polarity.denied.is_empty()
                    && denial.predicates.iter().any(|predicate| source.polarity.n_affirmed(predicate) > 0)
            };
            !denial.predicates.iter().any(is_denied) && (!window.is_wide || window.statements().any(is_contrary))
        };
        let doubtful = mine.denied.iter().filter(|denial| !denial.is_soft).filter(is_doubtful);
        doubtful.map(|denial| self.doubt((denial.start, denial.end), ClaimKind::Negation, None)).collect()
    }

    fn dropped_denials(&self) -> Vec<Doubt> {
        if self.window.is_wide {
            return vec![];
        }
        let (mine, window) = (&self.statement.polarity, self.window);
        let is_dropped = |predicate: &&String| {
            mine.n_denied(predicate) < window.count(|source| source.polarity.n_denied(predicate))
                && mine.n_affirmed(predicate) > window.count(|source| source.polarity.n_affirmed(predicate))
        };
        let dropped = window.statements().find_map(|source| {
            let mut denials = source.polarity.denied.iter();
            let found = denials
                .find_map(|denial| denial.predicates.iter().find(is_dropped).map(|predicate| (denial, predicate)));
            found.map(|(denial, predicate)| (source.words((denial.start, denial.end)), predicate))
        });
        let Some((said, predicate)) = dropped else { return vec![] };
        let plain = &self.statement.plain.text;
        let at = plain.find(predicate.as_str()).unwrap_or_default();
        let end = (at + predicate.len()).min(plain.len());
        vec![self.doubt((at, end), ClaimKind::Negation, Some(said))]
    }

    fn unknown_promises(&self) -> Vec<Doubt> {
        let commits = COMMITS.is_match(&self.statement.plain.text);
        let is_doubtful = |(kind, _): &(&str, Span)| {
            let makes_it =
                |source: &Statement| polarity::promises(&source.plain.text).iter().any(|(known, _)| known == kind);
            let has_source = self.window.statements().any(makes_it);
            !has_source || (commits && self.window.is_wide)
        };
        let promises = polarity::promises(&self.statement.plain.text).into_iter().filter(is_doubtful);
        promises.map(|(_, span)| self.doubt((span.start, span.end), ClaimKind::Promise, None)).collect()
    }
}
