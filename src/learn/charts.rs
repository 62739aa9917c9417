//! What ops look at: how much could be sent at which error, whether confidences mean what they say, and week by week
//! whether the promise was kept.
//!
//! Shares that nothing stands behind are null, never zero, and every share has its exact interval.

use schemars::JsonSchema;
use serde::Serialize;

use super::binomial::{lower_bound, upper_bound};
use super::calibrate::auroc;
use super::certify::{Row, counts, grid};
use super::split::is_loss;
use super::watch::Watch;
use crate::domain::decision::Decision;
use crate::domain::ids::{ConversationId, TurnId};
use crate::domain::outcome::{LabelSource, Outcome};
use crate::storage::looks::Audited;
use crate::storage::ops::ReplayRow;

/// Bins of the reliability diagram.
const RELIABILITY_BINS: usize = 10;
/// Bins of the histogram.
const HISTOGRAM_BINS: usize = 20;
/// Turns near the bar that are shown.
const NEAR: usize = 30;
/// Audits of the line that are shown, the newest.
const LINE: usize = 1000;
/// Length of a week.
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// 1970 began on a Thursday.
const MONDAY_MS: i64 = 4 * 24 * 60 * 60 * 1000;

/// A share with its exact interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Interval {
    /// The share seen.
    pub share: f64,
    /// No less than this.
    pub lower: f64,
    /// No more than this.
    pub upper: f64,
}

/// `k` of `n`, each bound with so much doubt; none where nothing was seen.
pub fn interval(k: u32, n: u32, doubt: f64) -> Option<Interval> {
    let share = f64::from(k) / f64::from(n);
    (n > 0).then(|| Interval { share, lower: lower_bound(k, n, doubt), upper: upper_bound(k, n, doubt) })
}

/// One candidate for the bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CurvePoint {
    /// The bar.
    pub bar: f64,
    /// Share of the rows at or above it.
    pub coverage: f64,
    /// Rows at or above it.
    pub n: u32,
    /// Losses among them.
    pub k: u32,
    /// Share of losses.
    pub error: Option<f64>,
    /// No less than this, one-sided.
    pub lower: f64,
    /// No more than this, one-sided.
    pub upper: f64,
}

/// Error against coverage over all rows, at falling bars. For the eye: the proof uses other rows for its candidates.
pub fn curve(rows: &[Row], doubt: f64) -> Vec<CurvePoint> {
    let scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
    let mut bars = grid(&scores);
    bars.dedup();
    let points = bars.iter().zip(counts(&bars, rows)).map(|(bar, (n, k))| {
        let error = interval(k, n, doubt);
        CurvePoint {
            bar: *bar,
            coverage: f64::from(n) / rows.len() as f64,
            n,
            k,
            error: error.map(|error| error.share),
            lower: error.map_or(0.0, |error| error.lower),
            upper: error.map_or(1.0, |error| error.upper),
        }
    });
    points.collect()
}

/// What answers of about one confidence came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ReliabilityBin {
    /// Confidences from here.
    pub from: f64,
    /// Up to here; the last bin has its end in it.
    pub until: f64,
    /// Labelled answers.
    pub n: u32,
    /// Their mean confidence.
    pub mean_confidence: Option<f64>,
    /// Share of them that was no loss.
    pub share_good: Option<f64>,
    /// No less than this, with 95 %.
    pub lower: Option<f64>,
    /// No more than this, with 95 %.
    pub upper: Option<f64>,
}

/// Whether a confidence of 0.8 is right in eight of ten.
pub fn reliability(rows: &[Row]) -> Vec<ReliabilityBin> {
    let edge = |nth: usize| nth as f64 / RELIABILITY_BINS as f64;
    let of_bin = |nth: usize| {
        let own: Vec<&Row> = rows.iter().filter(|row| bin(row.score, RELIABILITY_BINS) == nth).collect();
        let n = count(own.len());
        let good = interval(count(own.iter().filter(|row| !row.is_loss).count()), n, 0.025);
        let mean = own.iter().map(|row| row.score).sum::<f64>() / f64::from(n);
        ReliabilityBin {
            from: edge(nth),
            until: edge(nth + 1),
            n,
            mean_confidence: (n > 0).then_some(mean),
            share_good: good.map(|good| good.share),
            lower: good.map(|good| good.lower),
            upper: good.map(|good| good.upper),
        }
    };
    (0..RELIABILITY_BINS).map(of_bin).collect()
}

