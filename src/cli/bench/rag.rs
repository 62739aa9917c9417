//! `kefu bench rag`: buyers who ask about documents, at the same time, of us and of llama.cpp's server.
//!
//! # Why
//! This is what a shop's machine does all day. A draft is 3 chunks read and an answer written; no answer is ever taken
//! from a cache of answers. Every buyer waits for the draft, thinks for a random time and asks the next question. All
//! engines get the same questions as the same tokens in the same order, in turns: a block of questions each.
//!
//! **Units**: times are wall-clock as the buyer sees them, from the question to the first piece of text or to the end.
//! Search, templates, tokenizing and the network of a real shop are not part of it; what the server spends on HTTP is.
//! Answers end where the model ends them, at the latest after `--answer-tokens`; their length is a row of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use futures::future::try_join_all;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::child;
use super::llama::Llama;
use super::report::{Machine, ModelFile, Report, Row};
use super::server::{Answered, LlamaServer};
use super::workload::{Prompt, Question, Situations, Workload};
use super::{Contest, runtime};
use crate::cli::Outcome;
use crate::inference::engine::gguf::GgufFile;
use crate::inference::engine::state::wait_until_loaded;
use crate::inference::generator::{CandleGenerator, GeneratorFiles, GeneratorOptions};
use crate::inference::tokenizer::GgufTokenizer;
use crate::inference::tokenizer::template::ChatTemplate;
use crate::inference::{Asker, GenerateRequest, Generator, Lane};

#[derive(Debug, clap::Args)]
pub struct RagArgs {
    #[command(flatten)]
    contest: Contest,
    /// A folder with documents.
    #[arg(long)]
    kb: PathBuf,
    /// A file of JSON lines with a `question` each.
    #[arg(long)]
    questions: PathBuf,
    /// Questions asked for each number of buyers; they are divided into `--runs` blocks.
    #[arg(long, default_value_t = 200)]
    n: usize,
    /// Numbers of buyers.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16])]
    buyers: Vec<usize>,
    /// Longest answer.
    #[arg(long, default_value_t = 120)]
    answer_tokens: usize,
    /// How long a buyer thinks before asking, on average.
    #[arg(long, default_value_t = 1000)]
    think_ms: u64,
    /// The workload; another seed asks in another order about other chunks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What to measure.
    #[arg(long, value_enum, default_value_t = Part::All)]
    part: Part,
    /// What the tuned server is started with; `{slots}` becomes the number of buyers, at least 4, and `{context}` what
    /// that many prompts and answers need.
    #[arg(long, default_value = TUNED)]
    tuned: String,
}

/// Slots for all buyers, a cache that also shifts what it has, and guesses of the size of ours.
const TUNED: &str = "-np {slots} -c {context} -fa on --cache-reuse 256 --spec-type ngram-simple --spec-ngram-simple-size-n 3 \
                     --spec-ngram-simple-size-m 3";

/// Room for the longest prompt and its answer.
const SLOT_TOKENS: usize = 2048;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Time to the first token by what was read before, one question at a time.
    First,
    /// Drafts a minute.
    Load,
    /// Both.
    All,
}

/// Somebody who answers.
enum Engine {
    Kefu(CandleGenerator),
    Llama(LlamaServer),
}

/// What an engine did of one thing, by the order of the engines.
type ByEngine<T> = Vec<T>;

pub fn run(args: &RagArgs) -> Outcome {
    let threads = args.contest.init_threads();
    let machine = Machine::look(threads);
    let file = GgufFile::open(&args.contest.model).map_err(|e| anyhow!(e))?;
    let tokenizer = GgufTokenizer::load(&file)?;
    let template = ChatTemplate::load(&file, &tokenizer)?;
    let workload = Workload::load(tokenizer, template, &args.kb, &args.questions)?;
    let open = |dir: &PathBuf| Llama::open(dir, &args.contest.model, threads);
    let llama = args.contest.rival.as_ref().map(open).transpose()?;
    let bench = Bench { args, workload, llama };
    let (rivals, rows) = runtime()?.block_on(bench.measure())?;
    Report { machine, model: ModelFile::of(&args.contest.model)?, rivals, rows }.print()?;
    Ok(())
}

struct Bench<'a> {
    args: &'a RagArgs,
    workload: Workload,
    llama: Option<Llama>,
}

/// Names of the rivals, and what each was started with.
const RIVALS: [&str; 2] = ["llama-server", "llama-server tuned"];

