//! Reads HTML: headings, paragraphs, lists, tables; leaves out code, navigation, and what a reader could not see.
//!
//! # Why
//! The tree is walked with an explicit list of edges, never by recursion: a page nested ten thousand levels deep must
//! not end the process. Spanning cells are repeated, so that every row can be read by itself.

mod visibility;

use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::node::Element;
use scraper::{Html, Node};

use crate::domain::document::Format;
use crate::ingest::draft::{Draft, RawKind};
use crate::ingest::grid::Grid;

use visibility::{Paint, Visibility};

/// Parses a page.
pub fn parse_html(text: &str) -> Draft {
    read(&Html::parse_document(text), true)
}

/// Parses a piece of a page, such as HTML inside Markdown.
pub fn parse_fragment(text: &str) -> Draft {
    read(&Html::parse_fragment(text), false)
}

/// Whether an element with this opening tag would be unseen.
pub fn hides(opening_tag: &str) -> bool {
    let html = Html::parse_fragment(opening_tag);
    let elements = html.tree.nodes().filter_map(|node| node.value().as_element().map(|element| (node, element)));
    let visibility = Visibility::new(&html);
    elements.into_iter().any(|(node, element)| visibility.is_hidden(node.id(), element, Paint::default()))
}

fn read(html: &Html, is_page: bool) -> Draft {
    let mut reader = Reader::new(Visibility::new(html));
    if is_page && html.tree.nodes().all(|node| !is_named(node, "h1")) {
        let title = html.tree.nodes().find(|node| is_named(*node, "title"));
        reader.draft.push(RawKind::Heading(1), title.map(text_below).unwrap_or_default());
    }
    for edge in html.tree.root().traverse() {
        match edge {
            Edge::Open(node) => reader.open(node),
            Edge::Close(node) => reader.close(node),
        }
    }
    reader.break_block();
    reader.end_menu();
    reader.draft
}

/// State while walking through the tree.
struct Reader<'a> {
    visibility: Visibility,
    draft: Draft,
    text: String,
    /// The subtree being left out, and its text if that was hidden from readers.
    skipped: Option<(ego_tree::NodeId, Option<String>)>,
    /// Colors in force, innermost last, with the element that set them.
    paints: Vec<(ego_tree::NodeId, Paint)>,
    /// Counters of the open lists, outermost first; `None` for bullets.
    lists: Vec<Option<u64>>,
    items: Vec<String>,
    tables: Vec<(NodeRef<'a, Node>, Grid)>,
    pre_depth: usize,
    link_depth: usize,
    /// Links of the open block, and characters of it outside links.
    n_links: usize,
    n_unlinked: usize,
    /// Whether the last thing written was a link.
    is_after_link: bool,
    menu: Menu,
}

/// Blocks at the end of the draft that consist of links alone, and how many links these are.
#[derive(Default)]
struct Menu {
    n_blocks: usize,
    n_links: usize,
}

/// So many links in a row, with no other word between them, are a menu.
const MIN_MENU_LINKS: usize = 5;
/// A longer link is a sentence.
const MAX_MENU_LINK_CHARS: usize = 24;

impl<'a> Reader<'a> {
    fn new(visibility: Visibility) -> Self {
        Self {
            visibility,
            draft: Draft::new(Format::Html),
            text: String::new(),
            skipped: None,
            paints: Vec::new(),
            lists: Vec::new(),
            items: Vec::new(),
            tables: Vec::new(),
            pre_depth: 0,
            link_depth: 0,
            n_links: 0,
            n_unlinked: 0,
            is_after_link: false,
            menu: Menu::default(),
        }
    }

    fn open(&mut self, node: NodeRef<'a, Node>) {
        if let Some((_, hidden)) = &mut self.skipped {
            if let (Some(hidden), Node::Text(text)) = (hidden, node.value()) {
                hidden.push_str(text);
                hidden.push(' ');
            }
            return;
        }
        match node.value() {
            Node::Text(text) if self.pre_depth > 0 => {
                self.n_unlinked += text.len();
                self.text.push_str(text);
            }
            Node::Text(text) => self.write_collapsed(text),
            Node::Comment(comment) => self.comment(comment),
            Node::Element(element) => self.open_element(node, element),
            Node::Document | Node::Fragment | Node::Doctype(_) | Node::ProcessingInstruction(_) => {}
        }
    }

