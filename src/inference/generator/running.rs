//! One request on its way through the model, step by step.

use std::time::Instant;

use tokio::sync::oneshot;

use super::output::Output;
use super::sampling::{choose, log_probabilities};
use super::worker::{Model, Task, TaskKind, slice_len};
use crate::inference::engine::inbox::Request;
use crate::inference::engine::kv::Sequence;
use crate::inference::{GenerateError, Generated, Lane, StopReason};

/// A request with what has been done for it.
pub struct Running {
    prompt: Vec<u32>,
    sequence: Sequence,
    reused_tokens: usize,
    goal: Goal,
    lane: Lane,
    span: tracing::Span,
    started: Instant,
}

enum Goal {
    Generate {
        output: Output,
        max_output_tokens: usize,
        /// The token to read next; `None` while the prompt is read.
        next: Option<u32>,
        ttft_ms: u64,
        reply: oneshot::Sender<Result<Generated, GenerateError>>,
    },
    Weigh {
        choices: Vec<u32>,
        reply: oneshot::Sender<Result<Vec<f32>, GenerateError>>,
    },
}

/// Whether there is more to do.
pub enum Step {
    /// Call again.
    More(Box<Running>),
    /// The reply was sent; this is what the model has read of the prompt.
    Done(Sequence),
    /// The error was sent; what the model has read is not to be trusted.
    Failed,
}

impl Running {
    /// Renders the prompt. `None`: it was refused and the reply was sent.
    pub fn begin(task: Task, model: &mut Model) -> Option<Self> {
        let started = Instant::now();
        let Task { kind, lane, span } = task;
        let (parts, room) = match &kind {
            TaskKind::Generate { request, .. } => (&request.prompt, request.max_output_tokens),
            TaskKind::Weigh { prompt, .. } => (prompt, 0),
        };
        let prompt = model.template.render(&model.tokenizer, parts);
        if prompt.len() + room > model.context_tokens {
            let context_tokens = model.context_tokens;
            kind.fail(GenerateError::PromptTooLong { prompt_tokens: prompt.len(), context_tokens });
            return None;
        }
        let goal = match kind {
            TaskKind::Generate { request, tokens, reply } => Goal::Generate {
                output: Output::new(request.stop, tokens),
                max_output_tokens: request.max_output_tokens,
                next: None,
                ttft_ms: 0,
                reply,
            },
            TaskKind::Weigh { choices, reply, .. } => {
                let first = |choice: &String| model.tokenizer.encode(choice).first().copied();
                let Some(choices) = choices.iter().map(first).collect() else {
                    let _ = reply.send(Err(GenerateError::Failed { reason: "a choice is empty".to_owned() }));
                    return None;
                };
                Goal::Weigh { choices, reply }
            }
        };
        let sequence = model.cache.begin(&prompt);
        let reused_tokens = sequence.tokens().len();
        Some(Self { prompt, sequence, reused_tokens, goal, lane, span, started })
    }

    /// Whether nobody wants the result any more.
    pub fn is_abandoned(&self) -> bool {
        match &self.goal {
            Goal::Generate { reply, .. } => reply.is_closed(),
            Goal::Weigh { reply, .. } => reply.is_closed(),
        }
    }

    /// What the model has read of the prompt. Its own output, which it read word by word, would not be the same to
    /// the last bit when it comes as part of a prompt.
    pub fn into_sequence(mut self) -> Sequence {
        self.sequence.truncate(self.prompt.len());
        self.sequence
    }

    /// One slice of the prompt or one token.
    pub fn step(mut self, model: &Model) -> Step {
        let span = self.span.clone();
        let _entered = span.enter();
        match self.advance(model) {
            Ok(None) => Step::More(Box::new(self)),
            Ok(Some(logits)) => self.use_logits(&logits, model),
            Err(reason) => self.fail(reason),
        }
    }

    /// Reads on. Logits come with the last token of the prompt and every token after it.
    fn advance(&mut self, model: &Model) -> Result<Option<Vec<f32>>, String> {
        let read = self.sequence.tokens().len();
        let tokens = match &self.goal {
            Goal::Generate { next: Some(token), .. } => &[*token][..],
            Goal::Generate { next: None, .. } | Goal::Weigh { .. } => &self.prompt[read..],
        };
        let now = slice_len(tokens.len());
        if now < tokens.len() {
            model.decoder.read(&mut self.sequence, &tokens[..now]).map_err(|e| e.to_string())?;
            return Ok(None);
        }
        model.decoder.read_and_predict(&mut self.sequence, tokens).map(Some).map_err(|e| e.to_string())
    }

    fn use_logits(mut self, logits: &[f32], model: &Model) -> Step {
        match self.goal {
            Goal::Weigh { ref choices, .. } => match log_probabilities(logits, choices) {
                Some(weights) => self.weighed(weights),
                None => self.fail("the model computed no numbers".to_owned()),
            },
            Goal::Generate { ref mut output, max_output_tokens, ref mut next, ref mut ttft_ms, .. } => {
                let Some(choice) = choose(logits) else {
                    return self.fail("the model computed no numbers".to_owned());
                };
                if next.is_none() {
                    *ttft_ms = elapsed_ms(self.started);
                }
                if max_output_tokens == 0 {
                    return self.generated(StopReason::Length);
                }
                if model.tokenizer.is_end(choice.token) {
                    return self.generated(StopReason::Done);
                }
                *next = Some(choice.token);
                if output.push(choice, &model.tokenizer.bytes(choice.token)) {
                    return self.generated(StopReason::Done);
                }
                if output.n_tokens() >= max_output_tokens {
                    return self.generated(StopReason::Length);
                }
                Step::More(Box::new(self))
            }
        }
    }

    fn weighed(self, weights: Vec<f32>) -> Step {
        tracing::debug!(
            lane = ?self.lane,
            prompt_tokens = self.prompt.len(),
            reused_tokens = self.reused_tokens,
            total_ms = elapsed_ms(self.started),
            "model.generator.weighed"
        );
        let Self { goal, sequence, .. } = self;
        if let Goal::Weigh { reply, .. } = goal {
            // Nobody there any more is no error.
            let _ = reply.send(Ok(weights));
        }
        Step::Done(sequence)
    }

    fn generated(mut self, stop_reason: StopReason) -> Step {
        let total_ms = elapsed_ms(self.started);
        self.sequence.truncate(self.prompt.len());
        let Goal::Generate { output, ttft_ms, reply, .. } = self.goal else {
            return Step::Done(self.sequence);
        };
        let (text, tokens) = output.finish();
        let (prompt_tokens, reused_tokens) = (self.prompt.len(), self.reused_tokens);
        tracing::debug!(
            lane = ?self.lane,
            prompt_tokens,
            reused_tokens,
            output_tokens = tokens.len(),
            ttft_ms,
            total_ms,
            "model.generator.generated"
        );
        let generated = Generated { text, tokens, stop_reason, prompt_tokens, reused_tokens, ttft_ms, total_ms };
        // Nobody there any more is no error.
        let _ = reply.send(Ok(generated));
        Step::Done(self.sequence)
    }

    fn fail(self, reason: String) -> Step {
        let error = GenerateError::Failed { reason };
        match self.goal {
            Goal::Generate { reply, .. } => drop(reply.send(Err(error))),
            Goal::Weigh { reply, .. } => drop(reply.send(Err(error))),
        }
        Step::Failed
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Request for Task {
    fn is_abandoned(&self) -> bool {
        match &self.kind {
            TaskKind::Generate { reply, .. } => reply.is_closed(),
            TaskKind::Weigh { reply, .. } => reply.is_closed(),
        }
    }
}