/// How good the confidences are, in three numbers; null where too little is labelled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Quality {
    /// Mean distance between confidence and share of good answers, over the bins.
    pub ece: Option<f64>,
    /// Mean squared error.
    pub brier: Option<f64>,
    /// Chance that a good answer has more confidence than a bad one.
    pub auroc: Option<f64>,
}

/// Weighs the confidences.
pub fn quality(rows: &[Row]) -> Quality {
    if rows.is_empty() {
        return Quality { ece: None, brier: None, auroc: None };
    }
    let n = rows.len() as f64;
    let gaps = reliability(rows)
        .into_iter()
        .filter_map(|bin| Some(f64::from(bin.n) * (bin.mean_confidence? - bin.share_good?).abs()));
    let good = |row: &Row| f64::from(u8::from(!row.is_loss));
    let scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
    let goods: Vec<bool> = rows.iter().map(|row| !row.is_loss).collect();
    Quality {
        ece: Some(gaps.sum::<f64>() / n),
        brier: Some(rows.iter().map(|row| (row.score - good(row)).powi(2)).sum::<f64>() / n),
        auroc: auroc(&scores, &goods),
    }
}

/// What answers of about one confidence were labelled as.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
pub struct HistogramBin {
    /// Confidences from here.
    pub from: f64,
    /// Up to here.
    pub until: f64,
    pub accept: u32,
    pub edit_style: u32,
    pub edit_fact: u32,
    pub reject_wrong: u32,
    pub reject_should_not_answer: u32,
    pub reject_tone: u32,
    /// Refused without a reason, or answered in own words instead.
    pub reject_other: u32,
    pub unlabelled: u32,
}

/// Counts drafts by confidence and outcome.
pub fn histogram<'a>(rows: impl IntoIterator<Item = &'a ReplayRow>) -> Vec<HistogramBin> {
    let edge = |nth: usize| nth as f64 / HISTOGRAM_BINS as f64;
    let mut bins: Vec<HistogramBin> = (0..HISTOGRAM_BINS)
        .map(|nth| HistogramBin { from: edge(nth), until: edge(nth + 1), ..HistogramBin::default() })
        .collect();
    for row in rows {
        let bin = &mut bins[bin(row.evidence.confidence.value(), HISTOGRAM_BINS)];
        let counted = match row.label.map(|label| label.outcome) {
            Some(Outcome::Accept) => &mut bin.accept,
            Some(Outcome::EditStyle) => &mut bin.edit_style,
            Some(Outcome::EditFact) => &mut bin.edit_fact,
            Some(Outcome::RejectWrong) => &mut bin.reject_wrong,
            Some(Outcome::RejectShouldNotAnswer) => &mut bin.reject_should_not_answer,
            Some(Outcome::RejectTone) => &mut bin.reject_tone,
            Some(Outcome::RejectOther) => &mut bin.reject_other,
            None if is_loss(row).is_some() => &mut bin.reject_other,
            None => &mut bin.unlabelled,
        };
        *counted += 1;
    }
    bins
}

/// A turn that a slightly other bar would have sent, or held.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NearTurn {
    pub turn_id: TurnId,
    pub conversation_id: ConversationId,
    pub question: String,
    pub topic: String,
    pub confidence: f64,
    /// Null if nobody has labelled it.
    pub outcome: Option<Outcome>,
    /// `auto_send`, `review`, `escalate`.
    pub decision: String,
    pub asked_at_ms: i64,
}

/// Turns near the bar, the nearest first.
pub fn near_bar<'a>(rows: impl IntoIterator<Item = &'a ReplayRow>, bar: f64) -> Vec<NearTurn> {
    let distance = |row: &ReplayRow| (row.evidence.confidence.value() - bar).abs();
    let mut near: Vec<&ReplayRow> = rows.into_iter().collect();
    near.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(b.created_at_ms.cmp(&a.created_at_ms)));
    let view = |row: &ReplayRow| NearTurn {
        turn_id: row.turn,
        conversation_id: row.conversation,
        question: row.question.clone(),
        topic: row.evidence.topic.clone(),
        confidence: row.evidence.confidence.value(),
        outcome: row.label.map(|label| label.outcome),
        decision: row.decision.code().to_owned(),
        asked_at_ms: row.created_at_ms,
    };
    near.into_iter().take(NEAR).map(view).collect()
}

