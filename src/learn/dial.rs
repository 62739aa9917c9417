//! The dial at work: what a promise means for the turn at hand, and what an audit does to it.
//!
//! Everything fails closed: a proof that cannot be found, has run out, or was made for something else is no proof.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::binomial::lower_bound;
use super::replay::{PastTurn, Rules, Trial};
use super::watch::{Alarm, Watch, watch};
use crate::domain::certificate::{Certificate, Circumstances, Fingerprint, Terms, VoidReason, state};
use crate::domain::decision::Reason;
use crate::domain::dial::{Dial, Scope, Standing, State};
use crate::domain::ids::{AccountId, CertificateId, ChunkId, ShopId};
use crate::domain::outcome::{LabelSource, Outcome};
use crate::domain::policy::{Mode, Policy, TopicRule};
use crate::storage::audit::{self, NewAuditEntry};
use crate::storage::certificates;
use crate::storage::epochs::{self, Cited};
use crate::storage::looks::{self, Audited, Look};
use crate::storage::ops::{self, Period};
use crate::storage::policies::{self, NewPolicy};
use crate::storage::promise_signals;
use crate::storage::{Db, StorageError, Tx};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A topic with fewer losses may have had bad luck.
const FAILING_LOSSES: u32 = 3;

/// How a part of the traffic stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Stand {
    /// In one word.
    pub state: State,
    /// Its newest proof, in force or not.
    pub newest: Option<Certificate>,
    /// Answers sent under that proof.
    pub n_sent: u32,
    /// Whether that proof has run out.
    pub is_expired: bool,
    /// Whether it runs out within a day.
    pub is_running_out: bool,
}

/// How a part of the traffic stands now.
pub async fn stand(
    db: &Db,
    shop: ShopId,
    (policy, scope): (&Policy, &Scope),
    fingerprint: &Fingerprint,
) -> Result<Stand, StorageError> {
    let newest = certificates::newest(db, shop, scope).await?;
    let n_sent = match &newest {
        Some(certificate) => certificates::n_sent(db, shop, certificate.id).await?,
        None => 0,
    };
    let now = Circumstances { policy, fingerprint, n_sent, now_ms: db.now_ms() };
    let is_expired = newest.as_ref().is_some_and(|newest| newest.is_expired(&now));
    let is_running_out = newest.as_ref().is_some_and(|newest| newest.expires_at_ms - now.now_ms <= DAY_MS);
    let state = state(policy.dial_of(scope), newest.as_ref(), &now);
    Ok(Stand { state, newest, n_sent, is_expired, is_running_out })
}

/// What a promise means for a turn about a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// For an answer that cites only what was proven.
    pub standing: Standing,
    /// The proof in force, where there is one.
    pub certificate: Option<Certificate>,
    /// A proof that was made for another machinery and must be voided.
    pub lapsed: Option<CertificateId>,
}

impl Found {
    fn held(reason: Reason) -> Self {
        Self { standing: Standing::Held { reason }, certificate: None, lapsed: None }
    }

    /// What it means for an answer that rests on `chunks`, whose documents are `cited`.
    pub fn for_citing(&self, chunks: &[ChunkId], cited: &[Cited]) -> Standing {
        let Some(certificate) = &self.certificate else { return self.standing };
        let covers = |chunk: &ChunkId| {
            let found = cited.iter().find(|cited| cited.chunk == *chunk);
            found.is_some_and(|cited| {
                let proven = certificate.terms.epochs.get(&cited.document).copied();
                proven == Some(cited.epoch) || cited.verified_epoch == cited.epoch
            })
        };
        if chunks.iter().all(covers) { self.standing } else { Standing::Held { reason: Reason::SourceChanged } }
    }
}

