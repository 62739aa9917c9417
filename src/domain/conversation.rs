//! Threads and utterances.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ChunkId;
use crate::domain::text::Span;

/// Who answers in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Handler {
    /// The assistant drafts and, above the bar, sends.
    Assistant,
    /// An agent has taken over; the assistant is silent.
    Agent,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// The shopper.
    Buyer,
    /// Our software, unseen by a person.
    Assistant,
    /// A person, with a draft of ours: accepted or edited.
    Reviewed,
    /// A person, in own words.
    Agent,
    /// A notice of the system: a person will answer, the conversation was closed.
    Notice,
}

/// Where a statement comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// The mark in the text, from 1.
    pub number: u32,
    /// The chunk.
    pub chunk: ChunkId,
    /// Name of its document.
    pub document: String,
    /// Titles above it.
    pub heading_path: Vec<String>,
    /// 1-based page.
    pub page: Option<u32>,
    /// The quoted passage.
    pub quote: String,
    /// Where the passage stands in the document's text; `None` if it is not quoted word for word.
    pub span: Option<Span>,
}
