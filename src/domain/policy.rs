//! The rules that `decide` follows: append-only versions in SQL, changed by ops at run time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a topic may do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{field}` lies between 0 and 1: {value}")]
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

    /// Refuses numbers outside 0 to 1.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let shop =
            [("bar", self.bar), ("min_grounded_share", self.min_grounded_share), ("audit_rate", self.audit_rate)];
        let topics = self.topics.values().filter_map(|rule| rule.bar).map(|bar| ("topics.bar", bar));
        match shop.into_iter().chain(topics).find(|(_, value)| !(0.0..=1.0).contains(value)) {
            Some((field, value)) => Err(PolicyError { field, value }),
            None => Ok(()),
        }
    }
}
