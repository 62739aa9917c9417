//! Reads `e5-small-q4.bin`. Its layout is described in `models/README.md`.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use candle_core::quantized::GgmlDType;
use half::f16;
use memmap2::Mmap;

use super::{BertShape, BertSource};
use crate::inference::engine::ModelError;
use crate::inference::engine::quant::Packed;
use crate::inference::tokenizer::unigram::{UnigramTokenizer, XLM_R};

/// Weights of a quantized block.
const BLOCK: usize = 32;
/// An f16 scale and 32 nibbles.
const BLOCK_BYTES: usize = 2 + BLOCK / 2;

/// The mapped file.
pub struct E5Container {
    bytes: Mmap,
    shape: BertShape,
    pieces: Pieces,
    tensors: HashMap<String, TensorAt>,
}

/// Where the tokenizer lies.
struct Pieces {
    n: usize,
    unknown: usize,
    offsets: usize,
    scores: usize,
    text: usize,
    text_bytes: usize,
}

#[derive(Clone, Copy)]
struct TensorAt {
    is_quantized: bool,
    elements: usize,
    start: usize,
}

/// Reads little-endian numbers one after the other; every read is checked against the end of the file.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

fn damaged(what: &str) -> ModelError {
    ModelError::Damaged { what: format!("the embedder's container: {what}") }
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], ModelError> {
        let end = self.at.checked_add(n).ok_or_else(|| damaged("it is cut off"))?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| damaged("it is cut off"))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        Ok(self.take(N)?.try_into().expect("`take` returns as many bytes as asked"))
    }

    fn u32(&mut self) -> Result<u32, ModelError> {
        self.array().map(u32::from_le_bytes)
    }

    fn size(&mut self) -> Result<usize, ModelError> {
        usize::try_from(self.u32()?).map_err(|_| damaged("a size is too large"))
    }

    fn long(&mut self) -> Result<usize, ModelError> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| damaged("a size is too large"))
    }
}

impl E5Container {
    /// Maps the file and reads its directory.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let unreadable = |source| ModelError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        #[expect(unsafe_code, reason = "weights are mapped; `weights` replaces a file by renaming, never in place")]
        // SAFETY: nothing writes to a weight file after it got its name.
        let bytes = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
        let mut cursor = Cursor { bytes: &bytes, at: 0 };
        let shape = read_shape(&mut cursor)?;
        let pieces = read_pieces(&mut cursor)?;
        // The normalizer's table: entries and their bytes. `UnigramTokenizer` brings its own.
        cursor.u32()?;
        let table_bytes = cursor.size()?;
        cursor.take(table_bytes)?;
        let n_tensors = cursor.size()?;
        let mut tensors = HashMap::new();
        for _ in 0..n_tensors {
            let (name, tensor) = read_tensor(&mut cursor)?;
            tensors.insert(name, tensor);
        }
        Ok(Self { shape, pieces, tensors, bytes })
    }

    fn find(&self, name: &str, elements: usize) -> Result<(TensorAt, &[u8]), ModelError> {
        let tensor = *self.tensors.get(name).ok_or_else(|| damaged(&format!("`{name}` is missing")))?;
        if tensor.elements != elements {
            return Err(damaged(&format!("`{name}` has {} numbers, not {elements}", tensor.elements)));
        }
        let len = if tensor.is_quantized { elements / BLOCK * BLOCK_BYTES } else { elements * size_of::<f32>() };
        let data = tensor.start.checked_add(len).and_then(|end| self.bytes.get(tensor.start..end));
        Ok((tensor, data.ok_or_else(|| damaged(&format!("`{name}` is cut off")))?))
    }
}

fn read_shape(cursor: &mut Cursor<'_>) -> Result<BertShape, ModelError> {
    if cursor.take(4)? != b"E5S1" {
        return Err(damaged("it does not begin with `E5S1`"));
    }
    cursor.u32()?;
    let mut size = || cursor.size();
    let (hidden, layers, heads, feed, words, max_positions) = (size()?, size()?, size()?, size()?, size()?, size()?);
    // Only the first token type is ever used.
    size()?;
    let epsilon = f32::from_le_bytes(cursor.array()?);
    if cursor.size()? != BLOCK || hidden % BLOCK != 0 || feed % BLOCK != 0 {
        return Err(damaged("its blocks have another size"));
    }
    Ok(BertShape { hidden, layers, heads, feed, words, max_positions, epsilon })
}

fn read_pieces(cursor: &mut Cursor<'_>) -> Result<Pieces, ModelError> {
    let n = cursor.size()?;
    let (_bos, _eos, _pad, unknown) = (cursor.u32()?, cursor.u32()?, cursor.u32()?, cursor.size()?);
    let text_bytes = cursor.long()?;
    let offsets = cursor.at;
    cursor.take(n.checked_add(1).and_then(|n| n.checked_mul(4)).ok_or_else(|| damaged("too many pieces"))?)?;
    let scores = cursor.at;
    cursor.take(n * 4)?;
    let text = cursor.at;
    cursor.take(text_bytes)?;
    Ok(Pieces { n, unknown, offsets, scores, text, text_bytes })
}

