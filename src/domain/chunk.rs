//! The retrieval unit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::text::Span;

/// What a chunker yields: a piece of a document that is found and cited as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chunk {
    /// 0-based position in the revision.
    pub ordinal: u32,
    /// What is embedded, searched and shown. A later piece of a table begins with its header row.
    pub text: String,
    /// Where it stands in the parsed text, without the repeated header row.
    pub span: Span,
    /// Length in the embedder's tokens.
    pub n_tokens: u32,
    /// Titles above it, outermost first.
    pub heading_path: Vec<String>,
    /// 1-based page of its first block.
    pub page: Option<u32>,
}

impl Chunk {
    /// What is given to the embedder and the lexical index.
    pub fn indexed_text(&self) -> String {
        indexed_text(&self.heading_path, &self.text)
    }
}

/// The titles, then the text.
pub fn indexed_text(heading_path: &[String], text: &str) -> String {
    if heading_path.is_empty() {
        return text.to_owned();
    }
    format!("{}\n{text}", heading_path.join(" > "))
}
