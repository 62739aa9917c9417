//! The switch from one revision to the next, and what the vector store is rebuilt from.

use super::chunks::{self, ChunkRow};
use super::columns::{Columns, Json, embedding_from_bytes, embedding_to_bytes, to_i64};
use super::{Db, StorageError, Tx, epochs, quarantine};
use crate::domain::chunk::Chunk;
use crate::domain::document::RevisionState;
use crate::domain::ids::{ChunkId, DocumentId, RevisionId, ShopId};

/// A revision as it will be searched.
#[derive(Debug, Clone, Copy)]
pub struct NewIndex<'a> {
    /// The embedder that made the embeddings.
    pub model_id: &'a str,
    /// All its chunks, each with its embedding.
    pub chunks: &'a [(Chunk, Vec<f32>)],
}

/// What became of a revision that was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// It answers from the commit on, in place of the other one.
    Switched {
        /// The one before, whose points can go.
        replaced: Option<RevisionId>,
    },
    /// A later one answers already: nothing was written, its own points can go.
    Outdated,
    /// The document or the revision is not there any more: its own points can go.
    Gone,
}

/// Writes a revision's chunks and embeddings and makes it the one that answers, all in this transaction. Doing it
/// again writes the same again.
pub async fn activate_revision(
    tx: &mut Tx,
    shop: ShopId,
    revision: RevisionId,
    index: &NewIndex<'_>,
) -> Result<Activation, StorageError> {
    // Locks the document's row: of two revisions that are ready at once, the second sees the first.
    let row = sqlx::query(
        "update documents set name = name where shop_id = $1 and removed_at_ms is null and id = \
         (select document_id from revisions where shop_id = $1 and id = $2) returning id, active_revision, \
         (select number from revisions where id = $2) as number, \
         (select number from revisions where id = active_revision) as active_number",
    )
    .bind(shop)
    .bind(revision)
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(Activation::Gone) };
    if row.number_or_none("active_number")? > Some(row.number("number")?) {
        return Ok(Activation::Outdated);
    }
    let document: DocumentId = row.col("id")?;
    let active: Option<RevisionId> = row.col("active_revision")?;
    chunks::delete_of_revision(tx, shop, revision).await?;
    for (chunk, embedding) in index.chunks {
        insert_chunk(tx, shop, (document, revision), chunk).await?;
        put_embedding(tx, ChunkId::derive(revision, chunk.ordinal), index.model_id, embedding).await?;
    }
    sqlx::query("update documents set active_revision = $2 where id = $1")
        .bind(document)
        .bind(revision)
        .execute(tx.connection())
        .await?;
    epochs::advance(tx, shop, document).await?;
    let now_ms = tx.now_ms();
    sqlx::query(
        "update revisions set state = $2, n_chunks = $3, stage_done = $3, stage_total = $3, indexed_at_ms = $4, \
         error_code = null, error_detail = null where id = $1",
    )
    .bind(revision)
    .bind(RevisionState::Indexed)
    .bind(to_i64(index.chunks.len()))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(Activation::Switched { replaced: active.filter(|active| *active != revision) })
}

