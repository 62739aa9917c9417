//! The rules that `decide` follows: append-only versions in SQL, changed by ops at run time.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::dial::{Dial, Scope};
use crate::domain::golden;

/// How much a topic may do by itself, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Drafts are made and kept from the agents' queue: they answer by themselves.
    Shadow,
    /// Agents get drafts, nothing is sent without them.
    Assist,
    /// Above the bar it is sent.
    Auto,
}

/// What a topic has of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicRule {
    /// How much it may do by itself.
    pub mode: Mode,
    /// Its own bar, 0 to 1; the shop's where there is none.
    pub bar: Option<f64>,
    /// A promise of its own; its bar is then proven and not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial: Option<Dial>,
}

/// One version of the rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The lowest confidence that is sent by itself, 0 to 1.
    pub bar: f64,
    /// How much a topic without a rule of its own may do.
    pub mode: Mode,
    /// The lowest share of supported sentences that is sent, 0 to 1.
    pub min_grounded_share: f64,
    /// Share of the auto-sent answers that is labelled blind afterwards, 0 to 1.
    pub audit_rate: f64,
    /// Ops stopped all auto-sending.
    pub kill_switch: bool,
    /// Rules of single topics.
    pub topics: BTreeMap<String, TopicRule>,
    /// What is promised; the bar is then proven and not set. Without it the bar is set by hand, and nothing is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial: Option<Dial>,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{field}` is outside its range: {value}")]
pub struct PolicyError {
    /// The field.
    pub field: &'static str,
    /// What was asked for.
    pub value: f64,
}

impl Policy {
    /// What a shop starts with: a person reads everything.
    pub fn review_everything() -> Self {
        Self {
            bar: 1.0,
            mode: Mode::Assist,
            min_grounded_share: 0.5,
            audit_rate: 0.2,
            kill_switch: false,
            topics: BTreeMap::new(),
            dial: None,
        }
    }

    /// How much `topic` may do by itself.
    pub fn mode(&self, topic: &str) -> Mode {
        self.topics.get(topic).map_or(self.mode, |rule| rule.mode)
    }

    /// The bar of `topic`.
    pub fn bar(&self, topic: &str) -> f64 {
        self.topics.get(topic).and_then(|rule| rule.bar).unwrap_or(self.bar)
    }

    /// The promise that `topic` stands under; none where its bar is set by hand.
    pub fn dial(&self, topic: &str) -> Option<&Dial> {
        match self.topics.get(topic) {
            Some(TopicRule { dial: Some(dial), .. }) => Some(dial),
            Some(TopicRule { bar: Some(_), .. }) => None,
            Some(TopicRule { bar: None, dial: None, .. }) | None => self.dial.as_ref(),
        }
    }

    /// The part of the traffic whose promise `topic` stands under.
    pub fn scope(&self, topic: &str) -> Scope {
        match self.topics.get(topic) {
            Some(rule) if rule.dial.is_some() => Scope::Topic(topic.to_owned()),
            Some(_) | None => Scope::Shop,
        }
    }

    /// The promise of a part of the traffic.
    pub fn dial_of(&self, scope: &Scope) -> Option<&Dial> {
        match scope {
            Scope::Shop => self.dial.as_ref(),
            Scope::Topic(topic) => self.topics.get(topic).and_then(|rule| rule.dial.as_ref()),
        }
    }

    /// The parts of the traffic with a promise of their own, the shop first. Their proofs share the doubt.
    pub fn promised_scopes(&self) -> Vec<Scope> {
        let topics = self.topics.iter().filter(|(_, rule)| rule.dial.is_some());
        let topics = topics.map(|(topic, _)| Scope::Topic(topic.clone()));
        self.dial.map(|_| Scope::Shop).into_iter().chain(topics).collect()
    }

    /// Topics that the shop's promise says nothing about: with a bar or a promise of their own, or never automatic; and
    /// golden answers, whose confidence is of another kind.
    pub fn other_topics(&self) -> BTreeSet<String> {
        let is_other = |rule: &TopicRule| rule.bar.is_some() || rule.dial.is_some() || rule.mode != Mode::Auto;
        let others = self.topics.iter().filter(|(_, rule)| is_other(rule)).map(|(topic, _)| topic.as_str());
        others.chain([golden::TOPIC]).map(str::to_owned).collect()
    }

    /// Whether `topic` belongs to a part of the traffic.
    pub fn covers(&self, scope: &Scope, topic: &str) -> bool {
        match scope {
            Scope::Shop => !self.other_topics().contains(topic),
            Scope::Topic(own) => own == topic,
        }
    }

    /// Refuses numbers outside their range.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let shop =
            [("bar", self.bar), ("min_grounded_share", self.min_grounded_share), ("audit_rate", self.audit_rate)];
        let topics = self.topics.values().filter_map(|rule| rule.bar).map(|bar| ("topics.bar", bar));
        let share = shop.into_iter().chain(topics).find(|(_, value)| !(0.0..=1.0).contains(value));
        let mut dials = self.dial.iter().chain(self.topics.values().filter_map(|rule| rule.dial.as_ref()));
        match share.or_else(|| dials.find_map(Dial::out_of_range)) {
            Some((field, value)) => Err(PolicyError { field, value }),
            None => Ok(()),
        }
    }
}
