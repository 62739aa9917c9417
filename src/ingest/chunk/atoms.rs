//! The pieces that chunking does not cut: sentences, list items, rows, lines, and parts of those that are too long.

use std::ops::Range;

use crate::domain::document::{Block, BlockKind};
use crate::ingest::chunk::sentence::{clauses, sentences, words};

/// A piece that stays whole.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    /// Where it stands in the parsed text.
    pub span: Range<usize>,
    /// Its length in tokens, without `lead`.
    pub n_tokens: u32,
    /// How much it would hurt to begin a chunk here; 0 not at all.
    pub seam: f32,
    /// Text to repeat if a chunk begins here: the header row, the question.
    pub lead: Option<Range<usize>>,
    /// Tokens of `lead`.
    pub lead_tokens: u32,
    /// Page of its block.
    pub page: Option<u32>,
}

/// How much a cut hurts; compared with the squared relative distance of a chunk from its target length.
mod seams {
    /// Between blocks.
    pub const BLOCK: f32 = 0.0;
    /// Between rows: the header is repeated.
    pub const ROW: f32 = 0.05;
    /// Between lines of one paragraph.
    pub const LINE: f32 = 0.15;
    /// Between items of one list.
    pub const ITEM: f32 = 0.2;
    /// Between sentences of one paragraph.
    pub const SENTENCE: f32 = 0.3;
    /// Between a list item and those below it, a list and the paragraph that stands before it.
    pub const NESTED: f32 = 0.6;
    /// Inside a sentence, item or row.
    pub const CLAUSE: f32 = 0.8;
    /// Inside a clause.
    pub const WORD: f32 = 1.2;
    /// Inside a word.
    pub const CHAR: f32 = 2.0;
    /// Between what announces and what is announced: `Do this:`, a header row, a question, a bare title.
    pub const INTRODUCTION: f32 = 4.0;
}

/// What splitting a block needs to know.
pub(super) struct Splitter<'a> {
    /// The parsed text.
    pub text: &'a str,
    /// Tokens that an atom and its lead may have.
    pub room: u32,
    /// Counts tokens.
    pub count: &'a dyn Fn(&str) -> u32,
    /// Whether the first line of the block is a question.
    pub is_faq: bool,
}

/// How much it would hurt to begin a chunk with `block`, given the text right before it.
pub(super) fn seam_before(block: &Block, previous: Option<&str>) -> f32 {
    match previous {
        Some(text) if announces(text) => seams::INTRODUCTION,
        Some(_) if matches!(block.kind, BlockKind::List | BlockKind::Table) => seams::NESTED,
        _ => seams::BLOCK,
    }
}

fn announces(text: &str) -> bool {
    text.trim_end().ends_with([':', '：'])
}

/// The atoms of `block`; the first one gets `seam`.
pub(super) fn atoms_of_block(block: &Block, seam: f32, splitter: &Splitter<'_>) -> Vec<Atom> {
    let text = splitter.text;
    let own = block.span.start..block.span.end;
    let parts = match block.kind {
        BlockKind::Heading => vec![(own, seams::BLOCK)],
        BlockKind::List => items(text, own),
        BlockKind::Table => with_seam(lines(text, own), seams::ROW),
        BlockKind::Code => with_seam(lines(text, own), seams::LINE),
        BlockKind::Paragraph => paragraph(text, own),
    };
    let has_lead = block.kind == BlockKind::Table || splitter.is_faq;
    let lead = parts.first().map(|(range, _)| range.clone()).filter(|_| has_lead);
    // A lead that takes half of the room is worth less than the text it displaces.
    let lead = lead.map(|range| ((splitter.count)(&text[range.clone()]), range));
    let lead = lead.filter(|(n_tokens, _)| n_tokens * 2 <= splitter.room);
    let lead_tokens = lead.as_ref().map_or(0, |(n_tokens, _)| *n_tokens);
    let room = splitter.room - lead_tokens;

    let mut atoms = Vec::new();
    let mut after_introduction = false;
    for (part_idx, (range, own_seam)) in parts.into_iter().enumerate() {
        let own_seam = match part_idx {
            0 => seam,
            1 if has_lead => seams::INTRODUCTION,
            _ if after_introduction => seams::INTRODUCTION,
            _ => own_seam,
        };
        after_introduction = block.kind == BlockKind::Heading || announces(&text[range.clone()]);
        for (range, n_tokens, own_seam) in fit(range, own_seam, room, splitter) {
            let lead = if atoms.is_empty() { None } else { lead.as_ref().map(|(_, range)| range.clone()) };
            let lead_tokens = if lead.is_some() { lead_tokens } else { 0 };
            atoms.push(Atom { span: range, n_tokens, seam: own_seam, lead, lead_tokens, page: block.page });
        }
    }
    atoms
}

