//! The directory around the shards: who may use it, and who made what is in it.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fault::io;
use super::{BUILDING, GONE};
use crate::domain::encoding::HEX;
use crate::lifecycle::take_lock;
use crate::vectors::VectorError;

const MAKER: &str = "maker.json";

/// The embedder whose points lie here. Points of different embedders cannot be compared.
#[derive(Debug, Serialize, Deserialize)]
struct Maker {
    embedder: String,
    dim: usize,
    /// A hash of the above: a flipped bit in a name must not pass for another embedder, with which the server would
    /// not start. Empty where an earlier release wrote the file.
    #[serde(default)]
    hash: String,
}

impl Maker {
    fn new(embedder: String, dim: usize) -> Self {
        let hash = HEX.encode(&Sha256::digest(format!("{embedder} {dim}")));
        Self { embedder, dim, hash }
    }

    fn is_whole(&self) -> bool {
        self.hash.is_empty() || self.hash == Self::new(self.embedder.clone(), self.dim).hash
    }

    fn name(&self) -> String {
        format!("{} ({} values)", self.embedder, self.dim)
    }
}

/// Where the shards are.
pub(super) fn shops(root: &Path) -> PathBuf {
    root.join("shops")
}

/// Takes the directory for this process, as long as the file lives.
pub(super) fn lock(root: &Path) -> Result<File, VectorError> {
    let shops = shops(root);
    fs::create_dir_all(&shops).map_err(|error| io(&shops, &error))?;
    let path = root.join("lock");
    let file = File::create(&path).map_err(|error| io(&path, &error))?;
    match take_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(VectorError::InUse { path: root.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(io(&path, &error)),
    }
}

/// Writes down who makes the points, or compares with what was written down.
pub(super) fn check_maker(root: &Path, embedder_id: &str, dim: usize) -> Result<(), VectorError> {
    let path = root.join(MAKER);
    let maker = Maker::new(embedder_id.to_owned(), dim);
    if !path.exists() {
        // Shards without a maker cannot be trusted to be this embedder's.
        return match list(&shops(root))?.is_empty() {
            true => write(root, &maker),
            false => Err(VectorError::Damaged { reason: format!("{} is missing", path.display()) }),
        };
    }
    let text = fs::read(&path).map_err(|error| io(&path, &error))?;
    let damaged = |reason: String| VectorError::Damaged { reason: format!("{}: {reason}", path.display()) };
    let made_by: Maker = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if !made_by.is_whole() {
        return Err(damaged("it is not as it was written".to_owned()));
    }
    if (&made_by.embedder, made_by.dim) == (&maker.embedder, maker.dim) {
        return Ok(());
    }
    Err(VectorError::WrongMaker { made_by: made_by.name(), embedder: maker.name() })
}

/// Deletes what a crash left of shards that were being made or deleted.
pub(super) fn sweep(root: &Path) -> Result<(), VectorError> {
    let is_left_over =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension == BUILDING || extension == GONE);
    list(&shops(root))?.into_iter().filter(is_left_over).try_for_each(|path| remove(&path))
}

/// Deletes everything but the lock.
pub(super) fn wipe(root: &Path) -> Result<(), VectorError> {
    // The maker last: a crash in between leaves the old maker with fewer shards, which `recreate` can repeat.
    list(&shops(root))?.into_iter().try_for_each(|path| remove(&path))?;
    let maker = root.join(MAKER);
    if maker.exists() { fs::remove_file(&maker).map_err(|error| io(&maker, &error)) } else { Ok(()) }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, VectorError> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    entries.map_err(|error| io(folder, &error))
}

fn remove(path: &Path) -> Result<(), VectorError> {
    fs::remove_dir_all(path).map_err(|error| io(path, &error))
}

/// Whole or not at all, also through a loss of power.
fn write(root: &Path, maker: &Maker) -> Result<(), VectorError> {
    let text = serde_json::to_vec_pretty(maker).expect("a struct of a string and a number is always JSON");
    let draft = root.join("maker.json.new");
    let path = root.join(MAKER);
    let written = File::create(&draft)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, &path));
    written.map_err(|error| io(&path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flipped_bit_makes_another_embedder_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(shops(folder.path())).unwrap();
        check_maker(folder.path(), "e5", 384).unwrap();
        let path = folder.path().join(MAKER);
        let written = fs::read(&path).unwrap();
        for place in 0..written.len() * 8 {
            let mut bytes = written.clone();
            bytes[place / 8] ^= 1 << (place % 8);
            fs::write(&path, bytes).unwrap();
            let found = check_maker(folder.path(), "e5", 384);
            assert!(matches!(found, Ok(()) | Err(VectorError::Damaged { .. })), "bit {place}: {found:?}");
        }
        fs::write(&path, written).unwrap();
        let found = check_maker(folder.path(), "e6", 384);
        assert!(matches!(found, Err(VectorError::WrongMaker { .. })), "{found:?}");
    }
}
