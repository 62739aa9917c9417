//! The questions that `kefu bench rag` asks: real text, the same for every engine and every time.
//!
//! # Why
//! Each question comes with three chunks of real manuals, chosen with Zipf's law: a few are asked for all the time and
//! most hardly ever, which is what a prompt cache lives on. Chunks stand in the order in which they were drawn, as
//! search results would, not in one that suits a cache. Text is real because repeated text is easy to guess.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde::Deserialize;

use crate::cli::ingest::files_below;
use crate::cli::lines;
use crate::domain::text::Lang;
use crate::inference::tokenizer::GgufTokenizer;
use crate::inference::tokenizer::template::ChatTemplate;
use crate::inference::{PromptPart, Role};
use crate::ingest::chunk::{ChunkOptions, chunk};
use crate::ingest::parse::{ParseLimits, ParsedFile, parse_bytes};

/// Chunks in a prompt.
pub const N_CHUNKS: usize = 3;

const INSTRUCTION_EN: &str = "You are the customer service of a shop. Answer the customer's question from the sources \
    below and from nothing else. Explain every step in full sentences, quote numbers and names exactly, and say which \
    source each sentence comes from. If the sources do not answer, tell the customer what they do say about the topic.";
const INSTRUCTION_ZH: &str = "你是商店的客服。只根据下面的资料回答顾客的问题,不得使用资料以外的内容。请用完整的句子详细说明每一个步骤,\
    准确引用数字和名称,并注明每句话出自哪条资料。如果资料没有答案,请告诉顾客资料中与此有关的内容。";

/// A prompt as parts, for us, and as the same tokens, for others.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    pub parts: Vec<PromptPart>,
    pub ids: Vec<u32>,
}

/// A prompt and how long its buyer thinks before asking.
#[derive(Debug, Clone)]
pub struct Question {
    pub prompt: Prompt,
    pub thinks: Duration,
}

/// Everything that questions are made of.
pub struct Workload {
    tokenizer: GgufTokenizer,
    template: ChatTemplate,
    /// Chunks and questions of a language.
    pools: Vec<(Lang, Vec<String>, Vec<String>)>,
}

#[derive(Deserialize)]
struct QuestionLine {
    question: String,
}

impl Workload {
    /// Reads the documents below `documents` and the questions in `questions`, a file of JSON lines with a `question`.
    pub fn load(
        tokenizer: GgufTokenizer,
        template: ChatTemplate,
        documents: &Path,
        questions: &Path,
    ) -> anyhow::Result<Self> {
        let chunks = read_chunks(documents, &tokenizer)?;
        let questions: Vec<QuestionLine> = lines::read(questions)?;
        let pool = |lang: Lang| {
            let chunks: Vec<String> = chunks.iter().filter(|text| Lang::of(text) == lang).cloned().collect();
            let questions = questions.iter().map(|line| line.question.clone());
            (lang, chunks, questions.filter(|text| Lang::of(text) == lang).collect::<Vec<_>>())
        };
        let pools: Vec<_> =
            [Lang::En, Lang::Zh].map(pool).into_iter().filter(|(_, _, asked)| !asked.is_empty()).collect();
        if pools.is_empty() {
            bail!("there is no question");
        }
        if let Some((lang, _, _)) = pools.iter().find(|(_, chunks, _)| chunks.len() < 4 * N_CHUNKS) {
            bail!("`{}` has too little text in `{}` for the questions", documents.display(), lang.code());
        }
        Ok(Self { tokenizer, template, pools })
    }

    /// `n` questions in the order in which they are asked. `mean_thinking`: before each, exponentially distributed, so
    /// that a buyer who is not waiting asks at random times (a Poisson process).
    pub fn questions(&self, n: usize, mean_thinking: Duration, seed: u64) -> Vec<Question> {
        let mut rng = StdRng::seed_from_u64(seed);
        let asked =
            self.pools.iter().enumerate().flat_map(|(pool, (_, _, asked))| asked.iter().map(move |q| (pool, q)));
        let mut asked: Vec<(usize, &String)> = asked.collect();
        asked.shuffle(&mut rng);
        let popularity: Vec<Zipf> = self.pools.iter().map(|(_, chunks, _)| Zipf::new(chunks.len(), &mut rng)).collect();
        let question = |(pool, text): (usize, &String)| {
            let (lang, chunks, _) = &self.pools[pool];
            let drawn = popularity[pool].draw(N_CHUNKS, &mut rng);
            let sources: Vec<&str> = drawn.into_iter().map(|i| chunks[i].as_str()).collect();
            let thinks = mean_thinking.mul_f64(-(1.0 - rng.random::<f64>()).ln());
            Question { prompt: self.prompt(*lang, "", &sources, text), thinks }
        };
        asked.into_iter().cycle().take(n).map(question).collect()
    }

