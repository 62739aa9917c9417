//! The thread that owns the generator's weights.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};

use super::running::{Running, Step};
use super::{GeneratorFiles, GeneratorOptions};
use crate::inference::engine::decoder::Decoder;
use crate::inference::engine::gguf::GgufFile;
use crate::inference::engine::inbox::Inbox;
use crate::inference::engine::prefix::PrefixCache;
use crate::inference::engine::{LoadState, ModelError};
use crate::inference::tokenizer::GgufTokenizer;
use crate::inference::tokenizer::template::ChatTemplate;
use crate::inference::{GenerateError, GenerateRequest, Generated, Lane, PromptPart};

/// Tokens of a prompt read in one step: large enough for the matrix products, small enough to give way (about a
/// second of work for a model of 1.5 billion parameters on two cores).
pub const PREFILL_SLICE: usize = 128;

/// How many of the tokens left of a prompt to read next. Never all but one: see [`crate::inference::engine::prefix`].
pub fn slice_len(left: usize) -> usize {
    match left.checked_sub(PREFILL_SLICE) {
        None | Some(0) => left,
        Some(1) => PREFILL_SLICE - 1,
        Some(_) => PREFILL_SLICE,
    }
}

/// A request with its reply channel.
pub struct Task {
    /// What to do.
    pub kind: TaskKind,
    /// Who waits.
    pub lane: Lane,
    /// Where it came from.
    pub span: tracing::Span,
}

/// What to do.
pub enum TaskKind {
    /// See [`crate::inference::Generator::generate`].
    Generate {
        /// What to write.
        request: GenerateRequest,
        /// Where to stream it.
        tokens: Option<mpsc::Sender<String>>,
        /// Where the result goes.
        reply: oneshot::Sender<Result<Generated, GenerateError>>,
    },
    /// See [`crate::inference::Generator::weigh`].
    Weigh {
        /// What to read.
        prompt: Vec<PromptPart>,
        /// What might follow.
        choices: Vec<String>,
        /// Where the result goes.
        reply: oneshot::Sender<Result<Vec<f32>, GenerateError>>,
    },
}

impl TaskKind {
    /// Answers with an error.
    pub fn fail(self, error: GenerateError) {
        match self {
            Self::Generate { reply, .. } => drop(reply.send(Err(error))),
            Self::Weigh { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

/// All that one request needs.
pub struct Model {
    /// The weights.
    pub decoder: Decoder,
    /// Text to tokens.
    pub tokenizer: Arc<GgufTokenizer>,
    /// Parts to tokens.
    pub template: ChatTemplate,
    /// Earlier prompts.
    pub cache: PrefixCache,
    /// Prompt and output together.
    pub context_tokens: usize,
}

/// The thread, before it runs.
pub struct Worker {
    /// What to load.
    pub files: GeneratorFiles,
    /// How to work.
    pub options: GeneratorOptions,
    /// Where requests come from.
    pub inbox: Arc<Inbox<Task>>,
    /// Where loading is reported.
    pub state: watch::Sender<LoadState>,
    /// Set as soon as it is known.
    pub tokenizer: Arc<OnceLock<Option<Arc<GgufTokenizer>>>>,
}

impl Worker {
    /// Starts the thread.
    pub fn start(self) {
        let (inbox, state, tokenizer) = (self.inbox.clone(), self.state.clone(), self.tokenizer.clone());
        let spawned = std::thread::Builder::new().name("generator".to_owned()).spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| self.run()));
            let reason = match ended {
                Ok(Ok(())) => return,
                Ok(Err(e)) => e.to_string(),
                Err(_) => "the engine broke, the log says where".to_owned(),
            };
            tracing::error!(model = self.files.id, reason, "model.generator.failed");
            stop(&self.inbox, &self.state, &self.tokenizer, reason);
        });
        if let Err(e) = spawned {
            stop(&inbox, &state, &tokenizer, format!("no thread for the engine: {e}"));
        }
    }

    fn run(&self) -> Result<(), ModelError> {
        let mut model = self.load()?;
        self.state.send_replace(LoadState::Ready);
        let mut interactive = None;
        let mut bulk = None;
        loop {
            for (lane, running) in [(Lane::Interactive, &mut interactive), (Lane::Bulk, &mut bulk)] {
                if running.is_none() {
                    *running = self.inbox.try_pop(lane).and_then(|task| begin(task, &mut model));
                }
                if running.is_some() {
                    break;
                }
            }
            let turn = if interactive.is_some() { &mut interactive } else { &mut bulk };
            match turn.take() {
                Some(running) => *turn = advance(running, &mut model),
                None if self.inbox.wait() => {}
                None => return Ok(()),
            }
        }
    }

    fn load(&self) -> Result<Model, ModelError> {
        let started = Instant::now();
        let file = GgufFile::open(&self.files.gguf)?;
        let tokenizer = Arc::new(GgufTokenizer::load(&file)?);
        let template = ChatTemplate::load(&file, &tokenizer)?;
        // Nobody else sets it before this thread ends.
        let _ = self.tokenizer.set(Some(tokenizer.clone()));
        let decoder = Decoder::load(&file)?;
        decoder.prepare()?;
        tracing::info!(
            model = self.files.id,
            load_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "model.generator.loaded"
        );
        let cache = PrefixCache::new(decoder.kv_shape(), self.options.prefix_cache_bytes);
        let context_tokens = self.options.context_tokens.min(decoder.context_tokens());
        Ok(Model { decoder, tokenizer, template, cache, context_tokens })
    }
}

fn stop(
    inbox: &Inbox<Task>,
    state: &watch::Sender<LoadState>,
    tokenizer: &OnceLock<Option<Arc<GgufTokenizer>>>,
    reason: String,
) {
    let _ = tokenizer.set(None);
    state.send_replace(LoadState::Failed { reason: reason.clone() });
    for task in inbox.close() {
        task.kind.fail(GenerateError::Unavailable { reason: reason.clone() });
    }
}

/// `None`: the request was refused or broke the tokenizer.
fn begin(task: Task, model: &mut Model) -> Option<Running> {
    catch_unwind(AssertUnwindSafe(|| Running::begin(task, model))).unwrap_or_else(|_| {
        tracing::error!("model.generator.broke");
        None
    })
}

/// One step. `None`: the request is done, abandoned or broken.
fn advance(running: Running, model: &mut Model) -> Option<Running> {
    if running.is_abandoned() {
        model.cache.keep(running.into_sequence());
        return None;
    }
    let reader: &Model = model;
    // A request that breaks the model takes only itself down; its caller sees the reply channel close.
    match catch_unwind(AssertUnwindSafe(|| running.step(reader))) {
        Ok(Step::More(running)) => Some(*running),
        Ok(Step::Done(sequence)) => {
            model.cache.keep(sequence);
            None
        }
        Ok(Step::Failed) => None,
        Err(_) => {
            tracing::error!("model.generator.broke");
            None
        }
    }
}
