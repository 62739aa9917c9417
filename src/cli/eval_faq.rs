//! `kefu eval-faq`: how many questions the golden answers meet, and how often the right one.
//!
//! Every question is asked twice: of all entries, and of all but the right one, where whatever is met is wrong. The
//! confidences are out of fold: each is from a fit that saw no question about the same entry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::lines::read;
use super::progress::{Bars, Unit};
use super::{Common, Outcome, models, output, serve};
use crate::answer::claims;
use crate::answer::golden::{self, Asked, Index};
use crate::app::engines;
use crate::domain::document::Audience;
use crate::domain::ids::GoldenId;
use crate::domain::text::Lang;
use crate::inference::embedder::CandleEmbedder;
use crate::inference::weights::{Manifest, Weights};
use crate::inference::{EmbedRole, Embedder, Lane};
use crate::learn::calibrate::{FitOptions, Row, fit};
use crate::storage::golden::{LiveGolden, LivePhrasing};
use crate::telemetry;

/// Texts embedded at once, and the inbox they go through.
const BATCH: usize = 32;
/// Bootstrap resamples of groups.
const N_RESAMPLES: usize = 1_000;
/// What a match is made of.
const FEATURES: [&str; 4] = ["golden_margin", "golden_similarity", "golden_overlap", "golden_coverage"];

#[derive(Debug, clap::Args)]
pub struct EvalFaqArgs {
    /// A line an entry: `id`, `pairs` of `question` and `answers`.
    #[arg(long)]
    corpus: PathBuf,
    /// A line a question: `id`, `question`, `gold_ids`, `label_quality`, `group`.
    #[arg(long)]
    questions: PathBuf,
    /// Keeps embeddings between runs.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Where the calibration goes.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Strength of the L2 penalty.
    #[arg(long, default_value_t = 1.0)]
    l2: f64,
    /// Parts for the out-of-fold confidences.
    #[arg(long, default_value_t = 10)]
    folds: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    pairs: Vec<Pair>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    question: String,
    answers: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Question {
    id: String,
    question: String,
    gold_ids: Vec<String>,
    label_quality: String,
    group: String,
}

type Embeddings = HashMap<String, Vec<f32>>;

pub fn run(common: &Common, args: &EvalFaqArgs) -> Outcome {
    let config = common.config()?;
    telemetry::start("warn", false);
    let (corpus, questions): (Vec<Entry>, Vec<Question>) = (read(&args.corpus)?, read(&args.questions)?);
    if questions.is_empty() || corpus.is_empty() {
        return Err(anyhow::anyhow!("the corpus or the questions are empty").into());
    }
    let bars = Bars::default();
    models::fetch_needed(&config, &bars)?;
    let manifest = Manifest::built_in();
    let entry = engines::embedder_entry(&manifest, &config)?;
    let files = entry
        .embedder_files(&Weights::new(config.models_dir()))
        .with_context(|| format!("`{}` is no embedder", entry.id))?;
    let texts: BTreeSet<&str> = corpus
        .iter()
        .flat_map(|entry| entry.pairs.iter().map(|pair| pair.question.as_str()))
        .chain(questions.iter().map(|asked| asked.question.as_str()))
        .collect();
    let embeddings = serve::runtime(&config)?.block_on(async {
        let embedder = CandleEmbedder::open(files, BATCH * 2);
        embed(&embedder, &texts, args.cache.as_deref(), &bars).await
    })?;
    let matches = match_all(&corpus, &questions, &embeddings);
    let fitted = fit(
        &rows(&matches),
        &FitOptions {
            id: "golden-faq-1".to_owned(),
            source: format!(
                "{} questions about the {} entries of `{}`, each asked with and without its entry",
                questions.len(),
                corpus.len(),
                args.corpus.file_name().unwrap_or_default().display()
            ),
            features: FEATURES.map(str::to_owned).to_vec(),
            l2: args.l2,
            n_folds: args.folds,
        },
    )?;
    if let Some(out) = &args.out {
        let text = serde_json::to_string_pretty(&fitted.calibration)? + "\n";
        std::fs::write(out, text).with_context(|| format!("`{}` cannot be written", out.display()))?;
    }
    let scored: Vec<Scored> = matches
        .into_iter()
        .zip(&fitted.out_of_fold)
        .map(|(found, confidence)| Scored::new(found, *confidence))
        .collect();
    output::print_json(&report(&scored, args.seed))?;
    Ok(())
}

async fn embed(
    embedder: &CandleEmbedder,
    texts: &BTreeSet<&str>,
    cache: Option<&Path>,
    bars: &Bars,
) -> anyhow::Result<Embeddings> {
    let mut known: Embeddings = match cache.filter(|path| path.exists()) {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?).context("the cache is damaged; delete it")?,
        None => HashMap::new(),
    };
    let missing: Vec<String> =
        texts.iter().filter(|text| !known.contains_key(**text)).map(|text| (*text).to_owned()).collect();
    let bar = bars.stage("embedding", Unit::Things, missing.len() as u64);
    for batch in missing.chunks(BATCH) {
        let embedded = embedder.embed(EmbedRole::Query, Lane::Bulk, batch).await?;
        known.extend(batch.iter().cloned().zip(embedded.into_iter().map(|one| one.embedding)));
        bar.inc(batch.len() as u64);
    }
    bar.finish();
    if let Some(path) = cache.filter(|_| !missing.is_empty()) {
        std::fs::write(path, serde_json::to_vec(&known)?)?;
    }
    Ok(known)
}

