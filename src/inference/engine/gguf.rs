//! A GGUF file: its metadata, and its tensors straight from the mapped file.

use std::borrow::Cow;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{CpuStorage, Device};
use memmap2::Mmap;
#[cfg(unix)]
use memmap2::UncheckedAdvice;

use super::ModelError;
use super::linear::{Linear, RmsNorm, Weight};
use super::quant::Packed;

/// An open file.
pub struct GgufFile {
    bytes: Arc<Mmap>,
    content: Content,
    architecture: String,
}

impl GgufFile {
    /// Maps the file and reads its header.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let unreadable = |source| ModelError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        #[expect(unsafe_code, reason = "weights are mapped; `weights` replaces a file by renaming, never in place")]
        // SAFETY: nothing writes to a weight file after it got its name.
        let bytes = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
        let damaged = |e: candle_core::Error| ModelError::Damaged { what: e.to_string() };
        let content = Content::read(&mut Cursor::new(&bytes[..])).map_err(damaged)?;
        let architecture = match content.metadata.get("general.architecture") {
            Some(Value::String(name)) => name.clone(),
            _ => return Err(ModelError::Damaged { what: "it names no architecture".to_owned() }),
        };
        Ok(Self { bytes: Arc::new(bytes), content, architecture })
    }

    /// What kind of model it says it is.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// Header and tensor list.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// A text of the metadata, by its full key.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.content.metadata.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A number of the metadata, by its full key.
    pub fn integer(&self, key: &str) -> Option<u64> {
        match self.content.metadata.get(key)? {
            Value::U8(x) => Some(u64::from(*x)),
            Value::U16(x) => Some(u64::from(*x)),
            Value::U32(x) => Some(u64::from(*x)),
            Value::U64(x) => Some(*x),
            Value::I32(x) => u64::try_from(*x).ok(),
            Value::I64(x) => u64::try_from(*x).ok(),
            _ => None,
        }
    }

    /// A number of this architecture.
    pub fn number(&self, key: &str) -> Result<usize, ModelError> {
        let key = format!("{}.{key}", self.architecture);
        let missing = || ModelError::Damaged { what: format!("`{key}` is missing or no number") };
        self.integer(&key).and_then(|x| usize::try_from(x).ok()).ok_or_else(missing)
    }

    /// A number of this architecture that may be left out.
    pub fn number_or(&self, key: &str, default: usize) -> Result<usize, ModelError> {
        let named = self.content.metadata.contains_key(&format!("{}.{key}", self.architecture));
        if named { self.number(key) } else { Ok(default) }
    }

    /// A fraction of this architecture that may be left out.
    pub fn float_or(&self, key: &str, default: f32) -> Result<f32, ModelError> {
        let key = format!("{}.{key}", self.architecture);
        match self.content.metadata.get(&key) {
            None => Ok(default),
            Some(Value::F32(x)) => Ok(*x),
            Some(_) => Err(ModelError::Damaged { what: format!("`{key}` is no f32") }),
        }
    }

    /// Whether the file has this tensor.
    pub fn has(&self, tensor: &str) -> bool {
        self.content.tensor_infos.contains_key(tensor)
    }

    /// A matrix of `n_out` × `n_in`, and the bias beside it if there is one.
    pub fn linear(&self, name: &str, n_out: usize, n_in: usize) -> Result<Linear, ModelError> {
        let weight = format!("{name}.weight");
        let (info, data) = self.tensor(&weight)?;
        expect_shape(&weight, info, &[n_out, n_in])?;
        let packed = Packed::pack(info.ggml_dtype, data, n_out, n_in);
        let weight = match packed {
            Some(packed) => Weight::Packed(packed),
            None => with_fast_kernel(info.ggml_dtype, data, n_out, n_in)?,
        };
        self.forget(data);
        let bias = format!("{name}.bias");
        let bias = if self.has(&bias) { Some(self.vector(&bias, n_out)?) } else { None };
        Linear::new(weight, bias)
    }

    /// A tensor of one dimension, as f32.
    pub fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>, ModelError> {
        let (info, data) = self.tensor(name)?;
        expect_shape(name, info, &[len])?;
        dequantize(data, info.ggml_dtype, len)
    }

    /// A norm of `width` columns.
    pub fn norm(&self, name: &str, width: usize, epsilon: f32) -> Result<RmsNorm, ModelError> {
        Ok(RmsNorm { weight: self.vector(name, width)?, epsilon })
    }

    /// The rows of a table, left in the file.
    pub fn table(&self, name: &str, width: usize) -> Result<Table, ModelError> {
        let (info, data) = self.tensor(name)?;
        let no_table = || ModelError::Damaged { what: format!("tensor `{name}` is no table") };
        let n_rows = info.shape.elem_count().checked_div(width).ok_or_else(no_table)?;
        expect_shape(name, info, &[n_rows, width])?;
        let start = data.as_ptr() as usize - self.bytes.as_ptr() as usize;
        let row_bytes = data.len() / n_rows;
        Ok(Table { bytes: self.bytes.clone(), dtype: info.ggml_dtype, start, row_bytes, n_rows, width })
    }

    /// Lets go of the pages of a tensor that was copied: otherwise a model is in memory twice while it is loaded.
    fn forget(&self, data: &[u8]) {
        #[cfg(unix)]
        {
            let start = data.as_ptr() as usize - self.bytes.as_ptr() as usize;
            #[expect(unsafe_code, reason = "pages of a mapped file that nobody writes to come back as they were")]
            // SAFETY: the mapping is shared and read-only, so nothing is lost.
            let forgotten = unsafe { self.bytes.unchecked_advise_range(UncheckedAdvice::DontNeed, start, data.len()) };
            if let Err(e) = forgotten {
                tracing::debug!(error = %e, "model.weights.still_mapped");
            }
        }
    }

    fn tensor(&self, name: &str) -> Result<(&TensorInfo, &[u8]), ModelError> {
        let damaged = |what: &str| ModelError::Damaged { what: format!("tensor `{name}` {what}") };
        let info = self.content.tensor_infos.get(name).ok_or_else(|| damaged("is missing"))?;
        let block = info.ggml_dtype.block_size();
        // Not `elem_count`: sizes in a damaged header overflow it.
        let n = info.shape.dims().iter().try_fold(1usize, |n, size| n.checked_mul(*size));
        let n = n.ok_or_else(|| damaged("has an impossible shape"))?;
        if n == 0 || info.shape.dims().last().is_none_or(|width| width % block != 0) {
            return Err(damaged("has an impossible shape"));
        }
        let start = self.content.tensor_data_offset.checked_add(info.offset).ok_or_else(|| damaged("lies outside"))?;
        let start = usize::try_from(start).map_err(|_| damaged("lies outside"))?;
        let len = (n / block).checked_mul(info.ggml_dtype.type_size()).ok_or_else(|| damaged("is cut off"))?;
        let data = self.bytes.get(start..start.saturating_add(len)).ok_or_else(|| damaged("is cut off"))?;
        // candle reads blocks in place and insists on this.
        if data.as_ptr().align_offset(align_of::<f32>()) != 0 {
            return Err(damaged("is not aligned"));
        }
        Ok((info, data))
    }
}

