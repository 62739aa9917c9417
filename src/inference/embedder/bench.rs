//! How fast texts are embedded on this machine, side by side with candle's own model on the same weights.

use std::collections::HashMap;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use serde::Serialize;
use serde_json::json;

use super::bert::Bert;
use super::worker::batch;
use super::{EmbedderFiles, EmbedderWeights};
use crate::inference::e5::BertSource;
use crate::inference::e5::container::E5Container;
use crate::inference::e5::safetensors::{SafetensorsBert, hub_name};
use crate::inference::engine::ModelError;

/// Texts of one batch of candle's own model, padded to the longest.
const PADDED_BATCH: usize = 8;

/// What came out.
#[derive(Debug, Serialize)]
pub struct EmbedBench {
    /// How many.
    pub n_texts: usize,
    /// Of all texts, prefix and frame included.
    pub n_tokens: usize,
    /// Threads used.
    pub threads: usize,
    /// Texts a second, the median of all runs.
    pub kefu_texts_s: f64,
    /// The same for candle's `BertModel` in f32.
    pub candle_texts_s: f64,
    /// The first divided by the second.
    pub ratio: f64,
    /// The worst cosine between our embedding of a text and candle's.
    pub min_cosine: f32,
}

/// Measures both in turns, on the same tokens.
///
/// **Blocking**: yes, for minutes.
pub fn bench_embed(files: &EmbedderFiles, texts: &[String], runs: usize) -> Result<EmbedBench, ModelError> {
    let source = open(files)?;
    let tokenizer = source.tokenizer()?;
    let encode = |text: &String| {
        let (ids, _) = tokenizer.encode_framed(&format!("{}{text}", files.passage_prefix), files.max_tokens)?;
        Ok(ids)
    };
    let mut ids = texts.iter().map(encode).collect::<Result<Vec<Vec<u32>>, ModelError>>()?;
    ids.sort_by_key(Vec::len);
    let candle = candle_model(&*source)?;
    let bert = Bert::load(source)?;
    let (mut ours, mut theirs, mut min_cosine) = (Vec::new(), Vec::new(), 1.0f32);
    for _ in 0..runs.max(1) {
        let started = Instant::now();
        let first = embed(&bert, &ids)?;
        ours.push(texts.len() as f64 / started.elapsed().as_secs_f64());
        let started = Instant::now();
        let second = embed_with_candle(&candle, &ids)?;
        theirs.push(texts.len() as f64 / started.elapsed().as_secs_f64());
        let cosine = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        min_cosine = first.iter().zip(&second).map(cosine).fold(min_cosine, f32::min);
    }
    let (kefu, candle) = (median(ours), median(theirs));
    Ok(EmbedBench {
        n_texts: texts.len(),
        n_tokens: ids.iter().map(Vec::len).sum(),
        threads: candle_core::utils::barrier_pool().n_workers() + 1,
        kefu_texts_s: kefu,
        candle_texts_s: candle,
        ratio: kefu / candle,
        min_cosine,
    })
}

fn open(files: &EmbedderFiles) -> Result<Box<dyn BertSource>, ModelError> {
    Ok(match &files.weights {
        EmbedderWeights::E5Container(path) => Box::new(E5Container::open(path)?),
        EmbedderWeights::Safetensors { weights, config, tokenizer } => {
            Box::new(SafetensorsBert::open(weights, config, tokenizer)?)
        }
    })
}

