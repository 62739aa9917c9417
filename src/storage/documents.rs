//! Documents: what staff upload. Their versions are in [`revisions`], their pieces in
//! [`super::chunks`].

use std::collections::HashMap;

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::revisions::{self, Revision};
use super::{Db, StorageError, Tx, epochs};
use crate::domain::document::Audience;
use crate::domain::ids::{DocumentId, RevisionId, ShopId};
use crate::domain::order::Platform;

/// What staff say about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentMeta {
    /// What they call it.
    pub name: String,
    /// The product it is about; `None` if it is about all.
    pub sku: Option<String>,
    /// Who may be told.
    pub audience: Audience,
    /// The platforms whose rules it tells; empty if it holds on all.
    pub platforms: Vec<Platform>,
    /// True from this moment.
    pub effective_from_ms: Option<i64>,
    /// No longer true from this moment.
    pub effective_until_ms: Option<i64>,
}

/// A document that was not removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Identity.
    pub id: DocumentId,
    /// What staff say about it.
    pub meta: DocumentMeta,
    /// The revision that answers; none until the first is indexed.
    pub active_revision: Option<RevisionId>,
    /// When it was uploaded first.
    pub created_at_ms: i64,
}

/// A line of the staff page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentListing {
    /// The document.
    pub document: Document,
    /// The version uploaded last, whatever became of it.
    pub newest: Option<Revision>,
    /// The version that answers.
    pub active: Option<Revision>,
}

