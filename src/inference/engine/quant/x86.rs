//! The products with AVX-512 VNNI: 16 outputs side by side, up to [`MAX_ROWS`] rows of activations at once.
//!
//! # Why
//! A register holds four neighboring inputs of 16 outputs, which is what `vpdpbusd` wants; the activations are
//! broadcast from memory. Unpacking a weight costs about as much as multiplying it, so rows share it. Every row goes
//! through the same operations in the same order however many there are: what it gives never depends on the others.

#![expect(unsafe_code, reason = "vector instructions; what they load is an array of the size they load")]

use std::arch::x86_64::*;

use half::f16;

use super::MAX_ROWS;
use super::activations::{Block, Block64, Block256, round_row_with};
use super::layout::{COLS, Quad, TileQ4, TileQ4K, TileQ4Min, TileQ6K, TileQ8};

/// Whether this machine can run the kernels.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

pub(super) fn round_row<B: Block>(xs: &[f32], blocks: &mut [B]) -> bool {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn run<B: Block>(xs: &[f32], blocks: &mut [B]) {
        round_row_with(xs, blocks);
    }
    if !is_available() {
        return false;
    }
    // SAFETY: the instructions exist on this machine.
    unsafe { run(xs, blocks) };
    true
}

/// A kernel for each number of rows, so that the sums stay in registers.
macro_rules! kernel {
    ($name:ident, $tile:ty, $block:ty, $body:ident) => {
        pub(super) fn $name(strip: &[$tile], rows: &[&[$block]], out: &mut [[f32; COLS]]) -> bool {
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
            fn run<const R: usize>(strip: &[$tile], rows: &[&[$block]], out: &mut [[f32; COLS]]) {
                let rows: [&[$block]; R] = std::array::from_fn(|i| &rows[i][..strip.len()]);
                let sums = $body(strip, rows);
                for (out, sums) in out.iter_mut().zip(sums) {
                    // SAFETY: an output has 16 numbers.
                    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), sums) };
                }
            }
            if !is_available() {
                return false;
            }
            const { assert!(MAX_ROWS == 8) };
            // SAFETY: the instructions exist on this machine.
            unsafe {
                match rows.len() {
                    1 => run::<1>(strip, rows, out),
                    2 => run::<2>(strip, rows, out),
                    3 => run::<3>(strip, rows, out),
                    4 => run::<4>(strip, rows, out),
                    5 => run::<5>(strip, rows, out),
                    6 => run::<6>(strip, rows, out),
                    7 => run::<7>(strip, rows, out),
                    _ => run::<8>(strip, rows, out),
                }
            }
            true
        }
    };
}

kernel!(q4k, TileQ4K, Block256, q4k_rows);
kernel!(q6k, TileQ6K, Block256, q6k_rows);
kernel!(q4, TileQ4, Block64, q4_rows);
kernel!(q4_min, TileQ4Min, Block64, q4_min_rows);
kernel!(q8, TileQ8, Block64, q8_rows);

#[inline]
#[target_feature(enable = "avx512f")]
fn quad(bytes: &Quad) -> __m512i {
    // SAFETY: 64 bytes.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Adds the products of eight quads of weights with 32 activations from `at` on.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn dot32<const N: usize>(mut dot: __m512i, weights: &[__m512i; 8], q: &[i8; N], at: usize) -> __m512i {
    let (q, _) = q[at..at + 32].as_chunks::<4>();
    for (w, q) in weights.iter().zip(q) {
        dot = _mm512_dpbusd_epi32(dot, *w, _mm512_set1_epi32(i32::from_ne_bytes(q.map(i8::cast_unsigned))));
    }
    dot
}

/// Two neighboring sums, as often as there are outputs.
#[inline]
#[target_feature(enable = "avx512f")]
fn two(sums: &[i16], at: usize) -> __m512i {
    let (low, high) = (u32::from(sums[at].cast_unsigned()), u32::from(sums[at + 1].cast_unsigned()));
    _mm512_set1_epi32((low | high << 16).cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn halves(d: &[f16; COLS]) -> __m512 {
    // SAFETY: 32 bytes.
    unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(d.as_ptr().cast())) }
}

/// 32 weights of four bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn nibbles<const N: usize>(quads: &[Quad; N], group: usize) -> [__m512i; 8] {
    let low = _mm512_set1_epi8(15);
    std::array::from_fn(|i| {
        let w = quad(&quads[4 * group + i % 4]);
        _mm512_and_si512(if i < 4 { w } else { _mm512_srli_epi16::<4>(w) }, low)
    })
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn q4k_rows<const R: usize>(strip: &[TileQ4K], rows: [&[Block256]; R]) -> [__m512; R] {
    let mut out = [_mm512_setzero_ps(); R];
    for (t, tile) in strip.iter().enumerate() {
        let rows: [&Block256; R] = rows.map(|row| &row[t]);
        let mut sums = [_mm512_setzero_si512(); R];
        for g in 0..8 {
            let w = nibbles(&tile.q, g);
            // SAFETY: 16 bytes.
            let scale = _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(tile.scales[g].as_ptr().cast()) });
            for r in 0..R {
                let dot = dot32(_mm512_setzero_si512(), &w, &rows[r].q, 32 * g);
                sums[r] = _mm512_add_epi32(sums[r], _mm512_mullo_epi32(dot, scale));
            }
        }
        let (d, dmin) = (halves(&tile.d), halves(&tile.dmin));
        let mins: [__m512i; 4] = std::array::from_fn(|j| widen_unsigned(&tile.mins[j]));
        for r in 0..R {
            let mut min = _mm512_setzero_si512();
            for (j, mins) in mins.iter().enumerate() {
                min = _mm512_dpwssd_epi32(min, *mins, two(&rows[r].sums32, 2 * j));
            }
            let x = _mm512_set1_ps(rows[r].d);
            out[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[r]), _mm512_mul_ps(d, x), out[r]);
            out[r] = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(min), _mm512_mul_ps(dmin, x), out[r]);
        }
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn widen_unsigned(bytes: &[u8; 2 * COLS]) -> __m512i {
    // SAFETY: 32 bytes.
    _mm512_cvtepu8_epi16(unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) })
}

