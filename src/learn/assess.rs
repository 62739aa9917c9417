//! What certifying now would give, in numbers that a person can act on.

use schemars::JsonSchema;
use serde::Serialize;

use super::binomial::{fewest_clean, upper_bound};
use super::certify::{Missing, Promise, Proof, grid, missing};
use super::family::{Claim, rule};
use super::split::{LeftOut, Split};
use crate::domain::certificate::ReviewerError;
use crate::domain::dial::Dial;
use crate::domain::outcome::Outcome;

/// A proof that is in force is not renewed before so many further rows: each try costs a part of the doubt, see
/// [`super::tries`], and fewer rows would hardly move the bar.
pub const ROWS_BETWEEN_PROOFS: usize = 450;

/// Without a proof in force, another try by the server itself waits until the rows are half as many again: tried every
/// night, a year would leave one part in 365 of the doubt.
const GROWTH: f64 = 1.5;

/// Whether the server may try by itself: `n_before` rows were there at the last try, or at the proof in force.
pub fn is_worth_a_try(is_in_force: bool, n_before: usize, n_rows: usize) -> bool {
    match is_in_force {
        true => n_rows >= n_before + ROWS_BETWEEN_PROOFS,
        false => n_rows > 0 && n_rows as f64 >= n_before as f64 * GROWTH,
    }
}

/// What is missing for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Needed {
    /// So many more reviews of drafts above the score, none of them a loss. An estimate: a third of all rows goes into
    /// choosing the candidates.
    pub n_more: u32,
    /// Of drafts that score at least this.
    pub above: f64,
    /// The fewest clean labels that could prove the target at all.
    pub min_clean: u32,
    /// Clean labels there now.
    pub n_clean_now: u32,
    /// Losses there now.
    pub k_now: u32,
}

/// What certifying now would give.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Assessment {
    /// Whether there is a proof.
    pub can_certify: bool,
    /// The lowest bar that is proven.
    pub bar: Option<f64>,
    /// Labelled answers at or above it.
    pub n: u32,
    /// Losses among them.
    pub k: u32,
    /// No more than this share is wrong.
    pub bound: Option<f64>,
    /// Share of the rows at or above the bar.
    pub coverage: Option<f64>,
    /// Rows that the candidates come from.
    pub n_fit: u32,
    /// Rows that the proof comes from.
    pub n_certify: u32,
    /// Rows left out because an equal question is there already.
    pub n_collapsed: u32,
    /// Rows left out for other reasons.
    pub n_left_out: LeftOut,
    /// Promises of the shop that share the doubt, this one among them.
    pub n_promises: u32,
    /// The share of the doubt that this one has.
    pub share_of_doubt: f64,
    /// What is missing; null where nothing is.
    pub needed: Option<Needed>,
}

/// An attempt at a proof, with all that a certificate keeps of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The candidates for the bar.
    pub grid: Vec<f64>,
    /// Walks that shared the doubt.
    pub n_starts: u32,
    /// The share of the doubt that it had: the rest went to other promises.
    pub share: f64,
    /// Promises that shared the doubt.
    pub n_promises: u32,
    /// The proof, if there is one.
    pub proof: Option<Proof>,
    /// What is missing otherwise.
    pub missing: Option<Missing>,
}

/// A promise to be tried.
#[derive(Debug, Clone, Copy)]
pub struct OnTrial<'a> {
    /// Its rows.
    pub split: &'a Split,
    /// What is promised.
    pub dial: Dial,
    /// The part of the doubt that this try has.
    pub part: f64,
}

/// Tries to prove a promise, as the only one.
pub fn attempt(trial: &OnTrial<'_>) -> Attempt {
    // One trial, one attempt.
    attempt_all(&[*trial], 1).swap_remove(0)
}

/// Tries promises of a shop, all `n_promises` of which share the doubt.
pub fn attempt_all(trials: &[OnTrial<'_>], n_promises: usize) -> Vec<Attempt> {
    let grids: Vec<Vec<f64>> = trials.iter().map(|trial| grid(&trial.split.fit)).collect();
    let promise = |OnTrial { dial, part, .. }: &OnTrial<'_>| Promise {
        target_error: dial.target_error,
        doubt: dial.doubt() * part,
    };
    let claimed: Vec<Claim<'_>> = trials
        .iter()
        .zip(&grids)
        .map(|(trial, grid)| Claim { grid, rows: &trial.split.certify, promise: promise(trial) })
        .collect();
    let rulings = rule(&claimed, n_promises);
    let attempts = rulings.into_iter().zip(claimed.iter().zip(trials)).map(|(ruling, (claim, trial))| {
        let tried = Promise { doubt: claim.promise.doubt * ruling.share, ..claim.promise };
        Attempt {
            grid: claim.grid.to_vec(),
            n_starts: count(ruling.n_starts),
            share: ruling.share * trial.part,
            n_promises: count(n_promises),
            proof: ruling.proof,
            missing: if ruling.proof.is_none() { missing(claim.grid, claim.rows, &tried) } else { None },
        }
    });
    attempts.collect()
}

