//! The embedded vector store: qdrant-edge, one shard for each shop, in one directory of one process.
//!
//! ```text
//! root/lock          held while the store is open
//! root/maker.json    the embedder that made the points
//! root/shops/<id>/   one shard
//! ```
//!
//! # Why
//!
//! * **Threads**: the engine is synchronous, so each call runs on a blocking thread of tokio. This is the one module
//!   beside `lifecycle` that hands work to other threads; it spawns no task that outlives its call.
//! * **Locks**: writers of a shop queue at `turn`. A batch is applied under the write lock of `engine`, so that a
//!   search sees all of it or nothing; the slow flush needs only the read lock, and searches go on.
//! * **Damage**: any error or panic of the engine drops the shard; the next call opens it from its files. If they
//!   cannot be opened, the shop is `Damaged` until `clear`, and the others know nothing of it.

mod fault;
mod files;
mod shard;
mod sound;

use std::collections::HashMap;
use std::fs::{self, File};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use qdrant_edge::{CountRequest, EdgeShard, OperationResult};

use self::fault::{contain, io};
use super::{Found, Point, SearchRequest, VectorError, VectorStore, check_points, check_vectors};
use crate::domain::ids::{ChunkId, RevisionId, ShopId};

/// Extension of a shard that is being made; a crash may leave one.
const BUILDING: &str = "new";
/// Extension of a shard that is being deleted; a crash may leave one.
const GONE: &str = "gone";

/// Points in the files of one directory, which belongs to this process while the store is open.
#[derive(Debug)]
pub struct EdgeStore {
    dim: usize,
    root: PathBuf,
    open: Mutex<Option<Open>>,
}

/// What `close` gives up.
#[derive(Debug)]
struct Open {
    shops: HashMap<ShopId, Arc<Shop>>,
    /// Released when it is dropped.
    _lock: File,
}

impl EdgeStore {
    /// Opens the index below `root`, or begins an empty one.
    ///
    /// `InUse` if another process has it, `WrongMaker` if its points come from another embedder.
    pub fn open(root: &Path, embedder_id: &str, dim: usize) -> Result<Self, VectorError> {
        let lock = files::lock(root)?;
        files::check_maker(root, embedder_id, dim)?;
        files::sweep(root)?;
        Ok(Self::opened(root, dim, lock))
    }

    /// Throws the index below `root` away and begins an empty one, for another embedder.
    pub fn recreate(root: &Path, embedder_id: &str, dim: usize) -> Result<Self, VectorError> {
        let lock = files::lock(root)?;
        files::wipe(root)?;
        files::check_maker(root, embedder_id, dim)?;
        Ok(Self::opened(root, dim, lock))
    }

    fn opened(root: &Path, dim: usize, lock: File) -> Self {
        let open = Open { shops: HashMap::new(), _lock: lock };
        Self { dim, root: root.to_owned(), open: Mutex::new(Some(open)) }
    }

    fn shop(&self, shop: ShopId) -> Result<Arc<Shop>, VectorError> {
        let mut open = lock(&self.open);
        let open = open.as_mut().ok_or_else(|| VectorError::Unreachable { reason: "it was closed".to_owned() })?;
        let found = open.shops.entry(shop).or_insert_with(|| {
            Arc::new(Shop {
                path: files::shops(&self.root).join(shop.to_string()),
                dim: self.dim,
                turn: Mutex::new(()),
                engine: RwLock::new(None),
            })
        });
        Ok(Arc::clone(found))
    }

    async fn on_shop<T: Send + 'static>(
        &self,
        shop: ShopId,
        work: impl FnOnce(&Shop) -> Result<T, VectorError> + Send + 'static,
    ) -> Result<T, VectorError> {
        let shop = self.shop(shop)?;
        run_blocking(move || work(&shop)).await
    }
}

#[async_trait]
impl VectorStore for EdgeStore {
    async fn upsert(&self, shop: ShopId, points: Vec<Point>) -> Result<(), VectorError> {
        check_points(self.dim, &points)?;
        if points.is_empty() {
            return Ok(());
        }
        self.on_shop(shop, |shop| {
            let turn = lock(&shop.turn);
            if !shop.path.exists() {
                return shard::create(&shop.path, shop.dim, points);
            }
            shop.write(&turn, |engine| shard::upsert(engine, points))
        })
        .await
    }

    async fn remove_revision(&self, shop: ShopId, revision: RevisionId) -> Result<(), VectorError> {
        self.on_shop(shop, move |shop| shop.write(&lock(&shop.turn), |engine| shard::remove_revision(engine, revision)))
            .await
    }

