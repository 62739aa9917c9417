//! The smallest pieces of a chunk that make sense alone: sentences, steps, bullets, table rows.
//!
//! # Why
//! Answers quote. What is quoted must be whole (a step list without its second step is wrong) and must be found again
//! in its chunk, so every item is a slice of the chunk with its span.

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::text::{Lang, Span};

/// What an item is in its chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A sentence of running text.
    Sentence,
    /// A numbered step.
    Step(u32),
    /// The first sentence of an unnumbered list entry.
    Bullet,
    /// A row of a table.
    Row,
}

/// A slice of a chunk's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// The slice, without markers.
    pub text: String,
    /// Where it stands in the chunk's text.
    pub span: Span,
}

impl Item {
    /// Whether it announces what follows.
    pub fn is_lead(&self) -> bool {
        self.text.ends_with([':', '：'])
    }
}

/// A running page number, left behind by the layout: `- 35 -`.
static PAGE_MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|\s)[-–—] ?\d{1,4} ?[-–—](?:\s|$)").expect("a constant pattern"));

/// A heading of a box and nothing else: `警告！`, `Note:`.
static BOX_TITLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(警告|注意|说明|提示|note|warning|caution)\s*[！!：:]*$").expect("a constant pattern")
});

const BULLETS: [char; 11] = ['-', '*', '•', '■', '□', '●', '○', '◆', '▪', '–', '·'];

/// The items of a chunk, in order.
pub fn items(text: &str) -> Vec<Item> {
    let mut out = Vec::new();
    let mut steps = Steps::default();
    for line in lines(text) {
        push_line(text, line, &mut steps, &mut out);
    }
    // A bare number begins a step only in a sequence: `30 days` alone is no step 30.
    steps.undo_unconfirmed(text, &mut out);
    out
}

/// Lines, cut again where a page number stands in them.
fn lines(text: &str) -> Vec<Span> {
    let mut out = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let mut start = 0;
        for mark in PAGE_MARK.find_iter(line) {
            out.push(Span { start: at + start, end: at + mark.start() });
            start = mark.end();
        }
        out.push(Span { start: at + start, end: at + line.len() });
        at += line.len();
    }
    out.into_iter().map(|span| trim(text, span)).filter(|span| span.start < span.end).collect()
}

fn push_line(text: &str, line: Span, steps: &mut Steps, out: &mut Vec<Item>) {
    let raw = line.of(text);
    if raw.starts_with('|') || raw.contains(" | ") {
        if raw.chars().any(char::is_alphanumeric) {
            out.push(Item { kind: ItemKind::Row, text: raw.to_owned(), span: line });
        }
        return;
    }
    let body = skip_bullets(text, line);
    if let Some(number) = Numbered::at_start_of(body.of(text)) {
        let rest = skip_bullets(text, trim(text, Span { start: body.start + number.len_bytes, end: body.end }));
        if has_words(rest.of(text)) {
            steps.saw(&number, out.len(), line);
            out.push(Item { kind: ItemKind::Step(number.value), text: rest.of(text).to_owned(), span: rest });
            return;
        }
    }
    let is_bullet = body.start > line.start;
    for (nth, sentence) in sentences(text, body).into_iter().enumerate() {
        let piece = sentence.of(text);
        if has_words(piece) && !BOX_TITLE.is_match(piece) {
            let kind = if is_bullet && nth == 0 { ItemKind::Bullet } else { ItemKind::Sentence };
            out.push(Item { kind, text: piece.to_owned(), span: sentence });
        }
    }
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

fn trim(text: &str, span: Span) -> Span {
    let piece = span.of(text);
    let start = span.start + (piece.len() - piece.trim_start().len());
    Span { start, end: start + piece.trim().len() }
}

fn skip_bullets(text: &str, line: Span) -> Span {
    let rest = line.of(text).trim_start_matches(|c: char| c.is_whitespace() || BULLETS.contains(&c));
    // `-5 °C` is a temperature, not a list entry.
    let skipped = line.of(text).len() - rest.len();
    let is_minus = rest.starts_with(|c: char| c.is_ascii_digit()) && line.of(text)[..skipped].ends_with('-');
    if is_minus { line } else { Span { start: line.start + skipped, end: line.end } }
}

/// A number at the start of a line that may number a step.
struct Numbered {
    value: u32,
    len_bytes: usize,
    /// Followed by `.`, `、` or `)`, or written `01`: a step even when it stands alone.
    is_certain: bool,
}

impl Numbered {
    fn at_start_of(line: &str) -> Option<Self> {
        let n_digits = line.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=2).contains(&n_digits) {
            return None;
        }
        let value = line[..n_digits].parse().ok()?;
        let rest = &line[n_digits..];
        let mark = rest.chars().next()?;
        let after_mark = rest[mark.len_utf8()..].chars().next();
        match mark {
            // `2.4 GHz` is no step 2.
            '.' | '、' | ')' | '）' if !after_mark.is_some_and(|c| c.is_ascii_digit()) => {
                Some(Self { value, len_bytes: n_digits + mark.len_utf8(), is_certain: true })
            }
            ' ' => Some(Self { value, len_bytes: n_digits + 1, is_certain: n_digits == 2 && value < 10 }),
            _ => None,
        }
    }
}

