//! The return desk: whether, how and until when something may come back, from the order and the shop's rules alone.
//!
//! # Why
//! A promise about money must not depend on who happens to be at the desk. The ruling is arithmetic: same order, same
//! rules, same day, same ruling, with every reason named. What the record does not say makes it `ask`, never `due`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::DAY_MS;
use crate::domain::order::{Line, Order, Stage};

const MINUTE_MS: i64 = 60_000;

/// Who pays for the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Payer {
    /// The buyer.
    Buyer,
    /// The shop.
    Shop,
}

/// What a shop takes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnRules {
    /// 七天无理由: so many whole days after the day of signing, without a reason; 1 to 365.
    pub days: u32,
    /// Whether it must not have been opened, to be returned without a reason.
    pub must_be_unopened: bool,
    /// Kinds of products that are not taken back without a reason.
    pub excluded_categories: Vec<String>,
    /// Who pays for the way back without a reason.
    pub freight: Payer,
    /// So many whole days after the day of signing for a defect, or a wrong product; 1 to 365.
    pub defect_days: u32,
}

impl Default for ReturnRules {
    /// What the law of China asks for at least, and what it lets a shop exclude.
    fn default() -> Self {
        Self {
            days: 7,
            must_be_unopened: false,
            excluded_categories: ["定制", "生鲜", "音像软件", "报刊"].map(str::to_owned).to_vec(),
            freight: Payer::Buyer,
            defect_days: 15,
        }
    }
}

/// Why the buyer wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Without a reason.
    ChangedMind,
    /// It is broken, or not as described.
    Defect,
    /// Something else came.
    WrongItem,
}

/// What the buyer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnAsk {
    /// Why.
    pub cause: Cause,
    /// Whether it is still unopened; null if nobody has asked yet.
    #[serde(default)]
    pub is_unopened: Option<bool>,
    /// Which position, from 0; all of them if left out.
    #[serde(default)]
    pub line: Option<usize>,
}

/// How it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The money goes back; nothing was sent.
    Refund,
    /// It comes back, then the money goes back.
    ReturnAndRefund,
}

/// What counts for a ruling. Codes are stable: interfaces translate them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// It was never shipped.
    NotShipped,
    /// Within the days without a reason.
    WithinDays,
    /// Within the days for defects.
    WithinDefectDays,
    /// The days are over.
    DaysOver,
    /// The kind of product is not taken back without a reason.
    CategoryExcluded,
    /// It was opened.
    Opened,
    /// Whether it was opened is not known.
    OpenedUnknown,
    /// The kind of product is not known, and some kinds are excluded.
    CategoryUnknown,
    /// It is still on its way.
    UnderWay,
    /// It was not paid.
    NotPaid,
    /// It was refunded or cancelled before.
    Settled,
    /// The record does not say how far the order has come.
    RecordIncomplete,
    /// There is no such position.
    NoSuchLine,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is due.
    Due,
    /// It is not due.
    NotDue,
    /// Something has to be found out first.
    Ask,
}

/// A ruling, with everything that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// What follows.
    pub verdict: Verdict,
    /// How it is done, where it is due.
    pub way: Option<Way>,
    /// The first moment at which it is too late; null where no day counts.
    pub until_ms: Option<i64>,
    /// Who pays for the way back, where something comes back.
    pub freight: Option<Payer>,
    /// Why, the decisive one first.
    pub reasons: Vec<ReturnReason>,
}

fn ruling(verdict: Verdict, reason: ReturnReason) -> Ruling {
    Ruling { verdict, way: None, until_ms: None, freight: None, reasons: vec![reason] }
}

/// Rules on a return at `now_ms`, where the shop's clock is `offset_min` minutes east of UTC.
pub fn rule_on(order: &Order, ask: &ReturnAsk, rules: &ReturnRules, (now_ms, offset_min): (i64, i64)) -> Ruling {
    let lines = match ask.line {
        None => order.lines(),
        Some(idx) => match order.lines().get(idx).map(std::slice::from_ref) {
            Some(line) => line,
            None => return ruling(Verdict::Ask, ReturnReason::NoSuchLine),
        },
    };
    match order.stage() {
        None => ruling(Verdict::Ask, ReturnReason::RecordIncomplete),
        Some(Stage::Created) => ruling(Verdict::NotDue, ReturnReason::NotPaid),
        Some(Stage::Refunded | Stage::Cancelled) => ruling(Verdict::NotDue, ReturnReason::Settled),
        Some(Stage::Paid) => Ruling { way: Some(Way::Refund), ..ruling(Verdict::Due, ReturnReason::NotShipped) },
        Some(Stage::Shipped) => ruling(Verdict::Ask, ReturnReason::UnderWay),
        Some(Stage::Signed) => match order.reached_ms(Stage::Signed) {
            None => ruling(Verdict::Ask, ReturnReason::RecordIncomplete),
            Some(signed_ms) => rule_on_signed(lines, ask, rules, (signed_ms, now_ms, offset_min)),
        },
    }
}

