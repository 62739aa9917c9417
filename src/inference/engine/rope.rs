//! Rotary positions.

use super::ModelError;
use super::gguf::GgufFile;

/// Which numbers of a head are turned together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopeStyle {
    /// The first half with the second half (Qwen).
    Halves,
    /// Neighbors (Llama, whose GGUF files are permuted for it).
    Pairs,
}

/// The angles of a model.
pub struct Rope {
    style: RopeStyle,
    /// Radians a position, one per pair.
    speeds: Vec<f32>,
}

/// Sines and cosines of some positions, computed once for all layers.
pub struct Angles<'a> {
    rope: &'a Rope,
    /// position × pair, (cosine, sine)
    table: Vec<(f32, f32)>,
}

impl Rope {
    /// From the metadata and, for Llama 3, the tensor of stretched frequencies.
    pub fn load(file: &GgufFile, style: RopeStyle, head_dim: usize) -> Result<Self, ModelError> {
        let turned = file.number_or("rope.dimension_count", head_dim)?;
        if turned != head_dim {
            return Err(ModelError::Unsupported { what: format!("{turned} of {head_dim} dimensions are rotated") });
        }
        let base = file.float_or("rope.freq_base", 10_000.0)?;
        let mut speeds: Vec<f32> =
            (0..head_dim).step_by(2).map(|i| 1.0 / base.powf(i as f32 / head_dim as f32)).collect();
        if file.has("rope_freqs.weight") {
            let factors = file.vector("rope_freqs.weight", speeds.len())?;
            for (speed, factor) in speeds.iter_mut().zip(factors) {
                *speed /= factor;
            }
        }
        Ok(Self { style, speeds })
    }

    /// The angles of ranges of positions: where each begins and how many there are.
    pub fn angles(&self, ranges: impl Iterator<Item = (usize, usize)>) -> Angles<'_> {
        let angle = |position: usize| {
            self.speeds.iter().map(move |speed| {
                let (sin, cos) = (position as f32 * speed).sin_cos();
                (cos, sin)
            })
        };
        Angles { rope: self, table: ranges.flat_map(|(first, n)| first..first + n).flat_map(angle).collect() }
    }
}

impl Angles<'_> {
    /// Turns `rows` (token × head × `head_dim`) in place.
    pub fn turn(&self, rows: &mut [f32], heads: usize) {
        let half = self.rope.speeds.len();
        for (token, row) in rows.chunks_exact_mut(heads * half * 2).enumerate() {
            let table = &self.table[token * half..(token + 1) * half];
            for head in row.chunks_exact_mut(half * 2) {
                match self.rope.style {
                    RopeStyle::Halves => {
                        let (a, b) = head.split_at_mut(half);
                        for ((x, y), (cos, sin)) in a.iter_mut().zip(b).zip(table) {
                            (*x, *y) = (*x * cos - *y * sin, *x * sin + *y * cos);
                        }
                    }
                    RopeStyle::Pairs => {
                        for (pair, (cos, sin)) in head.chunks_exact_mut(2).zip(table) {
                            (pair[0], pair[1]) = (pair[0] * cos - pair[1] * sin, pair[0] * sin + pair[1] * cos);
                        }
                    }
                }
            }
        }
    }
}