/// The numbered lines of a chunk, to tell steps from lines that merely begin with a number.
#[derive(Default)]
struct Steps {
    seen: Vec<(u32, bool, usize, Span)>,
}

impl Steps {
    fn saw(&mut self, number: &Numbered, item: usize, line: Span) {
        self.seen.push((number.value, number.is_certain, item, line));
    }

    fn undo_unconfirmed(&self, text: &str, out: &mut [Item]) {
        for (nth, (value, is_certain, item, line)) in self.seen.iter().enumerate() {
            let follows = nth > 0 && self.seen[nth - 1].0 + 1 == *value;
            let leads = *value == 1 && self.seen.get(nth + 1).is_some_and(|next| next.0 == 2);
            if !is_certain && !follows && !leads {
                let body = skip_bullets(text, *line);
                let kind = if body.start > line.start { ItemKind::Bullet } else { ItemKind::Sentence };
                out[*item] = Item { kind, text: body.of(text).to_owned(), span: body };
            }
        }
    }
}

fn sentences(text: &str, line: Span) -> Vec<Span> {
    let piece = line.of(text);
    let ends: Vec<usize> = match Lang::of(piece) {
        Lang::Zh => piece
            .char_indices()
            .filter(|(_, c)| matches!(c, '。' | '！' | '？' | '；'))
            .map(|(at, c)| at + c.len_utf8())
            .collect(),
        Lang::En => english_ends(piece),
    };
    let mut out = Vec::new();
    let mut start = 0;
    for end in ends.into_iter().chain([piece.len()]) {
        out.push(trim(text, Span { start: line.start + start, end: line.start + end }));
        start = end;
    }
    out.retain(|span| span.start < span.end);
    out
}

/// Ends of English sentences: a full stop, closing quotes, space, and something that can begin a sentence.
fn english_ends(piece: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    for (at, c) in piece.char_indices() {
        if !matches!(c, '.' | '!' | '?') {
            continue;
        }
        let after = piece[at + 1..].trim_start_matches(['"', '\'', ')', ']', '”', '’']);
        let next = after.trim_start();
        let begins = next.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || "\"'(“‘•-".contains(c));
        if next.len() < after.len() && begins && !(c == '.' && is_abbreviation(&piece[..at])) {
            ends.push(piece.len() - after.len());
        }
    }
    ends
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default().to_lowercase();
    matches!(word.as_str(), "e.g" | "i.e" | "no" | "nos" | "approx" | "vs" | "fig" | "mr" | "mrs" | "ms" | "dr" | "st")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        items(text).into_iter().map(|item| item.text).collect()
    }

    #[test]
    fn english_sentences_end_before_a_capital() {
        assert_eq!(
            texts("Use a cable, e.g. HDMI 2.0. Press \"OK.\" Then wait."),
            ["Use a cable, e.g. HDMI 2.0.", "Press \"OK.\"", "Then wait."]
        );
    }

    #[test]
    fn chinese_sentences_end_at_their_marks() {
        assert_eq!(texts("请先关机。等待10秒；再开机！"), ["请先关机。", "等待10秒；", "再开机！"]);
    }

    #[test]
    fn steps_are_numbered_and_bare_numbers_only_in_sequence() {
        let got = items("- 1 打开盖板\n- 2 取出电池\n30 天内可退货");
        let kinds: Vec<ItemKind> = got.iter().map(|item| item.kind).collect();
        assert_eq!(kinds, [ItemKind::Step(1), ItemKind::Step(2), ItemKind::Sentence]);
        assert_eq!(got[2].text, "30 天内可退货");
        assert_eq!(items("2.4 GHz works.")[0].kind, ItemKind::Sentence);
        assert_eq!(items("3) Press OK")[0].kind, ItemKind::Step(3));
    }

    #[test]
    fn a_negative_temperature_keeps_its_sign() {
        assert_eq!(texts("-5 °C is the lower limit."), ["-5 °C is the lower limit."]);
    }

    #[test]
    fn page_numbers_and_box_titles_are_no_items() {
        assert_eq!(
            texts("Insert the plug. - 21 - Turn it on.\n警告！\n- ■ 小心烫伤。"),
            ["Insert the plug.", "Turn it on.", "小心烫伤。"]
        );
    }

    #[test]
    fn a_table_yields_its_rows_but_not_its_rule() {
        assert_eq!(texts("| Size | cm |\n|---|---|\n| M | 50 |"), ["| Size | cm |", "| M | 50 |"]);
        assert_eq!(items("Size | cm\nM | 50")[1].kind, ItemKind::Row);
    }

    proptest! {
        #[test]
        fn an_item_is_the_slice_its_span_names(text in "(\\PC|\n| - |1 |2\\. ){0,60}") {
            for item in items(&text) {
                prop_assert_eq!(item.span.of(&text), item.text.as_str());
            }
        }
    }
}
