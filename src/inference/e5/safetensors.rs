//! Reads the hub's own files: `model.safetensors`, `config.json`, `tokenizer.json`.

use std::path::{Path, PathBuf};

use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device};
use serde::Deserialize;

use super::{BertShape, BertSource};
use crate::inference::engine::ModelError;
use crate::inference::engine::quant::Packed;
use crate::inference::tokenizer::unigram::UnigramTokenizer;

/// The mapped weights.
pub struct SafetensorsBert {
    tensors: MmapedSafetensors,
    shape: BertShape,
    tokenizer: PathBuf,
}

/// What we need of `config.json`.
#[derive(Deserialize)]
struct HubConfig {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    layer_norm_eps: f32,
    model_type: String,
}

impl SafetensorsBert {
    /// Maps the weights.
    pub fn open(weights: &Path, config: &Path, tokenizer: &Path) -> Result<Self, ModelError> {
        let unreadable = |source| ModelError::Unreadable { path: config.to_owned(), source };
        let text = std::fs::read_to_string(config).map_err(unreadable)?;
        let damaged = |e: serde_json::Error| ModelError::Damaged { what: format!("`{}`: {e}", config.display()) };
        let config: HubConfig = serde_json::from_str(&text).map_err(damaged)?;
        if config.model_type != "bert" {
            return Err(ModelError::Unsupported { what: format!("an embedder of type `{}`", config.model_type) });
        }
        if let Err(source) = std::fs::metadata(weights) {
            return Err(ModelError::Unreadable { path: weights.to_owned(), source });
        }
        #[expect(unsafe_code, reason = "weights are mapped; `weights` replaces a file by renaming, never in place")]
        // SAFETY: nothing writes to a weight file after it got its name.
        let tensors = unsafe { MmapedSafetensors::new(weights) }
            .map_err(|e| ModelError::Damaged { what: format!("`{}`: {e}", weights.display()) })?;
        let shape = BertShape {
            hidden: config.hidden_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            feed: config.intermediate_size,
            words: config.vocab_size,
            max_positions: config.max_position_embeddings,
            epsilon: config.layer_norm_eps,
        };
        Ok(Self { tensors, shape, tokenizer: tokenizer.to_owned() })
    }
}

const WORDS: &str = "embeddings.word_embeddings.weight";

/// The hub's name for one of ours.
pub fn hub_name(name: &str) -> Option<String> {
    let kind = |suffix: &str| match suffix {
        "w" => Some("weight"),
        "b" => Some("bias"),
        _ => None,
    };
    let parts: Vec<&str> = name.split('.').collect();
    Some(match parts[..] {
        ["emb", "word"] => WORDS.to_owned(),
        ["emb", "pos"] => "embeddings.position_embeddings.weight".to_owned(),
        ["emb", "type"] => "embeddings.token_type_embeddings.weight".to_owned(),
        ["emb", "ln", suffix] => format!("embeddings.LayerNorm.{}", kind(suffix)?),
        [layer, part, suffix] => {
            let part = match part {
                "q" => "attention.self.query",
                "k" => "attention.self.key",
                "v" => "attention.self.value",
                "ao" => "attention.output.dense",
                "aln" => "attention.output.LayerNorm",
                "fi" => "intermediate.dense",
                "fo" => "output.dense",
                "oln" => "output.LayerNorm",
                _ => return None,
            };
            format!("encoder.layer.{}.{part}.{}", layer.strip_prefix('l')?, kind(suffix)?)
        }
        _ => return None,
    })
}

impl BertSource for SafetensorsBert {
    fn shape(&self) -> BertShape {
        self.shape
    }

    fn tensor(&self, name: &str, len: usize) -> Result<Vec<f32>, ModelError> {
        let missing = || ModelError::Damaged { what: format!("`{name}` is missing") };
        let tensor = self.tensors.load(&hub_name(name).ok_or_else(missing)?, &Device::Cpu).map_err(|_| missing())?;
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        if values.len() != len {
            return Err(ModelError::Damaged { what: format!("`{name}` has {} numbers, not {len}", values.len()) });
        }
        Ok(values)
    }

    fn packed(&self, _names: &[String], _n_out: usize, _n_in: usize) -> Result<Option<Packed>, ModelError> {
        Ok(None)
    }

    fn words(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let view = self.tensors.get(WORDS)?;
        let data = view.data();
        let width = data.len() / self.shape.words / self.shape.hidden;
        let row_bytes = width * self.shape.hidden;
        let mut out = Vec::with_capacity(ids.len() * self.shape.hidden);
        for id in ids {
            let start = *id as usize * row_bytes;
            let row = data.get(start..start + row_bytes);
            let row = row.ok_or_else(|| ModelError::Damaged { what: "a token is outside the table".to_owned() })?;
            match width {
                4 => out.extend(row.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
                2 => out.extend(row.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32())),
                _ => return Err(ModelError::Unsupported { what: format!("words of {width} bytes") }),
            }
        }
        Ok(out)
    }

    fn tokenizer(&self) -> Result<UnigramTokenizer, ModelError> {
        UnigramTokenizer::from_file(&self.tokenizer)
    }
}
