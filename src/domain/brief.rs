//! Three lines for whoever takes a conversation over: what the buyer wants, what was tried, what was promised.
//!
//! # Why
//! Nothing here is written by a model. Each line is a quote of what was said, or a fact of the record: a summary that
//! is wrong would be repeated to the buyer by somebody who was not there.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::conversation::Author;
use crate::domain::text::{Lang, fold};

/// Quotes are cut to this: a line is to be read at a glance.
const QUOTE_CHARS: usize = 140;

/// The buyer's own lines that are quoted.
const MAX_WANTS: usize = 3;

/// Promises that are quoted, the newest first.
const MAX_PROMISES: usize = 3;

/// Words by which the shop's side binds itself, in folded text. Rather one line too many than one too few: the agent
/// reads the sentence itself.
const VOWS: &[&str] = &[
    "会尽快",
    "会为您",
    "会帮您",
    "会给您",
    "会在",
    "我去",
    "我来",
    "帮您查",
    "帮您核实",
    "稍后",
    "今天内",
    "今天之内",
    "今日内",
    "明天",
    "明日",
    "后天",
    "小时内",
    "天内",
    "分钟内",
    "工作日",
    "之前给您",
    "保证",
    "承诺",
    "一定",
    "安排",
    "补发",
    "补偿",
    "i will",
    "i'll",
    "we will",
    "we'll",
    "will be",
    "by tomorrow",
    "tomorrow",
    "within",
    "today",
    "promise",
    "guarantee",
    "get back to you",
    "make sure",
];

/// Something that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// By whom.
    pub author: Author,
    /// In so many words.
    pub text: &'a str,
    /// When.
    pub at_ms: i64,
}

/// A quote with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quote {
    /// Word for word, perhaps its beginning.
    pub text: String,
    /// Who said it.
    pub author: Author,
    /// When it was said.
    pub at_ms: i64,
}

/// The three lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Brief {
    /// The buyer's own lines that have no reply yet, or the last ones that had; oldest first.
    pub wants: Vec<Quote>,
    /// The last reply of the shop's side; null where there was none.
    pub last_reply: Option<Quote>,
    /// Replies so far: of the assistant by itself, and of people.
    pub n_by_assistant: u32,
    /// Replies of people.
    pub n_by_people: u32,
    /// Sentences of the shop's side that bind it, the newest first.
    pub promised: Vec<Quote>,
}

/// Reads a conversation, oldest line first.
pub fn brief(lines: &[Line<'_>]) -> Brief {
    let is_reply = |author| matches!(author, Author::Assistant | Author::Reviewed | Author::Agent);
    let replies: Vec<&Line<'_>> = lines.iter().filter(|line| is_reply(line.author)).collect();
    let last_reply = lines.iter().rposition(|line| is_reply(line.author));
    let unanswered = &lines[last_reply.map_or(0, |at| at + 1)..];
    let by_buyer = |lines: &[Line<'_>]| -> Vec<Quote> {
        lines.iter().filter(|line| line.author == Author::Buyer).map(|line| quote(line, line.text)).collect()
    };
    let mut wants = by_buyer(unanswered);
    if wants.is_empty() {
        wants = by_buyer(lines);
    }
    wants.drain(..wants.len().saturating_sub(MAX_WANTS));
    let promised = replies.iter().rev().flat_map(|line| vows(line));
    let n_by_assistant = replies.iter().filter(|line| line.author == Author::Assistant).count();
    Brief {
        wants,
        last_reply: replies.last().map(|line| quote(line, line.text)),
        n_by_assistant: u32::try_from(n_by_assistant).unwrap_or(u32::MAX),
        n_by_people: u32::try_from(replies.len() - n_by_assistant).unwrap_or(u32::MAX),
        promised: promised.take(MAX_PROMISES).collect(),
    }
}

fn vows(line: &Line<'_>) -> Vec<Quote> {
    sentences(line.text).into_iter().filter(|sentence| is_vow(sentence)).map(|sentence| quote(line, sentence)).collect()
}

fn quote(line: &Line<'_>, text: &str) -> Quote {
    let text = text.trim();
    let mut cut: String = text.chars().take(QUOTE_CHARS).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    Quote { text: cut, author: line.author, at_ms: line.at_ms }
}

/// The sentences of a text; a full stop within a number or a name ends none.
fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.char_indices().find_map(|(at, c)| {
        let after = at + c.len_utf8();
        let ends = match c {
            '。' | '！' | '？' | '；' | '\n' => true,
            '.' | '!' | '?' => rest[after..].chars().next().is_none_or(char::is_whitespace),
            _ => false,
        };
        ends.then_some(after)
    }) {
        found.push(rest[..end].trim());
        rest = &rest[end..];
    }
    found.push(rest.trim());
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// Whether a sentence binds the shop. A question binds nobody.
fn is_vow(sentence: &str) -> bool {
    let folded = fold(sentence);
    if folded.ends_with('?') {
        return false;
    }
    let is_latin = Lang::of(sentence) == Lang::En;
    VOWS.iter().any(|vow| {
        folded.match_indices(vow).any(|(at, _)| {
            // `today` is not in `todays`.
            let after = folded[at + vow.len()..].chars().next();
            !is_latin || after.is_none_or(|c| !c.is_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(author: Author, text: &str) -> Line<'_> {
        Line { author, text, at_ms: 1 }
    }

    fn texts(quotes: &[Quote]) -> Vec<&str> {
        quotes.iter().map(|quote| quote.text.as_str()).collect()
    }

    #[test]
    fn the_buyers_own_lines_and_the_shops_own_vows_are_quoted_word_for_word() {
        let said = [
            line(Author::Buyer, "耳机连不上"),
            line(Author::Assistant, "请长按电源键 5 秒。指示灯会闪烁。"),
            line(Author::Buyer, "还是不行，要换一个"),
            line(Author::Agent, "抱歉给您添麻烦了！我们明天给您补发，运费 3.5 元由我们出。可以吗？"),
            line(Author::Notice, "handed_back"),
            line(Author::Buyer, "发了吗"),
            line(Author::Buyer, "单号呢？"),
        ];
        let brief = brief(&said);
        assert_eq!(texts(&brief.wants), ["发了吗", "单号呢？"]);
        assert_eq!(texts(&brief.promised), ["我们明天给您补发，运费 3.5 元由我们出。"]);
        assert_eq!((brief.n_by_assistant, brief.n_by_people), (1, 1));
        assert_eq!(brief.last_reply.unwrap().author, Author::Agent);
    }

    #[test]
    fn english_is_read_by_whole_words_and_a_question_binds_nobody() {
        let said = [
            line(Author::Buyer, "Where is my parcel?"),
            line(Author::Agent, "Shall I check tomorrow? I will check with the warehouse. Todays menu is out."),
        ];
        let brief = brief(&said);
        assert_eq!(texts(&brief.promised), ["I will check with the warehouse."]);
        assert_eq!(texts(&brief.wants), ["Where is my parcel?"], "nothing is open: the last that had a reply");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let long = "长".repeat(QUOTE_CHARS + 1);
        let brief = brief(&[line(Author::Buyer, &long)]);
        assert_eq!(brief.wants[0].text.chars().count(), QUOTE_CHARS + 1);
        assert!(brief.wants[0].text.ends_with('…') && brief.last_reply.is_none());
    }
}
