//! Reads Word documents: titles by style, lists with their numbers, tables, in reading order.
//!
//! # Why
//! A DOCX is XML in an archive; walking the main part's events keeps the memory flat and needs no model of Word.
//! Headers, footers, comments and notes live in other parts and are not read. Deleted text is not read; hidden and
//! white text is reported.

mod styles;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::domain::document::Format;
use crate::ingest::archive::Archive;
use crate::ingest::draft::{Draft, RawKind};
use crate::ingest::grid::Grid;
use crate::ingest::parse::{ParseError, ParseLimits};
use crate::ingest::parse_text::{decode, heading_level};

use styles::{Counters, ListRef, Numbering, Styles};

/// Parses a Word document.
pub fn parse_docx(bytes: &[u8], limits: &ParseLimits) -> Result<Draft, ParseError> {
    let mut archive = Archive::open(bytes, limits)?;
    let mut part = |name: &str| -> Result<Option<String>, ParseError> {
        Ok(archive.read_named(name)?.map(|bytes| decode(&bytes).text))
    };
    let document = part("word/document.xml")?
        .ok_or_else(|| ParseError::Corrupt { detail: "word/document.xml is missing".into() })?;
    let styles = Styles::read(&part("word/styles.xml")?.unwrap_or_default());
    let numbering = Numbering::read(&part("word/numbering.xml")?.unwrap_or_default());
    let draft = walk(&document, Walker::new(styles, numbering));
    match draft.warnings.iter().find(|warning| warning.code == "cut_short") {
        Some(warning) if draft.blocks.is_empty() => Err(ParseError::Corrupt { detail: warning.detail.clone() }),
        _ if draft.blocks.is_empty() => Err(ParseError::Empty),
        _ => Ok(draft),
    }
}

/// Reads the main part as far as it goes.
fn walk(document: &str, mut walker: Walker) -> Draft {
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_end_names = false;
    let mut depth = 0i64;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                depth += 1;
                walker.open(&start);
            }
            Ok(Event::Empty(start)) => {
                walker.open(&start);
                walker.close(start.local_name().as_ref());
            }
            Ok(Event::End(end)) => {
                depth -= 1;
                walker.close(end.local_name().as_ref());
            }
            Ok(Event::Text(text)) => walker.write(&text.xml10_content()),
            Ok(Event::CData(text)) => walker.write(&text.xml10_content()),
            Ok(Event::GeneralRef(reference)) => walker.write(&resolve(&reference)),
            Ok(Event::Eof) => {
                if depth > 0 {
                    walker.draft.warn("cut_short", "the document ends in the middle");
                }
                break;
            }
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Err(error) => {
                walker.draft.warn("cut_short", error.to_string());
                break;
            }
        }
    }
    walker.finish()
}

/// A predefined or numeric reference. Entities of a document's own are how XML bombs are built: they stay unexpanded.
fn resolve(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    match &*reference.xml10_content() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
    .to_owned()
}

/// An attribute's value, whatever its prefix.
fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    let found = attributes.with_checks(false).flatten().find(|found| found.key.local_name().as_ref() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(Into::into)
}

/// A switch is on unless its value says otherwise.
fn is_on(start: &BytesStart<'_>) -> bool {
    !matches!(attribute(start, "val").as_deref(), Some("0" | "false" | "off" | "none"))
}

/// A paragraph being read.
#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    level: Option<u8>,
    list: ListRef,
}

/// A table being read.
#[derive(Default)]
struct Table {
    grid: Grid,
    cell: String,
    n_columns: usize,
    continues_above: bool,
}

/// State while walking through the events of the main part.
struct Walker {
    draft: Draft,
    styles: Styles,
    numbering: Numbering,
    counters: Counters,
    /// Paragraphs nest where a text box hangs on a paragraph.
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    items: Vec<String>,
    hidden: String,
    in_run: bool,
    in_text: bool,
    is_hidden_run: bool,
    /// Depth inside a subtree that is not read.
    skipping: Option<(String, usize)>,
}