    fn open_element(&mut self, node: NodeRef<'a, Node>, element: &Element) {
        if is_machinery(element) {
            self.skipped = Some((node.id(), None));
            return;
        }
        let above = self.paints.last().map(|(_, paint)| *paint).unwrap_or_default();
        if self.visibility.is_hidden(node.id(), element, above) {
            self.skipped = Some((node.id(), Some(String::new())));
            return;
        }
        let paint = above.with(element);
        if paint != above {
            self.paints.push((node.id(), paint));
        }
        match element.name() {
            "br" => self.text.push('\n'),
            "a" => self.open_link(),
            "ul" | "ol" if self.tables.is_empty() => self.open_list(element),
            "li" if !self.lists.is_empty() => self.open_item(),
            "table" if self.tables.is_empty() && self.lists.is_empty() && is_data_table(node) => {
                self.break_block();
                self.tables.push((node, Grid::default()));
            }
            "td" | "th" if !self.tables.is_empty() => self.text.clear(),
            "pre" => {
                self.break_block();
                self.pre_depth += 1;
            }
            name if is_block(name) => self.break_block(),
            _ => {}
        }
    }

    fn close(&mut self, node: NodeRef<'a, Node>) {
        if let Some((skipped, _)) = &self.skipped {
            if *skipped == node.id()
                && let Some((_, Some(hidden))) = self.skipped.take()
            {
                self.draft.warn_hidden(&hidden);
            }
            return;
        }
        self.paints.pop_if(|(set_by, _)| *set_by == node.id());
        let Node::Element(element) = node.value() else { return };
        match element.name() {
            "a" => {
                self.link_depth = self.link_depth.saturating_sub(1);
                self.is_after_link = true;
            }
            "ul" | "ol" if !self.lists.is_empty() && self.tables.is_empty() => self.close_list(),
            "li" if !self.lists.is_empty() => self.end_item(),
            "td" | "th" if !self.tables.is_empty() => self.close_cell(element),
            "tr" if !self.tables.is_empty() => self.with_grid(Grid::end_row),
            "table" if self.tables.last().is_some_and(|(table, _)| table.id() == node.id()) => self.close_table(),
            "pre" => {
                self.pre_depth = self.pre_depth.saturating_sub(1);
                self.flush_unless_nested(RawKind::Code);
            }
            name => match heading_level(name) {
                Some(level) => self.flush_unless_nested(RawKind::Heading(level)),
                None if is_block(name) => self.break_block(),
                None => {}
            },
        }
    }

    /// Neighboring links look apart on a page even with nothing between them.
    fn open_link(&mut self) {
        self.link_depth += 1;
        self.n_links += 1;
        if self.is_after_link && !self.text.is_empty() && !self.text.ends_with(char::is_whitespace) {
            self.text.push(' ');
        }
    }

    fn write_collapsed(&mut self, text: &str) {
        self.is_after_link = false;
        if self.link_depth == 0 {
            self.n_unlinked += text.trim().len();
        }
        for (idx, word) in text.split_whitespace().enumerate() {
            let is_apart = idx > 0 || text.starts_with(char::is_whitespace);
            if is_apart && !self.text.is_empty() && !self.text.ends_with(char::is_whitespace) {
                self.text.push(' ');
            }
            self.text.push_str(word);
        }
        if text.ends_with(char::is_whitespace) && !self.text.is_empty() && !self.text.ends_with(char::is_whitespace) {
            self.text.push(' ');
        }
    }

    /// Comments hold markup and notes of developers; only prose is worth a warning.
    fn comment(&mut self, comment: &str) {
        let is_markup = comment.contains('<') || comment.trim_start().starts_with("[if");
        if !is_markup && comment.trim().contains(char::is_whitespace) {
            self.draft.warn_hidden(comment);
        }
    }

    /// Ends a block where one may end; inside a cell or an item it is a line break.
    fn break_block(&mut self) {
        self.flush_unless_nested(RawKind::Paragraph);
    }

    fn flush_unless_nested(&mut self, kind: RawKind) {
        if self.tables.is_empty() && self.lists.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.push(kind, text);
        } else if !self.text.ends_with([' ', '\n']) && !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn open_list(&mut self, element: &Element) {
        if self.lists.is_empty() {
            self.break_block();
        } else {
            self.end_item();
        }
        let start = element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
        self.lists.push((element.name() == "ol").then_some(start));
    }

