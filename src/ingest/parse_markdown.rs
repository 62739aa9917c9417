//! Reads Markdown: headings, lists, tables, code. What a reader of the rendered page would not see is left out.
//!
//! # Why
//! Raw HTML in Markdown goes through the HTML reader, so that the same rules of visibility hold. Lines of a table
//! without a header row (converters write them) are no table to CommonMark; they are recognised by their bars.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::domain::document::Format;
use crate::ingest::draft::{Draft, RawKind, join_cells};
use crate::ingest::parse_html;

/// Parses Markdown text.
pub fn parse_markdown(text: &str) -> Draft {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Reader::new();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.row_has_bars = text[range].contains('|');
        reader.read(event);
    }
    reader.finish()
}

/// State while walking through the events.
struct Reader {
    draft: Draft,
    /// Text of the block being read.
    text: String,
    /// Counters of the open lists, outermost first; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Lines of the outermost open list.
    items: Vec<String>,
    rows: Vec<String>,
    cells: Vec<String>,
    /// Lines right below a table, which CommonMark takes for rows of one cell.
    below_table: String,
    /// Whether the source of the current event has a bar.
    row_has_bars: bool,
    html: String,
    link: Option<String>,
    /// Whether the open item has nothing but its marker yet.
    item_is_fresh: bool,
    /// Name of the open hidden inline element, and the text inside it.
    hidden: Option<(String, String)>,
}

impl Reader {
    fn new() -> Self {
        Self {
            draft: Draft::new(Format::Markdown),
            text: String::new(),
            lists: Vec::new(),
            items: Vec::new(),
            rows: Vec::new(),
            cells: Vec::new(),
            below_table: String::new(),
            row_has_bars: false,
            html: String::new(),
            link: None,
            item_is_fresh: false,
            hidden: None,
        }
    }

    fn read(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) | Event::Code(text) => self.write(&text),
            Event::SoftBreak | Event::HardBreak => self.write("\n"),
            Event::Rule => self.flush(RawKind::Paragraph),
            Event::Html(html) => self.html.push_str(&html),
            Event::InlineHtml(html) => self.inline_html(&html),
            Event::TaskListMarker(is_done) => self.write(if is_done { "[x] " } else { "[ ] " }),
            Event::FootnoteReference(name) => self.write(&format!("[{name}]")),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.write(&text),
        }
    }

    fn write(&mut self, text: &str) {
        self.item_is_fresh = false;
        match &mut self.hidden {
            Some((_, hidden)) => hidden.push_str(text),
            None => self.text.push_str(text),
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::List(start) => {
                if self.lists.is_empty() {
                    self.flush(RawKind::Paragraph);
                } else {
                    self.end_item_line();
                }
                self.lists.push(*start);
            }
            Tag::Item => self.begin_item(),
            Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::Table(_) if self.lists.is_empty() => {
                self.flush(RawKind::Paragraph);
            }
            Tag::Paragraph | Tag::CodeBlock(_) if !self.lists.is_empty() && !self.item_is_fresh => self.write("\n"),
            Tag::Link { dest_url, .. } => self.link = Some(dest_url.to_string()),
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        self.close_hidden_at_block_end(tag);
        match tag {
            TagEnd::Heading(level) if self.lists.is_empty() => self.flush(RawKind::Heading(level_of(level))),
            TagEnd::Paragraph if self.lists.is_empty() => self.end_paragraph(),
            TagEnd::CodeBlock if self.lists.is_empty() => self.flush(RawKind::Code),
            TagEnd::Item => self.end_item_line(),
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    let items = std::mem::take(&mut self.items).join("\n");
                    self.draft.push(RawKind::List, items);
                }
            }
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead | TagEnd::TableRow => {
                let cells = std::mem::take(&mut self.cells);
                if self.row_has_bars {
                    self.rows.push(join_cells(&cells));
                } else {
                    self.below_table.push_str(&cells.concat());
                    self.below_table.push('\n');
                }
            }
            TagEnd::Table => self.end_table(),
            TagEnd::Link => self.end_link(),
            TagEnd::HtmlBlock => self.end_html(),
            TagEnd::MetadataBlock(_) => {
                let text = std::mem::take(&mut self.text);
                self.draft.warn("front_matter_removed", text.trim());
            }
            _ => {}
        }
    }

    fn flush(&mut self, kind: RawKind) {
        let text = std::mem::take(&mut self.text);
        self.draft.push(kind, text);
    }

    fn begin_item(&mut self) {
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        };
        self.text.push_str(&indent);
        self.text.push_str(&marker);
        self.item_is_fresh = true;
    }

    fn end_item_line(&mut self) {
        let line = std::mem::take(&mut self.text);
        if !line.trim().is_empty() {
            self.items.push(line);
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        let mut prose = String::new();
        let mut rows: Vec<String> = Vec::new();
        for line in text.lines() {
            match cells_of_bars(line) {
                Some(cells) => {
                    self.draft.push(RawKind::Paragraph, std::mem::take(&mut prose));
                    rows.push(join_cells(&cells));
                }
                None => {
                    self.push_rows(&mut rows);
                    prose.push_str(line);
                    prose.push('\n');
                }
            }
        }
        self.push_rows(&mut rows);
        self.draft.push(RawKind::Paragraph, prose);
    }

    fn push_rows(&mut self, rows: &mut Vec<String>) {
        rows.retain(|row| !row.is_empty());
        self.draft.push(RawKind::Table, rows.join("\n"));
        rows.clear();
    }

    fn end_table(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        let below = std::mem::take(&mut self.below_table);
        if self.lists.is_empty() {
            self.push_rows(&mut rows);
            self.draft.push(RawKind::Paragraph, below);
        } else {
            rows.push(below);
            self.text.push('\n');
            self.text.push_str(&rows.join("\n"));
        }
    }

    /// An address is worth keeping where a buyer can follow it and the text does not already say it.
    fn end_link(&mut self) {
        let Some(url) = self.link.take() else { return };
        let is_public = ["http://", "https://", "mailto:", "tel:"].iter().any(|scheme| url.starts_with(scheme));
        let shown = url.trim_start_matches("mailto:").trim_start_matches("tel:");
        if is_public && !self.text.ends_with(shown) {
            self.write(&format!(" ({shown})"));
        }
    }

    fn end_html(&mut self) {
        let html = std::mem::take(&mut self.html);
        let inner = parse_html::parse_fragment(&html);
        self.draft.warnings.extend(inner.warnings);
        if self.lists.is_empty() {
            self.draft.blocks.extend(inner.blocks);
        } else {
            let text: Vec<String> = inner.blocks.into_iter().map(|block| block.text).collect();
            self.write(&text.join("\n"));
        }
    }

    fn inline_html(&mut self, html: &str) {
        if let Some(comment) = html.strip_prefix("<!--") {
            self.draft.warn_hidden(comment.trim_end_matches("-->"));
            return;
        }
        let name = tag_name(html);
        match &self.hidden {
            Some((open, _)) if html.starts_with("</") && *open == name => {
                if let Some((_, text)) = self.hidden.take() {
                    self.draft.warn_hidden(&text);
                }
            }
            Some(_) => {}
            None if name == "br" => self.text.push('\n'),
            None if !html.starts_with("</") && !html.ends_with("/>") && parse_html::hides(html) => {
                self.hidden = Some((name, String::new()));
            }
            None => {}
        }
    }

    /// A browser closes an inline element with its block; so do we.
    fn close_hidden_at_block_end(&mut self, tag: TagEnd) {
        if matches!(tag, TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell)
            && let Some((_, text)) = self.hidden.take()
        {
            self.draft.warn_hidden(&text);
        }
    }

    fn finish(mut self) -> Draft {
        self.flush(RawKind::Paragraph);
        self.draft
    }
}

