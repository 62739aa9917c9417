//! The server's own look at every promise: once a night, and after many new labels.
//!
//! # Why
//! A proof ends by time, by use, or because something else is as it was not; nobody should have to watch for that. The
//! look only takes away, or proves anew what ops promised: it never turns on what a person or the watch turned off. It
//! may run twice: what it writes is written once for each occasion, in one transaction with what it does.

use std::collections::BTreeMap;

use super::assess::{ROWS_BETWEEN_PROOFS, is_worth_a_try};
use super::dial::{Stand, stand, void_lapsed};
use super::proving::{Asked, Case, Seen, Tried, cases, count_try, put_in_force, terms, try_together};
use crate::domain::certificate::{Certificate, Fingerprint, Terms, VoidReason};
use crate::domain::check::{Because, Details, Finding, MANY_LABELS, night, usual_offset_ms};
use crate::domain::dial::State;
use crate::domain::ids::ShopId;
use crate::storage::audit::{self, NewAuditEntry};
use crate::storage::certificates;
use crate::storage::promise_checks::{self, Check, NewCheck};
use crate::storage::{Db, StorageError, Tx, policies, shops};

/// What proofs of the server itself say of why they were made; interfaces translate it.
const NOTE: &str = "nightly";

/// What a shop's promises are to be looked at for now; none if they were, or there are none.
pub async fn due(db: &Db, shop: ShopId) -> Result<Option<String>, StorageError> {
    let policy = policies::current(db, shop).await?.policy;
    let Some(shop_row) = shops::get(db, shop).await? else { return Ok(None) };
    let occasion = format!("night {}", night(db.now_ms(), usual_offset_ms(shop_row.locale), shop));
    for scope in policy.promised_scopes() {
        if !promise_checks::was_taken(db, shop, &scope, &occasion).await? {
            return Ok(Some(occasion));
        }
    }
    let (n_now, n_before) = promise_checks::label_counts(db, shop).await?;
    let is_due = !policy.promised_scopes().is_empty() && n_now >= n_before + MANY_LABELS;
    Ok(is_due.then(|| format!("labels {n_now}")))
}

/// Looks at all promises of a shop; true if a proof came into force or ended.
pub async fn check(db: &Db, shop: ShopId, fingerprint: &Fingerprint) -> Result<bool, StorageError> {
    let Some(occasion) = due(db, shop).await? else { return Ok(false) };
    let version = policies::current(db, shop).await?;
    let policy = version.policy;
    let (n_labels, _) = promise_checks::label_counts(db, shop).await?;
    let cases = cases(db, shop, (&policy, None), fingerprint).await?;
    let (mut stands, mut to_try) = (BTreeMap::new(), Vec::new());
    for case in &cases {
        let now = stand(db, shop, (&policy, &case.scope), fingerprint).await?;
        let before = promise_checks::list(db, shop, &case.scope, 1).await?.pop();
        if Cause::of(before.as_ref(), &now, case).is_some() {
            to_try.push(case.scope.clone());
        }
        stands.insert(case.scope.clone(), (now, before));
    }
    let mut is_changed = false;
    for tried in try_together(cases, &to_try) {
        let scope = &tried.case.scope;
        let Some((now, before)) = stands.get(scope) else { continue };
        let look = look(before.as_ref(), now, &tried);
        let terms = match look.act {
            Act::Prove => terms(db, shop, (&policy, &tried), fingerprint).await?,
            Act::End | Act::Lapse | Act::Nothing => None,
        };
        let new = NewCheck { scope, occasion: &occasion, finding: look.finding, details: look.details, n_labels };
        let seen = Seen { policy: version.number, newest: now.newest.as_ref() };
        let spent = Some(&tried).filter(|_| to_try.contains(scope));
        is_changed |= keep(db, shop, (&new, look.act, spent), (seen, terms.as_ref())).await?;
    }
    Ok(is_changed)
}