/// The way the engine thread does it.
fn embed(bert: &Bert, ids: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, ModelError> {
    let mut out = vec![Vec::new(); ids.len()];
    for batch in batch(ids.to_vec()) {
        let (places, texts): (Vec<usize>, Vec<Vec<u32>>) = batch.into_iter().unzip();
        for (place, embedding) in places.into_iter().zip(bert.embed(&texts)?) {
            out[place] = embedding;
        }
    }
    Ok(out)
}

/// candle's model on the same weights, as plain numbers.
fn candle_model(source: &dyn BertSource) -> Result<BertModel, ModelError> {
    let shape = source.shape();
    let (hidden, feed) = (shape.hidden, shape.feed);
    let mut tensors: HashMap<String, Tensor> = HashMap::new();
    let mut put = |name: String, values: Vec<f32>, dims: &[usize]| -> Result<(), ModelError> {
        let hub = hub_name(&name).ok_or_else(|| ModelError::Damaged { what: format!("`{name}` has no name") })?;
        tensors.insert(hub, Tensor::from_vec(values, dims, &Device::Cpu)?);
        Ok(())
    };
    let mut vectors = vec![("emb.ln".to_owned(), hidden, 0)];
    for l in 0..shape.layers {
        for (part, n_out, n_in) in
            [("q", hidden, hidden), ("k", hidden, hidden), ("v", hidden, hidden), ("ao", hidden, hidden)]
                .into_iter()
                .chain([("fi", feed, hidden), ("fo", hidden, feed), ("aln", hidden, 0), ("oln", hidden, 0)])
        {
            vectors.push((format!("l{l}.{part}"), n_out, n_in));
        }
    }
    for (name, n_out, n_in) in vectors {
        let (weight, bias) = (format!("{name}.w"), format!("{name}.b"));
        put(bias.clone(), source.tensor(&bias, n_out)?, &[n_out])?;
        match n_in {
            0 => put(weight.clone(), source.tensor(&weight, n_out)?, &[n_out])?,
            _ => put(weight.clone(), source.tensor(&weight, n_out * n_in)?, &[n_out, n_in])?,
        }
    }
    put("emb.pos".to_owned(), source.tensor("emb.pos", shape.max_positions * hidden)?, &[shape.max_positions, hidden])?;
    put("emb.type".to_owned(), source.tensor("emb.type", 2 * hidden)?, &[2, hidden])?;
    let words: Vec<u32> = (0..u32::try_from(shape.words).unwrap_or(u32::MAX)).collect();
    put("emb.word".to_owned(), source.words(&words)?, &[shape.words, hidden])?;
    let config = json!({
        "hidden_size": hidden, "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
        "intermediate_size": feed, "vocab_size": shape.words, "max_position_embeddings": shape.max_positions,
        "layer_norm_eps": shape.epsilon, "model_type": "bert", "hidden_act": "gelu", "type_vocab_size": 2,
        "hidden_dropout_prob": 0.1, "initializer_range": 0.02, "pad_token_id": 1,
    });
    let config: Config = serde_json::from_value(config).map_err(|e| ModelError::Unsupported { what: e.to_string() })?;
    Ok(BertModel::load(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu), &config)?)
}

/// `ids` are sorted by length, so that little is padded.
fn embed_with_candle(model: &BertModel, ids: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, ModelError> {
    let mut out = Vec::with_capacity(ids.len());
    for batch in ids.chunks(PADDED_BATCH) {
        let longest = batch.iter().map(Vec::len).max().unwrap_or(0);
        let padded: Vec<u32> = batch
            .iter()
            .flat_map(|ids| ids.iter().copied().chain(std::iter::repeat_n(1, longest - ids.len())))
            .collect();
        let mask: Vec<u32> = batch.iter().flat_map(|ids| (0..longest).map(|i| u32::from(i < ids.len()))).collect();
        let dims = (batch.len(), longest);
        let (padded, mask) =
            (Tensor::from_vec(padded, dims, &Device::Cpu)?, Tensor::from_vec(mask, dims, &Device::Cpu)?);
        let hidden = model.forward(&padded, &padded.zeros_like()?, Some(&mask))?;
        let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let sums = hidden.broadcast_mul(&mask)?.sum(1)?;
        let length = sums.sqr()?.sum_keepdim(1)?.sqrt()?;
        out.extend(sums.broadcast_div(&length)?.to_vec2::<f32>()?);
    }
    Ok(out)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
