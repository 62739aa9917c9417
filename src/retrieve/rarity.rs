//! How rare the terms of a shop's knowledge are.
//!
//! # Why
//! The engines multiply by an IDF of their own, each in its way. What a question and a chunk have in common is counted
//! here with one IDF for all engines, so that features, and with them confidences, do not change with the engine.

use std::collections::{HashMap, HashSet};

use super::query::terms;
use super::sparse::term_index;

/// In how many chunks each term occurs. Two can be added, so that a revision is counted once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rarity {
    n_chunks: u32,
    chunks_with: HashMap<u32, u32>,
}

impl Rarity {
    /// Counts the terms of some chunks, given as they are indexed.
    pub fn of_chunks<'a>(indexed_texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rarity = Self::default();
        for text in indexed_texts {
            rarity.n_chunks += 1;
            let distinct: HashSet<u32> = terms(text).iter().map(|term| term_index(term)).collect();
            for index in distinct {
                *rarity.chunks_with.entry(index).or_default() += 1;
            }
        }
        rarity
    }

    /// Adds the counts of other chunks.
    pub fn add(&mut self, other: &Self) {
        self.n_chunks += other.n_chunks;
        for (index, n) in &other.chunks_with {
            *self.chunks_with.entry(*index).or_default() += n;
        }
    }

    /// BM25's inverse document frequency, above 0; highest for a term that no chunk has.
    pub fn idf(&self, term: &str) -> f32 {
        let n = self.chunks_with.get(&term_index(term)).copied().unwrap_or(0) as f32;
        (1.0 + (self.n_chunks as f32 - n + 0.5) / (n + 0.5)).ln()
    }

    /// Sum of [`Rarity::idf`] over distinct terms.
    pub fn weight<'a>(&self, terms: impl IntoIterator<Item = &'a String>) -> f32 {
        // Summed in a fixed order: floats added in the order of a hash set would differ from run to run.
        let mut distinct: Vec<&String> = terms.into_iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.iter().map(|term| self.idf(term)).sum()
    }

    /// The share, by weight, of the terms of `wanted` that `given` has; 0 for no terms.
    pub fn coverage(&self, wanted: &[String], given: &[String]) -> f32 {
        let given: HashSet<&String> = given.iter().collect();
        let all = self.weight(wanted);
        if all <= 0.0 { 0.0 } else { self.weight(wanted.iter().filter(|term| given.contains(term))) / all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_word_weighs_more_than_a_common_one() {
        let rarity = Rarity::of_chunks(["press the button", "press the wheel", "press the valve"]);
        assert!(rarity.idf("valv") > rarity.idf("press"));
        assert!(rarity.idf("unheard") > rarity.idf("valv"));
    }

    #[test]
    fn counting_in_two_parts_gives_the_same_as_counting_at_once() {
        let mut sum = Rarity::of_chunks(["退货 需要 小票", "refund"]);
        sum.add(&Rarity::of_chunks(["refund policy"]));
        assert_eq!(sum, Rarity::of_chunks(["退货 需要 小票", "refund", "refund policy"]));
    }

    #[test]
    fn coverage_is_a_share() {
        let rarity = Rarity::of_chunks(["reset the router", "router"]);
        let wanted = terms("reset router");
        assert_eq!(rarity.coverage(&wanted, &wanted), 1.0);
        assert_eq!(rarity.coverage(&wanted, &[]), 0.0);
        assert_eq!(rarity.coverage(&[], &wanted), 0.0);
        assert!(rarity.coverage(&wanted, &terms("reset")) > 0.5);
    }
}
