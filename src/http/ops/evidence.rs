//! `GET /v1/ops/dial/evidence`, `/weeks`, `/topics`: agents, ops, owners. What the plots of the dial are drawn from.

use std::collections::BTreeMap;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::decision::Decision;
use crate::domain::dial::{Scope, State as DialState};
use crate::domain::ids::ShopId;
use crate::domain::outcome::LabelSource;
use crate::domain::policy::{Mode, Policy};
use crate::http::day::DAY_MS;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::ops::dial_views::read_scope;
use crate::http::state::AppState;
use crate::http::work::off_the_async_threads;
use crate::learn::certify::Row;
use crate::learn::charts::{
    CurvePoint, HistogramBin, LinePoint, NearTurn, Quality, ReliabilityBin, Week, curve, histogram, interval, line,
    near_bar, quality, reliability, week_start_ms, weeks,
};
use crate::learn::dial::{Stand, audits, is_failing, stand};
use crate::learn::split::{is_loss, passes_the_gates};
use crate::learn::watch::{FALL_BACK_AT, WARN_AT};
use crate::storage::ops::{self, Period, ReplayRow};
use crate::storage::{certificates, policies};

#[derive(Deserialize, JsonSchema)]
pub struct EvidenceQuery {
    /// `shop` or `topic:` and a topic; the shop if left out.
    scope: Option<String>,
    /// How far back, 1 to 365; 90 if left out.
    days: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub struct EvidenceAnswer {
    scope: Scope,
    /// Turns that pass every gate.
    n_turns: usize,
    /// Those of them that are labelled.
    n_labelled: usize,
    target_error: Option<f64>,
    certainty: f64,
    /// What counts now; null if nothing is sent by itself.
    bar: Option<f64>,
    /// Falling bars, at most 35.
    curve: Vec<CurvePoint>,
    reliability: Vec<ReliabilityBin>,
    #[serde(flatten)]
    quality: Quality,
    histogram: Vec<HistogramBin>,
    near_bar: Vec<NearTurn>,
}

pub async fn show_evidence(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<EvidenceQuery>,
) -> ApiResult<Json<EvidenceAnswer>> {
    let shop = member.shop();
    let scope = read_scope(query.scope.as_deref().unwrap_or("shop"))?;
    let policy = policies::current(&state.db, shop).await?.policy;
    let now = stand(&state.db, shop, (&policy, &scope), &state.fingerprint).await?;
    let rows = past(&state, shop, query.days).await?;
    let answer = off_the_async_threads(move || draw(scope, &rows, (&policy, &now))).await?;
    Ok(Json(answer))
}

async fn past(state: &AppState, shop: ShopId, days: Option<i64>) -> ApiResult<Vec<ReplayRow>> {
    let days = days.unwrap_or(90);
    if !(1..=365).contains(&days) {
        return Err(ApiError::field("days", "between 1 and 365"));
    }
    let period = Period { from_ms: state.now_ms() - days * DAY_MS, until_ms: i64::MAX };
    Ok(ops::replay_rows(&state.db, shop, period).await?)
}

fn draw(scope: Scope, rows: &[ReplayRow], (policy, now): (&Policy, &Stand)) -> EvidenceAnswer {
    let own: Vec<&ReplayRow> =
        rows.iter().filter(|row| policy.covers(&scope, &row.evidence.topic) && passes_the_gates(row, policy)).collect();
    let row_of = |row: &&ReplayRow| Some(Row { score: row.evidence.confidence.value(), is_loss: is_loss(row)? });
    let labelled: Vec<Row> = own.iter().filter_map(row_of).collect();
    let dial = policy.dial_of(&scope);
    let certainty = dial.map_or(0.95, |dial| dial.certainty);
    let bar = bar_in_force((policy, &scope), now);
    EvidenceAnswer {
        n_turns: own.len(),
        n_labelled: labelled.len(),
        target_error: dial.map(|dial| dial.target_error),
        certainty,
        bar,
        curve: curve(&labelled, 1.0 - certainty),
        reliability: reliability(&labelled),
        quality: quality(&labelled),
        histogram: histogram(own.iter().copied()),
        near_bar: bar.map(|bar| near_bar(own.iter().copied(), bar)).unwrap_or_default(),
        scope,
    }
}

fn bar_in_force((policy, scope): (&Policy, &Scope), now: &Stand) -> Option<f64> {
    match now.state {
        DialState::ByHand => Some(match scope {
            Scope::Shop => policy.bar,
            Scope::Topic(topic) => policy.bar(topic),
        }),
        DialState::Certified => now.newest.as_ref().map(|certificate| certificate.terms.bar),
        DialState::NotCertified | DialState::Probation | DialState::FallenBack => None,
    }
}

#[derive(Deserialize, JsonSchema)]
pub struct WeeksQuery {
    /// `shop` or `topic:` and a topic; the shop if left out.
    scope: Option<String>,
    /// So many weeks, this one the last; 1 to 53, 12 if left out.
    weeks: Option<u32>,
    /// Where days begin: minutes ahead of UTC, 480 for China; 0 if left out.
    #[serde(default)]
    offset_minutes: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct WeeksAnswer {
    /// Oldest first, from Monday; weeks without a question, too.
    weeks: Vec<Week>,
    /// The bet against the newest proof, audit by audit.
    e_process: Vec<LinePoint>,
    warn_at: f64,
    fall_back_at: f64,
}

pub async fn show_weeks(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<WeeksQuery>,
) -> ApiResult<Json<WeeksAnswer>> {
    let shop = member.shop();
    let scope = read_scope(query.scope.as_deref().unwrap_or("shop"))?;
    let n_weeks = query.weeks.unwrap_or(12);
    if !(1..=53).contains(&n_weeks) {
        return Err(ApiError::field("weeks", "between 1 and 53"));
    }
    if !(-14 * 60..=14 * 60).contains(&query.offset_minutes) {
        return Err(ApiError::field("offset_minutes", "at most 14 hours either way"));
    }
    let (now_ms, offset_ms) = (state.now_ms(), query.offset_minutes * 60_000);
    let from_ms = week_start_ms(now_ms, offset_ms) - i64::from(n_weeks - 1) * 7 * DAY_MS;
    let policy = policies::current(&state.db, shop).await?.policy;
    let rows = ops::replay_rows(&state.db, shop, Period { from_ms, until_ms: i64::MAX }).await?;
    let own = rows.iter().filter(|row| policy.covers(&scope, &row.evidence.topic));
    let e_process = match certificates::newest(&state.db, shop, &scope).await? {
        Some(certificate) => {
            let audits = audits(&state.db, shop, &certificate).await?;
            line(certificate.terms.dial.target_error, &audits)
        }
        None => vec![],
    };
    let weeks = weeks(own, n_weeks, (now_ms, offset_ms));
    Ok(Json(WeeksAnswer { weeks, e_process, warn_at: WARN_AT, fall_back_at: FALL_BACK_AT }))
}

#[derive(Deserialize, JsonSchema)]
pub struct TopicsQuery {
    /// How far back, 1 to 365; 90 if left out.
    days: Option<i64>,
}

/// Whose promise a topic stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CoveredBy {
    /// The shop's certificate.
    Shop,
    /// A certificate of its own.
    Own,
    /// Promised, and not proven.
    None,
    /// Nothing is promised.
    ByHand,
}

#[derive(Serialize, JsonSchema)]
pub struct TopicView {
    topic: String,
    mode: Mode,
    state: DialState,
    covered_by: CoveredBy,
    /// What counts now; null if nothing is sent by itself.
    bar: Option<f64>,
    n_turns: u32,
    n_auto_sent: u32,
    /// Drafts and sent answers that were labelled.
    n_labelled: u32,
    /// Losses among them.
    n_wrong: u32,
    error: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
    /// What was sent breaks the promise by itself.
    is_failing: bool,
}

#[derive(Serialize, JsonSchema)]
pub struct TopicsAnswer {
    /// By code.
    topics: Vec<TopicView>,
}

pub async fn show_topics(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<TopicsQuery>,
) -> ApiResult<Json<TopicsAnswer>> {
    let shop = member.shop();
    let policy = policies::current(&state.db, shop).await?.policy;
    let rows = past(&state, shop, query.days).await?;
    let mut by_topic: BTreeMap<&str, Vec<&ReplayRow>> =
        policy.topics.keys().map(|topic| (topic.as_str(), vec![])).collect();
    for row in &rows {
        by_topic.entry(&row.evidence.topic).or_default().push(row);
    }
    let mut topics = Vec::new();
    for (topic, rows) in by_topic {
        let scope = policy.scope(topic);
        let now = stand(&state.db, shop, (&policy, &scope), &state.fingerprint).await?;
        topics.push(view_topic((topic, &rows), (&policy, &scope), &now));
    }
    Ok(Json(TopicsAnswer { topics }))
}

fn view_topic((topic, rows): (&str, &[&ReplayRow]), (policy, scope): (&Policy, &Scope), now: &Stand) -> TopicView {
    let state = if policy.dial(topic).is_some() { now.state } else { DialState::ByHand };
    let covered_by = match (state, scope) {
        (DialState::ByHand, _) => CoveredBy::ByHand,
        (DialState::Certified, Scope::Shop) if policy.covers(scope, topic) => CoveredBy::Shop,
        (DialState::Certified, Scope::Topic(_)) => CoveredBy::Own,
        _ => CoveredBy::None,
    };
    let bar = match covered_by {
        CoveredBy::ByHand => Some(policy.bar(topic)),
        CoveredBy::Shop | CoveredBy::Own => now.newest.as_ref().map(|certificate| certificate.terms.bar),
        CoveredBy::None => None,
    };
    let count = |is: &dyn Fn(&ReplayRow) -> bool| rows.iter().filter(|row| is(row)).count() as u32;
    let n_labelled = count(&|row| is_loss(row).is_some());
    let n_wrong = count(&|row| is_loss(row) == Some(true));
    let error = interval(n_wrong, n_labelled, 0.05);
    let audits = rows.iter().filter_map(|row| row.label.filter(|label| label.source == LabelSource::Audit));
    let audited: Vec<bool> = audits.map(|label| label.outcome.is_loss()).collect();
    TopicView {
        topic: topic.to_owned(),
        mode: policy.mode(topic),
        state,
        covered_by,
        bar,
        n_turns: rows.len() as u32,
        n_auto_sent: count(&|row| matches!(row.decision, Decision::AutoSend { .. })),
        n_labelled,
        n_wrong,
        error: error.map(|error| error.share),
        lower: error.map(|error| error.lower),
        upper: error.map(|error| error.upper),
        is_failing: policy.dial(topic).is_some_and(|dial| is_failing(&audited, dial)),
    }
}
