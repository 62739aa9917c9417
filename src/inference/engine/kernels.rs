//! The inner loops that neither candle nor the compiler gives us fast enough: a small matrix tile for attention and
//! the exponentials of softmax, SiLU and GELU.
//!
//! Every kernel has a portable body, which is also the reference of the tests, and on x86-64 a version chosen at run
//! time. This is the only file of the engine with unsafe code beside the memory mapping.

/// Columns of a [`Tile`]; also the positions of one block of the key-value cache.
pub const COLS: usize = 32;

/// The most rows one call of [`Tile::run`] works on.
pub const MAX_ROWS: usize = 8;

/// `a` (rows × `depth`, row stride `a_stride`) times `b` (`depth` × [`COLS`], row stride `b_stride`).
#[derive(Clone, Copy)]
pub struct Tile<'a> {
    /// Left side, row by row.
    pub a: &'a [f32],
    /// Distance of its rows.
    pub a_stride: usize,
    /// Right side, row by row.
    pub b: &'a [f32],
    /// Distance of its rows.
    pub b_stride: usize,
    /// Length of the sums.
    pub depth: usize,
}

impl Tile<'_> {
    /// Adds the product to `out`, whose rows are `out_stride` apart.
    ///
    /// **Shape**: 1 to [`MAX_ROWS`] rows. Panics when a slice is too short for what it is said to hold.
    pub fn run(&self, rows: usize, out: &mut [f32], out_stride: usize) {
        assert!((1..=MAX_ROWS).contains(&rows), "rows of a tile");
        assert!(self.a.len() >= (rows - 1) * self.a_stride + self.depth, "left side of a tile");
        assert!(self.depth == 0 || self.b.len() >= (self.depth - 1) * self.b_stride + COLS, "right side of a tile");
        assert!(out.len() >= (rows - 1) * out_stride + COLS, "output of a tile");
        #[cfg(target_arch = "x86_64")]
        if x86::run_tile(self, rows, out, out_stride) {
            return;
        }
        self.run_portable(rows, out, out_stride);
    }

    fn run_portable(&self, rows: usize, out: &mut [f32], out_stride: usize) {
        for row in 0..rows {
            let out = &mut out[row * out_stride..row * out_stride + COLS];
            for k in 0..self.depth {
                let x = self.a[row * self.a_stride + k];
                let b = &self.b[k * self.b_stride..k * self.b_stride + COLS];
                for (o, b) in out.iter_mut().zip(b) {
                    *o += x * b;
                }
            }
        }
    }
}

/// Softmax in place.
pub fn softmax(row: &mut [f32]) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    exp_minus(row, max);
    let sum: f32 = sum(row);
    let scale = 1.0 / sum;
    for x in row {
        *x *= scale;
    }
}

/// `gate = silu(gate) * up`, element by element.
pub fn silu_mul(gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "both halves of a feed-forward have the same length");
    #[cfg(target_arch = "x86_64")]
    if x86::silu_mul(gate, up) {
        return;
    }
    silu_mul_portable(gate, up);
}

fn silu_mul_portable(gate: &mut [f32], up: &[f32]) {
    for (g, u) in gate.iter_mut().zip(up) {
        *g = *g / (1.0 + (-*g).exp()) * u;
    }
}

/// GELU in its exact form (with the error function), in place.
///
/// **Units**: the error function is approximated to 1.5e-7 (Abramowitz and Stegun 7.1.26).
pub fn gelu(xs: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if x86::gelu(xs) {
        return;
    }
    gelu_portable(xs);
}

const ERF_P: f32 = 0.327_591_1;
const ERF_A: [f32; 5] = [0.254_829_6, -0.284_496_72, 1.421_413_8, -1.453_152, 1.061_405_4];

fn gelu_portable(xs: &mut [f32]) {
    for x in xs {
        let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + ERF_P * z);
        let poly = t * (ERF_A[0] + t * (ERF_A[1] + t * (ERF_A[2] + t * (ERF_A[3] + t * ERF_A[4]))));
        let erf = (1.0 - poly * (-z * z).exp()).copysign(*x);
        *x = 0.5 * *x * (1.0 + erf);
    }
}

/// `x = exp(x - shift)`, in place.
pub fn exp_minus(xs: &mut [f32], shift: f32) {
    #[cfg(target_arch = "x86_64")]
    if x86::exp_minus(xs, shift) {
        return;
    }
    for x in xs {
        *x = (*x - shift).exp();
    }
}