fn rule_on_signed(
    lines: &[Line],
    ask: &ReturnAsk,
    rules: &ReturnRules,
    (signed_ms, now_ms, offset_min): (i64, i64, i64),
) -> Ruling {
    let is_defect = matches!(ask.cause, Cause::Defect | Cause::WrongItem);
    let days = if is_defect { rules.defect_days } else { rules.days };
    let until_ms = Some(end_of_days(signed_ms, days, offset_min));
    let decide = |verdict, reason| Ruling { until_ms, ..ruling(verdict, reason) };
    if until_ms.is_some_and(|until_ms| now_ms >= until_ms) {
        return decide(Verdict::NotDue, ReturnReason::DaysOver);
    }
    let due = |reason, freight| Ruling {
        way: Some(Way::ReturnAndRefund),
        freight: Some(freight),
        ..decide(Verdict::Due, reason)
    };
    if is_defect {
        return due(ReturnReason::WithinDefectDays, Payer::Shop);
    }
    if lines.iter().any(|line| is_excluded(line, rules)) {
        return decide(Verdict::NotDue, ReturnReason::CategoryExcluded);
    }
    if rules.must_be_unopened && ask.is_unopened == Some(false) {
        return decide(Verdict::NotDue, ReturnReason::Opened);
    }
    let is_known = !lines.is_empty() && lines.iter().all(|line| line.category.is_some());
    let doubts = [
        (rules.must_be_unopened && ask.is_unopened.is_none(), ReturnReason::OpenedUnknown),
        (!rules.excluded_categories.is_empty() && !is_known, ReturnReason::CategoryUnknown),
    ];
    let doubts: Vec<ReturnReason> = doubts.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect();
    if doubts.is_empty() {
        return due(ReturnReason::WithinDays, rules.freight);
    }
    Ruling { reasons: doubts, freight: Some(rules.freight), ..decide(Verdict::Ask, ReturnReason::WithinDays) }
}

fn is_excluded(line: &Line, rules: &ReturnRules) -> bool {
    let category = line.category.as_deref().map(str::trim).unwrap_or_default();
    rules.excluded_categories.iter().any(|excluded| excluded.trim().eq_ignore_ascii_case(category))
}

