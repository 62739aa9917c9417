//! How many machines like this one a big day needs, from what answers took on this one.
//!
//! # Why
//! "36,000 inquiries an hour" is a number of a sale, not of a machine. What is known of this machine is how long it was
//! busy with each answer; a machine is busy for `inquiries × mean seconds` of every hour, and one that is busy for more
//! than a part of the time lets buyers wait longer and longer. The formula is told with its numbers, so that whoever
//! does not believe it can put in others:
//!
//! `machines = ⌈ inquiries per hour × mean seconds per answer ÷ 3600 ÷ greatest load ⌉`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The part of the time that a machine may be busy: beyond it a queue grows faster than it is worked off.
pub const GREATEST_LOAD: f64 = 0.7;

/// Fewer answers say little about a day with thousands.
pub const ENOUGH: usize = 30;

/// A plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadPlan {
    /// Inquiries in an hour that are planned for.
    pub per_hour: u32,
    /// Answers that were measured.
    pub n_measured: usize,
    /// Whether they are enough to rely on.
    pub is_enough: bool,
    /// Seconds that this machine was busy with an answer, on the average; answers that no model was asked for are among
    /// them with the little that they took.
    pub mean_seconds: f64,
    /// Of ten answers, nine took no longer.
    pub p90_seconds: f64,
    /// The part of the time that a machine may be busy.
    pub greatest_load: f64,
    /// Inquiries in an hour that one machine like this one can take.
    pub per_machine: u32,
    /// Machines like this one.
    pub machines: u32,
    /// Their cores, if this machine has `cores_each`.
    pub cores: u32,
    /// Cores of this machine.
    pub cores_each: u32,
}

/// Plans for `per_hour` inquiries; `None` where nothing was measured that took any time. `took_ms`: what answers took on this machine.
pub fn plan(per_hour: u32, took_ms: &[i64], cores_each: u32) -> Option<LoadPlan> {
    let mut took: Vec<f64> = took_ms.iter().filter(|ms| **ms >= 0).map(|ms| *ms as f64 / 1000.0).collect();
    took.sort_by(f64::total_cmp);
    // Fixed replies take none: alone they say nothing of what a question costs.
    let mean_seconds = took.iter().sum::<f64>() / took.len().max(1) as f64;
    if mean_seconds <= 0.0 {
        return None;
    }
    let p90_seconds = took[(took.len() * 9).div_ceil(10).saturating_sub(1)];
    let busy = f64::from(per_hour) * mean_seconds / 3600.0;
    let machines = to_count((busy / GREATEST_LOAD).ceil()).max(1);
    let per_machine = to_count(3600.0 * GREATEST_LOAD / mean_seconds);
    Some(LoadPlan {
        per_hour,
        n_measured: took.len(),
        is_enough: took.len() >= ENOUGH,
        mean_seconds,
        p90_seconds,
        greatest_load: GREATEST_LOAD,
        per_machine,
        machines,
        cores: machines.saturating_mul(cores_each),
        cores_each,
    })
}

/// Casts saturate: what does not fit is more than anybody has.
fn to_count(value: f64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sale_of_36000_inquiries_an_hour_is_planned_for_by_the_formula() {
        let took: Vec<i64> = (0..100).map(|nth| if nth < 50 { 0 } else { 4000 }).collect();
        let plan = plan(36_000, &took, 2).unwrap();
        assert_eq!((plan.mean_seconds, plan.p90_seconds), (2.0, 4.0));
        // 36,000 × 2 ÷ 3600 = 20 machines that are never idle; at 70 % of the time, 29.
        assert_eq!((plan.machines, plan.cores, plan.per_machine), (29, 58, 1260));
        assert!(plan.is_enough);
        assert_eq!((super::plan(1, &[], 2), super::plan(1, &[0, 0], 2)), (None, None), "nothing was measured");
        assert!(!super::plan(1, &[1000], 2).unwrap().is_enough);
    }

    proptest! {
        #[test]
        fn more_inquiries_never_need_fewer_machines(took in prop::collection::vec(1i64..100_000, 1..50), low: u16, high: u16) {
            let machines = |per_hour: u16| plan(u32::from(per_hour), &took, 4).unwrap().machines;
            prop_assert!(machines(low.min(high)) <= machines(low.max(high)));
            prop_assert!(machines(low) >= 1);
        }
    }
}
