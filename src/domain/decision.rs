//! What happens to a draft: arithmetic that can be printed, replayed and tested without a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::dial::Standing;
use crate::domain::policy::{Mode, Policy};
use crate::domain::score::Confidence;

/// Why a person must look. Codes are stable: interfaces translate them, scripts match on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The confidence is below the bar.
    BelowBar,
    /// Nothing in the knowledge answers the question.
    NoAnswer,
    /// The draft cites nothing.
    NoCitation,
    /// A number, date, name, denial or promise of the draft does not follow from what it cites.
    UnsupportedClaim,
    /// Too little of the draft is supported by what it cites.
    Ungrounded,
    /// The draft is not in the buyer's language.
    WrongLanguage,
    /// The shop wants a person for this topic.
    ReviewOnlyTopic,
    /// The message or the sources look like an attempt to steer the assistant.
    Suspicious,
    /// The draft leads to a site that is not on the shop's list.
    ForeignLink,
    /// It commits the shop to something that no record holds.
    UnrecordedCommitment,
    /// The topic is in assist mode.
    NotAutomatic,
    /// The topic is in shadow mode: the draft is kept, agents do not see it and answer by themselves.
    ShadowMode,
    /// The promise about wrong answers is not proven for this.
    NotCertified,
    /// Too many audited answers were wrong: auto-sending stopped itself.
    FallenBack,
    /// A document that it cites has changed since the promise was proven.
    SourceChanged,
    /// Ops stopped all auto-sending.
    KillSwitch,
    /// There was no capacity in time.
    Overloaded,
    /// A model is missing or broken.
    ModelUnavailable,
    /// A stage failed.
    StageFailed,
    /// The buyer asked for a person.
    AsksForPerson,
    /// It is about the buyer's own order.
    OwnOrder,
    /// Told from an order's record, and no rule of ops lets that topic be sent by itself.
    OrderRecord,
    /// Nothing was heard of the order for longer than the shop allows.
    OrderStale,
    /// The buyer wants something changed; a task was made of it.
    OrderRequest,
    /// An agent has taken over the conversation.
    TakenOver,
    /// There is nothing to answer in the message.
    NothingAsked,
    /// A question of the past: nobody waits for the answer.
    Rehearsal,
    /// The buyer is on another platform: an agent copies the reply.
    CopiedByHand,
    /// The buyer is angry: a person has the last word.
    Angry,
}

/// The outcome of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Decision {
    /// Sent without a person.
    AutoSend {
        /// Whether it is to be labelled blind afterwards.
        audit: bool,
    },
    /// Held as a draft for an agent.
    Review {
        /// Every reason, the decisive one first.
        reasons: Vec<Reason>,
    },
    /// A person answers; there is no draft to accept, or none worth waiting for.
    Escalate {
        /// Every reason, the decisive one first.
        reasons: Vec<Reason>,
    },
}

impl Decision {
    /// `auto_send`, `review` or `escalate`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AutoSend { .. } => "auto_send",
            Self::Review { .. } => "review",
            Self::Escalate { .. } => "escalate",
        }
    }

    /// Whether the draft is kept from the agents.
    pub fn is_shadowed(&self) -> bool {
        self.reasons().contains(&Reason::ShadowMode)
    }

    /// Why a person must look; empty for an auto-send.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::AutoSend { .. } => &[],
            Self::Review { reasons } | Self::Escalate { reasons } => reasons,
        }
    }
}

/// Everything `decide` looks at, stored with the turn so that any decision can be replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Reasons for a person that no score can outweigh: they escalate.
    pub escalations: Vec<Reason>,
    /// Gates that failed: they hold the draft.
    pub holds: Vec<Reason>,
    /// Share of the draft's sentences that the cited chunks support, 0 to 1.
    pub grounded_share: f64,
    /// Calibrated probability that the draft needs no correction.
    pub confidence: Confidence,
    /// The topic whose rules and promise it stands under.
    pub topic: String,
    /// What the message is about where that is another topic: a golden answer stands under
    /// [`crate::domain::golden::TOPIC`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl Evidence {
    /// What the message is about.
    pub fn asked_about(&self) -> &str {
        self.about.as_deref().unwrap_or(&self.topic)
    }

    /// How much may be done by itself: what one of its topics leaves to people is left to them.
    fn mode(&self, policy: &Policy) -> Mode {
        policy.mode(&self.topic).min(policy.mode(self.asked_about()))
    }
}

/// The topic of what is told from an order's record.
pub const ORDER_STATUS: &str = "order_status";
/// The topic of wishes to have an order changed.
pub const ORDER_REQUEST: &str = "order_request";