    fn open_item(&mut self) {
        self.end_item();
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        };
        self.text = format!("{indent}{marker}");
    }

    fn end_item(&mut self) {
        let line = std::mem::take(&mut self.text);
        let has_words = line.trim().trim_start_matches(|c: char| c.is_ascii_digit()).len() > 1;
        if has_words {
            self.items.push(line.trim_end().to_owned());
        }
    }

    fn close_list(&mut self) {
        self.end_item();
        self.lists.pop();
        if self.lists.is_empty() {
            let items = std::mem::take(&mut self.items).join("\n");
            self.push(RawKind::List, items);
        }
    }

    fn close_cell(&mut self, element: &Element) {
        let text = std::mem::take(&mut self.text);
        let span = |name| element.attr(name).and_then(|n| n.trim().parse::<usize>().ok()).unwrap_or(1);
        let (n_columns, n_rows) = (span("colspan"), span("rowspan"));
        self.with_grid(|grid| grid.add_cell(text, n_columns, n_rows));
    }

    fn with_grid(&mut self, change: impl FnOnce(&mut Grid)) {
        if let Some((_, grid)) = self.tables.last_mut() {
            change(grid);
        }
    }

    fn close_table(&mut self) {
        if let Some((_, grid)) = self.tables.pop() {
            self.text.clear();
            self.push(RawKind::Table, grid.into_text());
        }
    }

    /// Adds a block, and takes out the menu that it ends.
    fn push(&mut self, kind: RawKind, text: String) {
        if text.trim().is_empty() {
            return;
        }
        let (n_links, n_unlinked) = (std::mem::take(&mut self.n_links), std::mem::take(&mut self.n_unlinked));
        let is_menu = n_unlinked == 0
            && matches!(kind, RawKind::Paragraph | RawKind::List)
            && text.chars().count() <= n_links * MAX_MENU_LINK_CHARS;
        if is_menu {
            self.menu.n_blocks += 1;
            self.menu.n_links += n_links;
        } else {
            self.end_menu();
        }
        self.draft.push(kind, text);
    }

    /// Links to everywhere stand on every page of a shop and answer nothing.
    fn end_menu(&mut self) {
        let menu = std::mem::take(&mut self.menu);
        if menu.n_links >= MIN_MENU_LINKS {
            let n_kept = self.draft.blocks.len().saturating_sub(menu.n_blocks);
            self.draft.blocks.truncate(n_kept);
            self.draft.warn("menu_removed", format!("{} links", menu.n_links));
        }
    }
}

fn is_named(node: NodeRef<'_, Node>, name: &str) -> bool {
    node.value().as_element().is_some_and(|element| element.name() == name)
}

fn text_below(node: NodeRef<'_, Node>) -> String {
    node.descendants().filter_map(|below| below.value().as_text().map(|text| text.to_string())).collect()
}

/// A table that only arranges a page holds one column, or other tables.
fn is_data_table(table: NodeRef<'_, Node>) -> bool {
    let mut has_two_cells = false;
    for node in table.descendants().skip(1) {
        if is_named(node, "table") {
            return false;
        }
        has_two_cells |= is_named(node, "tr")
            && node.children().filter(|cell| is_named(*cell, "td") || is_named(*cell, "th")).nth(1).is_some();
    }
    has_two_cells
}

/// What is for browsers, not for readers.
fn is_machinery(element: &Element) -> bool {
    matches!(
        element.name(),
        "head"
            | "script"
            | "style"
            | "noscript"
            | "template"
            | "nav"
            | "iframe"
            | "svg"
            | "canvas"
            | "object"
            | "select"
    ) || element.attr("role") == Some("navigation")
}

fn heading_level(name: &str) -> Option<u8> {
    match name {
        "h1" => Some(1),
        "h2" => Some(2),
        "h3" => Some(3),
        "h4" => Some(4),
        "h5" => Some(5),
        "h6" => Some(6),
        _ => None,
    }
}

fn is_block(name: &str) -> bool {
    heading_level(name).is_some()
        || matches!(
            name,
            "address"
                | "article"
                | "aside"
                | "blockquote"
                | "body"
                | "caption"
                | "center"
                | "dd"
                | "details"
                | "div"
                | "dl"
                | "dt"
                | "fieldset"
                | "figcaption"
                | "figure"
                | "footer"
                | "form"
                | "header"
                | "hr"
                | "li"
                | "main"
                | "ol"
                | "p"
                | "section"
                | "summary"
                | "table"
                | "td"
                | "th"
                | "tr"
                | "ul"
        )
}

#[cfg(test)]
mod tests;
