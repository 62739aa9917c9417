//! The lowest bar for which a promise about wrong answers is proven: Learn-then-Test with exact binomial tests.
//!
//! The promise: *among what is sent by itself, at most so many are wrong, and this statement is false in at most one of
//! so many shops*. It is about traffic like that of the rows it was proven on, it trusts their labels, and it says
//! nothing about a single message.
//!
//! # Why
//! To take the lowest bar whose rows look good enough breaks the promise in every second shop: among many bars one
//! looks good by luck. Here the candidates are fixed by other rows, they are tested in an order that is fixed too, and
//! the walk ends at the first that fails; then the whole walk errs no more often than one test. Where to start is
//! decided by the number of rows alone: few rows cannot afford to share the doubt among several starts.

use super::binomial::{at_most, fewest_clean, upper_bound};

/// Candidates for the bar.
const GRID: usize = 35;

/// From so many rows on there are several starts.
pub(super) const MANY_ROWS: usize = 1000;

/// Where the walks begin when there are many rows.
const STARTS: [usize; 5] = [4, 10, 16, 22, 28];

/// A labelled answer: how sure the assistant was, and whether sending it would have been wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Its confidence.
    pub score: f64,
    /// Whether it must not have been sent.
    pub is_loss: bool,
}

/// What is to be proven.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// The largest share of wrong answers among those that are sent.
    pub target_error: f64,
    /// The chance of a false proof.
    pub doubt: f64,
}

/// A proof.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proof {
    /// The lowest confidence that may be sent.
    pub bar: f64,
    /// Rows at or above it.
    pub n: u32,
    /// Losses among them.
    pub k: u32,
    /// No more than this share is wrong, at most the target.
    pub bound: f64,
}

/// What is missing for a proof.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Missing {
    /// So many more rows, none of them a loss, would do.
    pub n_more: u32,
    /// At or above this score.
    pub above: f64,
    /// Rows there now.
    pub n: u32,
    /// Losses among them.
    pub k: u32,
}

/// The candidates for the bar, falling, so that each lets through the same share more of `fit_scores`. Empty where there
/// are none.
pub fn grid(fit_scores: &[f64]) -> Vec<f64> {
    if fit_scores.is_empty() {
        return vec![];
    }
    let mut falling = fit_scores.to_vec();
    falling.sort_by(|a, b| b.total_cmp(a));
    (1..=GRID).map(|step| falling[(step * falling.len()).div_ceil(GRID) - 1]).collect()
}

/// Rows and losses at or above each candidate.
pub fn counts(grid: &[f64], rows: &[Row]) -> Vec<(u32, u32)> {
    let mut falling = rows.to_vec();
    falling.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut n, mut k) = (0u32, 0u32);
    let mut rest = falling.iter().peekable();
    let above = grid.iter().map(|bar| {
        while let Some(row) = rest.next_if(|row| row.score >= *bar) {
            n += 1;
            k += u32::from(row.is_loss);
        }
        (n, k)
    });
    above.collect()
}

/// The places in the grid where walks begin; with few rows, the first that could pass at all.
pub fn starts(counts: &[(u32, u32)], n_rows: usize, promise: &Promise) -> Vec<usize> {
    if n_rows >= MANY_ROWS {
        return STARTS.into_iter().filter(|start| *start < counts.len()).collect();
    }
    let fewest = fewest_clean(promise.target_error, promise.doubt);
    counts.iter().position(|(n, _)| *n >= fewest).into_iter().collect()
}

/// The lowest bar that `rows` prove, or none. `grid` must come from other rows.
pub fn certify(grid: &[f64], rows: &[Row], promise: &Promise) -> Option<Proof> {
    certify_within(grid, rows, promise, promise.doubt)
}

/// The same, where the walks begin as for `promise` and may be false with a chance of `doubt`, its own or more.
pub(super) fn certify_within(grid: &[f64], rows: &[Row], promise: &Promise, doubt: f64) -> Option<Proof> {
    let counts = counts(grid, rows);
    let starts = starts(&counts, rows.len(), promise);
    let share = doubt / starts.len().max(1) as f64;
    let passes = |(n, k): (u32, u32)| n > 0 && at_most(k, n, promise.target_error) <= share;
    let loosest = starts.into_iter().filter_map(|start| {
        let n_passed = counts[start..].iter().take_while(|counted| passes(**counted)).count();
        n_passed.checked_sub(1).map(|last| start + last)
    });
    let place = loosest.max()?;
    let (n, k) = counts[place];
    Some(Proof { bar: grid[place], n, k, bound: upper_bound(k, n, share) })
}

