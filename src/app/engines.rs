//! Which engines run, by configuration; and how they are, for the pages.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;

use crate::config::{Config, VectorEngine};
use crate::http::state::{Component, ComponentState, Components, HealthView};
use crate::inference::embedder::CandleEmbedder;
use crate::inference::engine::LoadState;
use crate::inference::fake::{HashEmbedder, ScriptedGenerator};
use crate::inference::generator::{CandleGenerator, GeneratorOptions};
use crate::inference::openai::OpenAiGenerator;
use crate::inference::weights::{Manifest, ModelEntry, Weights};
use crate::inference::{Embedder, Generator};
use crate::vectors::edge::EdgeStore;
use crate::vectors::server::{ServerOptions, ServerStore};
use crate::vectors::{VectorError, VectorStore};

/// Texts that may wait for the embedder in each lane.
const EMBEDDER_INBOX: usize = 256;

/// The heavy parts.
#[derive(Clone)]
pub struct Engines {
    pub embedder: Arc<dyn Embedder>,
    pub generator: Arc<dyn Generator>,
    pub vectors: Arc<dyn VectorStore>,
    pub health: Arc<dyn HealthView>,
    /// Our own program, which reads files in a process of its own.
    pub reader: PathBuf,
}

impl Engines {
    /// Opens them as configured. Weights load in the background: a missing or damaged file makes its engine fail
    /// with a sentence, not the process.
    pub fn open(config: &Config, data_dir: &Path) -> anyhow::Result<Self> {
        if config.models.stand_ins {
            return Self::stand_ins(config, data_dir);
        }
        let manifest = Manifest::built_in();
        let weights = Weights::new(config.models_dir());
        let entry = embedder_entry(&manifest, config)?;
        let files = entry.embedder_files(&weights).with_context(|| format!("`{}` is no embedder", entry.id))?;
        let embedder = CandleEmbedder::open(files, EMBEDDER_INBOX);
        let embedder_state = embedder.state();
        let spec = embedder.spec().clone();
        let (generator, generator_state) = open_generator(config, &manifest, &weights)?;
        let (vectors, index) = open_vectors(config, data_dir, &spec.id, spec.dim)?;
        let health = EngineHealth {
            index,
            embedder: (spec.id, Some(embedder_state)),
            generator: (generator.spec().id.clone(), generator_state),
        };
        let reader = std::env::current_exe().context("our own program cannot be found")?;
        Ok(Self { embedder: Arc::new(embedder), generator, vectors, health: Arc::new(health), reader })
    }

    /// The real index and the real reader, but nobody who understands a word: to test everything around the models.
    fn stand_ins(config: &Config, data_dir: &Path) -> anyhow::Result<Self> {
        tracing::error!("STAND-INS FOR MODELS: `models.stand_ins` is set, answers mean nothing. For tests only.");
        let embedder = HashEmbedder::default();
        let pause = Duration::from_millis(config.models.stand_in_answer_ms);
        let generator = ScriptedGenerator::new(|_| Ok("1".to_owned())).weighing(|_, choices| vec![-9.0; choices.len()]);
        let (vectors, index) = open_vectors(config, data_dir, &embedder.spec().id, embedder.spec().dim)?;
        let health = EngineHealth {
            index,
            embedder: (embedder.spec().id.clone(), None),
            generator: (generator.spec().id.clone(), None),
        };
        let reader = std::env::current_exe().context("our own program cannot be found")?;
        let generator = Arc::new(generator.taking(pause));
        Ok(Self { embedder: Arc::new(embedder), generator, vectors, health: Arc::new(health), reader })
    }
}

/// The embedder in use: the configured one, or the manifest's own choice.
pub fn embedder_entry<'a>(manifest: &'a Manifest, config: &Config) -> anyhow::Result<&'a ModelEntry> {
    let chosen = &config.models.embedder;
    Ok(manifest.find(if chosen.is_empty() { &manifest.roles.embedder } else { chosen })?)
}

/// The local generator in use: the configured one, or the manifest's own choice.
pub fn generator_entry<'a>(manifest: &'a Manifest, config: &Config) -> anyhow::Result<&'a ModelEntry> {
    let chosen = &config.models.generator;
    Ok(manifest.find(if chosen.is_empty() { &manifest.roles.generator } else { chosen })?)
}

