//! The last stages of ingestion: embed, make searchable, switch.
//!
//! # Why
//! The points of a new revision are in the store before SQL names it the active one, and a search drops hits whose
//! chunk is not active: so a revision is searchable whole or not at all, and a crash in between leaves nothing but
//! points that the repeated job overwrites.

use crate::domain::chunk::Chunk;
use crate::domain::document::RevisionState;
use crate::domain::ids::{ChunkId, RevisionId, ShopId};
use crate::domain::injection;
use crate::inference::{EmbedRole, Lane};
use crate::retrieve::sparse;
use crate::storage::documents::DocumentMeta;
use crate::storage::indexing::{self, Activation, NewIndex};
use crate::vectors::Point;

use super::{IngestError, Ingestion};

/// Chunks embedded between two looks at the clock: a few seconds of work.
const BATCH: usize = 16;

impl Ingestion {
    /// One embedding a chunk, in order, with progress after each batch.
    pub(super) async fn embed(
        &self,
        (shop, revision): (ShopId, RevisionId),
        chunks: Vec<Chunk>,
    ) -> Result<Vec<(Chunk, Vec<f32>)>, IngestError> {
        self.enter(shop, revision, RevisionState::Embedding).await?;
        let total = chunks.len();
        let mut embedded = Vec::with_capacity(total);
        self.report(shop, revision, (0, total)).await?;
        for batch in chunks.chunks(BATCH) {
            let texts: Vec<String> = batch.iter().map(Chunk::indexed_text).collect();
            let embeddings = self.embedder.embed(EmbedRole::Passage, Lane::Bulk, &texts).await?;
            embedded.extend(batch.iter().cloned().zip(embeddings.into_iter().map(|e| e.embedding)));
            self.report(shop, revision, (embedded.len(), total)).await?;
        }
        Ok(embedded)
    }

    /// Puts the points into the store, then makes the revision the one that answers.
    pub(super) async fn switch(
        &self,
        (shop, revision): (ShopId, RevisionId),
        meta: &DocumentMeta,
        embedded: &[(Chunk, Vec<f32>)],
    ) -> Result<Activation, IngestError> {
        let point = |(chunk, embedding): &(Chunk, Vec<f32>)| Point {
            chunk: ChunkId::derive(revision, chunk.ordinal),
            revision,
            audience: meta.audience,
            sku: meta.sku.clone(),
            dense: embedding.clone(),
            sparse: sparse::of_chunk(&chunk.indexed_text()),
        };
        // What will wait for staff has no point: the index holds what may be said, and nothing else.
        let may_be_said = |(chunk, _): &&(Chunk, Vec<f32>)| injection::in_document(&chunk.indexed_text()).is_empty();
        let points = embedded.iter().filter(may_be_said).map(point).collect();
        let _turn = self.gate.read().await;
        self.vectors.upsert(shop, points).await?;
        let index = NewIndex { model_id: &self.embedder.spec().id, chunks: embedded };
        let mut tx = self.db.begin().await?;
        let activation = indexing::activate_revision(&mut tx, shop, revision, &index).await?;
        tx.commit().await?;
        Ok(activation)
    }
}
