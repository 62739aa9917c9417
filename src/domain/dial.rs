//! The error-budget dial: what ops promise, and for what part of the traffic.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::decision::Reason;

/// The least share of the sent answers that is audited: below it nobody would notice a decline in time.
pub const LEAST_AUDIT_RATE: f64 = 0.02;
/// Share audited until the first [`N_FIRST`] were sent under a proof.
pub const FIRST_AUDIT_RATE: f64 = 0.2;
/// So many are audited more closely.
pub const N_FIRST: u32 = 200;
/// Share audited once the watch has warned, or as long as a sign says that something has changed.
pub const WARNED_AUDIT_RATE: f64 = 0.5;

/// What ops promise: at most `target_error` wrong among what is sent without a person, with this `certainty`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dial {
    /// The largest share of wrong answers among the sent, 0.001 to 0.2.
    pub target_error: f64,
    /// How sure the proof has to be, 0.8 to 0.999.
    pub certainty: f64,
    /// Share of the sent answers that is labelled blind, after the first 200; 0.02 to 1.
    pub audit_rate: f64,
}

impl Dial {
    /// The first field outside its range, with what was asked for.
    pub fn out_of_range(&self) -> Option<(&'static str, f64)> {
        let fields = [
            ("dial.target_error", self.target_error, 0.001..=0.2),
            ("dial.certainty", self.certainty, 0.8..=0.999),
            ("dial.audit_rate", self.audit_rate, LEAST_AUDIT_RATE..=1.0),
        ];
        fields.into_iter().find(|(_, value, range)| !range.contains(value)).map(|(field, value, _)| (field, value))
    }

    /// The chance of a false proof.
    pub fn doubt(&self) -> f64 {
        1.0 - self.certainty
    }

    /// The share to be audited after `n_sent` answers under one proof; never less than what ops chose.
    pub fn audit_rate_after(&self, n_sent: u32, is_warned: bool) -> f64 {
        let rate = if n_sent < N_FIRST { FIRST_AUDIT_RATE } else { LEAST_AUDIT_RATE };
        let rate = rate.max(self.audit_rate);
        if is_warned { rate.max(WARNED_AUDIT_RATE) } else { rate }
    }
}

/// A part of the traffic with a promise of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything without a dial or a bar of its own.
    Shop,
    /// One topic.
    Topic(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shop => f.write_str("shop"),
            Self::Topic(topic) => write!(f, "topic:{topic}"),
        }
    }
}

/// A text that names no part of the traffic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a scope is `shop` or `topic:` and a topic: `{0}`")]
pub struct NotAScope(pub String);

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        match text.split_once(':') {
            None if text == "shop" => Ok(Self::Shop),
            Some(("topic", topic)) if !topic.is_empty() => Ok(Self::Topic(topic.to_owned())),
            _ => Err(NotAScope(text.to_owned())),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(shop|topic:.+)$" })
    }
}

/// How a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is no promise: the bar was set by hand.
    ByHand,
    /// Promised and not proven: drafts only.
    NotCertified,
    /// Proven: the bar of the proof counts.
    Certified,
    /// Model, prompts, scorer or retrieval are not those of the proof any more: drafts only.
    Probation,
    /// Too many audited answers were wrong: drafts only.
    FallenBack,
}

/// What a promise means for one decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// Proven.
    Proven {
        /// The lowest confidence that is sent.
        bar: f64,
        /// Share of the sent that is labelled blind.
        audit_rate: f64,
    },
    /// Nothing may be sent.
    Held {
        /// Why.
        reason: Reason,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIAL: Dial = Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };

    #[test]
    fn audits_are_dense_at_first_and_after_a_warning_and_never_cease() {
        assert_eq!(DIAL.audit_rate_after(0, false), 0.2);
        assert_eq!(DIAL.audit_rate_after(199, false), 0.2);
        assert_eq!(DIAL.audit_rate_after(200, false), 0.05);
        assert_eq!(DIAL.audit_rate_after(5000, true), 0.5);
        assert_eq!(Dial { audit_rate: 0.0, ..DIAL }.audit_rate_after(5000, false), 0.02);
        assert_eq!(Dial { audit_rate: 0.7, ..DIAL }.audit_rate_after(0, true), 0.7);
    }

    #[test]
    fn a_scope_reads_back_and_nonsense_is_refused() {
        for scope in [Scope::Shop, Scope::Topic("returns".into())] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for text in ["", "topic:", "topic", "shops", "shop:x"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_dial_outside_its_range_is_named() {
        assert_eq!(DIAL.out_of_range(), None);
        assert_eq!(Dial { target_error: 0.5, ..DIAL }.out_of_range(), Some(("dial.target_error", 0.5)));
        assert!(matches!(Dial { certainty: f64::NAN, ..DIAL }.out_of_range(), Some(("dial.certainty", _))));
    }
}
