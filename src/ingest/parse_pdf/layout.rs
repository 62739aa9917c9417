//! From lines on paper to blocks: joins broken lines, drops what repeats on every page.
//!
//! # Why
//! A PDF knows where glyphs stand, not where a sentence goes on. A full line whose end ends nothing goes on in the next
//! one; between Chinese characters no space belongs. Heads and feet of pages would otherwise stand in the middle of
//! sentences and be found for every question.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use super::engines::PageText;
use super::geometry::{Geometry, Line, body_size};
use crate::domain::text::is_han;
use crate::ingest::draft::{RawBlock, RawKind};
use crate::ingest::parse_text::parse_text;

/// A line is a running head or foot if it stands at the edge of this many pages and of this share of them.
const RUNNING_PAGES: usize = 3;
const RUNNING_SHARE: f64 = 0.3;
/// Lines at the top and at the bottom of a page that may be running ones.
const EDGE_LINES: usize = 3;
/// A line of at least this share of the usual longest is full.
const FULL_LINE_SHARE: f64 = 0.8;
/// Letters this much larger than the body make a title, of the third, second and first level.
const TITLE_SIZES: [f32; 3] = [1.15, 1.4, 1.8];
/// A title is no longer than this.
const MAX_TITLE_WIDTH: usize = 80;
const MAX_TITLE_LINES: usize = 2;

/// The lines of a page; an empty one where the engine saw a break.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    lines: Vec<Line>,
}

impl Page {
    /// From an engine's text, with what the positions of the words add to it.
    pub fn new(text: &str, geometry: &Geometry) -> Self {
        Self { lines: text.lines().map(|line| geometry.line(line)).collect() }
    }

    fn visible_lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.text.is_empty())
    }
}

/// What is known only of all pages together.
pub(super) struct Style {
    running: HashSet<String>,
    body_size: f32,
}

impl Style {
    /// Looks through the pages that were read.
    pub fn of(pages: &[PageText]) -> Self {
        let read = || pages.iter().filter_map(PageText::page);
        let mut counts: HashMap<String, usize> = HashMap::new();
        for page in read() {
            let edges = page.visible_lines().take(EDGE_LINES).chain(page.visible_lines().rev().take(EDGE_LINES));
            for line in edges.map(|line| without_digits(&line.text)).collect::<HashSet<_>>() {
                *counts.entry(line).or_default() += 1;
            }
        }
        let least = RUNNING_PAGES.max((read().count() as f64 * RUNNING_SHARE).ceil() as usize);
        let running = counts.into_iter().filter(|(line, n)| !line.is_empty() && *n >= least).map(|(line, _)| line);
        Self { running: running.collect(), body_size: body_size(read().flat_map(|page| &page.lines)) }
    }

    /// The blocks of a page, without running lines and page numbers at its edges.
    pub fn blocks(&self, page: &Page) -> Vec<RawBlock> {
        let n_lines = page.visible_lines().count();
        let mut line_idx = 0;
        let mut builder = Builder::default();
        for line in &page.lines {
            line_idx += usize::from(!line.text.is_empty());
            let is_at_edge = line_idx <= EDGE_LINES || line_idx + EDGE_LINES > n_lines;
            if is_at_edge && (self.running.contains(&without_digits(&line.text)) || is_page_number(&line.text)) {
                continue;
            }
            match self.title_level(line) {
                _ if line.n_cells > 1 => builder.add_row(line),
                Some(level) => builder.add_title(level, line),
                None => builder.add_text(line),
            }
        }
        builder.finish()
    }

    fn title_level(&self, line: &Line) -> Option<u8> {
        let ends_sentence = line.text.ends_with(['。', '.', '，', ',', '；', ';', '：', ':']);
        let has_letters = line.text.chars().any(char::is_alphabetic);
        if self.body_size == 0.0 || ends_sentence || !has_letters || width(&line.text) > MAX_TITLE_WIDTH {
            return None;
        }
        let ratio = line.size / self.body_size;
        let n_reached = TITLE_SIZES.iter().filter(|least| ratio >= **least).count();
        (n_reached > 0).then_some(4 - n_reached as u8)
    }
}

/// Collects lines of one kind until another kind begins.
#[derive(Default)]
struct Builder {
    blocks: Vec<RawBlock>,
    prose: String,
    rows: Vec<Line>,
    title: Option<Title>,
}

/// Large lines that may be a title.
struct Title {
    level: u8,
    size: f32,
    text: String,
    n_lines: usize,
}

impl Builder {
    fn add_row(&mut self, line: &Line) {
        self.end_title();
        self.end_prose();
        self.rows.push(line.clone());
    }

