//! Which features a confidence rests on, and whether another way to make it would be better: every way is fitted and
//! scored out of fold on the same folds, and compared with the first on the same draws.
//!
//! # Why
//! Trying many ways and keeping the best-looking one is a search, and the winner's figure flatters. A way is better
//! here only if the interval of its difference excludes zero, and even then one in forty of those that change nothing
//! looks like it: read the table as a whole.

use serde::Serialize;

use super::calibrate::{FitError, FitOptions, Judged, Row, fit, folds};
use super::figures::{Draws, Estimates, FIGURES, Scored, estimates, figures, minus};
use super::isotonic::Isotonic;

/// A way to make confidences.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// What differs from the first.
    pub name: String,
    /// Features.
    pub features: Vec<String>,
    /// Strength of the L2 penalty.
    pub l2: f64,
    /// Squares and products of the features, too.
    pub has_products: bool,
    /// A rising step function over the logistic regression.
    pub is_isotonic: bool,
}

/// The ways worth a look: all `features`; each left out; each alone; each of the `others` added; and other shapes.
pub fn ways(features: &[String], others: &[String], l2: f64) -> Vec<Way> {
    let way = |name: String, features: Vec<String>| Way { name, features, l2, has_products: false, is_isotonic: false };
    let all = way("all".to_owned(), features.to_vec());
    let without = |left_out: &String| features.iter().filter(|name| *name != left_out).cloned().collect();
    let mut ways = vec![all.clone()];
    if features.len() > 1 {
        ways.extend(features.iter().map(|name| way(format!("without {name}"), without(name))));
        ways.extend(features.iter().map(|name| way(format!("{name} alone"), vec![name.clone()])));
    }
    ways.extend(others.iter().map(|name| way(format!("with {name}"), [features, std::slice::from_ref(name)].concat())));
    if others.len() > 1 {
        ways.push(way("with all of them".to_owned(), [features, others].concat()));
    }
    ways.push(Way { name: "a tenth of the penalty".to_owned(), l2: l2 / 10.0, ..all.clone() });
    ways.push(Way { name: "ten times the penalty".to_owned(), l2: l2 * 10.0, ..all.clone() });
    ways.push(Way { name: "squares and products".to_owned(), has_products: true, ..all.clone() });
    ways.push(Way { name: "isotonic".to_owned(), is_isotonic: true, ..all });
    ways
}

/// A way with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// What differs from the first.
    pub name: String,
    /// How many features were fitted.
    pub n_features: usize,
    /// Its figures.
    pub figures: Estimates,
    /// How much larger they are than those of the first, on the same draws; null for the first.
    pub difference: Option<Estimates>,
}

/// Tries all ways; the first is what the others are compared with.
pub fn try_all(judged: &[Judged], ways: &[Way], n_folds: usize, draws: &Draws) -> Result<Vec<Tried>, FitError> {
    let mut first: Option<([f64; FIGURES.len()], Vec<[f64; FIGURES.len()]>)> = None;
    let mut tried = Vec::new();
    for way in ways {
        let scored = score(judged, way, n_folds)?;
        let (values, drawn) = (figures(&scored), draws.figures(&scored));
        let difference = first.as_ref().map(|(first_values, first_drawn)| {
            let drawn: Vec<_> = drawn.iter().zip(first_drawn).map(|(these, those)| minus(these, those)).collect();
            estimates(minus(&values, first_values), &drawn)
        });
        let figures = estimates(values, &drawn);
        tried.push(Tried { name: way.name.clone(), n_features: way.features.len(), figures, difference });
        first.get_or_insert((values, drawn));
    }
    Ok(tried)
}

/// Every question with its confidence from a fit that saw nothing of its group.
pub fn score(judged: &[Judged], way: &Way, n_folds: usize) -> Result<Vec<Scored>, FitError> {
    let (rows, features) = prepare(judged, way);
    let options = FitOptions { id: way.name.clone(), source: String::new(), features, l2: way.l2, n_folds };
    let confidences = if way.is_isotonic { stepwise(&rows, &options)? } else { fit(&rows, &options)?.out_of_fold };
    let mut instructive = confidences.into_iter();
    // What no fit learns from was not offered, and has no confidence.
    let score = |one: &Judged| {
        let confidence = if one.is_instructive() { instructive.next() } else { None };
        Scored::new(one, confidence.unwrap_or(0.0))
    };
    Ok(judged.iter().map(score).collect())
}

/// The rows to fit, with the products where they are wanted, and the names of all features.
fn prepare(judged: &[Judged], way: &Way) -> (Vec<Row>, Vec<String>) {
    let mut rows: Vec<Row> = judged.iter().filter(|one| one.is_instructive()).map(|one| one.row.clone()).collect();
    let mut names = way.features.clone();
    if way.has_products {
        for (nth, first) in way.features.iter().enumerate() {
            for second in &way.features[nth..] {
                let name = format!("{first} × {second}");
                add_product(&mut rows, (first, second), &name);
                names.push(name);
            }
        }
    }
    (rows, names)
}

