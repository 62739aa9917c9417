//! Numbers that cannot be confused: a score is evidence, a confidence is a calibrated probability.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Cosine of a query and a chunk embedding, −1 to 1. Evidence, never a probability.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Similarity(pub f32);

/// BM25 score of a chunk for a query, 0 and up. Comparable within one query only.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LexicalScore(pub f32);

/// Calibrated probability that an answer needs no correction, 0 to 1.
///
/// Only a calibration makes one; no score converts into it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Confidence(f64);

/// A number that cannot be a [`Confidence`].
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a confidence lies between 0 and 1: {0}")]
pub struct NotAConfidence(pub f64);

impl Confidence {
    /// No trust at all: what a missing feature or a failed stage yields.
    pub const NONE: Self = Self(0.0);

    /// Refuses NaN and anything outside 0 to 1.
    pub fn new(value: f64) -> Result<Self, NotAConfidence> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(NotAConfidence(value)) }
    }

    /// The probability, 0 to 1.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_out_of_range_are_no_confidence() {
        assert!(Confidence::new(f64::NAN).is_err());
        assert!(Confidence::new(1.01).is_err());
        assert!(Confidence::new(-0.01).is_err());
        assert!(serde_json::from_str::<Confidence>("2").is_err());
        assert_eq!(Confidence::new(1.0).map(Confidence::value), Ok(1.0));
    }
}