    fn add_title(&mut self, level: u8, line: &Line) {
        self.end_prose();
        self.end_rows();
        match &mut self.title {
            // A long title takes several lines of one size.
            Some(title) if (title.size - line.size).abs() < 0.5 => {
                join(&mut title.text, &line.text);
                title.n_lines += 1;
            }
            _ => {
                self.end_title();
                self.title = Some(Title { level, size: line.size, text: line.text.clone(), n_lines: 1 });
            }
        }
    }

    fn add_text(&mut self, line: &Line) {
        if !line.text.is_empty() {
            // A paragraph in large print looks like a title until it goes on in the same size.
            match self.title.take() {
                Some(title) if (title.size - line.size).abs() < 0.5 => {
                    self.prose.push_str(&title.text);
                    self.prose.push('\n');
                }
                title => self.title = title,
            }
            self.end_title();
            self.end_rows();
        }
        self.prose.push_str(&line.text);
        self.prose.push('\n');
    }

    fn end_title(&mut self) {
        let Some(title) = self.title.take() else { return };
        let is_title = title.n_lines <= MAX_TITLE_LINES && width(&title.text) <= MAX_TITLE_WIDTH;
        self.push(if is_title { RawKind::Heading(title.level) } else { RawKind::Paragraph }, &title.text);
    }

    /// One row alone is a line with a gap in it.
    fn end_rows(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let text = rows.iter().map(|row| row.text.as_str()).collect::<Vec<_>>().join("\n");
        match rows.len() {
            0 => {}
            1 => self.push(RawKind::Paragraph, &text.replace(" | ", " ")),
            _ => self.push(RawKind::Table, &text),
        }
    }

    fn end_prose(&mut self) {
        let prose = std::mem::take(&mut self.prose);
        for block in parse_text(&join_lines(&prose)).blocks {
            self.push(block.kind, &block.text);
        }
    }

    fn push(&mut self, kind: RawKind, text: &str) {
        let text = close_up(text);
        if !text.trim().is_empty() {
            self.blocks.push(RawBlock { kind, page: None, text });
        }
    }

    fn finish(mut self) -> Vec<RawBlock> {
        self.end_title();
        self.end_rows();
        self.end_prose();
        self.blocks
    }
}

fn without_digits(line: &str) -> String {
    line.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace()).collect()
}

fn is_page_number(line: &str) -> bool {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        let lang = "(?:EN|FR|DE|ES|IT|NL|PT|PL|RU|CN|SC|TC|JP|KR)";
        let one =
            format!(r"[-–—~]?\s*\d{{1,4}}\s*[-–—~]?|{lang}\s*\d{{1,4}}|\d{{1,4}}\s*{lang}|\d{{1,4}}\s*/\s*\d{{1,4}}");
        let page = r"(?i:page)\s*\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?";
        let chinese = r"第\s*\d{1,4}\s*[页頁](?:[，,]?\s*共\s*\d{1,4}\s*[页頁])?";
        Regex::new(&format!(r"^\s*(?:{one}|{page}|{chinese})\s*$")).expect("a constant pattern")
    });
    NUMBER.is_match(line)
}

/// Joins lines that a sentence crosses.
fn join_lines(text: &str) -> String {
    let mut widths: Vec<usize> = text.lines().map(|line| width(line.trim())).filter(|width| *width > 0).collect();
    widths.sort_unstable();
    let usual_longest = widths.get(widths.len() * 9 / 10).copied().unwrap_or(0);
    let mut out = String::with_capacity(text.len());
    let mut previous = "";
    for line in text.lines() {
        let line = line.trim_end();
        let is_full = width(previous.trim()) as f64 >= usual_longest as f64 * FULL_LINE_SHARE;
        if previous.is_empty() || line.trim().is_empty() || !is_full || !goes_on(previous, line.trim()) {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(line);
        } else {
            join(&mut out, line.trim());
        }
        previous = line;
    }
    out
}

/// Han characters are twice as wide as letters.
fn width(line: &str) -> usize {
    line.chars().map(|c| if is_han(c) { 2 } else { 1 }).sum()
}

fn goes_on(line: &str, next: &str) -> bool {
    static BEGINS_ANEW: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:[-•●·■□▪◆*]|[①-⑳]|\d{1,2}[.)、）]|[（(][\d一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、|第[一二三四五六七八九十百\d]{1,5}[章节節条條])")
            .expect("a constant pattern")
    });
    !line.trim_end().ends_with(['。', '！', '？', '：', '；', '.', '!', '?', ':']) && !BEGINS_ANEW.is_match(next)
}

