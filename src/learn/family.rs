//! Several promises at once: the shop's, and those of topics with a promise of their own.
//!
//! # Why
//! Ten promises that are each certain to 95 % are together certain to 60 %: some proof among them is false. So the
//! promises of a shop share the doubt: of `m` promises each is proven with an `m`-th of it, and the chance that any of
//! the proofs in force together is false is at most the doubt that ops chose. (Promises that are added one after another
//! were tried when there were fewer of them: over all proofs that ever were, more than that may be false.)
//!
//! Holm's step-down rule would hand the share of every promise that is proven on to the others. That is sound for single
//! hypotheses, not here: a promise is a walk from high bars to low ones, and a proof says only how far the walk came.
//! Its share is still at stake where the walk ended, at the first bar that is perhaps too low. Handed on and kept at
//! once, the doubt would be spent twice. A share is free only when a walk has come to its end, the lowest bar there is;
//! then nothing is left in it that could be false, and its share goes to the others in equal parts (the graphical
//! procedure of Bretz and others, 2009, with one path a promise). From a thousand rows on there are several walks a
//! promise, and their shares stay with it. A promise that is not tried at the moment keeps its share, too.

use super::certify::{MANY_ROWS, Promise, Proof, Row, certify_within, counts, starts};

/// A promise to be proven: its candidates, its rows, and what it says by itself.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The candidates for the bar, falling.
    pub grid: &'a [f64],
    /// The rows to prove it from; no other claim has them.
    pub rows: &'a [Row],
    /// What is promised, with the doubt that this try would have alone.
    pub promise: Promise,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ruling {
    /// The proof, if there is one.
    pub proof: Option<Proof>,
    /// The share of its doubt that it was tried with, 0 to 1.
    pub share: f64,
    /// Walks that shared it.
    pub n_starts: usize,
}

/// Tries claims of a shop together; all of its `n_promises` share the doubt, those that are not tried among them.
pub fn rule(claims: &[Claim<'_>], n_promises: usize) -> Vec<Ruling> {
    let equal = 1.0 / n_promises.max(claims.len()).max(1) as f64;
    let mut rulings: Vec<Ruling> = claims.iter().map(|claim| try_one(claim, (equal, equal))).collect();
    let mut is_spent = vec![false; claims.len()];
    // Every round ends at least one walk, so there are no more rounds than claims.
    for _ in 0..claims.len() {
        let done = |nth: &usize| !is_spent[*nth] && is_at_the_end(&claims[*nth], &rulings[*nth]);
        let freed: Vec<usize> = (0..claims.len()).filter(done).collect();
        let rest: Vec<usize> = (0..claims.len()).filter(|nth| !is_spent[*nth] && !freed.contains(nth)).collect();
        if freed.is_empty() || rest.is_empty() {
            break;
        }
        let handed_on = freed.iter().map(|nth| rulings[*nth].share).sum::<f64>() / rest.len() as f64;
        freed.iter().for_each(|nth| is_spent[*nth] = true);
        for nth in rest {
            rulings[nth] = try_one(&claims[nth], (equal, rulings[nth].share + handed_on));
        }
    }
    rulings
}

/// Where a walk begins is fixed by the first share, or a larger one could begin elsewhere and prove less.
fn try_one(claim: &Claim<'_>, (first, share): (f64, f64)) -> Ruling {
    let begin = Promise { doubt: claim.promise.doubt * first, ..claim.promise };
    let proof = certify_within(claim.grid, claim.rows, &begin, claim.promise.doubt * share);
    let n_starts = starts(&counts(claim.grid, claim.rows), claim.rows.len(), &begin).len();
    Ruling { proof, share, n_starts }
}

fn is_at_the_end(claim: &Claim<'_>, ruling: &Ruling) -> bool {
    let lowest = claim.grid.last().copied();
    claim.rows.len() < MANY_ROWS && ruling.proof.is_some_and(|proof| Some(proof.bar) == lowest)
}

#[cfg(test)]
mod tests {
    use super::super::binomial::{at_most, fewest_clean};
    use super::*;

    const FIVE: Promise = Promise { target_error: 0.05, doubt: 0.05 };

    fn rows(n: usize, n_bad: usize) -> Vec<Row> {
        let row = |nth: usize| Row { score: 0.9, is_loss: nth < n_bad };
        (0..n).map(row).collect()
    }

    fn claim<'a>(grid: &'a [f64], rows: &'a [Row]) -> Claim<'a> {
        Claim { grid, rows, promise: FIVE }
    }

    #[test]
    fn a_single_promise_has_the_whole_doubt() {
        let rows = rows(59, 0);
        let rulings = rule(&[claim(&[0.9, 0.1], &rows)], 1);
        assert_eq!((rulings[0].share, rulings[0].proof.map(|proof| proof.bar)), (1.0, Some(0.1)));
        assert_eq!(rule(&[], 1), []);
    }

    #[test]
    fn of_two_promises_each_needs_more_rows() {
        let enough = fewest_clean(0.05, 0.025) as usize;
        let (some, none) = (rows(enough - 1, 0), vec![]);
        assert_eq!(rule(&[claim(&[0.9], &some), claim(&[0.9], &none)], 2)[0].proof, None);
        assert_eq!(rule(&[claim(&[0.9], &some)], 2)[0].proof, None, "the other is not tried, and keeps its share");
        let some = rows(enough, 0);
        assert!(rule(&[claim(&[0.9], &some), claim(&[0.9], &none)], 2)[0].proof.is_some());
    }

    #[test]
    fn the_share_of_a_walk_that_came_to_its_end_goes_to_the_others() {
        // One loss: too much for a half of the doubt, and not for all of it.
        let n = (1..).find(|n| at_most(1, *n, 0.05) <= 0.05).unwrap();
        let (clean, doubtful) = (rows(200, 0), rows(n as usize, 1));
        assert!(at_most(1, n, 0.05) > 0.025);
        let alone = rule(&[claim(&[0.9], &doubtful), claim(&[0.9], &[])], 2);
        assert_eq!((alone[0].proof, alone[0].share), (None, 0.5));
        let helped = rule(&[claim(&[0.9], &doubtful), claim(&[0.9], &clean)], 2);
        assert!(helped[0].proof.is_some() && helped[0].share == 1.0, "{helped:?}");
    }

    #[test]
    fn a_walk_that_ended_early_keeps_its_share() {
        let grid = [0.9, 0.1];
        let stuck: Vec<Row> = [rows(200, 0), vec![Row { score: 0.2, is_loss: true }; 50]].concat();
        let other = rows(70, 0);
        let rulings = rule(&[claim(&grid, &stuck), claim(&[0.9], &other)], 2);
        assert_eq!((rulings[0].proof.map(|proof| proof.bar), rulings[1].share), (Some(0.9), 0.5));
    }
}
