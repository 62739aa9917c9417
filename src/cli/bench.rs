//! `kefu bench`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;

use super::{Common, Outcome, output};
use crate::inference::device;
use crate::inference::engine::bench::{BenchOptions, bench_generate};

/// Measure this machine.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// How fast a model file reads and writes; nothing is reused, nothing is guessed ahead.
    Generate(GenerateArgs),
}

#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    /// A GGUF file.
    #[arg(long)]
    model: PathBuf,
    /// Lengths of the prompts.
    #[arg(long, value_delimiter = ',', default_values_t = [128, 512, 900])]
    prompt_tokens: Vec<usize>,
    /// Tokens to write after the longest prompt.
    #[arg(long, default_value_t = 48)]
    decode: usize,
    /// 0: as many as this process may use.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Repetitions; medians are printed.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// A file with the prompt's token ids, between any separators: the same tokens for every engine.
    #[arg(long)]
    ids: Option<PathBuf>,
}

pub fn run(_common: &Common, command: &BenchCommand) -> Outcome {
    let BenchCommand::Generate(args) = command;
    device::init_threads(args.threads);
    let ids = args.ids.as_ref().map(read_ids).transpose()?;
    let options = BenchOptions { prompt_tokens: args.prompt_tokens.clone(), decode: args.decode, runs: args.runs, ids };
    output::print_json(&bench_generate(&args.model, &options)?)?;
    Ok(())
}

fn read_ids(path: &PathBuf) -> anyhow::Result<Vec<u32>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    numbers.map(|number| number.parse().with_context(|| format!("no token id: {number}"))).collect()
}
