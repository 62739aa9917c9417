//! Matrix products with quantized weights, on plain buffers.

use std::sync::OnceLock;

use candle_core::quantized::QTensor;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape};

use super::ModelError;
use super::kernels::sum_of_squares;
use super::parallel::each_part;
use super::quant::{Packed, Rounded, Rounding};

/// Rows of numbers that go into a [`Linear`]. What several of them need is computed once.
pub struct Rows {
    storage: CpuStorage,
    n: usize,
    width: usize,
    by_256: OnceLock<Rounded>,
    by_32: OnceLock<Rounded>,
}

impl Rows {
    /// **Shape**: `data` is row × `width`.
    pub fn new(data: Vec<f32>, width: usize) -> Self {
        let n = data.len() / width;
        Self { storage: CpuStorage::F32(data), n, width, by_256: OnceLock::new(), by_32: OnceLock::new() }
    }

    fn data(&self) -> &[f32] {
        match &self.storage {
            CpuStorage::F32(data) => data,
            _ => &[],
        }
    }

    fn rounded(&self, rounding: Rounding) -> &Rounded {
        let place = match rounding {
            Rounding::By256 => &self.by_256,
            Rounding::By32 => &self.by_32,
        };
        place.get_or_init(|| Rounded::new(self.data(), self.width, rounding))
    }

    /// The buffer, to use it again.
    pub fn into_data(self) -> Vec<f32> {
        match self.storage {
            CpuStorage::F32(data) => data,
            _ => Vec::new(),
        }
    }
}

/// The weights of a [`Linear`].
pub enum Weight {
    /// For our own kernels.
    Packed(Packed),
    /// For candle's.
    Candle(QTensor),
}

/// `y = x Wᵀ + b`.
pub struct Linear {
    weight: Weight,
    bias: Option<Vec<f32>>,
    n_out: usize,
    n_in: usize,
}

impl Linear {
    /// **Shape**: `weight` is output × input.
    pub fn new(weight: Weight, bias: Option<Vec<f32>>) -> Result<Self, ModelError> {
        let (n_out, n_in) = match &weight {
            Weight::Packed(packed) => (packed.n_out(), packed.n_in()),
            Weight::Candle(tensor) => tensor.shape().dims2()?,
        };
        Ok(Self { weight, bias, n_out, n_in })
    }

    /// Length of an output row.
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// Length of an input row.
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// The product, row by row.
    pub fn forward(&self, x: &Rows) -> Result<Vec<f32>, ModelError> {
        let mut out = Vec::new();
        self.forward_into(x, &mut out)?;
        Ok(out)
    }

    /// The product in a buffer that is used again, whatever is in it.
    pub fn forward_into(&self, x: &Rows, out: &mut Vec<f32>) -> Result<(), ModelError> {
        match &self.weight {
            Weight::Packed(packed) => {
                out.resize(x.n * self.n_out, 0.0);
                packed.multiply(x.rounded(packed.rounding()), out);
            }
            Weight::Candle(tensor) => *out = multiply(tensor, x)?,
        }
        if let Some(bias) = &self.bias {
            each_part(out, self.n_out, |_, row| add(row, bias));
        }
        Ok(())
    }

    /// Brings the weights into the order in which candle multiplies several rows, which it otherwise does at the
    /// first prompt, on one thread, while a person waits.
    pub fn prepare(&self) -> Result<(), ModelError> {
        match &self.weight {
            Weight::Packed(_) => Ok(()),
            Weight::Candle(_) => self.forward(&Rows::new(vec![0.0; 2 * self.n_in], self.n_in)).map(|_| ()),
        }
    }
}

/// candle multiplies a single row in another order than several, and what a row gives must not depend on the others:
/// so a single row goes twice.
fn multiply(tensor: &QTensor, x: &Rows) -> Result<Vec<f32>, ModelError> {
    let twice = (x.n == 1).then(|| CpuStorage::F32(x.data().repeat(2)));
    let layout = Layout::contiguous(Shape::from((x.n.max(2), x.width)));
    let (out, _) = tensor.cpu_fwd(twice.as_ref().unwrap_or(&x.storage), &layout)?;
    let CpuStorage::F32(mut out) = out else {
        return Err(ModelError::Unsupported { what: "a product that is not in f32".to_owned() });
    };
    if twice.is_some() {
        out.truncate(out.len() / 2);
    }
    Ok(out)
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
