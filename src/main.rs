//! Parses the command line and hands over.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    kefu::cli::run(kefu::cli::Cli::parse())
}
