//! Fits a [`Calibration`] to drafts whose outcome is known.
//!
//! # Why
//! An L2 logistic regression by Newton's method: deterministic, no seed, no learning rate, done in a dozen steps, and
//! small enough to read. What it promises is measured on groups of questions it has not seen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::calibration::{Calibration, Coefficient, Features, Provenance};
use crate::learn::newton::{Sample, fit_logistic};

/// A draft whose outcome is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Names it in reports.
    pub id: String,
    /// What was known of it.
    pub features: Features,
    /// It needed no correction.
    pub is_good: bool,
    /// Rows of one group are about the same thing: they are never on both sides of a split.
    pub group: String,
}

/// How to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Names the result.
    pub id: String,
    /// What the rows are, in words.
    pub source: String,
    /// Features to use; each must be in every row.
    pub features: Vec<String>,
    /// Strength of the L2 penalty on the weights of standardised features; above 0.
    pub l2: f64,
    /// Parts for the out-of-fold scores; at least 2.
    pub n_folds: usize,
}

/// A calibration, and how each row is scored by a fit that saw nothing of its group.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Fitted on all rows.
    pub calibration: Calibration,
    /// In the order of the rows.
    pub out_of_fold: Vec<f64>,
}

/// Why nothing was fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// There must be good rows and others, in every training part.
    #[error("a fit needs drafts of both outcomes in at least two groups: {n_good} good of {n_rows}")]
    OneSided {
        /// All rows.
        n_rows: usize,
        /// Good ones.
        n_good: usize,
    },
    /// A row lacks a feature.
    #[error("the draft `{id}` has no finite feature `{feature}`")]
    NoFeature {
        /// Which row.
        id: String,
        /// Which feature.
        feature: String,
    },
    /// A draft or its label has no partner.
    #[error("`{id}` is in one file and not in the others")]
    Unmatched {
        /// Which question.
        id: String,
    },
}

/// Fits on all rows, and scores each row out of fold.
pub fn fit(rows: &[Row], options: &FitOptions) -> Result<Fitted, FitError> {
    let samples = samples(rows, options)?;
    let folds = folds(rows, options.n_folds);
    let mut out_of_fold = vec![0.0; rows.len()];
    for fold in 0..options.n_folds {
        let (held, kept): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|row| folds[*row] == fold);
        if held.is_empty() {
            continue;
        }
        let model = Model::fit(&kept.iter().map(|row| samples[*row].clone()).collect::<Vec<_>>(), options.l2)?;
        for row in held {
            out_of_fold[row] = model.predict(&samples[row].values);
        }
    }
    let model = Model::fit(&samples, options.l2)?;
    let goods: Vec<bool> = rows.iter().map(|row| row.is_good).collect();
    let provenance = Provenance {
        source: options.source.clone(),
        n_rows: rows.len(),
        n_good: goods.iter().filter(|good| **good).count(),
        n_groups: rows.iter().map(|row| &row.group).collect::<BTreeSet<_>>().len(),
        l2: options.l2,
        auroc_out_of_fold: auroc(&out_of_fold, &goods).unwrap_or(0.5),
        brier_out_of_fold: brier(&out_of_fold, &goods),
    };
    Ok(Fitted { calibration: model.into_calibration(options, provenance), out_of_fold })
}

fn samples(rows: &[Row], options: &FitOptions) -> Result<Vec<Sample>, FitError> {
    let value = |row: &Row, name: &String| match row.features.get(name) {
        Some(value) if value.is_finite() => Ok(value),
        _ => Err(FitError::NoFeature { id: row.id.clone(), feature: name.clone() }),
    };
    rows.iter()
        .map(|row| {
            let values = options.features.iter().map(|name| value(row, name)).collect::<Result<_, _>>()?;
            Ok(Sample { values, is_good: row.is_good })
        })
        .collect()
}

/// Groups dealt out in turn, in alphabetical order: the same rows always give the same folds.
pub(super) fn folds(rows: &[Row], n_folds: usize) -> Vec<usize> {
    let groups: BTreeSet<&String> = rows.iter().map(|row| &row.group).collect();
    let of_group: BTreeMap<&String, usize> =
        groups.into_iter().enumerate().map(|(nth, group)| (group, nth % n_folds)).collect();
    rows.iter().map(|row| of_group[&row.group]).collect()
}

struct Model {
    means: Vec<f64>,
    scales: Vec<f64>,
    /// Intercept first.
    weights: Vec<f64>,
}