/// Cuts an atom in the middle, at a space if there is one near; nothing if it is one character.
pub(super) fn halve(atom: &Atom, text: &str) -> Option<(Atom, Atom)> {
    let body = &text[atom.span.clone()];
    let middle = body.char_indices().nth(body.chars().count() / 2).map(|(at, _)| at).filter(|at| *at > 0)?;
    let at = body[..middle].rfind(char::is_whitespace).filter(|at| *at * 2 > middle).unwrap_or(middle);
    let part = |range: Range<usize>| {
        let range = trimmed(text, range);
        Atom { span: range, seam: seams::CHAR, ..atom.clone() }
    };
    let (left, right) = (part(atom.span.start..atom.span.start + at), part(atom.span.start + at..atom.span.end));
    Some((left, right))
}

/// `range` itself if it fits into `room` tokens, otherwise its clauses, words, or runs of characters.
fn fit(range: Range<usize>, seam: f32, room: u32, splitter: &Splitter<'_>) -> Vec<(Range<usize>, u32, f32)> {
    let mut done = Vec::new();
    let mut todo = vec![(range, seam, 0usize)];
    while let Some((range, seam, depth)) = todo.pop() {
        let body = &splitter.text[range.clone()];
        let n_tokens = (splitter.count)(body);
        if n_tokens <= room || body.chars().nth(1).is_none() {
            done.push((range, n_tokens, seam));
            continue;
        }
        let (parts, inner_seam) = match depth {
            0 => (sentences(body), seams::CLAUSE),
            1 => (clauses(body), seams::CLAUSE),
            2 => (words(body), seams::WORD),
            _ => (runs(body, room >> (depth - 3).min(16)), seams::CHAR),
        };
        let parts = parts.into_iter().enumerate().map(|(idx, part)| {
            let part = range.start + part.start..range.start + part.end;
            (part, if idx == 0 { seam } else { inner_seam }, depth + 1)
        });
        todo.extend(parts.collect::<Vec<_>>().into_iter().rev());
    }
    done
}

/// Runs of `n_chars` characters.
fn runs(text: &str, n_chars: u32) -> Vec<Range<usize>> {
    let step = usize::try_from(n_chars).unwrap_or(usize::MAX).max(1);
    let mut starts: Vec<usize> = text.char_indices().step_by(step).map(|(at, _)| at).collect();
    starts.push(text.len());
    starts.windows(2).map(|pair| trimmed(text, pair[0]..pair[1])).filter(|run| !run.is_empty()).collect()
}

fn paragraph(text: &str, own: Range<usize>) -> Vec<(Range<usize>, f32)> {
    let body = &text[own.clone()];
    sentences(body)
        .into_iter()
        .map(|part| {
            let starts_line = body[..part.start].trim_end_matches(' ').ends_with('\n');
            let seam = if starts_line { seams::LINE } else { seams::SENTENCE };
            (own.start + part.start..own.start + part.end, seam)
        })
        .collect()
}

/// List items with the lines that continue them.
fn items(text: &str, own: Range<usize>) -> Vec<(Range<usize>, f32)> {
    let mut found: Vec<(Range<usize>, f32)> = Vec::new();
    for line in lines(text, own) {
        let indent = text[..line.start].chars().rev().take_while(|c| *c == ' ').count();
        match found.last_mut() {
            Some((item, _)) if !starts_item(&text[line.clone()]) => item.end = line.end,
            _ => found.push((line, if indent > 0 { seams::NESTED } else { seams::ITEM })),
        }
    }
    found
}

fn starts_item(line: &str) -> bool {
    let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['-', '•', '*', '·', '■', '□', '●', '○', '◆', '▪'])
        || (after_number.len() < line.len() && after_number.starts_with(['.', ')', '、', '）']))
}

fn lines(text: &str, own: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = own.start;
    for line in text[own].split_inclusive('\n') {
        let range = trimmed(text, start..start + line.len());
        start += line.len();
        if !range.is_empty() {
            found.push(range);
        }
    }
    found
}

fn with_seam(parts: Vec<Range<usize>>, seam: f32) -> Vec<(Range<usize>, f32)> {
    parts.into_iter().map(|part| (part, seam)).collect()
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}
