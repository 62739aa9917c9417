//! Signs that a proof may not hold any more, long before enough audits say so: what buyers do after an answer that was
//! sent to them, and whether the questions are still like those that it was proven on.
//!
//! # Why
//! An audit is sure and slow: at 5 %, sixty of them are twelve hundred answers. These signs are quick and unsure, so they
//! end nothing. They raise the share that is audited to a half, and the audits decide.
//!
//! **The rule.** Raised is
//! - when buyers are unhappy (thumbs down, another question within two minutes, or asking for a person) with surely more
//!   of the newest hundred than of the first hundred sent under the proof: the lower bound of the one is above the upper
//!   bound of the other, each with a doubt of 5 %, which chance alone gives about once in a hundred;
//! - when confidences, topics, or how well drafts are supported have moved: the population stability index of the newest
//!   two hundred turns against those of the time of the proof is above 0.2, and above what chance alone gives once in a
//!   thousand for so few.
//!
//! A raise ends when the sign does. Nothing here ever lowers the share that ops chose.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::binomial::{lower_bound, upper_bound};
use crate::domain::certificate::Certificate;
use crate::domain::decision::{Decision, Reason};
use crate::domain::ids::ConversationId;
use crate::storage::ops::ReplayRow;

/// The first and the newest sent answers that are compared.
const N_SENT: usize = 100;
/// With fewer new ones nothing is said.
const LEAST_SENT: usize = 30;
/// The newest turns that are compared with those of the proof.
const N_TURNS: usize = 200;
/// With fewer on either side nothing is said.
const LEAST_TURNS: usize = 50;
/// Another question so soon is as good as "that did not help".
const SOON_MS: i64 = 2 * 60 * 1000;
/// Doubt of each bound.
const DOUBT: f64 = 0.05;
/// From here on a population is usually said to have moved.
const MOVED: f64 = 0.2;
/// The normal deviate that chance exceeds once in a thousand.
const ONE_IN_A_THOUSAND: f64 = 3.090_232;
/// Bins of a number.
const N_BINS: usize = 10;
/// Topics with a smaller share are one.
const LEAST_SHARE: f64 = 0.05;

/// What is compared with the time of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// How sure the assistant is.
    Confidence,
    /// What buyers ask about.
    Topic,
    /// Share of a draft that its sources support, and whether there was an answer at all.
    Support,
}

/// How far something has moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// What.
    pub what: Watched,
    /// The population stability index.
    pub psi: f64,
    /// Above this the audit rate is raised.
    pub limit: f64,
    /// Whether it is.
    pub is_raised: bool,
}

/// What buyers did after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unhappy {
    /// Sent answers among the first hundred.
    pub n_first: u32,
    /// Unhappy buyers among them.
    pub k_first: u32,
    /// Sent answers among the newest hundred.
    pub n_newest: u32,
    /// Unhappy buyers among them.
    pub k_newest: u32,
    /// Of those: thumbs down.
    pub n_thumbs_down: u32,
    /// Of those: asked again within two minutes.
    pub n_asked_again: u32,
    /// Of those: asked for a person.
    pub n_asked_for_person: u32,
    /// Whether it is surely more than at first.
    pub is_raised: bool,
}

/// All signs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Signals {
    /// What buyers did; null until there is something to compare.
    pub unhappy: Option<Unhappy>,
    /// What has moved, and what has not; empty until there is something to compare.
    pub drifts: Vec<Drift>,
}

impl Signals {
    /// Whether the share that is audited is to be raised.
    pub fn is_raised(&self) -> bool {
        self.unhappy.is_some_and(|unhappy| unhappy.is_raised) || self.drifts.iter().any(|drift| drift.is_raised)
    }
}

/// Reads the signs about a proof off the turns of its part of the traffic, oldest first.
pub fn signals(rows: &[&ReplayRow], certificate: &Certificate) -> Signals {
    let since_ms = certificate.created_at_ms;
    let (before, after): (Vec<&ReplayRow>, Vec<&ReplayRow>) =
        rows.iter().copied().partition(|row| row.created_at_ms < since_ms);
    // Ids of turns are of version 7 and rise with time, so it does not matter whether that very turn is still there.
    let first = certificate.terms.turns.first();
    let from = first.and_then(|first| before.iter().position(|row| row.turn >= *first)).unwrap_or(before.len());
    let newest = &after[after.len().saturating_sub(N_TURNS)..];
    Signals { unhappy: unhappy(&after, certificate), drifts: drifts(&before[from..], newest) }
}

/// What a buyer did after an answer: thumbs down, asked again, asked for a person.
fn reactions(after: &[&ReplayRow], certificate: &Certificate) -> Vec<(bool, bool, bool)> {
    let mut threads: BTreeMap<ConversationId, Vec<&ReplayRow>> = BTreeMap::new();
    for row in after {
        threads.entry(row.conversation).or_default().push(row);
    }
    let is_sent = |row: &&&ReplayRow| {
        let proof = row.basis.as_ref().and_then(|basis| basis.certificate);
        matches!(row.decision, Decision::AutoSend { .. }) && proof == Some(certificate.id)
    };
    let reaction = |row: &&ReplayRow| {
        let thread = &threads[&row.conversation];
        let next = thread.iter().find(|other| (other.created_at_ms, other.turn) > (row.created_at_ms, row.turn));
        let is_soon = next.is_some_and(|next| next.created_at_ms - row.created_at_ms <= SOON_MS);
        let wants_person = next.is_some_and(|next| next.evidence.escalations.contains(&Reason::AsksForPerson));
        (row.thumbs == Some(false), is_soon && !wants_person, wants_person)
    };
    after.iter().filter(is_sent).map(reaction).collect()
}