/// The days begin with the day after the signing, and the last one counts as a whole.
fn end_of_days(signed_ms: i64, days: u32, offset_min: i64) -> i64 {
    let local_day = (signed_ms + offset_min * MINUTE_MS).div_euclid(DAY_MS);
    (local_day + 1 + i64::from(days)) * DAY_MS - offset_min * MINUTE_MS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::order::Dated;
    use crate::domain::order::tests::key;

    /// 2026-01-01, 00:00 UTC; eight in the morning in China.
    const SIGNED_MS: i64 = 1_767_225_600_000;
    const CHINA: i64 = 480;

    fn order(stage: Stage, category: Option<&str>) -> Order {
        let line = Line {
            sku: None,
            title: "空气炸锅".into(),
            quantity: 1,
            amount: None,
            category: category.map(str::to_owned),
        };
        Order {
            stages: BTreeMap::from([(stage, SIGNED_MS)]),
            lines: Some(Dated { at_ms: SIGNED_MS, value: vec![line] }),
            ..Order::unknown(key(), SIGNED_MS)
        }
    }

    fn ask(cause: Cause) -> ReturnAsk {
        ReturnAsk { cause, is_unopened: None, line: None }
    }

    fn ruled(order: &Order, ask: &ReturnAsk, rules: &ReturnRules, after_days: i64) -> Ruling {
        rule_on(order, ask, rules, (SIGNED_MS + after_days * DAY_MS, CHINA))
    }

    #[test]
    fn seven_days_end_with_the_eighth_midnight_of_the_shop() {
        let (order, rules) = (order(Stage::Signed, Some("厨电")), ReturnRules::default());
        let ruling = ruled(&order, &ask(Cause::ChangedMind), &rules, 6);
        assert_eq!((ruling.verdict, ruling.freight), (Verdict::Due, Some(Payer::Buyer)));
        // 2026-01-09, 00:00 in China.
        assert_eq!(ruling.until_ms, Some(SIGNED_MS + 8 * DAY_MS - 8 * 3_600_000));
        let until_ms = ruling.until_ms.unwrap();
        let at = |now_ms| rule_on(&order, &ask(Cause::ChangedMind), &rules, (now_ms, CHINA)).verdict;
        assert_eq!((at(until_ms - 1), at(until_ms)), (Verdict::Due, Verdict::NotDue));
    }

    #[test]
    fn a_defect_is_the_shops_cost_and_outlives_the_seven_days() {
        let order = order(Stage::Signed, Some("定制"));
        for cause in [Cause::Defect, Cause::WrongItem] {
            let ruling = ruled(&order, &ask(cause), &ReturnRules::default(), 10);
            assert_eq!((ruling.verdict, ruling.freight), (Verdict::Due, Some(Payer::Shop)), "{cause:?}");
        }
    }

    #[test]
    fn what_stands_against_it_is_named() {
        let rules = ReturnRules { must_be_unopened: true, ..ReturnRules::default() };
        let reason = |order: &Order, ask: ReturnAsk| {
            let ruling = ruled(order, &ask, &rules, 1);
            (ruling.verdict, ruling.reasons[0])
        };
        let mind = ask(Cause::ChangedMind);
        let opened = ReturnAsk { is_unopened: Some(false), ..mind };
        let known = order(Stage::Signed, Some("厨电"));
        assert_eq!(
            reason(&order(Stage::Signed, Some("定制")), mind),
            (Verdict::NotDue, ReturnReason::CategoryExcluded)
        );
        assert_eq!(reason(&known, opened), (Verdict::NotDue, ReturnReason::Opened));
        assert_eq!(reason(&known, mind), (Verdict::Ask, ReturnReason::OpenedUnknown));
        let unopened = ReturnAsk { is_unopened: Some(true), ..mind };
        assert_eq!(reason(&order(Stage::Signed, None), unopened), (Verdict::Ask, ReturnReason::CategoryUnknown));
        assert_eq!(reason(&known, ReturnAsk { line: Some(4), ..mind }), (Verdict::Ask, ReturnReason::NoSuchLine));
        assert_eq!(reason(&order(Stage::Created, None), mind), (Verdict::NotDue, ReturnReason::NotPaid));
        assert_eq!(reason(&order(Stage::Refunded, None), mind), (Verdict::NotDue, ReturnReason::Settled));
        assert_eq!(reason(&order(Stage::Shipped, None), mind), (Verdict::Ask, ReturnReason::UnderWay));
        assert_eq!(reason(&order(Stage::Paid, None), mind), (Verdict::Due, ReturnReason::NotShipped));
        assert_eq!(reason(&Order::unknown(key(), 1), mind), (Verdict::Ask, ReturnReason::RecordIncomplete));
    }

    fn any_cause() -> impl Strategy<Value = Cause> {
        prop_oneof![Just(Cause::ChangedMind), Just(Cause::Defect), Just(Cause::WrongItem)]
    }

    proptest! {
        #[test]
        fn what_is_not_due_today_is_not_due_tomorrow(
            cause in any_cause(), hours in 0i64..2000, later in 0i64..2000, days in 1u32..60, offset in -720i64..=840,
        ) {
            let order = order(Stage::Signed, Some("厨电"));
            let rules = ReturnRules { days, defect_days: days, ..ReturnRules::default() };
            let at = |hours: i64| rule_on(&order, &ask(cause), &rules, (SIGNED_MS + hours * 3_600_000, offset));
            if at(hours).verdict == Verdict::NotDue {
                prop_assert_eq!(at(hours + later).verdict, Verdict::NotDue);
            }
            prop_assert_eq!(at(hours).until_ms, at(hours + later).until_ms, "the last day does not move");
        }

        #[test]
        fn more_days_never_take_a_return_away(cause in any_cause(), hours in 0i64..2000, days in 1u32..60) {
            let order = order(Stage::Signed, Some("厨电"));
            let with = |days| {
                let rules = ReturnRules { days, defect_days: days, ..ReturnRules::default() };
                rule_on(&order, &ask(cause), &rules, (SIGNED_MS + hours * 3_600_000, CHINA))
            };
            if with(days).verdict == Verdict::Due {
                prop_assert_eq!(with(days + 1).verdict, Verdict::Due);
            }
        }

        #[test]
        fn a_window_is_never_shorter_than_its_days(days in 1u32..60, offset in -720i64..=840, second in 0i64..86_400) {
            let signed_ms = SIGNED_MS + second * 1000;
            let left = end_of_days(signed_ms, days, offset) - signed_ms;
            prop_assert!(left > i64::from(days) * DAY_MS && left <= i64::from(days + 1) * DAY_MS);
        }
    }
}
