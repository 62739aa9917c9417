//! The vector store: a projection of SQL that can be rebuilt at any time.
//!
//! A point is a chunk with a dense embedding and a sparse BM25 vector. The store knows nothing else but what it
//! filters by; texts stay in SQL, and SQL has the last word on every hit.

pub mod edge;
pub mod memory;
pub mod server;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::document::Audience;
use crate::domain::fault::Fault;
use crate::domain::ids::{ChunkId, RevisionId, ShopId};
use crate::domain::score::{LexicalScore, Similarity};

/// A sparse vector: indexes ascending and distinct, one value each.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sparse {
    /// Hashes of terms.
    pub indices: Vec<u32>,
    /// For a chunk the BM25 term weight without IDF, for a query 1.0 a term; the engine multiplies by IDF.
    pub values: Vec<f32>,
}

/// A chunk as the store holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Identity: the same id overwrites.
    pub chunk: ChunkId,
    /// The revision it belongs to.
    pub revision: RevisionId,
    /// Who may be told.
    pub audience: Audience,
    /// Product, if the document is about one.
    pub sku: Option<String>,
    /// L2 length 1.
    pub dense: Vec<f32>,
    /// BM25 term weights.
    pub sparse: Sparse,
}

impl Sparse {
    /// Sorts the terms and adds the values of equal ones, so that the vector is well-formed whatever the order.
    pub fn from_terms(terms: impl IntoIterator<Item = (u32, f32)>) -> Self {
        let mut sums: BTreeMap<u32, f32> = BTreeMap::new();
        for (term, value) in terms {
            *sums.entry(term).or_default() += value;
        }
        let (indices, values) = sums.into_iter().unzip();
        Self { indices, values }
    }

    /// Whether there are no terms.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRequest {
    /// The query's embedding.
    pub dense: Vec<f32>,
    /// The query's terms.
    pub sparse: Sparse,
    /// Only chunks that anybody may be told.
    pub buyers_only: bool,
    /// Only chunks of this product, and those of none.
    pub sku: Option<String>,
    /// Hits wanted from each of the two searches.
    pub limit: usize,
}

/// Both halves of a hybrid search, each best first. Fusion is the caller's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// By cosine similarity.
    pub dense: Vec<(ChunkId, Similarity)>,
    /// By BM25.
    pub lexical: Vec<(ChunkId, LexicalScore)>,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// An embedding has another length than the collection.
    #[error("an embedding has {got} values, the collection holds {want}")]
    WrongDimension {
        /// What the collection holds.
        want: usize,
        /// What came.
        got: usize,
    },
    /// The collection was made by another embedder.
    #[error("the index was made by `{made_by}`, the embedder is `{embedder}`; hint: run `kefu reindex`")]
    WrongMaker {
        /// Id of the embedder that made it.
        made_by: String,
        /// Id of the embedder in use.
        embedder: String,
    },
    /// A vector that no embedder and no tokenizer of ours makes.
    #[error("not a usable vector: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The server does not answer.
    #[error("the vector store is not reachable: {reason}")]
    Unreachable {
        /// In words, for ops.
        reason: String,
    },
    /// The server answers, and says no.
    #[error("the vector store refuses: {reason}")]
    Refused {
        /// In words, for ops.
        reason: String,
    },
    /// Another process works on the directory.
    #[error("the vector index at `{path}` is in use by another process; hint: one process per directory")]
    InUse {
        /// The directory.
        path: String,
    },
    /// There is no room to write. What is stored is not harmed: do not rebuild, make room.
    #[error("the vector store has no room: {reason}")]
    Full {
        /// In words, for ops.
        reason: String,
    },
    /// The files of the index are damaged; rebuild it from SQL.
    #[error("the vector index is damaged: {reason}")]
    Damaged {
        /// In words, for ops.
        reason: String,
    },
}

impl VectorError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::WrongDimension { .. } | Self::WrongMaker { .. } => Fault::Caller,
            Self::Unreachable { .. } | Self::Damaged { .. } | Self::InUse { .. } | Self::Full { .. } => {
                Fault::Transient
            }
            Self::Malformed { .. } | Self::Refused { .. } => Fault::Bug,
        }
    }
}

