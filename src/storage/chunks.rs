//! Chunks: what is found and cited. SQL has the last word on every hit of the vector store: [`by_ids`] drops what is
//! not to be said now.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::columns::{Columns, placeholders};
use super::indexing::put_embedding;
use super::{Db, StorageError, Tx, epochs};
use crate::domain::document::Audience;
use crate::domain::ids::{ChunkId, DocumentId, RevisionId, ShopId};
use crate::domain::order::Platform;
use crate::domain::text::Span;

/// A chunk with what its document says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRow {
    /// Identity.
    pub id: ChunkId,
    /// Of which document.
    pub document_id: DocumentId,
    /// Of which version of it.
    pub revision_id: RevisionId,
    /// What the document is called.
    pub document_name: String,
    /// The product it is about.
    pub sku: Option<String>,
    /// Who may be told.
    pub audience: Audience,
    /// The platforms that it holds on; empty for all.
    pub platforms: Vec<Platform>,
    /// What is searched and shown.
    pub text: String,
    /// Titles above it, outermost first.
    pub heading_path: Vec<String>,
    /// 1-based page.
    pub page: Option<u32>,
    /// Where it stands in the parsed text; of an edited one, where it stood.
    pub span: Span,
    /// Length in the embedder's tokens.
    pub n_tokens: u32,
    /// 0-based position in the revision.
    pub ordinal: u32,
    /// Taken out by staff.
    pub disabled: bool,
    /// Rewritten by staff.
    pub edited: bool,
}

impl ChunkRow {
    /// Where a part of its text stands in the document's text. `None` for an edited chunk, and for the header row that
    /// a later piece of a table repeats: these do not stand there.
    pub fn place_in_document(&self, part: Span) -> Option<Span> {
        let len = self.span.end.checked_sub(self.span.start)?;
        let lead = self.text.len().checked_sub(len)?;
        let start = part.start.checked_sub(lead)?;
        let is_inside = !self.edited && part.end >= part.start && part.end <= self.text.len();
        is_inside.then(|| Span { start: self.span.start + start, end: self.span.start + part.end - lead })
    }

    /// The part of its text that stands at `place` in the document's text.
    pub fn part_at(&self, place: Span) -> Option<Span> {
        let lead = self.text.len().checked_sub(self.span.end.checked_sub(self.span.start)?)?;
        let start = place.start.checked_sub(self.span.start)? + lead;
        let end = place.end.checked_sub(self.span.start)? + lead;
        (!self.edited && self.text.get(start..end).is_some()).then_some(Span { start, end })
    }
}

/// A chunk as staff rewrite it.
#[derive(Debug, Clone, Copy)]
pub struct ChunkEdit<'a> {
    /// What it says now.
    pub text: &'a str,
    /// Length in the embedder's tokens.
    pub n_tokens: u32,
    /// The embedder.
    pub model_id: &'a str,
    /// Its embedding of the new text.
    pub embedding: &'a [f32],
}

/// Selects chunks `c` with their documents `d`, and more columns of whatever else is joined.
macro_rules! select {
    ($more_columns:literal, $rest:literal) => {
        concat!(
            "select c.id, c.document_id, c.revision_id, d.name as document_name, d.sku, d.audience, d.platforms, c.text, ",
            "c.heading_path, c.page, c.span_start, c.span_end, c.n_tokens, c.ordinal, c.disabled, c.edited",
            $more_columns,
            " from chunks c join documents d on d.id = c.document_id ",
            $rest
        )
    };
}
pub(super) use select;

pub(super) fn read(row: &AnyRow) -> Result<ChunkRow, StorageError> {
    Ok(ChunkRow {
        id: row.col("id")?,
        document_id: row.col("document_id")?,
        revision_id: row.col("revision_id")?,
        document_name: row.col("document_name")?,
        sku: row.col("sku")?,
        audience: row.col("audience")?,
        platforms: row.json("platforms")?,
        text: row.col("text")?,
        heading_path: row.json("heading_path")?,
        page: row.number_or_none("page")?,
        span: Span { start: row.number("span_start")? as usize, end: row.number("span_end")? as usize },
        n_tokens: row.number("n_tokens")?,
        ordinal: row.number("ordinal")?,
        disabled: row.flag("disabled")?,
        edited: row.flag("edited")?,
    })
}

