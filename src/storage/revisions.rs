//! Revisions: immutable versions of documents on their way into the index. The last step, which makes one the
//! searchable one, is in [`indexing`](super::indexing).

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::document::{Format, Parsed, RevisionState, Warning};
use crate::domain::ids::{DocumentId, RevisionId, ShopId};

/// One version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Identity.
    pub id: RevisionId,
    /// Of which document.
    pub document: DocumentId,
    /// 1, 2, 3 … within the document.
    pub number: u32,
    /// What the uploaded file was called.
    pub file_name: String,
    /// Hash of the file, in hexadecimal.
    pub sha256: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// What was read, once it is known.
    pub format: Option<Format>,
    /// How far it has come.
    pub state: RevisionState,
    /// Steps of the state that are done …
    pub stage_done: u32,
    /// … of so many; 0 if that is not known.
    pub stage_total: u32,
    /// Since when it is in this state.
    pub stage_started_at_ms: Option<i64>,
    /// Why it failed: a stable code.
    pub error_code: Option<String>,
    /// Why it failed: what exactly.
    pub error_detail: Option<String>,
    /// What staff should know all the same.
    pub warnings: Vec<Warning>,
    /// How many pages, where the format has pages.
    pub n_pages: Option<u32>,
    /// How many chunks, once indexed.
    pub n_chunks: Option<u32>,
    /// When it was uploaded.
    pub created_at_ms: i64,
    /// When it was indexed.
    pub indexed_at_ms: Option<i64>,
}

/// An uploaded file.
#[derive(Debug, Clone, Copy)]
pub struct NewRevision<'a> {
    /// What it is called.
    pub file_name: &'a str,
    /// Its hash, in hexadecimal.
    pub sha256: &'a str,
    /// Its size.
    pub size_bytes: u64,
    /// What it is, if that is known already.
    pub format: Option<Format>,
}

/// All columns but the parsed text, which is large.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select r.id, r.document_id, r.number, r.file_name, r.sha256, r.size_bytes, r.format, r.state, ",
            "r.stage_done, r.stage_total, r.stage_started_at_ms, r.error_code, r.error_detail, r.warnings, ",
            "r.n_pages, r.n_chunks, r.created_at_ms, r.indexed_at_ms ",
            "from revisions r join documents d on d.id = r.document_id ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Revision, StorageError> {
    Ok(Revision {
        id: row.col("id")?,
        document: row.col("document_id")?,
        number: row.number("number")?,
        file_name: row.col("file_name")?,
        sha256: row.col("sha256")?,
        size_bytes: u64::try_from(row.col::<i64>("size_bytes")?).unwrap_or_default(),
        format: row.col("format")?,
        state: row.col("state")?,
        stage_done: row.number("stage_done")?,
        stage_total: row.number("stage_total")?,
        stage_started_at_ms: row.col("stage_started_at_ms")?,
        error_code: row.col("error_code")?,
        error_detail: row.col("error_detail")?,
        warnings: row.json("warnings")?,
        n_pages: row.number_or_none("n_pages")?,
        n_chunks: row.number_or_none("n_chunks")?,
        created_at_ms: row.col("created_at_ms")?,
        indexed_at_ms: row.col("indexed_at_ms")?,
    })
}

/// Adds a version, waiting for a worker; `None` if the document is not there, or was removed.
pub async fn create(
    tx: &mut Tx,
    shop: ShopId,
    document: DocumentId,
    new: &NewRevision<'_>,
) -> Result<Option<RevisionId>, StorageError> {
    // Locks the document's row, so that two uploads at once get two numbers.
    let document_row = sqlx::query(
        "update documents set name = name where shop_id = $1 and id = $2 and removed_at_ms is null returning id",
    )
    .bind(shop)
    .bind(document)
    .fetch_optional(tx.connection())
    .await?;
    if document_row.is_none() {
        return Ok(None);
    }
    let (id, now_ms) = (RevisionId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "insert into revisions (id, shop_id, document_id, number, file_name, sha256, size_bytes, format, state, \
         created_at_ms) select $1, $2, $3, coalesce(max(number), 0) + 1, $4, $5, $6, $7, $8, $9 \
         from revisions where document_id = $3",
    )
    .bind(id)
    .bind(shop)
    .bind(document)
    .bind(new.file_name)
    .bind(new.sha256)
    .bind(i64::try_from(new.size_bytes).unwrap_or(i64::MAX))
    .bind(new.format)
    .bind(RevisionState::Queued)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(Some(id))
}