async fn insert_chunk(
    tx: &mut Tx,
    shop: ShopId,
    (document, revision): (DocumentId, RevisionId),
    chunk: &Chunk,
) -> Result<(), StorageError> {
    sqlx::query(
        "insert into chunks (id, shop_id, document_id, revision_id, ordinal, text, span_start, span_end, n_tokens, \
         heading_path, page) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(ChunkId::derive(revision, chunk.ordinal))
    .bind(shop)
    .bind(document)
    .bind(revision)
    .bind(i64::from(chunk.ordinal))
    .bind(&chunk.text)
    .bind(to_i64(chunk.span.start))
    .bind(to_i64(chunk.span.end))
    .bind(i64::from(chunk.n_tokens))
    .bind(Json(&chunk.heading_path))
    .bind(chunk.page.map(i64::from))
    .execute(tx.connection())
    .await?;
    quarantine::inspect(tx, shop, ChunkId::derive(revision, chunk.ordinal), (&chunk.heading_path, &chunk.text)).await?;
    Ok(())
}

pub(super) async fn put_embedding(
    tx: &mut Tx,
    chunk: ChunkId,
    model_id: &str,
    embedding: &[f32],
) -> Result<(), StorageError> {
    sqlx::query(
        "insert into embeddings (chunk_id, model_id, embedding) values ($1, $2, $3) \
         on conflict (chunk_id, model_id) do update set embedding = excluded.embedding",
    )
    .bind(chunk)
    .bind(model_id)
    .bind(embedding_to_bytes(embedding))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Keeps embeddings of another model for chunks of the shop; those of other shops, or gone, are left out. Says how
/// many were kept.
pub async fn put_embeddings(
    tx: &mut Tx,
    shop: ShopId,
    model_id: &str,
    embeddings: &[(ChunkId, Vec<f32>)],
) -> Result<usize, StorageError> {
    let mut n_kept = 0;
    for (chunk, embedding) in embeddings {
        let known = sqlx::query("select id from chunks where shop_id = $1 and id = $2")
            .bind(shop)
            .bind(chunk)
            .fetch_optional(tx.connection())
            .await?;
        if known.is_some() {
            put_embedding(tx, *chunk, model_id, embedding).await?;
            n_kept += 1;
        }
    }
    Ok(n_kept)
}

/// What a point is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveChunk {
    /// The chunk.
    pub chunk: ChunkRow,
    /// Its embedding by the model that was asked for; `None` if that model has not seen it.
    pub embedding: Option<Vec<f32>>,
}

/// The chunks that belong into the vector store, a batch at a time: those that come after `after`, by id. Effective
/// dates do not matter here: they are looked at when a hit is read.
pub async fn active_chunks(
    db: &Db,
    shop: ShopId,
    model_id: &str,
    after: Option<ChunkId>,
    limit: u32,
) -> Result<Vec<ActiveChunk>, StorageError> {
    let rows = sqlx::query(chunks::select!(
        ", e.embedding",
        "left join embeddings e on e.chunk_id = c.id and e.model_id = $2 \
         where c.shop_id = $1 and c.id > $3 and c.disabled = 0 and d.active_revision = c.revision_id \
         and d.removed_at_ms is null order by c.id limit $4"
    ))
    .bind(shop)
    .bind(model_id)
    .bind(after.map(|chunk| chunk.to_string()).unwrap_or_default())
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter()
        .map(|row| {
            let embedding = row.col::<Option<Vec<u8>>>("embedding")?;
            let embedding = embedding.map(|bytes| embedding_from_bytes(&bytes)).transpose()?;
            Ok(ActiveChunk { chunk: chunks::read(row)?, embedding })
        })
        .collect()
}

/// One chunk with its embedding, whether it is active or not.
pub async fn chunk_with_embedding(
    db: &Db,
    shop: ShopId,
    chunk: ChunkId,
    model_id: &str,
) -> Result<Option<ActiveChunk>, StorageError> {
    let row = sqlx::query(chunks::select!(
        ", e.embedding",
        "left join embeddings e on e.chunk_id = c.id and e.model_id = $3 where c.shop_id = $1 and c.id = $2"
    ))
    .bind(shop)
    .bind(chunk)
    .bind(model_id)
    .fetch_optional(&db.readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let embedding = row.col::<Option<Vec<u8>>>("embedding")?;
    let embedding = embedding.map(|bytes| embedding_from_bytes(&bytes)).transpose()?;
    Ok(Some(ActiveChunk { chunk: chunks::read(&row)?, embedding }))
}

/// Ids of all chunks that belong into the vector store, with their revisions, to compare it with.
pub async fn active_ids(db: &Db, shop: ShopId) -> Result<Vec<(ChunkId, RevisionId)>, StorageError> {
    let rows = sqlx::query(
        "select c.id, c.revision_id from chunks c join documents d on d.id = c.document_id \
         where c.shop_id = $1 and c.disabled = 0 and d.active_revision = c.revision_id and d.removed_at_ms is null \
         order by c.id",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(|row| Ok((row.col("id")?, row.col("revision_id")?))).collect()
}

/// How many chunks belong into the vector store.
pub async fn count_active(db: &Db, shop: ShopId) -> Result<usize, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from chunks c join documents d on d.id = c.document_id \
         where c.shop_id = $1 and c.disabled = 0 and d.active_revision = c.revision_id and d.removed_at_ms is null",
    )
    .bind(shop)
    .fetch_one(&db.readers)
    .await?;
    Ok(row.number("n")? as usize)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, chunks, new_revision, scratches, shop};
    use super::super::{documents, revisions};
    use super::*;

    async fn active_texts(db: &Db, shop: ShopId) -> Vec<String> {
        let mut chunks = active_chunks(db, shop, "model", None, 100).await.unwrap();
        chunks.sort_by_key(|active| active.chunk.ordinal);
        chunks.into_iter().map(|active| active.chunk.text).collect()
    }

    #[tokio::test]
    async fn the_old_revision_answers_until_the_new_one_is_committed() {
        for Scratch { db, .. } in scratches().await {
            let mine = shop(&db).await;
            let (document, first) = testing::document(&db, mine, "Manual").await;
            assert_eq!(testing::activate(&db, mine, first, &["old"]).await, Activation::Switched { replaced: None });
            let mut tx = db.begin().await.unwrap();
            let second = revisions::create(&mut tx, mine, document, &new_revision("b")).await.unwrap().unwrap();
            tx.commit().await.unwrap();

            let mut tx = db.begin().await.unwrap();
            let index = NewIndex { model_id: "model", chunks: &chunks(&["new", "newer"]) };
            let activation = activate_revision(&mut tx, mine, second, &index).await.unwrap();
            assert_eq!(activation, Activation::Switched { replaced: Some(first) });
            assert_eq!(active_texts(&db, mine).await, ["old"], "not committed");
            drop(tx);
            assert_eq!(active_texts(&db, mine).await, ["old"], "undone");
            let seen = revisions::get(&db, mine, second).await.unwrap().unwrap();
            assert_eq!(seen.state, RevisionState::Queued);

            let activation = testing::activate(&db, mine, second, &["new", "newer"]).await;
            assert_eq!(activation, Activation::Switched { replaced: Some(first) });
            assert_eq!(active_texts(&db, mine).await, ["new", "newer"]);
        }
    }

    #[tokio::test]
    async fn a_repeated_job_writes_the_same_again() {
        for Scratch { db, .. } in scratches().await {
            let mine = shop(&db).await;
            let (_, revision) = testing::document(&db, mine, "Manual").await;
            testing::activate(&db, mine, revision, &["one", "two"]).await;
            let before = active_chunks(&db, mine, "model", None, 10).await.unwrap();
            let again = testing::activate(&db, mine, revision, &["one", "two"]).await;
            assert_eq!(again, Activation::Switched { replaced: None });
            assert_eq!(active_chunks(&db, mine, "model", None, 10).await.unwrap(), before);
        }
    }

    #[tokio::test]
    async fn a_late_or_orphaned_revision_writes_nothing() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (document, first) = testing::document(&db, mine, "Manual").await;
            let mut tx = db.begin().await.unwrap();
            let second = revisions::create(&mut tx, mine, document, &new_revision("b")).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            testing::activate(&db, mine, second, &["new"]).await;
            assert_eq!(testing::activate(&db, mine, first, &["old"]).await, Activation::Outdated);
            assert_eq!(testing::activate(&db, other, second, &["theirs"]).await, Activation::Gone);
            assert_eq!(active_texts(&db, mine).await, ["new"]);
            let mut tx = db.begin().await.unwrap();
            documents::mark_removed(&mut tx, mine, document).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(testing::activate(&db, mine, second, &["new"]).await, Activation::Gone);
        }
    }

    #[tokio::test]
    async fn the_index_can_be_rebuilt_in_batches_for_another_model() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (_, revision) = testing::document(&db, mine, "Manual").await;
            testing::activate(&db, mine, revision, &["one", "two", "three"]).await;
            let ids = active_ids(&db, mine).await.unwrap();
            assert_eq!((ids.len(), count_active(&db, mine).await.unwrap()), (3, 3));
            assert_eq!(active_ids(&db, other).await.unwrap(), []);
            let first = active_chunks(&db, mine, "other", None, 2).await.unwrap();
            let last = active_chunks(&db, mine, "other", Some(first[1].chunk.id), 2).await.unwrap();
            let seen: Vec<_> = first.iter().chain(&last).map(|a| (a.chunk.id, a.chunk.revision_id)).collect();
            assert_eq!(seen, ids);
            assert!(first.iter().all(|active| active.embedding.is_none()));
            let new: Vec<_> = ids.iter().map(|(chunk, _)| (*chunk, vec![0.25, -1.0])).collect();
            let mut tx = db.begin().await.unwrap();
            assert_eq!(put_embeddings(&mut tx, other, "other", &new).await.unwrap(), 0);
            assert_eq!(put_embeddings(&mut tx, mine, "other", &new).await.unwrap(), 3);
            tx.commit().await.unwrap();
            let all = active_chunks(&db, mine, "other", None, 10).await.unwrap();
            assert!(all.iter().all(|active| active.embedding.as_deref() == Some(&[0.25, -1.0][..])));
        }
    }
}
