//! Model files from the Hugging Face hub.

use std::path::Path;
use std::time::Duration;

use hf_hub::api::Progress as HubProgress;
use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};

use super::manifest::HubRepo;
use super::{ModelFile, OnProgress, Progress, Stage, Weights, WeightsError, sha256};

/// How long the hub may take to accept a connection and to say that it has a file. Without network its client would
/// wait for minutes.
const PATIENCE: Duration = Duration::from_secs(5);

struct Told<'a, 'b> {
    file: &'a str,
    done_bytes: u64,
    total_bytes: u64,
    on_progress: OnProgress<'b>,
}

impl HubProgress for Told<'_, '_> {
    fn init(&mut self, size: usize, _: &str) {
        (self.done_bytes, self.total_bytes) = (0, size as u64);
    }

    fn update(&mut self, size: usize) {
        self.done_bytes += size as u64;
        (self.on_progress)(Progress {
            file: self.file,
            stage: Stage::Hub,
            done_bytes: self.done_bytes,
            total_bytes: self.total_bytes,
        });
    }

    fn finish(&mut self) {}
}

impl Weights {
    /// Downloads `file`; a second try goes on where the first one ended.
    ///
    /// **Errors**: a sentence about the hub as the inner error, if it was the hub that failed.
    pub(super) fn fetch_hub(
        &self,
        repo: &HubRepo,
        file: &ModelFile,
        endpoint: &str,
        on_progress: OnProgress<'_>,
    ) -> Result<Result<(), String>, WeightsError> {
        let Some(name) = &file.hub else { return Ok(Err("the hub does not have it".to_owned())) };
        self.check_space(file.bytes.unwrap_or(0))?;
        let cache = self.partial_dir().join("hub");
        std::fs::create_dir_all(&cache).map_err(WeightsError::io(&cache))?;
        let api = match connect(&cache, endpoint) {
            Ok(api) => api,
            Err(reason) => return Ok(Err(reason)),
        };
        let place = Repo::with_revision(repo.repo.clone(), RepoType::Model, repo.revision.clone());
        let place = api.repo(place);
        if let Err(reason) = probe(&place.url(name)) {
            return Ok(Err(reason));
        }
        let etag = match api.metadata(&place.url(name)) {
            Ok(metadata) => metadata.etag().trim_matches('"').to_owned(),
            Err(e) => return Ok(Err(e.to_string())),
        };
        // The tag of a large file is its checksum: another file need not be downloaded to be refused.
        let told = (etag.len() == 64).then_some(etag);
        if let (Some(expected), Some(told)) = (&file.sha256, &told)
            && expected != told
        {
            return Ok(Err(format!("the hub has another file of this name, with sha256 `{told}`")));
        }
        let told_progress = Told { file: &file.name, done_bytes: 0, total_bytes: 0, on_progress };
        let downloaded = match place.download_with_progress(name, told_progress) {
            Ok(path) => path,
            Err(e) => return Ok(Err(e.to_string())),
        };
        let blob = downloaded.canonicalize().map_err(WeightsError::io(&downloaded))?;
        let found = sha256(&blob, &mut |done_bytes, total_bytes| {
            on_progress(Progress { file: &file.name, stage: Stage::Checking, done_bytes, total_bytes });
        })?;
        if told.is_some_and(|told| told != found) {
            std::fs::remove_file(&blob).map_err(WeightsError::io(&blob))?;
            return Ok(Err("what arrived is not what the hub announced".to_owned()));
        }
        self.accept(file, &blob, found)?;
        std::fs::remove_dir_all(&cache).map_err(WeightsError::io(&cache))?;
        Ok(Ok(()))
    }
}

fn connect(cache: &Path, endpoint: &str) -> Result<Api, String> {
    let builder = ApiBuilder::from_cache(Cache::new(cache.to_owned()));
    builder.with_endpoint(endpoint.to_owned()).with_token(None).with_progress(false).build().map_err(|e| e.to_string())
}

/// Whether the hub answers at all.
fn probe(url: &str) -> Result<(), String> {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).timeout_connect(Some(PATIENCE));
    let agent: ureq::Agent = config.max_redirects(0).http_status_as_error(false).build().into();
    let response = agent.head(url).call().map_err(|e| format!("the hub does not answer: {e}"))?;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        return Err(format!("the hub answers {status}"));
    }
    Ok(())
}
