//! `kefu eval`: a fresh knowledge base, one buyer turn a question, one line a prediction.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::ingest::{add, files_below, first_shop};
use super::progress::{Bars, Unit};
use super::{Common, Outcome, lines, models, output, serve};
use crate::answer::{Answered, Ask, Timings};
use crate::app::App;
use crate::app::data_dir::DataDir;
use crate::app::demo;
use crate::config::Config;
use crate::domain::calibration::Features;
use crate::domain::decision::{Reason, decide};
use crate::domain::ids::ShopId;
use crate::domain::job::Lane;
use crate::domain::policy::{Mode, Policy};
use crate::domain::score::Confidence;
use crate::lifecycle::Lifecycle;
use crate::retrieve::Scope;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    /// The documents to know.
    #[arg(long)]
    kb: PathBuf,
    /// A line a question: `id` and `question`; nothing else is read.
    #[arg(long)]
    questions: PathBuf,
    /// Where a line a prediction goes.
    #[arg(long)]
    out: PathBuf,
    /// Confidence from which `decision` is `auto_send`; the demo's if not given.
    #[arg(long)]
    bar: Option<f64>,
    /// Ask only so many, chosen by --seed.
    #[arg(long)]
    sample: Option<usize>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Go on where an interrupted run stopped: the same documents, the questions that have no line yet.
    #[arg(long)]
    resume: bool,
    /// Only find chunks; no generator, empty answers.
    #[arg(long)]
    retrieval_only: bool,
}

#[derive(Debug, Deserialize)]
struct Asked {
    id: String,
    question: String,
}

/// A line of the output.
#[derive(Debug, Serialize)]
struct Prediction<'a> {
    id: &'a str,
    answer: &'a str,
    abstained: bool,
    confidence: Confidence,
    contexts: &'a [String],
    decision: &'static str,
    reasons: Vec<Reason>,
    features: &'a Features,
    ms: Ms,
}

/// How long the stages took, in milliseconds.
#[derive(Debug, Serialize)]
struct Ms {
    retrieve: i64,
    generate: i64,
    score: i64,
    total: i64,
}

impl From<Timings> for Ms {
    fn from(ms: Timings) -> Self {
        let score = ms.total_ms - ms.retrieve_ms - ms.draft_ms;
        Self { retrieve: ms.retrieve_ms, generate: ms.draft_ms, score, total: ms.total_ms }
    }
}

pub fn run(common: &Common, args: &EvalArgs) -> Outcome {
    let config = common.config()?;
    telemetry::start("warn", false);
    let mut questions: Vec<Asked> = lines::read(&args.questions)?;
    if questions.is_empty() {
        return Err(anyhow!("`{}` holds no question", args.questions.display()).into());
    }
    if let Some(n) = args.sample {
        questions.shuffle(&mut rand::rngs::StdRng::seed_from_u64(args.seed));
        questions.truncate(n);
    }
    let done = if args.resume { lines_of(&args.out)? } else { HashSet::new() };
    questions.retain(|asked| !done.contains(&asked.id));
    let bars = Bars::default();
    models::fetch_needed(&config, &bars)?;
    let root = args.out.with_extension("data");
    if !args.resume && root.exists() {
        std::fs::remove_dir_all(&root).with_context(|| format!("`{}` cannot be deleted", root.display()))?;
    }
    let data_dir = DataDir::open(&root)?;
    serve::runtime(&config)?.block_on(async {
        let storage = crate::config::StorageConfig { url: String::new(), ..config.storage.clone() };
        let config = Config { storage, ..config };
        let app = App::open(&config, data_dir.root(), Lifecycle::default()).await?;
        let shop = first_shop(&app).await?;
        learn_documents(&app, shop, &args.kb, &bars).await?;
        ask_all(&app, shop, args, &questions, &bars).await?;
        app.engines.vectors.close().await?;
        app.db.close().await;
        Ok(())
    })
}

async fn learn_documents(app: &App, shop: ShopId, kb: &Path, bars: &Bars) -> anyhow::Result<()> {
    let files = files_below(&[kb.to_owned()])?;
    let bar = bars.stage("reading documents", Unit::Things, files.len() as u64);
    for (name, path) in &files {
        add(app, shop, name, &std::fs::read(path)?).await?;
        app.runner.drain().await;
        bar.inc(1);
    }
    bar.finish();
    Ok(())
}

async fn ask_all(app: &App, shop: ShopId, args: &EvalArgs, questions: &[Asked], bars: &Bars) -> anyhow::Result<()> {
    let policy = Policy { bar: args.bar.unwrap_or(demo::BAR), mode: Mode::Auto, ..Policy::review_everything() };
    let mut options = std::fs::File::options();
    options.create(true).write(true).append(args.resume).truncate(!args.resume);
    let mut out = options.open(&args.out).with_context(|| format!("`{}` cannot be written", args.out.display()))?;
    let bar = bars.stage("asking", Unit::Things, questions.len() as u64);
    for asked in questions {
        let scope = Scope { shop, buyers_only: true, sku: None, platform: None, lane: Lane::Bulk };
        let ask = Ask { scope, message: asked.question.clone(), previous: None };
        let answered = match args.retrieval_only {
            true => app.answering.retrieve_only(&ask).await?,
            false => app.answering.answer(&ask, None).await?,
        };
        serde_json::to_writer(&mut out, &predict(&asked.id, &answered, &policy))?;
        writeln!(out)?;
        bar.inc(1);
    }
    bar.finish();
    output::say(&format!("{} predictions in {}", questions.len(), args.out.display()));
    Ok(())
}

fn predict<'a>(id: &'a str, answered: &'a Answered, policy: &Policy) -> Prediction<'a> {
    // The audit draw does not matter here.
    let decision = decide(&answered.evidence, policy, 1.0);
    Prediction {
        id,
        answer: &answered.draft,
        abstained: answered.abstained,
        confidence: answered.evidence.confidence,
        contexts: &answered.contexts,
        decision: decision.code(),
        reasons: decision.reasons().to_vec(),
        features: &answered.features,
        ms: answered.timings.into(),
    }
}

/// Ids that have a line already. A last line that was cut off by the interruption is an error to look at.
fn lines_of(path: &Path) -> anyhow::Result<HashSet<String>> {
    #[derive(Deserialize)]
    struct Line {
        id: String,
    }
    if !path.exists() {
        return Ok(HashSet::new());
    }
    let lines: Vec<Line> = lines::read(path).context("a line of the predictions is damaged")?;
    Ok(lines.into_iter().map(|line| line.id).collect())
}
