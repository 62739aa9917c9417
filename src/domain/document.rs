//! What staff upload, and what a parser makes of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::text::Span;

/// File formats we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Word, Office Open XML.
    Docx,
    /// Excel, Office Open XML.
    Xlsx,
    /// Comma- or tab-separated values.
    Csv,
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// Plain text.
    Text,
    /// An archive of the others.
    Zip,
}

/// What kind of content a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlockKind {
    /// A title of what follows.
    Heading,
    /// Running text.
    Paragraph,
    /// One item or more of a list.
    List,
    /// Rows; the first line is the header row, cells are joined by ` | `.
    Table,
    /// Preformatted text.
    Code,
}

/// A parsed piece of a document, in reading order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// 1-based page where the format has pages.
    pub page: Option<u32>,
    /// Titles above it, outermost first; for a heading, without itself.
    pub heading_path: Vec<String>,
    /// Its text, as it stands in [`Parsed::text`].
    pub text: String,
    /// Where it stands in [`Parsed::text`].
    pub span: Span,
}

/// A question with its answer, as found in a sheet with such columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaqEntry {
    /// What is asked.
    pub question: String,
    /// What to say.
    pub answer: String,
    /// The block it stands in.
    pub block_idx: usize,
}

/// What a parser found. Blocks tile `text` in order, with separators between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parsed {
    /// The format that was read.
    pub format: Format,
    /// How many pages, where the format has pages.
    pub n_pages: Option<u32>,
    /// The normalised text.
    pub text: String,
    /// Pieces of `text`, in reading order.
    pub blocks: Vec<Block>,
    /// Question and answer pairs, if it is an FAQ sheet.
    pub faq: Vec<FaqEntry>,
    /// What could not be read, or was taken out; stable codes with a detail, for staff.
    pub warnings: Vec<Warning>,
}

/// Something staff should know of a file that was read all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// Stable code: `page_unreadable`, `hidden_text_removed`, `cut_short` …
    pub code: String,
    /// What exactly: a page number, the removed text.
    pub detail: String,
}

/// Who may be told what a document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Anybody.
    Buyers,
    /// Agents only; never enters a prompt whose answer could be sent by itself.
    Agents,
}

/// Where a revision stands on its way into the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RevisionState {
    /// Waiting for a worker.
    Queued,
    /// Being read.
    Parsing,
    /// Being embedded.
    Embedding,
    /// Searchable, whole.
    Indexed,
    /// Refused or broken; the revision says why.
    Failed,
}
