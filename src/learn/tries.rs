//! How often a promise may be tried: the doubt is spent once, over all tries together.
//!
//! # Why
//! A proof is false with a chance of the doubt at most, if it is tried once. Whoever presses the button again after
//! every review, and the server that tries again every month, get another chance of a false proof each time, until one
//! comes. So the tries of a promise are counted and share the doubt: the first has a half of it, the second a sixth, the
//! k-th one part in k · (k + 1). All of them together never spend more than there is, however many follow and whatever
//! the earlier ones showed; after k tries one part in k + 1 is left. The price is small, for the clean answers that a
//! proof needs grow with the logarithm of the share only: at 5 % wrong the first try needs 72 of them, the tenth 151.
//!
//! The same rows put to the same question are the same try: they cost nothing, and find nothing new. What could not pass
//! whatever its labels is none.
//!
//! The page says what a try would find now. So who waits for the day on which it says yes tries every day without
//! pressing anything; that costs too: each time the rows have grown fourfold one place is gone, tried or not. Within such
//! a stretch this is no exact test any more, but simulated shops whose people look after every review hold what is
//! promised. Choosing which topics stay with people by looking at the losses is a choice on the same rows that no place
//! is taken for, too.

use sha2::{Digest, Sha256};

use super::binomial::fewest_clean;
use super::split::Split;
use crate::domain::dial::Dial;
use crate::domain::encoding::HEX;
use crate::storage::promise_tries::Try;

/// Rows that have grown so many times over are a new try, whether or not somebody tried.
const STRETCH: f64 = 4.0;

/// The part of the doubt that the `nth` try has, from 1 on.
pub fn part(nth: u32) -> f64 {
    let nth = f64::from(nth.max(1));
    1.0 / (nth * (nth + 1.0))
}

/// The part of the doubt that is left when all places up to `nth` are gone.
pub fn left_after(nth: u32) -> f64 {
    1.0 / (f64::from(nth) + 1.0)
}

/// The place that so many rows of the certify part have come to by growing alone: 1 until they are four times as many as
/// a first proof needs.
pub fn stretch(n_certify: usize, dial: &Dial) -> u32 {
    let mut end = f64::from(fewest_clean(dial.target_error, dial.doubt() * part(1))) * STRETCH;
    let mut nth = 1;
    while n_certify as f64 >= end {
        end *= STRETCH;
        nth += 1;
    }
    nth
}

/// The try that would be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its place among the tries of the promise.
    pub nth: u32,
    /// Whether it is one that was made already: it costs nothing.
    pub is_repeat: bool,
    /// Hash of what is tried from what.
    pub evidence: String,
}

/// The place of a try of `evidence` after those of the `past`, where growth alone has come to the place `stretch`.
pub fn place(past: &[Try], evidence: String, stretch: u32) -> Place {
    if let Some(same) = past.iter().find(|one| one.evidence == evidence) {
        return Place { nth: same.nth, is_repeat: true, evidence };
    }
    let last = past.iter().map(|one| one.nth).max().unwrap_or(0);
    Place { nth: stretch.max(last.saturating_add(1)), is_repeat: false, evidence }
}

/// Hash of rows and promise: what decides how a try ends, its part of the doubt apart. `n_promises` share the doubt.
pub fn evidence(split: &Split, dial: &Dial, n_promises: usize) -> String {
    let mut hash = Sha256::new();
    let mut take = |value: f64| hash.update(value.to_le_bytes());
    [dial.target_error, dial.certainty, n_promises as f64, split.fit.len() as f64].into_iter().for_each(&mut take);
    split.fit.iter().copied().for_each(&mut take);
    for row in &split.certify {
        take(row.score);
        take(if row.is_loss { 1.0 } else { 0.0 });
    }
    HEX.encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::certify::Row;
    use super::*;

    const FIVE: Dial = Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };

    fn tried(nth: u32, evidence: &str) -> Try {
        Try {
            nth,
            evidence: evidence.into(),
            n_rows: 0,
            target_error: 0.05,
            is_proven: false,
            account: None,
            created_at_ms: 0,
        }
    }

    fn split(scores: &[(f64, bool)]) -> Split {
        let certify = scores.iter().map(|(score, is_loss)| Row { score: *score, is_loss: *is_loss }).collect();
        Split { fit: vec![0.5], certify, ..Split::default() }
    }

    #[test]
    fn what_the_module_says_of_its_price_is_so() {
        assert_eq!((part(1), part(2), left_after(1)), (0.5, 1.0 / 6.0, 0.5));
        assert_eq!([1, 10].map(|nth| fewest_clean(0.05, 0.05 * part(nth))), [72, 151]);
    }

    #[test]
    fn a_place_is_taken_by_a_try_or_by_rows_that_have_grown() {
        assert_eq!([0, 71, 287, 288, 1151, 1152].map(|n| stretch(n, &FIVE)), [1, 1, 1, 2, 2, 3]);
        let past = [tried(1, "a"), tried(3, "b")];
        let next = |evidence: &str, stretch| place(&past, evidence.into(), stretch);
        assert_eq!((next("c", 1).nth, next("c", 9).nth), (4, 9));
        assert_eq!(place(&[], "a".into(), 1), Place { nth: 1, is_repeat: false, evidence: "a".into() });
        assert_eq!((next("a", 9).nth, next("a", 9).is_repeat), (1, true), "the same again is the same try");
    }

    #[test]
    fn other_rows_labels_or_promises_are_another_try() {
        let of = |rows: &[(f64, bool)], dial: &Dial, n| evidence(&split(rows), dial, n);
        let rows = [(0.9, false), (0.8, false)];
        let told = of(&rows, &FIVE, 1);
        assert_eq!(told, of(&rows, &Dial { audit_rate: 0.5, ..FIVE }, 1), "how much is audited proves nothing");
        for other in [
            of(&rows[..1], &FIVE, 1),
            of(&[(0.9, true), (0.8, false)], &FIVE, 1),
            of(&rows, &Dial { target_error: 0.02, ..FIVE }, 1),
            of(&rows, &FIVE, 2),
        ] {
            assert_ne!(told, other);
        }
    }

    proptest! {
        /// Whatever is tried in whatever order, no place is taken twice, and all parts together are never the whole.
        #[test]
        fn all_tries_together_spend_no_more_than_there_is(tries in proptest::collection::vec((0u8..9, 1u32..20), 1..60)) {
            let mut past: Vec<Try> = vec![];
            for (evidence, stretch) in tries {
                let next = place(&past, evidence.to_string(), stretch);
                prop_assert!(next.is_repeat || past.iter().all(|one| one.nth < next.nth));
                if !next.is_repeat {
                    past.push(tried(next.nth, &next.evidence));
                }
                let spent: f64 = past.iter().map(|one| part(one.nth)).sum();
                let last = past.last().map_or(0, |one| one.nth);
                prop_assert!(spent + left_after(last) <= 1.0 + 1e-12, "{spent}");
            }
        }
    }
}