/// Writes what was found, counts the try, and does what follows; true if a proof came into force or ended.
async fn keep(
    db: &Db,
    shop: ShopId,
    (new, act, spent): (&NewCheck<'_>, Act, Option<&Tried>),
    (seen, terms): (Seen<'_>, Option<&Terms>),
) -> Result<bool, StorageError> {
    let asked = Asked { by: None, note: NOTE };
    let mut tx = db.begin().await?;
    // Otherwise nothing is written, and the schedule looks again.
    if !seen.is_so_still(&mut tx, shop, new.scope).await? {
        return Ok(false);
    }
    if let Some(tried) = spent
        && !count_try(&mut tx, shop, tried, asked).await?
    {
        return Ok(false);
    }
    let is_changed = match (act, seen.newest, terms) {
        (Act::Prove, _, Some(terms)) => put_in_force(&mut tx, shop, (new.scope, terms), asked).await?,
        (Act::End, Some(certificate), _) => end(&mut tx, shop, certificate).await?,
        (Act::Lapse, Some(certificate), _) => {
            void_lapsed(&mut tx, shop, certificate.id).await?;
            true
        }
        (Act::Prove | Act::End | Act::Lapse | Act::Nothing, _, _) => false,
    };
    let found = if act == Act::Prove && !is_changed { not_after_all(new) } else { *new };
    if !promise_checks::insert(&mut tx, shop, &found).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(is_changed)
}

/// What there is to say where rows prove what the watch would end at once: nothing has changed.
fn not_after_all<'a>(new: &NewCheck<'a>) -> NewCheck<'a> {
    let finding = if new.finding == Finding::Renewed { Finding::StillHolds } else { Finding::NotProven };
    NewCheck { finding, details: Details { bar_to: new.details.bar_from, ..new.details }, ..*new }
}

async fn end(tx: &mut Tx, shop: ShopId, certificate: &Certificate) -> Result<bool, StorageError> {
    let why = VoidReason::NotProvenAgain;
    if !certificates::void(tx, shop, certificate.id, (why, None)).await? {
        return Ok(false);
    }
    let (subject, detail) = (certificate.id.to_string(), serde_json::json!({ "why": why }));
    let entry = NewAuditEntry { account: None, action: "certificate_voided", subject: &subject, detail: &detail };
    audit::append(tx, shop, &entry).await?;
    Ok(true)
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// The proof that was found comes into force.
    Prove,
    /// The proof in force ends: it could not be made again.
    End,
    /// The proof of another machinery ends.
    Lapse,
    /// Nothing.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Look {
    finding: Finding,
    details: Details,
    act: Act,
}

/// Why a promise is put to the test by the server itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cause {
    /// The time of its proof is up, or nearly. That is made again once: otherwise every promise would lapse after its
    /// thirty days.
    is_renewal: bool,
    /// There are many more rows than at the last try.
    is_new_evidence: bool,
}

impl Cause {
    /// None where it is not.
    fn of(before: Option<&Check>, now: &Stand, case: &Case) -> Option<Self> {
        let was_in_force = before.is_some_and(|check| check.finding.is_in_force());
        let (n_before, n_rows) = (rows_before(now, case), case.evidence.split.n_rows());
        let cause = Self {
            is_renewal: was_in_force && (now.is_expired || now.is_running_out),
            is_new_evidence: is_worth_a_try(now.state == State::Certified, n_before, n_rows),
        };
        (may_try(now) && (cause.is_renewal || cause.is_new_evidence)).then_some(cause)
    }
}

/// Rows of the proof in force, or else those of the last try with this machinery.
fn rows_before(now: &Stand, case: &Case) -> usize {
    match now.newest.as_ref().filter(|_| now.state == State::Certified) {
        Some(certificate) => certificate.terms.turns.len(),
        None => case.n_rows_tried(),
    }
}

