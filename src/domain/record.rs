//! What is kept of how an answer was made: enough to understand it a year later, and not needed to decide anything.
//!
//! Written by the answering job, read by the pages. A field that an older version did not write is empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::golden::GoldenMatch;
use crate::domain::ids::{ChunkId, OrderId};
use crate::domain::score::{LexicalScore, Similarity};
use crate::domain::task::TaskKind;

/// How an answer was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerRecord {
    /// What was found, best first.
    pub hits: Vec<RecordedHit>,
    /// How long the stages took.
    pub ms: StageTimes,
    /// Statements of the draft that no cited chunk supports.
    pub unsupported: Vec<Unsupported>,
    /// Which generator wrote the draft.
    pub model_id: String,
    /// Hash of the prompt as it was rendered.
    pub prompt_hash: String,
    /// The question as it was searched for, if it was rewritten.
    pub rewritten: Option<String>,
    /// The golden answer that the draft is, if it is one.
    pub golden: Option<GoldenMatch>,
    /// What an answer from an order's record rests on, if it is one.
    pub order: Option<OrderLook>,
}

/// How an order was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookedUpBy {
    /// The shop has signed who the buyer is, and it is theirs.
    Buyer,
    /// The buyer gave its number and the last four digits of the phone number on it.
    NumberAndPhone,
    /// An agent has said that it is the buyer's.
    Agent,
    /// It was not found, or not looked for.
    Nothing,
}

/// What an answer from an order's record rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLook {
    /// Which order.
    pub order: Option<OrderId>,
    /// How it was found.
    pub by: LookedUpBy,
    /// How old its record was.
    pub as_of_ms: Option<i64>,
    /// How old it may be.
    pub stale_after_hours: u32,
    /// What the buyer wants done, if it is a request.
    pub request: Option<TaskKind>,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedHit {
    /// The chunk.
    pub chunk: ChunkId,
    /// Name of its document.
    pub document: String,
    /// Titles above it.
    pub heading_path: Vec<String>,
    /// 1-based page.
    pub page: Option<u32>,
    /// What it said.
    pub text: String,
    /// How near it is; null if only its words were found.
    pub similarity: Option<Similarity>,
    /// How well its words match; null if only its meaning was found.
    pub lexical: Option<LexicalScore>,
    /// 1-based place after fusion.
    pub rank: u32,
}

/// How long the stages took, in milliseconds; `None` for a stage that did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StageTimes {
    /// Finding chunks.
    pub retrieve: Option<i64>,
    /// Writing the draft.
    pub generate: Option<i64>,
    /// Checking and scoring it.
    pub score: Option<i64>,
    /// From the question to the decision.
    pub total: Option<i64>,
}

/// What kind of claim it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// A number with what it counts.
    #[default]
    Number,
    /// An amount of money.
    Price,
    /// A date or a weekday.
    Date,
    /// A time of day.
    Time,
    /// An address on the web.
    Link,
    /// A mail address.
    Email,
    /// A phone number.
    Phone,
    /// A model, an article number.
    Code,
    /// A name: of a product, a button, a service.
    Name,
    /// That something is so, or is not.
    Negation,
    /// Something the shop may be held to: a refund, free shipping.
    Promise,
}

/// A claim that no cited passage supports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsupported {
    /// First character of the draft.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The claim, word for word.
    pub text: String,
    /// What kind of claim it is.
    #[serde(default)]
    pub kind: ClaimKind,
    /// What the cited passage says instead, word for word, if it says something of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_an_older_version_is_read_with_gaps() {
        let record: AnswerRecord = serde_json::from_str(r#"{"ms":{"total":12},"something_new":1}"#).unwrap();
        assert_eq!(record.ms.total, Some(12));
        assert_eq!((record.ms.retrieve, record.hits.len()), (None, 0));
    }
}
