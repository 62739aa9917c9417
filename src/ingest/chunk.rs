//! Cuts a parsed document into the pieces that are found, quoted and cited.
//!
//! # Why
//! Answers are taken out of chunks, so a chunk should be what a person would point at: a whole section where it fits,
//! otherwise a run of whole sentences, items or rows of one section. Text of two sections never shares a chunk, because
//! the titles above a chunk are part of what is embedded. The cut points of a long section are chosen together
//! ([`pack`]), not greedily: greedy filling leaves a last piece of one sentence that no search can understand.

mod atoms;
mod pack;
mod sentence;

use std::ops::Range;

use crate::domain::chunk::Chunk;
use crate::domain::document::{BlockKind, Parsed};
use crate::domain::text::Span;

use atoms::{Atom, atoms_of_block};

/// How large chunks may and should be, in the embedder's tokens, the titles included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkOptions {
    /// No chunk is longer; the embedder's limit.
    pub max_tokens: u32,
    /// A section that is not longer stays whole.
    pub whole_section_tokens: u32,
    /// The length that pieces of a longer section aim at.
    pub target_tokens: u32,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { max_tokens: 512, whole_section_tokens: 400, target_tokens: 260 }
    }
}

/// Cuts `parsed` into chunks.
///
/// **Order**: as in the text; spans ascend, do not overlap, and cover all text but headings that have text below them.
/// **Units**: `n_tokens` is what `count_tokens` says of [`Chunk::indexed_text`]; at most `max_tokens` unless a single
/// character is longer. A row, and a list item, is cut only if it alone is too long.
/// **Repeats**: a later piece of a table begins with its header row, a later piece of an FAQ answer with its question.
pub fn chunk(parsed: &Parsed, options: &ChunkOptions, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Chunk> {
    let cutter = Cutter { parsed, options, count_tokens };
    let mut chunks = Vec::new();
    for section in sections(parsed) {
        cutter.cut(&section, &mut chunks);
    }
    for (ordinal, chunk) in (0u32..).zip(&mut chunks) {
        chunk.ordinal = ordinal;
    }
    chunks
}

/// Neighbouring blocks that may share a chunk.
struct Section {
    blocks: Range<usize>,
    heading_path: Vec<String>,
    is_faq: bool,
}

/// Groups blocks under the same titles. An FAQ entry stands alone.
///
/// A heading with nothing below it (converters of PDF make many) is put before the text of the next section; its words
/// would be lost otherwise.
fn sections(parsed: &Parsed) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut bare_from: Option<usize> = None;
    let mut is_open = false;
    let mut faq = parsed.faq.iter().map(|entry| entry.block_idx).peekable();
    for (idx, block) in parsed.blocks.iter().enumerate() {
        let is_faq = faq.next_if_eq(&idx).is_some();
        if block.kind == BlockKind::Heading {
            is_open = false;
            if bare_from.is_none() && is_bare(parsed, idx) {
                bare_from = Some(idx);
            }
            continue;
        }
        match found.last_mut() {
            Some(section) if is_open && !is_faq && !section.is_faq => section.blocks.end = idx + 1,
            _ => {
                let start = bare_from.take().unwrap_or(idx);
                found.push(Section { blocks: start..idx + 1, heading_path: block.heading_path.clone(), is_faq });
            }
        }
        is_open = true;
    }
    if let Some(start) = bare_from {
        let heading_path = parsed.blocks[start].heading_path.clone();
        found.push(Section { blocks: start..parsed.blocks.len(), heading_path, is_faq: false });
    }
    found
}

/// Whether the heading at `idx` is followed neither by text nor by a heading below it.
fn is_bare(parsed: &Parsed, idx: usize) -> bool {
    let heading = &parsed.blocks[idx];
    parsed.blocks.get(idx + 1).is_none_or(|next| {
        next.kind == BlockKind::Heading && next.heading_path.get(heading.heading_path.len()) != Some(&heading.text)
    })
}

