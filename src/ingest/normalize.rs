//! Turns raw pieces into one clean text with spans: NFC, plain spaces, no invisible characters.
//!
//! # Why
//! Invisible characters carry hidden instructions past a reader's eye (zero-width, bidirectional and tag characters),
//! and they split words for the tokenizer. They are taken out here, once, for every format, and counted, so that staff
//! learn of them. Radicals and ligatures that PDF fonts produce (`⾦`, `ﬁ`) become the letters a buyer would type.

use unicode_normalization::UnicodeNormalization;

use crate::domain::document::{Block, BlockKind, FaqEntry, Parsed, Warning};
use crate::domain::text::{Span, is_han};
use crate::ingest::draft::{Draft, RawBlock, RawKind};

/// What stands between two blocks in [`Parsed::text`].
pub const BLOCK_SEPARATOR: &str = "\n\n";

/// A "heading" longer than this is running text in heading clothes.
const MAX_HEADING_CHARS: usize = 120;

/// More warnings than this tell staff nothing new.
const MAX_WARNINGS: usize = 50;

/// Cleans a draft and lays its pieces out as one text.
pub fn normalize(draft: Draft) -> Parsed {
    let mut layout = Layout::new(&draft);
    for raw in draft.blocks {
        layout.add(raw);
    }
    let mut warnings: Vec<Warning> = Vec::new();
    for warning in draft.warnings {
        if !warnings.contains(&warning) && warnings.len() < MAX_WARNINGS {
            warnings.push(warning);
        }
    }
    if layout.n_invisible > 0 {
        warnings.push(Warning { code: "invisible_characters_removed".into(), detail: layout.n_invisible.to_string() });
    }
    Parsed { warnings, ..layout.parsed }
}

/// The text so far and the titles above what comes next.
struct Layout {
    parsed: Parsed,
    titles: Vec<(u8, String)>,
    n_invisible: usize,
}

impl Layout {
    fn new(draft: &Draft) -> Self {
        let parsed = Parsed {
            format: draft.format,
            n_pages: draft.n_pages,
            text: String::new(),
            blocks: Vec::new(),
            faq: Vec::new(),
            warnings: Vec::new(),
        };
        Self { parsed, titles: Vec::new(), n_invisible: 0 }
    }

    fn add(&mut self, raw: RawBlock) {
        let page = raw.page;
        match raw.kind {
            RawKind::Heading(level) => self.add_heading(page, level, &raw.text),
            RawKind::Faq { answer } => self.add_faq(page, &raw.text, &answer),
            RawKind::Paragraph => self.add_text(page, BlockKind::Paragraph, &raw.text),
            RawKind::List => self.add_text(page, BlockKind::List, &raw.text),
            RawKind::Table => self.add_text(page, BlockKind::Table, &raw.text),
            RawKind::Code => self.add_text(page, BlockKind::Code, &raw.text),
        }
    }

    fn add_heading(&mut self, page: Option<u32>, level: u8, text: &str) {
        let title = one_line(&self.clean(text, false));
        if title.is_empty() {
            return;
        }
        if title.chars().count() > MAX_HEADING_CHARS {
            self.push(page, BlockKind::Paragraph, &title);
            return;
        }
        self.titles.retain(|(above, _)| *above < level);
        self.push(page, BlockKind::Heading, &title);
        self.titles.push((level, title));
    }

    fn add_faq(&mut self, page: Option<u32>, question: &str, answer: &str) {
        let question = one_line(&self.clean(question, false));
        let answer = self.clean(answer, false);
        if question.is_empty() || answer.is_empty() {
            self.push(page, BlockKind::Paragraph, if answer.is_empty() { &question } else { &answer });
            return;
        }
        let block_idx = self.parsed.blocks.len();
        self.push(page, BlockKind::Paragraph, &format!("{question}\n{answer}"));
        self.parsed.faq.push(FaqEntry { question, answer, block_idx });
    }

    fn add_text(&mut self, page: Option<u32>, kind: BlockKind, text: &str) {
        let keeps_indent = matches!(kind, BlockKind::List | BlockKind::Code);
        let text = self.clean(text, keeps_indent);
        self.push(page, kind, &text);
    }

    fn push(&mut self, page: Option<u32>, kind: BlockKind, text: &str) {
        if text.is_empty() {
            return;
        }
        let whole = &mut self.parsed.text;
        if !whole.is_empty() {
            whole.push_str(BLOCK_SEPARATOR);
        }
        let start = whole.len();
        whole.push_str(text);
        let span = Span { start, end: whole.len() };
        let heading_path = self.titles.iter().map(|(_, title)| title.clone()).collect();
        self.parsed.blocks.push(Block { kind, page, heading_path, text: text.to_owned(), span });
    }

