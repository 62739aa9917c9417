//! Models for tests and for demonstrations that say so: no weights, no waiting, always the same result.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{
    Asker, EmbedError, EmbedRole, Embedded, Embedder, EmbedderSpec, GenerateError, GenerateRequest, Generated,
    Generator, GeneratorSpec, Lane, PromptPart, StopReason, TokenScore,
};

/// Embeds by the letters: texts that share sequences of characters are similar, whatever they mean.
pub struct HashEmbedder {
    spec: EmbedderSpec,
}

impl Default for HashEmbedder {
    fn default() -> Self {
        Self { spec: EmbedderSpec { id: "hash-64".to_owned(), dim: 64, max_tokens: 512 } }
    }
}

impl HashEmbedder {
    fn embedding(&self, text: &str) -> Vec<f32> {
        let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let mut embedding = vec![0f32; self.spec.dim];
        for n in 1..=3 {
            // Every sequence counts once, or texts would be similar because both use common letters.
            for gram in letters.windows(n).collect::<HashSet<_>>() {
                let mut hasher = DefaultHasher::new();
                gram.hash(&mut hasher);
                let hash = hasher.finish();
                let place = usize::try_from(hash % 64).expect("below 64") % self.spec.dim;
                let weight = n as f32;
                embedding[place] += if hash >> 63 == 0 { weight } else { -weight };
            }
        }
        let length = embedding.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length > 0.0 {
            embedding.iter_mut().for_each(|x| *x /= length);
        } else {
            embedding[0] = 1.0;
        }
        embedding
    }
}

#[async_trait]
impl Embedder for HashEmbedder {
    fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    fn count_tokens(&self, text: &str) -> usize {
        count_words(text)
    }

    async fn embed(&self, _role: EmbedRole, _lane: Lane, texts: &[String]) -> Result<Vec<Embedded>, EmbedError> {
        Ok(texts.iter().map(|text| Embedded { embedding: self.embedding(text), cut_tokens: 0 }).collect())
    }
}

/// Words, and every Han character and the like by itself: about what a real tokenizer counts.
fn count_words(text: &str) -> usize {
    let (mut n, mut in_word) = (0, false);
    for c in text.chars() {
        let is_word = c.is_ascii_alphanumeric();
        if !(c.is_whitespace() || is_word && in_word) {
            n += 1;
        }
        in_word = is_word;
    }
    n
}

type Reply = Box<dyn Fn(&GenerateRequest) -> Result<String, GenerateError> + Send + Sync>;
type Weigher = Box<dyn Fn(&[PromptPart], &[&str]) -> Vec<f32> + Send + Sync>;

/// Says what it was told to say, and remembers what it was asked.
pub struct ScriptedGenerator {
    spec: GeneratorSpec,
    reply: Reply,
    weigh: Weigher,
    pause: Duration,
    asked: Mutex<VecDeque<GenerateRequest>>,
}

/// Requests that are remembered: tests look at a few, and a server of stand-ins may run for long.
const MAX_REMEMBERED: usize = 1000;

impl ScriptedGenerator {
    /// Replies by a rule.
    pub fn new(reply: impl Fn(&GenerateRequest) -> Result<String, GenerateError> + Send + Sync + 'static) -> Self {
        Self {
            spec: GeneratorSpec { id: "scripted".to_owned(), context_tokens: 4096 },
            reply: Box::new(reply),
            weigh: Box::new(|_, choices| vec![-(choices.len() as f32).ln(); choices.len()]),
            pause: Duration::ZERO,
            asked: Mutex::default(),
        }
    }

    /// Replies one after the other; it fails when none is left.
    pub fn with_replies<S: Into<String>>(replies: impl IntoIterator<Item = S>) -> Self {
        let replies: Mutex<VecDeque<String>> = Mutex::new(replies.into_iter().map(Into::into).collect());
        Self::new(move |_| {
            let next = replies.lock().expect("no reply is taken by a thread that broke").pop_front();
            next.ok_or_else(|| GenerateError::Failed { reason: "the script has no more replies".to_owned() })
        })
    }