/// Those of `ids` that may be said now, in the order of `ids`: of the active revision, of a document that was not
/// removed and is in effect, not disabled. Ids of other shops are as good as unknown.
pub async fn by_ids(db: &Db, shop: ShopId, ids: &[ChunkId]) -> Result<Vec<ChunkRow>, StorageError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let sql = format!(
        "{} ({})",
        select!(
            "",
            "where c.shop_id = $1 and d.active_revision = c.revision_id and d.removed_at_ms is null \
             and c.disabled = 0 and (d.effective_from_ms is null or d.effective_from_ms <= $2) \
             and (d.effective_until_ms is null or d.effective_until_ms > $2) and c.id in"
        ),
        placeholders(3, ids.len())
    );
    // Only placeholders were added to the literal.
    let query = sqlx::query(AssertSqlSafe(sql)).bind(shop).bind(db.now_ms());
    let rows = ids.iter().fold(query, |query, id| query.bind(id)).fetch_all(&db.readers).await?;
    let mut found = HashMap::new();
    for row in &rows {
        let chunk = read(row)?;
        found.insert(chunk.id, chunk);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// One chunk, whether it may be said or not: for staff.
pub async fn get(db: &Db, shop: ShopId, chunk: ChunkId) -> Result<Option<ChunkRow>, StorageError> {
    let row = sqlx::query(select!("", "where c.shop_id = $1 and c.id = $2"))
        .bind(shop)
        .bind(chunk)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// All chunks of a revision in reading order, disabled ones too: for staff.
pub async fn by_revision(db: &Db, shop: ShopId, revision: RevisionId) -> Result<Vec<ChunkRow>, StorageError> {
    let rows = sqlx::query(select!("", "where c.shop_id = $1 and c.revision_id = $2 order by c.ordinal"))
        .bind(shop)
        .bind(revision)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

/// What stands around `chunk` in its revision, in reading order and without itself: up to `before` chunks above it and
/// `after` below, leaving out disabled ones.
pub async fn neighbours(
    db: &Db,
    shop: ShopId,
    chunk: &ChunkRow,
    (before, after): (u32, u32),
) -> Result<Vec<ChunkRow>, StorageError> {
    let rows = sqlx::query(select!(
        "",
        "where c.shop_id = $1 and c.revision_id = $2 and c.ordinal between $3 and $4 and c.ordinal <> $5 \
         and c.disabled = 0 order by c.ordinal"
    ))
    .bind(shop)
    .bind(chunk.revision_id)
    .bind(i64::from(chunk.ordinal) - i64::from(before))
    .bind(i64::from(chunk.ordinal) + i64::from(after))
    .bind(i64::from(chunk.ordinal))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Takes a chunk out of every answer, or puts it back.
pub async fn set_disabled(tx: &mut Tx, shop: ShopId, chunk: ChunkId, disabled: bool) -> Result<bool, StorageError> {
    let done = sqlx::query("update chunks set disabled = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(chunk)
        .bind(i64::from(disabled))
        .execute(tx.connection())
        .await?;
    epochs::advance_of_chunk(tx, shop, chunk).await?;
    Ok(done.rows_affected() == 1)
}

/// Rewrites a chunk. Embeddings of the old text are forgotten, whichever model made them.
pub async fn set_text(tx: &mut Tx, shop: ShopId, chunk: ChunkId, edit: &ChunkEdit<'_>) -> Result<bool, StorageError> {
    let done = sqlx::query("update chunks set text = $3, n_tokens = $4, edited = 1 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(chunk)
        .bind(edit.text)
        .bind(i64::from(edit.n_tokens))
        .execute(tx.connection())
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("delete from embeddings where chunk_id = $1").bind(chunk).execute(tx.connection()).await?;
    epochs::advance_of_chunk(tx, shop, chunk).await?;
    put_embedding(tx, chunk, edit.model_id, edit.embedding).await?;
    Ok(true)
}

/// Deletes the chunks of a replaced revision; says how many. Those of the active one stay.
pub async fn purge_revision(tx: &mut Tx, shop: ShopId, revision: RevisionId) -> Result<u64, StorageError> {
    let active =
        sqlx::query("select id from documents where shop_id = $1 and active_revision = $2 and removed_at_ms is null")
            .bind(shop)
            .bind(revision)
            .fetch_optional(tx.connection())
            .await?;
    if active.is_some() {
        return Ok(0);
    }
    delete_of_revision(tx, shop, revision).await
}

pub(super) async fn delete_of_revision(tx: &mut Tx, shop: ShopId, revision: RevisionId) -> Result<u64, StorageError> {
    sqlx::query(
        "delete from embeddings where chunk_id in (select id from chunks where shop_id = $1 and revision_id = $2)",
    )
    .bind(shop)
    .bind(revision)
    .execute(tx.connection())
    .await?;
    let done = sqlx::query("delete from chunks where shop_id = $1 and revision_id = $2")
        .bind(shop)
        .bind(revision)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected())
}

/// Rewrites a chunk whose embedding is made later: the old ones are forgotten, and until there is a new one the chunk
/// is found by its words alone. `n_tokens` stays that of the old text.
pub async fn rewrite(tx: &mut Tx, shop: ShopId, chunk: ChunkId, text: &str) -> Result<bool, StorageError> {
    let done = sqlx::query("update chunks set text = $3, edited = 1 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(chunk)
        .bind(text)
        .execute(tx.connection())
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("delete from embeddings where chunk_id = $1").bind(chunk).execute(tx.connection()).await?;
    epochs::advance_of_chunk(tx, shop, chunk).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, scratches, shop};
    use super::super::{documents, indexing};
    use super::*;

    async fn three(db: &Db, shop: ShopId) -> (DocumentId, RevisionId, Vec<ChunkId>) {
        let (document, revision) = testing::document(db, shop, "Manual").await;
        testing::activate(db, shop, revision, &["one", "two", "three"]).await;
        (document, revision, (0..3).map(|ordinal| ChunkId::derive(revision, ordinal)).collect())
    }

    fn texts(rows: &[ChunkRow]) -> Vec<&str> {
        rows.iter().map(|row| row.text.as_str()).collect()
    }

    #[tokio::test]
    async fn hits_come_in_the_order_asked_for_and_only_of_the_own_shop() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (document, revision, ids) = three(&db, mine).await;
            let asked = [ids[2], ChunkId(uuid::Uuid::nil()), ids[0]];
            let found = by_ids(&db, mine, &asked).await.unwrap();
            assert_eq!(texts(&found), ["three", "one"]);
            assert_eq!((found[0].document_id, found[0].revision_id), (document, revision));
            assert_eq!((found[0].page, found[0].span), (Some(3), Span { start: 0, end: 5 }));
            assert_eq!(found[0].heading_path, ["Care", "Washing"]);
            assert_eq!(by_ids(&db, other, &asked).await.unwrap(), []);
            assert_eq!(by_ids(&db, mine, &[]).await.unwrap(), []);
            assert_eq!(by_revision(&db, other, revision).await.unwrap(), []);
            let mut tx = db.begin().await.unwrap();
            assert!(!set_disabled(&mut tx, other, ids[0], true).await.unwrap());
            assert_eq!(purge_revision(&mut tx, mine, revision).await.unwrap(), 0, "it is the active one");
        }
    }

    #[tokio::test]
    async fn a_disabled_chunk_is_not_said_but_shown_to_staff() {
        for Scratch { db, .. } in scratches().await {
            let mine = shop(&db).await;
            let (_, revision, ids) = three(&db, mine).await;
            let middle = get(&db, mine, ids[1]).await.unwrap().unwrap();
            assert_eq!(texts(&neighbours(&db, mine, &middle, (5, 5)).await.unwrap()), ["one", "three"]);
            assert_eq!(texts(&neighbours(&db, mine, &middle, (0, 1)).await.unwrap()), ["three"]);
            let mut tx = db.begin().await.unwrap();
            assert!(set_disabled(&mut tx, mine, ids[0], true).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(texts(&by_ids(&db, mine, &ids).await.unwrap()), ["two", "three"]);
            assert_eq!(texts(&neighbours(&db, mine, &middle, (5, 5)).await.unwrap()), ["three"]);
            assert_eq!(by_revision(&db, mine, revision).await.unwrap().len(), 3);
            assert_eq!(indexing::count_active(&db, mine).await.unwrap(), 2);
        }
    }

    #[tokio::test]
    async fn effective_dates_and_removal_take_a_document_out() {
        for Scratch { db, clock, .. } in scratches().await {
            let mine = shop(&db).await;
            let (document, _, ids) = three(&db, mine).await;
            let now_ms = db.now_ms();
            let meta = documents::DocumentMeta {
                effective_from_ms: Some(now_ms + 10),
                effective_until_ms: Some(now_ms + 20),
                ..testing::meta("Manual")
            };
            let mut tx = db.begin().await.unwrap();
            documents::set_meta(&mut tx, mine, document, &meta).await.unwrap();
            tx.commit().await.unwrap();
            for (step_ms, n_found) in [(9, 0), (1, 3), (9, 3), (1, 0), (-5, 3)] {
                clock.advance(step_ms);
                assert_eq!(by_ids(&db, mine, &ids).await.unwrap().len(), n_found, "at {}", db.now_ms() - now_ms);
            }
            assert_eq!(indexing::count_active(&db, mine).await.unwrap(), 3, "dates are no matter of the index");
            let mut tx = db.begin().await.unwrap();
            documents::mark_removed(&mut tx, mine, document).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(by_ids(&db, mine, &ids).await.unwrap(), []);
            assert_eq!(indexing::count_active(&db, mine).await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn an_edit_replaces_text_and_embedding() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (_, _, ids) = three(&db, mine).await;
            let edit = ChunkEdit { text: "four", n_tokens: 1, model_id: "newer", embedding: &[0.5] };
            let mut tx = db.begin().await.unwrap();
            assert!(!set_text(&mut tx, other, ids[0], &edit).await.unwrap());
            assert!(set_text(&mut tx, mine, ids[0], &edit).await.unwrap());
            tx.commit().await.unwrap();
            let seen = indexing::chunk_with_embedding(&db, mine, ids[0], "newer").await.unwrap().unwrap();
            assert_eq!((seen.chunk.text.as_str(), seen.chunk.edited), ("four", true));
            assert_eq!(seen.embedding.as_deref(), Some(&[0.5][..]));
            let seen = indexing::chunk_with_embedding(&db, mine, ids[0], "model").await.unwrap().unwrap();
            assert_eq!(seen.embedding, None, "the old text's embedding is gone");
        }
    }
}
