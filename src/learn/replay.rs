//! "What if the bar were lower?": `decide` run again over the turns of the past, without a model.
//!
//! Every turn keeps what its decision was made of, so a policy can be tried on history before it is put in force. What
//! people did with the drafts says whether sending them would have been right; turns nobody looked at say nothing, and
//! are not counted as right.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::charts::{Interval, interval};
use crate::domain::decision::{Decision, Evidence, Reason, decide_under};
use crate::domain::dial::Standing;
use crate::domain::ids::{ConversationId, TurnId};
use crate::domain::outcome::Outcome as Label;
use crate::domain::policy::Policy;
use crate::domain::turn::Verdict;
use crate::storage::ops::ReplayRow;

/// Points of the curve: bars 0, 0.05 … 1.
const CURVE_POINTS: u32 = 21;

/// What an agent spends on a turn, in minutes: an assumption, said beside every number that rests on it.
const MINUTES_PER_TURN: f64 = 1.5;

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
    /// What it was labelled as, if it was.
    pub label: Option<Label>,
    /// When it was asked.
    pub asked_at_ms: i64,
}

impl From<ReplayRow> for PastTurn {
    fn from(row: ReplayRow) -> Self {
        Self {
            turn: row.turn,
            conversation: row.conversation,
            question: row.question,
            evidence: row.evidence,
            draw: row.draw,
            verdict: row.verdict,
            label: row.label.map(|label| label.outcome),
            asked_at_ms: row.created_at_ms,
        }
    }
}

impl PastTurn {
    fn decide(&self, rules: &Rules) -> Decision {
        let held = Standing::Held { reason: Reason::NotCertified };
        let standing = rules.standings.get(&self.evidence.topic).copied().unwrap_or(held);
        decide_under(&self.evidence, &rules.policy, standing, self.draw)
    }

    /// Whether sending it would have been wrong, if anybody said. An edit of the time before labels may have been one
    /// of a fact.
    fn is_wrong(&self) -> Option<bool> {
        match (self.label, self.verdict) {
            (Some(label), _) => Some(label.is_loss()),
            (None, verdict) => verdict.map(|verdict| verdict != Verdict::Accepted),
        }
    }
}

/// A policy with what its promises are worth, topic by topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The rules.
    pub policy: Policy,
    /// How each topic stands; one that is not named is held.
    pub standings: BTreeMap<String, Standing>,
}

impl Rules {
    /// Rules without a promise: every bar is set by hand.
    pub fn by_hand(policy: Policy) -> Self {
        Self { policy, standings: BTreeMap::new() }
    }
}

/// What is tried on which past.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The first millisecond.
    pub from_ms: i64,
    /// One past the last.
    pub until_ms: i64,
    /// What is proposed.
    pub proposed: Rules,
    /// What is in force.
    pub current: Rules,
    /// Turns to show whose decision would change.
    pub max_changes: usize,
}

/// What a policy would have done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Outcome {
    /// Decided turns.
    pub n_turns: u32,
    /// Those sent without a person.
    pub n_auto_sent: u32,
    /// Those of the sent that a person has judged.
    pub n_reviewed_auto_sent: u32,
    /// Those of the judged that were right.
    pub n_right: u32,
    /// Those of the judged that must not have been sent.
    pub n_wrong: u32,
    /// Share of the turns that was sent; null without turns.
    pub share_sent: Option<f64>,
    /// Share of the judged that was wrong, with its exact interval at 95 %; null where nothing was judged.
    pub wrong: Option<Interval>,
}

/// What people would have had to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct AgentMinutes {
    /// Under the policy in force.
    pub current: f64,
    /// Under the proposed one.
    pub proposed: f64,
    /// What a turn takes: an assumption.
    pub minutes_per_turn: f64,
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
    /// What it was about.
    pub topic: String,
    /// What it was labelled as; null if nobody did.
    pub outcome: Option<Label>,
    /// When it was asked.
    pub asked_at_ms: i64,
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
    /// Turns that would end otherwise, the surest first; the first of them.
    pub changes: Vec<Change>,
    /// All of them.
    pub n_changes: usize,
    /// The period: its first millisecond.
    pub from_ms: i64,
    /// One past its last.
    pub until_ms: i64,
    /// What people would have had to do.
    pub agent_minutes: AgentMinutes,
}

