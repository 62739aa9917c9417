//! The weights of a BERT encoder: from the 4-bit container `e5-small-q4.bin` or from a hub's safetensors.
//!
//! Both answer the same questions under the container's names (`l3.q.w`, `emb.pos`), so there is one encoder.
//!
//! # Why
//! Of the 118 million weights of multilingual-e5-small, 96 million are the table of words. Its rows stay in the mapped
//! file, as they are, and only those a text needs are turned into numbers.

pub mod container;
pub mod safetensors;

use super::engine::ModelError;
use super::engine::quant::Packed;
use super::tokenizer::unigram::UnigramTokenizer;

/// Sizes of an encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BertShape {
    /// Length of an embedding.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Width of the feed-forward part.
    pub feed: usize,
    /// Rows of the table of words.
    pub words: usize,
    /// The longest text.
    pub max_positions: usize,
    /// Of the layer norms.
    pub epsilon: f32,
}

/// Where weights come from.
pub trait BertSource: Send + Sync {
    /// The sizes.
    fn shape(&self) -> BertShape;

    /// A tensor by its name, as f32, `len` numbers.
    fn tensor(&self, name: &str, len: usize) -> Result<Vec<f32>, ModelError>;

    /// Several matrices of `n_out` × `n_in`, one below the other, for our own kernels. `None`: they are not quantized,
    /// or there is no kernel for them here.
    fn packed(&self, names: &[String], n_out: usize, n_in: usize) -> Result<Option<Packed>, ModelError>;

    /// Rows of the table of words, one after the other.
    fn words(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError>;

    /// The tokenizer that belongs to them.
    fn tokenizer(&self) -> Result<UnigramTokenizer, ModelError>;
}
