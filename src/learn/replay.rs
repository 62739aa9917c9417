//! "What if the bar were lower?": `decide` run again over the turns of the past, without a model.
//!
//! Every turn keeps what its decision was made of, so a policy can be tried on history before it is put in force. What
//! people did with the drafts says whether sending them would have been right; turns nobody looked at say nothing, and
//! are not counted as right.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::decision::{Evidence, decide};
use crate::domain::ids::{ConversationId, TurnId};
use crate::domain::policy::Policy;
use crate::domain::turn::Verdict;

/// Points of the curve: bars 0, 0.05 … 1.
const CURVE_POINTS: u32 = 21;

/// Turns shown whose decision would change.
const MAX_CHANGES: usize = 50;

/// A turn that was decided, and what a person made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PastTurn {
    /// The turn.
    pub turn: TurnId,
    /// Its thread.
    pub conversation: ConversationId,
    /// What was asked.
    pub question: String,
    /// What was decided on.
    pub evidence: Evidence,
    /// The random number of the decision.
    pub draw: f64,
    /// What an agent did with the draft, if any did.
    pub verdict: Option<Verdict>,
}

impl PastTurn {
    fn decide(&self, policy: &Policy) -> &'static str {
        decide(&self.evidence, policy, self.draw).code()
    }
}

/// What a policy would have done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outcome {
    /// Decided turns.
    pub n_turns: u32,
    /// Those sent without a person.
    pub n_auto_sent: u32,
    /// Those of the sent that a person has judged.
    pub n_reviewed_auto_sent: u32,
    /// Those of the judged that were accepted as they were.
    pub n_right: u32,
    /// Those of the judged that were edited or rejected.
    pub n_wrong: u32,
}

/// One bar, and what it would have sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CurvePoint {
    /// The bar, 0 to 1.
    pub bar: f64,
    /// Sent without a person.
    pub n_sent: u32,
    /// Of those, accepted by a person.
    pub n_right: u32,
    /// Of those, edited or rejected.
    pub n_wrong: u32,
}

/// What a policy would have done with one topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TopicOutcome {
    /// The topic.
    pub topic: String,
    /// Decided turns about it.
    pub n_turns: u32,
    /// Sent without a person.
    pub n_auto_sent: u32,
    /// Of those, accepted by a person.
    pub n_right: u32,
    /// Of those, edited or rejected.
    pub n_wrong: u32,
}

/// A turn that would end otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// The turn.
    pub turn_id: TurnId,
    /// Its thread.
    pub conversation_id: ConversationId,
    /// What was asked.
    pub question: String,
    /// How sure the assistant was.
    pub confidence: f64,
    /// What the policy in force decides.
    pub from: String,
    /// What the proposed policy decides.
    pub to: String,
}

/// A policy, tried on history.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Preview {
    /// What the proposed policy would have done.
    #[serde(flatten)]
    pub proposed: Outcome,
    /// What the policy in force would have done.
    pub current: Outcome,
    /// What the proposed policy would have done with other bars; rules of single topics stay.
    pub curve: Vec<CurvePoint>,
    /// What it would have done, topic by topic.
    pub topics: Vec<TopicOutcome>,
    /// Turns that would end otherwise, the surest first, at most 50.
    pub changes: Vec<Change>,
}

/// Tries `proposed` on `past`, next to `current`.
pub fn preview(past: &[PastTurn], proposed: &Policy, current: &Policy) -> Preview {
    Preview {
        proposed: outcome(past, proposed),
        current: outcome(past, current),
        curve: (0..CURVE_POINTS)
            .map(|step| point(past, proposed, f64::from(step) / f64::from(CURVE_POINTS - 1)))
            .collect(),
        topics: topics(past, proposed),
        changes: changes(past, proposed, current),
    }
}

fn outcome<'a>(past: impl IntoIterator<Item = &'a PastTurn>, policy: &Policy) -> Outcome {
    let mut sum = Outcome::default();
    for turn in past {
        sum.n_turns += 1;
        if turn.decide(policy) != "auto_send" {
            continue;
        }
        sum.n_auto_sent += 1;
        match turn.verdict {
            None => continue,
            Some(Verdict::Accepted) => sum.n_right += 1,
            Some(Verdict::Edited | Verdict::Rejected) => sum.n_wrong += 1,
        }
        sum.n_reviewed_auto_sent += 1;
    }
    sum
}

fn point(past: &[PastTurn], policy: &Policy, bar: f64) -> CurvePoint {
    let sum = outcome(past, &Policy { bar, ..policy.clone() });
    CurvePoint { bar, n_sent: sum.n_auto_sent, n_right: sum.n_right, n_wrong: sum.n_wrong }
}

