//! The command line: its types, and which function does what.
//!
//! Contract for scripts: results as JSON on standard output, progress on standard error. Exit codes: 0 done, 1 fault,
//! 2 wrong usage (clap's), 3 the input was refused, with the reason.

mod ask;
mod audit;
mod backtest;
mod backup;
mod bench;
mod configure;
mod demo;
mod eval;
mod eval_faq;
mod fit;
mod ingest;
mod lines;
mod models;
mod output;
mod parse;
mod progress;
mod rehearse;
mod reindex;
mod remote;
mod report;
mod sbom;
mod secrets;
mod serve;
mod user;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Flags, ServerFlags};

/// kefu: a customer-service assistant that knows the shop's manuals and says how sure it is.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// Where everything is kept but the models: database, index, uploaded files.
    #[arg(long, global = true, default_value = "data", env = "KEFU_DATA_DIR")]
    data_dir: PathBuf,
    /// A configuration file; without it, `kefu.toml` in the data directory.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch the models, open a demo shop and serve it: the whole product in one command.
    Demo(demo::DemoArgs),
    /// Serve the four rooms and do the work behind them.
    Serve(serve::ServeArgs),
    /// Ask one question as a buyer and print the answer with its sources.
    Ask(ask::AskArgs),
    /// Add documents: files, folders, archives.
    Ingest(ingest::IngestArgs),
    /// Show what is read from a file, without adding it.
    Parse(parse::ParseArgs),
    /// Fetch, import, verify or list model weights.
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// Show or check the settings.
    #[command(subcommand)]
    Config(configure::ConfigCommand),
    /// Add people, or let them choose a new password.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Check the log of what people did.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Look after the key that secrets in the database are encrypted with.
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// Rebuild the vector index from the database, without embedding again what is embedded.
    Reindex,
    /// Copy database and files while the server runs, and check the copy.
    Backup(backup::BackupArgs),
    /// Put a backup in the place of what the data directory holds; that is moved aside.
    Restore(backup::RestoreArgs),
    /// Check everything this machine needs and say what is missing.
    Doctor,
    /// Say by the exit code whether the server of these settings lives.
    Health,
    /// Ask many questions of a fresh knowledge base and write a prediction for each.
    Eval(eval::EvalArgs),
    /// Try other rules on the past: how much would have been sent, and how much of it wrong.
    Backtest(backtest::BacktestArgs),
    /// Have a running server answer a file of past questions to nobody; people judge the answers under /knowledge.
    Rehearse(rehearse::RehearseArgs),
    /// Say how many questions of an FAQ its entries would answer as golden answers, and how often rightly.
    EvalFaq(eval_faq::EvalFaqArgs),
    /// Fit the confidence to judged predictions.
    Fit(fit::FitArgs),
    /// Print what this program is made of, as a CycloneDX document.
    Sbom,
    /// Say how good the confidence is on judged predictions, with intervals, and what it rests on.
    Report(report::ReportArgs),
    /// Measure this machine.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Reads one file for the parent process, with limits.
    #[command(hide = true)]
    ParseChild,
}

/// Why a command did not do what was asked.
#[derive(Debug)]
enum Failure {
    /// Something broke, or is missing.
    Fault(anyhow::Error),
    /// The input was refused.
    Refused(String),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

type Outcome = Result<(), Failure>;

impl Common {
    fn config(&self) -> anyhow::Result<Config> {
        self.config_listening_on(None)
    }

    fn config_listening_on(&self, listen: Option<SocketAddr>) -> anyhow::Result<Config> {
        let flags = Flags { server: listen.map(|listen| ServerFlags { listen }) };
        Ok(Config::load(&self.data_dir, self.config.as_deref(), &flags)?)
    }
}

/// Runs one command to its exit code.
pub fn run(cli: Cli) -> ExitCode {
    let common = cli.common;
    let outcome = match cli.command {
        Command::Demo(args) => demo::run(&common, args),
        Command::Serve(args) => serve::run(&common, &args),
        Command::Ask(args) => ask::run(&common, &args),
        Command::Ingest(args) => ingest::run(&common, args),
        Command::Parse(args) => parse::run(&common, &args),
        Command::Models(command) => models::run(&common, command),
        Command::Config(command) => configure::run(&common, &command),
        Command::User(command) => user::run(&common, command),
        Command::Audit(command) => audit::run(&common, command),
        Command::Secrets(command) => secrets::run(&common, command),
        Command::Reindex => reindex::run(&common),
        Command::Backup(args) => backup::take(&common, args),
        Command::Restore(args) => backup::bring_back(&common, &args),
        Command::Doctor => configure::doctor(&common),
        Command::Health => configure::health(&common),
        Command::Eval(args) => eval::run(&common, &args),
        Command::Backtest(args) => backtest::run(&common, &args),
        Command::Rehearse(args) => rehearse::run(&common, &args),
        Command::EvalFaq(args) => eval_faq::run(&common, &args),
        Command::Fit(args) => fit::run(&args),
        Command::Sbom => sbom::run(),
        Command::Report(args) => report::run(&args),
        Command::Bench(command) => bench::run(&common, &command),
        Command::ParseChild => return parse::child(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Fault(error)) => output::complain(&format!("{error:#}"), 1),
        Err(Failure::Refused(reason)) => output::complain(&reason, 3),
    }
}
