//! The watch over a proof: a bet against it that grows rich only if the proof does not hold any more.
//!
//! # Why
//! Audited answers arrive one by one and are looked at after each; a test that is repeated as often rejects everything
//! in the end. A fair bet may be looked at for ever: if at most the promised share is wrong, the stake ever reaches a
//! hundredfold with a chance of at most 1 in 100. Several bets, from cautious to bold, are averaged: the bold ones see a
//! disaster within a few audits, the cautious ones a slow decline.

use schemars::JsonSchema;
use serde::Serialize;

/// The bets. A bet may lose no more than it has: those that the target rules out are left out.
const BETS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// The most of its stake that a bet may lose on one good answer.
const MAX_LOSS: f64 = 0.9;

/// From here on every second sent answer is audited.
pub const WARN_AT: f64 = 10.0;

/// From here on nothing is sent any more.
pub const FALL_BACK_AT: f64 = 100.0;

/// What the bet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// Nothing speaks against the promise.
    Calm,
    /// Something does: look more often.
    Warned,
    /// It is broken, as good as certainly.
    FellBack,
}

/// A bet under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    target_error: f64,
    /// The logarithm of what each bet has by now: thousands of good answers would underflow it.
    stakes: Vec<(f64, f64)>,
    max: f64,
}

impl Watch {
    /// A bet against "at most `target_error` of them are wrong".
    pub fn new(target_error: f64) -> Self {
        let stakes = BETS.into_iter().filter(|bet| bet * target_error <= MAX_LOSS).map(|bet| (bet, 0.0)).collect();
        Self { target_error, stakes, max: 1.0 }
    }

    /// Takes in one audited answer; what the bet is worth after it.
    pub fn see(&mut self, is_loss: bool) -> f64 {
        let seen = if is_loss { 1.0 } else { 0.0 };
        for (bet, stake) in &mut self.stakes {
            *stake += (1.0 + *bet * (seen - self.target_error)).ln();
        }
        let worth = self.worth();
        self.max = self.max.max(worth);
        worth
    }

    /// What the bet is worth: the mean over all bets.
    pub fn worth(&self) -> f64 {
        self.stakes.iter().map(|(_, stake)| stake.exp()).sum::<f64>() / self.stakes.len() as f64
    }

    /// The most it was ever worth.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// What it says. A warning stays until there is a new proof: the bet may lose again what it won.
    pub fn alarm(&self) -> Alarm {
        match self.max {
            max if max >= FALL_BACK_AT => Alarm::FellBack,
            max if max >= WARN_AT => Alarm::Warned,
            _ => Alarm::Calm,
        }
    }
}

/// What `losses`, in the order of their labels, say against the promise.
pub fn watch(target_error: f64, losses: impl IntoIterator<Item = bool>) -> Watch {
    let mut watch = Watch::new(target_error);
    for is_loss in losses {
        watch.see(is_loss);
    }
    watch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bet_pays_what_it_says() {
        // Worked by hand for one loss and a target of 5 %: the mean of 1 + bet · 0.95.
        let mean_bet = BETS.iter().sum::<f64>() / BETS.len() as f64;
        let after_a_loss = Watch::new(0.05).see(true);
        assert!((after_a_loss - (1.0 + mean_bet * 0.95)).abs() < 1e-12);
        assert!(Watch::new(0.05).see(false) < 1.0);
    }

    #[test]
    fn no_bet_can_lose_all_it_has_whatever_the_target() {
        for target in [0.001, 0.05, 0.1, 0.2] {
            let worth = watch(target, [false; 50]).worth();
            assert!(worth > 0.0 && worth < 1.0, "{target}: {worth}");
        }
    }

    #[test]
    fn losses_warn_and_then_end_it_and_a_warning_stays() {
        let mut watch = Watch::new(0.05);
        assert_eq!(watch.alarm(), Alarm::Calm);
        watch.see(true);
        watch.see(true);
        assert_eq!(watch.alarm(), Alarm::Warned);
        let warned = watch.clone();
        for _ in 0..500 {
            watch.see(false);
        }
        assert!(watch.worth() < 1.0);
        assert_eq!(watch.alarm(), Alarm::Warned, "it does not forget");
        let mut watch = warned;
        watch.see(true);
        watch.see(true);
        assert_eq!(watch.alarm(), Alarm::FellBack);
    }

    #[test]
    fn ten_thousand_good_answers_leave_a_number() {
        let watch = watch(0.05, std::iter::repeat_n(false, 10_000));
        assert!(watch.worth().is_finite() && watch.max() == 1.0);
    }
}