/// What is missing where nothing was proven: the candidate that the fewest further clean rows would prove. None without
/// candidates.
pub fn missing(grid: &[f64], rows: &[Row], promise: &Promise) -> Option<Missing> {
    let counts = counts(grid, rows);
    let share = if rows.len() >= MANY_ROWS { promise.doubt / STARTS.len() as f64 } else { promise.doubt };
    let asked = grid.iter().zip(&counts).map(|(bar, (n, k))| {
        let n_more = more_clean(*n, *k, (promise.target_error, share));
        Missing { n_more, above: *bar, n: *n, k: *k }
    });
    // Of equals the lowest bar: more of the traffic brings its rows.
    asked.min_by(|a, b| a.n_more.cmp(&b.n_more).then(a.above.total_cmp(&b.above)))
}

/// How many more clean rows `k` losses in `n` need.
fn more_clean(n: u32, k: u32, (target_error, share): (f64, f64)) -> u32 {
    let is_enough = |more: u32| at_most(k, n + more, target_error) <= share;
    if is_enough(0) {
        return 0;
    }
    let mut enough = 1;
    while !is_enough(enough) {
        enough *= 2;
    }
    let mut short = enough / 2;
    while enough - short > 1 {
        let middle = u32::midpoint(short, enough);
        if is_enough(middle) { enough = middle } else { short = middle }
    }
    enough
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Promise = Promise { target_error: 0.05, doubt: 0.05 };

    fn good(score: f64) -> Row {
        Row { score, is_loss: false }
    }

    fn bad(score: f64) -> Row {
        Row { score, is_loss: true }
    }

    #[test]
    fn the_grid_falls_in_equal_shares_and_ends_with_the_lowest_score() {
        let scores: Vec<f64> = (0..70).map(f64::from).collect();
        let grid = grid(&scores);
        assert_eq!((grid.len(), grid[0], grid[1], grid[34]), (35, 68.0, 66.0, 0.0));
        assert_eq!(super::grid(&[0.5]), [0.5; 35]);
        assert_eq!(super::grid(&[]), [0.0; 0]);
    }

    #[test]
    fn rows_are_counted_at_and_above() {
        let rows = [good(0.9), bad(0.8), good(0.8), bad(0.1)];
        assert_eq!(counts(&[0.95, 0.9, 0.8, 0.0], &rows), [(0, 0), (1, 0), (3, 1), (4, 2)]);
    }

    #[test]
    fn the_walk_ends_at_the_first_bar_that_fails() {
        // 60 clean rows at the top, ten losses below them, and then clean rows that would make the whole look good.
        let rows: Vec<Row> = [vec![good(0.9); 60], vec![bad(0.5); 10], vec![good(0.1); 900]].concat();
        let proof = certify(&[0.9, 0.5, 0.1], &rows, &FIVE).unwrap();
        assert_eq!((proof.bar, proof.n, proof.k), (0.9, 60, 0));
        assert!(proof.bound <= 0.05);
        assert!(at_most(10, 970, 0.05) < 0.05, "a search over all bars would have taken the lowest");
    }

    #[test]
    fn fifty_eight_clean_rows_prove_nothing_and_fifty_nine_do() {
        assert_eq!(certify(&[0.5], &[good(0.9); 58], &FIVE), None);
        assert_eq!(certify(&[0.5], &[good(0.9); 59], &FIVE).map(|proof| proof.bar), Some(0.5));
        assert_eq!(certify(&[], &[good(0.9); 59], &FIVE), None, "no candidates");
    }

    #[test]
    fn from_a_thousand_rows_on_five_walks_share_the_doubt() {
        let grid = [0.5; 35];
        let counted = counts(&grid, &[good(0.9); 1000]);
        assert_eq!(starts(&counted, 999, &FIVE), [0]);
        assert_eq!(starts(&counted, 1000, &FIVE), STARTS);
        assert_eq!(starts(&counted[..12], 1000, &FIVE), [4, 10]);
    }

    #[test]
    fn what_is_missing_is_exactly_enough() {
        for rows in [vec![], vec![good(0.9); 20], [vec![good(0.9); 90], vec![bad(0.95); 2]].concat()] {
            let told = missing(&[0.5], &rows, &FIVE).unwrap();
            let with = |n_more: u32| {
                let more = vec![good(0.9); n_more as usize];
                certify(&[0.5], &[rows.clone(), more].concat(), &FIVE)
            };
            assert!(with(told.n_more).is_some() && with(told.n_more - 1).is_none(), "{told:?}");
        }
        assert_eq!(missing(&[], &[], &FIVE), None);
    }
}