/// Types without a kernel become `Q8_0`. That adds as much noise as the rounding of activations, which every quantized
/// product has (0.4 % of a product's size, measured).
fn with_fast_kernel(dtype: GgmlDType, data: &[u8], n_out: usize, n_in: usize) -> Result<Weight, ModelError> {
    let storage = QStorage::from_data(Cow::Borrowed(data), &Device::Cpu, dtype)?;
    let weight = QTensor::new(storage, (n_out, n_in))?;
    let weight = match dtype {
        GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1 | GgmlDType::Q8_1 => {
            QTensor::quantize(&weight.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)?
        }
        _ => return Ok(Weight::Candle(weight)),
    };
    let packed = Packed::pack(GgmlDType::Q8_0, &weight.data()?, n_out, n_in);
    Ok(packed.map_or(Weight::Candle(weight), Weight::Packed))
}

fn expect_shape(name: &str, info: &TensorInfo, dims: &[usize]) -> Result<(), ModelError> {
    if info.shape.dims() == dims {
        return Ok(());
    }
    Err(ModelError::Damaged { what: format!("tensor `{name}` is {:?}, not {dims:?}", info.shape.dims()) })
}

fn dequantize(data: &[u8], dtype: GgmlDType, len: usize) -> Result<Vec<f32>, ModelError> {
    match dtype.from_data(Cow::Borrowed(data)).dequantize(len)? {
        CpuStorage::F32(values) => Ok(values),
        _ => Err(ModelError::Unsupported { what: format!("tensors of type {dtype:?}") }),
    }
}

/// A table of embeddings of which only the asked rows are ever dequantized.
pub struct Table {
    bytes: Arc<Mmap>,
    dtype: GgmlDType,
    start: usize,
    row_bytes: usize,
    n_rows: usize,
    width: usize,
}

impl Table {
    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The rows of `ids`, one after the other.
    pub fn gather(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let mut out = Vec::with_capacity(ids.len() * self.width);
        for id in ids {
            let row = *id as usize;
            if row >= self.n_rows {
                return Err(ModelError::Damaged { what: format!("token {row} is outside the vocabulary") });
            }
            let start = self.start + row * self.row_bytes;
            let data = &self.bytes[start..start + self.row_bytes];
            out.extend(dequantize(data, self.dtype, self.width)?);
        }
        Ok(out)
    }
}
