//! Whole copies of a SQLite database, taken while it is in use; and whether a file is one that can be used.
//!
//! # Why
//!
//! `vacuum into` reads one consistent state while others write on, and its result is one file without a log. A server
//! in another process need not know of it.

use std::path::Path;

use sqlx::{AnyConnection, Connection};

use super::columns::Columns;
use super::{StorageError, error, not_reached};

/// An uploaded file that rows refer to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeededFile {
    /// Its name in the file store.
    pub sha256: String,
    /// How large it is.
    pub size_bytes: u64,
}

/// Writes a copy of the database at `url` to `target`, which must not exist yet, and puts it safely on the disk.
/// `None` if the database is no SQLite file: servers have tools of their own for this.
pub async fn take(url: &str, target: &Path) -> Result<Option<()>, StorageError> {
    let Some(path) = url.strip_prefix("sqlite:") else { return Ok(None) };
    let mut connection = open(Path::new(path.strip_prefix("//").unwrap_or(path)), "rw").await?;
    let copied = sqlx::query("vacuum into $1").bind(target.display().to_string()).execute(&mut connection).await;
    connection.close().await?;
    copied?;
    let on_disk = std::fs::File::open(target).and_then(|file| file.sync_all());
    on_disk.map_err(|source| StorageError::Unavailable { source: sqlx::Error::Io(source) })?;
    Ok(Some(()))
}

/// The uploaded files that the rows of a SQLite file refer to.
pub async fn needed_files(path: &Path) -> Result<Vec<NeededFile>, StorageError> {
    // A connection that may not write would leave a log beside the file.
    let mut connection = open(path, "rw").await?;
    let sql = "select sha256, max(size_bytes) as size_bytes from revisions group by sha256 order by sha256";
    let rows = sqlx::query(sql).fetch_all(&mut connection).await;
    connection.close().await?;
    let read = |row: &sqlx::any::AnyRow| {
        let size_bytes: i64 = row.col("size_bytes")?;
        Ok(NeededFile { sha256: row.col("sha256")?, size_bytes: u64::try_from(size_bytes).unwrap_or(0) })
    };
    rows?.iter().map(read).collect()
}

/// Reads every page of a SQLite file and fails with [`StorageError::Corrupt`] if one is not as it was written.
pub async fn check_file(path: &Path) -> Result<(), StorageError> {
    let mut connection = open(path, "rw").await?;
    let checked = quick_check(&mut connection).await;
    connection.close().await?;
    checked
}

/// Whether the pages of the database fit together.
async fn quick_check(connection: &mut AnyConnection) -> Result<(), StorageError> {
    let row = sqlx::query("pragma quick_check(1)").fetch_one(connection).await?;
    let found: String = sqlx::Row::try_get(&row, 0)?;
    if found == "ok" { Ok(()) } else { Err(StorageError::Corrupt { reason: found }) }
}

async fn open(path: &Path, mode: &str) -> Result<AnyConnection, StorageError> {
    sqlx::any::install_default_drivers();
    let url = format!("{}?mode={mode}", super::sqlite_url(&path.display().to_string()));
    let connected = AnyConnection::connect(&url).await;
    connected.map_err(|source| if error::is_corrupt(&source) { source.into() } else { not_reached(source) })
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::storage::{Db, shops};

    #[tokio::test]
    async fn a_copy_is_whole_while_others_write_and_a_flipped_page_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kefu.db");
        let url = format!("sqlite:{}", path.display());
        let clock = std::sync::Arc::new(crate::clock::ManualClock::at(testing::START_MS));
        let db = Db::open(&url, clock.clone()).await.unwrap();
        let mine = testing::shop(&db).await;
        let (_, revision) = testing::document(&db, mine, "Manual").await;
        testing::activate(&db, mine, revision, &["one", "two"]).await;
        let mut unfinished = db.begin().await.unwrap();
        shops::create(&mut unfinished, "unfinished", crate::domain::text::Lang::Zh).await.unwrap();
        let copy = folder.path().join("copy.db");
        assert_eq!(take(&url, &copy).await.unwrap(), Some(()));
        drop(unfinished);
        let needed = needed_files(&copy).await.unwrap();
        assert_eq!(needed, [NeededFile { sha256: "sha".into(), size_bytes: 12 }]);
        check_file(&copy).await.unwrap();
        let copied = Db::open(&format!("sqlite:{}", copy.display()), clock).await.unwrap();
        assert_eq!(shops::list(&copied).await.unwrap().len(), 1, "what was not committed is not in it");
        copied.close().await;

        let mut bytes = std::fs::read(&copy).unwrap();
        let page = bytes.len() / 4096 / 2 * 4096;
        bytes[page..page + 4096].fill(0xA5);
        std::fs::write(&copy, bytes).unwrap();
        let error = check_file(&copy).await.unwrap_err();
        assert!(matches!(error, StorageError::Corrupt { .. }), "{error:?}");
        assert_eq!(take("postgres://x", &copy).await.unwrap(), None);
    }
}