impl Model {
    fn fit(samples: &[Sample], l2: f64) -> Result<Self, FitError> {
        let n_good = samples.iter().filter(|sample| sample.is_good).count();
        if n_good == 0 || n_good == samples.len() {
            return Err(FitError::OneSided { n_rows: samples.len(), n_good });
        }
        let n = samples.len() as f64;
        let columns = 0..samples[0].values.len();
        let mean = |column: usize| samples.iter().map(|sample| sample.values[column]).sum::<f64>() / n;
        let means: Vec<f64> = columns.clone().map(mean).collect();
        let spread = |column: usize| {
            let squares = samples.iter().map(|sample| (sample.values[column] - means[column]).powi(2)).sum::<f64>();
            // A feature that never varies says nothing; a scale of 1 keeps it at a weight of 0.
            Some((squares / n).sqrt()).filter(|scale| *scale > 1e-12).unwrap_or(1.0)
        };
        let scales: Vec<f64> = columns.map(spread).collect();
        let mut model = Self { means, scales, weights: vec![] };
        let standard: Vec<Sample> = samples
            .iter()
            .map(|sample| Sample { values: model.standardise(&sample.values), is_good: sample.is_good })
            .collect();
        model.weights = fit_logistic(&standard, l2);
        Ok(model)
    }

    fn standardise(&self, values: &[f64]) -> Vec<f64> {
        values.iter().zip(&self.means).zip(&self.scales).map(|((value, mean), scale)| (value - mean) / scale).collect()
    }

    fn predict(&self, values: &[f64]) -> f64 {
        let products = self.standardise(values).iter().zip(&self.weights[1..]).map(|(x, w)| x * w).sum::<f64>();
        1.0 / (1.0 + (-(self.weights[0] + products)).exp())
    }

    fn into_calibration(self, options: &FitOptions, provenance: Provenance) -> Calibration {
        let coefficients = options
            .features
            .iter()
            .enumerate()
            .map(|(nth, name)| Coefficient {
                name: name.clone(),
                mean: self.means[nth],
                scale: self.scales[nth],
                weight: self.weights[nth + 1],
            })
            .collect();
        Calibration { id: options.id.clone(), intercept: self.weights[0], coefficients, provenance }
    }
}

/// Chance that a good draft is scored above another, ties counting half; none if there is only one kind.
pub fn auroc(scores: &[f64], goods: &[bool]) -> Option<f64> {
    let of = |kind: bool| scores.iter().zip(goods).filter(move |(_, good)| **good == kind).map(|(score, _)| *score);
    let (n_good, n_bad) = (of(true).count(), of(false).count());
    if n_good == 0 || n_bad == 0 {
        return None;
    }
    let wins: f64 = of(true)
        .map(|good| {
            of(false)
                .map(|bad| {
                    if good > bad {
                        1.0
                    } else if good == bad {
                        0.5
                    } else {
                        0.0
                    }
                })
                .sum::<f64>()
        })
        .sum();
    Some(wins / (n_good * n_bad) as f64)
}

fn brier(scores: &[f64], goods: &[bool]) -> f64 {
    let squares = scores.iter().zip(goods).map(|(score, good)| (score - f64::from(u8::from(*good))).powi(2));
    squares.sum::<f64>() / scores.len().max(1) as f64
}

/// A line of the predictions that `kefu eval` writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionLine {
    /// Which question.
    pub id: String,
    /// The assistant itself had no answer.
    pub abstained: bool,
    /// What was known of the draft.
    pub features: Features,
}

/// A line of the details that the scorer writes; other fields are ignored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DetailLine {
    /// Which question.
    pub id: String,
    /// `answerable` or `unanswerable`.
    pub lab: String,
    /// The answer was right.
    pub correct: bool,
}

/// A line of the questions; other fields are ignored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct QuestionLine {
    /// Which question.
    pub id: String,
    /// Questions about the same section.
    pub group: String,
}

/// A question of a development set, whatever became of its draft.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Its draft. One that the assistant did not offer is not good.
    pub row: Row,
    /// There is an answer to be found.
    pub is_answerable: bool,
    /// The assistant itself had no answer.
    pub is_abstained: bool,
}

impl Judged {
    /// Whether a fit can learn from it. Where the assistant abstained although there is an answer, nobody knows what its
    /// draft was worth. Where it abstained rightly, the row stays, or the next fit would forget what made it abstain.
    pub fn is_instructive(&self) -> bool {
        !(self.is_abstained && self.is_answerable)
    }
}

/// Joins the three files of `kefu fit` by question. A draft is good if its question has an answer and it is right.
pub fn judge(
    predictions: &[PredictionLine],
    details: &[DetailLine],
    questions: &[QuestionLine],
) -> Result<Vec<Judged>, FitError> {
    let details: BTreeMap<&str, &DetailLine> = details.iter().map(|line| (line.id.as_str(), line)).collect();
    let groups: BTreeMap<&str, &str> = questions.iter().map(|line| (line.id.as_str(), line.group.as_str())).collect();
    let judged = predictions.iter().map(|prediction| {
        let unmatched = || FitError::Unmatched { id: prediction.id.clone() };
        let detail = details.get(prediction.id.as_str()).ok_or_else(unmatched)?;
        let group = groups.get(prediction.id.as_str()).ok_or_else(unmatched)?;
        let is_answerable = detail.lab == "answerable";
        let row = Row {
            id: prediction.id.clone(),
            features: prediction.features.clone(),
            is_good: is_answerable && detail.correct && !prediction.abstained,
            group: (*group).to_owned(),
        };
        Ok(Judged { row, is_answerable, is_abstained: prediction.abstained })
    });
    judged.collect()
}

