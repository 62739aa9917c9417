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

/// Attention of `queries` (token × head × `head_dim`, rotated, not scaled), which stand at the reserved positions of
/// `sequence`. Returns the same shape.
pub fn attend(queries: &[f32], sequence: &Sequence, layer: usize, shape: Heads) -> Vec<f32> {
    let Heads { heads, kv_heads, head_dim } = shape;
    let group = heads / kv_heads;
    let n_rows = queries.len() / (heads * head_dim) * group;
    let pool = barrier_pool();
    // At decoding there are few rows; give every thread some.
    let unit_rows = n_rows.div_ceil((pool.n_workers() + 1).div_ceil(kv_heads)).clamp(2, UNIT_ROWS);
    let units_per_head = n_rows.div_ceil(unit_rows);
    let mut by_head = vec![0f32; queries.len()];
    {
        let units: Vec<(usize, usize, Mutex<&mut [f32]>)> = by_head
            .chunks_mut(n_rows * head_dim)
            .enumerate()
            .flat_map(|(kv_head, rows)| {
                let units = rows.chunks_mut(unit_rows * head_dim).enumerate();
                units.map(move |(i, out)| (kv_head, i * unit_rows, Mutex::new(out)))
            })
            .collect();
        debug_assert_eq!(units.len(), units_per_head * kv_heads);
        pool.execute_chunked(units.len(), |range| {
            for (kv_head, first_row, out) in &units[range] {
                let unit = Unit { shape, layer, kv_head: *kv_head, first_row: *first_row };
                let mut out = out.lock().expect("a unit is worked on once");
                unit.run(queries, sequence, &mut out);
            }
        });
    }
    let mut out = vec![0f32; queries.len()];
    for (kv_head, rows) in by_head.chunks(n_rows * head_dim).enumerate() {
        for (row, x) in rows.chunks(head_dim).enumerate() {
            let start = place(shape, kv_head, row) * head_dim;
            out[start..start + head_dim].copy_from_slice(x);
        }
    }
    out
}

/// Which (token, head) a row of a key head is, counted in heads.
fn place(shape: Heads, kv_head: usize, row: usize) -> usize {
    let group = shape.heads / shape.kv_heads;
    row / group * shape.heads + kv_head * group + row % group
}

struct Unit {
    shape: Heads,
    layer: usize,
    kv_head: usize,
    first_row: usize,
}

impl Unit {
    fn run(&self, queries: &[f32], sequence: &Sequence, out: &mut [f32]) {
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
