//! Exact binomial tails, and the bounds that follow from them.
//!
//! # Why
//! A promise about a few wrong answers among some hundred is decided in the tail, where the normal approximation is
//! wrong by more than the promise allows. The tail is an incomplete beta function; its continued fraction stays exact
//! to about twelve digits for any count that fits into memory, and never overflows.

/// The chance of at most `k` successes in `n` independent tries of chance `p`.
pub fn at_most(k: u32, n: u32, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    regularized_beta(f64::from(n - k), f64::from(k) + 1.0, 1.0 - p)
}

/// The largest chance that `k` or fewer of `n` still leave possible: a larger one would show so few with a chance of at
/// most `doubt`. One-sided, exact (Clopper and Pearson); 1 where nothing was seen.
pub fn upper_bound(k: u32, n: u32, doubt: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    // The tail falls as the chance rises.
    bisect(|p| at_most(k, n, p) > doubt)
}

/// The smallest chance that `k` or more of `n` still leave possible, as above; 0 where none was seen.
pub fn lower_bound(k: u32, n: u32, doubt: f64) -> f64 {
    if k == 0 || n == 0 {
        return 0.0;
    }
    // At least k of n: the complement of at most k - 1. It rises with the chance.
    bisect(|p| 1.0 - at_most(k - 1, n, p) <= doubt)
}

/// The fewest tries without a failure that rule out a failure chance of `p` or more with so much `doubt` left.
pub fn fewest_clean(p: f64, doubt: f64) -> u32 {
    (doubt.ln() / (1.0 - p).ln()).ceil() as u32
}

/// Where `holds` turns from true to false between 0 and 1.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // The width halves each time: sixty halvings are below the last digit.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    high
}

/// The regularized incomplete beta function, by its continued fraction where that converges fast.
fn regularized_beta(a: f64, b: f64, x: f64) -> f64 {
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

/// Steps at most. It takes about the root of the larger parameter; this is enough for a thousand million tries.
const MAX_STEPS: u32 = 100_000;

/// Lentz's evaluation: from the front, with both halves of a step at once.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    // A denominator of zero would end the recursion; the nearest other number does not change the result.
    let not_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..=MAX_STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / not_zero(1.0 + even * d);
        c = not_zero(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / not_zero(1.0 + odd * d);
        c = not_zero(1.0 + odd / c);
        let factor = d * c;
        value *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// Lanczos' coefficients for g = 7.
const LANCZOS: [f64; 9] = [
    0.999_999_999_999_809_9,
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// The logarithm of the gamma function, for arguments of 0.5 and more.
fn ln_gamma(x: f64) -> f64 {
    let x = x - 1.0;
    let mut sum = LANCZOS[0];
    for (nth, coefficient) in LANCZOS.iter().enumerate().skip(1) {
        sum += coefficient / (x + nth as f64);
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every term, one after the other: slow, and beyond doubt.
    fn by_brute_force(k: u32, n: u32, p: f64) -> f64 {
        let mut term = (1.0 - p).powi(i32::try_from(n).unwrap());
        let mut sum = 0.0;
        for nth in 0..=k.min(n) {
            sum += term;
            term *= f64::from(n - nth) / f64::from(nth + 1) * p / (1.0 - p);
        }
        sum
    }

    #[test]
    fn the_tail_is_the_sum_of_its_terms() {
        for n in [1, 2, 7, 30, 149, 600] {
            for k in 0..=n.min(60) {
                for p in [0.001, 0.01, 0.05, 0.3, 0.5, 0.9] {
                    let (got, want) = (at_most(k, n, p), by_brute_force(k, n, p));
                    assert!((got - want).abs() < 1e-11, "{k} of {n} at {p}: {got} and {want}");
                }
            }
        }
    }

    #[test]
    fn known_tables_are_met() {
        // Printed tables of the binomial distribution and of Clopper-Pearson limits.
        assert!((at_most(2, 10, 0.3) - 0.382_782_786_4).abs() < 1e-9);
        assert!((at_most(5, 20, 0.25) - 0.617_172_654_3).abs() < 1e-9);
        assert!((upper_bound(0, 10, 0.025) - 0.308_497_1).abs() < 1e-6);
        assert!((upper_bound(3, 10, 0.025) - 0.652_452_8).abs() < 1e-6);
        assert!((lower_bound(3, 10, 0.025) - 0.066_739_5).abs() < 1e-6);
        assert_eq!((upper_bound(0, 0, 0.05), lower_bound(0, 0, 0.05), upper_bound(4, 4, 0.05)), (1.0, 0.0, 1.0));
    }

    #[test]
    fn the_rule_of_three_is_exact_here() {
        assert_eq!([0.05, 0.02, 0.01].map(|p| fewest_clean(p, 0.05)), [59, 149, 299]);
        assert!(at_most(0, 59, 0.05) <= 0.05 && at_most(0, 58, 0.05) > 0.05);
    }

    #[test]
    fn a_million_tries_neither_overflow_nor_hang() {
        let near_half = at_most(50_000, 1_000_000, 0.05);
        assert!((near_half - 0.5).abs() < 2e-3, "{near_half}");
        assert!(at_most(10, 1_000_000, 0.05) < 1e-300);
        assert!(at_most(999_990, 1_000_000, 0.05) > 1.0 - 1e-12);
    }

    #[test]
    fn a_bound_is_where_the_tail_says() {
        for (k, n) in [(0, 59), (3, 200), (40, 1000)] {
            let bound = upper_bound(k, n, 0.05);
            assert!((at_most(k, n, bound) - 0.05).abs() < 1e-9);
            assert!(lower_bound(k, n, 0.05) <= f64::from(k) / f64::from(n) && f64::from(k) / f64::from(n) <= bound);
        }
    }
}