/// Finds what holds for a turn about `topic`.
pub async fn find(
    db: &Db,
    shop: ShopId,
    (policy, topic): (&Policy, &str),
    fingerprint: &Fingerprint,
) -> Result<Found, StorageError> {
    let Some(dial) = policy.dial(topic) else { return Ok(Found::held(Reason::NotCertified)) };
    let scope = policy.scope(topic);
    let Stand { state, newest, n_sent, .. } = stand(db, shop, (policy, &scope), fingerprint).await?;
    let held = match state {
        State::FallenBack => Found::held(Reason::FallenBack),
        State::ByHand | State::NotCertified | State::Probation | State::Certified => Found::held(Reason::NotCertified),
    };
    let Some(certificate) = newest else { return Ok(held) };
    if state != State::Certified || !is_covered(&certificate, policy, (&scope, topic)) {
        let lapsed = certificate.is_of_another_pipeline(fingerprint).then_some(certificate.id);
        return Ok(Found { lapsed, ..held });
    }
    let audits = audits(db, shop, &certificate).await?;
    let is_warned = watch_over(&certificate, &audits).alarm() >= Alarm::Warned;
    let is_raised = promise_signals::get(db, shop, certificate.id).await?.is_some_and(|read| read.is_raised);
    let standing = Standing::Proven {
        bar: certificate.terms.bar,
        audit_rate: dial.audit_rate_after(n_sent, is_warned || is_raised),
    };
    Ok(Found { standing, certificate: Some(certificate), lapsed: None })
}

/// How each of the topics stands under a policy: what a trial on the past is made with.
pub async fn standings(
    db: &Db,
    shop: ShopId,
    (policy, topics): (&Policy, &BTreeSet<String>),
    fingerprint: &Fingerprint,
) -> Result<BTreeMap<String, Standing>, StorageError> {
    let mut standings = BTreeMap::new();
    for topic in topics {
        let found = find(db, shop, (policy, topic), fingerprint).await?;
        standings.insert(topic.clone(), found.standing);
    }
    Ok(standings)
}

/// The past of a period and what is to be tried on it, next to what is in force.
pub async fn trial(
    db: &Db,
    shop: ShopId,
    (proposed, period, max_changes): (Policy, Period, usize),
    fingerprint: &Fingerprint,
) -> Result<(Vec<PastTurn>, Trial), StorageError> {
    let current = policies::current(db, shop).await?.policy;
    let rows = ops::replay_rows(db, shop, period).await?;
    let topics: BTreeSet<String> = rows.iter().map(|row| row.evidence.topic.clone()).collect();
    let trial = Trial {
        from_ms: period.from_ms,
        until_ms: period.until_ms,
        proposed: Rules { standings: standings(db, shop, (&proposed, &topics), fingerprint).await?, policy: proposed },
        current: Rules { standings: standings(db, shop, (&current, &topics), fingerprint).await?, policy: current },
        max_changes,
    };
    Ok((rows.into_iter().map(PastTurn::from).collect(), trial))
}

/// Whether the proof speaks about the topic: one that had rules of its own when the shop's was made is not among its
/// rows. The proof of a topic is about that very topic, which then has rules of its own.
fn is_covered(certificate: &Certificate, policy: &Policy, (scope, topic): (&Scope, &str)) -> bool {
    let was_apart = *scope == Scope::Shop && certificate.terms.other_topics.contains(topic);
    policy.covers(scope, topic) && !was_apart
}

/// The labelled audits that the bet against a proof rests on, in the order of their labels: of what was sent under it,
/// and under the proofs that it took the place of while the watch warned.
pub async fn audits(db: &Db, shop: ShopId, certificate: &Certificate) -> Result<Vec<Audited>, StorageError> {
    let mut audits = Vec::new();
    for id in certificate.watched() {
        audits.extend(looks::committed_audits_of(db, shop, id).await?);
    }
    audits.sort_by_key(|audited| audited.at_ms);
    Ok(audits)
}

/// The same, as the unit of work sees it.
async fn audits_in(tx: &mut Tx, shop: ShopId, certificate: &Certificate) -> Result<Vec<Audited>, StorageError> {
    let mut audits = Vec::new();
    for id in certificate.watched() {
        audits.extend(looks::audits_of(tx, shop, id).await?);
    }
    audits.sort_by_key(|audited| audited.at_ms);
    Ok(audits)
}

