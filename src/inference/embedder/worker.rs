//! The thread that owns the embedder's weights.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use super::bert::Bert;
use super::{EmbedderFiles, EmbedderWeights};
use crate::inference::e5::BertSource;
use crate::inference::e5::container::E5Container;
use crate::inference::e5::safetensors::SafetensorsBert;
use crate::inference::engine::inbox::{Inbox, Request};
use crate::inference::engine::{LoadState, ModelError};
use crate::inference::tokenizer::unigram::UnigramTokenizer;
use crate::inference::{EmbedError, EmbedRole, Embedded, Lane};

/// Tokens of one batch: enough for the matrix products, about a tenth of a second of work on two cores, which is what
/// a question waits at most behind bulk work.
const BATCH_TOKENS: usize = 512;

/// Texts to embed.
pub struct Task {
    /// As what.
    pub role: EmbedRole,
    /// Which.
    pub texts: Vec<String>,
    /// Who waits.
    pub lane: Lane,
    /// Where it came from.
    pub span: tracing::Span,
    /// Where the result goes.
    pub reply: oneshot::Sender<Result<Vec<Embedded>, EmbedError>>,
}

impl Request for Task {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn work(&self) -> u64 {
        self.texts.len() as u64
    }
}

/// The thread, before it runs.
pub struct Worker {
    /// What to load.
    pub files: EmbedderFiles,
    /// Where requests come from.
    pub inbox: Arc<Inbox<Task>>,
    /// Where loading is reported.
    pub state: watch::Sender<LoadState>,
    /// Set as soon as it is known.
    pub tokenizer: Arc<OnceLock<Option<Arc<UnigramTokenizer>>>>,
}

/// A request, cut into batches of texts of similar length.
struct Running {
    /// Index and tokens of the texts still to do.
    batches: Vec<Vec<(usize, Vec<u32>)>>,
    done: Vec<Embedded>,
    task: Task,
    started: Instant,
}

impl Worker {
    /// Starts the thread.
    pub fn start(self) {
        let (inbox, state, tokenizer) = (self.inbox.clone(), self.state.clone(), self.tokenizer.clone());
        let spawned = std::thread::Builder::new().name("embedder".to_owned()).spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| self.run()));
            let reason = match ended {
                Ok(Ok(())) => return,
                Ok(Err(e)) => e.to_string(),
                Err(_) => "the engine broke, the log says where".to_owned(),
            };
            tracing::error!(model = self.files.id, reason, "model.embedder.failed");
            stop(&self.inbox, &self.state, &self.tokenizer, reason);
        });
        if let Err(e) = spawned {
            stop(&inbox, &state, &tokenizer, format!("no thread for the engine: {e}"));
        }
    }

    fn run(&self) -> Result<(), ModelError> {
        let (bert, tokenizer) = self.load()?;
        self.state.send_replace(LoadState::Ready);
        let mut bulk: Option<Running> = None;
        loop {
            if let Some(task) = self.inbox.try_pop(Lane::Interactive) {
                let mut turn = self.begin(task, &tokenizer);
                while let Some(running) = turn {
                    turn = advance(running, &bert);
                }
                continue;
            }
            if bulk.is_none() {
                bulk = self.inbox.try_pop(Lane::Bulk).and_then(|task| self.begin(task, &tokenizer));
            }
            match bulk.take() {
                Some(running) => bulk = advance(running, &bert),
                None if self.inbox.wait() => {}
                None => return Ok(()),
            }
        }
    }

    fn load(&self) -> Result<(Bert, Arc<UnigramTokenizer>), ModelError> {
        let started = Instant::now();
        let source: Box<dyn BertSource> = match &self.files.weights {
            EmbedderWeights::E5Container(path) => Box::new(E5Container::open(path)?),
            EmbedderWeights::Safetensors { weights, config, tokenizer } => {
                Box::new(SafetensorsBert::open(weights, config, tokenizer)?)
            }
        };
        let shape = source.shape();
        if shape.hidden != self.files.dim || shape.max_positions < self.files.max_tokens {
            let what = format!("its embeddings have {} numbers, not {}", shape.hidden, self.files.dim);
            return Err(ModelError::Unsupported { what });
        }
        let tokenizer = Arc::new(source.tokenizer()?);
        // Nobody else sets it before this thread ends.
        let _ = self.tokenizer.set(Some(tokenizer.clone()));
        let bert = Bert::load(source)?;
        tracing::info!(
            model = self.files.id,
            load_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "model.embedder.loaded"
        );
        Ok((bert, tokenizer))
    }

    /// `None`: the reply was sent, or the tokenizer broke and it was dropped.
    fn begin(&self, task: Task, tokenizer: &UnigramTokenizer) -> Option<Running> {
        let started = Instant::now();
        let prefix = match task.role {
            EmbedRole::Query => &self.files.query_prefix,
            EmbedRole::Passage => &self.files.passage_prefix,
        };
        let encode = |text: &String| tokenizer.encode_framed(&format!("{prefix}{text}"), self.files.max_tokens);
        let encoded = catch_unwind(AssertUnwindSafe(|| task.texts.iter().map(encode).collect::<Result<Vec<_>, _>>()));
        match encoded {
            Ok(Ok(encoded)) => {
                let done = encoded.iter().map(|(_, cut_tokens)| (Vec::new(), *cut_tokens));
                let done = done.map(|(embedding, cut_tokens)| Embedded { embedding, cut_tokens }).collect();
                let batches = batch(encoded.into_iter().map(|(ids, _)| ids).collect());
                Some(Running { batches, done, task, started })
            }
            Ok(Err(e)) => {
                let _ = task.reply.send(Err(EmbedError::Failed { reason: e.to_string() }));
                None
            }
            Err(_) => None,
        }
    }
}

