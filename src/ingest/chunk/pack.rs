//! Chooses where a long section is cut: all cuts together, by dynamic programming.
//!
//! # Why
//! The cost of a chunk is the squared relative distance of its length from the target, plus the seam where it begins.
//! The cheapest series of cuts makes pieces of even length that begin where a reader would begin. The number of atoms
//! in a chunk is bounded by its room, so the work grows with the length of the section, not with its square.

use std::ops::Range;

use crate::ingest::chunk::atoms::Atom;

/// Groups `atoms` into chunks of at most `room` tokens, each as near to `target` as the seams allow.
pub(super) fn pack(atoms: &[Atom], room: u32, target: u32) -> Vec<Range<usize>> {
    // best[n] = (cost, start of the last group) of the cheapest grouping of the first n atoms.
    let mut best: Vec<(f32, usize)> = vec![(0.0, 0)];
    for end in 1..=atoms.len() {
        let mut cheapest = (f32::INFINITY, end - 1);
        let mut n_tokens = 0u32;
        for start in (0..end).rev() {
            let first = &atoms[start];
            n_tokens = n_tokens.saturating_add(first.n_tokens);
            let length = n_tokens.saturating_add(first.lead_tokens);
            // An atom that is too long by itself still needs a group; the caller halves it.
            if length > room && start + 1 < end {
                if n_tokens > room {
                    break;
                }
                continue;
            }
            let seam = if start == 0 { 0.0 } else { first.seam };
            let cost = best[start].0 + distance(length, target) + seam;
            if cost < cheapest.0 {
                cheapest = (cost, start);
            }
        }
        best.push(cheapest);
    }
    let mut groups = Vec::new();
    let mut end = atoms.len();
    while end > 0 {
        let start = best[end].1;
        groups.push(start..end);
        end = start;
    }
    groups.reverse();
    groups
}

/// Where to cut a group that turned out too long: at the cheapest seam, nearer to the middle if equal.
pub(super) fn best_cut(atoms: &[Atom]) -> usize {
    let middle = atoms.len() / 2;
    let cost = |at: usize| {
        #[expect(clippy::cast_precision_loss, reason = "counts of atoms are small")]
        let off = at.abs_diff(middle) as f32 / atoms.len() as f32;
        atoms[at].seam + off * 2.0
    };
    (1..atoms.len()).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(middle)
}

#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^24")]
fn distance(n_tokens: u32, target: u32) -> f32 {
    let relative = (n_tokens as f32 - target as f32) / target as f32;
    relative * relative
}