/// What the watch over a new proof begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// Anew, or warned by what was sent under these proofs.
    With(Vec<CertificateId>),
    /// What was sent before speaks against the new promise so clearly that it would be ended at once.
    Ended,
}

/// How the watch goes on where `terms` take the place of a proof. A warning is evidence about the answers, which a new
/// proof does not change: its audits go on counting. Without one the watch begins anew, or the good audits of many
/// months would keep it from seeing what is bad today.
pub async fn beginning(
    tx: &mut Tx,
    shop: ShopId,
    (before, terms): (&Certificate, &Terms),
) -> Result<Beginning, StorageError> {
    // After an alarm only what was asked since counts, and another machinery gives other answers.
    if before.is_voided_by(VoidReason::Alarm) || before.terms.fingerprint != terms.fingerprint {
        return Ok(Beginning::With(vec![]));
    }
    let audits = audits_in(tx, shop, before).await?;
    let losses = audits.iter().map(|audited| audited.outcome.is_loss());
    Ok(match watch(terms.dial.target_error, losses).alarm() {
        Alarm::Calm => Beginning::With(vec![]),
        Alarm::Warned => Beginning::With(before.watched().collect()),
        Alarm::FellBack => Beginning::Ended,
    })
}

/// The bet against a proof.
pub fn watch_over(certificate: &Certificate, audits: &[Audited]) -> Watch {
    watch(certificate.terms.dial.target_error, audits.iter().map(|audited| audited.outcome.is_loss()))
}

/// Voids a proof that was made for another machinery, and notes it.
pub async fn void_lapsed(tx: &mut Tx, shop: ShopId, certificate: CertificateId) -> Result<(), StorageError> {
    if certificates::void(tx, shop, certificate, (VoidReason::PipelineChanged, None)).await? {
        let detail = json!({ "why": VoidReason::PipelineChanged });
        note(tx, shop, "certificate_voided", (&certificate.to_string(), &detail)).await?;
    }
    Ok(())
}

async fn note(
    tx: &mut Tx,
    shop: ShopId,
    action: &str,
    (subject, detail): (&str, &serde_json::Value),
) -> Result<(), StorageError> {
    audit::append(tx, shop, &NewAuditEntry { account: None, action, subject, detail }).await
}

/// Documents whose answers are held although the proof is in force.
pub fn changed_documents<'a>(certificate: &Certificate, documents: &'a [epochs::Epoch]) -> Vec<&'a epochs::Epoch> {
    let is_changed = |one: &&epochs::Epoch| {
        certificate.terms.epochs.get(&one.document) != Some(&one.epoch) && one.verified_epoch != one.epoch
    };
    documents.iter().filter(is_changed).collect()
}

/// What a label of a blind look did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// What the watch says now; none where no proof is watched.
    pub alarm: Option<Alarm>,
    /// Whether the rules or the proof changed: pages read them anew.
    pub is_changed: bool,
}

/// Labels what was looked at, and does what follows: the watch warns or ends the proof, a failing topic goes back to
/// drafts. `None` if somebody else was first.
pub async fn settle_look(
    tx: &mut Tx,
    shop: ShopId,
    (look, certificate): (&Look, Option<&Certificate>),
    (account, outcome): (AccountId, Outcome),
) -> Result<Option<Settled>, StorageError> {
    if !looks::settle(tx, shop, look, (account, outcome)).await? {
        return Ok(None);
    }
    let watched = certificate.filter(|_| look.source == LabelSource::Audit);
    let Some(certificate) = watched else { return Ok(Some(Settled { alarm: None, is_changed: false })) };
    let certificate = &heir(tx, shop, certificate).await?;
    let audits = audits_in(tx, shop, certificate).await?;
    let (before, now) =
        (watch_over(certificate, &audits[..audits.len().saturating_sub(1)]).alarm(), watch_over(certificate, &audits));
    let alarm = now.alarm();
    let detail = json!({ "scope": certificate.scope, "e_value": now.max(), "n_audited": audits.len() });
    let subject = certificate.id.to_string();
    let mut is_changed = false;
    match alarm {
        Alarm::FellBack if end_by_alarm(tx, shop, certificate, before).await? => {
            note(tx, shop, "auto_send_fell_back", (&subject, &detail)).await?;
            is_changed = true;
        }
        Alarm::Warned if before < Alarm::Warned => {
            note(tx, shop, "watch_warned", (&subject, &detail)).await?;
        }
        Alarm::Calm | Alarm::Warned | Alarm::FellBack => {}
    }
    if outcome.is_loss() && certificate.scope == Scope::Shop {
        is_changed |= hold_failing_topic(tx, shop, (certificate, &audits)).await?;
    }
    Ok(Some(Settled { alarm: Some(alarm), is_changed }))
}