/// What a week came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Week {
    /// Its first millisecond, a Monday.
    pub from_ms: i64,
    /// Decided turns.
    pub n_turns: u32,
    /// Sent without a person.
    pub n_auto_sent: u32,
    /// Share of them.
    pub auto_rate: Option<f64>,
    /// Sent answers of the week that were labelled blind.
    pub n_audited: u32,
    /// Losses among them.
    pub n_wrong: u32,
    /// Share of losses.
    pub audited_error: Option<f64>,
    /// No more than this, with 95 %, one-sided.
    pub upper: Option<f64>,
}

/// The first millisecond of the week of `at_ms`, where days begin `offset_ms` ahead of UTC.
pub fn week_start_ms(at_ms: i64, offset_ms: i64) -> i64 {
    let shift = offset_ms - MONDAY_MS;
    (at_ms + shift).div_euclid(WEEK_MS) * WEEK_MS - shift
}

/// The last `n_weeks`, that of `now_ms` the last; weeks without a question, too.
pub fn weeks<'a>(
    rows: impl IntoIterator<Item = &'a ReplayRow>,
    n_weeks: u32,
    (now_ms, offset_ms): (i64, i64),
) -> Vec<Week> {
    let last_ms = week_start_ms(now_ms, offset_ms);
    let first_ms = last_ms - i64::from(n_weeks.saturating_sub(1)) * WEEK_MS;
    let mut sums = vec![(0u32, 0u32, 0u32, 0u32); n_weeks as usize];
    for row in rows {
        let nth = (row.created_at_ms - first_ms).div_euclid(WEEK_MS);
        let Some(sum) = usize::try_from(nth).ok().and_then(|nth| sums.get_mut(nth)) else { continue };
        sum.0 += 1;
        if matches!(row.decision, Decision::AutoSend { .. }) {
            sum.1 += 1;
            let audited = row.label.filter(|label| label.source == LabelSource::Audit);
            sum.2 += u32::from(audited.is_some());
            sum.3 += u32::from(audited.is_some_and(|label| label.outcome.is_loss()));
        }
    }
    let week = |(nth, (n_turns, n_auto_sent, n_audited, n_wrong)): (i64, (u32, u32, u32, u32))| {
        let error = interval(n_wrong, n_audited, 0.05);
        Week {
            from_ms: first_ms + nth * WEEK_MS,
            n_turns,
            n_auto_sent,
            auto_rate: (n_turns > 0).then(|| f64::from(n_auto_sent) / f64::from(n_turns)),
            n_audited,
            n_wrong,
            audited_error: error.map(|error| error.share),
            upper: error.map(|error| error.upper),
        }
    };
    (0i64..).zip(sums).map(week).collect()
}

/// One audited answer, and what the bet against the proof was worth after it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct LinePoint {
    /// When it was labelled.
    pub at_ms: i64,
    /// 1, 2, 3 …
    pub nth: u32,
    /// Whether it was a loss.
    pub is_wrong: bool,
    /// What the bet was worth.
    pub e_value: f64,
}

/// The bet against a proof, audit by audit; the newest thousand.
pub fn line(target_error: f64, audits: &[Audited]) -> Vec<LinePoint> {
    let mut watch = Watch::new(target_error);
    let points = (1u32..).zip(audits).map(|(nth, audited)| {
        let is_wrong = audited.outcome.is_loss();
        LinePoint { at_ms: audited.at_ms, nth, is_wrong, e_value: watch.see(is_wrong) }
    });
    let mut points: Vec<LinePoint> = points.collect();
    points.drain(..points.len().saturating_sub(LINE));
    points
}

fn bin(score: f64, n_bins: usize) -> usize {
    ((score * n_bins as f64) as usize).min(n_bins - 1)
}

