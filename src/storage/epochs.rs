//! Epochs of documents: numbers that grow with every change of what a document says or to whom it speaks. A proof
//! keeps those of its day, and does not cover an answer that cites another.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::columns::{Columns, placeholders};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{ChunkId, DocumentId, ShopId, TurnId};
use crate::domain::outcome::Outcome;

/// How a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Which document.
    pub document: DocumentId,
    /// What it is called.
    pub name: String,
    /// Its epoch.
    pub epoch: i64,
    /// When that began.
    pub changed_at_ms: i64,
    /// The epoch that a person has declared as good as the proven one; -1 for none.
    pub verified_epoch: i64,
}

/// Begins a new epoch of a document.
pub(super) async fn advance(tx: &mut Tx, shop: ShopId, document: DocumentId) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query("update documents set epoch = epoch + 1, changed_at_ms = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(document)
        .bind(now_ms)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The same of the document that a chunk belongs to.
pub(super) async fn advance_of_chunk(tx: &mut Tx, shop: ShopId, chunk: ChunkId) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "update documents set epoch = epoch + 1, changed_at_ms = $3 where shop_id = $1 \
         and id = (select document_id from chunks where shop_id = $1 and id = $2)",
    )
    .bind(shop)
    .bind(chunk)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// All documents of the shop that are there.
pub async fn all(db: &Db, shop: ShopId) -> Result<Vec<Epoch>, StorageError> {
    let rows = sqlx::query(
        "select id, name, epoch, changed_at_ms, verified_epoch from documents \
         where shop_id = $1 and removed_at_ms is null order by id",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    let epochs = rows.iter().map(|row| {
        Ok(Epoch {
            document: row.col("id")?,
            name: row.col("name")?,
            epoch: row.col("epoch")?,
            changed_at_ms: row.col("changed_at_ms")?,
            verified_epoch: row.col("verified_epoch")?,
        })
    });
    epochs.collect()
}

/// A document that an answer cites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cited {
    /// By which chunk.
    pub chunk: ChunkId,
    /// Which document.
    pub document: DocumentId,
    /// Its epoch.
    pub epoch: i64,
    /// The epoch that a person has declared as good as the proven one; -1 for none.
    pub verified_epoch: i64,
}

/// The documents of these chunks. A chunk that is gone brings none.
pub async fn of_chunks(db: &Db, shop: ShopId, chunks: &[ChunkId]) -> Result<Vec<Cited>, StorageError> {
    if chunks.is_empty() {
        return Ok(vec![]);
    }
    let sql = format!(
        "select c.id as chunk_id, d.id, d.epoch, d.verified_epoch from chunks c join documents d on d.id = c.document_id \
         where c.shop_id = $1 and d.shop_id = $1 and d.removed_at_ms is null and c.id in ({})",
        placeholders(2, chunks.len())
    );
    // Only our own placeholders are written into it.
    let query = chunks.iter().fold(sqlx::query(AssertSqlSafe(sql)).bind(shop), |query, chunk| query.bind(*chunk));
    let rows = query.fetch_all(&db.readers).await?;
    let cited = rows.iter().map(|row| {
        Ok(Cited {
            chunk: row.col("chunk_id")?,
            document: row.col("id")?,
            epoch: row.col("epoch")?,
            verified_epoch: row.col("verified_epoch")?,
        })
    });
    cited.collect()
}

/// Declares a document, as it is now, as good as the one that was proven; false if there is no such document.
pub async fn verify(tx: &mut Tx, shop: ShopId, document: DocumentId) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update documents set verified_epoch = epoch where shop_id = $1 and id = $2 and removed_at_ms is null",
    )
    .bind(shop)
    .bind(document)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reviews without a loss that make a changed document as good as the proven one.
pub const CLEAN_REVIEWS: usize = 20;