/// Topics that nothing is sent by itself in unless ops say so of this very topic: what the shop allows in general was
/// not said of somebody's own order.
fn permission_missing(seen: &Evidence, policy: &Policy) -> Option<Reason> {
    let reason = match seen.topic.as_str() {
        ORDER_STATUS => Reason::OrderRecord,
        ORDER_REQUEST => Reason::OrderRequest,
        _ => return None,
    };
    let is_allowed = policy.topics.get(&seen.topic).is_some_and(|rule| rule.mode == Mode::Auto);
    (!is_allowed).then_some(reason)
}

/// Decides where no promise is proven: the bar is the one that ops set by hand, and a topic with a dial is held.
pub fn decide(seen: &Evidence, policy: &Policy, draw: f64) -> Decision {
    decide_under(seen, policy, Standing::Held { reason: Reason::NotCertified }, draw)
}

/// Decides. Order: escalations, kill switch, gates, grounding, mode of the topic, bar, audit draw. A topic in
/// shadow mode is always left to a person. `standing` counts only where the topic has a dial: its bar is then the one
/// that was proven, and without a proof nothing is sent.
///
/// `draw` is one uniform random number in 0..1, made by the caller and stored with the turn.
/// Monotone: a higher confidence never takes an auto-send away.
pub fn decide_under(seen: &Evidence, policy: &Policy, standing: Standing, draw: f64) -> Decision {
    if !seen.escalations.is_empty() {
        return Decision::Escalate { reasons: seen.escalations.clone() };
    }
    let mut reasons = seen.holds.clone();
    if policy.kill_switch {
        reasons.push(Reason::KillSwitch);
    }
    if seen.grounded_share < policy.min_grounded_share {
        reasons.push(Reason::Ungrounded);
    }
    reasons.extend(permission_missing(seen, policy));
    let mode = seen.mode(policy);
    if mode == Mode::Assist {
        reasons.push(Reason::NotAutomatic);
    }
    let (bar, audit_rate) = match bar(seen, policy, standing) {
        Ok(found) => found,
        Err(reason) => {
            reasons.push(reason);
            (0.0, 0.0)
        }
    };
    if seen.confidence.value() < bar {
        reasons.push(Reason::BelowBar);
    }
    if mode == Mode::Shadow {
        reasons.insert(0, Reason::ShadowMode);
        return Decision::Escalate { reasons };
    }
    if reasons.is_empty() { Decision::AutoSend { audit: draw < audit_rate } } else { Decision::Review { reasons } }
}

/// The bar that counts, with the share that is audited above it, or why there is none.
fn bar(seen: &Evidence, policy: &Policy, standing: Standing) -> Result<(f64, f64), Reason> {
    match (policy.dial(&seen.topic), standing) {
        (None, _) => Ok((policy.bar(&seen.topic), policy.audit_rate)),
        (Some(_), Standing::Proven { bar, audit_rate }) => Ok((bar, audit_rate)),
        (Some(_), Standing::Held { reason }) => Err(reason),
    }
}

/// What becomes of a draft whose buyer is on another platform: nothing is sent, whatever the policy. Every other reason
/// stays as it is, so that the agent sees what would have held it.
pub fn held_for_copying(decision: Decision) -> Decision {
    match decision {
        Decision::AutoSend { .. } => Decision::Review { reasons: vec![Reason::CopiedByHand] },
        held @ (Decision::Review { .. } | Decision::Escalate { .. }) => held,
    }
}

/// What becomes of the answer to a question of the past: nobody is sent it, whatever the policy.
pub fn decide_rehearsed(seen: &Evidence) -> Decision {
    if !seen.escalations.is_empty() {
        return Decision::Escalate { reasons: seen.escalations.clone() };
    }
    Decision::Review { reasons: [&[Reason::Rehearsal], seen.holds.as_slice()].concat() }
}

/// How likely answers are labelled: an estimate may only rest on rows that had an equal chance of being in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelChance {
    /// Of any answer decided under the same rules, the sure ones included: what is sent is labelled only if audited.
    pub of_all: f64,
    /// Of this one: a draft is always labelled.
    pub own: f64,
}