fn unhappy(after: &[&ReplayRow], certificate: &Certificate) -> Option<Unhappy> {
    let reactions = reactions(after, certificate);
    let (first, rest) = reactions.split_at_checked(N_SENT)?;
    if rest.len() < LEAST_SENT {
        return None;
    }
    let newest = &rest[rest.len().saturating_sub(N_SENT)..];
    let count = |of: &[(bool, bool, bool)], is: fn(&(bool, bool, bool)) -> bool| {
        u32::try_from(of.iter().filter(|one| is(one)).count()).unwrap_or(u32::MAX)
    };
    let any = |one: &(bool, bool, bool)| one.0 || one.1 || one.2;
    let (n_first, k_first) = (count(first, |_| true), count(first, any));
    let (n_newest, k_newest) = (count(newest, |_| true), count(newest, any));
    Some(Unhappy {
        n_first,
        k_first,
        n_newest,
        k_newest,
        n_thumbs_down: count(newest, |one| one.0),
        n_asked_again: count(newest, |one| one.1),
        n_asked_for_person: count(newest, |one| one.2),
        is_raised: lower_bound(k_newest, n_newest, DOUBT) > upper_bound(k_first, n_first, DOUBT),
    })
}

fn drifts(before: &[&ReplayRow], newest: &[&ReplayRow]) -> Vec<Drift> {
    if before.len() < LEAST_TURNS || newest.len() < LEAST_TURNS {
        return vec![];
    }
    let confidence = |row: &&ReplayRow| row.evidence.confidence.value();
    let edges = edges(before.iter().map(confidence).collect());
    let bin = |row: &&ReplayRow| edges.partition_point(|edge| *edge <= confidence(row)).to_string();
    let common = common_topics(before);
    let topic = |row: &&ReplayRow| {
        let topic = &row.evidence.topic;
        if common.contains(topic) { topic.clone() } else { String::new() }
    };
    let support = |row: &&ReplayRow| match row.evidence.holds.contains(&Reason::NoAnswer) {
        true => "none".to_owned(),
        false => ((row.evidence.grounded_share * 3.0) as u32).to_string(),
    };
    let bins = |of: &dyn Fn(&&ReplayRow) -> String| -> (Vec<String>, Vec<String>) {
        (before.iter().map(of).collect(), newest.iter().map(of).collect())
    };
    vec![
        drift(Watched::Confidence, &bins(&bin)),
        drift(Watched::Topic, &bins(&topic)),
        drift(Watched::Support, &bins(&support)),
    ]
}

/// Where the tenths of the values end; equal ones are one bin.
fn edges(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..N_BINS).map(|nth| values[nth * values.len() / N_BINS]).collect();
    edges.dedup();
    edges
}

fn common_topics(rows: &[&ReplayRow]) -> Vec<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(&row.evidence.topic).or_default() += 1);
    let is_common = |n: usize| n as f64 >= LEAST_SHARE * rows.len() as f64;
    counts.into_iter().filter(|(_, n)| is_common(*n)).map(|(topic, _)| topic.clone()).collect()
}

fn drift(what: Watched, (before, newest): &(Vec<String>, Vec<String>)) -> Drift {
    let (psi, n_bins) = psi(before, newest);
    let limit = limit(n_bins, before.len(), newest.len());
    Drift { what, psi, limit, is_raised: psi > limit }
}

/// The population stability index, and over how many bins. Half a turn is added to each bin, or an empty one would be
/// infinitely far away.
fn psi(before: &[String], newest: &[String]) -> (f64, usize) {
    let mut counts: BTreeMap<&String, (f64, f64)> = BTreeMap::new();
    before.iter().for_each(|bin| counts.entry(bin).or_default().0 += 1.0);
    newest.iter().for_each(|bin| counts.entry(bin).or_default().1 += 1.0);
    let n_bins = counts.len();
    let total = |n: usize| n as f64 + n_bins as f64 / 2.0;
    let terms = counts.values().map(|(n_before, n_newest)| {
        let (p, q) = ((n_before + 0.5) / total(before.len()), (n_newest + 0.5) / total(newest.len()));
        (q - p) * (q / p).ln()
    });
    (terms.sum(), n_bins)
}

/// Without a drift the index is close to a chi-square over so many bins, divided by the sizes: its upper thousandth by
/// Wilson and Hilferty, or the usual 0.2 if that is more.
fn limit(n_bins: usize, n_before: usize, n_newest: usize) -> f64 {
    let freedom = n_bins.saturating_sub(1).max(1) as f64;
    let ninth = 2.0 / (9.0 * freedom);
    let quantile = freedom * (1.0 - ninth + ONE_IN_A_THOUSAND * ninth.sqrt()).powi(3);
    MOVED.max(quantile * (1.0 / n_before as f64 + 1.0 / n_newest as f64))
}

#[cfg(test)]
mod tests;
