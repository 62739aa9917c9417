//! How fast a model file reads and writes on this machine: no reuse of prompts, no shortcuts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::ModelError;
use super::decoder::Decoder;
use super::gguf::GgufFile;
use super::kv::Sequence;
use crate::inference::generator::sampling::best_token;
use crate::inference::tokenizer::GgufTokenizer;

/// What to measure.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// Lengths of the prompts.
    pub prompt_tokens: Vec<usize>,
    /// Tokens to write after the longest prompt.
    pub decode: usize,
    /// Repetitions; the medians are reported.
    pub runs: usize,
    /// The prompt, to compare engines on the same tokens. A fixed text if `None`.
    pub ids: Option<Vec<u32>>,
}

/// Tokens of a prompt read in one step, about as many as the generator reads.
const SLICE: usize = 64;

/// Medians.
#[derive(Debug, Clone, Serialize)]
pub struct BenchResult {
    /// Ours.
    pub engine: &'static str,
    /// Threads used.
    pub threads: usize,
    /// Tokens a second, by length of the prompt.
    pub prefill_tok_s: BTreeMap<String, f64>,
    /// Tokens a second after the longest prompt.
    pub decode_tok_s: f64,
    /// Time to map, read and prepare the weights.
    pub load_ms: u128,
}

/// Measures.
///
/// **Blocking**: yes, for minutes.
pub fn bench_generate(model: &Path, options: &BenchOptions) -> Result<BenchResult, ModelError> {
    let started = Instant::now();
    let file = GgufFile::open(model)?;
    let decoder = Decoder::load(&file)?;
    decoder.prepare()?;
    let load_ms = started.elapsed().as_millis();
    let longest = options.prompt_tokens.iter().copied().max().unwrap_or(1).max(1);
    let mut ids = match &options.ids {
        Some(ids) => ids.clone(),
        None => fixed_prompt(&GgufTokenizer::load(&file)?, longest),
    };
    if ids.len() < longest {
        let what = format!("a prompt of {} tokens where {longest} are needed", ids.len());
        return Err(ModelError::Unsupported { what });
    }
    ids.truncate(longest);
    read(&decoder, &ids[..longest.min(64)])?;
    let mut prefill_tok_s = BTreeMap::new();
    for n in &options.prompt_tokens {
        let mut speeds = Vec::new();
        for _ in 0..options.runs.max(1) {
            let started = Instant::now();
            read(&decoder, &ids[..*n])?;
            speeds.push(*n as f64 / started.elapsed().as_secs_f64());
        }
        prefill_tok_s.insert(n.to_string(), round(median(speeds), 1));
    }
    let mut speeds = Vec::new();
    for _ in 0..options.runs.max(1) {
        let (mut sequence, mut logits) = read(&decoder, &ids)?;
        let started = Instant::now();
        for _ in 0..options.decode {
            logits = decoder.read_and_predict(&mut sequence, &[best_token(&logits)])?;
        }
        speeds.push(options.decode as f64 / started.elapsed().as_secs_f64());
    }
    let threads = candle_core::utils::barrier_pool().n_workers() + 1;
    let decode_tok_s = round(median(speeds), 2);
    Ok(BenchResult { engine: "kefu", threads, prefill_tok_s, decode_tok_s, load_ms })
}

fn fixed_prompt(tokenizer: &GgufTokenizer, len: usize) -> Vec<u32> {
    let text = "七天无理由退货政策:自签收之日起七日内,商品完好可申请退货。 \
                The warranty covers manufacturing defects for 12 months. ";
    tokenizer.encode(&text.repeat(len.div_ceil(16)))
}

/// Reads a prompt the way the generator does.
fn read(decoder: &Decoder, ids: &[u32]) -> Result<(Sequence, Vec<f32>), ModelError> {
    let mut sequence = Sequence::new(decoder.kv_shape());
    let (before, last) = ids.split_at(ids.len().saturating_sub(1) / SLICE * SLICE);
    for slice in before.chunks(SLICE) {
        decoder.read(&mut sequence, slice)?;
    }
    let logits = decoder.read_and_predict(&mut sequence, last)?;
    Ok((sequence, logits))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn round(x: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (x * scale).round() / scale
}
