//! What logits say.

use crate::inference::engine::kernels::{exp_minus, sum};

/// The token that greedy decoding takes, and how sure the model was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The most likely token; the first of equals.
    pub token: u32,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// Entropy of the whole distribution, in nats.
    pub entropy: f32,
}

/// The most likely token; the first of equals.
pub fn best_token(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (i, x) in logits.iter().enumerate() {
        if *x > logits[best] {
            best = i;
        }
    }
    u32::try_from(best).expect("a vocabulary fits into u32")
}

/// Chooses greedily. `None` if the logits are no numbers.
pub fn choose(logits: &[f32]) -> Option<Choice> {
    let token = best_token(logits);
    let max = logits[token as usize];
    let (log_sum, weights) = log_sum_exp(logits, max)?;
    // H = log Z − Σ p·x, with x and Z relative to the maximum.
    let total = sum(&weights);
    let term = |(weight, x): (&f32, &f32)| if *weight > 0.0 { weight * (x - max) } else { 0.0 };
    let terms: Vec<f32> = weights.iter().zip(logits).map(term).collect();
    let mean = sum(&terms) / total;
    Some(Choice { token, logprob: -log_sum, entropy: (log_sum - mean).max(0.0) })
}

/// Natural logarithms of the probabilities of `tokens`. `None` if the logits are no numbers.
pub fn log_probabilities(logits: &[f32], tokens: &[u32]) -> Option<Vec<f32>> {
    let max = logits[best_token(logits) as usize];
    let (log_sum, _) = log_sum_exp(logits, max)?;
    Some(tokens.iter().map(|t| logits[*t as usize] - max - log_sum).collect())
}

/// The logarithm of Σ exp(x − max), and the terms.
fn log_sum_exp(logits: &[f32], max: f32) -> Option<(f32, Vec<f32>)> {
    let mut weights = logits.to_vec();
    exp_minus(&mut weights, max);
    let log_sum = sum(&weights).ln();
    log_sum.is_finite().then_some((log_sum, weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certain_token_has_no_entropy_and_equal_tokens_have_the_most() {
        let sure = choose(&[0.0, 50.0, 0.0, 0.0]).unwrap();
        assert_eq!(sure.token, 1);
        assert!(sure.logprob.abs() < 1e-6 && sure.entropy < 1e-6, "{sure:?}");
        let even = choose(&[3.0; 8]).unwrap();
        assert_eq!(even.token, 0);
        assert!((even.entropy - 8f32.ln()).abs() < 1e-5, "{even:?}");
        assert!((even.logprob + 8f32.ln()).abs() < 1e-5);
    }

    #[test]
    fn log_probabilities_sum_to_one_after_exp() {
        let logits = [1.0, -2.0, 0.5, 3.0];
        let total: f32 = log_probabilities(&logits, &[0, 1, 2, 3]).unwrap().iter().map(|l| l.exp()).sum();
        assert!((total - 1.0).abs() < 1e-5);
    }

    #[test]
    fn logits_that_are_no_numbers_are_refused() {
        assert_eq!(choose(&[f32::NAN, 1.0]), None);
        assert_eq!(choose(&[1.0, f32::NAN]), None);
    }
}
