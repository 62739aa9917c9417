//! `kefu parse`, and the hidden child that reads.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::{Common, Failure, Outcome, output, serve};
use crate::ingest::parse::{parse_in_child, parse_report, run_parse_child};

#[derive(Debug, clap::Args)]
pub struct ParseArgs {
    /// Any file that could be uploaded.
    file: PathBuf,
}

pub fn run(common: &Common, args: &ParseArgs) -> Outcome {
    let config = common.config()?;
    let bytes = std::fs::read(&args.file).with_context(|| format!("`{}` cannot be read", args.file.display()))?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let reader = std::env::current_exe().context("our own program cannot be found")?;
    let limits = config.parse_limits();
    let report = parse_report(&serve::runtime(&config)?.block_on(parse_in_child(&reader, &name, &bytes, &limits)));
    output::print_json(&report)?;
    match report.error {
        Some(problem) => Err(Failure::Refused(problem.message)),
        None => Ok(()),
    }
}

/// Reads one file from standard input for the parent process.
pub fn child() -> ExitCode {
    run_parse_child()
}
