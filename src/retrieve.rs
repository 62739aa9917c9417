//! The retrieval journey: a question becomes a few passages, best first, with the evidence why.
//!
//! `question → terms, embedding → search (dense ∥ lexical) → fuse → texts from SQL → pool → rerank → passages`
//!
//! # Why
//! The vector store only proposes; SQL says which chunks may be said now. The second ordering reads the texts of a few
//! candidates, which the first one cannot.

pub mod fuse;
pub mod item_cache;
pub mod items;
pub mod pool;
pub mod query;
pub mod rarity;
pub mod rerank;
pub mod sources;
pub mod sparse;
#[cfg(test)]
pub mod testing;

use std::sync::Arc;

use crate::domain::chunk::indexed_text;
use crate::domain::fault::Fault;
use crate::domain::ids::{ChunkId, ShopId};
use crate::domain::order::Platform;
use crate::domain::score::{LexicalScore, Similarity};
use crate::inference::{EmbedError, EmbedRole, Embedder, Lane};
use crate::retrieve::item_cache::{ItemCache, Rows};
use crate::retrieve::items::Item;
use crate::retrieve::pool::pool;
use crate::retrieve::query::terms;
use crate::retrieve::rarity::Rarity;
use crate::retrieve::rerank::{RerankWeights, Signals, rerank};
use crate::retrieve::sources::Sources;
use crate::storage::chunks::ChunkRow;
use crate::storage::{Db, StorageError};
use crate::vectors::{Found, SearchRequest, VectorError, VectorStore};

/// Hits wanted from each half of the search.
const HITS_PER_HALF: usize = 50;
/// Candidates whose texts are read.
pub const POOL_SIZE: usize = 8;
/// Items of one candidate that are embedded; a long chunk's later items count by their words only.
const MAX_EMBEDDED_ITEMS: usize = 24;

/// A chunk that was found, as SQL knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What it says and where.
    pub row: ChunkRow,
    /// Cosine to the question, if the dense half found it.
    pub similarity: Option<Similarity>,
    /// The engine's BM25 score, if the lexical half found it.
    pub lexical: Option<LexicalScore>,
    /// Score of the fusion, 0 to 1.
    pub fused: f32,
}

impl Hit {
    /// The titles, then the text: what was indexed.
    pub fn indexed_text(&self) -> String {
        indexed_text(&self.row.heading_path, &self.row.text)
    }
}

/// An item with what it has to do with the question.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredItem {
    /// The item.
    pub item: Item,
    /// Cosine to the question; of an item that was not embedded, the lowest of its chunk.
    pub similarity: f32,
    /// Share of the question, by rarity, that it has.
    pub coverage: f32,
}

/// A candidate that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The chunk.
    pub hit: Hit,
    /// Its items in order.
    pub items: Vec<ScoredItem>,
    /// Why it stands where it stands.
    pub signals: Signals,
    /// How strongly it is preferred to the other passages, 0 to 1; all together 1.
    pub preference: f32,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Retrieved {
    /// The terms of the question.
    pub question_terms: Vec<String>,
    /// Best first; at most [`POOL_SIZE`].
    pub passages: Vec<Passage>,
    /// Share of the five best of each half that both found.
    pub agreement: f32,
}

impl Retrieved {
    /// The texts of the passages as they were indexed, best first: what an answer may be judged by.
    pub fn contexts(&self) -> Vec<String> {
        self.passages.iter().map(|passage| passage.hit.indexed_text()).collect()
    }
}

/// Why nothing could be retrieved. Finding nothing is no error.
#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    /// The question could not be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The search failed.
    #[error(transparent)]
    Vector(#[from] VectorError),
    /// The texts could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl RetrieveError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Embed(error) => error.fault(),
            Self::Vector(error) => error.fault(),
            Self::Storage(error) => error.fault(),
        }
    }
}

/// What to search, for whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// The shop.
    pub shop: ShopId,
    /// Only what anybody may be told.
    pub buyers_only: bool,
    /// Only this product's chunks, and those of none.
    pub sku: Option<String>,
    /// Only what holds on this platform; `None` if it is not known where the buyer is, or does not matter.
    pub platform: Option<Platform>,
    /// Who waits.
    pub lane: Lane,
}

/// Finds passages.
pub struct Retriever {
    sources: Sources,
    vectors: Arc<dyn VectorStore>,
    embedder: Arc<dyn Embedder>,
    items: ItemCache,
    weights: RerankWeights,
}

impl Retriever {
    /// Searches what `vectors` holds and says what `db` allows.
    pub fn new(db: Db, vectors: Arc<dyn VectorStore>, embedder: Arc<dyn Embedder>) -> Self {
        let items = ItemCache::default();
        Self { sources: Sources::new(db), vectors, embedder, items, weights: RerankWeights::SHIPPED }
    }

    /// The passages for a question, best first.
    pub async fn retrieve(&self, scope: &Scope, question: &str) -> Result<Retrieved, RetrieveError> {
        let embedding = self.embed(EmbedRole::Query, scope.lane, vec![question.to_owned()]).await?.remove(0);
        let found = self.search(scope, question, embedding.clone()).await?;
        let hits = self.sources.hits(scope, &found).await?;
        let candidates = pool(hits, POOL_SIZE);
        let similarities = self.item_similarities(scope.lane, &candidates, &embedding).await?;
        let rarity = self.sources.rarity(scope.shop).await?;
        let background = Background { found: &found, rarity: &rarity };
        Ok(assemble(question, candidates, similarities, &background, &self.weights))
    }

    async fn search(&self, scope: &Scope, question: &str, dense: Vec<f32>) -> Result<Found, RetrieveError> {
        let request = SearchRequest {
            dense,
            sparse: sparse::of_query(question),
            buyers_only: scope.buyers_only,
            sku: scope.sku.clone(),
            limit: HITS_PER_HALF,
        };
        Ok(self.vectors.search(scope.shop, request).await?)
    }

