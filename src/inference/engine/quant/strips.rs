//! Parts of a matrix that several threads fill at the same time.
//!
//! # Why
//! A unit of work makes [`COLS`] columns of every row. In a buffer that lies row by row these are no slices, and
//! putting them together afterwards would be another walk through memory.

#![expect(unsafe_code, reason = "columns of a matrix are disjoint, but the language has only slices to say so")]

use std::marker::PhantomData;
use std::sync::Mutex;

use super::layout::COLS;

/// [`COLS`] neighboring columns of a matrix.
pub struct Strip<'a> {
    start: *mut f32,
    n_rows: usize,
    width: usize,
    matrix: PhantomData<&'a mut [f32]>,
}

// SAFETY: a strip is the only way to its columns for as long as the matrix is borrowed.
unsafe impl Send for Strip<'_> {}

/// All strips of a matrix of rows of `width` numbers, a multiple of [`COLS`].
pub fn strips(matrix: &mut [f32], width: usize) -> Vec<Mutex<Strip<'_>>> {
    assert!(width.is_multiple_of(COLS) && matrix.len().is_multiple_of(width), "whole strips of whole rows");
    let n_rows = matrix.len() / width;
    let start = matrix.as_mut_ptr();
    let strip = |column: usize| Strip { start: start.wrapping_add(column), n_rows, width, matrix: PhantomData };
    (0..width).step_by(COLS).map(|column| Mutex::new(strip(column))).collect()
}

impl Strip<'_> {
    /// Fills one row.
    pub fn put(&mut self, row: usize, values: &[f32; COLS]) {
        assert!(row < self.n_rows, "a row of the matrix");
        // SAFETY: the row exists, and its strip ends within it because strips begin at multiples of `COLS`.
        unsafe { self.start.add(row * self.width).copy_from_nonoverlapping(values.as_ptr(), COLS) };
    }
}