/// Tries a policy on `past`, next to the one in force.
pub fn preview(past: &[PastTurn], trial: &Trial) -> Preview {
    let (proposed, current) = (outcome(past, &trial.proposed), outcome(past, &trial.current));
    let minutes = |sum: &Outcome| f64::from(sum.n_turns - sum.n_auto_sent) * MINUTES_PER_TURN;
    let (changes, n_changes) = changes(past, trial);
    Preview {
        proposed,
        current,
        curve: (0..CURVE_POINTS)
            .map(|step| point(past, &trial.proposed, f64::from(step) / f64::from(CURVE_POINTS - 1)))
            .collect(),
        topics: topics(past, &trial.proposed),
        changes,
        n_changes,
        from_ms: trial.from_ms,
        until_ms: trial.until_ms,
        agent_minutes: AgentMinutes {
            current: minutes(&current),
            proposed: minutes(&proposed),
            minutes_per_turn: MINUTES_PER_TURN,
        },
    }
}

fn outcome<'a>(past: impl IntoIterator<Item = &'a PastTurn>, rules: &Rules) -> Outcome {
    let mut sum = Outcome::default();
    for turn in past {
        sum.n_turns += 1;
        if !matches!(turn.decide(rules), Decision::AutoSend { .. }) {
            continue;
        }
        sum.n_auto_sent += 1;
        match turn.is_wrong() {
            None => continue,
            Some(false) => sum.n_right += 1,
            Some(true) => sum.n_wrong += 1,
        }
        sum.n_reviewed_auto_sent += 1;
    }
    sum.share_sent = (sum.n_turns > 0).then(|| f64::from(sum.n_auto_sent) / f64::from(sum.n_turns));
    sum.wrong = interval(sum.n_wrong, sum.n_reviewed_auto_sent, 0.025);
    sum
}

/// The shop's bar is set by hand here, whatever is promised: the curve shows what each bar would come to.
fn point(past: &[PastTurn], rules: &Rules, bar: f64) -> CurvePoint {
    let policy = Policy { bar, dial: None, ..rules.policy.clone() };
    let sum = outcome(past, &Rules { policy, standings: rules.standings.clone() });
    CurvePoint { bar, n_sent: sum.n_auto_sent, n_right: sum.n_right, n_wrong: sum.n_wrong }
}