impl Bench<'_> {
    async fn measure(&self) -> anyhow::Result<(BTreeMap<String, String>, Vec<Row>)> {
        let mut rows = Vec::new();
        if self.args.part != Part::Load {
            rows.extend(self.first_tokens().await?);
        }
        if self.args.part != Part::First {
            for n_buyers in &self.args.buyers {
                rows.extend(self.load(*n_buyers).await?);
            }
        }
        let mut rivals = BTreeMap::new();
        if let Some(llama) = &self.llama {
            let version = llama.version().await?;
            let own = llama.arguments().join(" ");
            for (name, extra) in RIVALS.iter().zip(["", &self.args.tuned]) {
                rivals.insert((*name).to_owned(), format!("{version}: llama-server {own} {extra}").trim().to_owned());
            }
        }
        Ok((rivals, rows))
    }

    /// Ours, then the rivals in the order of [`RIVALS`].
    async fn engines(&self, n_buyers: usize) -> anyhow::Result<ByEngine<Engine>> {
        let files = GeneratorFiles { id: "bench".to_owned(), gguf: self.args.contest.model.clone() };
        // Nobody is sent away here, however long the others before him take.
        let options = GeneratorOptions { max_wait_ms: 3_600_000, ..GeneratorOptions::default() };
        let ours = CandleGenerator::open(files, options);
        wait_until_loaded(ours.state()).await.map_err(|reason| anyhow!(reason))?;
        let mut engines = vec![Engine::Kefu(ours)];
        if let Some(llama) = &self.llama {
            let slots = n_buyers.max(4);
            let tuned = self.args.tuned.replace("{slots}", &slots.to_string());
            let tuned = tuned.replace("{context}", &(slots * SLOT_TOKENS).to_string());
            for extra in ["", &tuned] {
                let extra: Vec<String> = extra.split_whitespace().map(str::to_owned).collect();
                engines.push(Engine::Llama(LlamaServer::start(llama, &extra).await?));
            }
        }
        Ok(engines)
    }

    /// Rows from what each engine measured, ours first.
    fn row(&self, what: String, unit: &'static str, mut values: ByEngine<Vec<f64>>) -> anyhow::Result<Row> {
        let rivals = values.split_off(1);
        let rivals = RIVALS.iter().map(|name| (*name).to_owned()).zip(rivals);
        Row::new(what, unit, values.remove(0), rivals)
    }
}

/// Situations of [`Bench::first_tokens`], in the order in which they are asked.
const SITUATIONS: [&str; 4] = [
    "nothing read before",
    "instruction read before",
    "chunks read before, other question",
    "chunks read before, other mix",
];

impl Bench<'_> {
    /// Time to the first token when nobody else asks.
    async fn first_tokens(&self) -> anyhow::Result<Vec<Row>> {
        let engines = self.engines(1).await?;
        let mut first = vec![vec![Vec::new(); engines.len()]; SITUATIONS.len()];
        let mut reused = first.clone();
        let mut lengths = vec![Vec::new(); SITUATIONS.len()];
        for run in 0..self.args.contest.runs.max(1) {
            let Situations { cold, instruction_seen, other_question, other_mix } = self.workload.situations(run);
            let prompts = [cold, instruction_seen, other_question, other_mix];
            for (situation, prompt) in prompts.iter().enumerate() {
                lengths[situation].push(prompt.ids.len());
                for (i, engine) in engines.iter().enumerate() {
                    // The shop's number keeps what it has read from what other shops have.
                    let asker = asker(run as u128, situation as u128);
                    // Two tokens: an answer of one ends before its first piece is sent.
                    let answered = engine.ask(prompt, 2, asker).await?;
                    first[situation][i].push(answered.first.as_secs_f64() * 1e3);
                    reused[situation][i].push(answered.reused_tokens as f64);
                }
            }
        }
        let mut rows = Vec::new();
        for (situation, words) in SITUATIONS.iter().enumerate() {
            lengths[situation].sort_unstable();
            let middle = lengths[situation][lengths[situation].len() / 2];
            let (first, reused) = (first[situation].clone(), reused[situation].clone());
            rows.push(self.row(format!("first token, {words} (about {middle} tokens)"), "ms", first)?);
            rows.push(self.row(format!("tokens not read again, {words}"), "tokens", reused)?);
        }
        Ok(rows)
    }

    /// Drafts a minute for so many buyers.
    async fn load(&self, n_buyers: usize) -> anyhow::Result<Vec<Row>> {
        let engines = self.engines(n_buyers).await?;
        let thinking = Duration::from_millis(self.args.think_ms);
        let questions = self.workload.questions(self.args.n, thinking, self.args.seed);
        let per_block = self.args.n.div_ceil(self.args.contest.runs.max(1)).max(1);
        let mut of: ByEngine<Loaded> = engines.iter().map(|_| Loaded::default()).collect();
        let shop = 1 << 64 | n_buyers as u128;
        for (i, block) in questions.chunks(per_block).enumerate() {
            for turn in 0..engines.len() {
                // Nobody is always the first.
                let engine = (i + turn) % engines.len();
                let asker = |at: usize| asker(shop, (i * per_block + at) as u128);
                of[engine].add(self.ask_block(&engines[engine], block, n_buyers, asker).await?);
            }
        }
        let mut rows = Vec::new();
        let mut row = |what: &str, unit, values: fn(&Loaded) -> Vec<f64>| {
            let values = of.iter().map(values).collect();
            rows.push(self.row(format!("{what}, {n_buyers} buyers"), unit, values)?);
            anyhow::Ok(())
        };
        row("drafts a minute", "1/min", |of| of.drafts_per_minute.clone())?;
        row("time to the first token", "ms", |of| of.millis(|answered| answered.first))?;
        row("time to the whole draft", "ms", |of| of.millis(|answered| answered.total))?;
        row("writing speed of a draft", "tok/s", Loaded::writing)?;
        row("length of an answer", "tokens", |of| of.answers.iter().map(|a| a.n_tokens as f64).collect())?;
        row("tokens not read again", "tokens", |of| of.answers.iter().map(|a| a.reused_tokens as f64).collect())?;
        let peaks = engines.iter().map(|engine| engine.peak_mib().map(|mib| vec![mib]));
        let peaks = peaks.collect::<Option<_>>().context("this system does not say how much memory was held")?;
        rows.push(self.row(format!("most memory, {n_buyers} buyers"), "MiB", peaks)?);
        Ok(rows)
    }
}