/// What a question met.
struct Found {
    row: Row,
    /// The right entry was there to be met.
    has_entry: bool,
    is_gold: bool,
    /// Numbers, models and denials agree.
    agrees: bool,
}

/// A match with its confidence out of fold; below the floor, or where something disagrees, there is none.
struct Scored {
    group: String,
    is_right: bool,
    has_entry: bool,
    is_gold: bool,
    confidence: Option<f64>,
}

impl Scored {
    fn new(found: Found, confidence: f64) -> Self {
        Self {
            group: found.row.group,
            is_right: found.row.is_good,
            has_entry: found.has_entry,
            is_gold: found.is_gold,
            confidence: Some(confidence).filter(|confidence| found.agrees && *confidence >= golden::FLOOR),
        }
    }
}

fn match_all(corpus: &[Entry], questions: &[Question], embeddings: &Embeddings) -> Vec<Found> {
    let whole = Index::new(goldens(corpus, None, embeddings));
    let mut out = Vec::new();
    for asked in questions {
        let without = Index::new(goldens(corpus, Some(asked), embeddings));
        for (index, has_entry) in [(&whole, true), (&without, false)] {
            let question = Asked::new(&asked.question, embeddings[&asked.question].clone());
            let Some(candidate) = index.find(&question, |_| true) else { continue };
            let right: Vec<GoldenId> = corpus
                .iter()
                .enumerate()
                .filter(|(_, entry)| asked.gold_ids.contains(&entry.id))
                .map(|(nth, _)| id(nth))
                .collect();
            let is_good = right.contains(&candidate.golden.id);
            let name = if has_entry { asked.id.clone() } else { format!("{} without its entry", asked.id) };
            let agrees = claims::agree(&asked.question, candidate.phrasing);
            let row = Row { id: name, features: candidate.features, is_good, group: asked.group.clone() };
            out.push(Found { row, has_entry, is_gold: asked.label_quality == "gold", agrees });
        }
    }
    out
}

/// The entries as golden answers, without those that answer `left_out`.
fn goldens(corpus: &[Entry], left_out: Option<&Question>, embeddings: &Embeddings) -> Vec<LiveGolden> {
    let kept =
        corpus.iter().enumerate().filter(|(_, entry)| left_out.is_none_or(|asked| !asked.gold_ids.contains(&entry.id)));
    let golden = |(nth, entry): (usize, &Entry)| LiveGolden {
        id: id(nth),
        answer: entry.pairs.iter().flat_map(|pair| &pair.answers).cloned().collect::<Vec<_>>().join("\n"),
        lang: Lang::Zh,
        sku: None,
        audience: Audience::Buyers,
        platforms: vec![],
        effective_from_ms: None,
        effective_until_ms: None,
        phrasings: entry
            .pairs
            .iter()
            .map(|pair| LivePhrasing { text: pair.question.clone(), embedding: embeddings[&pair.question].clone() })
            .collect(),
    };
    kept.map(golden).collect()
}

fn id(nth: usize) -> GoldenId {
    GoldenId(Uuid::from_u128(nth as u128 + 1))
}

fn rows(matches: &[Found]) -> Vec<Row> {
    matches.iter().map(|found| found.row.clone()).collect()
}

/// A share with the middle 95 % of its bootstrap resamples.
#[derive(Debug, Serialize)]
struct Share {
    value: f64,
    low: f64,
    high: f64,
}

