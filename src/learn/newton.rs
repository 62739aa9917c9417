//! Logistic regression with an L2 penalty, by Newton's method.

/// Standardised values and the outcome.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub values: Vec<f64>,
    pub is_good: bool,
}

/// Steps at most; it converges in fewer than ten.
const MAX_STEPS: usize = 50;

/// The weights, intercept first. The intercept is not penalised.
pub(super) fn fit_logistic(samples: &[Sample], l2: f64) -> Vec<f64> {
    let size = samples.first().map_or(0, |sample| sample.values.len()) + 1;
    let mut weights = vec![0.0; size];
    for _ in 0..MAX_STEPS {
        let (gradient, curvature) = derivatives(samples, &weights, l2);
        let step = solve(curvature, gradient);
        for (weight, change) in weights.iter_mut().zip(&step) {
            *weight -= change;
        }
        if step.iter().all(|change| change.abs() < 1e-10) {
            break;
        }
    }
    weights
}

/// Gradient and Hessian of the penalised negative log likelihood.
fn derivatives(samples: &[Sample], weights: &[f64], l2: f64) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = weights.len();
    let mut gradient = vec![0.0; size];
    let mut curvature = vec![vec![0.0; size]; size];
    for (nth, weight) in weights.iter().enumerate().skip(1) {
        gradient[nth] = l2 * weight;
        curvature[nth][nth] = l2;
    }
    for sample in samples {
        let inputs: Vec<f64> = std::iter::once(1.0).chain(sample.values.iter().copied()).collect();
        let logit: f64 = inputs.iter().zip(weights).map(|(x, w)| x * w).sum();
        let probability = 1.0 / (1.0 + (-logit).exp());
        let error = probability - f64::from(u8::from(sample.is_good));
        // A floor keeps the matrix invertible when a sample is perfectly predicted.
        let spread = (probability * (1.0 - probability)).max(1e-9);
        for row in 0..size {
            gradient[row] += error * inputs[row];
            for column in 0..size {
                curvature[row][column] += spread * inputs[row] * inputs[column];
            }
        }
    }
    (gradient, curvature)
}

/// Solves a symmetric positive definite system by Gaussian elimination with pivots.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for column in 0..size {
        let larger = |a: &usize, b: &usize| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs());
        let pivot = (column..size).max_by(larger).unwrap_or(column);
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..size {
            let factor = matrix[row][column] / matrix[column][column];
            let (above, below) = matrix.split_at_mut(row);
            for (target, source) in below[0].iter_mut().zip(&above[column]).skip(column) {
                *target -= factor * source;
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_system_is_solved() {
        let got = solve(vec![vec![4.0, 1.0], vec![1.0, 3.0]], vec![1.0, 2.0]);
        assert!((got[0] - 1.0 / 11.0).abs() < 1e-12 && (got[1] - 7.0 / 11.0).abs() < 1e-12);
    }

    #[test]
    fn without_features_the_intercept_is_the_log_odds() {
        let sample = |is_good| Sample { values: vec![], is_good };
        let weights = fit_logistic(&[sample(true), sample(true), sample(true), sample(false)], 1.0);
        assert!((weights[0] - 3f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn a_penalty_keeps_separable_weights_finite() {
        let sample = |x: f64, is_good| Sample { values: vec![x], is_good };
        let weights = fit_logistic(&[sample(-1.0, false), sample(1.0, true)], 0.5);
        assert!(weights[1] > 0.0 && weights[1] < 10.0);
        let stronger = fit_logistic(&[sample(-1.0, false), sample(1.0, true)], 5.0);
        assert!(stronger[1] < weights[1]);
    }
}
