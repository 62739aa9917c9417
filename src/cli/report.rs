//! `kefu report`: how good the confidence is on a development set, and what it rests on. The table that a change of the
//! shipped calibration has to be argued with.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use super::{Outcome, lines, output};
use crate::answer::confidence;
use crate::learn::ablation::{Tried, try_all, ways};
use crate::learn::calibrate::{Judged, PredictionLine, judge};
use crate::learn::figures::{Draws, Estimate, Estimates, FIGURES};

/// Headings of the figures.
const HEADINGS: [&str; 6] = ["AUROC good", "AUROC answ.", "ECE", "Brier", "cov. at 90 %", "cov. at 95 %"];

#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// What `kefu eval` wrote.
    #[arg(long)]
    pred: PathBuf,
    /// What the scorer says of each prediction: `id`, `lab`, `correct`.
    #[arg(long)]
    labels: PathBuf,
    /// The questions, with the `group` that must not be on both sides of a fit.
    #[arg(long)]
    questions: PathBuf,
    /// Features to start from; those of the shipped calibration if not given.
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// Strength of the L2 penalty; that of the shipped calibration if not given.
    #[arg(long)]
    l2: Option<f64>,
    /// Parts for the out-of-fold confidences.
    #[arg(long, default_value_t = 10)]
    folds: usize,
    /// Bootstrap draws of groups.
    #[arg(long, default_value_t = 1000)]
    draws: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(args: &ReportArgs) -> Outcome {
    let predictions: Vec<PredictionLine> = lines::read(&args.pred)?;
    let judged = judge(&predictions, &lines::read(&args.labels)?, &lines::read(&args.questions)?)?;
    let shipped = confidence::shipped()?;
    let l2 = args.l2.unwrap_or(shipped.provenance.l2);
    let features = match args.features.is_empty() {
        true => shipped.coefficients.into_iter().map(|coefficient| coefficient.name).collect(),
        false => args.features.clone(),
    };
    let others = others(&judged, &features);
    let draws = Draws::new(&judged, args.draws, args.seed);
    let tried = try_all(&judged, &ways(&features, &others, l2), args.folds, &draws)?;
    output::say(&table(&tried));
    let n = |is: fn(&Judged) -> bool| judged.iter().filter(|one| is(one)).count();
    output::print_json(&json!({
        "n_questions": judged.len(),
        "n_good": n(|one| one.row.is_good),
        "n_answerable": n(|one| one.is_answerable),
        "n_abstained": n(|one| one.is_abstained),
        "n_groups": judged.iter().map(|one| &one.row.group).collect::<BTreeSet<_>>().len(),
        "features": features,
        "l2": l2,
        "n_folds": args.folds,
        "n_draws": args.draws,
        "seed": args.seed,
        "ways": tried,
    }))?;
    Ok(())
}

/// Features that every draft has and the start does not use.
fn others(judged: &[Judged], features: &[String]) -> Vec<String> {
    let is_everywhere = |name: &String| judged.iter().all(|one| one.row.features.get(name).is_some());
    let names: BTreeSet<&String> = judged.iter().flat_map(|one| one.row.features.0.keys()).collect();
    names.into_iter().filter(|name| !features.contains(*name) && is_everywhere(name)).cloned().collect()
}

/// The first way with its intervals, and below it how the others differ; a star where zero is outside.
fn table(tried: &[Tried]) -> String {
    let mut lines =
        vec![format!("{:<32}{}", "out of fold, by group", HEADINGS.map(|name| format!("{name:>24}")).concat())];
    for one in tried {
        let (sign, shown) = match &one.difference {
            None => ("", &one.figures),
            Some(difference) => ("+", difference),
        };
        lines.push(format!("{:<32}{}", one.name, cells(shown, sign)));
    }
    lines.push(
        "Below the first line: the difference from it on the same draws, with its 95 % interval; * = clear.".into(),
    );
    lines.join("\n")
}

fn cells(shown: &Estimates, sign: &str) -> String {
    let cell = |estimate: &Estimate| match sign {
        "" => format!("{:.3} [{:.3} {:.3}] ", estimate.value, estimate.lower, estimate.upper),
        _ => {
            let star = if estimate.is_clear() { "*" } else { " " };
            format!("{:+.3} [{:+.3} {:+.3}]{star}", estimate.value, estimate.lower, estimate.upper)
        }
    };
    FIGURES.iter().filter_map(|name| shown.get(name)).map(|estimate| format!("{:>24}", cell(estimate))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::figures::estimates;

    #[test]
    fn the_table_shows_intervals_first_and_then_differences_with_a_star_where_they_are_clear() {
        let tried = |name: &str, difference: Option<f64>| Tried {
            name: name.to_owned(),
            n_features: 1,
            figures: estimates([0.5; 6], &[[0.4; 6], [0.6; 6]]),
            difference: difference.map(|value| estimates([value; 6], &[[value; 6]])),
        };
        let table = table(&[tried("all", None), tried("with x", Some(0.1)), tried("with y", Some(0.0))]);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[1].contains("0.500 [0.400 0.600]"), "{table}");
        assert_eq!((lines[2].matches('*').count(), lines[3].matches('*').count()), (6, 0), "{table}");
    }

    #[test]
    fn a_feature_that_some_draft_lacks_is_not_tried() {
        let text = r#"{"id":"a","abstained":false,"features":{"x":1,"y":1}}"#;
        let predictions: Vec<PredictionLine> = [text, r#"{"id":"b","abstained":false,"features":{"x":1}}"#]
            .map(|line| serde_json::from_str(line).unwrap())
            .into();
        let details = ["a", "b"]
            .map(|id| serde_json::from_value(json!({"id": id, "lab": "answerable", "correct": true})).unwrap());
        let questions = ["a", "b"].map(|id| serde_json::from_value(json!({"id": id, "group": id})).unwrap());
        let judged = judge(&predictions, &details, &questions).unwrap();
        assert_eq!(others(&judged, &[]), ["x"]);
    }
}
