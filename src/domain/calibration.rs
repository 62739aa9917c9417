//! Features of a draft, and the calibration that turns them into a confidence.
//!
//! # Why
//! A calibration is data: named, versioned, with its origin, so that a stored turn can be scored again by another one.
//! A feature that is missing is an error, never a zero: a zero would be a claim.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::score::Confidence;

/// What is known of a draft, by name. Finite numbers; ordered by name, so that it prints the same every time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Features(pub BTreeMap<String, f64>);

impl Features {
    /// Sets a feature.
    pub fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    /// The feature, if it is known.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }
}

/// How a calibration treats one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coefficient {
    /// The feature.
    pub name: String,
    /// Its mean where the calibration was fitted.
    pub mean: f64,
    /// Its standard deviation there, above 0.
    pub scale: f64,
    /// Log odds for each standard deviation above the mean.
    pub weight: f64,
}

/// Where a calibration comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// What it was fitted on, in words.
    pub source: String,
    /// How many drafts.
    pub n_rows: usize,
    /// How many of them needed no correction.
    pub n_good: usize,
    /// How many independent groups of questions.
    pub n_groups: usize,
    /// Strength of the L2 penalty.
    pub l2: f64,
    /// Area under the ROC curve, each draft scored by a fit that saw nothing of its group.
    pub auroc_out_of_fold: f64,
    /// Mean squared error of those scores.
    pub brier_out_of_fold: f64,
}

/// A logistic regression over named features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Names this version; stored with every turn.
    pub id: String,
    /// Log odds of an average draft.
    pub intercept: f64,
    /// One for each feature it needs.
    pub coefficients: Vec<Coefficient>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Why a calibration gives no confidence. The caller then trusts nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// A feature was not computed.
    #[error("the calibration `{calibration}` needs the feature `{feature}`")]
    MissingFeature {
        /// Which calibration.
        calibration: String,
        /// Which feature.
        feature: String,
    },
    /// A feature is not a number.
    #[error("the feature `{feature}` is not finite")]
    NotFinite {
        /// Which feature.
        feature: String,
    },
}

impl Calibration {
    /// The confidence in a draft with these features.
    pub fn apply(&self, features: &Features) -> Result<Confidence, CalibrationError> {
        let mut logit = self.intercept;
        for coefficient in &self.coefficients {
            logit += coefficient.weight * (self.feature(features, &coefficient.name)? - coefficient.mean)
                / coefficient.scale;
        }
        let probability = 1.0 / (1.0 + (-logit).exp());
        Confidence::new(probability).map_err(|_| CalibrationError::NotFinite { feature: self.id.clone() })
    }

    fn feature(&self, features: &Features, name: &str) -> Result<f64, CalibrationError> {
        let value = features.get(name).ok_or_else(|| CalibrationError::MissingFeature {
            calibration: self.id.clone(),
            feature: name.to_owned(),
        })?;
        if value.is_finite() { Ok(value) } else { Err(CalibrationError::NotFinite { feature: name.to_owned() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration() -> Calibration {
        Calibration {
            id: "test".to_owned(),
            intercept: 0.0,
            coefficients: vec![Coefficient { name: "coverage".to_owned(), mean: 0.5, scale: 0.25, weight: 2.0 }],
            provenance: Provenance {
                source: "made up".to_owned(),
                n_rows: 0,
                n_good: 0,
                n_groups: 0,
                l2: 1.0,
                auroc_out_of_fold: 0.5,
                brier_out_of_fold: 0.25,
            },
        }
    }

    fn with(value: f64) -> Features {
        let mut features = Features::default();
        features.set("coverage", value);
        features
    }

    #[test]
    fn an_average_draft_gets_the_intercept() {
        assert_eq!(calibration().apply(&with(0.5)).map(Confidence::value), Ok(0.5));
        assert!(calibration().apply(&with(1.0)).unwrap() > calibration().apply(&with(0.6)).unwrap());
    }

    #[test]
    fn a_missing_or_broken_feature_is_an_error_not_a_zero() {
        assert!(matches!(calibration().apply(&Features::default()), Err(CalibrationError::MissingFeature { .. })));
        assert!(matches!(calibration().apply(&with(f64::NAN)), Err(CalibrationError::NotFinite { .. })));
    }

    #[test]
    fn extreme_features_stay_probabilities() {
        assert_eq!(calibration().apply(&with(1e9)).map(Confidence::value), Ok(1.0));
        assert_eq!(calibration().apply(&with(-1e9)).map(Confidence::value), Ok(0.0));
    }
}
