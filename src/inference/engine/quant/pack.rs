//! From the blocks of a file to tiles.

use candle_core::quantized::GgmlDType;
use half::f16;
use rayon::prelude::*;

use super::layout::{COLS, TileQ4, TileQ4K, TileQ4Min, TileQ6K, TileQ8, Tiles, place};

const NO_QUAD: [u8; 64] = [0; 64];
const ZERO: [f16; COLS] = [f16::ZERO; COLS];

/// Inputs of a tile of this type, `None` if there is no kernel for it.
pub fn inputs_of(dtype: GgmlDType) -> Option<usize> {
    match dtype {
        GgmlDType::Q4K | GgmlDType::Q6K => Some(256),
        GgmlDType::Q4_0 | GgmlDType::Q4_1 | GgmlDType::Q8_0 => Some(64),
        _ => None,
    }
}

/// Packs `data`: the rows of `n_in` weights of a multiple of [`COLS`] outputs.
///
/// **Shape**: `n_in` is a multiple of [`inputs_of`]; `data` is as long as that makes it.
pub fn pack(dtype: GgmlDType, data: &[u8], n_in: usize) -> Option<Tiles> {
    let row = n_in / dtype.block_size() * dtype.type_size();
    let blocks = dtype.type_size() * inputs_of(dtype)? / dtype.block_size();
    Some(match dtype {
        GgmlDType::Q4K => Tiles::Q4K(tiles(data, row, blocks, q4k)),
        GgmlDType::Q6K => Tiles::Q6K(tiles(data, row, blocks, q6k)),
        GgmlDType::Q4_0 => Tiles::Q4(tiles(data, row, blocks, q4)),
        GgmlDType::Q4_1 => Tiles::Q4Min(tiles(data, row, blocks, q4_min)),
        GgmlDType::Q8_0 => Tiles::Q8(tiles(data, row, blocks, q8)),
        _ => return None,
    })
}

/// `part`: bytes of one output in a tile. `pack_one` gets them for all [`COLS`] outputs.
///
/// # Why
/// On all threads: the last matrix of a model is by far its largest, and it alone would take longer than the rest.
fn tiles<T: Send>(data: &[u8], row: usize, part: usize, pack_one: impl Fn([&[u8]; COLS]) -> T + Sync) -> Vec<T> {
    let per_strip = row / part;
    let tile = |i: usize| {
        let (strip, start) = (&data[i / per_strip * row * COLS..], i % per_strip * part);
        pack_one(std::array::from_fn(|col| &strip[col * row + start..col * row + start + part]))
    };
    (0..data.len() / (row * COLS) * per_strip).into_par_iter().map(tile).collect()
}

fn half_at(bytes: &[u8], at: usize) -> f16 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Puts 32 weights of four bits in place; `value` gives them in the order of the inputs.
fn put_nibbles(quads: &mut [[u8; 64]], output: usize, value: impl Fn(usize) -> u8) {
    for input in 0..32 {
        let (quad, byte, is_high) = place(input, output);
        quads[quad][byte] |= if is_high { value(input) << 4 } else { value(input) };
    }
}

fn q4k(blocks: [&[u8]; COLS]) -> TileQ4K {
    let mut tile = TileQ4K { q: [NO_QUAD; 32], scales: [[0; 16]; 8], mins: [[0; 32]; 4], d: ZERO, dmin: ZERO };
    for (col, block) in blocks.into_iter().enumerate() {
        (tile.d[col], tile.dmin[col]) = (half_at(block, 0), half_at(block, 2));
        let (packed, q) = (&block[4..16], &block[16..]);
        for g in 0..8 {
            let (scale, min) = if g < 4 {
                (packed[g] & 63, packed[g + 4] & 63)
            } else {
                let (low, high) = (packed[g + 4], [packed[g - 4] >> 6, packed[g] >> 6]);
                (low & 15 | high[0] << 4, low >> 4 | high[1] << 4)
            };
            tile.scales[g][col] = scale;
            tile.mins[g / 2][2 * col + g % 2] = min;
            let bytes = &q[g / 2 * 32..];
            put_nibbles(&mut tile.q[4 * g..], col, |i| if g % 2 == 0 { bytes[i] & 15 } else { bytes[i] >> 4 });
        }
    }
    tile
}

fn q6k(blocks: [&[u8]; COLS]) -> TileQ6K {
    let mut tile = TileQ6K { q: [NO_QUAD; 32], high: [NO_QUAD; 16], scales: [[0; 32]; 8], d: ZERO };
    for (col, block) in blocks.into_iter().enumerate() {
        let (low, rest) = block.split_at(128);
        let (high, rest) = rest.split_at(64);
        tile.d[col] = half_at(rest, 16);
        for (g, scale) in rest[..16].iter().enumerate() {
            tile.scales[g / 2][2 * col + g % 2] = scale.cast_signed();
        }
        for g in 0..8 {
            // 128 weights share 64 bytes of low bits and 32 of high bits.
            let (part, within) = (g / 4, g % 4);
            let low = &low[part * 64 + within % 2 * 32..];
            put_nibbles(&mut tile.q[4 * g..], col, |i| if within < 2 { low[i] & 15 } else { low[i] >> 4 });
            for input in 0..32 {
                let bits = high[part * 32 + input] >> (2 * within) & 3;
                let (quad, byte, is_high) = place(input, col);
                tile.high[2 * g + usize::from(is_high)][byte] |= bits << (2 * quad);
            }
        }
    }
    tile
}

/// Both groups of a tile of 64: its blocks of `block_bytes`, and what comes before the weights in each.
fn groups<'a>(blocks: &[&'a [u8]; COLS], block_bytes: usize) -> impl Iterator<Item = (usize, usize, &'a [u8])> {
    let blocks = *blocks;
    (0..COLS).flat_map(move |col| {
        let groups = blocks[col].chunks_exact(block_bytes).enumerate();
        groups.map(move |(g, block)| (col, g, block))
    })
}

/// The weight of a block of 32 of the older types: the low halves of its bytes come first.
fn nibble(bytes: &[u8], input: usize) -> u8 {
    if input < 16 { bytes[input] & 15 } else { bytes[input - 16] >> 4 }
}

fn q4(blocks: [&[u8]; COLS]) -> TileQ4 {
    let mut tile = TileQ4 { q: [NO_QUAD; 8], d: [ZERO; 2] };
    for (col, g, block) in groups(&blocks, 18) {
        tile.d[g][col] = half_at(block, 0);
        put_nibbles(&mut tile.q[4 * g..], col, |i| nibble(&block[2..], i));
    }
    tile
}

fn q4_min(blocks: [&[u8]; COLS]) -> TileQ4Min {
    let mut tile = TileQ4Min { q: [NO_QUAD; 8], d: [ZERO; 2], min: [ZERO; 2] };
    for (col, g, block) in groups(&blocks, 20) {
        (tile.d[g][col], tile.min[g][col]) = (half_at(block, 0), half_at(block, 2));
        put_nibbles(&mut tile.q[4 * g..], col, |i| nibble(&block[4..], i));
    }
    tile
}

fn q8(blocks: [&[u8]; COLS]) -> TileQ8 {
    let mut tile = TileQ8 { q: [NO_QUAD; 16], d: [ZERO; 2] };
    for (col, g, block) in groups(&blocks, 34) {
        tile.d[g][col] = half_at(block, 0);
        for (input, q) in block[2..].iter().enumerate() {
            // Shifted by 128: the instruction wants the weights without a sign.
            tile.q[8 * g + input / 4][4 * col + input % 4] = q ^ 0x80;
        }
    }
    tile
}
