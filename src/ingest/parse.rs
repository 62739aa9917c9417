//! Reads one file of any of our formats, or says truly why not.
//!
//! # Why
//! Parsing is hostile: parsers of PDF panic, loop and allocate without end. [`parse_bytes`] is the plain function;
//! uploads go through [`parse_in_child`], which runs it in a process of its own with limits that the kernel keeps. Each
//! file of an archive gets a process of its own, too, so that one bad file costs only itself.

mod child;
mod error;
mod report;

use serde::{Deserialize, Serialize};

use crate::domain::document::{Format, Parsed};
use crate::ingest::archive::{Archive, is_safe_name};
use crate::ingest::draft::Draft;
use crate::ingest::normalize::normalize;
use crate::ingest::parse_table::NumberedRow;
use crate::ingest::parse_text::{decode, decode_html, parse_text, warn_of_undecodable};
use crate::ingest::sniff::sniff;
use crate::ingest::{parse_docx, parse_html, parse_markdown, parse_pdf, parse_table};

pub use child::{parse_in_child, read_questions_in_child, rows_in_child, run_parse_child};
pub use error::ParseError;
pub use report::{FileReport, Problem, parse_report};

/// What reading one file may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseLimits {
    /// Wall-clock and processor time for a file, or for each file of an archive.
    pub timeout_ms: u64,
    /// Address space of the reading process.
    pub memory_bytes: u64,
    /// Size of the upload.
    pub input_bytes: u64,
    /// Size of the text found.
    pub output_bytes: u64,
    /// Pages of a PDF.
    pub max_pages: u32,
    /// Size of everything in an archive, unpacked.
    pub archive_bytes: u64,
    /// How many times larger than itself an archive may unpack.
    pub archive_ratio: u64,
    /// Files in an archive.
    pub archive_entries: usize,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            timeout_ms: 30_000,
            memory_bytes: 512 << 20,
            input_bytes: 50 << 20,
            output_bytes: 20 << 20,
            max_pages: 2_000,
            archive_bytes: 200 << 20,
            archive_ratio: 100,
            archive_entries: 2_000,
        }
    }
}

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsedFile {
    /// A document.
    Document(Parsed),
    /// An archive, with what became of each file in it.
    Archive(Vec<ArchivedFile>),
}

/// A file inside an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedFile {
    /// Its path in the archive.
    pub name: String,
    /// What it holds, or why it was not read.
    pub parsed: Result<Parsed, ParseError>,
}

/// What is inside a file: a document, or the names of the files of an archive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    Document(Parsed),
    Listing(Vec<(usize, String)>),
}

/// Reads a file in this process. **Blocking**, unbounded in time: for tests and for the child process.
pub fn parse_bytes(file_name: &str, bytes: &[u8], limits: &ParseLimits) -> Result<ParsedFile, ParseError> {
    match parse_whole(file_name, bytes, limits)? {
        Content::Document(parsed) => Ok(ParsedFile::Document(parsed)),
        Content::Listing(names) => Ok(ParsedFile::Archive(
            names
                .into_iter()
                .map(|(idx, name)| ArchivedFile { parsed: parse_entry(idx, &name, bytes, limits), name })
                .collect(),
        )),
    }
}

/// The rows of a sheet, top to bottom; of a workbook, of its first sheet that has any.
fn read_rows(file_name: &str, bytes: &[u8], limits: &ParseLimits) -> Result<Vec<NumberedRow>, ParseError> {
    let rows = match sniff(file_name, bytes, limits)? {
        Format::Xlsx => {
            Archive::open(bytes, limits)?.verify_sizes()?;
            parse_table::record_rows(bytes)?
        }
        Format::Csv | Format::Text => parse_table::csv_rows(&decode(bytes).text),
        other => return Err(ParseError::Unsupported { found: format!("{other:?}").to_lowercase() }),
    };
    let n_bytes: usize = rows.iter().flat_map(|(_, row)| row).map(String::len).sum();
    match n_bytes as u64 {
        0 => Err(ParseError::Empty),
        n_bytes if n_bytes > limits.output_bytes => Err(ParseError::TooMuchText { limit_bytes: limits.output_bytes }),
        _ => Ok(rows),
    }
}

/// Reads a document, or lists an archive.
fn parse_whole(file_name: &str, bytes: &[u8], limits: &ParseLimits) -> Result<Content, ParseError> {
    match sniff(file_name, bytes, limits)? {
        Format::Zip => {
            let names = Archive::open(bytes, limits)?.names()?;
            if names.is_empty() { Err(ParseError::Empty) } else { Ok(Content::Listing(names)) }
        }
        format => parse_document(format, bytes, limits).map(Content::Document),
    }
}

/// Reads one file of an archive.
fn parse_entry(idx: usize, name: &str, bytes: &[u8], limits: &ParseLimits) -> Result<Parsed, ParseError> {
    if !is_safe_name(name) {
        return Err(ParseError::UnsafeName);
    }
    let inner = Archive::open(bytes, limits)?.read(idx)?;
    match sniff(name, &inner, limits)? {
        Format::Zip => Err(ParseError::NestedArchive),
        format => parse_document(format, &inner, limits),
    }
}

fn parse_document(format: Format, bytes: &[u8], limits: &ParseLimits) -> Result<Parsed, ParseError> {
    let draft = match format {
        Format::Pdf => parse_pdf::parse_pdf(bytes, limits)?,
        Format::Docx => parse_docx::parse_docx(bytes, limits)?,
        Format::Xlsx => {
            Archive::open(bytes, limits)?.verify_sizes()?;
            parse_table::parse_xlsx(bytes)?
        }
        Format::Csv => parse_table::parse_csv(bytes),
        Format::Markdown => parse_decoded(decode(bytes), parse_markdown::parse_markdown),
        Format::Html => parse_decoded(decode_html(bytes), parse_html::parse_html),
        Format::Text => parse_decoded(decode(bytes), parse_text),
        Format::Zip => return Err(ParseError::NestedArchive),
    };
    let n_bytes: usize = draft.blocks.iter().map(|block| block.text.len()).sum();
    if n_bytes as u64 > limits.output_bytes {
        return Err(ParseError::TooMuchText { limit_bytes: limits.output_bytes });
    }
    let parsed = normalize(draft);
    if parsed.text.is_empty() { Err(ParseError::Empty) } else { Ok(parsed) }
}

fn parse_decoded(decoded: super::parse_text::Decoded, parse: impl FnOnce(&str) -> Draft) -> Draft {
    let mut draft = parse(&decoded.text);
    warn_of_undecodable(&mut draft, &decoded);
    draft
}

#[cfg(test)]
mod tests;
