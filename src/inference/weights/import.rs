//! Takes model files from a folder, for machines without network.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::packages::find_wheel;
use super::partial::Part;
use super::{ModelEntry, ModelFile, OnProgress, Progress, Stage, Weights, WeightsError, sha256};

/// A file that is all there is.
struct Whole(PathBuf);

impl Part for Whole {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), WeightsError> {
        let mut file = File::open(&self.0).map_err(WeightsError::io(&self.0))?;
        io::copy(&mut file, out).map_err(WeightsError::io(&self.0))?;
        Ok(())
    }
}

impl Weights {
    /// Copies all files of a model from `dir`, where they lie under any name, or inside the packages that carry them.
    ///
    /// **Blocking**: yes, seconds to minutes.
    pub fn import(&self, model: &ModelEntry, dir: &Path, on_progress: OnProgress<'_>) -> Result<(), WeightsError> {
        for file in &model.files {
            let parts = match self.find_whole(file, dir, on_progress)? {
                Some(whole) => vec![whole],
                None => find_packages(file, dir).ok_or_else(|| nothing(file, dir))?,
            };
            self.join(file, &parts, on_progress)?;
        }
        Ok(())
    }

    fn find_whole(
        &self,
        file: &ModelFile,
        dir: &Path,
        on_progress: OnProgress<'_>,
    ) -> Result<Option<Box<dyn Part>>, WeightsError> {
        let entries = std::fs::read_dir(dir).map_err(WeightsError::io(dir))?;
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()) {
            let has_name = [Some(&file.name), file.hub.as_ref()]
                .into_iter()
                .flatten()
                .any(|name| path.file_name().is_some_and(|n| n == name.as_str()));
            let is_it = match (&file.sha256, file.bytes) {
                (Some(expected), Some(bytes)) => {
                    let len = path.metadata().map_err(WeightsError::io(&path))?.len();
                    len == bytes && self.checksum(file, &path, on_progress)? == *expected
                }
                _ => has_name,
            };
            if is_it {
                return Ok(Some(Box::new(Whole(path))));
            }
        }
        Ok(None)
    }

    /// The checksum of some file that may be `file`.
    pub(super) fn checksum(
        &self,
        file: &ModelFile,
        path: &Path,
        on_progress: OnProgress<'_>,
    ) -> Result<String, WeightsError> {
        sha256(path, &mut |done_bytes, total_bytes| {
            on_progress(Progress { file: &file.name, stage: Stage::Checking, done_bytes, total_bytes });
        })
    }
}

fn find_packages(file: &ModelFile, dir: &Path) -> Option<Vec<Box<dyn Part>>> {
    if file.packages.is_empty() {
        return None;
    }
    let wheels = file.packages.iter().map(|part| Some(Box::new(find_wheel(dir, part)?) as Box<dyn Part>));
    wheels.collect()
}

fn nothing(file: &ModelFile, dir: &Path) -> WeightsError {
    let missing = file.packages.iter().filter(|part| find_wheel(dir, part).is_none());
    let missing: Vec<String> = missing.map(|part| format!("{}=={}", part.package, part.version)).collect();
    let wanted = match &file.sha256 {
        Some(sha256) if missing.is_empty() => format!("wanted is a file with sha256 `{sha256}`"),
        Some(sha256) => {
            format!("wanted is a file with sha256 `{sha256}`, or the wheels still missing: {}", missing.join(" "))
        }
        None => format!("wanted is `{}`", file.hub.as_deref().unwrap_or(&file.name)),
    };
    WeightsError::NothingToImport { dir: dir.to_owned(), file: file.name.clone(), wanted }
}
