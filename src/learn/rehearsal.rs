//! What a rehearsal comes to: a proof, or the one thing to do next.
//!
//! # Why
//! With some hundred labels most shops cannot prove anything yet. "Not certified" would leave them with nothing to do;
//! so what is missing is turned into the next step, and which step that is, is decided here from counts alone.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::assess::{Assessment, Needed};
use super::binomial::lower_bound;
use super::proving::since_ms;
use super::split::{Criteria, could_count, is_loss, is_of_today};
use crate::domain::certificate::Fingerprint;
use crate::domain::dial::{Dial, Scope};
use crate::domain::ids::{DocumentId, ShopId};
use crate::domain::policy::Policy;
use crate::storage::ops::{self, Period, ReplayRow};
use crate::storage::rehearsals::questions;
use crate::storage::{Db, StorageError, certificates, epochs};

/// What there is of a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Tally {
    /// Questions that are still to be answered.
    pub n_waiting: u32,
    /// Answered ones.
    pub n_answered: u32,
    /// Those of the answered that could be sent: they rest on a source, and no rule holds them.
    pub n_sendable: u32,
    /// Those of the sendable that were judged.
    pub n_judged: u32,
    /// Those of the judged that must not have been sent.
    pub n_wrong: u32,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Step {
    /// Nothing: the promise is proven, and can be made.
    Promise,
    /// Judge answers that are waiting for it.
    Judge {
        /// So many at least, if all of them are right.
        n: u32,
        /// So many could be judged.
        n_open: u32,
    },
    /// Wait until more questions are answered.
    Wait {
        /// So many are not.
        n_waiting: u32,
    },
    /// Bring more questions of the past: all there are were judged, and they are too few.
    Bring {
        /// So many right answers are missing.
        n_answers: u32,
        /// So many questions will be needed for them, going by the share that could be sent; null if none could.
        n_questions: Option<u32>,
    },
    /// Mend the documents: too many of the surest answers are wrong for more of their kind to help.
    Mend {
        /// Wrong ones among the surest.
        n_wrong: u32,
        /// All of the surest.
        n: u32,
    },
    /// Add documents: hardly any answer rests on one.
    Teach {
        /// Answers that rest on nothing, or that a rule holds.
        n_not_sendable: u32,
    },
    /// Bring the first file.
    Begin,
}

/// The next step towards what `dial` promises.
pub fn next_step(tally: &Tally, assessment: &Assessment, dial: &Dial) -> Step {
    if assessment.can_certify {
        return Step::Promise;
    }
    if tally.n_answered + tally.n_waiting == 0 {
        return Step::Begin;
    }
    let needed = assessment.needed.unwrap_or(Needed { n_more: 0, above: 0.0, min_clean: 0, n_clean_now: 0, k_now: 0 });
    let n_open = tally.n_sendable - tally.n_judged.min(tally.n_sendable);
    if is_too_wrong(&needed, dial, n_open > 0 || tally.n_waiting > 0) {
        return Step::Mend { n_wrong: needed.k_now, n: needed.k_now + needed.n_clean_now };
    }
    if tally.n_waiting == 0 && tally.n_sendable * 10 < tally.n_answered {
        return Step::Teach { n_not_sendable: tally.n_answered - tally.n_sendable };
    }
    match (n_open, tally.n_waiting) {
        (1.., _) => Step::Judge { n: needed.n_more.clamp(1, n_open), n_open },
        (0, n_waiting @ 1..) => Step::Wait { n_waiting },
        (0, 0) => {
            let n_answers = needed.n_more.max(1);
            Step::Bring { n_answers, n_questions: questions_for(n_answers, tally) }
        }
    }
}

/// Whether more answers of this kind would only prove the opposite. As long as some are to come they may be right; then
/// the ones there are must rule the promise out by themselves.
fn is_too_wrong(needed: &Needed, dial: &Dial, may_come_better: bool) -> bool {
    let (k, n) = (needed.k_now, needed.k_now + needed.n_clean_now);
    if n < needed.min_clean {
        return lower_bound(k, n, dial.doubt()) > dial.target_error;
    }
    let share = if may_come_better { lower_bound(k, n, dial.doubt()) } else { f64::from(k) / f64::from(n.max(1)) };
    share > dial.target_error
}

fn questions_for(n_answers: u32, tally: &Tally) -> Option<u32> {
    let per_answer = f64::from(tally.n_answered) / f64::from(tally.n_sendable);
    // A float saturates where it does not fit.
    (tally.n_sendable > 0).then(|| (f64::from(n_answers) * per_answer).ceil() as u32)
}

