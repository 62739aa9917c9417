//! How weights lie in memory: tiles of 16 outputs, in the order in which the kernels read them.
//!
//! # Why
//! A file holds one output after the other. The kernels want four neighboring inputs of 16 outputs in one register,
//! and everything that belongs to a tile beside it, so that a matrix is read from the first to the last byte. A tile
//! is hardly larger than what it was in the file: writing a token means reading every weight once.

use half::f16;

/// Outputs of a tile.
pub const COLS: usize = 16;

/// Four inputs of [`COLS`] outputs, a byte each: output × input.
pub type Quad = [u8; 4 * COLS];

/// `Q4_K`: 256 inputs in eight groups of 32. A weight is `d · scale · q − dmin · min`.
///
/// **Order**: the low halves of `q[4 g + i]` are the inputs from `32 g + 4 i` on, the high halves those 16 further.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct TileQ4K {
    /// Two inputs a byte.
    pub q: [Quad; 32],
    /// Of each group.
    pub scales: [[u8; COLS]; 8],
    /// Of two neighboring groups, output × group.
    pub mins: [[u8; 2 * COLS]; 4],
    /// Of all scales.
    pub d: [f16; COLS],
    /// Of all mins.
    pub dmin: [f16; COLS],
}

/// `Q6_K`: 256 inputs in sixteen groups of 16. A weight is `d · scale · (q − 32)`.
///
/// **Order**: the low four bits as in [`TileQ4K`]. The high two bits of quad `t` (of eight) of 32 inputs `g` are the
/// bits from `2 (t % 4)` on of `high[2 g + t / 4]`.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct TileQ6K {
    /// The low four bits.
    pub q: [Quad; 32],
    /// The high two bits.
    pub high: [Quad; 16],
    /// Of two neighboring groups, output × group.
    pub scales: [[i8; 2 * COLS]; 8],
    /// Of all scales.
    pub d: [f16; COLS],
}

/// `Q4_0`: 64 inputs in two groups of 32. A weight is `d · (q − 8)`. Order as in [`TileQ4K`].
#[derive(Clone)]
#[repr(C, align(64))]
pub struct TileQ4 {
    /// Two inputs a byte.
    pub q: [Quad; 8],
    /// Of each group.
    pub d: [[f16; COLS]; 2],
}

/// `Q4_1`: 64 inputs in two groups of 32. A weight is `d · q + min`. Order as in [`TileQ4K`].
#[derive(Clone)]
#[repr(C, align(64))]
pub struct TileQ4Min {
    /// Two inputs a byte.
    pub q: [Quad; 8],
    /// Of each group.
    pub d: [[f16; COLS]; 2],
    /// Of each group.
    pub min: [[f16; COLS]; 2],
}

/// `Q8_0`, and what is brought into this form: 64 inputs in two groups of 32. A weight is `d · (q − 128)`.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct TileQ8 {
    /// An input a byte.
    pub q: [Quad; 16],
    /// Of each group.
    pub d: [[f16; COLS]; 2],
}

/// The tiles of a matrix: those of the first 16 outputs, then those of the next.
pub enum Tiles {
    /// See [`TileQ4K`].
    Q4K(Vec<TileQ4K>),
    /// See [`TileQ6K`].
    Q6K(Vec<TileQ6K>),
    /// See [`TileQ4`].
    Q4(Vec<TileQ4>),
    /// See [`TileQ4Min`].
    Q4Min(Vec<TileQ4Min>),
    /// See [`TileQ8`].
    Q8(Vec<TileQ8>),
}

/// Where a weight of a group of 32 is in the order of [`TileQ4K`]: quad of the group, byte within, whether in the high half.
pub fn place(input: usize, output: usize) -> (usize, usize, bool) {
    let (half, input) = (input / 16, input % 16);
    (input / 4, 4 * output + input % 4, half == 1)
}
