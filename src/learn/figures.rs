//! How good confidences are on a development set, in six figures, each with its interval.
//!
//! # Why
//! A few hundred questions, many of them about the same section, make every figure uncertain by more than most changes
//! improve it. So each figure comes with the middle 95 % of a bootstrap that draws whole groups, and two scorers are
//! compared on the same draws: what both share, such as an easy draw, is no difference.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::Serialize;

use super::calibrate::{Judged, auroc};

/// Bins of the calibration error.
const BINS: usize = 10;

/// The figures, in their order. For the first two and the last two more is better, for the others less.
pub const FIGURES: [&str; 6] =
    ["auroc_good", "auroc_answerable", "ece", "brier", "coverage_at_90_precision", "coverage_at_95_precision"];

/// One question with its confidence. What the assistant did not offer has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// 0 to 1.
    pub confidence: f64,
    /// Sending it would have been right.
    pub is_good: bool,
    /// There was an answer to be found.
    pub is_answerable: bool,
}

impl Scored {
    /// The question with its confidence.
    pub fn new(judged: &Judged, confidence: f64) -> Self {
        let confidence = if judged.is_abstained { 0.0 } else { confidence };
        Self { confidence, is_good: judged.row.is_good, is_answerable: judged.is_answerable }
    }
}

/// The figures of these questions. Without questions of both kinds nothing can be told apart: half.
pub fn figures(scored: &[Scored]) -> [f64; FIGURES.len()] {
    let confidences: Vec<f64> = scored.iter().map(|one| one.confidence).collect();
    let of = |is: fn(&Scored) -> bool| {
        let kinds: Vec<bool> = scored.iter().map(is).collect();
        auroc(&confidences, &kinds).unwrap_or(0.5)
    };
    let squares = scored.iter().map(|one| (one.confidence - share(one.is_good)).powi(2));
    [
        of(|one| one.is_good),
        of(|one| one.is_answerable),
        ece(scored),
        squares.sum::<f64>() / scored.len().max(1) as f64,
        coverage(scored, 0.90),
        coverage(scored, 0.95),
    ]
}

fn share(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// Mean distance between confidence and share of good drafts, over bins of equal width.
fn ece(scored: &[Scored]) -> f64 {
    let mut sums = [0.0; BINS];
    for one in scored {
        let bin = ((one.confidence * BINS as f64) as usize).min(BINS - 1);
        sums[bin] += one.confidence - share(one.is_good);
    }
    sums.iter().map(|sum: &f64| sum.abs()).sum::<f64>() / scored.len().max(1) as f64
}

/// The largest share that can be sent, the surest first, with at least `precision` of it right. Equal confidences are
/// sent together or not at all.
fn coverage(scored: &[Scored], precision: f64) -> f64 {
    let mut falling: Vec<&Scored> = scored.iter().filter(|one| one.confidence > 0.0).collect();
    falling.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let (mut n, mut n_good, mut best) = (0, 0, 0);
    for level in falling.chunk_by(|a, b| a.confidence == b.confidence) {
        n += level.len();
        n_good += level.iter().filter(|one| one.is_good).count();
        if n_good as f64 >= precision * n as f64 {
            best = n;
        }
    }
    best as f64 / scored.len().max(1) as f64
}

/// Draws of whole groups, with replacement: which questions each draw holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Draws(Vec<Vec<usize>>);

impl Draws {
    /// `n_draws` draws of the groups of `judged`.
    pub fn new(judged: &[Judged], n_draws: usize, seed: u64) -> Self {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (nth, one) in judged.iter().enumerate() {
            groups.entry(&one.row.group).or_default().push(nth);
        }
        let groups: Vec<Vec<usize>> = groups.into_values().collect();
        let mut random = StdRng::seed_from_u64(seed);
        let mut draw = || {
            let drawn = (0..groups.len()).map(|_| random.random_range(0..groups.len()));
            drawn.flat_map(|group| groups[group].iter().copied()).collect()
        };
        Self((0..n_draws).map(|_| draw()).collect())
    }

    /// The figures of every draw.
    pub fn figures(&self, scored: &[Scored]) -> Vec<[f64; FIGURES.len()]> {
        let of_draw = |draw: &Vec<usize>| figures(&draw.iter().map(|nth| scored[*nth]).collect::<Vec<_>>());
        self.0.par_iter().map(of_draw).collect()
    }
}

/// A figure with the middle 95 % of its draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// On the set as it is.
    pub value: f64,
    /// 2.5 % of the draws are lower.
    pub lower: f64,
    /// 2.5 % of the draws are higher.
    pub upper: f64,
}