fn topics(past: &[PastTurn], policy: &Policy) -> Vec<TopicOutcome> {
    let mut by_topic: BTreeMap<&str, Vec<&PastTurn>> = BTreeMap::new();
    for turn in past {
        by_topic.entry(&turn.evidence.topic).or_default().push(turn);
    }
    let told = by_topic.into_iter().map(|(topic, turns)| {
        let sum = outcome(turns, policy);
        TopicOutcome {
            topic: topic.to_owned(),
            n_turns: sum.n_turns,
            n_auto_sent: sum.n_auto_sent,
            n_right: sum.n_right,
            n_wrong: sum.n_wrong,
        }
    });
    told.collect()
}

fn changes(past: &[PastTurn], proposed: &Policy, current: &Policy) -> Vec<Change> {
    let changed = past.iter().filter_map(|turn| {
        let (from, to) = (turn.decide(current), turn.decide(proposed));
        (from != to).then(|| Change {
            turn_id: turn.turn,
            conversation_id: turn.conversation,
            question: turn.question.clone(),
            confidence: turn.evidence.confidence.value(),
            from: from.into(),
            to: to.into(),
        })
    });
    let mut changed: Vec<Change> = changed.collect();
    changed.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    changed.truncate(MAX_CHANGES);
    changed
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::policy::{Mode, TopicRule};
    use crate::domain::score::Confidence;

    fn turn(confidence: f64, topic: &str, verdict: Option<Verdict>) -> PastTurn {
        PastTurn {
            turn: TurnId(Uuid::nil()),
            conversation: ConversationId(Uuid::nil()),
            question: format!("asked at {confidence}"),
            evidence: Evidence {
                escalations: vec![],
                holds: vec![],
                grounded_share: 1.0,
                confidence: Confidence::new(confidence).unwrap(),
                topic: topic.into(),
            },
            draw: 0.9,
            verdict,
        }
    }

    fn automatic(bar: f64) -> Policy {
        Policy { bar, mode: Mode::Auto, ..Policy::review_everything() }
    }

    fn history() -> Vec<PastTurn> {
        vec![
            turn(0.95, "returns", Some(Verdict::Accepted)),
            turn(0.85, "returns", Some(Verdict::Edited)),
            turn(0.75, "shipping", None),
            turn(0.65, "shipping", Some(Verdict::Rejected)),
        ]
    }

    #[test]
    fn only_judged_turns_are_right_or_wrong() {
        let told = preview(&history(), &automatic(0.7), &automatic(0.9));
        let want = Outcome { n_turns: 4, n_auto_sent: 3, n_reviewed_auto_sent: 2, n_right: 1, n_wrong: 1 };
        assert_eq!(told.proposed, want);
        let want = Outcome { n_turns: 4, n_auto_sent: 1, n_reviewed_auto_sent: 1, n_right: 1, n_wrong: 0 };
        assert_eq!(told.current, want);
    }

    #[test]
    fn what_would_change_is_named_the_surest_first() {
        let told = preview(&history(), &automatic(0.7), &automatic(0.9));
        let named: Vec<_> =
            told.changes.iter().map(|change| (change.confidence, change.from.as_str(), change.to.as_str())).collect();
        assert_eq!(named, [(0.85, "review", "auto_send"), (0.75, "review", "auto_send")]);
        assert_eq!(preview(&history(), &automatic(0.9), &automatic(0.9)).changes, []);
    }

    #[test]
    fn the_curve_falls_as_the_bar_rises_and_keeps_the_rules_of_topics() {
        let mut policy = automatic(0.5);
        policy.topics.insert("shipping".into(), TopicRule { mode: Mode::Assist, bar: None, dial: None });
        let curve = preview(&history(), &policy, &policy).curve;
        assert_eq!((curve.len(), curve[0].bar, curve[20].bar), (21, 0.0, 1.0));
        assert!(curve.is_sorted_by(|a, b| a.n_sent >= b.n_sent));
        assert_eq!(curve[0].n_sent, 2, "a topic that is only assisted is never sent");
        assert_eq!(curve[18].n_sent, 1, "at 0.9");
    }

    #[test]
    fn topics_add_up_to_the_whole() {
        let told = preview(&history(), &automatic(0.7), &automatic(0.7));
        let names: Vec<_> = told.topics.iter().map(|topic| topic.topic.as_str()).collect();
        assert_eq!(names, ["returns", "shipping"]);
        assert_eq!(told.topics.iter().map(|topic| topic.n_auto_sent).sum::<u32>(), told.proposed.n_auto_sent);
    }

    #[test]
    fn no_history_is_no_numbers() {
        let told = preview(&[], &automatic(0.7), &automatic(0.7));
        assert_eq!(told.proposed, Outcome::default());
        assert_eq!(told.topics, []);
    }
}