impl Bench<'_> {
    /// Lets buyers ask a block of questions; who is free takes the next one. Drafts a minute, and all answers.
    async fn ask_block(
        &self,
        engine: &Engine,
        block: &[Question],
        n_buyers: usize,
        asker: impl Fn(usize) -> Asker,
    ) -> anyhow::Result<(f64, Vec<Answered>)> {
        let next = AtomicUsize::new(0);
        let buyer = async || {
            let mut answers = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(question) = block.get(at) else { return anyhow::Ok(answers) };
                tokio::time::sleep(question.thinks).await;
                answers.push(engine.ask(&question.prompt, self.args.answer_tokens, asker(at)).await?);
            }
        };
        let started = Instant::now();
        let answers = try_join_all((0..n_buyers).map(|_| buyer())).await?;
        let per_minute = block.len() as f64 * 60.0 / started.elapsed().as_secs_f64();
        Ok((per_minute, answers.into_iter().flatten().collect()))
    }
}

/// What an engine did under load.
#[derive(Default)]
struct Loaded {
    /// By block.
    drafts_per_minute: Vec<f64>,
    answers: Vec<Answered>,
}

impl Loaded {
    fn add(&mut self, (drafts_per_minute, answers): (f64, Vec<Answered>)) {
        self.drafts_per_minute.push(drafts_per_minute);
        self.answers.extend(answers);
    }

    fn millis(&self, of: impl Fn(&Answered) -> Duration) -> Vec<f64> {
        self.answers.iter().map(|answered| of(answered).as_secs_f64() * 1e3).collect()
    }

    /// Tokens a second after the first, of each answer.
    fn writing(&self) -> Vec<f64> {
        let speed = |answered: &Answered| {
            let seconds = (answered.total - answered.first).as_secs_f64();
            (answered.n_tokens > 1).then(|| (answered.n_tokens - 1) as f64 / seconds)
        };
        self.answers.iter().filter_map(speed).collect()
    }
}

fn asker(shop: u128, conversation: u128) -> Asker {
    let id = |n: u128| Some(Uuid::from_u128(n));
    Asker { lane: Lane::Interactive, shop: id(shop), conversation: id(conversation) }
}

impl Engine {
    async fn ask(&self, prompt: &Prompt, max_tokens: usize, asker: Asker) -> anyhow::Result<Answered> {
        match self {
            Self::Llama(server) => server.ask(&prompt.ids, max_tokens).await,
            Self::Kefu(generator) => ask_ours(generator, prompt, max_tokens, asker).await,
        }
    }

    /// Of us: of this whole process.
    fn peak_mib(&self) -> Option<f64> {
        let bytes = match self {
            Self::Llama(server) => server.peak_bytes(),
            Self::Kefu(_) => child::peak_bytes_of(std::process::id()),
        };
        Some(bytes? as f64 / f64::from(1 << 20))
    }
}

async fn ask_ours(
    generator: &CandleGenerator,
    prompt: &Prompt,
    max_tokens: usize,
    asker: Asker,
) -> anyhow::Result<Answered> {
    let (sender, mut pieces) = mpsc::channel(max_tokens + 1);
    let request =
        GenerateRequest { prompt: prompt.parts.clone(), max_output_tokens: max_tokens, stop: Vec::new(), asker };
    let started = Instant::now();
    let first = async {
        pieces.recv().await;
        started.elapsed()
    };
    let (generated, first) = tokio::join!(generator.generate(request, Some(sender)), first);
    let generated = generated?;
    anyhow::ensure!(generated.prompt_tokens == prompt.ids.len(), "we read other tokens than the others");
    let (n_tokens, reused_tokens) = (generated.tokens.len(), generated.reused_tokens);
    Ok(Answered { first, total: started.elapsed(), n_tokens, reused_tokens })
}
