//! Matrix products with quantized weights, on plain buffers.

use candle_core::quantized::QTensor;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape};

use super::ModelError;
use super::kernels::sum_of_squares;
use super::parallel::each_part;

/// Rows of numbers that go into a [`Linear`].
pub struct Rows {
    storage: CpuStorage,
    n: usize,
    width: usize,
}

impl Rows {
    /// **Shape**: `data` is row × `width`.
    pub fn new(data: Vec<f32>, width: usize) -> Self {
        let n = data.len() / width;
        Self { storage: CpuStorage::F32(data), n, width }
    }
}

/// `y = x Wᵀ + b`.
pub struct Linear {
    weight: QTensor,
    bias: Option<Vec<f32>>,
    n_out: usize,
}

impl Linear {
    /// **Shape**: `weight` is output × input.
    pub fn new(weight: QTensor, bias: Option<Vec<f32>>) -> Result<Self, ModelError> {
        let (n_out, _) = weight.shape().dims2()?;
        Ok(Self { weight, bias, n_out })
    }

    /// Length of an output row.
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// The product, row by row.
    pub fn forward(&self, x: &Rows) -> Result<Vec<f32>, ModelError> {
        let layout = Layout::contiguous(Shape::from((x.n, x.width)));
        let (out, _) = self.weight.cpu_fwd(&x.storage, &layout)?;
        let CpuStorage::F32(mut out) = out else {
            return Err(ModelError::Unsupported { what: "a product that is not in f32".to_owned() });
        };
        if let Some(bias) = &self.bias {
            for row in out.chunks_exact_mut(self.n_out) {
                add(row, bias);
            }
        }
        Ok(out)
    }

    /// Brings the weights into the order in which candle multiplies several rows, which it otherwise does at the
    /// first prompt, on one thread, while a person waits.
    pub fn prepare(&self) -> Result<(), ModelError> {
        let (_, n_in) = self.weight.shape().dims2()?;
        self.forward(&Rows::new(vec![0.0; 2 * n_in], n_in)).map(|_| ())
    }
}

/// `x += y`.
pub fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// Scales every row of `weight.len()` numbers to a mean square of 1, then by `weight`.
pub struct RmsNorm {
    /// One factor per column.
    pub weight: Vec<f32>,
    /// Added to the mean square.
    pub epsilon: f32,
}

impl RmsNorm {
    /// In place.
    pub fn apply(&self, rows: &mut [f32]) {
        let width = self.weight.len();
        each_part(rows, width, |_, row| {
            let scale = 1.0 / (sum_of_squares(row) / width as f32 + self.epsilon).sqrt();
            for (x, w) in row.iter_mut().zip(&self.weight) {
                *x *= scale * w;
            }
        });
    }

    /// A scaled copy, ready for a [`Linear`].
    pub fn rows(&self, x: &[f32]) -> Rows {
        let mut rows = x.to_vec();
        self.apply(&mut rows);
        Rows::new(rows, self.weight.len())
    }
}