/// 32 weights of six bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn six_bits(tile: &TileQ6K, group: usize) -> [__m512i; 8] {
    let low = nibbles(&tile.q, group);
    let mask = _mm512_set1_epi8(0x30);
    std::array::from_fn(|i| {
        let high = quad(&tile.high[2 * group + i / 4]);
        // Two bits a quad, brought to bits 4 and 5.
        let high = match i % 4 {
            0 => _mm512_slli_epi16::<4>(high),
            1 => _mm512_slli_epi16::<2>(high),
            2 => high,
            _ => _mm512_srli_epi16::<2>(high),
        };
        // (high & mask) | low
        _mm512_ternarylogic_epi32::<0xEA>(high, mask, low[i])
    })
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn q6k_rows<const R: usize>(strip: &[TileQ6K], rows: [&[Block256]; R]) -> [__m512; R] {
    let mut out = [_mm512_setzero_ps(); R];
    for (t, tile) in strip.iter().enumerate() {
        let rows: [&Block256; R] = rows.map(|row| &row[t]);
        let mut sums = [_mm512_setzero_si512(); R];
        for g in 0..8 {
            let w = six_bits(tile, g);
            // SAFETY: 32 bytes.
            let scales = _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(tile.scales[g].as_ptr().cast()) });
            let (first, second) =
                (_mm512_srai_epi32::<16>(_mm512_slli_epi32::<16>(scales)), _mm512_srai_epi32::<16>(scales));
            for r in 0..R {
                // The two halves have scales of their own.
                let (q, _) = rows[r].q[32 * g..32 * g + 32].as_chunks::<4>();
                let mut dots = [_mm512_setzero_si512(); 2];
                for i in 0..8 {
                    let q = _mm512_set1_epi32(i32::from_ne_bytes(q[i].map(i8::cast_unsigned)));
                    dots[i / 4] = _mm512_dpbusd_epi32(dots[i / 4], w[i], q);
                }
                let offset = _mm512_dpwssd_epi32(_mm512_setzero_si512(), scales, two(&rows[r].sums16, 2 * g));
                let sum = _mm512_add_epi32(_mm512_mullo_epi32(dots[0], first), _mm512_mullo_epi32(dots[1], second));
                let sum = _mm512_sub_epi32(sum, _mm512_slli_epi32::<5>(offset));
                sums[r] = _mm512_add_epi32(sums[r], sum);
            }
        }
        let d = halves(&tile.d);
        for r in 0..R {
            out[r] = add_scaled(out[r], sums[r], d, rows[r].d);
        }
    }
    out
}

/// `out += d · x · dot`
#[inline]
#[target_feature(enable = "avx512f")]
fn add_scaled(out: __m512, dot: __m512i, d: __m512, x: f32) -> __m512 {
    _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(d, _mm512_set1_ps(x)), out)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn q4_rows<const R: usize>(strip: &[TileQ4], rows: [&[Block64]; R]) -> [__m512; R] {
    let mut out = [_mm512_setzero_ps(); R];
    for (t, tile) in strip.iter().enumerate() {
        let rows: [&Block64; R] = rows.map(|row| &row[t]);
        for g in 0..2 {
            let (w, d) = (nibbles(&tile.q, g), halves(&tile.d[g]));
            for r in 0..R {
                // The offset of the weights goes first: it costs nothing where a zero would stand.
                let offset = _mm512_set1_epi32(-8 * rows[r].sums[g]);
                out[r] = add_scaled(out[r], dot32(offset, &w, &rows[r].q, 32 * g), d, rows[r].d[g]);
            }
        }
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn q4_min_rows<const R: usize>(strip: &[TileQ4Min], rows: [&[Block64]; R]) -> [__m512; R] {
    let mut out = [_mm512_setzero_ps(); R];
    for (t, tile) in strip.iter().enumerate() {
        let rows: [&Block64; R] = rows.map(|row| &row[t]);
        for g in 0..2 {
            let (w, d, min) = (nibbles(&tile.q, g), halves(&tile.d[g]), halves(&tile.min[g]));
            for r in 0..R {
                let x = rows[r].d[g];
                let dot = dot32(_mm512_setzero_si512(), &w, &rows[r].q, 32 * g);
                out[r] = add_scaled(out[r], dot, d, x);
                out[r] = _mm512_fmadd_ps(min, _mm512_set1_ps(rows[r].sums[g] as f32 * x), out[r]);
            }
        }
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn q8_rows<const R: usize>(strip: &[TileQ8], rows: [&[Block64]; R]) -> [__m512; R] {
    let mut out = [_mm512_setzero_ps(); R];
    for (t, tile) in strip.iter().enumerate() {
        let rows: [&Block64; R] = rows.map(|row| &row[t]);
        for g in 0..2 {
            let w: [__m512i; 8] = std::array::from_fn(|i| quad(&tile.q[8 * g + i]));
            let d = halves(&tile.d[g]);
            for r in 0..R {
                let offset = _mm512_set1_epi32(-128 * rows[r].sums[g]);
                out[r] = add_scaled(out[r], dot32(offset, &w, &rows[r].q, 32 * g), d, rows[r].d[g]);
            }
        }
    }
    out
}
