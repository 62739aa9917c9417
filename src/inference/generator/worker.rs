//! The thread that owns the generator's weights.
//!
//! # Why
//! One step serves all requests at work. What goes wrong in it is tried again request by request, so that only the one
//! that breaks the model fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};

use super::running::{Running, Step};
use super::schedule::{Scheduler, Share};
use super::{GeneratorFiles, GeneratorOptions};
use crate::inference::engine::decoder::{Decoder, Part};
use crate::inference::engine::gguf::GgufFile;
use crate::inference::engine::inbox::Inbox;
use crate::inference::engine::prefix::PrefixCache;
use crate::inference::engine::{LoadState, ModelError};
use crate::inference::tokenizer::GgufTokenizer;
use crate::inference::tokenizer::template::ChatTemplate;
use crate::inference::{Asker, GenerateError, GenerateRequest, Generated, Lane, PromptPart};

/// A request with its reply channel.
pub struct Task {
    /// What to do.
    pub kind: TaskKind,
    /// Who asks.
    pub asker: Asker,
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

/// How much is under way, for whoever wants to know how long it would take.
#[derive(Default)]
pub struct Load {
    /// Rows still to be computed for the requests at work.
    pub rows: AtomicU64,
    /// What a row costs, in microseconds; 0 until one was computed.
    pub row_us: AtomicU64,
}

/// The thread, before it runs.
pub struct Worker {
    /// What to load.
    pub files: GeneratorFiles,
    /// How to work.
    pub options: GeneratorOptions,
    /// Where requests come from.
    pub inbox: Arc<Inbox<Task>>,
    /// Where work under way is reported.
    pub load: Arc<Load>,
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
        let model = self.load_model()?;
        self.state.send_replace(LoadState::Ready);
        let scheduler = Scheduler::new(self.options.max_active);
        let mut engine = Engine { model, scheduler, active: Vec::new(), next_id: 0 };
        loop {
            engine.active.retain(|running| !running.is_abandoned());
            engine.start(&self.inbox);
            let rows: usize = engine.active.iter().map(Running::rows_left).sum();
            self.load.rows.store(rows as u64, Ordering::Relaxed);
            if !engine.active.is_empty() {
                engine.step();
                self.load.row_us.store((engine.scheduler.row_ms() * 1000.0) as u64, Ordering::Relaxed);
            } else if !self.inbox.wait() {
                return Ok(());
            }
        }
    }

    fn load_model(&self) -> Result<Model, ModelError> {
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

/// The model and all that it works on.
struct Engine {
    model: Model,
    scheduler: Scheduler,
    /// In the order in which they started.
    active: Vec<Running>,
    next_id: u64,
}

impl Engine {
    /// Starts what may start.
    fn start(&mut self, inbox: &Inbox<Task>) {
        for lane in [Lane::Interactive, Lane::Bulk] {
            loop {
                let entries: Vec<_> = self.active.iter_mut().map(Running::entry).collect();
                if !self.scheduler.may_start(lane, &entries) {
                    break;
                }
                let Some(task) = inbox.try_pop_by(lane, |task| self.scheduler.turn(task.asker)) else { break };
                self.scheduler.start(task.asker, &entries);
                self.next_id += 1;
                let (id, model) = (self.next_id, &mut self.model);
                // A request that breaks the tokenizer takes only itself down; its caller sees the reply channel close.
                match catch_unwind(AssertUnwindSafe(|| Running::begin(id, task, model))) {
                    Ok(running) => self.active.extend(running),
                    Err(_) => tracing::error!("model.generator.broke"),
                }
            }
        }
    }

    /// One walk through the weights, for all who are due.
    fn step(&mut self) {
        let entries: Vec<_> = self.active.iter_mut().map(Running::entry).collect();
        let shares = self.scheduler.divide(&entries);
        let is_due = |running: &Running| shares.iter().any(|share| share.id == running.id());
        let (mut due, waiting): (Vec<_>, Vec<_>) = self.active.drain(..).partition(is_due);
        let started = Instant::now();
        self.active = match compute(&self.model.decoder, &mut due, &shares) {
            Ok(logits) => {
                let rows = shares.iter().map(|share| share.rows).sum();
                self.scheduler.observe(rows, started.elapsed().as_secs_f32() * 1000.0);
                self.advance(due, logits)
            }
            Err(reason) if due.len() == 1 => {
                tracing::error!(reason, "model.generator.broke");
                due.into_iter().for_each(|running| drop(running.fail(reason.clone())));
                Vec::new()
            }
            Err(_) => self.step_one_by_one(due, &shares),
        };
        self.active.extend(waiting);
        self.active.sort_by_key(Running::id);
    }

    fn step_one_by_one(&mut self, due: Vec<Running>, shares: &[Share]) -> Vec<Running> {
        let mut left = Vec::new();
        for (running, share) in due.into_iter().zip(shares) {
            let mut alone = vec![running];
            match compute(&self.model.decoder, &mut alone, std::slice::from_ref(share)) {
                Ok(logits) => left.extend(self.advance(alone, logits)),
                Err(reason) => {
                    tracing::error!(reason, "model.generator.broke");
                    alone.into_iter().for_each(|running| drop(running.fail(reason.clone())));
                }
            }
        }
        left
    }

    /// Those that have more to do.
    fn advance(&mut self, due: Vec<Running>, logits: Vec<Vec<f32>>) -> Vec<Running> {
        let model = &mut self.model;
        let advanced = due.into_iter().zip(logits).filter_map(|(running, logits)| {
            match catch_unwind(AssertUnwindSafe(|| running.advance(&logits, model))) {
                Ok(Step::More(running)) => Some(*running),
                Ok(Step::Ended) => None,
                Err(_) => {
                    tracing::error!("model.generator.broke");
                    None
                }
            }
        });
        advanced.collect()
    }
}

/// The logits of each part, in the order of `due`, which is that of `shares`.
///
/// **Cancel**: when it fails, all sequences are as before.
fn compute(decoder: &Decoder, due: &mut [Running], shares: &[Share]) -> Result<Vec<Vec<f32>>, String> {
    let mut parts: Vec<Part<'_>> =
        due.iter_mut().zip(shares).map(|(running, share)| running.part(share.rows)).collect();
    let logits = catch_unwind(AssertUnwindSafe(|| decoder.step(&mut parts)));
    let logits = logits.map_err(|_| "the model broke".to_owned())?.map_err(|e| e.to_string())?;
    let mut rest = &logits[..];
    let of_part = |part: &Part<'_>| {
        let (logits, after) = rest.split_at(part.n_logits * decoder.n_vocabulary());
        rest = after;
        logits.to_vec()
    };
    Ok(parts.iter().map(of_part).collect())
}
