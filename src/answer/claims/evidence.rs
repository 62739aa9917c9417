//! What is cited, read once: statement by statement, and as a whole.

use std::collections::HashSet;

use super::Cited;
use super::moments;
use super::names;
use super::numbers::{self, Quantity};
use super::polarity::{self, Polarity};
use super::text::{Plain, letters};
use super::units;
use crate::domain::text::is_han;
use crate::retrieve::items::{Item, ItemKind, items};

/// From this share of its words on, a sentence counts as a repetition of its source.
const REPEATS: f32 = 0.6;
/// Sources that share nearly as much as the best one are sources, too.
const NEARLY: f32 = 0.9;
/// Of a copy only what shares just as much: rows of a table differ by a word.
const COPIES: f32 = 0.9;
const NEARLY_A_COPY: f32 = 0.97;
/// Sentences that one sentence of a draft may join.
const MAX_PARTS: usize = 4;
/// What another sentence must add to be one of them: fewer words would let in any sentence with the altered number.
const MIN_MORE: usize = 3;
const MIN_MORE_SHARE: f32 = 0.12;

/// A sentence, a step or a row with its claims. Places are bytes of the plain text.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The sentence in plain letters.
    pub plain: Plain,
    /// The sentence.
    original: String,
    /// Numbers.
    pub quantities: Vec<((usize, usize), Quantity)>,
    /// Dates and times.
    pub moments: Vec<moments::Found>,
    /// Links, codes and the like.
    pub forms: Vec<names::Found>,
    /// What it denies.
    pub polarity: Polarity,
    /// What it is about: pairs of Han characters, words, codes.
    grams: HashSet<String>,
    /// The header of its table, in plain letters.
    header: String,
}

impl Statement {
    /// Reads a sentence.
    pub fn of(original: &str) -> Self {
        let plain = Plain::of(original);
        let mut unread = plain.clone();
        // Dates first: `2026-11-11` looks like a phone number.
        let moments = moments::take(&mut unread);
        let forms = names::take(&mut unread);
        let quantities: Vec<((usize, usize), Quantity)> =
            numbers::take(&mut unread).into_iter().map(|found| ((found.start, found.end), found.quantity)).collect();
        let mut grams = grams(&plain.text);
        grams.extend(forms.iter().map(|form| form.key.clone()));
        grams.extend(quantities.iter().map(|(_, quantity)| format!("{} {:?}", quantity.scaled, quantity.unit)));
        let polarity = polarity::read(&plain.text);
        Self {
            original: original.to_owned(),
            quantities,
            moments,
            forms,
            polarity,
            grams,
            header: String::new(),
            plain,
        }
    }

    /// How often it says something that a quantity follows from.
    pub fn n_supporting(&self, quantity: &Quantity) -> usize {
        let names_unit =
            units::is_named_in(&self.header, quantity.unit) || units::is_named_in(&self.plain.text, quantity.unit);
        self.quantities.iter().filter(|(_, known)| quantity.follows_from(known, names_unit)).count()
    }

    /// Its own words for a quantity of the same unit.
    pub fn instead_of(&self, quantity: &Quantity) -> Option<String> {
        let instead = self.quantities.iter().find(|(_, known)| known.unit == quantity.unit);
        instead.map(|(place, _)| self.words(*place))
    }

    /// The words at a place.
    pub fn words(&self, (start, end): (usize, usize)) -> String {
        self.plain.span(start, end).of(&self.original).trim().to_owned()
    }
}

/// All that is cited.
pub struct Evidence {
    /// Sentence by sentence.
    pub statements: Vec<Statement>,
    /// Names of documents, titles of sections.
    pub titles: Vec<Statement>,
    word_for_word: HashSet<String>,
    words: HashSet<String>,
    letters: String,
}

/// What a sentence is compared with.
pub struct Window<'a> {
    /// The sentences it may repeat, one after the other; of each, those that come equally near.
    pub parts: Vec<Vec<&'a Statement>>,
    /// Share of its words that they have.
    pub share: f32,
    /// It repeats nothing, and everything cited is compared.
    pub is_wide: bool,
}

impl<'a> Window<'a> {
    /// All sentences.
    pub fn statements(&self) -> impl Iterator<Item = &'a Statement> {
        self.parts.iter().flatten().copied()
    }

    /// How often its sentences say something.
    pub fn count(&self, n_said: impl Fn(&Statement) -> usize) -> usize {
        self.parts.iter().map(|part| part.iter().map(|source| n_said(source)).max().unwrap_or(0)).sum()
    }
}