/// What cutting needs to know all the time.
struct Cutter<'a> {
    parsed: &'a Parsed,
    options: &'a ChunkOptions,
    count_tokens: &'a dyn Fn(&str) -> usize,
}

impl Cutter<'_> {
    fn cut(&self, section: &Section, chunks: &mut Vec<Chunk>) {
        let blocks = &self.parsed.blocks[section.blocks.clone()];
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return };
        let heading_path = self.fit_titles(&section.heading_path);
        let whole = self.chunk_of(first.span.start..last.span.end, None, first.page, &heading_path);
        if whole.n_tokens <= self.options.whole_section_tokens.min(self.options.max_tokens) {
            chunks.push(whole);
            return;
        }
        let title_tokens = self.count(&format!("{}\n", heading_path.join(" > ")));
        let room = self.options.max_tokens.saturating_sub(title_tokens).max(1);
        let atoms = self.atoms(section, room);
        for group in pack::pack(&atoms, room, self.options.target_tokens.saturating_sub(title_tokens).max(1)) {
            self.emit(&atoms[group], &heading_path, chunks);
        }
    }

    fn atoms(&self, section: &Section, room: u32) -> Vec<Atom> {
        let count = |text: &str| self.count(text);
        let mut atoms: Vec<Atom> = Vec::new();
        for block in &self.parsed.blocks[section.blocks.clone()] {
            let splitter = atoms::Splitter { text: &self.parsed.text, room, count: &count, is_faq: section.is_faq };
            let previous = atoms.last().map(|atom| &self.parsed.text[atom.span.clone()]);
            let seam = atoms::seam_before(block, previous);
            atoms.extend(atoms_of_block(block, seam, &splitter));
        }
        atoms
    }

    /// Makes a chunk of `atoms`. Tokens of a whole are not exactly the sum of its parts', so the real count decides;
    /// what is too long after all is halved.
    fn emit(&self, atoms: &[Atom], heading_path: &[String], chunks: &mut Vec<Chunk>) {
        let (Some(first), Some(last)) = (atoms.first(), atoms.last()) else { return };
        let chunk = self.chunk_of(first.span.start..last.span.end, first.lead.clone(), first.page, heading_path);
        if chunk.n_tokens <= self.options.max_tokens {
            chunks.push(chunk);
            return;
        }
        if atoms.len() > 1 {
            let (left, right) = atoms.split_at(pack::best_cut(atoms));
            self.emit(left, heading_path, chunks);
            self.emit(right, heading_path, chunks);
            return;
        }
        let bare = Atom { lead: None, ..first.clone() };
        match (first.lead.is_some(), atoms::halve(first, &self.parsed.text)) {
            (true, _) => self.emit(&[bare], heading_path, chunks),
            (false, Some((left, right))) => {
                self.emit(&[left], heading_path, chunks);
                self.emit(&[right], heading_path, chunks);
            }
            (false, None) => chunks.push(chunk),
        }
    }

    fn chunk_of(&self, span: Range<usize>, lead: Option<Range<usize>>, page: Option<u32>, titles: &[String]) -> Chunk {
        let body = &self.parsed.text[span.clone()];
        let text = match lead {
            Some(lead) => format!("{}\n{body}", &self.parsed.text[lead]),
            None => body.to_owned(),
        };
        let span = Span { start: span.start, end: span.end };
        let mut chunk = Chunk { ordinal: 0, text, span, n_tokens: 0, heading_path: titles.to_vec(), page };
        chunk.n_tokens = self.count(&chunk.indexed_text());
        chunk
    }

    /// The innermost titles that leave three quarters of the room to the text.
    fn fit_titles(&self, titles: &[String]) -> Vec<String> {
        let room = self.options.max_tokens / 4;
        let mut kept = titles;
        while kept.len() > 1 && self.count(&kept.join(" > ")) > room {
            kept = &kept[1..];
        }
        match kept {
            [only] if self.count(only) > room => Vec::new(),
            _ => kept.to_vec(),
        }
    }

    fn count(&self, text: &str) -> u32 {
        u32::try_from((self.count_tokens)(text)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