    async fn embed(&self, role: EmbedRole, lane: Lane, texts: Vec<String>) -> Result<Vec<Vec<f32>>, RetrieveError> {
        let embedded = self.embedder.embed(role, lane, &texts).await?;
        Ok(embedded.into_iter().map(|one| one.embedding).collect())
    }

    /// For each candidate the cosines of its items to the question.
    async fn item_similarities(
        &self,
        lane: Lane,
        candidates: &[Candidate],
        question: &[f32],
    ) -> Result<Vec<Vec<f32>>, RetrieveError> {
        let cosine = |row: &Vec<f32>| row.iter().zip(question).map(|(a, b)| a * b).sum::<f32>();
        let embeddings = self.item_embeddings(lane, candidates).await?;
        Ok(embeddings.iter().map(|rows| rows.iter().map(cosine).collect()).collect())
    }

    /// For each candidate the embeddings of its first items; those of chunks that were read lately are at hand.
    async fn item_embeddings(&self, lane: Lane, candidates: &[Candidate]) -> Result<Vec<Rows>, RetrieveError> {
        let known: Vec<Option<Rows>> =
            candidates.iter().map(|candidate| self.items.get(candidate.hit.row.id, &candidate.hit.row.text)).collect();
        let unknown = || candidates.iter().zip(&known).filter(|(_, known)| known.is_none());
        let texts: Vec<String> =
            unknown().flat_map(|(candidate, _)| candidate.embedded_items()).map(|item| item.text.clone()).collect();
        let mut new = match texts.is_empty() {
            true => vec![],
            false => self.embed(EmbedRole::Passage, lane, texts).await?,
        }
        .into_iter();
        let rows = candidates.iter().zip(known).map(|(candidate, known)| {
            known.unwrap_or_else(|| {
                let rows: Rows = Arc::new(new.by_ref().take(candidate.embedded_items().len()).collect());
                self.items.put(candidate.hit.row.id, &candidate.hit.row.text, Arc::clone(&rows));
                rows
            })
        });
        Ok(rows.collect())
    }
}

/// A hit whose text was cut into items.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The chunk.
    pub hit: Hit,
    /// Its items in order.
    pub items: Vec<Item>,
}

impl Candidate {
    fn embedded_items(&self) -> &[Item] {
        &self.items[..self.items.len().min(MAX_EMBEDDED_ITEMS)]
    }
}

/// What the candidates are compared with.
struct Background<'a> {
    found: &'a Found,
    rarity: &'a Rarity,
}

/// Puts the evidence together and orders the candidates. Pure.
fn assemble(
    question: &str,
    candidates: Vec<Candidate>,
    similarities: Vec<Vec<f32>>,
    background: &Background<'_>,
    weights: &RerankWeights,
) -> Retrieved {
    let question_terms = terms(question);
    let floor = background.found.dense.iter().map(|(_, similarity)| similarity.0).fold(1.0, f32::min);
    let best_lexical = background.found.lexical.iter().map(|(_, score)| score.0).fold(0.0, f32::max);
    let mut passages: Vec<Passage> = candidates
        .into_iter()
        .zip(similarities)
        .map(|(candidate, similarities)| read(candidate, &similarities, &question_terms, background.rarity))
        .collect();
    for passage in &mut passages {
        passage.signals.similarity = passage.hit.similarity.map_or(floor, |similarity| similarity.0);
        passage.signals.lexical = match passage.hit.lexical {
            Some(score) if best_lexical > 0.0 => score.0 / best_lexical,
            _ => 0.0,
        };
        if passage.items.is_empty() {
            passage.signals.item_similarity = passage.signals.similarity;
        }
    }
    let order = rerank(&passages.iter().map(|passage| passage.signals).collect::<Vec<_>>(), weights);
    let mut ordered = Vec::with_capacity(passages.len());
    for ranked in order {
        ordered.push(Passage { preference: ranked.preference, ..passages[ranked.candidate].clone() });
    }
    Retrieved { question_terms, passages: ordered, agreement: agreement(background.found) }
}

/// What can be said of a candidate by itself.
fn read(candidate: Candidate, similarities: &[f32], question: &[String], rarity: &Rarity) -> Passage {
    let lowest = similarities.iter().copied().fold(1.0, f32::min);
    let items: Vec<ScoredItem> = candidate
        .items
        .into_iter()
        .enumerate()
        .map(|(nth, item)| ScoredItem {
            similarity: similarities.get(nth).copied().unwrap_or(lowest),
            coverage: rarity.coverage(question, &terms(&item.text)),
            item,
        })
        .collect();
    let indexed = candidate.hit.indexed_text();
    let chunk_terms = terms(&indexed);
    let title = candidate.hit.row.heading_path.last().map(|title| terms(title)).unwrap_or_default();
    let signals = Signals {
        similarity: 0.0,
        lexical: 0.0,
        lexical_of_ideal: sparse::share_of_ideal(question, &indexed, rarity),
        item_similarity: items.iter().map(|item| item.similarity).fold(-1.0, f32::max),
        coverage: rarity.coverage(question, &chunk_terms),
        title_in_question: rarity.coverage(&title, question),
    };
    Passage { hit: candidate.hit, items, signals, preference: 0.0 }
}

/// Share of the five best of each half that both halves have among their five best.
fn agreement(found: &Found) -> f32 {
    let dense: Vec<ChunkId> = found.dense.iter().take(5).map(|(chunk, _)| *chunk).collect();
    let both = found.lexical.iter().take(5).filter(|(chunk, _)| dense.contains(chunk)).count();
    both as f32 / 5.0
}
