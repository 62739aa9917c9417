//! Rebuilds the vector index of a shop from SQL: after damage, after a change of engine or model.

use crate::domain::chunk::indexed_text;
use crate::domain::ids::{DocumentId, ShopId};
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
    /// Whether the index holds as many points as SQL has active chunks.
    pub async fn is_in_step(&self, shop: ShopId) -> Result<bool, IngestError> {
        Ok(self.vectors.count(shop).await? == indexing::count_active(&self.db, shop).await?)
    }

    /// Empties the index and fills it again. Chunks that this embedder has not seen yet are embedded and kept in SQL.
    /// `on_progress` hears how many chunks are done, of how many.
    pub async fn rebuild(
        &self,
        shop: ShopId,
        on_progress: &(dyn Fn(usize, usize) + Send + Sync),
    ) -> Result<usize, IngestError> {
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
        self.vectors.upsert(shop, points).await?;
        self.vectors.remove(shop, &taken_out).await?;
        Ok(())
    }
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