fn topics(past: &[PastTurn], rules: &Rules) -> Vec<TopicOutcome> {
    let mut by_topic: BTreeMap<&str, Vec<&PastTurn>> = BTreeMap::new();
    for turn in past {
        by_topic.entry(&turn.evidence.topic).or_default().push(turn);
    }
    let told = by_topic.into_iter().map(|(topic, turns)| {
        let sum = outcome(turns, rules);
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

/// The first of the turns that would end otherwise, and how many there are.
fn changes(past: &[PastTurn], trial: &Trial) -> (Vec<Change>, usize) {
    let decided = past.iter().map(|turn| (turn, turn.decide(&trial.current), turn.decide(&trial.proposed)));
    let mut changed: Vec<_> = decided.filter(|(_, from, to)| from.code() != to.code()).collect();
    changed.sort_by(|(a, ..), (b, ..)| b.evidence.confidence.value().total_cmp(&a.evidence.confidence.value()));
    let n_changes = changed.len();
    let told = changed.into_iter().take(trial.max_changes).map(|(turn, from, to)| Change {
        turn_id: turn.turn,
        conversation_id: turn.conversation,
        question: turn.question.clone(),
        confidence: turn.evidence.confidence.value(),
        from: from.code().into(),
        to: to.code().into(),
        topic: turn.evidence.topic.clone(),
        outcome: turn.label,
        asked_at_ms: turn.asked_at_ms,
    });
    (told.collect(), n_changes)
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
                about: None,
            },
            draw: 0.9,
            verdict,
            label: None,
            asked_at_ms: 0,
        }
    }

    fn automatic(bar: f64) -> Policy {
        Policy { bar, mode: Mode::Auto, ..Policy::review_everything() }
    }

    fn tried(past: &[PastTurn], proposed: Policy, current: Policy) -> Preview {
        let (proposed, current) = (Rules::by_hand(proposed), Rules::by_hand(current));
        preview(past, &Trial { from_ms: 0, until_ms: 1, proposed, current, max_changes: 50 })
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
        let told = tried(&history(), automatic(0.7), automatic(0.9));
        let numbers = |sum: Outcome| [sum.n_turns, sum.n_auto_sent, sum.n_reviewed_auto_sent, sum.n_right, sum.n_wrong];
        assert_eq!((numbers(told.proposed), numbers(told.current)), ([4, 3, 2, 1, 1], [4, 1, 1, 1, 0]));
        assert_eq!((told.proposed.share_sent, told.proposed.wrong.map(|wrong| wrong.share)), (Some(0.75), Some(0.5)));
        assert_eq!((told.agent_minutes.current, told.agent_minutes.proposed), (4.5, 1.5));
    }

    #[test]
    fn a_label_says_more_than_a_verdict() {
        let mut styled = turn(0.9, "returns", Some(Verdict::Edited));
        styled.label = Some(Label::EditStyle);
        let told = tried(&[styled], automatic(0.5), automatic(0.5));
        assert_eq!((told.proposed.n_right, told.proposed.n_wrong), (1, 0));
    }

    #[test]
    fn a_promise_is_tried_with_its_proof_and_sends_nothing_without() {
        let dial = crate::domain::dial::Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };
        let promised = Policy { dial: Some(dial), ..automatic(0.0) };
        let proven = Standing::Proven { bar: 0.9, audit_rate: 0.2 };
        let proposed = Rules { policy: promised.clone(), standings: BTreeMap::from([("returns".into(), proven)]) };
        let trial = Trial { from_ms: 0, until_ms: 1, proposed, current: Rules::by_hand(promised), max_changes: 0 };
        let told = preview(&history(), &trial);
        assert_eq!((told.proposed.n_auto_sent, told.current.n_auto_sent), (1, 0));
        assert_eq!((told.changes.len(), told.n_changes), (0, 1), "shown as far as wanted, counted all");
    }

    #[test]
    fn what_would_change_is_named_the_surest_first() {
        let told = tried(&history(), automatic(0.7), automatic(0.9));
        let named: Vec<_> =
            told.changes.iter().map(|change| (change.confidence, change.from.as_str(), change.to.as_str())).collect();
        assert_eq!(named, [(0.85, "review", "auto_send"), (0.75, "review", "auto_send")]);
        assert_eq!(tried(&history(), automatic(0.9), automatic(0.9)).changes, []);
    }

    #[test]
    fn the_curve_falls_as_the_bar_rises_and_keeps_the_rules_of_topics() {
        let mut policy = automatic(0.5);
        policy.topics.insert("shipping".into(), TopicRule { mode: Mode::Assist, bar: None, dial: None });
        let curve = tried(&history(), policy.clone(), policy).curve;
        assert_eq!((curve.len(), curve[0].bar, curve[20].bar), (21, 0.0, 1.0));
        assert!(curve.is_sorted_by(|a, b| a.n_sent >= b.n_sent));
        assert_eq!(curve[0].n_sent, 2, "a topic that is only assisted is never sent");
        assert_eq!(curve[18].n_sent, 1, "at 0.9");
    }

    #[test]
    fn topics_add_up_to_the_whole() {
        let told = tried(&history(), automatic(0.7), automatic(0.7));
        let names: Vec<_> = told.topics.iter().map(|topic| topic.topic.as_str()).collect();
        assert_eq!(names, ["returns", "shipping"]);
        assert_eq!(told.topics.iter().map(|topic| topic.n_auto_sent).sum::<u32>(), told.proposed.n_auto_sent);
    }

    #[test]
    fn no_history_is_no_numbers() {
        let told = tried(&[], automatic(0.7), automatic(0.7));
        assert_eq!(told.proposed, Outcome::default());
        assert_eq!(told.topics, []);
    }
}
