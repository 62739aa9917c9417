//! The data directory: one process owns it at a time, and says there where it can be reached.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::lifecycle::take_lock;

/// Locked by the process that owns the directory, for as long as it lives.
const LOCK: &str = "kefu.lock";
/// Written by a server for the commands that find the directory locked.
const SERVER: &str = "server.json";

/// A data directory that is ours alone.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    _lock: File,
}

/// Where the process that owns a directory can be reached, and a session to speak to it as an owner of the shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerInfo {
    /// As `http://127.0.0.1:8080`.
    pub url: String,
    /// A session's token.
    pub token: String,
    /// Its process.
    pub pid: u32,
}

/// Why a directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("`{}` is in use by another process\nhint: stop that one first, or name another directory with --data-dir", .0.display())]
    InUse(PathBuf),
    /// It cannot be made or written.
    #[error("`{}` cannot be used: {source}", .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl DataDir {
    /// Makes the directory if need be and takes it. Blocks for a moment where somebody else has it.
    pub fn open(root: &Path) -> Result<Self, DataDirError> {
        let unusable = |source| DataDirError::Unusable { path: root.to_owned(), source };
        fs::create_dir_all(root).map_err(unusable)?;
        let lock = File::options().create(true).truncate(false).write(true).open(root.join(LOCK)).map_err(unusable)?;
        match take_lock(&lock) {
            Ok(()) => Ok(Self { root: root.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(root.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Says where we can be reached; readable by the owner of the directory alone, since it holds a token.
    pub fn announce(&self, info: &ServerInfo) -> Result<(), DataDirError> {
        write_private(&self.root.join(SERVER), &serde_json::to_vec(info).unwrap_or_default())
    }

    /// Takes the announcement back.
    pub fn withdraw(&self) {
        // If it stays, it is not believed: nobody holds the lock then.
        let _ = fs::remove_file(self.root.join(SERVER));
    }
}

impl ServerInfo {
    /// The server that owns `root` now, if there is one.
    pub fn of(root: &Path) -> Option<Self> {
        let lock = File::options().write(true).open(root.join(LOCK)).ok()?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => serde_json::from_slice(&fs::read(root.join(SERVER)).ok()?).ok(),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    let unusable = |source| DataDirError::Unusable { path: path.to_owned(), source };
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let draft = path.with_extension("tmp");
    let mut file = options.open(&draft).map_err(unusable)?;
    std::io::Write::write_all(&mut file, bytes).map_err(unusable)?;
    fs::rename(&draft, path).map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_and_told_where_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        assert!(ServerInfo::of(dir.path()).is_none());
        let first = DataDir::open(dir.path()).unwrap();
        assert!(matches!(DataDir::open(dir.path()), Err(DataDirError::InUse(_))));
        let info = ServerInfo { url: "http://127.0.0.1:1".into(), token: "t".into(), pid: 1 };
        first.announce(&info).unwrap();
        assert_eq!(ServerInfo::of(dir.path()).map(|info| info.url), Some("http://127.0.0.1:1".into()));
        drop(first);
        assert!(ServerInfo::of(dir.path()).is_none(), "an announcement without an owner is not believed");
    }
}
