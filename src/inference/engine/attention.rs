//! Causal attention of new tokens over a [`Sequence`], without copying keys, values or repeated heads.
//!
//! # Why
//! Query heads that share a head of keys are simply more rows of the same small matrix product. Work is cut into
//! (key head, some rows) and runs on candle's own pool: a second pool would compete with its spinning workers.
//! A row's result depends on its own position alone, so the size of a prefill slice changes nothing.

use std::sync::Mutex;

use candle_core::utils::barrier_pool;

use super::kernels::{COLS, MAX_ROWS, Tile, softmax};
use super::kv::{BLOCK, Sequence};

/// Rows that one unit of work holds; a block of keys is read once for all of them.
const UNIT_ROWS: usize = 16;

/// How the queries lie.
#[derive(Clone, Copy)]
pub struct Heads {
    /// Query heads.
    pub heads: usize,
    /// Heads of keys and values; divides `heads`.
    pub kv_heads: usize,
    /// A multiple of [`COLS`].
    pub head_dim: usize,
}

/// Attention of `queries` (token × head × `head_dim`, rotated, not scaled). The tokens belong to `parts` one after the
/// other, as many as each says, and stand at the reserved positions of its sequence. Returns the same shape.
pub fn attend(queries: &[f32], parts: &[(&Sequence, usize)], layer: usize, shape: Heads) -> Vec<f32> {
    let Heads { heads, kv_heads, head_dim } = shape;
    let (group, row_len) = (heads / kv_heads, heads * head_dim);
    let pool = barrier_pool();
    // Where one sequence decodes alone there are few rows; every thread gets some.
    let unit_rows = |n_rows: usize| match parts {
        [_] => n_rows.div_ceil((pool.n_workers() + 1).div_ceil(kv_heads)).clamp(2, UNIT_ROWS),
        _ => UNIT_ROWS,
    };
    let mut by_head = vec![0f32; queries.len()];
    let mut out = vec![0f32; queries.len()];
    let mut units: Vec<(Unit<'_>, Mutex<&mut [f32]>)> = Vec::new();
    let (mut queries_left, mut by_head_left) = (queries, &mut by_head[..]);
    for (sequence, n_tokens) in parts {
        let (queries, queries_rest) = queries_left.split_at(n_tokens * row_len);
        let (by_head, by_head_rest) = std::mem::take(&mut by_head_left).split_at_mut(n_tokens * row_len);
        (queries_left, by_head_left) = (queries_rest, by_head_rest);
        let n_rows = n_tokens * group;
        let unit_rows = unit_rows(n_rows);
        for (kv_head, rows) in by_head.chunks_mut((n_rows * head_dim).max(1)).enumerate() {
            for (i, out) in rows.chunks_mut(unit_rows * head_dim).enumerate() {
                let unit = Unit { shape, layer, kv_head, first_row: i * unit_rows, queries, sequence };
                units.push((unit, Mutex::new(out)));
            }
        }
    }
    pool.execute_chunked(units.len(), |range| {
        for (unit, out) in &units[range] {
            unit.run(&mut out.lock().expect("a unit is worked on once"));
        }
    });
    drop(units);
    let mut start = 0;
    for (_, n_tokens) in parts {
        let part = start..start + n_tokens * row_len;
        start = part.end;
        let out = &mut out[part.clone()];
        for (i, x) in by_head[part].chunks_exact(head_dim).enumerate() {
            let n_rows = n_tokens * group;
            let at = place(shape, i / n_rows, i % n_rows) * head_dim;
            out[at..at + head_dim].copy_from_slice(x);
        }
    }
    out
}

/// Which (token, head) a row of a key head is, counted in heads.
fn place(shape: Heads, kv_head: usize, row: usize) -> usize {
    let group = shape.heads / shape.kv_heads;
    row / group * shape.heads + kv_head * group + row % group
}

/// Some rows of one head of keys of one sequence.
struct Unit<'a> {
    shape: Heads,
    layer: usize,
    kv_head: usize,
    first_row: usize,
    queries: &'a [f32],
    sequence: &'a Sequence,
}

impl Unit<'_> {
    fn run(&self, out: &mut [f32]) {
        let (queries, sequence) = (self.queries, self.sequence);
        let head_dim = self.shape.head_dim;
        let group = self.shape.heads / self.shape.kv_heads;
        let n_rows = out.len() / head_dim;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let mut rows = vec![0f32; out.len()];
        for (i, row) in rows.chunks_mut(head_dim).enumerate() {
            let start = place(self.shape, self.kv_head, self.first_row + i) * head_dim;
            for (x, q) in row.iter_mut().zip(&queries[start..start + head_dim]) {
                *x = q * scale;
            }
        }
        let visible = |row: usize| sequence.tokens().len() + (self.first_row + row) / group + 1;
        let n_blocks = visible(n_rows - 1).div_ceil(BLOCK);
        let width = n_blocks * BLOCK;
        let mut scores = vec![0f32; n_rows * width];
        for (i, block) in sequence.blocks()[..n_blocks].iter().enumerate() {
            let b = block.keys(self.layer, self.kv_head);
            for row in (0..n_rows).step_by(MAX_ROWS) {
                let tile = Tile { a: &rows[row * head_dim..], a_stride: head_dim, b, b_stride: BLOCK, depth: head_dim };
                tile.run(MAX_ROWS.min(n_rows - row), &mut scores[row * width + i * BLOCK..], width);
            }
        }
        for (row, scores) in scores.chunks_mut(width).enumerate() {
            let (seen, hidden) = scores.split_at_mut(visible(row));
            softmax(seen);
            hidden.fill(0.0);
        }
        for (i, block) in sequence.blocks()[..n_blocks].iter().enumerate() {
            let values = block.values(self.layer, self.kv_head);
            for row in (0..n_rows).step_by(MAX_ROWS) {
                let a = &scores[row * width + i * BLOCK..];
                for col in (0..head_dim).step_by(COLS) {
                    let tile = Tile { a, a_stride: width, b: &values[col..], b_stride: head_dim, depth: BLOCK };
                    tile.run(MAX_ROWS.min(n_rows - row), &mut out[row * head_dim + col..], head_dim);
                }
            }
        }
    }
}
