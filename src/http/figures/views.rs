//! Counts as figures: what is divided by what stands here, and nowhere else.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::figure_rules::FigureRules;
use crate::domain::tally::Counts;

/// What some inquiries came to. A share is null where there is nothing to divide by.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Figures {
    /// Conversations in which the buyer wrote, counted once a day.
    n_inquiries: u32,
    n_received: u32,
    n_lost: u32,
    /// Answered by the assistant alone, where that does not count.
    n_assistant_alone: u32,
    /// The average of the first rounds, in milliseconds.
    first_ms: Option<i64>,
    /// The average of all rounds.
    response_ms: Option<i64>,
    n_rounds: u32,
    /// Rounds answered within the shorter window, of all rounds, the unanswered among them.
    short_share: Option<f64>,
    /// Within the longer one.
    long_share: Option<f64>,
    /// Replies to each message of a buyer.
    answer_ratio: Option<f64>,
    /// Inquiries of buyers whom the shop has named: the others' orders are not known.
    n_named: u32,
    n_won_same_day: u32,
    n_won: u32,
    won_same_day_share: Option<f64>,
    won_share: Option<f64>,
    n_confirmed: u32,
    n_assumed: u32,
    n_reopened: u32,
    n_auto_sent: u32,
    n_auto_judged: u32,
    n_auto_wrong: u32,
    /// Found wrong, of those that somebody looked at.
    auto_wrong_share: Option<f64>,
}

impl Figures {
    /// Divides.
    pub fn new(counts: &Counts, rules: &FigureRules) -> Self {
        let answered = counts.rounds.n();
        let n_rounds = answered + counts.n_unanswered;
        Self {
            n_inquiries: counts.n_inquiries,
            n_received: counts.n_received,
            n_lost: counts.n_lost,
            n_assistant_alone: counts.n_assistant_alone,
            first_ms: counts.first.mean_ms(),
            response_ms: counts.rounds.mean_ms(),
            n_rounds,
            short_share: share(counts.rounds.within(rules.short_s), n_rounds),
            long_share: share(counts.rounds.within(rules.long_s), n_rounds),
            answer_ratio: share(counts.n_said, counts.n_asked),
            n_named: counts.n_named,
            n_won_same_day: counts.n_won_same_day,
            n_won: counts.n_won,
            won_same_day_share: share(counts.n_won_same_day, counts.n_named),
            won_share: share(counts.n_won, counts.n_named),
            n_confirmed: counts.n_confirmed,
            n_assumed: counts.n_assumed,
            n_reopened: counts.n_reopened,
            n_auto_sent: counts.n_auto_sent,
            n_auto_judged: counts.n_auto_judged,
            n_auto_wrong: counts.n_auto_wrong,
            auto_wrong_share: share(counts.n_auto_wrong, counts.n_auto_judged),
        }
    }

    /// As the cells of a sheet, in the order of [`HEADS`].
    pub fn cells(&self) -> Vec<String> {
        let number = |n: u32| n.to_string();
        let seconds = |ms: Option<i64>| ms.map(|ms| format!("{:.1}", ms as f64 / 1000.0)).unwrap_or_default();
        let percent = |share: Option<f64>| share.map(|share| format!("{:.1}%", share * 100.0)).unwrap_or_default();
        let ratio = |share: Option<f64>| share.map(|share| format!("{share:.2}")).unwrap_or_default();
        vec![
            number(self.n_inquiries),
            number(self.n_received),
            number(self.n_lost),
            number(self.n_assistant_alone),
            seconds(self.first_ms),
            seconds(self.response_ms),
            percent(self.short_share),
            percent(self.long_share),
            ratio(self.answer_ratio),
            number(self.n_named),
            percent(self.won_same_day_share),
            percent(self.won_share),
            number(self.n_confirmed),
            number(self.n_assumed),
            number(self.n_reopened),
            number(self.n_auto_sent),
            number(self.n_auto_judged),
            number(self.n_auto_wrong),
        ]
    }
}

/// What the cells of a sheet are called: Chinese, English. `{short}` and `{long}` stand for the windows.
pub const HEADS: [(&str, &str); 18] = [
    ("咨询数", "Inquiries"),
    ("接待数", "Received"),
    ("首次回复前流失", "Lost before the first reply"),
    ("仅机器人回复", "Assistant alone"),
    ("首次响应（秒）", "First response (s)"),
    ("平均响应（秒）", "Average response (s)"),
    ("{short} 秒回复率", "Answered within {short} s"),
    ("{long} 秒回复率", "Answered within {long} s"),
    ("答问比", "Replies per message"),
    ("已识别买家的咨询", "Inquiries of named buyers"),
    ("当日询单转化率", "Inquiry to order, same day"),
    ("最终询单转化率", "Inquiry to order, final"),
    ("已确认解决", "Confirmed"),
    ("推定解决", "Assumed"),
    ("再次咨询", "Reopened"),
    ("自动发送", "Sent automatically"),
    ("其中已复核", "Of these looked at"),
    ("其中有误", "Of these wrong"),
];

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unanswered_rounds_are_late_and_nothing_is_divided_by_nothing() {
        let mut counts: Counts = serde_json::from_value(serde_json::json!({
            "n_unanswered": 1, "rounds": { "sum_ms": 400_000, "by_second": { "100": 2, "200": 1 } },
        }))
        .unwrap();
        let figures = Figures::new(&counts, &FigureRules::default());
        assert_eq!((figures.n_rounds, figures.short_share, figures.long_share), (4, Some(0.5), Some(0.75)));
        assert_eq!((figures.response_ms, figures.first_ms, figures.won_share), (Some(133_333), None, None));
        counts = Counts::default();
        assert_eq!(Figures::new(&counts, &FigureRules::default()), Figures::default());
        assert_eq!(figures.cells().len(), HEADS.len());
    }
}