impl Estimate {
    /// Whether chance alone would hardly have given it: zero is outside. For differences.
    pub fn is_clear(&self) -> bool {
        self.lower > 0.0 || self.upper < 0.0
    }
}

/// By name.
pub type Estimates = BTreeMap<&'static str, Estimate>;

/// Each figure, with what the draws say of it.
pub fn estimates(values: [f64; FIGURES.len()], draws: &[[f64; FIGURES.len()]]) -> Estimates {
    let estimate = |nth: usize| {
        let mut drawn: Vec<f64> = draws.iter().map(|figures| figures[nth]).collect();
        drawn.sort_by(f64::total_cmp);
        let at = |share: f64| drawn.get((drawn.len().saturating_sub(1) as f64 * share).round() as usize).copied();
        let value = values[nth];
        Estimate { value, lower: at(0.025).unwrap_or(value), upper: at(0.975).unwrap_or(value) }
    };
    FIGURES.iter().enumerate().map(|(nth, name)| (*name, estimate(nth))).collect()
}

/// Figure by figure, how much larger `these` are.
pub fn minus(these: &[f64; FIGURES.len()], those: &[f64; FIGURES.len()]) -> [f64; FIGURES.len()] {
    std::array::from_fn(|nth| these[nth] - those[nth])
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::Row;
    use super::*;
    use crate::domain::calibration::Features;

    fn scored(confidence: f64, is_good: bool) -> Scored {
        Scored { confidence, is_good, is_answerable: is_good }
    }

    fn judged(nth: usize, is_good: bool) -> Judged {
        let row = Row { id: nth.to_string(), features: Features::default(), is_good, group: format!("g{}", nth / 2) };
        Judged { row, is_answerable: is_good, is_abstained: false }
    }

    #[test]
    fn the_figures_of_a_set_that_can_be_worked_by_hand() {
        let set = [scored(0.9, true), scored(0.8, true), scored(0.7, false), scored(0.0, false)];
        let [good, answerable, ece, brier, at_90, at_95] = figures(&set);
        assert_eq!((good, answerable, at_90, at_95), (1.0, 1.0, 0.5, 0.5));
        assert!((ece - (0.1 + 0.2 + 0.7) / 4.0).abs() < 1e-12 && (brier - (0.01 + 0.04 + 0.49) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn equals_are_sent_together_and_what_has_no_confidence_never() {
        let mut set = vec![scored(0.9, true); 9];
        set.push(scored(0.9, false));
        assert_eq!((coverage(&set, 0.9), coverage(&set, 0.95)), (1.0, 0.0));
        assert_eq!(coverage(&[scored(0.0, true)], 0.9), 0.0);
    }

    #[test]
    fn an_assistant_without_an_answer_has_no_confidence() {
        let mut one = judged(1, false);
        one.is_abstained = true;
        assert_eq!(Scored::new(&one, 0.9).confidence, 0.0);
    }

    #[test]
    fn a_draw_holds_whole_groups_and_the_seed_decides_which() {
        let set: Vec<Judged> = (0..40).map(|nth| judged(nth, nth % 3 == 0)).collect();
        let draws = Draws::new(&set, 20, 7);
        for draw in &draws.0 {
            let mut counts = BTreeMap::new();
            draw.iter().for_each(|nth| *counts.entry(nth).or_insert(0) += 1);
            assert!((0..20).all(|group| counts.get(&(2 * group)) == counts.get(&(2 * group + 1))));
        }
        assert_eq!(draws, Draws::new(&set, 20, 7));
        assert_ne!(draws, Draws::new(&set, 20, 8));
    }

    #[test]
    fn a_difference_is_clear_only_where_zero_is_outside() {
        let set: Vec<Judged> = (0..60).map(|nth| judged(nth, nth % 2 == 0)).collect();
        let score = |of: &dyn Fn(usize) -> f64| -> Vec<Scored> {
            set.iter().enumerate().map(|(nth, one)| Scored::new(one, of(nth))).collect()
        };
        let draws = Draws::new(&set, 200, 1);
        let (sharp, blunt) = (score(&|nth| if nth % 2 == 0 { 0.9 } else { 0.1 }), score(&|_| 0.5));
        let compare = |these: &[Scored], those: &[Scored]| {
            let pairs = draws.figures(these).into_iter().zip(draws.figures(those));
            let drawn: Vec<_> = pairs.map(|(these, those)| minus(&these, &those)).collect();
            estimates(minus(&figures(these), &figures(those)), &drawn)
        };
        assert!(compare(&sharp, &blunt).values().all(Estimate::is_clear));
        assert!(!compare(&blunt, &blunt).values().any(Estimate::is_clear));
    }
}
