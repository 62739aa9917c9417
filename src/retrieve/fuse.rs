//! Two ranked lists become one.
//!
//! # Why
//! Weighted, normalised scores rather than reciprocal ranks: a rank forgets how far ahead the first hit is, and on the
//! development manuals that cost recall at 1, 3 and 5. The lexical half weighs more, because similarities of the
//! embedder lie close together.

use std::collections::BTreeMap;

use crate::domain::ids::ChunkId;
use crate::vectors::Found;

/// Share of the dense half in the fused score.
const DENSE_SHARE: f32 = 0.35;

/// A chunk with its fused score, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fused {
    /// Which chunk.
    pub chunk: ChunkId,
    /// 1 if it leads both halves. Comparable within one question only.
    pub score: f32,
}

/// Best first, ties by chunk id. The order within the two lists does not matter.
pub fn fuse(found: &Found) -> Vec<Fused> {
    let mut scores = BTreeMap::<ChunkId, f32>::new();
    let dense = found.dense.iter().map(|(chunk, similarity)| (*chunk, similarity.0));
    let lexical = found.lexical.iter().map(|(chunk, score)| (*chunk, score.0));
    // The lowest similarity found is no evidence; a BM25 score of 0 is none.
    let floor = dense.clone().map(|(_, value)| value).fold(f32::INFINITY, f32::min);
    add_scaled(dense, floor, DENSE_SHARE, &mut scores);
    add_scaled(lexical, 0.0, 1.0 - DENSE_SHARE, &mut scores);
    let mut fused: Vec<Fused> = scores.into_iter().map(|(chunk, score)| Fused { chunk, score }).collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
    fused
}

fn add_scaled(
    list: impl Iterator<Item = (ChunkId, f32)> + Clone,
    floor: f32,
    share: f32,
    scores: &mut BTreeMap<ChunkId, f32>,
) {
    let top = list.clone().map(|(_, value)| value).fold(f32::NEG_INFINITY, f32::max);
    let range = top - floor;
    for (chunk, value) in list {
        let scaled = if range > 0.0 { (value - floor) / range } else { 1.0 };
        *scores.entry(chunk).or_default() += share * scaled;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::score::{LexicalScore, Similarity};

    fn chunk(n: u8) -> ChunkId {
        ChunkId(Uuid::from_u128(u128::from(n)))
    }

    fn found(dense: &[(u8, f32)], lexical: &[(u8, f32)]) -> Found {
        Found {
            dense: dense.iter().map(|(n, value)| (chunk(*n), Similarity(*value))).collect(),
            lexical: lexical.iter().map(|(n, value)| (chunk(*n), LexicalScore(*value))).collect(),
        }
    }

    #[test]
    fn a_chunk_that_both_halves_like_wins() {
        let fused = fuse(&found(&[(1, 0.90), (2, 0.89), (3, 0.80)], &[(4, 9.0), (2, 8.5), (5, 1.0)]));
        assert_eq!(fused[0].chunk, chunk(2));
    }

    #[test]
    fn one_half_alone_still_ranks() {
        let fused = fuse(&found(&[(1, 0.9), (2, 0.8)], &[]));
        assert_eq!(fused.iter().map(|f| f.chunk).collect::<Vec<_>>(), [chunk(1), chunk(2)]);
        assert!(fuse(&Found::default()).is_empty());
    }

    proptest! {
        #[test]
        fn the_order_of_the_lists_does_not_matter(
            dense in proptest::collection::btree_map(0u8..30, 0.0f32..1.0, 0..12),
            lexical in proptest::collection::btree_map(0u8..30, 0.0f32..20.0, 0..12),
        ) {
            let (dense, lexical): (Vec<_>, Vec<_>) = (dense.into_iter().collect(), lexical.into_iter().collect());
            let forward = fuse(&found(&dense, &lexical));
            let (mut dense, mut lexical) = (dense, lexical);
            dense.reverse();
            lexical.reverse();
            prop_assert_eq!(&forward, &fuse(&found(&dense, &lexical)));
            prop_assert!(forward.iter().all(|f| (0.0..=1.0001).contains(&f.score)));
        }
    }
}