/// Texts sorted by length and cut into batches of at most [`BATCH_TOKENS`], or of one text; the shortest last.
pub fn batch(texts: Vec<Vec<u32>>) -> Vec<Vec<(usize, Vec<u32>)>> {
    let mut texts: Vec<_> = texts.into_iter().enumerate().collect();
    texts.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    let mut batches: Vec<Vec<(usize, Vec<u32>)>> = Vec::new();
    let mut room = 0;
    for text in texts {
        match batches.last_mut().filter(|_| text.1.len() <= room) {
            Some(batch) => {
                room -= text.1.len();
                batch.push(text);
            }
            None => {
                room = BATCH_TOKENS.saturating_sub(text.1.len());
                batches.push(vec![text]);
            }
        }
    }
    batches
}

/// One batch. `None`: the request is done, abandoned or broken.
fn advance(mut running: Running, bert: &Bert) -> Option<Running> {
    if running.task.reply.is_closed() {
        return None;
    }
    let span = running.task.span.clone();
    let _entered = span.enter();
    if let Some(batch) = running.batches.pop() {
        let (places, texts): (Vec<usize>, Vec<Vec<u32>>) = batch.into_iter().unzip();
        // A batch that breaks the model takes only its request down.
        let embeddings = match catch_unwind(AssertUnwindSafe(|| bert.embed(&texts))) {
            Ok(Ok(embeddings)) => embeddings,
            Ok(Err(e)) => {
                let _ = running.task.reply.send(Err(EmbedError::Failed { reason: e.to_string() }));
                return None;
            }
            Err(_) => return None,
        };
        for (place, embedding) in places.into_iter().zip(embeddings) {
            running.done[place].embedding = embedding;
        }
    }
    if !running.batches.is_empty() {
        return Some(running);
    }
    tracing::debug!(
        lane = ?running.task.lane,
        n_texts = running.done.len(),
        total_ms = u64::try_from(running.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "model.embedder.embedded"
    );
    // Nobody there any more is no error.
    let _ = running.task.reply.send(Ok(running.done));
    None
}

fn stop(
    inbox: &Inbox<Task>,
    state: &watch::Sender<LoadState>,
    tokenizer: &OnceLock<Option<Arc<UnigramTokenizer>>>,
    reason: String,
) {
    let _ = tokenizer.set(None);
    state.send_replace(LoadState::Failed { reason: reason.clone() });
    for task in inbox.close() {
        let _ = task.reply.send(Err(EmbedError::Unavailable { reason: reason.clone() }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_text_once_and_stay_within_their_budget() {
        let lengths = [3, 500, 20, 511, 20, 600, 1];
        let batches = batch(lengths.iter().map(|n| vec![7; *n]).collect());
        let mut seen: Vec<usize> = batches.iter().flatten().map(|(i, _)| *i).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
        for batch in &batches {
            let n: usize = batch.iter().map(|(_, ids)| ids.len()).sum();
            assert!(n <= BATCH_TOKENS || batch.len() == 1);
        }
    }
}
