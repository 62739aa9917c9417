//! What `kefu parse` prints: a stable description of a file as it was read.

use serde::Serialize;

use crate::domain::document::{Block, Format, Parsed, Warning};
use crate::domain::text::Lang;
use crate::ingest::parse::{ParseError, ParsedFile};

/// A file as it was read, or why not.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// Path inside the archive; absent for the file itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The format that was read.
    pub format: Option<Format>,
    /// How many pages, where the format has pages.
    pub pages: Option<u32>,
    /// Pieces in reading order.
    pub blocks: Vec<Block>,
    /// What could not be read, or was taken out.
    pub warnings: Vec<Warning>,
    /// Why nothing was read.
    pub error: Option<Problem>,
    /// The files of an archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<FileReport>>,
}

/// An error in words.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// Stable code.
    pub code: &'static str,
    /// For staff who read English.
    pub message: String,
    /// For staff who read Chinese.
    pub message_zh: String,
}

impl From<&ParseError> for Problem {
    fn from(error: &ParseError) -> Self {
        Self { code: error.code(), message: error.message(Lang::En), message_zh: error.message(Lang::Zh) }
    }
}

/// Describes the outcome of reading a file.
pub fn parse_report(outcome: &Result<ParsedFile, ParseError>) -> FileReport {
    match outcome {
        Ok(ParsedFile::Document(parsed)) => of_document(None, Ok(parsed)),
        Ok(ParsedFile::Archive(files)) => {
            let files = files.iter().map(|file| of_document(Some(file.name.clone()), file.parsed.as_ref())).collect();
            FileReport { format: Some(Format::Zip), files: Some(files), ..nothing(None) }
        }
        Err(error) => of_document(None, Err(error)),
    }
}

fn of_document(name: Option<String>, parsed: Result<&Parsed, &ParseError>) -> FileReport {
    match parsed {
        Ok(parsed) => FileReport {
            format: Some(parsed.format),
            pages: parsed.n_pages,
            blocks: parsed.blocks.clone(),
            warnings: parsed.warnings.clone(),
            ..nothing(name)
        },
        Err(error) => FileReport { error: Some(error.into()), ..nothing(name) },
    }
}

fn nothing(name: Option<String>) -> FileReport {
    FileReport { name, format: None, pages: None, blocks: Vec::new(), warnings: Vec::new(), error: None, files: None }
}