/// The proof whose watch counts what was sent under `certificate`: that itself, or the one that took its place while the
/// watch warned.
async fn heir(tx: &mut Tx, shop: ShopId, certificate: &Certificate) -> Result<Certificate, StorageError> {
    let newest = certificates::newest_in(tx, shop, &certificate.scope).await?;
    let heir = newest.filter(|newest| newest.terms.watched_with.contains(&certificate.id));
    Ok(heir.unwrap_or_else(|| certificate.clone()))
}

/// Ends the proof that an audit speaks against; where it was replaced meanwhile, the audit that crosses the line ends
/// the one that took its place, which rests on the same answers. False if there was nothing to end.
async fn end_by_alarm(
    tx: &mut Tx,
    shop: ShopId,
    certificate: &Certificate,
    before: Alarm,
) -> Result<bool, StorageError> {
    if certificates::void(tx, shop, certificate.id, (VoidReason::Alarm, None)).await? {
        return Ok(true);
    }
    let was_replaced = certificate.is_voided_by(VoidReason::Replaced);
    let Some(newest) = certificates::newest_in(tx, shop, &certificate.scope).await? else { return Ok(false) };
    if before >= Alarm::FellBack || !was_replaced {
        return Ok(false);
    }
    certificates::void(tx, shop, newest.id, (VoidReason::Alarm, None)).await
}

/// A topic that breaks the shop's promise by itself is only assisted from now on. The newest audit's topic is looked at:
/// no other got worse.
async fn hold_failing_topic(
    tx: &mut Tx,
    shop: ShopId,
    (certificate, audits): (&Certificate, &[Audited]),
) -> Result<bool, StorageError> {
    let Some(topic) = audits.last().map(|audited| &audited.topic) else { return Ok(false) };
    let own: Vec<bool> = audits.iter().filter(|one| one.topic == *topic).map(|one| one.outcome.is_loss()).collect();
    if !is_failing(&own, &certificate.terms.dial) {
        return Ok(false);
    }
    let current = policies::current_in(tx, shop).await?;
    if current.policy.mode(topic) != Mode::Auto {
        return Ok(false);
    }
    let mut policy = current.policy;
    policy.topics.insert(topic.clone(), TopicRule { mode: Mode::Assist, bar: None, dial: None });
    let new = NewPolicy { policy: &policy, author: None, note: "topic_failing", based_on: Some(current.number) };
    policies::append(tx, shop, &new).await?;
    let detail = json!({ "n_audited": own.len(), "n_wrong": own.iter().filter(|is_loss| **is_loss).count() });
    note(tx, shop, "topic_held", (topic, &detail)).await?;
    Ok(true)
}

/// Whether audits show that a topic breaks the promise by itself.
pub fn is_failing(losses: &[bool], dial: &Dial) -> bool {
    let k = u32::try_from(losses.iter().filter(|is_loss| **is_loss).count()).unwrap_or(u32::MAX);
    let n = u32::try_from(losses.len()).unwrap_or(u32::MAX);
    k >= FAILING_LOSSES && lower_bound(k, n, dial.doubt()) > dial.target_error
}
