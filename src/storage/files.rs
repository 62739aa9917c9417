//! Uploaded bytes, in a directory: a file is named by the SHA-256 of what it holds, so the same bytes are kept once.
//!
//! # Why
//!
//! Not in SQL: a manual may have 50 MB, and the parser reads files. The row of a revision names its bytes by hash; a
//! file that no row names is rubbish from an upload that did not end, never the other way round, since the bytes are
//! on the disk before the row is written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use crate::clock::secure_random;
use crate::domain::encoding::HEX;
use crate::domain::fault::Fault;
use crate::storage::room::Room;

/// Why bytes could not be kept or found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence says it")]
pub enum FileError {
    /// A directory is missing, a permission.
    #[error("the file store could not {action}: {source}")]
    Disk { action: &'static str, source: io::Error },
    /// The disk is full, or so full that what is left is kept for what people write.
    #[error("there is not enough room left in the data directory")]
    Full,
}

impl FileError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Disk { .. } | Self::Full => Fault::Transient,
        }
    }
}

/// Where uploaded bytes lie. Cloning gives another handle to the same directory.
#[derive(Debug, Clone)]
pub struct FileStore {
    root: Arc<PathBuf>,
    room: Room,
}

/// Bytes that were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Their hash, in hexadecimal: the name to ask for them by.
    pub sha256: String,
    /// How many there are.
    pub size_bytes: u64,
}

impl FileStore {
    /// Uses `root`, making it if need be, and clears what unfinished uploads left there.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self, FileError> {
        let root = root.into();
        let incoming = root.join("incoming");
        match fs::remove_dir_all(&incoming).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(disk("clear unfinished uploads")(error));
            }
            _ => {}
        }
        fs::create_dir_all(&incoming).await.map_err(disk("make its directory"))?;
        let room = Room::new(&root, 0);
        Ok(Self { root: Arc::new(root), room })
    }

    /// The same, taking nothing while there is little room.
    #[must_use]
    pub fn within(self, room: Room) -> Self {
        Self { room, ..self }
    }

    /// Fails if large things must not be written now.
    pub fn check_room(&self) -> Result<(), FileError> {
        if self.room.is_enough() { Ok(()) } else { Err(FileError::Full) }
    }

    /// Starts an upload.
    pub async fn begin(&self) -> Result<Incoming, FileError> {
        self.check_room()?;
        let mut name = [0u8; 16];
        secure_random(&mut name);
        let path = self.root.join("incoming").join(HEX.encode(&name));
        let file = File::create(&path).await.map_err(disk("begin a file"))?;
        Ok(Incoming { store: self.clone(), path, file, hash: Sha256::new(), size_bytes: 0, is_kept: false })
    }

    /// Keeps bytes that are in memory already.
    pub async fn put(&self, bytes: &[u8]) -> Result<StoredFile, FileError> {
        let mut incoming = self.begin().await?;
        incoming.write(bytes).await?;
        incoming.keep().await
    }

    /// Where the bytes of this hash lie, if they do.
    pub async fn find(&self, sha256: &str) -> Result<Option<PathBuf>, FileError> {
        let Some(path) = self.path(sha256) else { return Ok(None) };
        let exists = fs::try_exists(&path).await.map_err(disk("look for a file"))?;
        Ok(exists.then_some(path))
    }

    /// The bytes of this hash, to be read piece by piece.
    pub async fn read(&self, sha256: &str) -> Result<Option<File>, FileError> {
        let Some(path) = self.path(sha256) else { return Ok(None) };
        match File::open(path).await {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk("open a file")(error)),
        }
    }

    /// Forgets bytes. That they are gone already is fine.
    pub async fn remove(&self, sha256: &str) -> Result<(), FileError> {
        let Some(path) = self.path(sha256) else { return Ok(()) };
        match fs::remove_file(path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk("remove a file")(error)),
            _ => Ok(()),
        }
    }

    /// `None` for what is no hash: a name from outside must not become a path.
    fn path(&self, sha256: &str) -> Option<PathBuf> {
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hash.then(|| self.root.join(&sha256[..2]).join(sha256))
    }
}

/// An upload under way. Dropping it before [`Incoming::keep`] forgets the bytes.
#[derive(Debug)]
pub struct Incoming {
    store: FileStore,
    path: PathBuf,
    file: File,
    hash: Sha256,
    size_bytes: u64,
    is_kept: bool,
}

impl Incoming {
    /// Adds bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).await.map_err(disk("write a file"))?;
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// How many bytes came so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Puts the bytes, safely on the disk, under their name.
    pub async fn keep(mut self) -> Result<StoredFile, FileError> {
        self.file.sync_all().await.map_err(disk("write a file"))?;
        let sha256 = HEX.encode(&self.hash.finalize_reset());
        let target = self.store.path(&sha256).expect("a SHA-256 in hexadecimal is one");
        let folder = target.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).await.map_err(disk("make a directory"))?;
        fs::rename(&self.path, &target).await.map_err(disk("name a file"))?;
        self.is_kept = true;
        let folder = File::open(folder).await.map_err(disk("open a directory"))?;
        folder.sync_all().await.map_err(disk("write a directory"))?;
        Ok(StoredFile { sha256, size_bytes: self.size_bytes })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is removed by the next `open`.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn disk(action: &'static str) -> impl FnOnce(io::Error) -> FileError {
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FileError::Full,
        _ => FileError::Disk { action, source },
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn the_same_bytes_are_kept_once_under_their_hash() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).await.unwrap();
        let stored = store.put(b"hello").await.unwrap();
        assert_eq!(stored.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(store.put(b"hello").await.unwrap(), stored);
        let mut text = String::new();
        store.read(&stored.sha256).await.unwrap().unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
        store.remove(&stored.sha256).await.unwrap();
        store.remove(&stored.sha256).await.unwrap();
        assert!(store.find(&stored.sha256).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_upload_that_ends_early_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).await.unwrap();
        let mut upload = store.begin().await.unwrap();
        upload.write(b"half").await.unwrap();
        drop(upload);
        assert_eq!(std::fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_name_that_is_no_hash_finds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path().join("files")).await.unwrap();
        for name in ["../secret", "", &"A".repeat(64), &format!("../{}", "a".repeat(61))] {
            assert!(store.find(name).await.unwrap().is_none(), "{name}");
        }
    }
}
