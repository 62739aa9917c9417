//! `kefu bench`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use serde::Deserialize;

use super::{Common, Outcome, output};
use crate::app::engines::embedder_entry;
use crate::inference::device;
use crate::inference::embedder::bench::bench_embed;
use crate::inference::engine::bench::{BenchOptions, bench_generate};
use crate::inference::weights::{Manifest, Weights};

/// Measure this machine.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// How fast a model file reads and writes; nothing is reused, nothing is guessed ahead.
    Generate(GenerateArgs),
    /// How fast texts are embedded, in turns with candle's own model in f32 on the same weights.
    Embed(EmbedArgs),
}

#[derive(Debug, clap::Args)]
pub struct EmbedArgs {
    /// A file with one JSON object a line; its `text` is embedded.
    #[arg(long)]
    texts: PathBuf,
    /// 0: as many as this process may use.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Repetitions; medians are printed.
    #[arg(long, default_value_t = 3)]
    runs: usize,
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

pub fn run(common: &Common, command: &BenchCommand) -> Outcome {
    match command {
        BenchCommand::Generate(args) => generate(args),
        BenchCommand::Embed(args) => embed(common, args),
    }
}

fn embed(common: &Common, args: &EmbedArgs) -> Outcome {
    device::init_threads(args.threads);
    let config = common.config()?;
    let manifest = Manifest::built_in();
    let entry = embedder_entry(&manifest, &config)?;
    let files = entry.embedder_files(&Weights::new(config.models_dir()));
    let files = files.with_context(|| format!("`{}` is no embedder", entry.id))?;
    output::print_json(&bench_embed(&files, &read_texts(&args.texts)?, args.runs)?)?;
    Ok(())
}

#[derive(Deserialize)]
struct TextLine {
    text: String,
}

fn read_texts(path: &Path) -> anyhow::Result<Vec<String>> {
    let lines = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    let text = |(i, line)| {
        let line: TextLine =
            serde_json::from_str(line).with_context(|| format!("`{}`, line {}", path.display(), i + 1))?;
        Ok(line.text)
    };
    lines.enumerate().map(text).collect()
}

fn generate(args: &GenerateArgs) -> Outcome {
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