/// Holds points and finds them again. Every call is within one shop; shops never see each other.
///
/// **Order**: hits by descending score, ties by chunk id.
/// **Durability**: what `upsert` and the removals returned for is there after a crash.
/// **Errors**: after an error of a write, part of it may be there. Writes are idempotent: repeat it.
/// **Blocking**: none; a synchronous engine runs off the async threads.
/// **Cancel**: a write that has begun runs to its end, even if nobody waits for it.
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Inserts or overwrites. All of them or none become visible to a search that starts afterwards.
    async fn upsert(&self, shop: ShopId, points: Vec<Point>) -> Result<(), VectorError>;

    /// Removes the points of a revision; no error if there are none.
    async fn remove_revision(&self, shop: ShopId, revision: RevisionId) -> Result<(), VectorError>;

    /// Removes single points; no error if there are none.
    async fn remove(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<(), VectorError>;

    /// Both halves of a hybrid search.
    async fn search(&self, shop: ShopId, request: SearchRequest) -> Result<Found, VectorError>;

    /// Those of `chunks` that are there, as they are stored, in any order: to compare the store with SQL.
    async fn points(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<Vec<Point>, VectorError>;

    /// How many points the shop has.
    async fn count(&self, shop: ShopId) -> Result<usize, VectorError>;

    /// Removes all points of the shop, so that it can be rebuilt.
    async fn clear(&self, shop: ShopId) -> Result<(), VectorError>;

    /// Makes everything durable and gives up locks; later calls may fail.
    async fn close(&self) -> Result<(), VectorError>;
}

/// What every engine asks of points before it touches its storage, so that a bad batch changes nothing.
fn check_points(dim: usize, points: &[Point]) -> Result<(), VectorError> {
    points.iter().try_for_each(|point| check_vectors(dim, &point.dense, &point.sparse))
}

/// The same for a point or a query.
fn check_vectors(dim: usize, dense: &[f32], sparse: &Sparse) -> Result<(), VectorError> {
    if dense.len() != dim {
        return Err(VectorError::WrongDimension { want: dim, got: dense.len() });
    }
    let malformed = |reason: &str| Err(VectorError::Malformed { reason: reason.to_owned() });
    if sparse.indices.len() != sparse.values.len() {
        return malformed("a sparse vector has not one value for each index");
    }
    if !sparse.indices.is_sorted_by(|a, b| a < b) {
        return malformed("the indexes of a sparse vector are not ascending and distinct");
    }
    if !dense.iter().chain(&sparse.values).all(|value| value.is_finite()) {
        return malformed("a value is not a finite number");
    }
    Ok(())
}

/// What is stored in place of a product, so that "of none" is a value like any other and no product's name is it.
fn product_key(sku: Option<&str>) -> String {
    sku.map_or_else(String::new, |sku| format!("={sku}"))
}

/// The product that a key stands for.
fn product_of(key: &str) -> Option<String> {
    key.strip_prefix('=').map(str::to_owned)
}

/// The keys that a search about this product may see: its own and that of none.
fn product_keys(sku: &str) -> Vec<String> {
    vec![product_key(Some(sku)), product_key(None)]
}

/// The order of hits: descending score, ties by chunk id.
fn sort_hits(hits: &mut [(ChunkId, f32)]) {
    hits.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
}

/// Whether the first `limit` of these hits are the right ones, given that the engine was asked for `asked`.
///
/// Among equal scores an engine picks as it likes. Only when a lower score follows, or nothing, has it shown
/// all hits that could stand at the cut; otherwise ask again for more. Equal chunks are common in manuals.
fn is_cut_clean(sorted: &[(ChunkId, f32)], limit: usize, asked: usize) -> bool {
    match (limit.checked_sub(1).and_then(|last| sorted.get(last)), sorted.last()) {
        (Some(cut), Some(worst)) => sorted.len() < asked || worst.1 < cut.1,
        _ => true,
    }
}

/// Gives the halves of a search their types.
fn into_found(dense: Vec<(ChunkId, f32)>, lexical: Vec<(ChunkId, f32)>) -> Found {
    Found {
        dense: dense.into_iter().map(|(chunk, score)| (chunk, Similarity(score))).collect(),
        lexical: lexical.into_iter().map(|(chunk, score)| (chunk, LexicalScore(score))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_in_any_order_make_a_well_formed_sparse_vector() {
        let sparse = Sparse::from_terms([(9, 1.0), (2, 0.5), (9, 0.25)]);
        assert_eq!(sparse, Sparse { indices: vec![2, 9], values: vec![0.5, 1.25] });
        assert!(check_vectors(0, &[], &sparse).is_ok());
    }

    #[test]
    fn a_cut_between_equal_scores_is_not_clean() {
        let hits: Vec<_> = [0.9, 0.5, 0.5]
            .map(|score| (ChunkId::derive(crate::domain::ids::RevisionId(uuid::Uuid::nil()), 0), score))
            .to_vec();
        assert!(!is_cut_clean(&hits, 2, 3), "a third equal hit may be the right second");
        assert!(is_cut_clean(&hits, 2, 4), "the engine had no more");
        assert!(is_cut_clean(&hits, 1, 3));
        assert!(is_cut_clean(&[], 5, 6));
        assert!(is_cut_clean(&hits, 0, 1));
    }
}
