//! Reads the signs about every proof in force once an hour, and keeps them where the answering job finds them.
//!
//! # Why
//! The signs rest on hundreds of turns; to read them for every answer would take longer than the answer. An hour is soon
//! enough for what takes days to happen.

use serde_json::json;

use super::dial::stand;
use super::proving::MAX_AGE_MS;
use super::signals::{Signals, signals};
use crate::domain::certificate::{Certificate, Fingerprint};
use crate::domain::dial::State;
use crate::domain::ids::ShopId;
use crate::domain::policy::Policy;
use crate::storage::audit::{self, NewAuditEntry};
use crate::storage::ops::{self, Period, ReplayRow};
use crate::storage::promise_signals;
use crate::storage::{Db, StorageError, policies};

/// How old a reading may be.
const HOUR_MS: i64 = 60 * 60 * 1000;

/// The proofs in force whose signs have not been read for an hour.
pub async fn due(db: &Db, shop: ShopId, fingerprint: &Fingerprint) -> Result<Vec<Certificate>, StorageError> {
    let policy = policies::current(db, shop).await?.policy;
    let mut due = Vec::new();
    for scope in policy.promised_scopes() {
        let now = stand(db, shop, (&policy, &scope), fingerprint).await?;
        let Some(certificate) = now.newest.filter(|_| now.state == State::Certified) else { continue };
        let read = promise_signals::get(db, shop, certificate.id).await?;
        // A clock that was set back makes a reading of the future: it is read again.
        if read.is_none_or(|read| !(0..HOUR_MS).contains(&(db.now_ms() - read.read_at_ms))) {
            due.push(certificate);
        }
    }
    Ok(due)
}

/// Reads what is due; true if a share that is audited changes by it.
pub async fn read(db: &Db, shop: ShopId, fingerprint: &Fingerprint) -> Result<bool, StorageError> {
    let due = due(db, shop, fingerprint).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let policy = policies::current(db, shop).await?.policy;
    let period = Period { from_ms: db.now_ms() - MAX_AGE_MS, until_ms: i64::MAX };
    // Of buyers alone: neither the past nor a simulated day says anything about what is sent today.
    let mut rows = ops::proof_rows(db, shop, period).await?;
    rows.retain(|row| !row.is_rehearsed);
    let mut is_changed = false;
    for certificate in due {
        is_changed |= keep(db, shop, &certificate, &of_proof(&rows, &policy, &certificate)).await?;
    }
    Ok(is_changed)
}

fn of_proof(rows: &[ReplayRow], policy: &Policy, certificate: &Certificate) -> Signals {
    let own: Vec<&ReplayRow> =
        rows.iter().filter(|row| policy.covers(&certificate.scope, &row.evidence.topic)).collect();
    signals(&own, certificate)
}

async fn keep(db: &Db, shop: ShopId, certificate: &Certificate, now: &Signals) -> Result<bool, StorageError> {
    let was_raised = promise_signals::get(db, shop, certificate.id).await?.is_some_and(|read| read.is_raised);
    let is_raised = now.is_raised();
    let body = serde_json::to_value(now).map_err(damaged)?;
    let mut tx = db.begin().await?;
    promise_signals::put(&mut tx, shop, certificate.id, (&body, is_raised)).await?;
    if is_raised != was_raised {
        let detail = json!({ "scope": certificate.scope, "is_raised": is_raised, "signals": body });
        let subject = certificate.id.to_string();
        let entry = NewAuditEntry { account: None, action: "audit_rate_signal", subject: &subject, detail: &detail };
        audit::append(&mut tx, shop, &entry).await?;
    }
    tx.commit().await?;
    Ok(is_raised != was_raised)
}

/// The signs about a proof as they were last read; none before that.
pub async fn last(db: &Db, shop: ShopId, certificate: &Certificate) -> Result<Option<Signals>, StorageError> {
    let Some(read) = promise_signals::get(db, shop, certificate.id).await? else { return Ok(None) };
    serde_json::from_value(read.body).map(Some).map_err(damaged)
}

fn damaged(error: serde_json::Error) -> StorageError {
    StorageError::Damaged { what: format!("signals of a proof: {error}") }
}
