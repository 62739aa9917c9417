//! Golden answers: questions with the very words that answer them, approved by staff.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::GoldenId;

/// Whether a golden answer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GoldenState {
    /// Somebody or a sheet proposes it; staff have not read it.
    Proposed,
    /// Staff approved it: it answers.
    Approved,
    /// Staff switched it off.
    Off,
}

/// Where a golden answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GoldenOrigin {
    /// A sheet of questions and answers.
    Sheet,
    /// A reply that an agent sent.
    Console,
    /// Written by staff.
    Staff,
}

/// The golden answer that a question met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoldenMatch {
    /// Which one.
    pub id: GoldenId,
    /// Its question.
    pub question: String,
    /// The phrasing of it that came nearest.
    pub phrasing: String,
}