    fn clean(&mut self, text: &str, keeps_indent: bool) -> String {
        let (visible, n_invisible) = strip_invisible(text);
        self.n_invisible += n_invisible;
        let composed: String = visible.chars().flat_map(letter_of).nfc().collect();
        tidy_lines(&composed, keeps_indent)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Trims lines, joins runs of spaces, drops blank lines. An indent survives where it means something.
fn tidy_lines(text: &str, keeps_indent: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let body = one_line(line);
        if body.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        if keeps_indent && !out.is_empty() {
            out.extend(line.chars().take_while(|c| *c == ' '));
        }
        out.push_str(&body);
    }
    out
}

/// What of `text` a reader sees, and how many characters were there to be unseen.
///
/// Soft hyphens and byte-order marks vanish uncounted: they are typesetting, not concealment.
fn strip_invisible(text: &str) -> (String, usize) {
    let mut out = String::with_capacity(text.len());
    let mut n_removed = 0;
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        match c {
            '\u{ad}' | '\u{feff}' => continue,
            '\n' => out.push('\n'),
            '\r' if chars.peek() == Some(&'\n') => continue,
            '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            _ if is_joiner(c) && joins(before) && joins(chars.peek().copied()) => out.push(c),
            _ if c.is_whitespace() => out.push(' '),
            _ if is_invisible(c) => n_removed += 1,
            _ if c.is_control() => continue,
            _ => out.push(c),
        }
        before = Some(c);
    }
    (out, n_removed)
}

/// The zero-width joiners hold emoji and some scripts together.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn joins(neighbour: Option<char>) -> bool {
    neighbour.is_some_and(|c| !c.is_ascii() && !c.is_whitespace() && !is_han(c) && !is_invisible(c))
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e01ef}')
}

/// Presentation forms become letters; everything else stays as it is.
fn letter_of(c: char) -> impl Iterator<Item = char> {
    let is_form = matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{fb00}'..='\u{fb06}');
    let (form, plain) = if is_form { (Some(c), None) } else { (None, Some(c)) };
    form.into_iter().nfkc().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::Format;

    fn paragraph(text: &str) -> Parsed {
        let mut draft = Draft::new(Format::Text);
        draft.push(RawKind::Paragraph, text);
        normalize(draft)
    }

    #[test]
    fn hidden_characters_are_removed_and_counted() {
        let parsed = paragraph("re\u{200b}fund \u{202e}now\u{e0041}");
        assert_eq!(parsed.text, "refund now");
        assert_eq!(parsed.warnings[0].code, "invisible_characters_removed");
        assert_eq!(parsed.warnings[0].detail, "3");
    }

    #[test]
    fn emoji_families_stay_whole() {
        let parsed = paragraph("👨\u{200d}👩\u{200d}👧 ok");
        assert_eq!(parsed.text, "👨\u{200d}👩\u{200d}👧 ok");
        assert!(parsed.warnings.is_empty());
    }

    #[test]
    fn letters_become_what_a_buyer_types() {
        assert_eq!(paragraph("⾦额 ﬁlter e\u{301}").text, "金额 filter é");
        assert_eq!(paragraph("７天　无理由\u{a0}退货\r\n\r\n\r\n第二行").text, "７天 无理由 退货\n第二行");
    }

    #[test]
    fn spans_and_heading_paths_follow_the_titles() {
        let mut draft = Draft::new(Format::Markdown);
        draft.push(RawKind::Heading(1), "Returns");
        draft.push(RawKind::Heading(3), "How\nlong");
        draft.push(RawKind::Paragraph, "Seven  days.");
        draft.push(RawKind::Heading(2), "Cost");
        draft.push(RawKind::List, "- free\n  - really");
        draft.push(RawKind::Faq { answer: "Yes.".into() }, "Is it\nfree?");
        let parsed = normalize(draft);
        assert_eq!(
            parsed.text,
            "Returns\n\nHow long\n\nSeven days.\n\nCost\n\n- free\n  - really\n\nIs it free?\nYes."
        );
        for block in &parsed.blocks {
            assert_eq!(block.span.of(&parsed.text), block.text);
        }
        assert_eq!(parsed.blocks[2].heading_path, ["Returns", "How long"]);
        assert_eq!(parsed.blocks[4].heading_path, ["Returns", "Cost"]);
        assert_eq!(parsed.faq[0].block_idx, 5);
    }

    #[test]
    fn an_overlong_heading_is_running_text() {
        let mut draft = Draft::new(Format::Html);
        draft.push(RawKind::Heading(1), "word ".repeat(60));
        assert_eq!(normalize(draft).blocks[0].kind, BlockKind::Paragraph);
    }
}
