//! Golden answers, said before anything is searched: what staff approved, when a question comes near enough to one
//! they know.
//!
//! # Why
//! Frequent questions are where automation pays, and an answer that a person has read cannot be made up. What can go
//! wrong is the match, so the match has a confidence of its own, from how near the question comes and how far every
//! other golden answer stays behind; numbers, models and denials must agree whatever the score. A near miss is no
//! golden answer at all: the question goes on to the documents.

mod index;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub use index::{Asked, Candidate, Index};

use super::{AnswerError, confidence};
use crate::domain::calibration::{Calibration, Features};
use crate::domain::document::Audience;
use crate::domain::golden::GoldenMatch;
use crate::domain::ids::ShopId;
use crate::domain::order;
use crate::domain::score::Confidence;
use crate::domain::text::Lang;
use crate::inference::{EmbedError, EmbedRole, Embedder, Lane};
use crate::retrieve::query::fold;
use crate::retrieve::{RetrieveError, Scope};
use crate::storage::golden::{self, LiveGolden};
use crate::storage::{Db, StorageError};

/// A match below this is none: the documents may know better.
pub const FLOOR: f64 = 0.55;
/// Phrasings that are embedded at once.
const BATCH: u32 = 32;

/// What `kefu eval-faq` wrote last.
const SHIPPED: &str = include_str!("golden/calibration.json");

/// The calibration of matches that is shipped.
pub fn shipped() -> Result<Calibration, AnswerError> {
    confidence::parse(SHIPPED)
}

/// A golden answer that a question met.
#[derive(Debug, Clone, PartialEq)]
pub struct Met {
    /// Which one.
    pub golden: GoldenMatch,
    /// What is said.
    pub answer: String,
    /// How near the question came.
    pub features: Features,
    /// Probability that it is the right one.
    pub confidence: Confidence,
}

/// What a shop's golden answers were when they were read.
type State = (i64, String);

/// Meets questions with golden answers.
pub struct GoldenTier {
    db: Db,
    embedder: Arc<dyn Embedder>,
    calibration: Calibration,
    /// For each shop what was read last, and in which state.
    read: Mutex<HashMap<ShopId, (State, Arc<Index>)>>,
}

impl GoldenTier {
    /// With the shipped calibration.
    pub fn new(db: Db, embedder: Arc<dyn Embedder>) -> Result<Self, AnswerError> {
        Ok(Self { db, embedder, calibration: shipped()?, read: Mutex::default() })
    }

    /// Which calibration gives the confidence.
    pub fn calibration(&self) -> &str {
        &self.calibration.id
    }

    /// The golden answer that the question meets, if one may be said to whoever asks.
    pub async fn meet(&self, scope: &Scope, question: &str) -> Result<Option<Met>, AnswerError> {
        let index = self.index(scope.shop).await.map_err(RetrieveError::from)?;
        if index.is_empty() {
            return Ok(None);
        }
        let embedding = self.embed(scope.lane, vec![question.to_owned()]).await.map_err(RetrieveError::from)?.remove(0);
        let asked = Asked::new(question, embedding);
        let now_ms = self.db.now_ms();
        let found = index.find(&asked, |golden| may_be_said(golden, scope, question, now_ms));
        Ok(found.and_then(|candidate| self.weigh(question, candidate)))
    }

    /// A candidate that is near enough, and about the same numbers, models and denials.
    fn weigh(&self, question: &str, candidate: Candidate<'_>) -> Option<Met> {
        let confidence = self.calibration.apply(&candidate.features).ok()?;
        let is_near = confidence.value() >= FLOOR && super::claims::agree(question, candidate.phrasing);
        let first = candidate.golden.phrasings.first()?;
        is_near.then(|| Met {
            golden: GoldenMatch {
                id: candidate.golden.id,
                question: first.text.clone(),
                phrasing: candidate.phrasing.to_owned(),
            },
            answer: candidate.golden.answer.clone(),
            features: candidate.features,
            confidence,
        })
    }

    /// Embeds what staff wrote and nothing has embedded yet; says how many phrasings.
    pub async fn embed_pending(&self, shop: ShopId) -> Result<usize, AnswerError> {
        let model = self.embedder.spec().id.clone();
        let mut n_embedded = 0;
        loop {
            let pending = golden::pending(&self.db, shop, &model, BATCH).await.map_err(RetrieveError::from)?;
            if pending.is_empty() {
                return Ok(n_embedded);
            }
            let texts = pending.iter().map(|one| one.text.clone()).collect();
            let embeddings = self.embed(Lane::Bulk, texts).await.map_err(RetrieveError::from)?;
            self.keep(shop, &pending, &embeddings).await.map_err(RetrieveError::from)?;
            n_embedded += pending.len();
        }
    }

    async fn keep(
        &self,
        shop: ShopId,
        pending: &[golden::Pending],
        embeddings: &[Vec<f32>],
    ) -> Result<(), StorageError> {
        let model = &self.embedder.spec().id;
        let mut tx = self.db.begin().await?;
        for (one, embedding) in pending.iter().zip(embeddings) {
            // One that was taken away meanwhile needs none.
            golden::put_embedding(&mut tx, shop, one.phrasing, (model, embedding)).await?;
        }
        tx.commit().await
    }

    /// A question is compared with questions, so both are embedded as such.
    async fn embed(&self, lane: Lane, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let embedded = self.embedder.embed(EmbedRole::Query, lane, &texts).await?;
        Ok(embedded.into_iter().map(|one| one.embedding).collect())
    }

    /// The shop's golden answers as they are now; read again only if something changed.
    async fn index(&self, shop: ShopId) -> Result<Arc<Index>, StorageError> {
        let state = golden::version(&self.db, shop).await?;
        let lock = || self.read.lock().expect("nothing breaks while the indexes are held");
        if let Some((_, index)) = lock().get(&shop).filter(|(read, _)| *read == state) {
            return Ok(Arc::clone(index));
        }
        let live = golden::live(&self.db, shop, &self.embedder.spec().id).await?;
        let index = Arc::new(Index::new(live));
        lock().insert(shop, (state, Arc::clone(&index)));
        Ok(index)
    }
}

/// Audience, platform, dates, language and product. What is about one product is said to who asks on its page, or names it.
fn may_be_said(golden: &LiveGolden, scope: &Scope, question: &str, now_ms: i64) -> bool {
    let is_for_them = !scope.buyers_only || golden.audience == Audience::Buyers;
    let has_begun = golden.effective_from_ms.is_none_or(|from| from <= now_ms);
    let has_ended = golden.effective_until_ms.is_some_and(|until| until <= now_ms);
    let is_about_it =
        golden.sku.as_ref().is_none_or(|sku| scope.sku.as_ref() == Some(sku) || fold(question).contains(&fold(sku)));
    let holds_here = order::holds_on(&golden.platforms, scope.platform);
    is_for_them && holds_here && has_begun && !has_ended && is_about_it && golden.lang == Lang::of(question)
}

#[cfg(test)]
mod tests;
