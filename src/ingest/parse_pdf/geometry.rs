//! Where the words of a line stand: gaps make cells, sizes make titles.
//!
//! # Why
//! The engines order text well but glue the cells of a row together and forget how large a title was. Both are plain
//! from the positions of the glyphs. A line of an engine's text is recognised by its characters, spaces aside, so the
//! same positions serve both engines, and a line that is not recognised simply stays as it is.

use std::collections::HashMap;

use pdf_oxide::layout::TextSpan;
use unicode_normalization::UnicodeNormalization;

/// Spans of a line stand on the same height, give or take this share of their size.
const BASELINE_TOLERANCE: f32 = 0.4;
/// A gap of this share of the size is a space.
const SPACE_GAP: f32 = 0.2;
/// A gap of this share of the size parts two cells.
const CELL_GAP: f32 = 1.2;
/// What stands alone before a gap and is no cell: a bullet, a number.
const MAX_MARKER_CHARS: usize = 3;

/// A line of a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Its text; cells are joined by ` | `.
    pub text: String,
    /// How many cells it has; 1 for running text.
    pub n_cells: usize,
    /// Size of its letters in points; 0 if unknown.
    pub size: f32,
}

/// The lines of a page by their characters.
#[derive(Debug, Default)]
pub(super) struct Geometry {
    lines: HashMap<String, Line>,
}

impl Geometry {
    /// Finds lines and cells in the spans of a page.
    pub fn of(spans: &[TextSpan]) -> Self {
        let mut spans: Vec<&TextSpan> = spans.iter().filter(|span| !span.text.trim().is_empty()).collect();
        spans.sort_by(|a, b| b.bbox.y.total_cmp(&a.bbox.y).then(a.bbox.x.total_cmp(&b.bbox.x)));
        let mut geometry = Self::default();
        let mut row: Vec<&TextSpan> = Vec::new();
        for span in spans {
            if row.last().is_some_and(|last| (last.bbox.y - span.bbox.y).abs() > BASELINE_TOLERANCE * span.font_size) {
                geometry.add_row(&mut row);
            }
            row.push(span);
        }
        geometry.add_row(&mut row);
        geometry
    }

    fn add_row(&mut self, row: &mut Vec<&TextSpan>) {
        row.sort_by(|a, b| a.bbox.x.total_cmp(&b.bbox.x));
        let mut cells: Vec<Line> = Vec::new();
        let mut end = f32::NEG_INFINITY;
        for span in row.drain(..) {
            let gap = (span.bbox.x - end) / span.font_size.max(1.0);
            end = span.bbox.x + span.bbox.width;
            match cells.last_mut() {
                Some(cell) if gap < CELL_GAP || is_marker(&cell.text) => {
                    if gap > SPACE_GAP && !cell.text.ends_with(' ') {
                        cell.text.push(' ');
                    }
                    cell.text.push_str(&span.text);
                    cell.size = cell.size.max(span.font_size);
                }
                _ => cells.push(Line { text: span.text.clone(), n_cells: 1, size: span.font_size }),
            }
        }
        for cell in &cells {
            self.add_line(Line { text: cell.text.trim().to_owned(), ..*cell });
        }
        if cells.len() > 1 {
            let text = cells.iter().map(|cell| cell.text.trim()).collect::<Vec<_>>().join(" | ");
            let size = cells.iter().map(|cell| cell.size).fold(0.0, f32::max);
            self.add_line(Line { text, n_cells: cells.len(), size });
        }
    }

    fn add_line(&mut self, line: Line) {
        self.lines.entry(squeeze(&line.text.replace(" | ", ""))).or_insert(line);
    }

    /// The line of `text`, with what is known of it.
    pub fn line(&self, text: &str) -> Line {
        match self.lines.get(&squeeze(text)) {
            Some(line) => line.clone(),
            None => Line { text: text.trim().to_owned(), n_cells: 1, size: 0.0 },
        }
    }
}

/// The size that most characters have.
pub(super) fn body_size<'a>(lines: impl Iterator<Item = &'a Line>) -> f32 {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for line in lines.filter(|line| line.size > 0.0) {
        *counts.entry((line.size * 2.0).round() as u32).or_default() += line.text.chars().count();
    }
    let commonest = counts.into_iter().max_by_key(|(size, n_chars)| (*n_chars, *size));
    commonest.map_or(0.0, |(size, _)| size as f32 / 2.0)
}

fn is_marker(text: &str) -> bool {
    let text = text.trim();
    text.chars().count() <= MAX_MARKER_CHARS && !text.chars().any(char::is_alphabetic)
}

/// The characters alone: engines differ in spaces and in forms of the same character.
fn squeeze(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace()).collect()
}
