//! A rising step function from scores to shares: no shape assumed but that more is not worse.

/// Steps, from the lowest score up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Isotonic {
    /// The lowest score of each step, and the share of good drafts on it.
    steps: Vec<(f64, f64)>,
}

/// Neighbours that are one step: its lowest score, good rows, rows.
type Pool = (f64, f64, f64);

impl Isotonic {
    /// Pools neighbours until the shares rise.
    pub(super) fn fit(scores: &[f64], goods: &[bool]) -> Self {
        let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(goods.iter().copied()).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut pools: Vec<Pool> = Vec::new();
        for level in rows.chunk_by(|a, b| a.0 == b.0) {
            let n_good = level.iter().filter(|(_, is_good)| *is_good).count() as f64;
            let mut pool = (level[0].0, n_good, level.len() as f64);
            while let Some(below) = pools.pop_if(|below| below.1 / below.2 >= pool.1 / pool.2) {
                pool = (below.0, below.1 + pool.1, below.2 + pool.2);
            }
            pools.push(pool);
        }
        Self { steps: pools.into_iter().map(|(from, n_good, n)| (from, n_good / n)).collect() }
    }

    /// The share on the step of `score`; below all, that of the lowest.
    pub(super) fn apply(&self, score: f64) -> f64 {
        let n_below = self.steps.partition_point(|(from, _)| *from <= score);
        self.steps.get(n_below.saturating_sub(1)).map_or(0.0, |(_, share)| *share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_fall_become_one_step() {
        let steps = Isotonic::fit(&[0.1, 0.2, 0.3, 0.4, 0.5], &[false, true, false, true, true]);
        assert_eq!(steps.steps, [(0.1, 0.0), (0.2, 0.5), (0.4, 1.0)]);
        assert_eq!([0.0, 0.1, 0.25, 0.4, 0.9].map(|score| steps.apply(score)), [0.0, 0.0, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn equal_scores_are_one_step_and_nothing_gives_nothing() {
        assert_eq!(Isotonic::fit(&[0.5, 0.5], &[true, false]).apply(0.5), 0.5);
        assert_eq!(Isotonic::fit(&[], &[]).apply(0.5), 0.0);
    }
}
