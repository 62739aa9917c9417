//! `kefu fit`: a calibration from judged predictions.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Outcome, output};
use crate::answer::confidence;
use crate::learn::calibrate::{FitOptions, auroc, fit, join};

#[derive(Debug, clap::Args)]
pub struct FitArgs {
    /// What `kefu eval` wrote.
    #[arg(long)]
    pred: PathBuf,
    /// What the scorer says of each prediction: `id`, `lab`, `correct`.
    #[arg(long)]
    labels: PathBuf,
    /// The questions, with the `group` that must not be on both sides of a fit.
    #[arg(long)]
    questions: PathBuf,
    /// Where the calibration goes.
    #[arg(long)]
    out: PathBuf,
    /// Where out-of-fold confidences go, a line a question: the only ones to quote for these questions.
    #[arg(long)]
    oof: Option<PathBuf>,
    /// Strength of the L2 penalty.
    #[arg(long, default_value_t = 3.33)]
    l2: f64,
    /// Parts for the out-of-fold confidences.
    #[arg(long, default_value_t = 10)]
    folds: usize,
    /// Features to use; those of the shipped calibration if not given.
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
}

pub fn run(args: &FitArgs) -> Outcome {
    let rows = join(&read(&args.pred)?, &read(&args.labels)?, &read(&args.questions)?)?;
    let features = match args.features.is_empty() {
        true => confidence::shipped()?.coefficients.into_iter().map(|coefficient| coefficient.name).collect(),
        false => args.features.clone(),
    };
    let id = args.out.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let source = args.questions.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fitted = fit(&rows, &FitOptions { id, source, features, l2: args.l2, n_folds: args.folds })?;
    std::fs::write(&args.out, serde_json::to_vec_pretty(&fitted.calibration)?)
        .with_context(|| format!("`{}` cannot be written", args.out.display()))?;
    if let Some(oof) = &args.oof {
        let lines = rows.iter().zip(&fitted.out_of_fold);
        let lines: Vec<String> =
            lines.map(|(row, confidence)| json!({ "id": row.id, "confidence": confidence }).to_string()).collect();
        std::fs::write(oof, lines.join("\n") + "\n")
            .with_context(|| format!("`{}` cannot be written", oof.display()))?;
    }
    let goods: Vec<bool> = rows.iter().map(|row| row.is_good).collect();
    output::print_json(&json!({
        "n_rows": rows.len(),
        "n_good": goods.iter().filter(|good| **good).count(),
        "auroc_out_of_fold": auroc(&fitted.out_of_fold, &goods),
    }))?;
    Ok(())
}

/// The lines of a file, each as JSON.
pub fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(idx, line)| {
            serde_json::from_str(line).with_context(|| format!("line {} of `{}`", idx + 1, path.display()))
        })
        .collect()
}
