//! Rebuilds the vector index of a shop from SQL: after damage, after a change of engine or model.

use std::collections::HashMap;

use crate::domain::chunk::indexed_text;
use crate::domain::ids::{DocumentId, RevisionId, ShopId};
use crate::inference::{EmbedRole, Lane};
use crate::retrieve::sparse;
use crate::storage::chunks::{self, ChunkRow};
use crate::storage::documents;
use crate::storage::indexing::{self, ActiveChunk};
use crate::vectors::Point;

use super::{IngestError, Ingestion};

/// Chunks read, and if need be embedded, at a time.
const BATCH: u32 = 256;

impl Ingestion {
    /// Whether the index holds every active chunk with the embedding that SQL has of it. Points of chunks that are not
    /// active are no harm: SQL drops them from every search, and a job removes them.
    pub async fn is_in_step(&self, shop: ShopId) -> Result<bool, IngestError> {
        let _alone = self.gate.write().await;
        let (mut after, model) = (None, &self.embedder.spec().id);
        loop {
            let batch = indexing::active_chunks(&self.db, shop, model, after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(true) };
            after = Some(last.chunk.id);
            let ids: Vec<_> = batch.iter().map(|active| active.chunk.id).collect();
            let stored = self.vectors.points(shop, &ids).await?;
            let stored: HashMap<_, _> = stored.into_iter().map(|point| (point.chunk, point)).collect();
            if !batch.iter().all(|active| stored.get(&active.chunk.id).is_some_and(|point| is_of(point, active))) {
                return Ok(false);
            }
        }
    }

    /// Empties the index and fills it again. Chunks that this embedder has not seen yet are embedded and kept in SQL.
    /// `on_progress` hears how many chunks are done, of how many.
    pub async fn rebuild(
        &self,
        shop: ShopId,
        on_progress: &(dyn Fn(usize, usize) + Send + Sync),
    ) -> Result<usize, IngestError> {
        let _alone = self.gate.write().await;
        let total = indexing::count_active(&self.db, shop).await?;
        self.vectors.clear(shop).await?;
        let (mut after, mut done) = (None, 0);
        loop {
            let model = &self.embedder.spec().id;
            let batch = indexing::active_chunks(&self.db, shop, model, after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(done) };
            after = Some(last.chunk.id);
            done += batch.len();
            let points = self.points(shop, batch).await?;
            self.vectors.upsert(shop, points).await?;
            on_progress(done, total);
        }
    }

    async fn points(&self, shop: ShopId, batch: Vec<ActiveChunk>) -> Result<Vec<Point>, IngestError> {
        let (known, unseen): (Vec<_>, Vec<_>) = batch.into_iter().partition(|active| active.embedding.is_some());
        let known = known.into_iter().filter_map(|active| Some((active.chunk, active.embedding?)));
        let mut embedded: Vec<(ChunkRow, Vec<f32>)> = known.collect();
        if !unseen.is_empty() {
            let texts: Vec<String> =
                unseen.iter().map(|active| indexed_text(&active.chunk.heading_path, &active.chunk.text)).collect();
            let fresh = self.embedder.embed(EmbedRole::Passage, Lane::Bulk, &texts).await?;
            let fresh: Vec<_> = unseen.into_iter().zip(fresh).map(|(seen, new)| (seen.chunk, new.embedding)).collect();
            let kept: Vec<_> = fresh.iter().map(|(chunk, embedding)| (chunk.id, embedding.clone())).collect();
            let mut tx = self.db.begin().await?;
            indexing::put_embeddings(&mut tx, shop, &self.embedder.spec().id, &kept).await?;
            tx.commit().await?;
            embedded.extend(fresh);
        }
        Ok(embedded.into_iter().map(|(chunk, embedding)| point(&chunk, embedding)).collect())
    }

    /// Brings the index in step with a document whose chunks or properties staff changed: texts that are new are
    /// embedded, chunks that were taken out are removed, all others overwritten.
    pub async fn refresh_document(&self, shop: ShopId, document: DocumentId) -> Result<(), IngestError> {
        let Some(active) = documents::get(&self.db, shop, document).await?.and_then(|found| found.active_revision)
        else {
            return Ok(());
        };
        let model = &self.embedder.spec().id;
        let (mut shown, mut taken_out) = (Vec::new(), Vec::new());
        for chunk in chunks::by_revision(&self.db, shop, active).await? {
            match indexing::chunk_with_embedding(&self.db, shop, chunk.id, model).await? {
                Some(found) if !found.chunk.disabled => shown.push(found),
                Some(_) | None => taken_out.push(chunk.id),
            }
        }
        let points = self.points(shop, shown).await?;
        let _turn = self.gate.read().await;
        self.vectors.upsert(shop, points).await?;
        self.vectors.remove(shop, &taken_out).await?;
        Ok(())
    }

    /// Takes the points of a revision out of the index.
    pub async fn forget_points(&self, shop: ShopId, revision: RevisionId) -> Result<(), IngestError> {
        let _turn = self.gate.read().await;
        Ok(self.vectors.remove_revision(shop, revision).await?)
    }
}

/// Whether a point is that of the chunk. The engine may have normalised the embedding, so its last digits may differ;
/// a flipped bit that moves nothing further moves no ranking either.
fn is_of(point: &Point, active: &ActiveChunk) -> bool {
    const TOLERANCE: f32 = 1e-3;
    let Some(embedding) = &active.embedding else { return false };
    let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= TOLERANCE;
    point.revision == active.chunk.revision_id
        && point.audience == active.chunk.audience
        && point.sku == active.chunk.sku
        && point.dense.len() == embedding.len()
        && point.dense.iter().zip(embedding).all(is_near)
}

fn point(chunk: &ChunkRow, embedding: Vec<f32>) -> Point {
    Point {
        chunk: chunk.id,
        revision: chunk.revision_id,
        audience: chunk.audience,
        sku: chunk.sku.clone(),
        dense: embedding,
        sparse: sparse::of_chunk(&indexed_text(&chunk.heading_path, &chunk.text)),
    }
}