/// The drafts that a fit can learn from.
pub fn join(
    predictions: &[PredictionLine],
    details: &[DetailLine],
    questions: &[QuestionLine],
) -> Result<Vec<Row>, FitError> {
    let judged = judge(predictions, details, questions)?;
    Ok(judged.into_iter().filter(Judged::is_instructive).map(|one| one.row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two features: one that tells good from bad, one that is noise of the row's number.
    fn rows(n: usize) -> Vec<Row> {
        (0..n)
            .map(|nth| {
                let is_good = nth % 3 == 0;
                let mut features = Features::default();
                features.set("signal", f64::from(u8::from(is_good)) + (nth % 7) as f64 / 5.0);
                features.set("noise", (nth % 11) as f64);
                Row { id: format!("q{nth}"), features, is_good, group: format!("g{}", nth / 2) }
            })
            .collect()
    }

    fn options() -> FitOptions {
        FitOptions {
            id: "test".to_owned(),
            source: "made up".to_owned(),
            features: vec!["signal".to_owned(), "noise".to_owned()],
            l2: 1.0,
            n_folds: 5,
        }
    }

    #[test]
    fn what_tells_good_from_bad_gets_the_weight() {
        let fitted = fit(&rows(90), &options()).unwrap();
        let weight = |nth: usize| fitted.calibration.coefficients[nth].weight.abs();
        assert!(weight(0) > 5.0 * weight(1), "{:?}", fitted.calibration.coefficients);
        assert!(fitted.calibration.provenance.auroc_out_of_fold > 0.8);
    }

    #[test]
    fn the_same_rows_in_another_order_give_the_same_calibration() {
        let mut turned = rows(60);
        turned.reverse();
        let (a, b) = (fit(&rows(60), &options()).unwrap(), fit(&turned, &options()).unwrap());
        for (left, right) in a.calibration.coefficients.iter().zip(&b.calibration.coefficients) {
            assert!((left.weight - right.weight).abs() < 1e-9);
        }
    }

    #[test]
    fn the_calibration_scores_as_the_fit_does() {
        let rows = rows(60);
        let fitted = fit(&rows, &options()).unwrap();
        let goods: Vec<bool> = rows.iter().map(|row| row.is_good).collect();
        let scores: Vec<f64> =
            rows.iter().map(|row| fitted.calibration.apply(&row.features).unwrap().value()).collect();
        let mean = scores.iter().sum::<f64>() / 60.0;
        // The intercept is not penalised, so the mean confidence is the share of good drafts.
        assert!((mean - 20.0 / 60.0).abs() < 1e-6, "{mean}");
        assert!(auroc(&scores, &goods).unwrap() > 0.85);
    }

    #[test]
    fn a_group_is_never_split() {
        let rows = rows(40);
        let folds = folds(&rows, 5);
        assert!((0..40).step_by(2).all(|nth| folds[nth] == folds[nth + 1]));
    }

    #[test]
    fn a_one_sided_or_incomplete_table_is_refused() {
        let mut all_good = rows(10);
        all_good.iter_mut().for_each(|row| row.is_good = true);
        assert!(matches!(fit(&all_good, &options()), Err(FitError::OneSided { .. })));
        let mut broken = rows(10);
        broken[3].features.set("noise", f64::NAN);
        assert!(matches!(fit(&broken, &options()), Err(FitError::NoFeature { .. })));
    }

    #[test]
    fn auroc_counts_ties_half() {
        assert_eq!(auroc(&[0.9, 0.5, 0.5, 0.1], &[true, true, false, false]), Some(0.875));
        assert_eq!(auroc(&[0.5], &[true]), None);
    }

    #[test]
    fn the_three_files_are_joined_by_question() {
        let prediction =
            |id: &str, abstained| PredictionLine { id: id.to_owned(), abstained, features: Features::default() };
        let detail = |id: &str, lab: &str, correct| DetailLine { id: id.to_owned(), lab: lab.to_owned(), correct };
        let question = |id: &str| QuestionLine { id: id.to_owned(), group: format!("group of {id}") };
        let rows = join(
            &[prediction("a", false), prediction("b", false), prediction("c", true), prediction("d", true)],
            &[
                detail("a", "answerable", true),
                detail("b", "unanswerable", false),
                detail("c", "answerable", false),
                detail("d", "unanswerable", false),
            ],
            &[question("a"), question("b"), question("c"), question("d")],
        )
        .unwrap();
        assert_eq!(
            rows.iter().map(|row| (row.id.as_str(), row.is_good)).collect::<Vec<_>>(),
            [("a", true), ("b", false), ("d", false)]
        );
        let lonely = join(&[prediction("a", false)], &[], &[question("a")]);
        assert_eq!(lonely, Err(FitError::Unmatched { id: "a".to_owned() }));
    }
}
