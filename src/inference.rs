//! The contracts of the models: an [`Embedder`] and a [`Generator`].
//!
//! Engines are siblings that only `app` names. One engine thread owns all weights, see [`engine`].

pub mod device;
pub mod e5;
pub mod embedder;
pub mod engine;
pub mod fake;
pub mod generator;
pub mod openai;
pub mod tokenizer;
pub mod weights;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::domain::fault::Fault;
pub use crate::domain::job::Lane;

/// What an embedder is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedderSpec {
    /// Names the weights: two embedders with the same id give the same embeddings.
    pub id: String,
    /// Length of an embedding.
    pub dim: usize,
    /// The longest text it reads, in its tokens, prefix and special tokens included.
    pub max_tokens: usize,
}

/// What a text is embedded as; the model's prefix follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbedRole {
    /// A question.
    Query,
    /// A chunk.
    Passage,
}

/// One embedded text.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// `dim` finite values of L2 length 1.
    pub embedding: Vec<f32>,
    /// Tokens that were left out because the text was too long.
    pub cut_tokens: usize,
}

/// Why no embedding came.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The weights are not there or not usable.
    #[error("the embedder is not available: {reason}")]
    Unavailable {
        /// In words, for ops.
        reason: String,
    },
    /// The inbox is full.
    #[error("the embedder is busy")]
    Overloaded,
    /// The model failed on this input.
    #[error("embedding failed: {reason}")]
    Failed {
        /// In words, for ops.
        reason: String,
    },
}

impl EmbedError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unavailable { .. } => Fault::Transient,
            Self::Overloaded => Fault::Overloaded,
            Self::Failed { .. } => Fault::Bug,
        }
    }
}

/// Turns texts into embeddings.
///
/// **Shape**: one row per text, same order; `spec().dim` finite values, L2 length 1.
/// **Blocking**: none; the engine thread works, the caller waits.
/// **Cancel**: dropping the future drops the reply; a batch already started still runs.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// What it is.
    fn spec(&self) -> &EmbedderSpec;

    /// Tokens of `text`, without prefix and special tokens. Cheap enough for chunking; never blocks on the engine.
    fn count_tokens(&self, text: &str) -> usize;

    /// Embeds `texts`, each cut at `spec().max_tokens`.
    async fn embed(&self, role: EmbedRole, lane: Lane, texts: &[String]) -> Result<Vec<Embedded>, EmbedError>;
}

/// What a generator is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorSpec {
    /// Names the weights.
    pub id: String,
    /// Prompt and output together, in its tokens.
    pub context_tokens: usize,
}

/// Who speaks in a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Us, before the conversation.
    System,
    /// The other side; untrusted.
    User,
    /// The model itself.
    Assistant,
}

/// One part of a prompt. The text is data: reserved tokens of the chat template inside it are never read as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptPart {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// Who asks a generator: what goes first and what may be found again follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asker {
    /// Who waits.
    pub lane: Lane,
    /// Shops take turns, and nothing that was read for one is found by another.
    pub shop: Option<Uuid>,
    /// What is not [`Role::System`] is found again by requests of the same conversation only.
    pub conversation: Option<Uuid>,
}

impl Asker {
    /// The same for all conversations of a shop.
    #[must_use]
    pub fn of_shop(self) -> Self {
        Self { conversation: None, ..self }
    }
}

impl From<Lane> for Asker {
    fn from(lane: Lane) -> Self {
        Self { lane, shop: None, conversation: None }
    }
}

/// What to generate.
#[derive(Debug, Clone)]
pub struct GenerateRequest {
    /// The prompt in order. A last part by [`Role::Assistant`] is continued, not closed.
    pub prompt: Vec<PromptPart>,
    /// The output ends here at the latest.
    pub max_output_tokens: usize,
    /// The output ends before the first of these strings.
    pub stop: Vec<String>,
    /// Who asks.
    pub asker: Asker,
}

/// One generated token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenScore {
    /// Its text; the texts of all tokens joined are the output.
    pub text: String,
    /// Natural logarithm of its probability at temperature 1.
    pub logprob: f32,
    /// Entropy of the distribution it was chosen from, in nats.
    pub entropy: f32,
}

/// Why the output ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model said so, or a stop string came.
    Done,
    /// `max_output_tokens` were reached.
    Length,
}

/// A finished generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The output.
    pub text: String,
    /// Its tokens, in order.
    pub tokens: Vec<TokenScore>,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Length of the rendered prompt.
    pub prompt_tokens: usize,
    /// How many of them were found in the cache of an earlier prompt.
    pub reused_tokens: usize,
    /// From the start of work to the first token.
    pub ttft_ms: u64,
    /// From the start of work to the last token.
    pub total_ms: u64,
}

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The weights are not there or not usable.
    #[error("the generator is not available: {reason}")]
    Unavailable {
        /// In words, for ops.
        reason: String,
    },
    /// The queue is full.
    #[error("the generator is busy")]
    Overloaded,
    /// More work waits than a person would wait for.
    #[error("the generator is busy for about {} s", wait_ms.div_ceil(1000))]
    Busy {
        /// How long it would have been.
        wait_ms: u64,
    },
    /// The prompt leaves no room for the output.
    #[error("the prompt has {prompt_tokens} tokens, the generator reads {context_tokens}")]
    PromptTooLong {
        /// Length of the rendered prompt.
        prompt_tokens: usize,
        /// What fits.
        context_tokens: usize,
    },
    /// The model failed on this input.
    #[error("generation failed: {reason}")]
    Failed {
        /// In words, for ops.
        reason: String,
    },
}

impl GenerateError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unavailable { .. } => Fault::Transient,
            Self::Overloaded | Self::Busy { .. } => Fault::Overloaded,
            Self::PromptTooLong { .. } => Fault::Content,
            Self::Failed { .. } => Fault::Bug,
        }
    }
}

/// Writes text, greedily: the same prompt gives the same output.
///
/// **Blocking**: none; the engine thread works, the caller waits.
/// **Cancel**: dropping the future ends the generation before its next token and frees its place.
#[async_trait]
pub trait Generator: Send + Sync {
    /// What it is.
    fn spec(&self) -> &GeneratorSpec;

    /// Tokens of `text` by itself.
    fn count_tokens(&self, text: &str) -> usize;

    /// Generates. Each token's text is also sent to `tokens` as it comes; a full or closed channel is no error.
    async fn generate(
        &self,
        request: GenerateRequest,
        tokens: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GenerateError>;

    /// Natural logarithms of the probabilities that the output after `prompt` begins with each of `choices`,
    /// by the first token of each choice. One forward pass, nothing is generated. Two choices that begin with the
    /// same token get the same value.
    async fn weigh(&self, prompt: &[PromptPart], choices: &[&str], asker: Asker) -> Result<Vec<f32>, GenerateError>;
}
