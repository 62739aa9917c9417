//! `kefu bench generate`: reading and writing without anything around it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use tokio::runtime::Runtime;

use super::child;
use super::llama::{FLASH, Llama};
use super::report::{Machine, ModelFile, Report, Row};
use super::{Contest, output, read_ids, runtime};
use crate::cli::Outcome;
use crate::inference::engine::bench::DecoderBench;

/// The name of the rival in the report.
const LLAMA: &str = "llama.cpp";

#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    contest: Contest,
    /// Lengths of the prompts; writing is measured after the longest.
    #[arg(long, value_delimiter = ',', default_values_t = [128, 512, 900])]
    prompt_tokens: Vec<usize>,
    /// Tokens to write.
    #[arg(long, default_value_t = 48)]
    decode: usize,
    /// Numbers of sequences that write together.
    #[arg(long, value_delimiter = ',', default_values_t = [4, 16])]
    together: Vec<usize>,
    /// Length of their prompts.
    #[arg(long, default_value_t = 256)]
    together_prompt_tokens: usize,
    /// A file with token ids of a text, between any separators, for our prompts. A fixed text if it is left out.
    #[arg(long)]
    ids: Option<PathBuf>,
    /// Read the longest prompt, write after it, print the most memory this process held, in bytes; nothing else.
    #[arg(long, hide = true)]
    memory: bool,
}

/// One thing to measure.
#[derive(Debug, Clone, Copy)]
enum Measure {
    Prefill(usize),
    Decode(usize),
    Together(usize),
}

pub fn run(args: &GenerateArgs) -> Outcome {
    let threads = args.contest.init_threads();
    let machine = Machine::look(threads);
    let ids = args.ids.as_deref().map(read_ids).transpose()?;
    let ours = DecoderBench::load(&args.contest.model, ids)?;
    let longest = args.prompt_tokens.iter().copied().max().unwrap_or(1);
    if args.memory {
        ours.decode(longest, args.decode)?;
        let peak =
            child::peak_bytes_of(std::process::id()).context("this system does not say how much memory we held")?;
        output::print_json(&peak)?;
        return Ok(());
    }
    let runtime = runtime()?;
    let open = |dir: &PathBuf| Llama::open(dir, &args.contest.model, threads);
    let llama = args.contest.rival.as_ref().map(open).transpose()?;
    let measures: Vec<Measure> = args
        .prompt_tokens
        .iter()
        .map(|len| Measure::Prefill(*len))
        .chain([Measure::Decode(longest)])
        .chain(args.together.iter().map(|n| Measure::Together(*n)))
        .collect();
    ours.prefill(longest.min(64))?;
    let mut of_us = vec![Vec::new(); measures.len()];
    // By way of attention, then by measure.
    let mut of_llama = vec![vec![Vec::new(); measures.len()]; FLASH.len()];
    for _ in 0..args.contest.runs.max(1) {
        for (measure, speeds) in measures.iter().zip(&mut of_us) {
            speeds.push(match *measure {
                Measure::Prefill(len) => ours.prefill(len)?,
                Measure::Decode(context) => ours.decode(context, args.decode)?,
                Measure::Together(n) => ours.decode_together(n, args.together_prompt_tokens, args.decode)?,
            });
        }
        for (flash, speeds) in FLASH.iter().zip(&mut of_llama) {
            let Some(llama) = &llama else { continue };
            let measured = runtime.block_on(measure_llama(llama, args, longest, flash))?;
            speeds.iter_mut().zip(measured).for_each(|(speeds, speed)| speeds.push(speed));
        }
    }
    let mut rows = Vec::new();
    for (i, measure) in measures.iter().enumerate() {
        let rival = llama.as_ref().map(|_| (LLAMA.to_owned(), faster(of_llama.iter().map(|flash| &flash[i]))));
        rows.push(Row::new(measure.words(args), "tok/s", of_us[i].clone(), rival)?);
    }
    rows.push(Row::new("load and pack the weights", "ms", vec![ours.load_time().as_secs_f64() * 1e3], [])?);
    drop(ours);
    rows.push(peak_memory(args, llama.as_ref(), longest, &runtime)?);
    let mut rivals = BTreeMap::new();
    if let Some(llama) = &llama {
        let version = runtime.block_on(llama.version())?;
        let programs = "llama-bench, llama-batched-bench, the better of -fa 0 and 1";
        rivals.insert(LLAMA.to_owned(), format!("{version}: {programs}, {}", llama.arguments().join(" ")));
    }
    Report { machine, model: ModelFile::of(&args.contest.model)?, rivals, rows }.print()?;
    Ok(())
}

impl Measure {
    fn words(self, args: &GenerateArgs) -> String {
        match self {
            Self::Prefill(len) => format!("read a prompt of {len} tokens"),
            Self::Decode(context) => format!("write after {context} tokens, one sequence, no guessing"),
            Self::Together(n) => {
                format!("write after {} tokens, {n} sequences, in sum", args.together_prompt_tokens)
            }
        }
    }
}

/// One speed for each measure, in the order of [`run`].
async fn measure_llama(llama: &Llama, args: &GenerateArgs, longest: usize, flash: &str) -> anyhow::Result<Vec<f64>> {
    let mut speeds = llama.prefill(&args.prompt_tokens, flash).await?;
    speeds.push(llama.decode(longest, args.decode, flash).await?);
    if !args.together.is_empty() {
        let lengths = (args.together_prompt_tokens, args.decode);
        speeds.extend(llama.decode_together(&args.together, lengths, flash).await?);
    }
    Ok(speeds)
}

/// The measurements of the way of attention that was faster on the whole.
fn faster<'a>(ways: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    let sum = |speeds: &&Vec<f64>| speeds.iter().sum::<f64>();
    ways.max_by(|a, b| sum(a).total_cmp(&sum(b))).cloned().unwrap_or_default()
}

/// Each in a fresh process that reads one prompt and writes after it.
fn peak_memory(args: &GenerateArgs, llama: Option<&Llama>, longest: usize, runtime: &Runtime) -> anyhow::Result<Row> {
    let ourselves = std::env::current_exe().context("our own program cannot be found")?;
    let own = [
        ("--model", args.contest.model.display().to_string()),
        ("--threads", args.contest.threads.to_string()),
        ("--prompt-tokens", longest.to_string()),
        ("--decode", args.decode.to_string()),
    ];
    let own = own.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
    let arguments: Vec<String> = ["bench", "generate", "--memory"].map(str::to_owned).into_iter().chain(own).collect();
    let printed = runtime.block_on(child::run(&ourselves, &arguments))?.stdout;
    let ours: u64 = printed.trim().parse().map_err(|_| anyhow!("no number of bytes: {printed}"))?;
    let rival = llama.map(|llama| runtime.block_on(llama.peak_bytes(longest, args.decode))).transpose()?;
    let mib = |bytes: u64| vec![bytes as f64 / f64::from(1 << 20)];
    let what = format!("most memory, {longest} tokens read and {} written", args.decode);
    Row::new(what, "MiB", mib(ours), rival.map(|bytes| (LLAMA.to_owned(), mib(bytes))))
}
