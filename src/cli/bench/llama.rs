//! llama.cpp's own measuring programs, `llama-bench` and `llama-batched-bench`.
//!
//! They read random tokens, since they take no others. That is as much work as reading a text: no token costs more than
//! another, and neither they nor we guess ahead here.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::child;

/// Where the programs are and what they work on.
pub struct Llama {
    dir: PathBuf,
    model: PathBuf,
    threads: usize,
}

/// A line of `llama-bench`.
#[derive(Deserialize)]
struct BenchLine {
    n_prompt: usize,
    n_gen: usize,
    n_depth: usize,
    avg_ts: f64,
}

/// A line of `llama-batched-bench`.
#[derive(Deserialize)]
struct BatchedLine {
    pl: usize,
    speed_tg: f64,
}

/// Both ways in which llama.cpp computes attention; the faster one counts.
pub const FLASH: [&str; 2] = ["0", "1"];

impl Llama {
    /// Fails when a program is missing.
    pub fn open(dir: &Path, model: &Path, threads: usize) -> anyhow::Result<Self> {
        for program in ["llama-bench", "llama-batched-bench", "llama-server"] {
            if !dir.join(program).is_file() {
                bail!("`{}` has no `{program}`\nhint: it is where llama.cpp's build puts its programs", dir.display());
            }
        }
        Ok(Self { dir: dir.to_owned(), model: model.to_owned(), threads })
    }

    /// One of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The arguments that every program gets.
    pub fn arguments(&self) -> Vec<String> {
        let (model, threads) = (self.model.display().to_string(), self.threads.to_string());
        ["-m".to_owned(), model, "-t".to_owned(), threads].into()
    }

    /// Its version, as it names it.
    pub async fn version(&self) -> anyhow::Result<String> {
        let finished = child::run(&self.program("llama-server"), &["--version".to_owned()]).await?;
        let said = [finished.stdout, finished.stderr].concat();
        let line = said.lines().find(|line| line.starts_with("version"));
        Ok(line.unwrap_or("llama.cpp of an unknown version").to_owned())
    }

    /// Speed of reading prompts of these lengths.
    pub async fn prefill(&self, lengths: &[usize], flash: &str) -> anyhow::Result<Vec<f64>> {
        let list: Vec<String> = lengths.iter().map(usize::to_string).collect();
        let lines = self.bench(&["-p", &list.join(","), "-n", "0", "-fa", flash]).await?.0;
        let speed = |len: &usize| {
            let line = lines.iter().find(|line| line.n_prompt == *len && line.n_gen == 0);
            line.map(|line| line.avg_ts).with_context(|| format!("llama-bench says nothing about {len} tokens"))
        };
        lengths.iter().map(speed).collect()
    }

    /// Speed of writing `n` tokens after `context`, which is not part of it.
    pub async fn decode(&self, context: usize, n: usize, flash: &str) -> anyhow::Result<f64> {
        let (context_arg, n_arg) = (context.to_string(), n.to_string());
        let lines = self.bench(&["-p", "0", "-n", &n_arg, "-d", &context_arg, "-fa", flash]).await?.0;
        let line = lines.iter().find(|line| line.n_gen == n && line.n_depth == context);
        Ok(line.context("llama-bench says nothing about writing")?.avg_ts)
    }

    /// Most memory it holds while it reads a prompt and writes after it.
    pub async fn peak_bytes(&self, context: usize, n: usize) -> anyhow::Result<u64> {
        Ok(self.bench(&["-p", "0", "-n", "0", "-pg", &format!("{context},{n}")]).await?.1)
    }

    /// One repetition after its own warm-up.
    async fn bench(&self, args: &[&str]) -> anyhow::Result<(Vec<BenchLine>, u64)> {
        let mut all = self.arguments();
        all.extend(["-r", "1", "-o", "jsonl"].into_iter().chain(args.iter().copied()).map(str::to_owned));
        let finished = child::run(&self.program("llama-bench"), &all).await?;
        let lines = finished.stdout.lines().filter(|line| line.starts_with('{'));
        let lines = lines.map(serde_json::from_str).collect::<Result<_, _>>().context("llama-bench's output")?;
        Ok((lines, finished.peak_bytes))
    }

    /// Speed of writing `n` tokens after each of `n_sequences` prompts of `context` tokens, all together.
    pub async fn decode_together(
        &self,
        n_sequences: &[usize],
        (context, n): (usize, usize),
        flash: &str,
    ) -> anyhow::Result<Vec<f64>> {
        let most = n_sequences.iter().copied().max().unwrap_or(1);
        let list: Vec<String> = n_sequences.iter().map(usize::to_string).collect();
        let flash = if flash == "1" { "on" } else { "off" };
        let mut all = self.arguments();
        let own = [
            ("-c", (most * (context + n)).to_string()),
            ("-npp", context.to_string()),
            ("-ntg", n.to_string()),
            ("-npl", list.join(",")),
            ("-fa", flash.to_owned()),
            ("--output-format", "jsonl".to_owned()),
        ];
        all.extend(own.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        let finished = child::run(&self.program("llama-batched-bench"), &all).await?;
        let lines = finished.stdout.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<BatchedLine> =
            lines.map(serde_json::from_str).collect::<Result<_, _>>().context("llama-batched-bench's output")?;
        let speed = |n: &usize| {
            let line = lines.iter().find(|line| line.pl == *n);
            line.map(|line| line.speed_tg).with_context(|| format!("llama-batched-bench skipped {n} sequences"))
        };
        n_sequences.iter().map(speed).collect()
    }
}
