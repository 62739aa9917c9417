//! Files on their way into the cache directory.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{ModelFile, OnProgress, Progress, Stage, Weights, WeightsError};
use crate::domain::encoding::HEX;

/// Something that is one part of a file.
pub trait Part {
    /// Writes it to `out`.
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), WeightsError>;
}

/// Hashes and counts what is written.
struct Tally<'a, 'b> {
    out: File,
    hasher: Sha256,
    bytes: u64,
    file: &'a ModelFile,
    on_progress: OnProgress<'b>,
}

impl Write for Tally<'_, '_> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let n = self.out.write(data)?;
        self.hasher.update(&data[..n]);
        self.bytes += n as u64;
        (self.on_progress)(Progress {
            file: &self.file.name,
            stage: Stage::Joining,
            done_bytes: self.bytes,
            total_bytes: self.file.bytes.unwrap_or(0),
        });
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Weights {
    /// Where unfinished things are; what is in it is kept for the next try.
    pub(super) fn partial_dir(&self) -> PathBuf {
        self.dir().join(".partial")
    }

    /// Refuses when `needed_bytes` do not fit.
    pub(super) fn check_space(&self, needed_bytes: u64) -> Result<(), WeightsError> {
        let dir = self.partial_dir();
        std::fs::create_dir_all(&dir).map_err(WeightsError::io(&dir))?;
        let stat = rustix::fs::statvfs(&dir).map_err(|e| WeightsError::Io { path: dir.clone(), source: e.into() })?;
        let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free_bytes < needed_bytes {
            return Err(WeightsError::NoSpace { dir, free_bytes, needed_bytes });
        }
        Ok(())
    }

    /// Joins `parts`, checks the result and gives it its name.
    pub(super) fn join(
        &self,
        file: &ModelFile,
        parts: &[Box<dyn Part>],
        on_progress: OnProgress<'_>,
    ) -> Result<(), WeightsError> {
        self.check_space(file.bytes.unwrap_or(0))?;
        let path = self.partial_dir().join(&file.name);
        let out = File::create(&path).map_err(WeightsError::io(&path))?;
        let mut tally = Tally { out, hasher: Sha256::new(), bytes: 0, file, on_progress };
        for part in parts {
            part.copy_to(&mut tally)?;
        }
        tally.out.sync_all().map_err(WeightsError::io(&path))?;
        let found = HEX.encode(&tally.hasher.finalize());
        self.accept(file, &path, found)
    }

    /// Gives a complete file its name if its checksum is right, else removes it.
    pub(super) fn accept(&self, file: &ModelFile, path: &Path, found: String) -> Result<(), WeightsError> {
        if file.sha256.as_ref().is_some_and(|expected| *expected != found) {
            std::fs::remove_file(path).map_err(WeightsError::io(path))?;
            return Err(WeightsError::Damaged { path: path.to_owned(), reason: format!("its sha256 is `{found}`") });
        }
        let target = self.path(file);
        std::fs::rename(path, &target).map_err(WeightsError::io(&target))?;
        self.write_stamp(file, found)
    }
}