/// The sum, in eight partial sums: faster and more exact than one.
pub fn sum(xs: &[f32]) -> f32 {
    let mut partial = [0f32; 8];
    let chunks = xs.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (p, x) in partial.iter_mut().zip(chunk) {
            *p += x;
        }
    }
    partial.iter().sum::<f32>() + rest
}

/// The sum of the squares.
pub fn sum_of_squares(xs: &[f32]) -> f32 {
    let mut partial = [0f32; 8];
    let chunks = xs.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().map(|x| x * x).sum();
    for chunk in chunks {
        for (p, x) in partial.iter_mut().zip(chunk) {
            *p += x * x;
        }
    }
    partial.iter().sum::<f32>() + rest
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "vector instructions; lengths are checked by the callers above and by the chunking here"
)]
mod x86 {
    use std::arch::x86_64::*;

    use super::{COLS, ERF_A, ERF_P, Tile};

    fn has_avx2() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }

    pub(super) fn run_tile(tile: &Tile<'_>, rows: usize, out: &mut [f32], out_stride: usize) -> bool {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the instructions exist on this machine, `Tile::run` has checked the lengths.
            unsafe {
                match rows {
                    1 => tile_avx512::<1>(tile, out, out_stride),
                    2 => tile_avx512::<2>(tile, out, out_stride),
                    3 => tile_avx512::<3>(tile, out, out_stride),
                    4 => tile_avx512::<4>(tile, out, out_stride),
                    5 => tile_avx512::<5>(tile, out, out_stride),
                    6 => tile_avx512::<6>(tile, out, out_stride),
                    7 => tile_avx512::<7>(tile, out, out_stride),
                    _ => tile_avx512::<8>(tile, out, out_stride),
                }
            }
            return true;
        }
        if !has_avx2() {
            return false;
        }
        let mut row = 0;
        while row < rows {
            let part = Tile { a: &tile.a[row * tile.a_stride..], ..*tile };
            let out = &mut out[row * out_stride..];
            // SAFETY: as above; the rows left are within what `Tile::run` has checked.
            unsafe {
                if rows - row >= 2 {
                    tile_avx2::<2>(&part, out, out_stride);
                } else {
                    tile_avx2::<1>(&part, out, out_stride);
                }
            }
            row += 2;
        }
        true
    }

    /// Two registers of 16 columns a row.
    #[target_feature(enable = "avx512f")]
    unsafe fn tile_avx512<const R: usize>(tile: &Tile<'_>, out: &mut [f32], out_stride: usize) {
        const { assert!(COLS == 32) };
        let (a, b, out) = (tile.a.as_ptr(), tile.b.as_ptr(), out.as_mut_ptr());
        let mut acc = [[_mm512_setzero_ps(); 2]; R];
        for k in 0..tile.depth {
            // SAFETY: k < depth, and the caller guarantees `depth` rows of `COLS` in `b` and `R` rows in `a`.
            unsafe {
                let b = b.add(k * tile.b_stride);
                let (b0, b1) = (_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16)));
                for (row, acc) in acc.iter_mut().enumerate() {
                    let x = _mm512_set1_ps(*a.add(row * tile.a_stride + k));
                    acc[0] = _mm512_fmadd_ps(x, b0, acc[0]);
                    acc[1] = _mm512_fmadd_ps(x, b1, acc[1]);
                }
            }
        }
        for (row, acc) in acc.iter().enumerate() {
            // SAFETY: the caller guarantees `R` rows of `COLS` in `out`.
            unsafe {
                let out = out.add(row * out_stride);
                _mm512_storeu_ps(out, _mm512_add_ps(_mm512_loadu_ps(out), acc[0]));
                _mm512_storeu_ps(out.add(16), _mm512_add_ps(_mm512_loadu_ps(out.add(16)), acc[1]));
            }
        }
    }

    /// Four registers of 8 columns a row.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn tile_avx2<const R: usize>(tile: &Tile<'_>, out: &mut [f32], out_stride: usize) {
        let (a, b, out) = (tile.a.as_ptr(), tile.b.as_ptr(), out.as_mut_ptr());
        let mut acc = [[_mm256_setzero_ps(); 4]; R];
        for k in 0..tile.depth {
            // SAFETY: as in `tile_avx512`.
            unsafe {
                let b = b.add(k * tile.b_stride);
                let b = [
                    _mm256_loadu_ps(b),
                    _mm256_loadu_ps(b.add(8)),
                    _mm256_loadu_ps(b.add(16)),
                    _mm256_loadu_ps(b.add(24)),
                ];
                for (row, acc) in acc.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*a.add(row * tile.a_stride + k));
                    for (acc, b) in acc.iter_mut().zip(b) {
                        *acc = _mm256_fmadd_ps(x, b, *acc);
                    }
                }
            }
        }
        for (row, acc) in acc.iter().enumerate() {
            for (i, acc) in acc.iter().enumerate() {
                // SAFETY: as in `tile_avx512`.
                unsafe {
                    let out = out.add(row * out_stride + i * 8);
                    _mm256_storeu_ps(out, _mm256_add_ps(_mm256_loadu_ps(out), *acc));
                }
            }
        }
    }

    /// The exponential of eight numbers, to about two units in the last place (the polynomial of Cephes).
    #[target_feature(enable = "avx2,fma")]
    fn exp8(x: __m256) -> __m256 {
        // In this order of operands what is not a number stays so.
        let x = _mm256_min_ps(_mm256_set1_ps(88.376), x);
        // Below this the result is a denormal or zero; zero is exact enough.
        let underflow = _mm256_cmp_ps::<_CMP_LT_OQ>(x, _mm256_set1_ps(-87.336));
        let x = _mm256_max_ps(_mm256_set1_ps(-87.336), x);
        let n = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(_mm256_mul_ps(
            x,
            _mm256_set1_ps(std::f32::consts::LOG2_E),
        ));
        let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693_359_4), x);
        let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.121_944_4e-4), r);
        let mut p = _mm256_set1_ps(1.987_569_2e-4);
        for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
            p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(c));
        }
        let y = _mm256_add_ps(_mm256_fmadd_ps(_mm256_mul_ps(r, r), p, r), _mm256_set1_ps(1.0));
        let power = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)));
        _mm256_andnot_ps(underflow, _mm256_mul_ps(y, _mm256_castsi256_ps(power)))
    }

    /// Runs `f` on eight numbers at a time; what is left over goes through a padded copy.
    macro_rules! each8 {
        ($xs:expr, $x:ident => $run:expr) => {{
            let mut chunks = $xs.chunks_exact_mut(8);
            for chunk in &mut chunks {
                // SAFETY: a chunk has eight numbers.
                unsafe {
                    let $x = _mm256_loadu_ps(chunk.as_ptr());
                    _mm256_storeu_ps(chunk.as_mut_ptr(), $run);
                }
            }
            let rest = chunks.into_remainder();
            let mut padded = [0f32; 8];
            padded[..rest.len()].copy_from_slice(rest);
            // SAFETY: `padded` has eight numbers.
            unsafe {
                let $x = _mm256_loadu_ps(padded.as_ptr());
                _mm256_storeu_ps(padded.as_mut_ptr(), $run);
            }
            rest.copy_from_slice(&padded[..rest.len()]);
        }};
    }

    pub(super) fn exp_minus(xs: &mut [f32], shift: f32) -> bool {
        #[target_feature(enable = "avx2,fma")]
        fn run(xs: &mut [f32], shift: f32) {
            let shift = _mm256_set1_ps(shift);
            each8!(xs, x => exp8(_mm256_sub_ps(x, shift)));
        }
        if !has_avx2() {
            return false;
        }
        // SAFETY: the instructions exist on this machine.
        unsafe { run(xs, shift) };
        true
    }

    pub(super) fn silu_mul(gate: &mut [f32], up: &[f32]) -> bool {
        #[target_feature(enable = "avx2,fma")]
        fn run(gate: &mut [f32], up: &[f32]) {
            let one = _mm256_set1_ps(1.0);
            each8!(gate, g => {
                let e = exp8(_mm256_sub_ps(_mm256_setzero_ps(), g));
                _mm256_div_ps(g, _mm256_add_ps(one, e))
            });
            for (g, u) in gate.iter_mut().zip(up) {
                *g *= u;
            }
        }
        if !has_avx2() {
            return false;
        }
        // SAFETY: the instructions exist on this machine.
        unsafe { run(gate, up) };
        true
    }

    pub(super) fn gelu(xs: &mut [f32]) -> bool {
        #[target_feature(enable = "avx2,fma")]
        fn run(xs: &mut [f32]) {
            let (one, sign) = (_mm256_set1_ps(1.0), _mm256_set1_ps(-0.0));
            each8!(xs, x => {
                let z = _mm256_mul_ps(_mm256_andnot_ps(sign, x), _mm256_set1_ps(std::f32::consts::FRAC_1_SQRT_2));
                let t = _mm256_div_ps(one, _mm256_fmadd_ps(_mm256_set1_ps(ERF_P), z, one));
                let mut poly = _mm256_set1_ps(ERF_A[4]);
                for c in ERF_A[..4].iter().rev() {
                    poly = _mm256_fmadd_ps(poly, t, _mm256_set1_ps(*c));
                }
                let tail = exp8(_mm256_fnmadd_ps(z, z, _mm256_setzero_ps()));
                let erf = _mm256_fnmadd_ps(_mm256_mul_ps(poly, t), tail, one);
                let erf = _mm256_or_ps(erf, _mm256_and_ps(sign, x));
                _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(0.5), x), _mm256_add_ps(one, erf))
            });
        }
        if !has_avx2() {
            return false;
        }
        // SAFETY: the instructions exist on this machine.
        unsafe { run(xs) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, seed: f32) -> Vec<f32> {
        (0..n).map(|i| ((i as f32 * 0.37 + seed) * 1.3).sin() * 3.0).collect()
    }

    fn assert_close(a: &[f32], b: &[f32], tolerance: f32) {
        assert_eq!(a.len(), b.len());
        for (i, (x, y)) in a.iter().zip(b).enumerate() {
            assert!((x - y).abs() <= tolerance * (1.0 + y.abs()), "element {i}: {x} and {y}");
        }
    }

    #[test]
    fn a_tile_agrees_with_its_portable_form_for_every_number_of_rows() {
        let (a, b) = (wave(MAX_ROWS * 70, 0.1), wave(65 * 40, 0.7));
        let tile = Tile { a: &a, a_stride: 70, b: &b, b_stride: 40, depth: 65 };
        for rows in 1..=MAX_ROWS {
            let mut fast = vec![1.0; MAX_ROWS * 33];
            let mut plain = fast.clone();
            tile.run(rows, &mut fast, 33);
            tile.run_portable(rows, &mut plain, 33);
            assert_close(&fast, &plain, 1e-4);
        }
    }

    #[test]
    fn the_exponentials_agree_with_the_standard_library() {
        for n in [1, 7, 8, 19, 64] {
            let xs: Vec<f32> = wave(n, 0.2).iter().map(|x| x * 9.0).collect();
            let mut fast = xs.clone();
            exp_minus(&mut fast, 2.0);
            let exact: Vec<f32> = xs.iter().map(|x| (x - 2.0).exp()).collect();
            for (x, y) in fast.iter().zip(&exact) {
                assert!((x - y).abs() <= 1e-6 * y.abs().max(1e-30), "{x} and {y}");
            }
            let (mut fast, mut plain) = (xs.clone(), xs.clone());
            gelu(&mut fast);
            gelu_portable(&mut plain);
            assert_close(&fast, &plain, 1e-6);
            let (mut fast, mut plain, up) = (xs.clone(), xs, wave(n, 0.9));
            silu_mul(&mut fast, &up);
            silu_mul_portable(&mut plain, &up);
            assert_close(&fast, &plain, 1e-6);
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let mut xs = [f32::NAN; 9];
        exp_minus(&mut xs, 1.0);
        assert!(xs.iter().all(|x| x.is_nan()), "{xs:?}");
    }

    #[test]
    fn gelu_has_its_known_values() {
        let mut xs = [0.0, 1.0, -1.0, 3.0, -10.0];
        gelu(&mut xs);
        assert_close(&xs, &[0.0, 0.841_344_7, -0.158_655_26, 2.995_950_3, 0.0], 1e-6);
    }

    #[test]
    fn softmax_sums_to_one_even_for_large_and_hidden_scores() {
        let mut row = vec![300.0, 299.0, f32::NEG_INFINITY, -5.0, 300.0, 1.0, 2.0, 3.0, 4.0];
        softmax(&mut row);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(row[2], 0.0);
        assert!((row[0] - row[4]).abs() < 1e-7);
    }
}
