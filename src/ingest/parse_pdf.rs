//! Reads PDF, page by page, with two engines; the better text of a page wins.
//!
//! # Why
//! Measured on 56 PDFs: 32 ordinary ones (manuals in English and Chinese, insurance terms and statements full of tables
//! in traditional Chinese), 4 of images only, 20 broken or hostile ones; two busy cores, 512 MB each.
//!
//! | | pdf_oxide | pdf-extract |
//! |---|---|---|
//! | ordinary files with text found | 32 | 32 |
//! | share found of the other's characters, worst file | 0.96 | 0.87 |
//! | time for these 32 | 15 s | 23 s |
//! | hostile files with text (17 have some) | 17, one by its empty password | 9, five panics |
//! | CJK fonts that are not embedded (4 files) | reads all | panics on all |
//! | vertical writing (1 file) | reads it | nothing |
//! | two columns | column by column | in drawing order, titles torn off |
//! | cells of a row | glued together | glued, or parted by one space |
//! | lines of mixed Latin and Chinese (1 file) | torn at each change of font | whole |
//! | damaged fonts (1 file) | 454 characters unreadable | none |
//!
//! So pdf_oxide reads every page, and pdf-extract is asked for the pages whose text looks torn, damaged or empty; the
//! score that decides is [`score::score`]. Both glue the cells of a row together; positions part them ([`geometry`]).
//! pdf_oxide can write Markdown, too, but dropped up to a fifth of the characters of a statement and every full stop of
//! a page printed by a browser, so it is not used. The engines run behind `catch_unwind`, and the whole behind the
//! limits of the child process.

mod engines;
mod geometry;
mod hidden;
mod layout;
mod score;

use std::time::{Duration, Instant};

use crate::domain::document::Format;
use crate::ingest::draft::{Draft, RawBlock};
use crate::ingest::parse::{ParseError, ParseLimits};

use engines::{Opened, PageText};

/// Share of the time limit after which only the first engine's plain text is taken.
const THOROUGH_SHARE: f64 = 0.5;
/// Share of the time limit after which no further page is begun.
const READING_SHARE: f64 = 0.85;

/// How far from its end a whole file says that it ends.
const EOF_WINDOW: usize = 2048;

/// Parses a PDF.
///
/// **Errors**: a file with no text on any page is [`ParseError::NoText`], one whose text is gibberish
/// [`ParseError::Garbled`]. Single pages of that kind are warnings.
pub fn parse_pdf(bytes: &[u8], limits: &ParseLimits) -> Result<Draft, ParseError> {
    let begun = Instant::now();
    let budget = Duration::from_millis(limits.timeout_ms);
    let mut opened = Opened::open(bytes)?;
    let n_pages = opened.n_pages();
    if n_pages > limits.max_pages {
        return Err(ParseError::TooManyPages { n_pages, limit: limits.max_pages });
    }
    let mut pages = Vec::new();
    for page in 1..=n_pages {
        if begun.elapsed() > budget.mul_f64(READING_SHARE) {
            break;
        }
        let is_thorough = begun.elapsed() < budget.mul_f64(THOROUGH_SHARE);
        pages.push(opened.read_page(page, is_thorough));
    }
    let is_whole = bytes[bytes.len().saturating_sub(EOF_WINDOW)..].windows(5).any(|window| window == b"%%EOF");
    let mut draft = assemble(&pages, n_pages, is_whole)?;
    for text in opened.hidden() {
        draft.warn_hidden(text);
    }
    for text in hidden::shown_nowhere(opened.take_outside(), &draft.blocks) {
        draft.warn_hidden(&text);
    }
    Ok(draft)
}

/// Puts the pages together and says what became of those that could not be read.
fn assemble(pages: &[PageText], n_pages: u32, is_whole: bool) -> Result<Draft, ParseError> {
    let numbers_of = |wanted: fn(&PageText) -> bool| -> Vec<u32> {
        (1u32..).zip(pages).filter(|(_, page)| wanted(page)).map(|(number, _)| number).collect()
    };
    let garbled = numbers_of(|page| matches!(page, PageText::Garbled));
    let pictures = numbers_of(|page| matches!(page, PageText::Picture));
    let unreadable = numbers_of(|page| matches!(page, PageText::Unreadable));
    let mut draft = Draft::new(Format::Pdf);
    draft.n_pages = Some(n_pages);
    let style = layout::Style::of(pages);
    for (number, page) in (1u32..).zip(pages) {
        let blocks = page.page().map(|page| style.blocks(page)).unwrap_or_default();
        draft.blocks.extend(blocks.into_iter().map(|block| RawBlock { page: Some(number), ..block }));
    }
    if draft.blocks.is_empty() {
        return Err(match () {
            () if !garbled.is_empty() => ParseError::Garbled { n_pages },
            () if !is_whole && pictures.is_empty() => {
                ParseError::Corrupt { detail: "the end of the file is missing".into() }
            }
            () if unreadable.len() == pages.len() => ParseError::Corrupt { detail: "no page can be read".into() },
            () => ParseError::NoText { n_pages },
        });
    }
    for (code, numbers) in [("page_garbled", garbled), ("page_without_text", pictures), ("page_unreadable", unreadable)]
    {
        if !numbers.is_empty() {
            draft.warn(code, list(&numbers));
        }
    }
    if (pages.len() as u64) < u64::from(n_pages) {
        draft.warn("cut_short", format!("pages {}-{n_pages} were not read in time", pages.len() + 1));
    }
    Ok(draft)
}

fn list(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
