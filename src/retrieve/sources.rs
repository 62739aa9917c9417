//! Texts of hits and rarities of terms, both from SQL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::fuse::fuse;
use super::rarity::Rarity;
use super::{Hit, Scope};
use crate::domain::chunk::indexed_text;
use crate::domain::document::Audience;
use crate::domain::ids::{ChunkId, RevisionId, ShopId};
use crate::domain::order;
use crate::storage::chunks::{self, ChunkRow};
use crate::storage::{Db, StorageError, documents};
use crate::vectors::Found;

/// The revisions that were counted, and their sum.
type Sum = (Vec<RevisionId>, Arc<Rarity>);

/// Reads what the vector store only points at.
pub struct Sources {
    db: Db,
    /// Counts of revisions, which never change; a revision is counted once in the life of the process. What staff
    /// rewrite in a single chunk moves no count: it would not move a confidence either.
    counted: Mutex<HashMap<RevisionId, Arc<Rarity>>>,
    /// For each shop the sum over the revisions that answer now.
    sums: Mutex<HashMap<ShopId, Sum>>,
}

impl Sources {
    /// Nothing is read yet.
    pub fn new(db: Db) -> Self {
        Self { db, counted: Mutex::default(), sums: Mutex::default() }
    }

    /// What was found, fused, with texts, best first, without what may not be said now.
    pub async fn hits(&self, scope: &Scope, found: &Found) -> Result<Vec<Hit>, StorageError> {
        let fused = fuse(found);
        let ids: Vec<ChunkId> = fused.iter().map(|hit| hit.chunk).collect();
        let scores: HashMap<ChunkId, f32> = fused.iter().map(|hit| (hit.chunk, hit.score)).collect();
        let dense: HashMap<_, _> = found.dense.iter().copied().collect();
        let lexical: HashMap<_, _> = found.lexical.iter().copied().collect();
        let rows = chunks::by_ids(&self.db, scope.shop, &ids).await?;
        let rows = rows.into_iter().filter(|row| may_be_told(scope, row));
        let hit = |row: ChunkRow| Hit {
            similarity: dense.get(&row.id).copied(),
            lexical: lexical.get(&row.id).copied(),
            fused: scores.get(&row.id).copied().unwrap_or_default(),
            row,
        };
        Ok(rows.map(hit).collect())
    }

    /// How rare terms are in what the shop knows now.
    pub async fn rarity(&self, shop: ShopId) -> Result<Arc<Rarity>, StorageError> {
        let listings = documents::list(&self.db, shop).await?;
        let mut active: Vec<RevisionId> = listings.iter().filter_map(|one| one.document.active_revision).collect();
        active.sort_unstable();
        if let Some((counted, sum)) = lock(&self.sums).get(&shop)
            && *counted == active
        {
            return Ok(Arc::clone(sum));
        }
        let mut sum = Rarity::default();
        for revision in &active {
            sum.add(&*self.counts_of(shop, *revision).await?);
        }
        let sum = Arc::new(sum);
        lock(&self.sums).insert(shop, (active, Arc::clone(&sum)));
        Ok(sum)
    }

    async fn counts_of(&self, shop: ShopId, revision: RevisionId) -> Result<Arc<Rarity>, StorageError> {
        if let Some(known) = lock(&self.counted).get(&revision) {
            return Ok(Arc::clone(known));
        }
        let rows = chunks::by_revision(&self.db, shop, revision).await?;
        let texts: Vec<String> = rows.iter().map(|row| indexed_text(&row.heading_path, &row.text)).collect();
        let counts = Arc::new(Rarity::of_chunks(texts.iter().map(String::as_str)));
        lock(&self.counted).insert(revision, Arc::clone(&counts));
        Ok(counts)
    }
}

fn may_be_told(scope: &Scope, row: &ChunkRow) -> bool {
    let is_for_them = !scope.buyers_only || row.audience == Audience::Buyers;
    !row.disabled && is_for_them && order::holds_on(&row.platforms, scope.platform)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing breaks while the counts are held")
}