/// Everything that a shop has rehearsed, held against the machinery and the documents of today.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    rows: Vec<ReplayRow>,
    n_waiting: u32,
    policy: Policy,
    pipeline: String,
    epochs: BTreeMap<DocumentId, i64>,
    since_ms: i64,
    topic_alarms: BTreeMap<String, i64>,
}

impl Rehearsed {
    /// Reads it.
    pub async fn read(db: &Db, shop: ShopId, policy: &Policy, fingerprint: &Fingerprint) -> Result<Self, StorageError> {
        let since_ms = since_ms(db, shop, &Scope::Shop).await?;
        let documents = epochs::all(db, shop).await?;
        Ok(Self {
            rows: ops::rehearsed_rows(db, shop, Period { from_ms: since_ms, until_ms: i64::MAX }).await?,
            n_waiting: questions::count_waiting(db, shop).await?,
            policy: policy.clone(),
            pipeline: fingerprint.key(),
            epochs: documents.iter().map(|one| (one.document, one.epoch)).collect(),
            since_ms,
            topic_alarms: certificates::last_topic_alarms(db, shop).await?,
        })
    }

    fn criteria(&self) -> Criteria<'_> {
        Criteria {
            scope: &Scope::Shop,
            policy: &self.policy,
            pipeline: &self.pipeline,
            epochs: &self.epochs,
            since_ms: self.since_ms,
            topic_alarms: &self.topic_alarms,
        }
    }

    fn of_today(&self) -> impl Iterator<Item = &ReplayRow> {
        self.rows.iter().filter(|row| is_of_today(row, &self.criteria()))
    }

    /// Answers that could be sent, the surest first.
    pub fn sendable(&self) -> Vec<&ReplayRow> {
        let mut rows: Vec<&ReplayRow> = self.rows.iter().filter(|row| could_count(row, &self.criteria())).collect();
        // The order of equals must not change between two looks.
        rows.sort_by(|a, b| {
            let (a_score, b_score) = (a.evidence.confidence.value(), b.evidence.confidence.value());
            b_score.total_cmp(&a_score).then(a.turn.cmp(&b.turn))
        });
        rows
    }

    /// Those of them that nobody has judged.
    pub fn open(&self) -> Vec<&ReplayRow> {
        self.sendable().into_iter().filter(|row| is_loss(row).is_none()).collect()
    }

    /// Those of them that must not have been sent.
    pub fn wrong(&self) -> Vec<&ReplayRow> {
        self.sendable().into_iter().filter(|row| is_loss(row) == Some(true)).collect()
    }

    /// Counts.
    pub fn tally(&self) -> Tally {
        let count = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let (n_sendable, n_open) = (count(self.sendable().len()), count(self.open().len()));
        Tally {
            n_waiting: self.n_waiting,
            n_answered: count(self.of_today().count()),
            n_sendable,
            n_judged: n_sendable - n_open,
            n_wrong: count(self.wrong().len()),
        }
    }

    /// Of all that was asked, the share that a bar would let through; `None` without answers.
    pub fn share_above(&self, bar: f64) -> Option<f64> {
        let n_answered = self.of_today().count();
        let n_sent = self.sendable().iter().filter(|row| row.evidence.confidence.value() >= bar).count();
        (n_answered > 0).then(|| n_sent as f64 / n_answered as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::assess::{OnTrial, assess, attempt};
    use super::super::certify::Row;
    use super::super::split::Split;
    use super::super::tries::part;
    use super::*;

    const FIVE: Dial = Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };

    /// What `n` judged answers of equal confidence come to, the first `k` of them wrong.
    fn judged(n: u32, k: u32, dial: &Dial) -> Assessment {
        let rows = (0..n - n / 3).map(|nth| Row { score: 0.9, is_loss: nth < k }).collect();
        let split = Split { fit: vec![0.9; (n / 3) as usize], certify: rows, ..Split::default() };
        assess(&split, dial, &attempt(&OnTrial { split: &split, dial: *dial, part: part(1) }))
    }

    fn tally(n_waiting: u32, n_answered: u32, n_sendable: u32, n_judged: u32) -> Tally {
        Tally { n_waiting, n_answered, n_sendable, n_judged, n_wrong: 0 }
    }

    #[test]
    fn a_shop_without_a_file_begins_with_one() {
        assert_eq!(next_step(&Tally::default(), &judged(0, 0, &FIVE), &FIVE), Step::Begin);
    }

    #[test]
    fn five_percent_takes_72_clean_answers_and_two_percent_183() {
        let two = Dial { target_error: 0.02, ..FIVE };
        for (dial, min_clean, n_judged) in [(FIVE, 72, 108), (two, 183, 275)] {
            let open = tally(0, 300, 280, 0);
            assert_eq!(next_step(&open, &judged(0, 0, &dial), &dial), Step::Judge { n: n_judged, n_open: 280 });
            let just = judged(n_judged, 0, &dial);
            assert!(!judged(n_judged - 3, 0, &dial).can_certify);
            assert!(just.n.abs_diff(min_clean) <= 1, "a third of what was judged is not counted: {just:?}");
            assert_eq!(next_step(&open, &just, &dial), Step::Promise);
        }
    }

    #[test]
    fn what_is_open_is_answered_before_more_is_brought() {
        let few = judged(30, 0, &FIVE);
        let needed = few.needed.unwrap().n_more;
        assert_eq!(next_step(&tally(0, 100, 40, 30), &few, &FIVE), Step::Judge { n: 10, n_open: 10 });
        assert_eq!(next_step(&tally(7, 100, 30, 30), &few, &FIVE), Step::Wait { n_waiting: 7 });
        let want = Step::Bring { n_answers: needed, n_questions: Some(needed * 2) };
        assert_eq!(next_step(&tally(0, 60, 30, 30), &few, &FIVE), want);
    }

    #[test]
    fn too_many_wrong_ones_are_mended_and_not_outnumbered() {
        let bad = judged(150, 20, &FIVE);
        assert_eq!(next_step(&tally(0, 200, 150, 150), &bad, &FIVE), Step::Mend { n_wrong: 20, n: 100 });
        assert_eq!(next_step(&tally(9, 200, 190, 150), &bad, &FIVE), Step::Mend { n_wrong: 20, n: 100 });
        let unlucky = judged(30, 2, &FIVE);
        assert!(
            matches!(next_step(&tally(0, 200, 150, 30), &unlucky, &FIVE), Step::Judge { .. }),
            "it may be bad luck"
        );
    }

    #[test]
    fn answers_that_rest_on_nothing_need_documents() {
        assert_eq!(next_step(&tally(0, 300, 3, 3), &judged(3, 0, &FIVE), &FIVE), Step::Teach { n_not_sendable: 297 });
        let few = next_step(&tally(0, 300, 9, 0), &judged(0, 0, &FIVE), &FIVE);
        assert_eq!(few, Step::Teach { n_not_sendable: 291 }, "to judge nine would prove nothing");
        let nothing = next_step(&tally(0, 300, 0, 0), &judged(0, 0, &FIVE), &FIVE);
        assert_eq!(nothing, Step::Teach { n_not_sendable: 300 });
    }

    proptest! {
        #[test]
        fn there_is_always_a_step_and_it_is_one_that_can_be_taken(
            n_waiting in 0u32..400, n_answered in 0u32..400, sendable in 0.0f64..1.0, judged_share in 0.0f64..1.0,
            wrong in 0.0f64..0.5,
        ) {
            let n_sendable = (f64::from(n_answered) * sendable) as u32;
            let n_judged = (f64::from(n_sendable) * judged_share) as u32;
            let tally = tally(n_waiting, n_answered, n_sendable, n_judged);
            let assessment = judged(n_judged, (f64::from(n_judged) * wrong) as u32, &FIVE);
            match next_step(&tally, &assessment, &FIVE) {
                Step::Promise => prop_assert!(assessment.can_certify),
                Step::Judge { n, n_open } => prop_assert!(1 <= n && n <= n_open && n_open == n_sendable - n_judged),
                Step::Wait { n_waiting: n } => prop_assert!(n == n_waiting && n > 0),
                Step::Bring { n_answers, n_questions } => {
                    prop_assert!(n_answers > 0 && n_questions.is_some_and(|n| n >= n_answers));
                }
                Step::Mend { n_wrong, n } => prop_assert!(0 < n_wrong && n_wrong <= n),
                Step::Teach { n_not_sendable } => prop_assert!(0 < n_not_sendable && n_not_sendable <= n_answered),
                Step::Begin => prop_assert!(n_waiting + n_answered == 0),
            }
        }
    }
}