impl Walker {
    fn new(styles: Styles, numbering: Numbering) -> Self {
        Self {
            draft: Draft::new(Format::Docx),
            styles,
            numbering,
            counters: Counters::default(),
            paragraphs: Vec::new(),
            tables: Vec::new(),
            items: Vec::new(),
            hidden: String::new(),
            in_run: false,
            in_text: false,
            is_hidden_run: false,
            skipping: None,
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) {
        let local = start.local_name();
        let name = local.as_ref();
        if let Some((skipped, depth)) = &mut self.skipping {
            *depth += usize::from(skipped == name);
            return;
        }
        // The fallback repeats its alternative; the others hold what was, not what is.
        if matches!(name, "Fallback" | "del" | "moveFrom" | "pPrChange" | "rPrChange" | "tblPrChange" | "sectPrChange")
        {
            self.skipping = Some((name.to_owned(), 1));
            return;
        }
        match name {
            "p" => self.paragraphs.push(Paragraph::default()),
            "r" => {
                self.in_run = true;
                self.is_hidden_run = false;
            }
            "t" => self.in_text = true,
            "tab" if self.in_run => self.write_break(" "),
            "br" | "cr" if self.in_run => self.write_break("\n"),
            "noBreakHyphen" => self.write_break("-"),
            "vanish" if self.in_run => self.is_hidden_run |= is_on(start),
            "color" if self.in_run => {
                self.is_hidden_run |= attribute(start, "val").is_some_and(|color| color.eq_ignore_ascii_case("ffffff"));
            }
            // White letters on a dark ground are there to be read.
            "shd" | "highlight" if self.in_run => self.is_hidden_run = false,
            "tbl" => {
                self.flush_items();
                self.tables.push(Table::default());
            }
            "tc" => self
                .with_table(|table| (table.cell, table.n_columns, table.continues_above) = (String::new(), 1, false)),
            _ => self.open_property(name, start),
        }
    }

    fn open_property(&mut self, name: &str, start: &BytesStart<'_>) {
        let value = attribute(start, "val");
        let number = value.as_deref().and_then(|value| value.parse::<usize>().ok());
        match name {
            "gridSpan" => self.with_table(|table| table.n_columns = number.unwrap_or(1)),
            "vMerge" => self.with_table(|table| table.continues_above = value.as_deref() != Some("restart")),
            _ if self.in_run => {}
            _ => {
                let Some(paragraph) = self.paragraphs.last_mut() else { return };
                match name {
                    "pStyle" => paragraph.style = value,
                    "outlineLvl" => paragraph.level = number.filter(|level| *level < 9).map(|level| level as u8 + 2),
                    "numId" => paragraph.list.id = value,
                    "ilvl" => paragraph.list.level = number.unwrap_or(0).min(8),
                    _ => {}
                }
            }
        }
    }

    fn close(&mut self, name: &str) {
        if let Some((skipped, depth)) = &mut self.skipping {
            *depth -= usize::from(skipped == name);
            if *depth == 0 {
                self.skipping = None;
            }
            return;
        }
        match name {
            "p" => self.end_paragraph(),
            "r" => self.in_run = false,
            "t" => self.in_text = false,
            "tc" => self.with_table(|table| {
                let text = std::mem::take(&mut table.cell);
                if table.continues_above && text.trim().is_empty() {
                    table.grid.add_cell_from_above(table.n_columns);
                } else {
                    table.grid.add_cell(text, table.n_columns, 1);
                }
            }),
            "tr" => self.with_table(|table| table.grid.end_row()),
            "tbl" => self.end_table(),
            _ => {}
        }
    }

    fn write(&mut self, text: &str) {
        if self.in_text && self.skipping.is_none() {
            self.write_break(text);
        }
    }

    fn write_break(&mut self, text: &str) {
        if self.is_hidden_run && self.in_run {
            self.hidden.push_str(text);
        } else if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn with_table(&mut self, change: impl FnOnce(&mut Table)) {
        if let Some(table) = self.tables.last_mut() {
            change(table);
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        self.draft.warn_hidden(&std::mem::take(&mut self.hidden));
        if paragraph.text.trim().is_empty() {
            return;
        }
        let style = paragraph.style.as_deref().unwrap_or_default();
        let list = if paragraph.list.id.is_some() { paragraph.list } else { self.styles.list_of(style) };
        let item = self.numbering.marker(&list, &mut self.counters).map(|marker| format!("{marker}{}", paragraph.text));
        if let Some(table) = self.tables.last_mut() {
            table.cell.push_str(item.as_deref().unwrap_or(&paragraph.text));
            table.cell.push('\n');
            return;
        }
        let level = paragraph.level.or_else(|| self.styles.level_of(style));
        let level = level.or_else(|| heading_level(&paragraph.text).filter(|_| item.is_none()).map(|level| level + 1));
        match (level, item) {
            (Some(level), _) => {
                self.flush_items();
                self.draft.push(RawKind::Heading(level), paragraph.text);
            }
            (None, Some(item)) => self.items.push(item),
            (None, None) => {
                self.flush_items();
                self.draft.push(RawKind::Paragraph, paragraph.text);
            }
        }
    }

    fn flush_items(&mut self) {
        let items = std::mem::take(&mut self.items);
        self.draft.push(RawKind::List, items.join("\n"));
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        let text = table.grid.into_text();
        match self.tables.last_mut() {
            Some(outer) => outer.cell.push_str(&text),
            // Word draws boxes around text with tables of one cell.
            None if !text.contains(" | ") => self.draft.push(RawKind::Paragraph, text),
            None => self.draft.push(RawKind::Table, text),
        }
    }

    fn finish(mut self) -> Draft {
        while !self.paragraphs.is_empty() {
            self.end_paragraph();
        }
        while !self.tables.is_empty() {
            self.end_table();
        }
        self.flush_items();
        self.draft
    }
}

#[cfg(test)]
mod tests;
