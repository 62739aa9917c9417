//! The other side of a product: rows of numbers, rounded to eight bits.

/// 256 numbers with one scale, beside the sums that the offsets of the weights are multiplied with.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct Block256 {
    /// The numbers are `d · q`.
    pub q: [i8; 256],
    /// Of 16 neighbors each.
    pub sums16: [i16; 16],
    /// Of 32 neighbors each.
    pub sums32: [i16; 8],
    /// The scale.
    pub d: f32,
}

/// 64 numbers in two groups of 32 with a scale each.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct Block64 {
    /// The numbers are `d · q`.
    pub q: [i8; 64],
    /// The scales.
    pub d: [f32; 2],
    /// The sums of `q`.
    pub sums: [i32; 2],
}

/// A block of activations.
pub trait Block: Clone + Send + Sync {
    /// Numbers it holds.
    const LEN: usize;
    /// All zero.
    const ZERO: Self;

    /// Rounds [`Block::LEN`] numbers.
    fn round(xs: &[f32]) -> Self;
}

impl Block for Block256 {
    const LEN: usize = 256;
    const ZERO: Self = Self { q: [0; 256], sums16: [0; 16], sums32: [0; 8], d: 0.0 };

    #[inline(always)]
    fn round(xs: &[f32]) -> Self {
        let mut block = Self::ZERO;
        block.d = round_group(xs, &mut block.q);
        for (sum, q) in block.sums16.iter_mut().zip(block.q.as_chunks::<16>().0) {
            *sum = q.iter().map(|q| i16::from(*q)).sum();
        }
        for (sum, halves) in block.sums32.iter_mut().zip(block.sums16.as_chunks::<2>().0) {
            *sum = halves[0] + halves[1];
        }
        block
    }
}

impl Block for Block64 {
    const LEN: usize = 64;
    const ZERO: Self = Self { q: [0; 64], d: [0.0; 2], sums: [0; 2] };

    #[inline(always)]
    fn round(xs: &[f32]) -> Self {
        let mut block = Self::ZERO;
        for (g, xs) in xs.chunks_exact(32).enumerate() {
            let q = &mut block.q[32 * g..32 * g + 32];
            block.d[g] = round_group(xs, q);
            block.sums[g] = q.iter().map(|q| i32::from(*q)).sum();
        }
        block
    }
}

/// Rounds to −127…127 and returns the scale. Numbers that are none make the scale none, so that they are not lost.
#[inline(always)]
fn round_group(xs: &[f32], q: &mut [i8]) -> f32 {
    // Sixteen maxima: the compiler makes them one register. The bits of positive numbers are ordered like the
    // numbers, and what is not a number comes last.
    let mut largest = [0u32; 16];
    for part in xs.as_chunks::<16>().0 {
        for (largest, x) in largest.iter_mut().zip(part) {
            *largest = (*largest).max(x.abs().to_bits());
        }
    }
    let largest = f32::from_bits(largest.into_iter().fold(0, u32::max));
    if largest == 0.0 {
        return 0.0;
    }
    let inverse = 127.0 / largest;
    for (q, x) in q.as_chunks_mut::<16>().0.iter_mut().zip(xs.as_chunks::<16>().0) {
        for (q, x) in q.iter_mut().zip(x) {
            *q = nearest(x * inverse);
        }
    }
    1.0 / inverse
}

/// The nearest integer of a number between −127 and 127.
#[inline(always)]
fn nearest(x: f32) -> i8 {
    // Adding 1.5 · 2²³ leaves the integer in the low bits, without a call and without a branch.
    (x + 12_582_912.0).to_bits() as i8
}

/// Rounds a row; `blocks` has a block per [`Block::LEN`] numbers of it.
pub fn round_row<B: Block>(xs: &[f32], blocks: &mut [B]) {
    assert_eq!(xs.len(), blocks.len() * B::LEN, "a row is whole blocks");
    #[cfg(target_arch = "x86_64")]
    if super::x86::round_row(xs, blocks) {
        return;
    }
    round_row_with(xs, blocks);
}

#[inline(always)]
pub(super) fn round_row_with<B: Block>(xs: &[f32], blocks: &mut [B]) {
    for (block, xs) in blocks.iter_mut().zip(xs.chunks_exact(B::LEN)) {
        *block = B::round(xs);
    }
}