type OpenGenerator = (Arc<dyn Generator>, Option<watch::Receiver<LoadState>>);

fn open_generator(config: &Config, manifest: &Manifest, weights: &Weights) -> anyhow::Result<OpenGenerator> {
    let models = &config.models;
    if !models.openai_url.is_empty() {
        let remote = OpenAiGenerator::new(&models.openai_url, &models.openai_model, &models.openai_api_key);
        return Ok((Arc::new(remote), None));
    }
    let entry = generator_entry(manifest, config)?;
    let files = entry.generator_files(weights).with_context(|| format!("`{}` is no generator", entry.id))?;
    let local = CandleGenerator::open(files, GeneratorOptions::default());
    let state = local.state();
    Ok((Arc::new(local), Some(state)))
}

fn open_vectors(
    config: &Config,
    data_dir: &Path,
    embedder_id: &str,
    dim: usize,
) -> anyhow::Result<(Arc<dyn VectorStore>, &'static str)> {
    match config.vectors.engine {
        VectorEngine::Edge => {
            let root = data_dir.join("vectors");
            let store = match EdgeStore::open(&root, embedder_id, dim) {
                // Nobody knows any more who made it. SQL has everything to make it anew.
                Err(error @ VectorError::Damaged { .. }) => {
                    tracing::warn!(%error, "the index is damaged as a whole and begins anew");
                    EdgeStore::recreate(&root, embedder_id, dim)
                }
                opened => opened,
            };
            Ok((Arc::new(store.context("the vector index cannot be opened")?), "qdrant-edge"))
        }
        VectorEngine::Server => Ok((Arc::new(ServerStore::new(server_options(config), embedder_id, dim)?), "qdrant")),
    }
}

fn server_options(config: &Config) -> ServerOptions {
    let vectors = &config.vectors;
    let api_key = Some(vectors.api_key.clone()).filter(|key| !key.is_empty());
    ServerOptions { url: vectors.url.clone(), api_key, prefix: vectors.collection.clone() }
}

/// Empties the index, whoever made it: it is rebuilt from SQL.
pub async fn recreate_index(config: &Config, data_dir: &Path) -> anyhow::Result<()> {
    let (id, dim) = maker(config)?;
    match config.vectors.engine {
        VectorEngine::Edge => EdgeStore::recreate(&data_dir.join("vectors"), &id, dim)?.close().await?,
        VectorEngine::Server => ServerStore::new(server_options(config), &id, dim)?.recreate().await?,
    }
    Ok(())
}

/// The embedder that makes the points, and how many values an embedding has.
fn maker(config: &Config) -> anyhow::Result<(String, usize)> {
    if config.models.stand_ins {
        let embedder = HashEmbedder::default();
        return Ok((embedder.spec().id.clone(), embedder.spec().dim));
    }
    let manifest = Manifest::built_in();
    let entry = embedder_entry(&manifest, config)?;
    let dim = entry.dim.with_context(|| format!("`{}` is no embedder", entry.id))?;
    Ok((entry.id.clone(), dim))
}

/// Reads the states that the engines publish.
struct EngineHealth {
    index: &'static str,
    embedder: (String, Option<watch::Receiver<LoadState>>),
    generator: (String, Option<watch::Receiver<LoadState>>),
}

impl HealthView for EngineHealth {
    fn components(&self) -> Components {
        Components {
            index: Component { id: self.index.to_owned(), state: ComponentState::Ready, detail: None },
            embedder: component(&self.embedder),
            generator: component(&self.generator),
        }
    }
}

/// An engine without a state of its own, an endpoint elsewhere, counts as ready: each request shows how it is.
fn component((id, state): &(String, Option<watch::Receiver<LoadState>>)) -> Component {
    let (state, detail) = match state.as_ref().map(|state| state.borrow().clone()) {
        None | Some(LoadState::Ready) => (ComponentState::Ready, None),
        Some(LoadState::Loading) => (ComponentState::Loading, None),
        Some(LoadState::Failed { reason }) => (ComponentState::Failed, Some(reason)),
    };
    Component { id: id.clone(), state, detail }
}
