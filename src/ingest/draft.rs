//! What a parser hands over: raw pieces in reading order, before any cleaning.
//!
//! # Why
//! Spans are byte ranges into the *normalised* text, so no parser may hand out a span. Parsers say what they saw;
//! [`super::normalize::normalize`] alone decides what the text is and where each piece stands in it.

use crate::domain::document::{Format, Warning};

/// What a raw piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawKind {
    /// A title; 1 is the outermost level.
    Heading(u8),
    /// Running text.
    Paragraph,
    /// List items, one a line.
    List,
    /// Rows, one a line, cells joined by ` | `, the header row first.
    Table,
    /// Preformatted text.
    Code,
    /// A question (the piece's text) with its answer.
    Faq {
        /// What to say.
        answer: String,
    },
}

/// A piece as the parser saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBlock {
    /// What it is.
    pub kind: RawKind,
    /// 1-based page where the format has pages.
    pub page: Option<u32>,
    /// Its text, not yet cleaned.
    pub text: String,
}

/// A parsed file before normalisation.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The format that was read.
    pub format: Format,
    /// How many pages, where the format has pages.
    pub n_pages: Option<u32>,
    /// Pieces in reading order.
    pub blocks: Vec<RawBlock>,
    /// What staff should know.
    pub warnings: Vec<Warning>,
}

impl Draft {
    /// An empty draft.
    pub fn new(format: Format) -> Self {
        Self { format, n_pages: None, blocks: Vec::new(), warnings: Vec::new() }
    }

    /// Adds a piece of a format without pages.
    pub fn push(&mut self, kind: RawKind, text: impl Into<String>) {
        self.push_on_page(None, kind, text);
    }

    /// Adds a piece that stands on `page`.
    pub fn push_on_page(&mut self, page: Option<u32>, kind: RawKind, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.blocks.push(RawBlock { kind, page, text });
        }
    }

    /// Notes something for staff.
    pub fn warn(&mut self, code: &str, detail: impl Into<String>) {
        self.warnings.push(Warning { code: code.to_owned(), detail: detail.into() });
    }

    /// Notes text that a reader of the rendered file would not have seen, and that was therefore left out.
    pub fn warn_hidden(&mut self, text: &str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            self.warn("hidden_text_removed", shorten(&text));
        }
    }
}

/// One row, its cells on one line; an empty row gives an empty string.
pub fn join_cells<S: AsRef<str>>(cells: &[S]) -> String {
    let cells: Vec<String> =
        cells.iter().map(|cell| cell.as_ref().split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    if cells.iter().all(String::is_empty) { String::new() } else { cells.join(" | ") }
}

/// The start of `text`, short enough for a warning.
fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
