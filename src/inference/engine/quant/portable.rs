//! The products number by number: what the fast kernels must equal to the last bit.

use half::f16;

use super::activations::{Block64, Block256};
use super::layout::{COLS, Quad, TileQ4, TileQ4K, TileQ4Min, TileQ6K, TileQ8, place};

/// A tile and the block of activations it is multiplied with.
pub trait Tile: Sized + Send + Sync {
    /// The other side.
    type Block: super::activations::Block;

    /// Adds the product of one tile and one block to the outputs.
    fn add(&self, x: &Self::Block, out: &mut [f32; COLS]);

    /// Multiplies a strip of tiles with up to [`super::MAX_ROWS`] rows on the machine's own instructions.
    /// `false`: it has none, nothing was done.
    fn multiply_fast(strip: &[Self], rows: &[&[Self::Block]], out: &mut [[f32; COLS]]) -> bool;
}

/// The weight of `input` in a group of 32, four bits.
fn nibble(quads: &[Quad], input: usize, col: usize) -> u8 {
    let (quad, byte, is_high) = place(input, col);
    if is_high { quads[quad][byte] >> 4 } else { quads[quad][byte] & 15 }
}

/// Sum of products of one group.
fn dot(q: &[i8], weight: impl Fn(usize) -> u8) -> i32 {
    q.iter().enumerate().map(|(i, x)| i32::from(*x) * i32::from(weight(i))).sum()
}

fn product(a: f16, b: f32) -> f32 {
    a.to_f32() * b
}

macro_rules! fast {
    ($kernel:ident) => {
        fn multiply_fast(strip: &[Self], rows: &[&[Self::Block]], out: &mut [[f32; COLS]]) -> bool {
            #[cfg(target_arch = "x86_64")]
            if super::x86::$kernel(strip, rows, out) {
                return true;
            }
            false
        }
    };
}

impl Tile for TileQ4K {
    type Block = Block256;

    fn add(&self, x: &Block256, out: &mut [f32; COLS]) {
        for (col, out) in out.iter_mut().enumerate() {
            let (mut sum, mut mins) = (0, 0);
            for g in 0..8 {
                let dot = dot(&x.q[32 * g..32 * g + 32], |i| nibble(&self.q[4 * g..], i, col));
                sum += i32::from(self.scales[g][col]) * dot;
                mins += i32::from(self.mins[g / 2][2 * col + g % 2]) * i32::from(x.sums32[g]);
            }
            *out = (sum as f32).mul_add(product(self.d[col], x.d), *out);
            *out = (-(mins as f32)).mul_add(product(self.dmin[col], x.d), *out);
        }
    }

    fast!(q4k);
}

impl Tile for TileQ6K {
    type Block = Block256;

    fn add(&self, x: &Block256, out: &mut [f32; COLS]) {
        for (col, out) in out.iter_mut().enumerate() {
            let mut sum = 0;
            for g in 0..16 {
                let weight = |i: usize| {
                    let (quad, byte, is_high) = place(g % 2 * 16 + i, col);
                    let low = nibble(&self.q[g / 2 * 4..], g % 2 * 16 + i, col);
                    low | (self.high[g / 2 * 2 + usize::from(is_high)][byte] >> (2 * quad) & 3) << 4
                };
                let dot = dot(&x.q[16 * g..16 * g + 16], weight) - 32 * i32::from(x.sums16[g]);
                sum += i32::from(self.scales[g / 2][2 * col + g % 2]) * dot;
            }
            *out = (sum as f32).mul_add(product(self.d[col], x.d), *out);
        }
    }

    fast!(q6k);
}

impl Tile for TileQ4 {
    type Block = Block64;

    fn add(&self, x: &Block64, out: &mut [f32; COLS]) {
        for g in 0..2 {
            for (col, out) in out.iter_mut().enumerate() {
                let dot = dot(&x.q[32 * g..32 * g + 32], |i| nibble(&self.q[4 * g..], i, col)) - 8 * x.sums[g];
                *out = (dot as f32).mul_add(product(self.d[g][col], x.d[g]), *out);
            }
        }
    }

    fast!(q4);
}

impl Tile for TileQ4Min {
    type Block = Block64;

    fn add(&self, x: &Block64, out: &mut [f32; COLS]) {
        for g in 0..2 {
            for (col, out) in out.iter_mut().enumerate() {
                let dot = dot(&x.q[32 * g..32 * g + 32], |i| nibble(&self.q[4 * g..], i, col));
                *out = (dot as f32).mul_add(product(self.d[g][col], x.d[g]), *out);
                *out = self.min[g][col].to_f32().mul_add(x.sums[g] as f32 * x.d[g], *out);
            }
        }
    }

    fast!(q4_min);
}

impl Tile for TileQ8 {
    type Block = Block64;

    fn add(&self, x: &Block64, out: &mut [f32; COLS]) {
        for g in 0..2 {
            for (col, out) in out.iter_mut().enumerate() {
                let weight = |i: usize| self.q[8 * g + i / 4][4 * col + i % 4];
                let dot = dot(&x.q[32 * g..32 * g + 32], weight) - 128 * x.sums[g];
                *out = (dot as f32).mul_add(product(self.d[g][col], x.d[g]), *out);
            }
        }
    }

    fast!(q8);
}