    /// Prompts for the situations a cache can be in, each set for a shop of its own whose instruction nobody else has.
    pub fn situations(&self, index: usize) -> Situations {
        let (lang, chunks, asked) = &self.pools[index % self.pools.len()];
        let mut rng = StdRng::seed_from_u64(index as u64);
        let mut chosen: Vec<&str> = chunks.iter().map(String::as_str).collect();
        chosen.shuffle(&mut rng);
        let mut asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        asked.shuffle(&mut rng);
        let shop = format!("Shop {index}. ");
        let prompt = |sources: [&str; N_CHUNKS], question: usize| {
            self.prompt(*lang, &shop, &sources, asked[question % asked.len()])
        };
        let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|i| chosen[i]);
        Situations {
            cold: prompt([a, b, c], 0),
            instruction_seen: prompt([d, e, f], 1),
            other_question: prompt([d, e, f], 2),
            other_mix: prompt([b, f, a], 3),
        }
    }

    /// Instruction and sources are the shop's, the question is the buyer's.
    fn prompt(&self, lang: Lang, shop: &str, sources: &[&str], question: &str) -> Prompt {
        let instruction = match lang {
            Lang::En => INSTRUCTION_EN,
            Lang::Zh => INSTRUCTION_ZH,
        };
        let sources = sources.iter().enumerate().map(|(i, text)| format!("\n\n[{}] {text}", i + 1));
        let ours = [format!("{shop}{instruction}")].into_iter().chain(sources).collect::<String>();
        let part = |role, text: &str| PromptPart { role, text: text.to_owned() };
        let parts = vec![part(Role::System, &ours), part(Role::User, question)];
        let ids = self.template.render(&self.tokenizer, &parts);
        Prompt { parts, ids }
    }
}

/// Prompts to be asked in this order.
pub struct Situations {
    /// Nothing of it was ever read.
    pub cold: Prompt,
    /// The instruction was read before, with other chunks.
    pub instruction_seen: Prompt,
    /// Instruction and chunks were read before, with another question.
    pub other_question: Prompt,
    /// All chunks were read before, in other places of other prompts.
    pub other_mix: Prompt,
}

fn read_chunks(documents: &Path, tokenizer: &GgufTokenizer) -> anyhow::Result<Vec<String>> {
    let mut chunks = Vec::new();
    for (name, path) in files_below(&[documents.to_owned()])? {
        let bytes = std::fs::read(&path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        if let ParsedFile::Document(parsed) = parse_bytes(&name, &bytes, &ParseLimits::default())? {
            let count = |text: &str| tokenizer.encode(text).len();
            chunks.extend(chunk(&parsed, &ChunkOptions::default(), &count).iter().map(|chunk| chunk.indexed_text()));
        }
    }
    Ok(chunks)
}

/// Things of which the k-th most popular is k times rarer than the first.
struct Zipf {
    /// By popularity.
    things: Vec<usize>,
    /// Sums of the weights up to each.
    sums: Vec<f64>,
}

impl Zipf {
    fn new(n: usize, rng: &mut StdRng) -> Self {
        let mut things: Vec<usize> = (0..n).collect();
        things.shuffle(rng);
        let mut sum = 0.0;
        let sums = (1..=n).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self { things, sums: sums.collect() }
    }

    /// `n` different ones; there must be as many.
    fn draw(&self, n: usize, rng: &mut StdRng) -> Vec<usize> {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let mut drawn = Vec::with_capacity(n);
        while drawn.len() < n.min(self.things.len()) {
            let at = rng.random::<f64>() * total;
            let thing = self.things[self.sums.partition_point(|sum| *sum <= at).min(self.things.len() - 1)];
            if !drawn.contains(&thing) {
                drawn.push(thing);
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_popular_thing_comes_up_as_often_as_zipf_says_and_no_draw_repeats_itself() {
        let mut rng = StdRng::seed_from_u64(7);
        let zipf = Zipf::new(100, &mut rng);
        let n = 20_000;
        let firsts: Vec<usize> = (0..n).map(|_| zipf.draw(1, &mut rng)[0]).collect();
        let share = |thing: usize| firsts.iter().filter(|drawn| **drawn == thing).count() as f64 / n as f64;
        let harmonic: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [0, 1, 9] {
            let expected = 1.0 / (rank + 1) as f64 / harmonic;
            assert!((share(zipf.things[rank]) - expected).abs() < 0.02, "rank {rank}");
        }
        for _ in 0..100 {
            let mut drawn = zipf.draw(3, &mut rng);
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), 3);
        }
    }
}