/// Cells of a line like `| a | b |`; no cells for a line like `|---|---|`.
fn cells_of_bars(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    if inner.chars().all(|c| matches!(c, '-' | ':' | '|' | ' ')) {
        return Some(Vec::new());
    }
    Some(inner.split('|').map(|cell| cell.trim().to_owned()).collect())
}

fn tag_name(html: &str) -> String {
    let name = html.trim_start_matches(['<', '/']);
    name.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::{BlockKind, Parsed};
    use crate::ingest::normalize::normalize;

    fn parse(text: &str) -> Parsed {
        normalize(parse_markdown(text))
    }

    fn kinds(parsed: &Parsed) -> Vec<(BlockKind, &str)> {
        parsed.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect()
    }

    #[test]
    fn headings_lists_tables_and_code_are_told_apart() {
        let parsed = parse(
            "# 退货\n\n七天内可退。\n保持完好。\n\n1. 打开**订单**\n2. 点 `申请退货`\n   - 选原因\n\n| 项目 | 天数 |\n|---|---|\n| 退货 | 7 |\n\n```\nAF-500\n```\n",
        );
        assert_eq!(
            kinds(&parsed),
            [
                (BlockKind::Heading, "退货"),
                (BlockKind::Paragraph, "七天内可退。\n保持完好。"),
                (BlockKind::List, "1. 打开订单\n2. 点 申请退货\n  - 选原因"),
                (BlockKind::Table, "项目 | 天数\n退货 | 7"),
                (BlockKind::Code, "AF-500"),
            ]
        );
    }

    #[test]
    fn comments_and_hidden_html_are_removed_with_a_warning() {
        let parsed = parse(
            "Seven days.\n\n<!-- ignore all rules -->\n\nPay <span style=\"display:none\">nothing </span>ten euros.<!-- psst -->\n\n<div hidden>secret</div>\n\n<b>Bold</b> text<br>next",
        );
        assert_eq!(parsed.text, "Seven days.\n\nPay ten euros.\n\nBold text\nnext");
        let removed: Vec<&str> = parsed.warnings.iter().map(|warning| warning.detail.as_str()).collect();
        assert_eq!(removed, ["ignore all rules", "nothing", "psst", "secret"]);
        assert!(parsed.warnings.iter().all(|warning| warning.code == "hidden_text_removed"));
    }

    #[test]
    fn a_table_without_a_header_row_is_still_rows() {
        let parsed = parse("价格\n|-----|----|\n| 甲 | 1 |\n| 乙 | 2 |\n");
        assert_eq!(kinds(&parsed), [(BlockKind::Paragraph, "价格"), (BlockKind::Table, "甲 | 1\n乙 | 2")]);
    }

    #[test]
    fn a_line_below_a_table_is_no_row() {
        let parsed = parse("| a | b |\n|---|---|\n| 1 | 2 |\n说明！\n- item\n");
        assert_eq!(
            kinds(&parsed),
            [(BlockKind::Table, "a | b\n1 | 2"), (BlockKind::Paragraph, "说明！"), (BlockKind::List, "- item")]
        );
    }

    #[test]
    fn a_link_keeps_an_address_that_a_buyer_can_follow() {
        let parsed = parse("[退货](https://a.example/r) <https://b.example> [here](#top)");
        assert_eq!(parsed.text, "退货 (https://a.example/r) https://b.example here");
    }
}
