//! The vector store without a disk: exact, obvious, and the yardstick for the other engines.
//!
//! Tests and short runs use it. It scans every point for every search.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;

use super::{
    Found, Point, SearchRequest, Sparse, VectorError, VectorStore, check_points, check_vectors, into_found, sort_hits,
};
use crate::domain::document::Audience;
use crate::domain::ids::{ChunkId, RevisionId, ShopId};

type Shop = BTreeMap<ChunkId, Point>;

/// Points in memory; they are gone with the process.
#[derive(Debug)]
pub struct MemoryStore {
    dim: usize,
    shops: RwLock<HashMap<ShopId, Shop>>,
}

impl MemoryStore {
    /// `dim`: how many values an embedding has.
    pub fn new(dim: usize) -> Self {
        Self { dim, shops: RwLock::default() }
    }

    fn read<T>(&self, shop: ShopId, look: impl FnOnce(&Shop) -> T) -> T {
        // A panic under the lock cannot leave a half-written map: each write is one call into `BTreeMap`.
        let shops = self.shops.read().unwrap_or_else(PoisonError::into_inner);
        match shops.get(&shop) {
            Some(points) => look(points),
            None => look(&Shop::new()),
        }
    }

    fn write<T>(&self, shop: ShopId, change: impl FnOnce(&mut Shop) -> T) -> T {
        let mut shops = self.shops.write().unwrap_or_else(PoisonError::into_inner);
        change(shops.entry(shop).or_default())
    }
}

#[async_trait]
impl VectorStore for MemoryStore {
    async fn upsert(&self, shop: ShopId, points: Vec<Point>) -> Result<(), VectorError> {
        check_points(self.dim, &points)?;
        self.write(shop, |stored| stored.extend(points.into_iter().map(|point| (point.chunk, point))));
        Ok(())
    }

    async fn remove_revision(&self, shop: ShopId, revision: RevisionId) -> Result<(), VectorError> {
        self.write(shop, |stored| stored.retain(|_, point| point.revision != revision));
        Ok(())
    }

    async fn remove(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<(), VectorError> {
        self.write(shop, |stored| {
            for chunk in chunks {
                stored.remove(chunk);
            }
        });
        Ok(())
    }

    async fn search(&self, shop: ShopId, request: SearchRequest) -> Result<Found, VectorError> {
        check_vectors(self.dim, &request.dense, &request.sparse)?;
        Ok(self.read(shop, |stored| {
            let weights = weigh(&request.sparse, stored);
            let seen = stored.values().filter(|point| is_wanted(point, &request));
            let (dense, lexical) = seen
                .map(|point| {
                    let dense = (point.chunk, cosine(&request.dense, &point.dense));
                    let lexical = score(&weights, &point.sparse).map(|score| (point.chunk, score));
                    (dense, lexical)
                })
                .unzip::<_, _, Vec<_>, Vec<_>>();
            let lexical = lexical.into_iter().flatten().collect();
            into_found(best(dense, request.limit), best(lexical, request.limit))
        }))
    }

    async fn points(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<Vec<Point>, VectorError> {
        Ok(self.read(shop, |stored| chunks.iter().filter_map(|chunk| stored.get(chunk).cloned()).collect()))
    }

    async fn count(&self, shop: ShopId) -> Result<usize, VectorError> {
        Ok(self.read(shop, Shop::len))
    }

    async fn clear(&self, shop: ShopId) -> Result<(), VectorError> {
        self.write(shop, Shop::clear);
        Ok(())
    }

    async fn close(&self) -> Result<(), VectorError> {
        Ok(())
    }
}

fn is_wanted(point: &Point, request: &SearchRequest) -> bool {
    let may_be_told = !request.buyers_only || point.audience == Audience::Buyers;
    let is_about_it = match (&request.sku, &point.sku) {
        (Some(wanted), Some(sku)) => wanted == sku,
        (None, _) | (_, None) => true,
    };
    may_be_told && is_about_it
}

fn best(mut hits: Vec<(ChunkId, f32)>, limit: usize) -> Vec<(ChunkId, f32)> {
    sort_hits(&mut hits);
    hits.truncate(limit);
    hits
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths == 0.0 { 0.0 } else { dot(a, b) / lengths }
}

/// The query's terms, each times its IDF over all points of the shop, seen or not: the corpus is the shop.
///
/// The formula is Qdrant's, so that the engines agree: `ln(1 + (n − df + 0.5) / (df + 0.5))`.
fn weigh(query: &Sparse, stored: &Shop) -> HashMap<u32, f32> {
    let n_points = stored.values().filter(|point| !point.sparse.is_empty()).count() as f32;
    let idf = |term: u32| {
        let n_having = stored.values().filter(|point| point.sparse.indices.binary_search(&term).is_ok()).count() as f32;
        ((n_points - n_having + 0.5) / (n_having + 0.5) + 1.0).ln()
    };
    query.indices.iter().zip(&query.values).map(|(&term, value)| (term, value * idf(term))).collect()
}

/// None if they have no term in common.
fn score(weights: &HashMap<u32, f32>, sparse: &Sparse) -> Option<f32> {
    let common = sparse.indices.iter().zip(&sparse.values);
    common.filter_map(|(term, value)| weights.get(term).map(|weight| weight * value)).reduce(|sum, part| sum + part)
}