fn join(out: &mut String, next: &str) {
    let last = out.chars().last();
    let first = next.chars().next();
    let is_hyphenated = last == Some('-')
        && out.chars().rev().nth(1).is_some_and(char::is_lowercase)
        && first.is_some_and(char::is_lowercase);
    match (last, first) {
        _ if is_hyphenated => {
            out.pop();
        }
        (Some(last), Some(first)) if is_wide(last) || is_wide(first) => {}
        _ => out.push(' '),
    }
    out.push_str(next);
}

/// Takes out spaces between wide characters: they come from typesetting.
fn close_up(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut spaces = 0;
    for c in text.chars() {
        if c == ' ' {
            spaces += 1;
            continue;
        }
        let is_typesetting = is_wide(c) && out.chars().last().is_some_and(is_wide);
        if spaces > 0 && !is_typesetting {
            out.push(' ');
        }
        spaces = 0;
        out.push(c);
    }
    out
}

fn is_wide(c: char) -> bool {
    is_han(c) || matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff60}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, n_cells: usize, size: f32) -> Line {
        Line { text: text.to_owned(), n_cells, size }
    }

    fn read(lines: Vec<Line>) -> PageText {
        PageText::Read(Page { lines })
    }

    fn blocks(pages: &[PageText], idx: usize) -> Vec<(RawKind, String)> {
        let style = Style::of(pages);
        let page = pages[idx].page().unwrap();
        style.blocks(page).into_iter().map(|block| (block.kind, block.text)).collect()
    }

    #[test]
    fn a_sentence_that_crosses_lines_is_joined() {
        let text = "本公司應於效力停止日之前以書面通知要保人，並且說明\n原因。\n一、保險費率所載最高年齡為大者，本契約無效，其已繳\n保險費無息退還。";
        let joined = join_lines(text);
        assert_eq!(joined.lines().count(), 2, "{joined}");
        let joined = join_lines(
            "Press and hold the pow-\ner button for three seconds\nuntil it blinks.\n• Then let go of it at once",
        );
        assert_eq!(
            joined,
            "Press and hold the power button for three seconds until it blinks.\n• Then let go of it at once"
        );
    }

    #[test]
    fn spaces_between_chinese_characters_go() {
        assert_eq!(close_up("合 併 綜  合 BTT SKR 主 板"), "合併綜合 BTT SKR 主板");
    }

    #[test]
    fn larger_lines_are_titles_and_lines_with_gaps_are_rows() {
        let body = "This is the body of the text and it is long enough to be the commonest size.";
        let pages = [read(vec![
            line("User manual", 1, 20.0),
            line("PB-10", 1, 20.0),
            line(body, 1, 10.0),
            line("", 1, 0.0),
            line("Size", 1, 12.0),
            line("Item | Value", 2, 10.0),
            line("Weight | 2 kg", 2, 10.0),
            line("Shipped | by sea", 2, 10.0),
            line("Then text.", 1, 10.0),
            line("A | gap", 2, 10.0),
        ])];
        assert_eq!(
            blocks(&pages, 0),
            [
                (RawKind::Heading(1), "User manual PB-10".to_owned()),
                (RawKind::Paragraph, body.to_owned()),
                (RawKind::Heading(3), "Size".to_owned()),
                (RawKind::Table, "Item | Value\nWeight | 2 kg\nShipped | by sea".to_owned()),
                (RawKind::Paragraph, "Then text.".to_owned()),
                (RawKind::Paragraph, "A gap".to_owned()),
            ]
        );
    }

    #[test]
    fn heads_and_feet_of_pages_are_dropped() {
        let page = |n| {
            let text = [format!("Manual AF-500 v{n}"), String::new(), format!("Text of page {n}."), format!("EN {n}")];
            read(text.iter().map(|text| line(text, 1, 10.0)).collect())
        };
        let pages: Vec<PageText> = (1..6).map(page).collect();
        // The text is as repetitive as the head; a fourth line keeps it off the edges' vote by its words.
        let found = blocks(&pages, 2);
        assert!(found.iter().all(|(_, text)| !text.contains("AF-500") && !text.contains("EN")), "{found:?}");
    }

    #[test]
    fn page_numbers_are_known_by_their_shape() {
        for line in ["12", "- 7 -", "EN 7", "7EN", "Page 3 of 9", "第 11 頁，共 16 頁", "~4~"] {
            assert!(is_page_number(line), "{line}");
        }
        for line in ["7 days", "AF-500", "第 3 章"] {
            assert!(!is_page_number(line), "{line}");
        }
    }
}