    async fn remove(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<(), VectorError> {
        let chunks = chunks.to_vec();
        self.on_shop(shop, move |shop| shop.write(&lock(&shop.turn), |engine| shard::remove_chunks(engine, &chunks)))
            .await
    }

    async fn search(&self, shop: ShopId, request: SearchRequest) -> Result<Found, VectorError> {
        check_vectors(self.dim, &request.dense, &request.sparse)?;
        let found = self.on_shop(shop, |shop| shop.read(|engine| shard::search(engine, request))).await?;
        Ok(found.unwrap_or_default())
    }

    async fn points(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<Vec<Point>, VectorError> {
        let chunks = chunks.to_vec();
        let found = self.on_shop(shop, move |shop| shop.read(|engine| shard::points(engine, &chunks))).await?;
        let broken = || VectorError::Damaged { reason: "a point is not as it was written".to_owned() };
        found.unwrap_or_default().into_iter().map(|point| point.ok_or_else(broken)).collect()
    }

    async fn count(&self, shop: ShopId) -> Result<usize, VectorError> {
        let all = CountRequest { filter: None, exact: true };
        let count = self.on_shop(shop, |shop| shop.read(|engine| engine.count(all))).await?;
        Ok(count.unwrap_or_default())
    }

    async fn clear(&self, shop: ShopId) -> Result<(), VectorError> {
        self.on_shop(shop, Shop::clear).await
    }

    async fn close(&self) -> Result<(), VectorError> {
        let Some(open) = lock(&self.open).take() else { return Ok(()) };
        // Every write was flushed when it returned; what is left is to wait for those under way.
        run_blocking(move || {
            for shop in open.shops.values() {
                let _turn = lock(&shop.turn);
                shop.discard();
            }
            Ok(())
        })
        .await
    }
}

/// A shop's shard, opened when it is first needed.
#[derive(Debug)]
struct Shop {
    path: PathBuf,
    dim: usize,
    /// Whose turn it is to write.
    turn: Mutex<()>,
    engine: RwLock<Option<EdgeShard>>,
}

impl Shop {
    /// None if the shop has no shard: it never had a point.
    fn read<T>(&self, look: impl FnOnce(&EdgeShard) -> OperationResult<T>) -> Result<Option<T>, VectorError> {
        let engine = self.opened()?;
        let Some(seen) = engine.as_ref().map(|engine| contain(|| look(engine))) else { return Ok(None) };
        drop(engine);
        if seen.is_err() {
            self.discard();
        }
        seen.map(Some)
    }

    /// Changes the shard and makes it durable; nothing to do if the shop has none.
    fn write(
        &self,
        _turn: &MutexGuard<'_, ()>,
        change: impl FnOnce(&EdgeShard) -> OperationResult<()>,
    ) -> Result<(), VectorError> {
        let mut slot = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        self.open(&mut slot)?;
        let Some(engine) = slot.as_ref() else { return Ok(()) };
        if let Err(error) = contain(|| change(engine)) {
            drop_engine(&mut slot);
            return Err(error);
        }
        let slot = RwLockWriteGuard::downgrade(slot);
        let flushed = slot.as_ref().map_or(Ok(()), |engine| {
            contain(|| {
                engine.flush();
                Ok(())
            })
        });
        drop(slot);
        if flushed.is_err() {
            self.discard();
        }
        flushed?;
        shard::trim_log(&self.path)?;
        sound::record(&self.path)
    }

    /// Opens the shard if it exists and is not open.
    fn open(&self, slot: &mut Option<EdgeShard>) -> Result<(), VectorError> {
        if slot.is_none() && self.path.exists() {
            *slot = Some(shard::open(&self.path, self.dim)?);
        }
        Ok(())
    }

    fn opened(&self) -> Result<RwLockReadGuard<'_, Option<EdgeShard>>, VectorError> {
        let slot = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() {
            return Ok(slot);
        }
        drop(slot);
        let mut slot = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        self.open(&mut slot)?;
        Ok(RwLockWriteGuard::downgrade(slot))
    }

    fn discard(&self) {
        drop_engine(&mut self.engine.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Works on a damaged shard too: it asks nothing of its files.
    fn clear(&self) -> Result<(), VectorError> {
        let _turn = lock(&self.turn);
        let mut slot = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        drop_engine(&mut slot);
        if !self.path.exists() {
            return Ok(());
        }
        // The rename makes it one step: a crash leaves the whole shard or a leftover that `open` sweeps away.
        let gone = self.path.with_extension(GONE);
        fs::rename(&self.path, &gone).map_err(|error| io(&self.path, &error))?;
        fs::remove_dir_all(&gone).map_err(|error| io(&gone, &error))
    }
}

/// The engine flushes when it is dropped, and panics if it cannot; what was promised is on disk already.
fn drop_engine(slot: &mut Option<EdgeShard>) {
    let engine = slot.take();
    let dropped = contain(|| {
        drop(engine);
        Ok(())
    });
    if let Err(error) = dropped {
        tracing::warn!(%error, "a shard could not be closed in order");
    }
}

/// Our locks guard no invariant that a panic could break: the engine's panics are contained below them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VectorError> + Send + 'static,
) -> Result<T, VectorError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // A panic of our own code, not of the engine: it goes where panics of async code go.
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => Err(VectorError::Unreachable { reason: "the process is shutting down".to_owned() }),
    }
}
