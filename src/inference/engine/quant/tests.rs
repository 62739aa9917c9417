//! The kernels against the portable form, and both against plain numbers.

use std::borrow::Cow;

use candle_core::quantized::QTensor;
use candle_core::{CpuStorage, Device, Tensor};

use super::*;

const TYPES: [GgmlDType; 5] = [GgmlDType::Q4K, GgmlDType::Q6K, GgmlDType::Q4_0, GgmlDType::Q4_1, GgmlDType::Q8_0];

fn wave(n: usize, seed: f32) -> Vec<f32> {
    (0..n).map(|i| ((i as f32 * 0.371 + seed) * 1.3).sin() * (1.0 + (i % 7) as f32 * 0.3) + 0.1).collect()
}

/// Random-looking weights of this type: their blocks and what they stand for.
fn weights(dtype: GgmlDType, n_out: usize, n_in: usize) -> (Vec<u8>, Vec<f32>) {
    let tensor = Tensor::from_vec(wave(n_out * n_in, 0.2), (n_out, n_in), &Device::Cpu).unwrap();
    let tensor = QTensor::quantize(&tensor, dtype).unwrap();
    let data = tensor.data().unwrap().into_owned();
    let CpuStorage::F32(values) = dtype.from_data(Cow::Borrowed(&data)).dequantize(n_out * n_in).unwrap() else {
        panic!("weights in f32")
    };
    (data, values)
}

fn product(matrix: &Packed, x: &[f32]) -> Vec<f32> {
    let x = Rounded::new(x, matrix.n_in(), matrix.rounding());
    let mut out = vec![0.0; x.n_rows() * matrix.n_out()];
    matrix.multiply(&x, &mut out);
    out
}

/// The same by the portable form alone.
fn portable(matrix: &Packed, x: &[f32]) -> Vec<f32> {
    fn rows<T: Tile>(tiles: &[T], x: &[T::Block], n_out: usize) -> Vec<f32> {
        let per_row = tiles.len() * COLS / n_out;
        let mut out = Vec::new();
        for row in x.chunks_exact(per_row) {
            for strip in tiles.chunks_exact(per_row) {
                let mut sums = [[0.0; COLS]];
                multiply_portable(strip, &[row], &mut sums);
                out.extend(sums[0]);
            }
        }
        out
    }
    let x = Rounded::new(x, matrix.n_in, matrix.rounding());
    match (&matrix.tiles, &x.blocks) {
        (Tiles::Q4K(tiles), Blocks::By256(x)) => rows(tiles, x, matrix.n_out),
        (Tiles::Q6K(tiles), Blocks::By256(x)) => rows(tiles, x, matrix.n_out),
        (Tiles::Q4(tiles), Blocks::By32(x)) => rows(tiles, x, matrix.n_out),
        (Tiles::Q4Min(tiles), Blocks::By32(x)) => rows(tiles, x, matrix.n_out),
        (Tiles::Q8(tiles), Blocks::By32(x)) => rows(tiles, x, matrix.n_out),
        _ => panic!("rounded for another matrix"),
    }
}

#[test]
fn every_kernel_equals_its_portable_form_to_the_last_bit_for_every_number_of_rows() {
    for dtype in TYPES {
        let (data, _) = weights(dtype, 48, 512);
        let matrix = Packed::pack_anywhere(dtype, &data, 48, 512).unwrap();
        let x = wave(11 * 512, 0.9);
        let expected = portable(&matrix, &x);
        for n in 1..=11 {
            let out = product(&matrix, &x[..n * 512]);
            assert_eq!(out, expected[..n * 48], "{dtype:?}, {n} rows");
        }
    }
}

#[test]
fn products_are_those_of_the_numbers_up_to_the_rounding_of_activations() {
    for dtype in TYPES {
        let (n_out, n_in) = (32, 768);
        let (data, values) = weights(dtype, n_out, n_in);
        let matrix = Packed::pack_anywhere(dtype, &data, n_out, n_in).unwrap();
        let x = wave(3 * n_in, 0.4);
        let out = product(&matrix, &x);
        let (mut off, mut length) = (0f64, 0f64);
        for (x, out) in x.chunks_exact(n_in).zip(out.chunks_exact(n_out)) {
            for (w, y) in values.chunks_exact(n_in).zip(out) {
                let exact: f64 = w.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                off += (exact - f64::from(*y)).powi(2);
                length += exact.powi(2);
            }
        }
        let off = (off / length).sqrt();
        assert!(off < 0.01, "{dtype:?}: {off}");
    }
}

#[test]
fn rounding_keeps_zeros_signs_and_what_is_not_a_number() {
    let mut xs = vec![0f32; 128];
    xs[64] = -2.0;
    xs[65] = 1.0;
    let Blocks::By32(blocks) = Rounded::new(&xs, 128, Rounding::By32).blocks else { panic!("asked for 32") };
    assert_eq!((blocks[0].d, blocks[0].sums), ([0.0; 2], [0; 2]));
    assert_eq!((blocks[1].q[0], blocks[1].q[1], blocks[1].sums[0]), (-127, 64, -63));
    xs[3] = f32::NAN;
    let Blocks::By32(blocks) = Rounded::new(&xs, 128, Rounding::By32).blocks else { panic!("asked for 32") };
    assert!(blocks[0].d[0].is_nan());
}

#[test]
fn shapes_without_a_kernel_are_left_to_others() {
    assert!(Packed::pack_anywhere(GgmlDType::Q8_0, &[], 8, 64).is_none());
    assert!(Packed::pack_anywhere(GgmlDType::Q4K, &[], 16, 64).is_none());
    assert!(Packed::pack_anywhere(GgmlDType::F32, &[], 16, 256).is_none());
}