/// Of the distances from the mean: a product of plain values would mostly repeat them.
fn add_product(rows: &mut [Row], (first, second): (&str, &str), name: &str) {
    let mean = |name: &str| {
        let values: Vec<f64> = rows.iter().filter_map(|row| row.features.get(name)).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    let (first_mean, second_mean) = (mean(first), mean(second));
    for row in rows {
        // A row without the feature is refused by the fit, with its name.
        if let (Some(x), Some(y)) = (row.features.get(first), row.features.get(second)) {
            row.features.set(name, (x - first_mean) * (y - second_mean));
        }
    }
}

/// Steps fitted to scores that are themselves out of fold within the training part: steps fitted to the scores of rows
/// that were fitted on would promise too much.
fn stepwise(rows: &[Row], options: &FitOptions) -> Result<Vec<f64>, FitError> {
    let folds = folds(rows, options.n_folds);
    let mut confidences = vec![0.0; rows.len()];
    for fold in 0..options.n_folds {
        let (held, kept): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|nth| folds[*nth] == fold);
        if held.is_empty() {
            continue;
        }
        let kept: Vec<Row> = kept.iter().map(|nth| rows[*nth].clone()).collect();
        let fitted = fit(&kept, options)?;
        let goods: Vec<bool> = kept.iter().map(|row| row.is_good).collect();
        let steps = Isotonic::fit(&fitted.out_of_fold, &goods);
        for nth in held {
            let row = &rows[nth];
            let plain = fitted
                .calibration
                .apply(&row.features)
                .map_err(|_| FitError::NoFeature { id: row.id.clone(), feature: options.features.join(", ") })?;
            confidences[nth] = steps.apply(plain.value());
        }
    }
    Ok(confidences)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calibration::Features;

    /// `signal` tells good from bad, `noise` nothing, `sign` only together with `other`.
    fn judged(n: usize) -> Vec<Judged> {
        let one = |nth: usize| {
            let is_good = nth.is_multiple_of(3);
            let mut features = Features::default();
            features.set("signal", f64::from(u8::from(is_good)) + (nth % 7) as f64 / 5.0);
            features.set("noise", (nth % 11) as f64);
            let sign = if nth.is_multiple_of(2) { 1.0 } else { -1.0 };
            features.set("sign", sign);
            features.set("other", if is_good { sign } else { -sign });
            let row = Row { id: format!("q{nth}"), features, is_good, group: format!("g{}", nth / 2) };
            Judged { row, is_answerable: is_good, is_abstained: false }
        };
        (0..n).map(one).collect()
    }

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn every_feature_is_left_out_once_and_stands_alone_once() {
        let ways = ways(&names(&["a", "b"]), &names(&["c"]), 10.0);
        let told: Vec<&str> = ways.iter().map(|way| way.name.as_str()).collect();
        assert_eq!(told[..6], ["all", "without a", "without b", "a alone", "b alone", "with c"]);
        assert_eq!((ways[1].features.as_slice(), ways[5].features.len()), (names(&["b"]).as_slice(), 3));
    }

    #[test]
    fn without_what_it_rests_on_it_is_clearly_worse() {
        let judged = judged(120);
        let draws = Draws::new(&judged, 200, 1);
        let tried = try_all(&judged, &ways(&names(&["signal", "noise"]), &[], 1.0), 5, &draws).unwrap();
        let lost = |name: &str| {
            let one = tried.iter().find(|one| one.name == name).unwrap();
            one.difference.as_ref().unwrap()["auroc_good"]
        };
        assert!(lost("without signal").upper < -0.1 && lost("without signal").is_clear());
        assert!(!lost("without noise").is_clear() || lost("without noise").value > -0.05);
        assert!(tried[0].difference.is_none() && tried[0].figures["auroc_good"].value > 0.8);
    }

    #[test]
    fn products_find_what_only_two_features_together_say() {
        let judged = judged(120);
        let plain = &ways(&names(&["sign", "other"]), &[], 1.0)[0].clone();
        let auroc = |way: &Way| figures(&score(&judged, way, 5).unwrap())[0];
        assert!(auroc(plain) < 0.7 && auroc(&Way { has_products: true, ..plain.clone() }) > 0.99);
    }

    #[test]
    fn steps_keep_the_order_and_a_left_out_question_has_no_confidence() {
        let mut judged = judged(90);
        (judged[0].is_abstained, judged[0].row.is_good) = (true, false);
        let way = Way { is_isotonic: true, ..ways(&names(&["signal"]), &[], 1.0)[0].clone() };
        let scored = score(&judged, &way, 5).unwrap();
        assert_eq!((scored.len(), scored[0].confidence), (90, 0.0));
        assert!(figures(&scored)[0] > 0.75);
    }
}
