//! The golden answers of a shop, ready to be compared with a question. Pure.

use std::collections::HashSet;

use crate::domain::calibration::Features;
use crate::retrieve::query::terms;
use crate::retrieve::rarity::Rarity;
use crate::storage::golden::LiveGolden;

/// How much the cosine counts against the shared words. e5 keeps its cosines between 0.75 and 1, so that a tenth of it
/// is much.
const SIMILARITY_WEIGHT: f32 = 3.0;
/// What a second best reaches in a shop with many golden answers. A shop with few of them has no second
/// best worth the name; without this one any question would seem to be far nearer to the best than to the rest.
const USUAL_RUNNER_UP: f32 = 2.95;

/// A question with what is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    terms: Vec<String>,
    embedding: Vec<f32>,
}

impl Asked {
    /// A question, embedded as one.
    pub fn new(question: &str, embedding: Vec<f32>) -> Self {
        Self { terms: terms(question), embedding }
    }
}

/// The golden answer that comes nearest.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<'a> {
    /// Which one.
    pub golden: &'a LiveGolden,
    /// Its phrasing that came nearest.
    pub phrasing: &'a str,
    /// What is known of the match.
    pub features: Features,
}

/// Golden answers with the words of their phrasings.
#[derive(Debug, Default)]
pub struct Index {
    goldens: Vec<LiveGolden>,
    /// For each phrasing: its golden answer, its number there, its terms.
    phrasings: Vec<(usize, usize, Vec<String>)>,
    rarity: Rarity,
}

struct Nearness {
    score: f32,
    similarity: f32,
    overlap: f32,
}

impl Index {
    /// Reads golden answers.
    pub fn new(goldens: Vec<LiveGolden>) -> Self {
        let rarity = Rarity::of_chunks(
            goldens.iter().flat_map(|golden| &golden.phrasings).map(|phrasing| phrasing.text.as_str()),
        );
        let of_golden = |(at, golden): (usize, &LiveGolden)| {
            let phrasings = golden.phrasings.iter().enumerate();
            phrasings.map(move |(nth, phrasing)| (at, nth, terms(&phrasing.text))).collect::<Vec<_>>()
        };
        let phrasings = goldens.iter().enumerate().flat_map(of_golden).collect();
        Self { goldens, phrasings, rarity }
    }

    /// Whether there is nothing to meet.
    pub fn is_empty(&self) -> bool {
        self.phrasings.is_empty()
    }

    /// The nearest golden answer of those that `may_be_said`; the others count as runners-up all the same.
    pub fn find(&self, asked: &Asked, may_be_said: impl Fn(&LiveGolden) -> bool) -> Option<Candidate<'_>> {
        let nearness: Vec<Nearness> = self.phrasings.iter().map(|phrasing| self.nearness(asked, phrasing)).collect();
        let by_score = |a: &usize, b: &usize| nearness[*a].score.total_cmp(&nearness[*b].score).then(b.cmp(a));
        let best = (0..nearness.len()).max_by(by_score)?;
        let (golden, nth, phrasing_terms) = &self.phrasings[best];
        // The nearest of all must be the one that may be said: the second nearest answers another question.
        if !may_be_said(&self.goldens[*golden]) {
            return None;
        }
        let others = nearness.iter().zip(&self.phrasings).filter(|(_, (other, ..))| other != golden);
        let runner_up = others.map(|(other, _)| other.score).fold(USUAL_RUNNER_UP, f32::max);
        let mut features = Features::default();
        features.set("golden_margin", f64::from(nearness[best].score - runner_up));
        features.set("golden_similarity", f64::from(nearness[best].similarity));
        features.set("golden_overlap", f64::from(nearness[best].overlap));
        features.set("golden_coverage", f64::from(self.rarity.coverage(phrasing_terms, &asked.terms)));
        let golden = &self.goldens[*golden];
        Some(Candidate { golden, phrasing: &golden.phrasings[*nth].text, features })
    }

    fn nearness(&self, asked: &Asked, (golden, nth, terms): &(usize, usize, Vec<String>)) -> Nearness {
        let embedding = &self.goldens[*golden].phrasings[*nth].embedding;
        let similarity = embedding.iter().zip(&asked.embedding).map(|(a, b)| a * b).sum::<f32>();
        let overlap = self.overlap(&asked.terms, terms);
        Nearness { score: SIMILARITY_WEIGHT * similarity + overlap, similarity, overlap }
    }

    /// Twice the weight of what both have, as a share of the weight of both: rare words count more.
    fn overlap(&self, one: &[String], other: &[String]) -> f32 {
        let known: HashSet<&String> = other.iter().collect();
        let both = self.rarity.weight(one.iter().filter(|term| known.contains(term)));
        let all = self.rarity.weight(one) + self.rarity.weight(other);
        if all > 0.0 { 2.0 * both / all } else { 0.0 }
    }
}