/// One version of a document that was not removed.
pub async fn get(db: &Db, shop: ShopId, revision: RevisionId) -> Result<Option<Revision>, StorageError> {
    let row = sqlx::query(select!("where r.shop_id = $1 and r.id = $2 and d.removed_at_ms is null"))
        .bind(shop)
        .bind(revision)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// All versions of a document, newest first.
pub async fn of_document(db: &Db, shop: ShopId, document: DocumentId) -> Result<Vec<Revision>, StorageError> {
    let rows = sqlx::query(select!("where r.shop_id = $1 and r.document_id = $2 order by r.number desc"))
        .bind(shop)
        .bind(document)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

/// Of every document that was not removed, the newest version and the active one.
pub(super) async fn newest_and_active(db: &Db, shop: ShopId) -> Result<Vec<Revision>, StorageError> {
    let rows = sqlx::query(select!(
        "where r.shop_id = $1 and d.removed_at_ms is null and (r.id = d.active_revision \
         or r.number = (select max(n.number) from revisions n where n.document_id = d.id))"
    ))
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// The newest version of a document, given by its id or by the name that new ones are recognised by, if it has these
/// bytes and did not fail: uploading them again has nothing to do.
pub async fn find_unchanged(
    tx: &mut Tx,
    shop: ShopId,
    (document, name): (Option<DocumentId>, &str),
    sha256: &str,
) -> Result<Option<Revision>, StorageError> {
    let row = sqlx::query(select!(
        "where r.shop_id = $1 and ((d.id = $2) or ($2 is null and d.name = $3)) and r.sha256 = $4 \
         and d.removed_at_ms is null and r.state <> 'failed' \
         and r.number = (select max(n.number) from revisions n where n.document_id = d.id) \
         order by r.created_at_ms desc limit 1"
    ))
    .bind(shop)
    .bind(document)
    .bind(name)
    .bind(sha256)
    .fetch_optional(tx.connection())
    .await?;
    row.as_ref().map(read).transpose()
}

/// Moves it to a state that is not the last, from the beginning of that state; a former failure is forgotten.
/// One that is indexed stays so.
pub async fn set_state(
    tx: &mut Tx,
    shop: ShopId,
    revision: RevisionId,
    state: RevisionState,
) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update revisions set state = $3, stage_done = 0, stage_total = 0, stage_started_at_ms = $4, \
         error_code = null, error_detail = null where shop_id = $1 and id = $2 and state <> 'indexed'",
    )
    .bind(shop)
    .bind(revision)
    .bind(state)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Says how many steps of the state are done.
pub async fn set_progress(
    tx: &mut Tx,
    shop: ShopId,
    revision: RevisionId,
    (done, total): (u32, u32),
) -> Result<bool, StorageError> {
    let updated = sqlx::query("update revisions set stage_done = $3, stage_total = $4 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(revision)
        .bind(i64::from(done))
        .bind(i64::from(total))
        .execute(tx.connection())
        .await?;
    Ok(updated.rows_affected() == 1)
}

/// Gives up on it, saying why: a stable code, and a detail for staff. One that is indexed stays so.
pub async fn fail_revision(
    tx: &mut Tx,
    shop: ShopId,
    revision: RevisionId,
    (code, detail): (&str, &str),
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update revisions set state = $3, error_code = $4, error_detail = $5 \
         where shop_id = $1 and id = $2 and state <> 'indexed'",
    )
    .bind(shop)
    .bind(revision)
    .bind(RevisionState::Failed)
    .bind(code)
    .bind(detail)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what the parser found, and shows its format, pages and warnings.
pub async fn store_parsed(
    tx: &mut Tx,
    shop: ShopId,
    revision: RevisionId,
    parsed: &Parsed,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update revisions set parsed = $3, format = $4, n_pages = $5, warnings = $6 where shop_id = $1 and id = $2",
    )
    .bind(shop)
    .bind(revision)
    .bind(Json(parsed))
    .bind(parsed.format)
    .bind(parsed.n_pages.map(i64::from))
    .bind(Json(&parsed.warnings))
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What the parser found; `None` if it was not parsed yet.
pub async fn load_parsed(db: &Db, shop: ShopId, revision: RevisionId) -> Result<Option<Parsed>, StorageError> {
    let row = sqlx::query("select parsed from revisions where shop_id = $1 and id = $2 and parsed is not null")
        .bind(shop)
        .bind(revision)
        .fetch_optional(&db.readers)
        .await?;
    row.map(|row| row.json("parsed")).transpose()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, new_revision, scratches, shop};
    use super::*;

    fn parsed() -> Parsed {
        Parsed {
            format: Format::Pdf,
            n_pages: Some(3),
            text: "洗涤".into(),
            blocks: vec![],
            faq: vec![],
            warnings: vec![Warning { code: "page_unreadable".into(), detail: "2".into() }],
        }
    }

    #[tokio::test]
    async fn a_revision_shows_its_way_and_its_failure() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (_, revision) = testing::document(&db, mine, "Manual").await;
            clock.advance(5);
            let mut tx = db.begin().await.unwrap();
            assert!(set_state(&mut tx, mine, revision, RevisionState::Parsing).await.unwrap());
            assert!(set_progress(&mut tx, mine, revision, (2, 7)).await.unwrap());
            assert!(store_parsed(&mut tx, mine, revision, &parsed()).await.unwrap());
            assert!(!set_state(&mut tx, other, revision, RevisionState::Queued).await.unwrap());
            assert!(!fail_revision(&mut tx, other, revision, ("no", "no")).await.unwrap());
            tx.commit().await.unwrap();
            let seen = get(&db, mine, revision).await.unwrap().unwrap();
            assert_eq!((seen.stage_done, seen.stage_total), (2, 7));
            assert_eq!(seen.stage_started_at_ms, Some(testing::START_MS + 5));
            assert_eq!((seen.format, seen.n_pages, seen.warnings), (Some(Format::Pdf), Some(3), parsed().warnings));
            assert_eq!(load_parsed(&db, mine, revision).await.unwrap(), Some(parsed()));
            assert_eq!(load_parsed(&db, other, revision).await.unwrap(), None);
            let mut tx = db.begin().await.unwrap();
            assert!(fail_revision(&mut tx, mine, revision, ("encrypted", "a password")).await.unwrap());
            tx.commit().await.unwrap();
            let seen = get(&db, mine, revision).await.unwrap().unwrap();
            assert_eq!((seen.state, seen.error_code.as_deref()), (RevisionState::Failed, Some("encrypted")));
        }
    }

    #[tokio::test]
    async fn an_indexed_revision_does_not_go_back() {
        for Scratch { db, .. } in scratches().await {
            let mine = shop(&db).await;
            let (_, revision) = testing::document(&db, mine, "Manual").await;
            testing::activate(&db, mine, revision, &["one"]).await;
            let mut tx = db.begin().await.unwrap();
            assert!(!set_state(&mut tx, mine, revision, RevisionState::Parsing).await.unwrap());
            assert!(!fail_revision(&mut tx, mine, revision, ("late", "failure")).await.unwrap());
        }
    }

    #[tokio::test]
    async fn the_same_bytes_are_recognised_until_they_failed_or_were_replaced() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (document, revision) = testing::document(&db, mine, "Manual").await;
            let find = async |shop, name| {
                let mut tx = db.begin().await.unwrap();
                let found = find_unchanged(&mut tx, shop, (None, name), "sha").await.unwrap();
                found.map(|revision| revision.id)
            };
            assert_eq!(find(mine, "Manual").await, Some(revision));
            assert_eq!(find(mine, "Other").await, None);
            assert_eq!(find(other, "Manual").await, None);
            let mut tx = db.begin().await.unwrap();
            fail_revision(&mut tx, mine, revision, ("crashed", "")).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(find(mine, "Manual").await, None);
            let mut tx = db.begin().await.unwrap();
            let second = create(&mut tx, mine, document, &new_revision("sha")).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(find(mine, "Manual").await, second);
        }
    }

    #[tokio::test]
    async fn another_shops_document_takes_no_revision() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (document, _) = testing::document(&db, mine, "Manual").await;
            let mut tx = db.begin().await.unwrap();
            assert_eq!(create(&mut tx, other, document, &new_revision("x")).await.unwrap(), None);
        }
    }
}