fn report(scored: &[Scored], seed: u64) -> serde_json::Value {
    let asked: Vec<&Scored> = scored.iter().filter(|one| one.has_entry).collect();
    let of = |wanted: Option<bool>| -> Vec<&Scored> {
        asked.iter().copied().filter(|one| wanted.is_none_or(|gold| one.is_gold == gold)).collect()
    };
    let mut parts = BTreeMap::new();
    for (name, part) in [("all", of(None)), ("gold", of(Some(true))), ("silver", of(Some(false)))] {
        let right_first = |rows: &[&Scored]| share_of(rows, |one| one.is_right);
        parts.insert(
            name,
            json!({
                "n": part.len(),
                "right_entry_first": interval(&part, seed, right_first),
                "coverage_at_95_precision": interval(&part, seed, coverage_at_95),
                "met": interval(&part, seed, |rows| share_of(rows, |one| one.confidence.is_some())),
                "precision_of_met": interval(&part, seed, precision_of_met),
            }),
        );
    }
    let bar = bar_at_95(&asked);
    let without: Vec<&Scored> = scored.iter().filter(|one| !one.has_entry).collect();
    json!({
        "with_entry": parts,
        "bar_at_95_precision": bar,
        "without_entry": {
            "n": without.len(),
            "met": interval(&without, seed, |rows| share_of(rows, |one| one.confidence.is_some())),
            "sent_at_that_bar": interval(&without, seed, |rows| {
                share_of(rows, |one| bar.is_some_and(|bar| one.confidence.is_some_and(|confidence| confidence >= bar)))
            }),
        },
    })
}

fn share_of(rows: &[&Scored], is_so: impl Fn(&Scored) -> bool) -> f64 {
    rows.iter().filter(|one| is_so(one)).count() as f64 / rows.len().max(1) as f64
}

fn precision_of_met(rows: &[&Scored]) -> f64 {
    let met: Vec<&Scored> = rows.iter().copied().filter(|one| one.confidence.is_some()).collect();
    share_of(&met, |one| one.is_right)
}

/// The largest share that can be sent, the surest first, with at least 95 % of it right.
fn coverage_at_95(rows: &[&Scored]) -> f64 {
    surest(rows).map_or(0, |(n, _)| n) as f64 / rows.len().max(1) as f64
}

fn bar_at_95(rows: &[&Scored]) -> Option<f64> {
    surest(rows).map(|(_, bar)| bar)
}

/// How many of the surest can be sent, and the confidence of the last.
fn surest(rows: &[&Scored]) -> Option<(usize, f64)> {
    let mut met: Vec<(f64, bool)> =
        rows.iter().filter_map(|one| one.confidence.map(|confidence| (confidence, one.is_right))).collect();
    met.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut n_right = 0;
    let mut best = None;
    for (nth, (confidence, is_right)) in met.iter().enumerate() {
        n_right += usize::from(*is_right);
        if n_right * 100 >= (nth + 1) * 95 {
            best = Some((nth + 1, *confidence));
        }
    }
    best
}

/// A figure with its interval: groups are drawn again, since questions about one entry say the same.
fn interval(rows: &[&Scored], seed: u64, figure: impl Fn(&[&Scored]) -> f64) -> Share {
    let mut groups: BTreeMap<&str, Vec<&Scored>> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.group).or_default().push(row);
    }
    let groups: Vec<Vec<&Scored>> = groups.into_values().collect();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut figures: Vec<f64> = (0..N_RESAMPLES)
        .map(|_| {
            let drawn: Vec<&Scored> =
                (0..groups.len()).flat_map(|_| groups[rng.random_range(0..groups.len())].iter().copied()).collect();
            figure(&drawn)
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    let at = |share: f64| figures[((figures.len() - 1) as f64 * share).round() as usize];
    Share { value: figure(rows), low: at(0.025), high: at(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(confidence: f64, is_right: bool) -> Scored {
        Scored {
            group: format!("{confidence}"),
            is_right,
            has_entry: true,
            is_gold: true,
            confidence: Some(confidence),
        }
    }

    #[test]
    fn coverage_counts_the_surest_as_long_as_they_are_right() {
        let rows: Vec<Scored> = (0..20).map(|nth| scored(0.99 - f64::from(nth) / 100.0, true)).collect();
        let all: Vec<&Scored> = rows.iter().collect();
        assert_eq!(coverage_at_95(&all), 1.0);
        let wrong = [scored(0.78, false), scored(0.77, false)];
        let all: Vec<&Scored> = rows.iter().chain(&wrong).collect();
        assert_eq!((coverage_at_95(&all) * 22.0).round(), 21.0, "one of 21 is 4.8 %");
        assert_eq!(bar_at_95(&all), Some(0.78));
        let interval = interval(&all, 1, coverage_at_95);
        assert!(interval.low <= interval.value && interval.value <= interval.high, "{interval:?}");
    }
}