fn count(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::split::tests::past;
    use super::*;
    use crate::storage::ops::PastLabel;

    fn row(score: f64, is_loss: bool) -> Row {
        Row { score, is_loss }
    }

    #[test]
    fn the_curve_falls_and_its_bounds_hold_the_error() {
        let rows: Vec<Row> = (0..100).map(|nth| row(f64::from(nth) / 100.0, nth % 10 == 0)).collect();
        let points = curve(&rows, 0.05);
        assert_eq!((points.len(), points.last().map(|point| (point.n, point.k))), (35, Some((100, 10))));
        assert!(points.is_sorted_by(|a, b| a.bar > b.bar && a.coverage < b.coverage));
        for point in points {
            assert!(point.lower <= point.error.unwrap() && point.error.unwrap() <= point.upper);
        }
        assert_eq!(curve(&[], 0.05), []);
    }

    #[test]
    fn confidences_that_mean_what_they_say_have_no_gap() {
        let honest: Vec<Row> = (0..10).map(|nth| row(0.85, nth >= 8)).chain([row(1.0, false)]).collect();
        let bins = reliability(&honest);
        assert_eq!((bins[8].n, bins[8].share_good, bins[9].n, bins[0].share_good), (10, Some(0.8), 1, None));
        let quality = quality(&honest);
        assert!((quality.ece.unwrap() - 0.5 / 11.0).abs() < 1e-9, "{quality:?}");
        assert_eq!(super::quality(&[]), Quality { ece: None, brier: None, auroc: None });
    }

    #[test]
    fn every_draft_stands_in_one_column() {
        let mut replaced = past(9, 1.0, None);
        replaced.is_replaced = true;
        let labelled = Outcome::ALL.into_iter().zip(1..).map(|(outcome, nth)| past(nth, 0.5, Some(outcome)));
        let rows: Vec<_> = labelled.chain([past(8, 0.02, None), replaced]).collect();
        let bins = histogram(&rows);
        assert_eq!((bins.len(), bins[0].unlabelled, bins[19].reject_other), (20, 1, 1));
        let middle = bins[10];
        assert_eq!([middle.accept, middle.edit_style, middle.edit_fact, middle.reject_other], [1, 1, 1, 1]);
    }

    #[test]
    fn the_nearest_to_the_bar_come_first() {
        let rows = [past(1, 0.1, None), past(2, 0.78, Some(Outcome::Accept)), past(3, 0.9, None)];
        let told: Vec<_> = near_bar(&rows, 0.8).into_iter().map(|turn| turn.confidence).collect();
        assert_eq!(told, [0.78, 0.9, 0.1]);
    }

    #[test]
    fn weeks_begin_on_monday_where_the_shop_is() {
        // 2026-01-01 is a Thursday.
        let thursday_ms = 1_767_225_600_000;
        assert_eq!(week_start_ms(thursday_ms, 0), thursday_ms - 3 * 24 * 3_600_000);
        let china_ms = 8 * 3_600_000;
        let sunday_evening_utc_ms = thursday_ms + 3 * 24 * 3_600_000 + 20 * 3_600_000;
        assert_eq!(week_start_ms(sunday_evening_utc_ms, china_ms), sunday_evening_utc_ms - 4 * 3_600_000);
        assert_eq!(week_start_ms(sunday_evening_utc_ms, 0), thursday_ms - 3 * 24 * 3_600_000);
    }

    #[test]
    fn only_audits_measure_the_error_of_what_was_sent() {
        let sent = |nth, source, outcome| {
            let mut row = past(nth, 0.9, Some(outcome));
            row.decision = Decision::AutoSend { audit: true };
            row.label = row.label.map(|label| PastLabel { source, ..label });
            row
        };
        let rows = [
            sent(1, LabelSource::Audit, Outcome::RejectWrong),
            sent(2, LabelSource::Audit, Outcome::Accept),
            sent(3, LabelSource::Review, Outcome::RejectWrong),
            past(4, 0.2, None),
        ];
        let [empty, week] = weeks(&rows, 2, (WEEK_MS / 7, 0)).try_into().unwrap();
        assert_eq!((empty.n_turns, empty.auto_rate, empty.audited_error), (0, None, None));
        assert_eq!((week.n_turns, week.n_auto_sent, week.n_audited, week.n_wrong), (4, 3, 2, 1));
        assert_eq!((week.auto_rate, week.audited_error), (Some(0.75), Some(0.5)));
    }

    #[test]
    fn the_line_rises_with_losses() {
        let audited = |outcome| Audited { topic: "t".into(), outcome, at_ms: 1 };
        let points = line(0.05, &[audited(Outcome::Accept), audited(Outcome::EditFact)]);
        assert!(points[0].e_value < 1.0 && points[1].e_value > 1.0);
        assert_eq!((points[1].nth, points[1].is_wrong), (2, true));
    }
}