/// The chance of a label under these rules. Nobody labels what nobody sees.
pub fn label_chance(seen: &Evidence, policy: &Policy, standing: Standing, decision: &Decision) -> LabelChance {
    if matches!(decision, Decision::Escalate { .. }) {
        return LabelChance { of_all: 0.0, own: 0.0 };
    }
    let is_automatic = seen.mode(policy) == Mode::Auto && !policy.kill_switch;
    let of_all = match bar(seen, policy, standing) {
        Ok((_, audit_rate)) if is_automatic => audit_rate,
        Ok(_) | Err(_) => 1.0,
    };
    let own = if matches!(decision, Decision::AutoSend { .. }) { of_all } else { 1.0 };
    LabelChance { of_all, own }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::dial::{Dial, Scope};
    use crate::domain::golden;
    use crate::domain::policy::TopicRule;

    fn evidence(confidence: f64) -> Evidence {
        Evidence {
            escalations: vec![],
            holds: vec![],
            grounded_share: 1.0,
            confidence: Confidence::new(confidence).unwrap(),
            topic: "other".into(),
            about: None,
        }
    }

    #[test]
    fn what_an_agent_copies_is_never_sent_and_keeps_its_reasons() {
        let sent = decide(&evidence(0.99), &automatic(0.5), 0.5);
        assert_eq!(sent.code(), "auto_send");
        assert_eq!(held_for_copying(sent), Decision::Review { reasons: vec![Reason::CopiedByHand] });
        let low = decide(&evidence(0.1), &automatic(0.5), 0.5);
        assert_eq!(held_for_copying(low.clone()), low);
    }

    fn automatic(bar: f64) -> Policy {
        Policy { bar, mode: Mode::Auto, ..Policy::review_everything() }
    }

    #[test]
    fn a_confident_grounded_answer_is_sent() {
        assert_eq!(decide(&evidence(0.9), &automatic(0.8), 0.5), Decision::AutoSend { audit: false });
    }

    #[test]
    fn a_small_draw_marks_it_for_audit() {
        let policy = Policy { audit_rate: 0.2, ..automatic(0.8) };
        assert_eq!(decide(&evidence(0.9), &policy, 0.1), Decision::AutoSend { audit: true });
    }

    #[test]
    fn each_doubt_holds_it_and_is_named() {
        let held = |seen: &Evidence, policy: &Policy| decide(seen, policy, 0.5).reasons().to_vec();
        assert_eq!(held(&evidence(0.7), &automatic(0.8)), [Reason::BelowBar]);
        let ungrounded = Evidence { grounded_share: 0.1, ..evidence(0.9) };
        assert_eq!(held(&ungrounded, &automatic(0.8)), [Reason::Ungrounded]);
        let gated = Evidence { holds: vec![Reason::UnsupportedClaim], ..evidence(0.9) };
        assert_eq!(held(&gated, &automatic(0.8)), [Reason::UnsupportedClaim]);
        let stopped = Policy { kill_switch: true, ..automatic(0.8) };
        assert_eq!(held(&evidence(0.9), &stopped), [Reason::KillSwitch]);
        let mut by_topic = automatic(0.8);
        by_topic.topics.insert("other".into(), TopicRule { mode: Mode::Assist, bar: None, dial: None });
        assert_eq!(held(&evidence(0.9), &by_topic), [Reason::NotAutomatic]);
    }

    fn promised(bar: f64) -> Policy {
        Policy { dial: Some(Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 }), ..automatic(bar) }
    }

    #[test]
    fn a_promise_is_kept_by_its_proof_and_never_by_the_bar_set_by_hand() {
        let proven = Standing::Proven { bar: 0.85, audit_rate: 0.2 };
        let under = |confidence, standing| decide_under(&evidence(confidence), &promised(0.0), standing, 0.1);
        assert_eq!(under(0.9, proven), Decision::AutoSend { audit: true });
        assert_eq!(under(0.8, proven).reasons(), [Reason::BelowBar]);
        for reason in [Reason::NotCertified, Reason::FallenBack, Reason::SourceChanged] {
            assert_eq!(under(1.0, Standing::Held { reason }).reasons(), [reason]);
        }
        assert_eq!(decide(&evidence(1.0), &promised(0.0), 0.5).reasons(), [Reason::NotCertified], "nothing is proven");
        assert_eq!(decide_under(&evidence(0.7), &automatic(0.8), proven, 0.5).reasons(), [Reason::BelowBar], "by hand");
    }

    #[test]
    fn a_topic_with_a_bar_of_its_own_stands_under_no_promise() {
        let mut policy = promised(0.9);
        policy.topics.insert("other".into(), TopicRule { mode: Mode::Auto, bar: Some(0.5), dial: None });
        assert_eq!(decide(&evidence(0.6), &policy, 0.5).code(), "auto_send");
        assert_eq!(policy.other_topics().into_iter().collect::<Vec<_>>(), [golden::TOPIC, "other"]);
    }

    #[test]
    fn a_golden_answer_stands_under_no_promise_but_its_own_and_is_as_careful_as_what_it_is_about() {
        let golden = |about: &str| Evidence { topic: golden::TOPIC.into(), about: Some(about.into()), ..evidence(0.9) };
        assert_eq!(decide(&golden("returns"), &automatic(0.8), 0.5).code(), "auto_send");
        let mut policy = promised(0.0);
        assert!(!policy.covers(&Scope::Shop, golden::TOPIC));
        assert_eq!(decide(&golden("returns"), &policy, 0.5).reasons(), [Reason::NotCertified]);
        policy.topics.insert(golden::TOPIC.into(), TopicRule { mode: Mode::Auto, bar: None, dial: policy.dial });
        assert_eq!(policy.scope(golden::TOPIC), Scope::Topic(golden::TOPIC.into()));
        let proven = Standing::Proven { bar: 0.85, audit_rate: 0.2 };
        let under = |policy: &Policy| decide_under(&golden("returns"), policy, proven, 0.1);
        assert_eq!(under(&policy), Decision::AutoSend { audit: true });
        policy.topics.insert("returns".into(), TopicRule { mode: Mode::Assist, bar: None, dial: None });
        assert_eq!(under(&policy).reasons(), [Reason::NotAutomatic]);
    }

    #[test]
    fn what_is_sent_is_labelled_as_often_as_it_is_audited() {
        let proven = Standing::Proven { bar: 0.8, audit_rate: 0.2 };
        let chance = |confidence: f64, policy: &Policy| {
            let seen = evidence(confidence);
            let decision = decide_under(&seen, policy, proven, 0.5);
            label_chance(&seen, policy, proven, &decision)
        };
        assert_eq!(chance(0.9, &promised(0.0)), LabelChance { of_all: 0.2, own: 0.2 });
        assert_eq!(chance(0.7, &promised(0.0)), LabelChance { of_all: 0.2, own: 1.0 });
        let assisted = Policy { mode: Mode::Assist, ..promised(0.0) };
        assert_eq!(chance(0.9, &assisted), LabelChance { of_all: 1.0, own: 1.0 });
        let shadowed = Policy { mode: Mode::Shadow, ..promised(0.0) };
        assert_eq!(chance(0.9, &shadowed), LabelChance { of_all: 0.0, own: 0.0 });
    }

    #[test]
    fn what_a_record_says_is_sent_only_where_ops_said_so_of_this_topic() {
        for (topic, reason) in [(ORDER_STATUS, Reason::OrderRecord), (ORDER_REQUEST, Reason::OrderRequest)] {
            let seen = Evidence { topic: topic.into(), ..evidence(1.0) };
            let mut policy = automatic(0.0);
            assert_eq!(decide(&seen, &policy, 0.5).reasons(), [reason], "what is said in general does not count");
            policy.topics.insert(topic.into(), TopicRule { mode: Mode::Auto, bar: Some(0.9), dial: None });
            assert_eq!(decide(&seen, &policy, 0.5).code(), "auto_send");
            policy.kill_switch = true;
            assert_eq!(decide(&seen, &policy, 0.5).reasons(), [Reason::KillSwitch]);
        }
    }

    #[test]
    fn a_topic_in_shadow_mode_is_left_to_people() {
        let shadow = Policy { mode: Mode::Shadow, ..automatic(0.0) };
        let decision = decide(&evidence(1.0), &shadow, 0.5);
        assert_eq!(decision, Decision::Escalate { reasons: vec![Reason::ShadowMode] });
        assert!(decision.is_shadowed());
    }

    #[test]
    fn asking_for_a_person_outweighs_everything() {
        let seen = Evidence { escalations: vec![Reason::AsksForPerson], ..evidence(1.0) };
        assert_eq!(decide(&seen, &automatic(0.0), 0.5).code(), "escalate");
    }

    #[test]
    fn a_fresh_shop_reviews_everything() {
        assert_eq!(decide(&evidence(1.0), &Policy::review_everything(), 0.99).code(), "review");
    }

    proptest! {
        #[test]
        fn raising_confidence_never_takes_an_auto_send_away(low in 0.0..=1.0f64, high in 0.0..=1.0f64, bar in 0.0..=1.0f64, draw in 0.0..1.0f64) {
            let (low, high) = (low.min(high), low.max(high));
            if decide(&evidence(low), &automatic(bar), draw).code() == "auto_send" {
                prop_assert_eq!(decide(&evidence(high), &automatic(bar), draw).code(), "auto_send");
            }
        }
    }
}
