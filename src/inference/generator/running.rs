//! One request on its way through the model, step by step.

use std::time::Instant;

use tokio::sync::oneshot;

use super::lookup::Lookup;
use super::output::Output;
use super::sampling::{choose, log_probabilities};
use super::schedule::{Entry, Need};
use super::worker::{Model, Task, TaskKind};
use crate::inference::engine::decoder::Part;
use crate::inference::engine::inbox::Request;
use crate::inference::engine::kv::Sequence;
use crate::inference::engine::prefix::Owner;
use crate::inference::{Asker, GenerateError, Generated, PromptPart, Role, StopReason};

/// A request with what has been done for it.
pub struct Running {
    id: u64,
    prompt: Vec<u32>,
    /// How many of the prompt's tokens are ours, not the conversation's.
    n_public: usize,
    sequence: Sequence,
    /// What the step under way reads.
    reading: Vec<u32>,
    reused_tokens: usize,
    goal: Goal,
    asker: Asker,
    span: tracing::Span,
    started: Instant,
}

enum Goal {
    Generate {
        output: Output,
        max_output_tokens: usize,
        /// Tokens written; the last one is not read yet.
        written: Vec<u32>,
        lookup: Lookup,
        guesses: Vec<u32>,
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
    /// The reply was sent.
    Ended,
}

impl Running {
    /// Renders the prompt. `None`: it was refused and the reply was sent.
    pub fn begin(id: u64, task: Task, model: &mut Model) -> Option<Self> {
        let started = Instant::now();
        let Task { kind, asker, span } = task;
        let (parts, room) = match &kind {
            TaskKind::Generate { request, .. } => (&request.prompt, request.max_output_tokens),
            TaskKind::Weigh { prompt, .. } => (prompt, 0),
        };
        let prompt = model.template.render(&model.tokenizer, parts);
        let n_public = count_public(&prompt, parts, model);
        if prompt.len() + room > model.context_tokens {
            let context_tokens = model.context_tokens;
            kind.fail(GenerateError::PromptTooLong { prompt_tokens: prompt.len(), context_tokens });
            return None;
        }
        let goal = match kind {
            TaskKind::Generate { request, tokens, reply } => Goal::Generate {
                output: Output::new(request.stop, tokens),
                max_output_tokens: request.max_output_tokens,
                written: Vec::new(),
                lookup: Lookup::default(),
                guesses: Vec::new(),
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
        let sequence = model.cache.begin(&prompt, owner(asker));
        let reused_tokens = sequence.tokens().len();
        let reading = Vec::new();
        Some(Self { id, prompt, n_public, sequence, reading, reused_tokens, goal, asker, span, started })
    }

    /// Names it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether nobody wants the result any more.
    pub fn is_abandoned(&self) -> bool {
        match &self.goal {
            Goal::Generate { reply, .. } => reply.is_closed(),
            Goal::Weigh { reply, .. } => reply.is_closed(),
        }
    }

    /// What it wants of the next step.
    pub fn entry(&mut self) -> Entry {
        let left = self.prompt.len().saturating_sub(self.sequence.tokens().len());
        let need = match &mut self.goal {
            Goal::Generate { written, lookup, guesses, output, max_output_tokens, .. } if !written.is_empty() => {
                let text = [&self.prompt[..], written].concat();
                *guesses = lookup.guess(&text);
                // The last token needs nobody after it.
                guesses.truncate(max_output_tokens.saturating_sub(output.n_tokens() + 1));
                Need::Token { guesses: guesses.len() }
            }
            _ => Need::Prompt(left),
        };
        Entry { id: self.id, asker: self.asker, need }
    }

    /// Rows still to be computed for it, at most.
    pub fn rows_left(&self) -> usize {
        let prompt = self.prompt.len().saturating_sub(self.sequence.tokens().len());
        match &self.goal {
            Goal::Generate { max_output_tokens, output, .. } => {
                prompt + max_output_tokens.saturating_sub(output.n_tokens())
            }
            Goal::Weigh { .. } => prompt,
        }
    }

    /// Its part of a step of so many rows.
    pub fn part(&mut self, rows: usize) -> Part<'_> {
        let read = self.sequence.tokens().len();
        let n_logits = match &mut self.goal {
            Goal::Generate { written, guesses, .. } if !written.is_empty() => {
                guesses.truncate(rows - 1);
                self.reading = written[written.len() - 1..].to_vec();
                self.reading.extend_from_slice(guesses);
                rows
            }
            _ => {
                self.reading = self.prompt[read..read + rows].to_vec();
                usize::from(read + rows == self.prompt.len())
            }
        };
        Part { sequence: &mut self.sequence, tokens: &self.reading, n_logits }
    }

    /// Goes on with what the step gave: the logits that [`Running::part`] asked for, row by row.
    pub fn advance(self, logits: &[f32], model: &mut Model) -> Step {
        let span = self.span.clone();
        let _entered = span.enter();
        if logits.is_empty() {
            return Step::More(Box::new(self));
        }
        if self.sequence.tokens().len() == self.prompt.len() {
            // Whoever asks the same next finds it at once, not only when this answer is written.
            model.cache.keep(&self.sequence, self.n_public, owner(self.asker));
        }
        let rows = logits.chunks_exact(model.decoder.n_vocabulary());
        match &self.goal {
            Goal::Weigh { choices, .. } => match log_probabilities(logits, choices) {
                Some(weights) => self.weighed(weights),
                None => self.fail("the model computed no numbers".to_owned()),
            },
            Goal::Generate { .. } => self.write(rows, model),
        }
    }

    /// Writes the next token, and those that were guessed right.
    fn write<'a>(mut self, rows: impl Iterator<Item = &'a [f32]>, model: &Model) -> Step {
        let read_before = self.sequence.tokens().len() - self.reading.len();
        let mut n_right = 0;
        for logits in rows {
            let Some(choice) = choose(logits) else {
                return self.fail("the model computed no numbers".to_owned());
            };
            let Goal::Generate { output, max_output_tokens, written, guesses, ttft_ms, .. } = &mut self.goal else {
                return self.fail("the goal has changed".to_owned());
            };
            if written.is_empty() {
                *ttft_ms = elapsed_ms(self.started);
            }
            if *max_output_tokens == 0 {
                return self.generated(StopReason::Length);
            }
            if model.tokenizer.is_end(choice.token) {
                return self.generated(StopReason::Done);
            }
            written.push(choice.token);
            if output.push(choice, &model.tokenizer.bytes(choice.token)) {
                return self.generated(StopReason::Done);
            }
            if output.n_tokens() >= *max_output_tokens {
                return self.generated(StopReason::Length);
            }
            if guesses.get(n_right) != Some(&choice.token) {
                break;
            }
            n_right += 1;
        }
        if let Goal::Generate { lookup, guesses, .. } = &mut self.goal {
            lookup.learn(guesses.len(), n_right);
            // Wrong guesses were read; forget them.
            let n_right_rows = self.reading.len() - guesses.len() + n_right;
            guesses.clear();
            self.sequence.truncate(read_before + n_right_rows);
        }
        Step::More(Box::new(self))
    }