/// Decides: what was there, what is there, what could be proven. `before` is the last look.
fn look(before: Option<&Check>, now: &Stand, tried: &Tried) -> Look {
    let is_in_force = now.state == State::Certified;
    let bar_from = now.newest.as_ref().filter(|_| is_in_force).map(|certificate| certificate.terms.bar);
    let n_rows = tried.case.evidence.split.n_rows();
    let missing = tried.attempt.missing;
    let details = Details {
        bar_from,
        bar_to: bar_from,
        because: None,
        n_rows: count(n_rows),
        n_rows_tried: count(tried.case.n_rows_tried()),
        n_more: missing.map(|missing| (missing.n_more * 3).div_ceil(2)),
        above: missing.map(|missing| missing.above),
    };
    let Some(Cause { is_renewal, is_new_evidence }) = Cause::of(before, now, &tried.case) else {
        let more = more(is_in_force, (rows_before(now, &tried.case), n_rows), details.n_more);
        return wait(before, now, Details { n_more: more, ..details });
    };
    let details = if tried.has_begun() { Details { n_rows_tried: count(n_rows), ..details } } else { details };
    match (tried.attempt.proof, is_in_force) {
        (Some(proof), _) => Look {
            finding: if is_in_force || is_renewal { Finding::Renewed } else { Finding::Proven },
            details: Details {
                bar_from: bar_from.or_else(|| before.filter(|_| is_renewal)?.details.bar_to),
                bar_to: Some(proof.bar),
                n_more: None,
                above: None,
                ..details
            },
            act: Act::Prove,
        },
        // It ends by itself within a day.
        (None, true) if !is_new_evidence => wait(before, now, details),
        (None, true) => Look {
            finding: Finding::Lost,
            details: Details { bar_to: None, because: Some(Because::NotProvenAgain), ..details },
            act: Act::End,
        },
        (None, false) => wait(before, now, details),
    }
}

/// Whether a proof may come into force without a person: not where a person, or the watch, ended the last one.
fn may_try(now: &Stand) -> bool {
    let is_stopped = now.newest.as_ref().is_some_and(|newest| newest.is_voided_by(VoidReason::ByHand));
    match now.state {
        State::Certified | State::Probation => true,
        State::NotCertified => !is_stopped,
        State::FallenBack | State::ByHand => false,
    }
}

/// What is left to say where no proof was tried, or none was found and none was in force.
fn wait(before: Option<&Check>, now: &Stand, details: Details) -> Look {
    let is_lapsed = now.newest.as_ref().is_some_and(|newest| newest.voided.is_none() && now.state == State::Probation);
    let act = if is_lapsed { Act::Lapse } else { Act::Nothing };
    let was_in_force = before.is_some_and(|check| check.finding.is_in_force());
    let finding = match (now.state == State::Certified, was_in_force || is_lapsed) {
        (true, _) => Finding::StillHolds,
        (false, true) => Finding::Lost,
        (false, false) => Finding::NotProven,
    };
    let because = if finding == Finding::Lost { now.newest.as_ref().map(|newest| because(newest, now)) } else { None };
    let bar_from = before.filter(|_| finding == Finding::Lost).and_then(|check| check.details.bar_to);
    Look { finding, details: Details { because, bar_from: details.bar_from.or(bar_from), ..details }, act }
}

fn because(newest: &Certificate, now: &Stand) -> Because {
    match newest.voided.map(|voided| voided.why) {
        Some(VoidReason::PipelineChanged) => Because::PipelineChanged,
        Some(VoidReason::Alarm) => Because::Alarm,
        Some(VoidReason::ByHand) => Because::ByHand,
        Some(VoidReason::NotProvenAgain) => Because::NotProvenAgain,
        Some(VoidReason::Replaced) => Because::OtherPromise,
        None if now.state == State::Probation => Because::PipelineChanged,
        None if now.is_expired => Because::Expired,
        None => Because::OtherPromise,
    }
}

fn more(is_in_force: bool, (n_before, n_rows): (usize, usize), missing: Option<u32>) -> Option<u32> {
    match is_in_force {
        true => Some(count((n_before + ROWS_BETWEEN_PROOFS).saturating_sub(n_rows))),
        false => missing,
    }
}

fn count(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
