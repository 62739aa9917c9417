//! The embedder: a handle in front of an engine thread of its own.
//!
//! # Why
//! A question is embedded in a few milliseconds and must not wait for a reply being written, which takes seconds; so
//! this is another thread than the generator's. Bulk work is cut into small batches, and a question goes before the
//! next batch.

pub mod bench;
pub mod bert;
#[cfg(test)]
#[cfg(feature = "model-tests")]
mod model_tests;
#[cfg(test)]
mod tests;
pub mod worker;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};

use super::engine::LoadState;
use super::engine::inbox::{Inbox, Refused};
use super::tokenizer::unigram::UnigramTokenizer;
use super::{EmbedError, EmbedRole, Embedded, Embedder, EmbedderSpec, Lane};
use worker::{Task, Worker};

/// What the manifest says about an embedder, and where its weights are.
#[derive(Debug, Clone)]
pub struct EmbedderFiles {
    /// Id in the manifest.
    pub id: String,
    /// Length of an embedding.
    pub dim: usize,
    /// The longest text, prefix and frame included.
    pub max_tokens: usize,
    /// Put before a question.
    pub query_prefix: String,
    /// Put before a chunk.
    pub passage_prefix: String,
    /// The files.
    pub weights: EmbedderWeights,
}

/// The files of an embedder.
#[derive(Debug, Clone)]
pub enum EmbedderWeights {
    /// `e5-small-q4.bin`.
    E5Container(PathBuf),
    /// As the hub has them.
    Safetensors {
        /// `model.safetensors`
        weights: PathBuf,
        /// `config.json`
        config: PathBuf,
        /// `tokenizer.json`
        tokenizer: PathBuf,
    },
}

/// An embedder on candle.
pub struct CandleEmbedder {
    spec: EmbedderSpec,
    inbox: Arc<Inbox<Task>>,
    state: watch::Receiver<LoadState>,
    /// `None` once loading has failed.
    tokenizer: Arc<OnceLock<Option<Arc<UnigramTokenizer>>>>,
}

impl CandleEmbedder {
    /// Starts to load the weights and returns at once. Requests made meanwhile wait for it.
    ///
    /// `inbox_capacity`: requests that wait in each lane at most.
    pub fn open(files: EmbedderFiles, inbox_capacity: usize) -> Self {
        let inbox = Arc::new(Inbox::new(inbox_capacity));
        let (state_sender, state) = watch::channel(LoadState::Loading);
        let tokenizer = Arc::new(OnceLock::new());
        let spec = EmbedderSpec { id: files.id.clone(), dim: files.dim, max_tokens: files.max_tokens };
        Worker { files, inbox: inbox.clone(), state: state_sender, tokenizer: tokenizer.clone() }.start();
        Self { spec, inbox, state, tokenizer }
    }

    /// Where loading stands.
    pub fn state(&self) -> watch::Receiver<LoadState> {
        self.state.clone()
    }

    fn unavailable(&self) -> EmbedError {
        let reason = match &*self.state.borrow() {
            LoadState::Failed { reason } => reason.clone(),
            LoadState::Loading | LoadState::Ready => "the engine has stopped".to_owned(),
        };
        EmbedError::Unavailable { reason }
    }
}

impl Drop for CandleEmbedder {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

#[async_trait]
impl Embedder for CandleEmbedder {
    fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    /// Waits for the tokenizer in the first second after start. If loading failed or the text cannot be read, the
    /// number of bytes, which is never less.
    fn count_tokens(&self, text: &str) -> usize {
        let ids = self.tokenizer.wait().as_ref().and_then(|tokenizer| tokenizer.encode(text).ok());
        ids.map_or(text.len(), |ids| ids.len())
    }

    async fn embed(&self, role: EmbedRole, lane: Lane, texts: &[String]) -> Result<Vec<Embedded>, EmbedError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, result) = oneshot::channel();
        let task = Task { role, texts: texts.to_vec(), lane, span: tracing::Span::current(), reply };
        self.inbox.push(lane, task, u64::MAX).map_err(|refused| match refused {
            Refused::Full { .. } => EmbedError::Overloaded,
            Refused::Closed => self.unavailable(),
        })?;
        // The engine drops a reply only when the request broke it.
        result.await.unwrap_or_else(|_| Err(EmbedError::Failed { reason: "the engine broke".to_owned() }))
    }
}
