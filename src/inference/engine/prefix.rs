//! Earlier prompts, for prompts that begin the same way.
//!
//! # Why
//! Reading a prompt is most of the work of a short answer, and one turn asks several questions about the same context.
//! Only exactly equal token prefixes are reused, so a result never depends on what was asked before, and nothing of
//! one conversation reaches another that did not already begin with the same words.
//!
//! Exactly means to the last bit: candle multiplies several rows in another order than a single one, and a difference
//! in the last bit grows through the layers until it can change a word. So at least two tokens are read again.

use std::collections::HashSet;
use std::sync::Arc;

use super::kv::{KvShape, Sequence};

/// Tokens at the end of a prompt that are always read: one to get logits, and one more to read it as several rows.
pub const READ_AGAIN: usize = 2;

/// Sequences in the order of their last use, the most recent last.
pub struct PrefixCache {
    shape: KvShape,
    budget_bytes: usize,
    kept: Vec<Sequence>,
}

impl PrefixCache {
    /// Keeps at most `budget_bytes`; 0 keeps nothing.
    pub fn new(shape: KvShape, budget_bytes: usize) -> Self {
        Self { shape, budget_bytes, kept: Vec::new() }
    }

    /// A sequence that has read as much of `prompt` as is known, but never its last [`READ_AGAIN`] tokens.
    pub fn begin(&mut self, prompt: &[u32]) -> Sequence {
        let shared = |kept: &Sequence| kept.tokens().iter().zip(prompt).take_while(|(a, b)| a == b).count();
        let best = (0..self.kept.len()).max_by_key(|i| shared(&self.kept[*i]));
        let Some(best) = best.filter(|i| shared(&self.kept[*i]) > 0) else {
            return Sequence::new(self.shape);
        };
        let kept = self.kept.remove(best);
        let mut sequence = kept.clone();
        sequence.truncate(shared(&kept).min(prompt.len().saturating_sub(READ_AGAIN)));
        self.kept.push(kept);
        sequence
    }

    /// Remembers what `sequence` has read.
    pub fn keep(&mut self, sequence: Sequence) {
        self.kept.retain(|kept| !sequence.tokens().starts_with(kept.tokens()));
        self.kept.push(sequence);
        while self.used_bytes() > self.budget_bytes {
            self.kept.remove(0);
        }
    }

    /// Memory of the blocks, each counted once.
    pub fn used_bytes(&self) -> usize {
        let blocks: HashSet<_> = self.kept.iter().flat_map(|s| s.blocks().iter().map(Arc::as_ptr)).collect();
        blocks.len() * self.shape.block_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: KvShape = KvShape { layers: 1, kv_heads: 1, head_dim: 32 };

    fn read(cache: &mut PrefixCache, prompt: &[u32]) -> usize {
        let mut sequence = cache.begin(prompt);
        let known = sequence.tokens().len();
        let rest = &prompt[known..];
        sequence.reserve(rest.len());
        sequence.write(0, &vec![1.0; rest.len() * 32], &vec![1.0; rest.len() * 32]);
        sequence.commit(rest);
        cache.keep(sequence);
        known
    }

    #[test]
    fn the_longest_shared_beginning_is_found_and_the_last_tokens_are_read_again() {
        let mut cache = PrefixCache::new(SHAPE, 1 << 20);
        assert_eq!(read(&mut cache, &[1, 2, 3, 4]), 0);
        assert_eq!(read(&mut cache, &[1, 2, 9]), 1);
        assert_eq!(read(&mut cache, &[1, 2, 3, 4]), 2);
        assert_eq!(read(&mut cache, &[1, 2, 9, 9, 9]), 3);
        assert_eq!(read(&mut cache, &[7]), 0);
    }

    #[test]
    fn the_least_recently_used_prompt_goes_when_memory_is_short() {
        let mut cache = PrefixCache::new(SHAPE, 2 * SHAPE.block_bytes());
        read(&mut cache, &[1, 1, 1]);
        read(&mut cache, &[2, 2, 2]);
        read(&mut cache, &[1, 1, 1]);
        read(&mut cache, &[3, 3, 3]);
        assert!(cache.used_bytes() <= 2 * SHAPE.block_bytes());
        assert_eq!(cache.begin(&[1, 1, 1]).tokens().len(), 1);
        assert_eq!(cache.begin(&[2, 2, 2]).tokens().len(), 0);
    }

    #[test]
    fn no_budget_keeps_nothing() {
        let mut cache = PrefixCache::new(SHAPE, 0);
        read(&mut cache, &[1, 2, 3]);
        assert_eq!(read(&mut cache, &[1, 2, 3]), 0);
    }
}
