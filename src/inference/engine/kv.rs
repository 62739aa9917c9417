//! Keys and values of the tokens read so far, in blocks that sequences share.
//!
//! # Why
//! A block holds all layers of [`BLOCK`] positions. Two prompts with the same beginning point at the same blocks, and
//! only the block in which they part is copied, when one of them writes to it. Keys lie transposed (`head_dim` ×
//! positions) because attention multiplies a query with all keys of a block at once.

use std::sync::Arc;

use super::kernels::COLS;

/// Positions of a block.
pub const BLOCK: usize = COLS;

/// How large the cache of one position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvShape {
    /// Layers of the model.
    pub layers: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Length of a key.
    pub head_dim: usize,
}

impl KvShape {
    /// Numbers in one head of one layer of one block.
    fn head_len(self) -> usize {
        self.head_dim * BLOCK
    }

    /// Memory of one block.
    pub fn block_bytes(self) -> usize {
        2 * self.layers * self.kv_heads * self.head_len() * size_of::<f32>()
    }

    fn offset(self, layer: usize, kv_head: usize) -> usize {
        (layer * self.kv_heads + kv_head) * self.head_len()
    }
}

/// Keys and values of [`BLOCK`] positions in all layers.
#[derive(Clone)]
pub struct KvBlock {
    shape: KvShape,
    /// layer × head × `head_dim` × position
    keys: Vec<f32>,
    /// layer × head × position × `head_dim`
    values: Vec<f32>,
}

impl KvBlock {
    fn new(shape: KvShape) -> Self {
        let n = shape.layers * shape.kv_heads * shape.head_len();
        // Zeros, because the positions not yet written take part in attention with weight zero.
        Self { shape, keys: vec![0.0; n], values: vec![0.0; n] }
    }

    /// A copy that has only its first `n` positions.
    pub fn cut(&self, n: usize) -> Self {
        let mut cut = self.clone();
        for rows in cut.keys.chunks_exact_mut(BLOCK) {
            rows[n..].fill(0.0);
        }
        for head in cut.values.chunks_exact_mut(self.shape.head_len()) {
            head[n * self.shape.head_dim..].fill(0.0);
        }
        cut
    }

    /// The keys of one head, `head_dim` × position.
    pub fn keys(&self, layer: usize, kv_head: usize) -> &[f32] {
        let start = self.shape.offset(layer, kv_head);
        &self.keys[start..start + self.shape.head_len()]
    }

    /// The values of one head, position × `head_dim`.
    pub fn values(&self, layer: usize, kv_head: usize) -> &[f32] {
        let start = self.shape.offset(layer, kv_head);
        &self.values[start..start + self.shape.head_len()]
    }
}

/// Tokens read by the model, with their keys and values.
#[derive(Clone)]
pub struct Sequence {
    shape: KvShape,
    tokens: Vec<u32>,
    blocks: Vec<Arc<KvBlock>>,
}

impl Sequence {
    /// Nothing read yet.
    pub fn new(shape: KvShape) -> Self {
        Self { shape, tokens: Vec::new(), blocks: Vec::new() }
    }

    /// What was read.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The blocks, the last one partly filled.
    pub fn blocks(&self) -> &[Arc<KvBlock>] {
        &self.blocks
    }

    /// Goes on with a block that was read before, of which `tokens` are wanted. What there is already ends with a block.
    pub fn adopt(&mut self, block: Arc<KvBlock>, tokens: &[u32]) {
        debug_assert!(self.tokens.len().is_multiple_of(BLOCK) && tokens.len() <= BLOCK);
        self.blocks.push(block);
        self.tokens.extend_from_slice(tokens);
    }

    /// Forgets all but the first `n_tokens`.
    pub fn truncate(&mut self, n_tokens: usize) {
        self.tokens.truncate(n_tokens);
        self.blocks.truncate(self.tokens.len().div_ceil(BLOCK));
    }

    /// Makes room for `n_new` positions that nobody else can see. They count once [`Sequence::commit`] is called.
    pub fn reserve(&mut self, n_new: usize) {
        let start = self.tokens.len();
        self.blocks.resize_with((start + n_new).div_ceil(BLOCK), || Arc::new(KvBlock::new(self.shape)));
        for block in &mut self.blocks[start / BLOCK..] {
            // Copies a block that another sequence holds too.
            Arc::make_mut(block);
        }
    }

    /// Writes keys and values of one layer (token × head × `head_dim`) from the first reserved position on.
    pub fn write(&mut self, layer: usize, keys: &[f32], values: &[f32]) {
        let KvShape { kv_heads, head_dim, .. } = self.shape;
        let width = kv_heads * head_dim;
        for (t, (key, value)) in keys.chunks_exact(width).zip(values.chunks_exact(width)).enumerate() {
            let position = self.tokens.len() + t;
            let block = Arc::get_mut(&mut self.blocks[position / BLOCK]).expect("`reserve` made the block our own");
            let within = position % BLOCK;
            for head in 0..kv_heads {
                let start = self.shape.offset(layer, head);
                for (d, x) in key[head * head_dim..(head + 1) * head_dim].iter().enumerate() {
                    block.keys[start + d * BLOCK + within] = *x;
                }
                block.values[start + within * head_dim..start + (within + 1) * head_dim]
                    .copy_from_slice(&value[head * head_dim..(head + 1) * head_dim]);
            }
        }
    }

    /// The reserved positions now hold `tokens`.
    pub fn commit(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: KvShape = KvShape { layers: 2, kv_heads: 2, head_dim: 32 };

    fn append(sequence: &mut Sequence, tokens: &[u32]) {
        sequence.reserve(tokens.len());
        for layer in 0..SHAPE.layers {
            let rows: Vec<f32> = tokens.iter().flat_map(|t| vec![*t as f32 + layer as f32; 64]).collect();
            sequence.write(layer, &rows, &rows);
        }
        sequence.commit(tokens);
    }

    fn key(sequence: &Sequence, position: usize) -> f32 {
        sequence.blocks()[position / BLOCK].keys(0, 1)[position % BLOCK]
    }

    #[test]
    fn sequences_with_the_same_beginning_share_blocks_until_they_part() {
        let mut first = Sequence::new(SHAPE);
        append(&mut first, &(0..70).collect::<Vec<_>>());
        let mut second = first.clone();
        second.truncate(40);
        append(&mut second, &[900, 901]);
        assert!(Arc::ptr_eq(&first.blocks()[0], &second.blocks()[0]));
        assert!(!Arc::ptr_eq(&first.blocks()[1], &second.blocks()[1]));
        assert_eq!((key(&first, 40), key(&second, 40)), (40.0, 900.0));
        assert_eq!(key(&second, 39), 39.0);
        assert_eq!(second.tokens().len(), 42);
    }
}
