//! Golden answers: questions with the very words that answer them, approved by staff.
//!
//! # Why a topic of their own
//! What can go wrong with a golden answer is the match, and how sure that is, is another number than how sure the
//! assistant is of words it wrote itself. A bar that was proven for the one says nothing about the other. So golden
//! answers are a topic like any other: no row of the shop's proof, not sent under it, and with a promise of their own if
//! ops make one. What they are about still counts: a topic that is left to people stays with them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::GoldenId;

/// The topic whose rules and promise golden answers stand under.
pub const TOPIC: &str = "golden_answer";

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
