//! `kefu bench`: this machine measured, side by side with others where they are there.
//!
//! # Why
//! A speed means something only beside another one from the same minute of the same machine. So every comparison lets
//! the engines take turns, measures each several times, and reports medians with their quartiles. All read the same
//! file with the same number of threads; nothing else should run. What is not the same is said where it is measured
//! ([`llama`], [`workload`]).

mod child;
mod generate;
mod llama;
mod rag;
mod report;
mod server;
mod workload;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use serde::Deserialize;

use super::{Common, Outcome, lines, output};
use crate::app::engines::embedder_entry;
use crate::inference::device;
use crate::inference::embedder::bench::bench_embed;
use crate::inference::weights::{Manifest, Weights};

/// Measure this machine.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// How fast a model file reads and writes; nothing is reused, nothing is guessed ahead.
    Generate(generate::GenerateArgs),
    /// How fast questions about documents are answered, by buyers who ask at the same time.
    Rag(rag::RagArgs),
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

/// Which engines are measured, and how often.
#[derive(Debug, clap::Args)]
struct Contest {
    /// A GGUF file, for every engine.
    #[arg(long)]
    model: PathBuf,
    /// A folder with llama.cpp's programs, to measure them in turns with ours.
    #[arg(long, value_name = "DIR")]
    rival: Option<PathBuf>,
    /// Of every engine; 0: as many as this process may use.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Repetitions of every measurement.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

impl Contest {
    /// Tells the pools of this process how large they are; the number for the others.
    fn init_threads(&self) -> usize {
        device::init_threads(self.threads);
        if self.threads == 0 { device::usable_cpus() } else { self.threads }
    }
}

pub fn run(common: &Common, command: &BenchCommand) -> Outcome {
    match command {
        BenchCommand::Generate(args) => generate::run(args),
        BenchCommand::Rag(args) => rag::run(args),
        BenchCommand::Embed(args) => embed(common, args),
    }
}

/// Waits for other programs and for engine threads; computes nothing itself.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime can be started")
}

fn embed(common: &Common, args: &EmbedArgs) -> Outcome {
    device::init_threads(args.threads);
    let config = common.config()?;
    let manifest = Manifest::built_in();
    let entry = embedder_entry(&manifest, &config)?;
    let files = entry.embedder_files(&Weights::new(config.models_dir()));
    let files = files.with_context(|| format!("`{}` is no embedder", entry.id))?;
    let texts: Vec<TextLine> = lines::read(&args.texts)?;
    let texts: Vec<String> = texts.into_iter().map(|line| line.text).collect();
    output::print_json(&bench_embed(&files, &texts, args.runs)?)?;
    Ok(())
}

#[derive(Deserialize)]
struct TextLine {
    text: String,
}

fn read_ids(path: &Path) -> anyhow::Result<Vec<u32>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    numbers.map(|number| number.parse().with_context(|| format!("no token id: {number}"))).collect()
}
