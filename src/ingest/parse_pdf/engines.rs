//! The two engines behind one door: open, count pages, read a page, never panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document, PlainTextOutput};
use pdf_oxide::document::PdfDocument;
use pdf_oxide::extractors::SpanMergingConfig;
use pdf_oxide::layout::TextSpan;

use super::geometry::Geometry;
use super::hidden::{cut_out, hidden_runs, runs_outside};
use super::layout::Page;
use super::score::{is_garbled, is_suspect, score};
use crate::ingest::parse::ParseError;

/// How much better the second engine must be: its order of reading is worse.
const SECOND_ENGINE_LEAD: f64 = 1.1;

/// What a page gave.
#[derive(Debug, Clone)]
pub(super) enum PageText {
    /// Text.
    Read(Page),
    /// Pictures and no text.
    Picture,
    /// Neither.
    Blank,
    /// Characters that mean nothing.
    Garbled,
    /// Both engines failed.
    Unreadable,
}

impl PageText {
    /// The lines, if there are any.
    pub fn page(&self) -> Option<&Page> {
        match self {
            Self::Read(page) => Some(page),
            Self::Picture | Self::Blank | Self::Garbled | Self::Unreadable => None,
        }
    }
}

/// A document open in the first engine, and in the second one once it was needed.
pub(super) struct Opened<'a> {
    bytes: &'a [u8],
    first: Option<AssertUnwindSafe<PdfDocument>>,
    second: Option<Option<Document>>,
    n_pages: u32,
    hidden: Vec<String>,
    outside: Vec<String>,
}

impl<'a> Opened<'a> {
    /// Opens `bytes` in whichever engine can.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut opened = Self { bytes, first: None, second: None, n_pages: 0, hidden: Vec::new(), outside: Vec::new() };
        let failure = match open_first(bytes) {
            Ok(document) => {
                opened.n_pages = n_pages_of(&document);
                opened.first = Some(AssertUnwindSafe(document));
                ParseError::Corrupt { detail: "the document has no pages".into() }
            }
            Err(error) => error,
        };
        if opened.n_pages == 0 {
            let n_pages = opened.second().map_or(0, |document| document.get_pages().len());
            opened.n_pages = u32::try_from(n_pages).unwrap_or(u32::MAX);
        }
        if opened.n_pages == 0 { Err(failure) } else { Ok(opened) }
    }

    /// How many pages there are; at least one.
    pub fn n_pages(&self) -> u32 {
        self.n_pages
    }

    /// Reads the page with this number, from 1.
    pub fn read_page(&mut self, number: u32, is_thorough: bool) -> PageText {
        if is_thorough {
            let outside = self.outside_of_page(number as usize - 1).unwrap_or_default();
            self.outside.extend(outside);
        }
        let first = self.first.as_ref();
        let mut best = first.and_then(|document| guarded(|| document.extract_text(number as usize - 1).ok()));
        if best.as_deref().is_none_or(is_suspect)
            && is_thorough
            && let Some(second) = self.second_text(number)
            && score(&second) > SECOND_ENGINE_LEAD * best.as_deref().map_or(0.0, score)
        {
            best = Some(second);
        }
        match best {
            None => PageText::Unreadable,
            Some(text) if text.trim().is_empty() => self.empty_page(number),
            Some(text) if is_garbled(&text) => PageText::Garbled,
            Some(text) => {
                let spans = self.spans(number);
                let text = self.without_hidden(text, &spans);
                PageText::Read(Page::new(&text, &Geometry::of(&spans)))
            }
        }
    }

    /// What was left out of the pages so far because nobody can read it.
    pub fn hidden(&self) -> &[String] {
        &self.hidden
    }

    /// What stands beside the pages so far; other pages may show it.
    pub fn take_outside(&mut self) -> Vec<String> {
        std::mem::take(&mut self.outside)
    }

    /// The engine drops it from its text; before it merges words it still has it.
    fn outside_of_page(&self, page_idx: usize) -> Option<Vec<String>> {
        let document = self.first.as_ref()?;
        guarded(|| {
            let corners = document.get_page_visible_box(page_idx).ok()?;
            let spans = document.extract_spans_with_config(page_idx, SpanMergingConfig::default()).ok()?;
            Some(runs_outside(&spans, corners))
        })
    }

    fn without_hidden(&mut self, text: String, spans: &[TextSpan]) -> String {
        let runs = hidden_runs(spans);
        let shown = runs.iter().fold(text, |text, run| cut_out(&text, run));
        self.hidden.extend(runs);
        shown
    }

    fn empty_page(&self, number: u32) -> PageText {
        let has_picture = self.first.as_ref().is_some_and(|document| {
            guarded(|| document.page_image_handles(number as usize - 1).ok())
                .is_some_and(|pictures| !pictures.is_empty())
        });
        if has_picture { PageText::Picture } else { PageText::Blank }
    }

    /// Where the words of the page stand; the first engine knows, whichever text won.
    fn spans(&self, number: u32) -> Vec<TextSpan> {
        let spans =
            self.first.as_ref().and_then(|document| guarded(|| document.extract_spans(number as usize - 1).ok()));
        spans.unwrap_or_default()
    }

    fn second_text(&mut self, number: u32) -> Option<String> {
        let document = self.second()?;
        guarded(|| {
            let mut text = String::new();
            pdf_extract::output_doc_page(document, &mut PlainTextOutput::new(&mut text), number).ok()?;
            Some(text)
        })
    }

    fn second(&mut self) -> Option<&Document> {
        let bytes = self.bytes;
        self.second.get_or_insert_with(|| guarded(|| open_second(bytes))).as_ref()
    }
}

fn open_first(bytes: &[u8]) -> Result<PdfDocument, ParseError> {
    let broken = |detail: String| ParseError::Corrupt { detail };
    let opened = catch_unwind(|| PdfDocument::from_bytes(bytes.to_vec()))
        .map_err(|_| broken("the engine panicked".into()))?
        .map_err(|error| broken(error.to_string()))?;
    if !opened.is_encrypted() {
        return Ok(opened);
    }
    // A file that is only protected against copying opens with the empty password.
    match guarded(|| opened.authenticate(b"").ok()) {
        Some(true) => Ok(opened),
        _ => Err(ParseError::Encrypted),
    }
}

fn open_second(bytes: &[u8]) -> Option<Document> {
    let mut document = Document::load_mem(bytes).ok()?;
    if document.is_encrypted() {
        document.decrypt("").ok()?;
    }
    Some(document)
}

fn n_pages_of(document: &PdfDocument) -> u32 {
    guarded(|| document.page_count().ok()).and_then(|n_pages| u32::try_from(n_pages).ok()).unwrap_or(0)
}

/// A panic of an engine costs one page, not the file.
fn guarded<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(None)
}
