//! How fast a model file reads and writes on this machine: no reuse of prompts, no guessing ahead.
//!
//! # Why
//! A method measures once, so that whoever compares engines can let them take turns: a machine that slows down for a
//! minute then slows down both.
//!
//! **Units**: tokens a second of wall-clock time. Loading, tokenizing and detokenizing are not part of it; choosing the
//! most likely token after each step of writing is.

use std::path::Path;
use std::time::{Duration, Instant};

use super::ModelError;
use super::decoder::{Decoder, Part};
use super::gguf::GgufFile;
use super::kv::Sequence;
use crate::inference::generator::sampling::best_token;
use crate::inference::tokenizer::GgufTokenizer;

/// Tokens of a prompt read in one step, about as many as the generator reads.
const SLICE: usize = 64;

/// A loaded model and the tokens it is measured on.
pub struct DecoderBench {
    decoder: Decoder,
    ids: Vec<u32>,
    load_time: Duration,
}

impl DecoderBench {
    /// Loads the weights and brings them into the order of the kernels. Without `ids` the prompt is a short text,
    /// repeated, which is as fast as any other since nothing here guesses.
    ///
    /// **Blocking**: yes, seconds.
    pub fn load(model: &Path, ids: Option<Vec<u32>>) -> Result<Self, ModelError> {
        let started = Instant::now();
        let file = GgufFile::open(model)?;
        let decoder = Decoder::load(&file)?;
        decoder.prepare()?;
        let load_time = started.elapsed();
        let ids = match ids {
            Some(ids) => ids,
            None => fixed_text(&GgufTokenizer::load(&file)?),
        };
        if ids.is_empty() {
            return Err(ModelError::Unsupported { what: "a prompt without tokens".to_owned() });
        }
        Ok(Self { decoder, ids, load_time })
    }

    /// Time to map, read and pack the weights.
    pub fn load_time(&self) -> Duration {
        self.load_time
    }

    /// Speed of reading a prompt of `len` tokens, up to the logits of what follows.
    ///
    /// **Blocking**: yes, like all that follows.
    pub fn prefill(&self, len: usize) -> Result<f64, ModelError> {
        let ids = self.prompt(0, len);
        let started = Instant::now();
        self.read(&ids)?;
        Ok(per_second(len, started))
    }

    /// Speed of writing `n` tokens after a prompt of `context` tokens, which is not part of it.
    pub fn decode(&self, context: usize, n: usize) -> Result<f64, ModelError> {
        self.decode_together(1, context, n)
    }

    /// Speed of writing `n` tokens each after `n_sequences` prompts of `context` tokens, all sequences together. The
    /// prompts are different parts of the text and share no memory.
    pub fn decode_together(&self, n_sequences: usize, context: usize, n: usize) -> Result<f64, ModelError> {
        let stride = self.ids.len() / n_sequences.max(1);
        let read = |i: usize| {
            let (sequence, logits) = self.read(&self.prompt(i * stride, context))?;
            Ok((sequence, best_token(&logits)))
        };
        let mut running = (0..n_sequences).map(read).collect::<Result<Vec<_>, ModelError>>()?;
        let started = Instant::now();
        for _ in 0..n {
            let tokens: Vec<[u32; 1]> = running.iter().map(|(_, token)| [*token]).collect();
            let together = running.iter_mut().zip(&tokens);
            let mut parts: Vec<Part<'_>> =
                together.map(|((sequence, _), tokens)| Part { sequence, tokens, n_logits: 1 }).collect();
            let logits = self.decoder.step(&mut parts)?;
            let rows = logits.chunks_exact(self.decoder.n_vocabulary());
            for ((_, token), row) in running.iter_mut().zip(rows) {
                *token = best_token(row);
            }
        }
        Ok(per_second(n_sequences * n, started))
    }

    /// `len` tokens of the text from `start` on, from its beginning again where it ends.
    fn prompt(&self, start: usize, len: usize) -> Vec<u32> {
        self.ids.iter().copied().cycle().skip(start).take(len.max(1)).collect()
    }

    /// Reads a prompt the way the generator does.
    fn read(&self, ids: &[u32]) -> Result<(Sequence, Vec<f32>), ModelError> {
        let mut sequence = Sequence::new(self.decoder.kv_shape());
        let (before, last) = ids.split_at(ids.len().saturating_sub(1) / SLICE * SLICE);
        for slice in before.chunks(SLICE) {
            self.decoder.read(&mut sequence, slice)?;
        }
        let logits = self.decoder.read_and_predict(&mut sequence, last)?;
        Ok((sequence, logits))
    }
}

fn fixed_text(tokenizer: &GgufTokenizer) -> Vec<u32> {
    tokenizer.encode(
        "七天无理由退货政策:自签收之日起七日内,商品完好可申请退货。 \
         The warranty covers manufacturing defects for 12 months. ",
    )
}

fn per_second(n: usize, since: Instant) -> f64 {
    n as f64 / since.elapsed().as_secs_f64()
}