fn read(row: &AnyRow) -> Result<Document, StorageError> {
    let meta = DocumentMeta {
        name: row.col("name")?,
        sku: row.col("sku")?,
        audience: row.col("audience")?,
        platforms: row.json("platforms")?,
        effective_from_ms: row.col("effective_from_ms")?,
        effective_until_ms: row.col("effective_until_ms")?,
    };
    Ok(Document {
        id: row.col("id")?,
        meta,
        active_revision: row.col("active_revision")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// Makes a document without a version.
pub async fn create(tx: &mut Tx, shop: ShopId, meta: &DocumentMeta) -> Result<DocumentId, StorageError> {
    let (id, now_ms) = (DocumentId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "insert into documents (id, shop_id, name, sku, audience, effective_from_ms, effective_until_ms, \
         created_at_ms, platforms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id)
    .bind(shop)
    .bind(&meta.name)
    .bind(meta.sku.as_deref())
    .bind(meta.audience)
    .bind(meta.effective_from_ms)
    .bind(meta.effective_until_ms)
    .bind(now_ms)
    .bind(Json(&meta.platforms))
    .execute(tx.connection())
    .await?;
    Ok(id)
}

/// One document, unless it was removed.
pub async fn get(db: &Db, shop: ShopId, document: DocumentId) -> Result<Option<Document>, StorageError> {
    let row = sqlx::query(
        "select id, name, sku, audience, platforms, effective_from_ms, effective_until_ms, active_revision, created_at_ms \
         from documents where shop_id = $1 and id = $2 and removed_at_ms is null",
    )
    .bind(shop)
    .bind(document)
    .fetch_optional(&db.readers)
    .await?;
    row.as_ref().map(read).transpose()
}

/// All documents that were not removed, newest first, each with its newest and its active revision.
pub async fn list(db: &Db, shop: ShopId) -> Result<Vec<DocumentListing>, StorageError> {
    let rows = sqlx::query(
        "select id, name, sku, audience, platforms, effective_from_ms, effective_until_ms, active_revision, created_at_ms \
         from documents where shop_id = $1 and removed_at_ms is null order by created_at_ms desc, id desc",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    let documents = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut by_document: HashMap<DocumentId, Vec<Revision>> = HashMap::new();
    for revision in revisions::newest_and_active(db, shop).await? {
        by_document.entry(revision.document).or_default().push(revision);
    }
    let listing = |document: Document| {
        let revisions = by_document.remove(&document.id).unwrap_or_default();
        let active = revisions.iter().find(|revision| Some(revision.id) == document.active_revision).cloned();
        let newest = revisions.into_iter().max_by_key(|revision| revision.number);
        DocumentListing { document, newest, active }
    };
    Ok(documents.into_iter().map(listing).collect())
}

/// Changes what staff say about it. Points in the vector store carry audience and product: they follow separately.
pub async fn set_meta(
    tx: &mut Tx,
    shop: ShopId,
    document: DocumentId,
    meta: &DocumentMeta,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update documents set name = $3, sku = $4, audience = $5, effective_from_ms = $6, effective_until_ms = $7, \
         platforms = $8 where shop_id = $1 and id = $2 and removed_at_ms is null",
    )
    .bind(shop)
    .bind(document)
    .bind(&meta.name)
    .bind(meta.sku.as_deref())
    .bind(meta.audience)
    .bind(meta.effective_from_ms)
    .bind(meta.effective_until_ms)
    .bind(Json(&meta.platforms))
    .execute(tx.connection())
    .await?;
    epochs::advance(tx, shop, document).await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a document out of every answer from the commit on. What it leaves behind is for [`purge`].
pub async fn mark_removed(tx: &mut Tx, shop: ShopId, document: DocumentId) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done =
        sqlx::query("update documents set removed_at_ms = $3 where shop_id = $1 and id = $2 and removed_at_ms is null")
            .bind(shop)
            .bind(document)
            .bind(now_ms)
            .execute(tx.connection())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a document that was marked removed, with everything it owns. Returns the hashes of files that no revision
/// of any shop needs any more: equal bytes are kept once for all. A document that was purged before, or not marked, yields nothing.
pub async fn purge(tx: &mut Tx, shop: ShopId, document: DocumentId) -> Result<Vec<String>, StorageError> {
    let marked = sqlx::query(
        "update documents set active_revision = null \
         where shop_id = $1 and id = $2 and removed_at_ms is not null returning id",
    )
    .bind(shop)
    .bind(document)
    .fetch_optional(tx.connection())
    .await?;
    if marked.is_none() {
        return Ok(vec![]);
    }
    let rows = sqlx::query(
        "select distinct r.sha256 from revisions r where r.shop_id = $1 and r.document_id = $2 and not exists \
         (select 1 from revisions o where o.sha256 = r.sha256 and o.document_id <> $2) and not exists \
         (select 1 from rehearsals h where h.sha256 = r.sha256) and not exists \
         (select 1 from imports i where i.sha256 = r.sha256 and i.state = 'queued')",
    )
    .bind(shop)
    .bind(document)
    .fetch_all(tx.connection())
    .await?;
    for statement in [
        "delete from embeddings where chunk_id in (select id from chunks where shop_id = $1 and document_id = $2)",
        "delete from chunks where shop_id = $1 and document_id = $2",
        "delete from revisions where shop_id = $1 and document_id = $2",
        "delete from documents where shop_id = $1 and id = $2",
    ] {
        sqlx::query(statement).bind(shop).bind(document).execute(tx.connection()).await?;
    }
    rows.iter().map(|row| row.col("sha256")).collect()
}

/// The document of this name, unless it was removed; of several, the newest. Reads inside the transaction, so that two
/// uploads of one name at once make one document where writers queue.
pub async fn find_by_name(tx: &mut Tx, shop: ShopId, name: &str) -> Result<Option<Document>, StorageError> {
    let row = sqlx::query(
        "select id, name, sku, audience, platforms, effective_from_ms, effective_until_ms, active_revision, created_at_ms \
         from documents where shop_id = $1 and name = $2 and removed_at_ms is null \
         order by created_at_ms desc, id desc limit 1",
    )
    .bind(shop)
    .bind(name)
    .fetch_optional(tx.connection())
    .await?;
    row.as_ref().map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, meta, new_revision, scratches, shop};
    use super::*;
    use crate::domain::document::RevisionState;

    #[tokio::test]
    async fn the_list_shows_the_newest_and_the_active_revision() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (document, first) = testing::document(&db, mine, "Manual").await;
            testing::activate(&db, mine, first, &["one", "two"]).await;
            let mut tx = db.begin().await.unwrap();
            let second = revisions::create(&mut tx, mine, document, &new_revision("new")).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            let [listing] = list(&db, mine).await.unwrap().try_into().unwrap();
            assert_eq!(listing.document.active_revision, Some(first));
            let (newest, active) = (listing.newest.unwrap(), listing.active.unwrap());
            assert_eq!((newest.id, newest.number, newest.state), (second, 2, RevisionState::Queued));
            assert_eq!((active.id, active.state, active.n_chunks), (first, RevisionState::Indexed, Some(2)));
            assert_eq!(list(&db, other).await.unwrap(), []);
            assert_eq!(get(&db, other, document).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn meta_changes_in_its_shop_only() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (document, _) = testing::document(&db, mine, "Manual").await;
            let changed = DocumentMeta {
                sku: Some("A-1".into()),
                audience: Audience::Agents,
                platforms: vec![Platform::Jd],
                effective_until_ms: Some(7),
                ..meta("Handbook")
            };
            let mut tx = db.begin().await.unwrap();
            assert!(!set_meta(&mut tx, other, document, &changed).await.unwrap());
            assert!(set_meta(&mut tx, mine, document, &changed).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(get(&db, mine, document).await.unwrap().unwrap().meta, changed);
        }
    }

    #[tokio::test]
    async fn purging_needs_the_mark_and_names_the_files_nobody_needs() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (document, revision) = testing::document(&db, mine, "Manual").await;
            testing::activate(&db, mine, revision, &["one"]).await;
            let (twin, _) = testing::document(&db, mine, "Twin").await;
            let mut tx = db.begin().await.unwrap();
            revisions::create(&mut tx, mine, document, &new_revision("own")).await.unwrap().unwrap();
            assert_eq!(purge(&mut tx, mine, document).await.unwrap(), [""; 0], "not marked");
            assert!(!mark_removed(&mut tx, other, document).await.unwrap());
            assert!(mark_removed(&mut tx, mine, document).await.unwrap());
            assert!(!mark_removed(&mut tx, mine, document).await.unwrap());
            assert_eq!(purge(&mut tx, mine, document).await.unwrap(), ["own"], "the twin still needs `sha`");
            assert_eq!(purge(&mut tx, mine, document).await.unwrap(), [""; 0], "a second time");
            tx.commit().await.unwrap();
            let left: Vec<_> = list(&db, mine).await.unwrap().into_iter().map(|line| line.document.id).collect();
            assert_eq!(left, [twin]);
            assert_eq!(revisions::get(&db, mine, revision).await.unwrap(), None);
        }
    }
}