    fn weighed(self, weights: Vec<f32>) -> Step {
        tracing::debug!(
            lane = ?self.asker.lane,
            prompt_tokens = self.prompt.len(),
            reused_tokens = self.reused_tokens,
            total_ms = elapsed_ms(self.started),
            "model.generator.weighed"
        );
        if let Goal::Weigh { reply, .. } = self.goal {
            // Nobody there any more is no error.
            let _ = reply.send(Ok(weights));
        }
        Step::Ended
    }

    fn generated(self, stop_reason: StopReason) -> Step {
        let total_ms = elapsed_ms(self.started);
        let Goal::Generate { output, ttft_ms, reply, .. } = self.goal else {
            return Step::Ended;
        };
        let (text, tokens) = output.finish();
        let (prompt_tokens, reused_tokens) = (self.prompt.len(), self.reused_tokens);
        tracing::debug!(
            lane = ?self.asker.lane,
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
        Step::Ended
    }

    /// Answers with an error.
    pub fn fail(self, reason: String) -> Step {
        let error = GenerateError::Failed { reason };
        match self.goal {
            Goal::Generate { reply, .. } => drop(reply.send(Err(error))),
            Goal::Weigh { reply, .. } => drop(reply.send(Err(error))),
        }
        Step::Ended
    }
}

/// How much of the prompt is the same for all conversations of a shop: what we say before the conversation.
fn count_public(prompt: &[u32], parts: &[PromptPart], model: &Model) -> usize {
    let n_ours = parts.iter().take_while(|part| part.role == Role::System).count();
    let ours = model.template.render(&model.tokenizer, &parts[..n_ours]);
    prompt.iter().zip(&ours).take_while(|(a, b)| a == b).count()
}

fn owner(asker: Asker) -> Owner {
    Owner { shop: asker.shop, conversation: asker.conversation }
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

    /// Rows: what is known before the prompt was rendered, on the long side.
    fn work(&self) -> u64 {
        let (prompt, output) = match &self.kind {
            TaskKind::Generate { request, .. } => (&request.prompt, request.max_output_tokens),
            TaskKind::Weigh { prompt, .. } => (prompt, 0),
        };
        let bytes: usize = prompt.iter().map(|part| part.text.len()).sum();
        (bytes / 3 + output) as u64
    }
}
