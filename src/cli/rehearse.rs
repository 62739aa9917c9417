//! `kefu rehearse`: has a running server answer a file of past questions to nobody, and says what comes of it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::progress::{Bars, Unit};
use super::remote::Remote;
use super::{Common, Failure, Outcome, output};

/// How often the server is asked how far it has come.
const POLL: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub struct RehearseArgs {
    /// Past questions: CSV, XLSX, JSON, JSONL or TXT.
    file: PathBuf,
    /// Returns as soon as the server has the file; answering goes on there.
    #[arg(long)]
    no_wait: bool,
    /// The promise to look at: the largest share of wrong answers. The shop's, or else 0.05, if not given.
    #[arg(long)]
    target: Option<f64>,
}

pub fn run(common: &Common, args: &RehearseArgs) -> Outcome {
    let Some(remote) = Remote::of(&common.data_dir) else {
        return Err(Failure::Refused(
            "no server runs on this data directory\nhint: start one with `kefu serve`".into(),
        ));
    };
    let bytes = std::fs::read(&args.file).with_context(|| format!("`{}` cannot be read", args.file.display()))?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut rehearsal: Value = remote.upload("/v1/knowledge/rehearsals", &name, &bytes)?;
    if !args.no_wait {
        rehearsal = follow(&remote, rehearsal)?;
    }
    let path = match args.target {
        Some(target) => format!("/v1/knowledge/rehearsal-result?target={target}"),
        None => "/v1/knowledge/rehearsal-result".to_owned(),
    };
    let result: Value = remote.get(&path)?;
    output::print_json(&serde_json::json!({ "rehearsal": rehearsal, "result": result }))?;
    match rehearsal["problem"]["message"].as_str() {
        Some(message) => Err(Failure::Refused(message.to_owned())),
        None => Ok(()),
    }
}

/// Waits until the server is done with the file, or somebody has stopped it there.
fn follow(remote: &Remote, mut rehearsal: Value) -> anyhow::Result<Value> {
    let id = rehearsal["id"].as_str().context("the server's answer has no id")?.to_owned();
    let count = |rehearsal: &Value, name: &str| rehearsal[name].as_u64().unwrap_or_default();
    let bars = Bars::default();
    let bar = bars.stage("answering past questions", Unit::Things, 0);
    while matches!(rehearsal["state"].as_str(), Some("reading" | "answering")) {
        // A command has nothing else to do meanwhile.
        #[expect(clippy::disallowed_methods, reason = "there is no async work in this thread to hold up")]
        std::thread::sleep(POLL);
        rehearsal = remote.get(&format!("/v1/knowledge/rehearsals/{id}"))?;
        bar.set_length(count(&rehearsal, "n_questions"));
        bar.set_position(count(&rehearsal, "n_answered") + count(&rehearsal, "n_failed"));
    }
    bar.finish();
    Ok(rehearsal)
}
