//! Products of rounded rows with quantized weights.
//!
//! # Why
//! candle multiplies one row in another order than several, has no fast kernel for the older types (`Q4_1`, which
//! SmolLM2 comes in, and `Q4_0`, which the embedder comes in), and keeps the weights of the file beside a packed copy
//! that is a third larger. Here a row gives the same numbers to the last bit whoever shares the batch, a matrix is
//! stored once and hardly larger than in the file, and several matrices share the rounding of their input. Where the
//! machine lacks the instructions, or a matrix has an odd shape, [`Packed::pack`] says so and candle multiplies.

mod activations;
mod layout;
mod pack;
mod portable;
mod strips;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use candle_core::quantized::GgmlDType;
use candle_core::utils::barrier_pool;

use activations::{Block, Block64, Block256, round_row};
use layout::{COLS, Tiles};
use portable::Tile;
use strips::strips;

use super::parallel::each_part_of;

/// Rows that share the unpacking of a weight.
pub const MAX_ROWS: usize = 8;

/// A matrix in the order of the kernels.
pub struct Packed {
    tiles: Tiles,
    dtype: GgmlDType,
    n_out: usize,
    n_in: usize,
}

/// Which activations a [`Packed`] wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// A scale for 256 numbers.
    By256,
    /// A scale for 32 numbers.
    By32,
}

/// Rounded rows.
pub struct Rounded {
    blocks: Blocks,
    n_rows: usize,
}

enum Blocks {
    By256(Vec<Block256>),
    By32(Vec<Block64>),
}

impl Rounded {
    /// **Shape**: `xs` is row × `width`, of a width that some [`Packed`] reads.
    pub fn new(xs: &[f32], width: usize, rounding: Rounding) -> Self {
        let blocks = match rounding {
            Rounding::By256 => Blocks::By256(round(xs, width)),
            Rounding::By32 => Blocks::By32(round(xs, width)),
        };
        Self { blocks, n_rows: xs.len() / width }
    }

    /// How many rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }
}

fn round<B: Block>(xs: &[f32], width: usize) -> Vec<B> {
    let per_row = width / B::LEN;
    let mut blocks = vec![B::ZERO; xs.len() / width * per_row];
    each_part_of(&mut blocks, per_row, B::LEN, |row, blocks| round_row(&xs[row * width..(row + 1) * width], blocks));
    blocks
}

/// Whether this machine has the instructions.
pub fn is_available() -> bool {
    #[cfg(target_arch = "x86_64")]
    return x86::is_available();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl Packed {
    /// `None`: there is no kernel for this type, shape or machine.
    pub fn pack(dtype: GgmlDType, data: &[u8], n_out: usize, n_in: usize) -> Option<Self> {
        is_available().then(|| Self::pack_anywhere(dtype, data, n_out, n_in)).flatten()
    }

    fn pack_anywhere(dtype: GgmlDType, data: &[u8], n_out: usize, n_in: usize) -> Option<Self> {
        if !n_out.is_multiple_of(COLS) || !n_in.is_multiple_of(pack::inputs_of(dtype)?) {
            return None;
        }
        Some(Self { tiles: pack::pack(dtype, data, n_in)?, dtype, n_out, n_in })
    }

    /// Outputs.
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// Inputs.
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// What its input must be.
    pub fn rounding(&self) -> Rounding {
        match self.dtype {
            GgmlDType::Q4K | GgmlDType::Q6K => Rounding::By256,
            _ => Rounding::By32,
        }
    }

    /// Writes `x Wᵀ` to `out`, row by row.
    ///
    /// **Shape**: panics when `x` was rounded for another kind of matrix.
    pub fn multiply(&self, x: &Rounded, out: &mut [f32]) {
        assert_eq!(out.len(), x.n_rows * self.n_out, "the output has a number per row and column");
        match (&self.tiles, &x.blocks) {
            (Tiles::Q4K(tiles), Blocks::By256(x)) => self.multiply_with(tiles, x, out),
            (Tiles::Q6K(tiles), Blocks::By256(x)) => self.multiply_with(tiles, x, out),
            (Tiles::Q4(tiles), Blocks::By32(x)) => self.multiply_with(tiles, x, out),
            (Tiles::Q4Min(tiles), Blocks::By32(x)) => self.multiply_with(tiles, x, out),
            (Tiles::Q8(tiles), Blocks::By32(x)) => self.multiply_with(tiles, x, out),
            _ => panic!("{:?} does not read rows rounded in another way", self.dtype),
        }
    }

    fn multiply_with<T: Tile>(&self, tiles: &[T], x: &[T::Block], out: &mut [f32]) {
        let per_row = self.n_in / T::Block::LEN;
        let rows: Vec<&[T::Block]> = x.chunks_exact(per_row).collect();
        let strips = strips(out, self.n_out);
        barrier_pool().execute_chunked(strips.len(), |range| {
            for strip in range {
                let mut out = strips[strip].lock().expect("a strip is worked on once");
                let tiles = &tiles[strip * per_row..(strip + 1) * per_row];
                for (i, rows) in rows.chunks(MAX_ROWS).enumerate() {
                    let mut sums = [[0f32; COLS]; MAX_ROWS];
                    let sums = &mut sums[..rows.len()];
                    if !T::multiply_fast(tiles, rows, sums) {
                        multiply_portable(tiles, rows, sums);
                    }
                    for (j, sums) in sums.iter().enumerate() {
                        out.put(i * MAX_ROWS + j, sums);
                    }
                }
            }
        });
    }
}

fn multiply_portable<T: Tile>(tiles: &[T], rows: &[&[T::Block]], out: &mut [[f32; COLS]]) {
    for (row, out) in rows.iter().zip(out) {
        tiles.iter().zip(*row).for_each(|(tile, x)| tile.add(x, out));
    }
}
