//! The index, kept in step with SQL: compared at the start, watched while it is used, rebuilt when it is damaged.
//!
//! # Why
//!
//! A search in an index that is not whole finds less than the shop knows, and nothing about the answer shows it. So a
//! shop is searched only after its index was found to be what SQL says it is; until then a search waits, and after
//! [`PATIENCE`] it fails, which leads to a person. Other shops know nothing of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::SharedClock;
use crate::domain::ids::{ChunkId, RevisionId, ShopId};
use crate::http::state::{Component, ComponentState, Components, HealthView};
use crate::ingest::{IngestError, Ingestion};
use crate::storage::shops;
use crate::vectors::{Found, Point, SearchRequest, VectorError, VectorStore};

/// A search waits this long for its shop's index.
const PATIENCE: Duration = Duration::from_secs(20);
/// A rebuild that failed is tried again after this long.
const RETRY: Duration = Duration::from_secs(10);

/// How a shop's index is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ShopIndex {
    /// It is what SQL says it is.
    InStep,
    /// It is not, and is being rebuilt; the last reason.
    Damaged(String),
}

/// How all are.
#[derive(Debug, Default)]
struct Seen {
    /// A shop that was not looked at yet is not searched while this holds.
    is_checking: bool,
    shops: HashMap<ShopId, ShopIndex>,
}

impl Seen {
    fn of(&self, shop: ShopId) -> Option<&ShopIndex> {
        match self.shops.get(&shop) {
            None if !self.is_checking => Some(&ShopIndex::InStep),
            known => known,
        }
    }
}

/// The vector store, with the knowledge of which shops may be searched in it. Before [`KeptIndex::keep`] all may: that
/// is how commands use it.
pub struct KeptIndex {
    inner: Arc<dyn VectorStore>,
    seen: watch::Sender<Seen>,
    patience: Duration,
}

impl KeptIndex {
    /// Around an engine.
    pub fn new(inner: Arc<dyn VectorStore>) -> Self {
        Self { inner, seen: watch::Sender::new(Seen::default()), patience: PATIENCE }
    }

    /// From now on nothing is searched that was not looked at. Called before the first search can come.
    pub fn begin(&self) {
        self.seen.send_modify(|seen| seen.is_checking = true);
    }

    /// Looks at all shops once and rebuilds those that need it.
    pub async fn check_all(&self, ingestion: &Ingestion) {
        match shops::list(&ingestion.db).await {
            Ok(shops) => {
                for shop in shops {
                    self.check(ingestion, shop.id).await;
                }
                self.seen.send_modify(|seen| seen.is_checking = false);
            }
            Err(error) => warn!(%error, "the index could not be compared with the database"),
        }
    }

    /// Goes on until `stopping`: rebuilds what a search or a write has found to be damaged.
    pub async fn keep(&self, ingestion: &Ingestion, clock: &SharedClock, stopping: &CancellationToken) {
        let mut news = self.seen.subscribe();
        while !stopping.is_cancelled() {
            if news.borrow_and_update().is_checking {
                self.check_all(ingestion).await;
            }
            for shop in self.damaged() {
                self.rebuild(ingestion, shop).await;
            }
            let is_whole = self.damaged().is_empty() && !self.seen.borrow().is_checking;
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = news.changed(), if is_whole => {}
                () = clock.sleep(RETRY), if !is_whole => {}
            }
        }
    }

    async fn check(&self, ingestion: &Ingestion, shop: ShopId) {
        // What a search has found to be damaged may still look whole from here.
        if self.damaged().contains(&shop) {
            return self.rebuild(ingestion, shop).await;
        }
        match ingestion.is_in_step(shop).await {
            Ok(true) => self.note(shop, ShopIndex::InStep),
            Ok(false) => self.rebuild(ingestion, shop).await,
            Err(error) => {
                warn!(shop.id = %shop, %error, "the index cannot be read");
                self.rebuild(ingestion, shop).await;
            }
        }
    }

    async fn rebuild(&self, ingestion: &Ingestion, shop: ShopId) {
        self.note(shop, ShopIndex::Damaged("it is being rebuilt".to_owned()));
        info!(shop.id = %shop, "the index is not in step with the database and is rebuilt");
        match ingestion.rebuild(shop, &|_, _| {}).await {
            Ok(n_points) => {
                info!(shop.id = %shop, n_points, "the index is rebuilt");
                self.note(shop, ShopIndex::InStep);
            }
            Err(error) => {
                warn!(shop.id = %shop, %error, "the index could not be rebuilt");
                self.note(shop, ShopIndex::Damaged(in_public(&error)));
            }
        }
    }

    fn damaged(&self) -> Vec<ShopId> {
        let seen = self.seen.borrow();
        seen.shops.iter().filter(|(_, state)| **state != ShopIndex::InStep).map(|(shop, _)| *shop).collect()
    }

    fn note(&self, shop: ShopId, state: ShopIndex) {
        self.seen.send_if_modified(|seen| seen.shops.insert(shop, state.clone()) != Some(state));
    }

    /// Passes a result on, and notes it if it is damage.
    fn noting<T>(&self, shop: ShopId, result: Result<T, VectorError>) -> Result<T, VectorError> {
        if let Err(error @ VectorError::Damaged { .. }) = &result {
            warn!(shop.id = %shop, %error, "the index is damaged");
            self.note(shop, ShopIndex::Damaged("it is damaged and will be rebuilt".to_owned()));
        }
        result
    }

    async fn searchable(&self, shop: ShopId) -> Result<(), VectorError> {
        let mut news = self.seen.subscribe();
        let ready = news.wait_for(|seen| seen.of(shop) == Some(&ShopIndex::InStep));
        match tokio::time::timeout(self.patience, ready).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                Err(VectorError::Unreachable { reason: "the index is being brought in step with the database".into() })
            }
        }
    }

    /// How it is, for the pages.
    fn component(&self, id: String) -> Component {
        let seen = self.seen.borrow();
        let damaged = seen.shops.values().find_map(|state| match state {
            ShopIndex::InStep => None,
            ShopIndex::Damaged(reason) => Some(reason.clone()),
        });
        let (state, detail) = match damaged {
            Some(reason) => (ComponentState::Failed, Some(reason)),
            None if seen.is_checking => (ComponentState::Loading, Some("it is compared with the database".to_owned())),
            None => (ComponentState::Ready, None),
        };
        Component { id, state, detail }
    }
}

