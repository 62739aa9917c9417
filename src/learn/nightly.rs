//! The server's own look at every promise: once a night, and after many new labels.
//!
//! # Why
//! A proof ends by time, by use, or because something else is as it was not; nobody should have to watch for that. The
//! look only takes away, or proves anew what ops promised: it never turns on what a person or the watch turned off. It
//! may run twice: what it writes is written once for each occasion, in one transaction with what it does.

use super::assess::{ROWS_BETWEEN_PROOFS, is_worth_a_try};
use super::dial::{Stand, stand, void_lapsed};
use super::proving::{Asked, Tried, put_in_force, terms, try_by_itself};
use crate::domain::certificate::{Certificate, Fingerprint, Terms, VoidReason};
use crate::domain::check::{Because, Details, Finding, MANY_LABELS, night, usual_offset_ms};
use crate::domain::dial::{Scope, State};
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
    let mut is_changed = false;
    for tried in try_by_itself(db, shop, &policy, fingerprint).await? {
        let now = stand(db, shop, (&policy, &tried.scope), fingerprint).await?;
        let before = promise_checks::list(db, shop, &tried.scope, 1).await?.pop();
        let look = look(before.as_ref(), &now, &tried);
        let terms = match look.act {
            Act::Prove => terms(db, shop, (&policy, &tried), fingerprint).await?,
            Act::End | Act::Lapse | Act::Nothing => None,
        };
        let new = NewCheck {
            scope: &tried.scope,
            occasion: &occasion,
            finding: look.finding,
            details: look.details,
            n_labels,
        };
        let seen = Seen { policy: version.number, newest: now.newest.as_ref() };
        is_changed |= keep(db, shop, (&new, look.act), (seen, terms.as_ref())).await?;
    }
    Ok(is_changed)
}

/// What the look rests on.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    /// Number of the policy.
    policy: u32,
    /// The newest proof.
    newest: Option<&'a Certificate>,
}

impl Seen<'_> {
    /// Whether nobody was there meanwhile: what a person has just ended must not be proven anew by a look that began
    /// before.
    async fn is_so_still(&self, tx: &mut Tx, shop: ShopId, scope: &Scope) -> Result<bool, StorageError> {
        let newest = certificates::newest_in(tx, shop, scope).await?;
        let policy = policies::current_in(tx, shop).await?;
        Ok(policy.number == self.policy && newest.as_ref() == self.newest)
    }
}

/// Writes what was found and does what follows; true if a proof came into force or ended.
async fn keep(
    db: &Db,
    shop: ShopId,
    (new, act): (&NewCheck<'_>, Act),
    (seen, terms): (Seen<'_>, Option<&Terms>),
) -> Result<bool, StorageError> {
    let mut tx = db.begin().await?;
    // Otherwise nothing is written, and the schedule looks again.
    if !seen.is_so_still(&mut tx, shop, new.scope).await? || !promise_checks::insert(&mut tx, shop, new).await? {
        return Ok(false);
    }
    let is_changed = match (act, seen.newest, terms) {
        (Act::Prove, _, Some(terms)) => {
            put_in_force(&mut tx, shop, (new.scope, terms), Asked { by: None, note: NOTE }).await?;
            true
        }
        (Act::End, Some(certificate), _) => end(&mut tx, shop, certificate).await?,
        (Act::Lapse, Some(certificate), _) => {
            void_lapsed(&mut tx, shop, certificate.id).await?;
            true
        }
        (Act::Prove | Act::End | Act::Lapse | Act::Nothing, _, _) => false,
    };
    tx.commit().await?;
    Ok(is_changed)
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

/// Decides: what was there, what is there, what could be proven. `before` is the last look.
fn look(before: Option<&Check>, now: &Stand, tried: &Tried) -> Look {
    let is_in_force = now.state == State::Certified;
    let bar_from = now.newest.as_ref().filter(|_| is_in_force).map(|certificate| certificate.terms.bar);
    let n_rows = tried.evidence.split.n_rows();
    let n_tried = before.map_or(0, |check| check.details.n_rows_tried as usize);
    let n_proven = now.newest.as_ref().map_or(0, |certificate| certificate.terms.turns.len());
    let n_before = if is_in_force { n_proven } else { n_tried };
    let missing = tried.attempt.missing;
    let details = Details {
        bar_from,
        bar_to: bar_from,
        because: None,
        n_rows: count(n_rows),
        n_rows_tried: count(n_tried),
        n_more: missing.map(|missing| (missing.n_more * 3).div_ceil(2)),
        above: missing.map(|missing| missing.above),
    };
    // A proof whose time is up, or nearly, is made again once: otherwise every promise would lapse after its thirty days.
    let was_in_force = before.is_some_and(|check| check.finding.is_in_force());
    let is_renewal = was_in_force && (now.is_expired || now.is_running_out);
    let is_new_evidence = is_worth_a_try(is_in_force, n_before, n_rows);
    if !may_try(now) || !(is_renewal || is_new_evidence) {
        return wait(before, now, Details { n_more: more(is_in_force, (n_before, n_rows), details.n_more), ..details });
    }
    let details = Details { n_rows_tried: count(n_rows), ..details };
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