    /// Weighs by a rule; without one, all choices are equal.
    #[must_use]
    pub fn weighing(mut self, rule: impl Fn(&[PromptPart], &[&str]) -> Vec<f32> + Send + Sync + 'static) -> Self {
        self.weigh = Box::new(rule);
        self
    }

    /// Takes its time for every reply.
    #[must_use]
    pub fn taking(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The last requests, oldest first.
    pub fn asked(&self) -> Vec<GenerateRequest> {
        self.asked.lock().expect("nothing breaks while it is held").iter().cloned().collect()
    }

    fn remember(&self, request: GenerateRequest) {
        let mut asked = self.asked.lock().expect("nothing breaks while it is held");
        if asked.len() == MAX_REMEMBERED {
            asked.pop_front();
        }
        asked.push_back(request);
    }
}

#[async_trait]
impl Generator for ScriptedGenerator {
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    fn count_tokens(&self, text: &str) -> usize {
        count_words(text)
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        tokens: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GenerateError> {
        self.remember(request.clone());
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        let mut text = (self.reply)(&request)?;
        let mut stop_reason = StopReason::Done;
        if let Some(end) = request.stop.iter().filter(|s| !s.is_empty()).filter_map(|s| text.find(s)).min() {
            text.truncate(end);
        }
        let mut scores: Vec<TokenScore> = text
            .split_inclusive(' ')
            .map(|word| TokenScore { text: word.to_owned(), logprob: -0.1, entropy: 0.2 })
            .collect();
        if scores.len() > request.max_output_tokens {
            scores.truncate(request.max_output_tokens);
            stop_reason = StopReason::Length;
        }
        for score in &scores {
            if let Some(sink) = &tokens {
                // A slow or absent reader is no error.
                let _ = sink.try_send(score.text.clone());
            }
        }
        let text = scores.iter().map(|score| score.text.as_str()).collect();
        let prompt_tokens = request.prompt.iter().map(|part| count_words(&part.text)).sum();
        Ok(Generated { text, tokens: scores, stop_reason, prompt_tokens, reused_tokens: 0, ttft_ms: 0, total_ms: 0 })
    }

    async fn weigh(&self, prompt: &[PromptPart], choices: &[&str], _asker: Asker) -> Result<Vec<f32>, GenerateError> {
        Ok((self.weigh)(prompt, choices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Role;

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    #[tokio::test]
    async fn similar_texts_are_similar_and_every_embedding_has_length_one() {
        let embedder = HashEmbedder::default();
        let texts = ["How long is the warranty?", "how long is the warranty", "我想退货", "", "我想退货,怎么办"]
            .map(str::to_owned);
        let rows = embedder.embed(EmbedRole::Query, Lane::Bulk, &texts).await.unwrap();
        for row in &rows {
            assert_eq!(row.embedding.len(), embedder.spec().dim);
            assert!((cosine(&row.embedding, &row.embedding) - 1.0).abs() < 1e-5);
        }
        let at = |i: usize, j: usize| cosine(&rows[i].embedding, &rows[j].embedding);
        assert!(at(0, 1) > 0.99);
        assert!(at(2, 4) > at(2, 0) + 0.2, "{} and {}", at(2, 4), at(2, 0));
    }

    #[tokio::test]
    async fn a_script_is_followed_and_ends() {
        let generator = ScriptedGenerator::with_replies(["one two three", "a STOP b"]);
        let request = GenerateRequest {
            prompt: vec![PromptPart { role: Role::User, text: "hi".to_owned() }],
            max_output_tokens: 2,
            stop: vec![" STOP".to_owned()],
            asker: Lane::Interactive.into(),
        };
        let (sink, mut stream) = mpsc::channel(8);
        let first = generator.generate(request.clone(), Some(sink)).await.unwrap();
        assert_eq!((first.text.as_str(), first.stop_reason), ("one two ", StopReason::Length));
        assert_eq!(stream.recv().await.as_deref(), Some("one "));
        let second = generator.generate(request.clone(), None).await.unwrap();
        assert_eq!((second.text.as_str(), second.stop_reason), ("a", StopReason::Done));
        assert!(generator.generate(request, None).await.is_err());
        assert_eq!(generator.asked().len(), 3);
    }
}