/// What may be read without an account: no paths, no names.
fn in_public(error: &IngestError) -> String {
    let what = if error.is_want_of_room() { "there is no room to rebuild it" } else { "it could not be rebuilt yet" };
    what.to_owned()
}

#[async_trait]
impl VectorStore for KeptIndex {
    async fn upsert(&self, shop: ShopId, points: Vec<Point>) -> Result<(), VectorError> {
        let outcome = self.inner.upsert(shop, points).await;
        self.noting(shop, outcome)
    }

    async fn remove_revision(&self, shop: ShopId, revision: RevisionId) -> Result<(), VectorError> {
        let outcome = self.inner.remove_revision(shop, revision).await;
        self.noting(shop, outcome)
    }

    async fn remove(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<(), VectorError> {
        let outcome = self.inner.remove(shop, chunks).await;
        self.noting(shop, outcome)
    }

    async fn search(&self, shop: ShopId, request: SearchRequest) -> Result<Found, VectorError> {
        self.searchable(shop).await?;
        let outcome = self.inner.search(shop, request).await;
        self.noting(shop, outcome)
    }

    async fn points(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<Vec<Point>, VectorError> {
        self.inner.points(shop, chunks).await
    }

    async fn count(&self, shop: ShopId) -> Result<usize, VectorError> {
        self.inner.count(shop).await
    }

    async fn clear(&self, shop: ShopId) -> Result<(), VectorError> {
        self.inner.clear(shop).await
    }

    async fn close(&self) -> Result<(), VectorError> {
        self.inner.close().await
    }
}

/// The engines' health with the true state of the index.
pub struct WholeHealth {
    pub engines: Arc<dyn HealthView>,
    pub index: Arc<KeptIndex>,
}

impl HealthView for WholeHealth {
    fn components(&self) -> Components {
        let engines = self.engines.components();
        // An engine that says it does not work knows better.
        match engines.index.state {
            ComponentState::Ready => Components { index: self.index.component(engines.index.id.clone()), ..engines },
            ComponentState::Loading | ComponentState::Failed => engines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Sparse;
    use crate::vectors::memory::MemoryStore;

    fn shop() -> ShopId {
        ShopId(uuid::Uuid::from_u128(7))
    }

    fn request() -> SearchRequest {
        SearchRequest { dense: vec![1.0], sparse: Sparse::default(), buyers_only: true, sku: None, limit: 3 }
    }

    #[tokio::test]
    async fn a_shop_that_was_not_looked_at_is_not_searched_and_says_so() {
        let kept = KeptIndex { patience: Duration::ZERO, ..KeptIndex::new(Arc::new(MemoryStore::new(1))) };
        assert!(kept.search(shop(), request()).await.is_ok(), "commands search without a keeper");
        kept.begin();
        let error = kept.search(shop(), request()).await.unwrap_err();
        assert!(matches!(error, VectorError::Unreachable { .. }), "{error}");
        assert_eq!(kept.component(String::new()).state, ComponentState::Loading);
        kept.note(shop(), ShopIndex::Damaged("why".into()));
        assert_eq!(kept.component(String::new()).state, ComponentState::Failed);
        kept.note(shop(), ShopIndex::InStep);
        assert!(kept.search(shop(), request()).await.is_ok(), "the others need not be done");
    }
}