/// Declares the documents behind a turn that was just labelled as good as the proven ones, where they have changed since
/// a proof in force was made, and enough answers that cite them as they are were labelled, none as a loss. Says which.
pub async fn credit(tx: &mut Tx, shop: ShopId, turn: TurnId) -> Result<Vec<DocumentId>, StorageError> {
    let row = sqlx::query("select sources from bases where shop_id = $1 and turn_id = $2")
        .bind(shop)
        .bind(turn)
        .fetch_optional(tx.connection())
        .await?;
    let Some(row) = row else { return Ok(vec![]) };
    let sources: BTreeMap<DocumentId, i64> = row.json("sources")?;
    let mut credited = vec![];
    for (document, epoch) in sources {
        let outcomes = outcomes_since_change(tx, shop, (document, epoch)).await?;
        let is_clean = outcomes.len() >= CLEAN_REVIEWS && !outcomes.iter().any(|outcome| outcome.is_loss());
        if is_clean && verify(tx, shop, document).await? {
            credited.push(document);
        }
    }
    Ok(credited)
}

/// Labels of answers to buyers that cite a document as it is; none where no proof waits for them.
async fn outcomes_since_change(
    tx: &mut Tx,
    shop: ShopId,
    (document, epoch): (DocumentId, i64),
) -> Result<Vec<Outcome>, StorageError> {
    // How a source stands in the JSON text, last or not.
    let source = format!("\"{document}\":{epoch}");
    let rows = sqlx::query(
        "select l.outcome from documents d \
         join labels l on l.shop_id = d.shop_id and l.source = 'review' and l.created_at_ms >= d.changed_at_ms \
         join bases b on b.turn_id = l.turn_id and (b.sources like $4 or b.sources like $5) \
         join turns t on t.id = l.turn_id \
         join conversations c on c.id = t.conversation_id and c.kind <> 'companion' \
         where d.shop_id = $1 and d.id = $2 and d.epoch = $3 and d.verified_epoch <> d.epoch and d.changed_at_ms >= \
         (select max(created_at_ms) from certificates where shop_id = $1 and voided_at_ms is null)",
    )
    .bind(shop)
    .bind(document)
    .bind(epoch)
    .bind(format!("%{source}}}"))
    .bind(format!("%{source},%"))
    .fetch_all(tx.connection())
    .await?;
    rows.iter().map(|row| row.col("outcome")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, activate, scratches, shop};
    use super::super::{chunks, documents};
    use super::*;

    #[tokio::test]
    async fn every_change_of_what_a_document_says_begins_an_epoch() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (document, revision) = testing::document(&db, mine, "Manual").await;
            let epoch = async || all(&db, mine).await.unwrap()[0].epoch;
            assert_eq!(epoch().await, 0);
            clock.advance(7);
            activate(&db, mine, revision, &["one", "two"]).await;
            let active = epoch().await;
            assert!(active > 0, "a revision answers");
            let chunk = ChunkId::derive(revision, 0);
            let mut tx = db.begin().await.unwrap();
            chunks::rewrite(&mut tx, other, chunk, "theirs").await.unwrap();
            chunks::rewrite(&mut tx, mine, chunk, "uno").await.unwrap();
            chunks::set_disabled(&mut tx, mine, chunk, true).await.unwrap();
            documents::set_meta(&mut tx, mine, document, &testing::meta("Manual")).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(epoch().await, active + 3);
            let cited = Cited { chunk, document, epoch: active + 3, verified_epoch: -1 };
            assert_eq!(of_chunks(&db, mine, &[chunk]).await.unwrap(), [cited]);
            assert_eq!(of_chunks(&db, other, &[chunk]).await.unwrap(), []);
            assert_eq!(of_chunks(&db, mine, &[]).await.unwrap(), []);
            let mut tx = db.begin().await.unwrap();
            assert!(!verify(&mut tx, other, document).await.unwrap());
            assert!(verify(&mut tx, mine, document).await.unwrap());
            tx.commit().await.unwrap();
            let now = all(&db, mine).await.unwrap();
            assert_eq!((now[0].verified_epoch, now[0].changed_at_ms), (active + 3, testing::START_MS + 7));
        }
    }
}
