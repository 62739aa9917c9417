//! The generator: a handle in front of an engine thread.
//!
//! # Why
//! One thread owns the weights and every sequence, so nothing in the engine is locked. It works in steps (slices of
//! prompts and a token for everybody who writes) and looks between two steps whether somebody more urgent has come or
//! nobody waits any more.

pub mod lookup;
#[cfg(test)]
#[cfg(feature = "model-tests")]
mod model_tests;
pub mod output;
pub mod running;
pub mod sampling;
pub mod schedule;
#[cfg(test)]
mod tests;
pub mod worker;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};

use super::engine::LoadState;
use super::engine::inbox::{Inbox, Refused};
use super::tokenizer::GgufTokenizer;
use super::{Asker, GenerateError, GenerateRequest, Generated, Generator, GeneratorSpec, PromptPart};
use worker::{Load, Task, TaskKind, Worker};

/// Where the weights are and what they are called.
#[derive(Debug, Clone)]
pub struct GeneratorFiles {
    /// Id in the manifest.
    pub id: String,
    /// The GGUF file.
    pub gguf: PathBuf,
}

/// How it works.
#[derive(Debug, Clone)]
pub struct GeneratorOptions {
    /// Prompt and output together; never more than the model was made for.
    pub context_tokens: usize,
    /// Memory for the prompts that may come again.
    pub prefix_cache_bytes: usize,
    /// Requests of a lane that work at the same time.
    pub max_active: usize,
    /// Requests that wait in each lane at most.
    pub inbox_capacity: usize,
    /// A request that would wait longer is refused.
    pub max_wait_ms: u64,
}

impl Default for GeneratorOptions {
    fn default() -> Self {
        // 512 MiB hold about 9,000 tokens of a model of 1.5 billion parameters.
        // 512 MiB hold about 9,000 tokens of a model of 1.5 billion parameters.
        Self {
            context_tokens: 8192,
            prefix_cache_bytes: 512 << 20,
            max_active: 16,
            inbox_capacity: 64,
            max_wait_ms: 120_000,
        }
    }
}

/// A generator on candle.
pub struct CandleGenerator {
    spec: GeneratorSpec,
    inbox: Arc<Inbox<Task>>,
    load: Arc<Load>,
    max_wait_ms: u64,
    state: watch::Receiver<LoadState>,
    /// `None` once loading has failed.
    tokenizer: Arc<OnceLock<Option<Arc<GgufTokenizer>>>>,
}

impl CandleGenerator {
    /// Starts to load the weights and returns at once. Requests made meanwhile wait for it.
    pub fn open(files: GeneratorFiles, options: GeneratorOptions) -> Self {
        let inbox = Arc::new(Inbox::new(options.inbox_capacity));
        let (state_sender, state) = watch::channel(LoadState::Loading);
        let tokenizer = Arc::new(OnceLock::new());
        let spec = GeneratorSpec { id: files.id.clone(), context_tokens: options.context_tokens };
        let (load, max_wait_ms) = (Arc::new(Load::default()), options.max_wait_ms);
        let worker = Worker {
            files,
            options,
            inbox: inbox.clone(),
            load: load.clone(),
            state: state_sender,
            tokenizer: tokenizer.clone(),
        };
        worker.start();
        Self { spec, inbox, load, max_wait_ms, state, tokenizer }
    }

    /// Where loading stands.
    pub fn state(&self) -> watch::Receiver<LoadState> {
        self.state.clone()
    }

    async fn ask<T>(&self, asker: Asker, kind: TaskKind, reply: Reply<T>) -> Result<T, GenerateError> {
        let task = Task { kind, asker, span: tracing::Span::current() };
        let row_us = self.load.row_us.load(Ordering::Relaxed).max(1);
        let rows = self.load.rows.load(Ordering::Relaxed);
        let max_rows = (self.max_wait_ms * 1000 / row_us).saturating_sub(rows);
        self.inbox.push(asker.lane, task, max_rows).map_err(|refused| match refused {
            Refused::Full { work } => GenerateError::Busy { wait_ms: (work + rows) * row_us / 1000 },
            Refused::Closed => self.unavailable(),
        })?;
        // The engine drops a reply only when the request broke it.
        reply.await.unwrap_or_else(|_| Err(GenerateError::Failed { reason: "the engine broke".to_owned() }))
    }

    fn unavailable(&self) -> GenerateError {
        let reason = match &*self.state.borrow() {
            LoadState::Failed { reason } => reason.clone(),
            LoadState::Loading | LoadState::Ready => "the engine has stopped".to_owned(),
        };
        GenerateError::Unavailable { reason }
    }
}

type Reply<T> = oneshot::Receiver<Result<T, GenerateError>>;

impl Drop for CandleGenerator {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

#[async_trait]
impl Generator for CandleGenerator {
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    /// Waits for the tokenizer in the first second or two after start. If loading failed, the number of bytes, which
    /// is never less.
    fn count_tokens(&self, text: &str) -> usize {
        match self.tokenizer.wait() {
            Some(tokenizer) => tokenizer.encode(text).len(),
            None => text.len(),
        }
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        tokens: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GenerateError> {
        let (reply, result) = oneshot::channel();
        let asker = request.asker;
        self.ask(asker, TaskKind::Generate { request, tokens, reply }, result).await
    }

    async fn weigh(&self, prompt: &[PromptPart], choices: &[&str], asker: Asker) -> Result<Vec<f32>, GenerateError> {
        let (reply, result) = oneshot::channel();
        let choices = choices.iter().map(|&c| c.to_owned()).collect();
        self.ask(asker, TaskKind::Weigh { prompt: prompt.to_vec(), choices, reply }, result).await
    }
}
