//! BM25 in two halves: term weights that are stored with a chunk, and IDF that is known at question time.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::query::terms;
use super::rarity::Rarity;
use crate::vectors::Sparse;

/// Saturation of repeated terms. Low, because manuals repeat the name of the product for no reason.
pub const K1: f32 = 0.6;
/// How much a long chunk is held against its terms.
pub const B: f32 = 0.5;
/// Length in terms of a typical chunk. A constant: an average that moved with every upload would make the weights of
/// old and new chunks incomparable.
const TYPICAL_LEN_TERMS: f32 = 120.0;

/// The sparse vector of a chunk: BM25 term weights without IDF.
pub fn of_chunk(indexed_text: &str) -> Sparse {
    from_terms(&terms(indexed_text), |count, len_terms| {
        count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * len_terms / TYPICAL_LEN_TERMS))
    })
}

/// The sparse vector of a question: 1.0 for each distinct term.
pub fn of_query(question: &str) -> Sparse {
    from_terms(&terms(question), |_, _| 1.0)
}

/// The BM25 score of a text for a question, as a share of what a text with all its terms, endlessly often, would get.
pub fn share_of_ideal(question: &[String], indexed_text: &str, rarity: &Rarity) -> f32 {
    let chunk = of_chunk(indexed_text);
    let mut distinct: Vec<&String> = question.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let (mut score, mut ideal) = (0.0, 0.0);
    for term in distinct {
        let idf = rarity.idf(term);
        ideal += idf * (K1 + 1.0);
        if let Ok(at) = chunk.indices.binary_search(&term_index(term)) {
            score += idf * chunk.values[at];
        }
    }
    if ideal > 0.0 { score / ideal } else { 0.0 }
}

/// The index of a term; stable for ever, since it is stored with the points.
pub fn term_index(term: &str) -> u32 {
    let hash = Sha256::digest(term.as_bytes());
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

fn from_terms(terms: &[String], weigh: impl Fn(f32, f32) -> f32) -> Sparse {
    let mut counts = BTreeMap::<u32, f32>::new();
    for term in terms {
        *counts.entry(term_index(term)).or_default() += 1.0;
    }
    let len_terms = terms.len() as f32;
    let (indices, values) = counts.into_iter().map(|(index, count)| (index, weigh(count, len_terms))).unzip();
    Sparse { indices, values }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repeating_a_word_helps_less_each_time() {
        let weight = |text: &str| of_chunk(text).values[0];
        let (one, two, three) = (weight("refund"), weight("refund refund"), weight("refund refund refund"));
        assert!(one < two && two < three && three - two < two - one);
    }

    #[test]
    fn a_question_weighs_each_of_its_terms_once() {
        assert_eq!(of_query("refund refund 退货").values.iter().filter(|v| **v != 1.0).count(), 0);
        assert_eq!(of_query("refund refund").indices.len(), 1);
    }

    #[test]
    fn more_of_the_question_is_a_larger_share() {
        let rarity = Rarity::of_chunks(["reset the router", "restart"]);
        let question = terms("reset router");
        let share = |text: &str| share_of_ideal(&question, text, &rarity);
        assert!(0.0 < share("reset") && share("reset") < share("reset the router") && share("reset the router") < 1.0);
        assert_eq!(share("unrelated"), 0.0);
        assert_eq!(share_of_ideal(&[], "reset", &rarity), 0.0);
    }

    proptest! {
        #[test]
        fn indices_are_ascending_and_distinct(text in "\\PC{0,80}") {
            let sparse = of_chunk(&text);
            prop_assert!(sparse.indices.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(sparse.indices.len(), sparse.values.len());
            prop_assert!(sparse.values.iter().all(|value| value.is_finite() && *value > 0.0));
        }
    }
}