impl Evidence {
    /// Reads what is cited.
    pub fn of(cited: &[Cited<'_>]) -> Self {
        let mut evidence = Self {
            statements: vec![],
            titles: vec![],
            word_for_word: HashSet::new(),
            words: HashSet::new(),
            letters: String::new(),
        };
        for passage in cited {
            let mut header = String::new();
            for Item { kind, text, .. } in items(passage.text) {
                let mut statement = Statement::of(&text);
                match kind {
                    ItemKind::Row if header.is_empty() => header.clone_from(&statement.plain.text),
                    ItemKind::Row => statement.header.clone_from(&header),
                    ItemKind::Sentence | ItemKind::Step(_) | ItemKind::Bullet => header.clear(),
                }
                evidence.word_for_word.insert(tight(&text));
                evidence.statements.push(statement);
            }
            if !passage.titles.is_empty() {
                evidence.titles.push(Statement::of(passage.titles));
            }
            for text in [passage.titles, passage.text] {
                evidence.words.extend(names::all_words(text));
                evidence.letters.push_str(&letters(text));
                evidence.letters.push('\n');
            }
        }
        evidence
    }

    /// Sentences and titles.
    pub fn all(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().chain(&self.titles)
    }

    /// Whether a sentence stands there as it is.
    pub fn has_word_for_word(&self, sentence: &str) -> bool {
        self.word_for_word.contains(&tight(sentence))
    }

    /// Whether a word of Latin letters stands there, in the singular or in the plural, or in one with its
    /// neighbours.
    pub fn has_word(&self, word: &str) -> bool {
        let singular = word.strip_suffix('s').unwrap_or(word);
        [word, singular].iter().any(|word| self.words.contains(*word))
            || self.words.contains(&format!("{word}s"))
            || (word.len() > 4 && self.letters.contains(word))
    }

    /// Whether these letters stand there in a row.
    pub fn has_letters(&self, letters: &str) -> bool {
        self.letters.contains(letters)
    }

    /// The sentences that `statement` repeats, the nearest first; all, if it repeats none.
    pub fn window(&self, statement: &Statement) -> Window<'_> {
        let n_grams = statement.grams.len().max(1) as f32;
        let mut rest: HashSet<&String> = statement.grams.iter().collect();
        let mut parts = Vec::new();
        while parts.len() < MAX_PARTS {
            let shared = |source: &Statement| rest.iter().filter(|gram| source.grams.contains(**gram)).count();
            let shared: Vec<usize> = self.statements.iter().map(shared).collect();
            let most = shared.iter().copied().max().unwrap_or(0);
            if most == 0 || (!parts.is_empty() && (most < MIN_MORE || (most as f32) < n_grams * MIN_MORE_SHARE)) {
                break;
            }
            let is_copy = most as f32 >= n_grams * COPIES;
            let enough = most as f32 * if is_copy { NEARLY_A_COPY } else { NEARLY };
            let part: Vec<&Statement> = self
                .statements
                .iter()
                .zip(&shared)
                .filter(|(_, n)| **n as f32 >= enough)
                .map(|(source, _)| source)
                .collect();
            rest.retain(|gram| !part.iter().any(|source| source.grams.contains(*gram)));
            parts.push(part);
        }
        let share = 1.0 - rest.len() as f32 / n_grams;
        let is_wide = share < REPEATS;
        let parts = if is_wide { vec![self.statements.iter().collect()] } else { parts };
        Window { parts, share, is_wide }
    }
}

/// Plain letters without spaces, and without a mark at the end.
fn tight(sentence: &str) -> String {
    let plain = Plain::of(sentence);
    let tight: String = plain.text.chars().filter(|c| !c.is_whitespace()).collect();
    tight.trim_end_matches(['。', '.', '；', ';', '！', '!', '，', ',']).to_owned()
}

fn grams(plain: &str) -> HashSet<String> {
    let mut grams: HashSet<String> = names::all_words(plain).collect();
    let chars: Vec<char> = plain.chars().collect();
    grams.extend(chars.windows(2).filter(|pair| is_han(pair[0]) && is_han(pair[1])).map(|pair| pair.iter().collect()));
    grams
}