/// An attempt, told.
pub fn assess(split: &Split, dial: &Dial, attempt: &Attempt) -> Assessment {
    let min_clean = fewest_clean(dial.target_error, dial.doubt() * attempt.share);
    let needed = |missing: Missing| Needed {
        // The newer two thirds of all rows count.
        n_more: (missing.n_more * 3).div_ceil(2),
        above: missing.above,
        min_clean,
        n_clean_now: missing.n - missing.k,
        k_now: missing.k,
    };
    let nothing_yet = Needed { n_more: (min_clean * 3).div_ceil(2), above: 0.0, min_clean, n_clean_now: 0, k_now: 0 };
    let proof = attempt.proof;
    Assessment {
        can_certify: proof.is_some(),
        bar: proof.map(|proof| proof.bar),
        n: proof.map_or(0, |proof| proof.n),
        k: proof.map_or(0, |proof| proof.k),
        bound: proof.map(|proof| proof.bound),
        coverage: proof.map(|proof| coverage(&proof, split)),
        n_fit: count(split.fit.len()),
        n_certify: count(split.certify.len()),
        n_collapsed: split.n_collapsed,
        n_left_out: split.left_out,
        n_promises: attempt.n_promises,
        share_of_doubt: attempt.share,
        needed: proof.is_none().then(|| attempt.missing.map_or(nothing_yet, needed)),
    }
}

/// Share of the rows that a proof lets through. Rehearsed answers that nobody has judged are below every bar; two thirds
/// of them would have been among the rows of the proof.
pub fn coverage(proof: &Proof, split: &Split) -> f64 {
    let n_below = f64::from(split.n_unjudged) * 2.0 / 3.0;
    f64::from(proof.n) / (split.certify.len() as f64 + n_below).max(1.0)
}

/// How often those who accept are wrong, by the looks of others; none before there was a look.
pub fn reviewer_error(second_looks: &[Outcome], doubt: f64) -> Option<ReviewerError> {
    let (n, k) = (count(second_looks.len()), count(second_looks.iter().filter(|outcome| outcome.is_loss()).count()));
    (n > 0).then(|| ReviewerError { n, k, upper: upper_bound(k, n, doubt) })
}

fn count(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::certify::Row;
    use super::*;

    const DIAL: Dial = Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };

    /// `n` rows without a loss, spread over the scores, and a fit part of half the size.
    fn clean(n: u32) -> Split {
        let score = |nth: u32| f64::from(nth) / f64::from(n);
        Split {
            fit: (0..n / 2).map(|nth| score(2 * nth)).collect(),
            certify: (0..n).map(|nth| Row { score: score(nth), is_loss: false }).collect(),
            ..Split::default()
        }
    }

    fn assessed(split: &Split) -> Assessment {
        assess(split, &DIAL, &attempt(&OnTrial { split, dial: DIAL, part: 1.0 }))
    }

    #[test]
    fn nothing_labelled_needs_the_fewest_that_could_do() {
        let needed = assessed(&Split::default()).needed.unwrap();
        assert_eq!((needed.min_clean, needed.n_more, needed.n_clean_now), (59, 89, 0));
    }

    #[test]
    fn what_is_said_to_be_missing_is_what_proves_it() {
        let split = clean(50);
        let told = assessed(&split);
        assert!(!told.can_certify);
        let needed = told.needed.unwrap();
        let mut more = split.clone();
        let n_certify = needed.n_more * 2 / 3;
        let clean = Row { score: needed.above, is_loss: false };
        more.certify.extend((0..n_certify).map(|_| clean));
        assert!(assessed(&more).can_certify, "{needed:?}");
    }

    #[test]
    fn clean_rows_prove_the_loosest_bar() {
        let told = assessed(&clean(300));
        assert_eq!((told.can_certify, told.n, told.k, told.needed), (true, 300, 0, None));
        assert!(told.bound.unwrap() <= 0.05 && told.coverage == Some(1.0));
    }

    #[test]
    fn reviewers_are_measured_by_others_or_not_at_all() {
        assert_eq!(reviewer_error(&[], 0.05), None);
        let looked = reviewer_error(&[Outcome::Accept, Outcome::EditFact, Outcome::RejectTone], 0.05).unwrap();
        assert_eq!((looked.n, looked.k), (3, 1));
        assert!(looked.upper > 1.0 / 3.0);
    }
}