fn read_tensor(cursor: &mut Cursor<'_>) -> Result<(String, TensorAt), ModelError> {
    let len = usize::from(u16::from_le_bytes(cursor.array()?));
    let name = std::str::from_utf8(cursor.take(len)?).map_err(|_| damaged("a name is no text"))?.to_owned();
    let is_quantized = match cursor.array::<1>()? {
        [0] => false,
        [1] => true,
        [other] => return Err(damaged(&format!("`{name}` has the unknown type {other}"))),
    };
    let elements = cursor.size()?;
    let start = cursor.long()?;
    cursor.long()?;
    Ok((name, TensorAt { is_quantized, elements, start }))
}

impl BertSource for E5Container {
    fn shape(&self) -> BertShape {
        self.shape
    }

    fn tensor(&self, name: &str, len: usize) -> Result<Vec<f32>, ModelError> {
        let (tensor, data) = self.find(name, len)?;
        let mut out = Vec::with_capacity(len);
        if tensor.is_quantized {
            dequantize(data, &mut out);
        } else {
            out.extend(data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        }
        Ok(out)
    }

    fn packed(&self, names: &[String], n_out: usize, n_in: usize) -> Result<Option<Packed>, ModelError> {
        let mut data = Vec::new();
        for name in names {
            let (tensor, blocks) = self.find(name, n_out * n_in)?;
            if !tensor.is_quantized {
                return Ok(None);
            }
            data.extend_from_slice(blocks);
        }
        // The blocks are those of `Q4_0`.
        Ok(Packed::pack(GgmlDType::Q4_0, &data, names.len() * n_out, n_in))
    }

    fn words(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let BertShape { hidden, words, .. } = self.shape;
        let (tensor, data) = self.find("emb.word", words * hidden)?;
        if !tensor.is_quantized {
            return Err(damaged("`emb.word` is not quantized"));
        }
        let row_bytes = hidden / BLOCK * BLOCK_BYTES;
        let mut out = Vec::with_capacity(ids.len() * hidden);
        for id in ids {
            let start = *id as usize * row_bytes;
            let row = data.get(start..start + row_bytes).ok_or_else(|| damaged("a token is outside the table"))?;
            dequantize(row, &mut out);
        }
        Ok(out)
    }

    fn tokenizer(&self) -> Result<UnigramTokenizer, ModelError> {
        let Pieces { n, unknown, offsets, scores, text, text_bytes } = self.pieces;
        let word = |at: usize| [self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3]];
        let text = &self.bytes[text..text + text_bytes];
        let mut pieces = Vec::with_capacity(n);
        for i in 0..n {
            let start = u32::from_le_bytes(word(offsets + 4 * i)) as usize;
            let end = u32::from_le_bytes(word(offsets + 4 * i + 4)) as usize;
            let piece = text.get(start..end).ok_or_else(|| damaged("a piece lies outside"))?;
            let score = f64::from(f32::from_le_bytes(word(scores + 4 * i)));
            pieces.push((String::from_utf8_lossy(piece).into_owned(), score));
        }
        UnigramTokenizer::from_pieces(pieces, XLM_R, unknown)
    }
}

/// Blocks of 4 bits: the low halves are the first 16 weights, the high halves the others; each is 8 too large.
fn dequantize(data: &[u8], out: &mut Vec<f32>) {
    for block in data.chunks_exact(BLOCK_BYTES) {
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        let value = |nibble: u8| (f32::from(nibble) - 8.0) * scale;
        out.extend(block[2..].iter().map(|b| value(b & 15)));
        out.extend(block[2..].iter().map(|b| value(b >> 4)));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_block_holds_its_low_halves_first() {
        let mut block = f16::from_f32(0.5).to_le_bytes().to_vec();
        block.extend((0..16).map(|i| 0xF0 | i));
        let mut out = Vec::new();
        dequantize(&block, &mut out);
        assert_eq!(&out[..3], &[-4.0, -3.5, -3.0]);
        assert!(out[16..].iter().all(|x| *x == 3.5));
    }

    #[test]
    fn a_file_that_is_cut_off_or_something_else_is_refused_in_words() {
        for bytes in [&b"GGUF"[..], b"E5S1\x01\0\0\0\x80", b""] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(bytes).unwrap();
            let error = E5Container::open(file.path()).map(|_| ()).unwrap_err();
            assert!(matches!(error, ModelError::Damaged { .. } | ModelError::Unreadable { .. }), "{error}");
        }
    }
}
