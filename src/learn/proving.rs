//! Proving promises: gathers what is labelled, tries all promises of a shop together, and puts a proof in force.

use std::collections::BTreeMap;

use serde_json::json;

use super::assess::{self, Attempt, ROWS_BETWEEN_PROOFS, SERVER_SHARE, attempt_all};
use super::dial::stand;
use super::split::{Criteria, Split, split};
use crate::domain::certificate::{Certificate, Fingerprint, Terms};
use crate::domain::dial::{Dial, Scope, State};
use crate::domain::ids::{AccountId, DocumentId, ShopId};
use crate::domain::policy::Policy;
use crate::storage::audit::{self, NewAuditEntry};
use crate::storage::certificates::{self, NewCertificate};
use crate::storage::ops::{self, Period};
use crate::storage::{Db, StorageError, Tx, epochs, labels};

/// Turns older than this prove nothing about today.
pub(super) const MAX_AGE_MS: i64 = 365 * 24 * 60 * 60 * 1000;

/// The rows of a proof for a part of the traffic, with the documents as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The rows.
    pub split: Split,
    /// The documents.
    pub documents: Vec<epochs::Epoch>,
}

/// From when on rows count: those before the last alarm, and very old ones, say nothing any more. An alarm of the shop
/// is one of each of its topics, too: a topic that gets a promise of its own does not begin anew with rows that failed.
pub(super) async fn since_ms(db: &Db, shop: ShopId, scope: &Scope) -> Result<i64, StorageError> {
    let own_ms = certificates::last_alarm_ms(db, shop, scope).await?;
    let shop_ms = certificates::last_alarm_ms(db, shop, &Scope::Shop).await?;
    Ok(own_ms.max(shop_ms).unwrap_or(0).max(db.now_ms() - MAX_AGE_MS))
}

/// Gathers what there is for a proof.
pub async fn gather(
    db: &Db,
    shop: ShopId,
    (policy, scope): (&Policy, &Scope),
    fingerprint: &Fingerprint,
) -> Result<Evidence, StorageError> {
    let since_ms = since_ms(db, shop, scope).await?;
    let documents = epochs::all(db, shop).await?;
    let epochs: BTreeMap<DocumentId, i64> = documents.iter().map(|one| (one.document, one.epoch)).collect();
    let rows = ops::proof_rows(db, shop, Period { from_ms: since_ms, until_ms: i64::MAX }).await?;
    let pipeline = fingerprint.key();
    let wanted = Criteria { scope, policy, pipeline: &pipeline, epochs: &epochs, since_ms };
    Ok(Evidence { split: split(&rows, &wanted), documents })
}

/// What trying a promise came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// For what part of the traffic.
    pub scope: Scope,
    /// What was tried.
    pub dial: Dial,
    /// From what.
    pub evidence: Evidence,
    /// With what result.
    pub attempt: Attempt,
}

/// Tries all promises of a shop; they share the doubt, so none can be tried without the others. `usual` is tried for
/// the shop where it promises nothing.
pub async fn try_all(
    db: &Db,
    shop: ShopId,
    (policy, usual): (&Policy, Option<Dial>),
    fingerprint: &Fingerprint,
) -> Result<Vec<Tried>, StorageError> {
    let gathered = gather_all(db, shop, policy, fingerprint).await?;
    let Some(dial) = usual.filter(|_| policy.dial.is_none()) else { return Ok(attempted(gathered, 1.0)) };
    let evidence = gather(db, shop, (policy, &Scope::Shop), fingerprint).await?;
    // What would be, beside the promises there are; these are not touched by what is only asked.
    let imagined = [gathered.clone(), vec![(Scope::Shop, dial, evidence)]].concat();
    let mut tried = attempted(gathered, 1.0);
    tried.extend(attempted(imagined, 1.0).pop());
    Ok(tried)
}

/// Tries all promises as the server does by itself: with a part of the doubt, for it does so again and again.
pub async fn try_by_itself(
    db: &Db,
    shop: ShopId,
    policy: &Policy,
    fingerprint: &Fingerprint,
) -> Result<Vec<Tried>, StorageError> {
    Ok(attempted(gather_all(db, shop, policy, fingerprint).await?, SERVER_SHARE))
}

type Gathered = Vec<(Scope, Dial, Evidence)>;

async fn gather_all(
    db: &Db,
    shop: ShopId,
    policy: &Policy,
    fingerprint: &Fingerprint,
) -> Result<Gathered, StorageError> {
    let mut gathered = Vec::new();
    for scope in policy.promised_scopes() {
        let Some(dial) = policy.dial_of(&scope).copied() else { continue };
        let evidence = gather(db, shop, (policy, &scope), fingerprint).await?;
        gathered.push((scope, dial, evidence));
    }
    Ok(gathered)
}

fn attempted(gathered: Gathered, part: f64) -> Vec<Tried> {
    let claims: Vec<(&Split, Dial)> = gathered.iter().map(|(_, dial, evidence)| (&evidence.split, *dial)).collect();
    let attempts = attempt_all(&claims, part);
    let tried = gathered.into_iter().zip(attempts);
    tried.map(|((scope, dial, evidence), attempt)| Tried { scope, dial, evidence, attempt }).collect()
}

/// Who asks for a proof, and why.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who; nobody for the server itself.
    pub by: Option<AccountId>,
    /// Why.
    pub note: &'a str,
}

/// Proves the promises of `scopes`, as far as that can be done, and puts the proofs in force. Left alone is what has a
/// proof in force to which too few rows have been added since. True if there is a new proof.
pub async fn prove(
    db: &Db,
    shop: ShopId,
    (policy, scopes): (&Policy, &[Scope]),
    (fingerprint, asked): (&Fingerprint, Asked<'_>),
) -> Result<bool, StorageError> {
    let mut is_changed = false;
    for tried in try_all(db, shop, (policy, None), fingerprint).await? {
        if !scopes.contains(&tried.scope) {
            continue;
        }
        let now = stand(db, shop, (policy, &tried.scope), fingerprint).await?;
        if now.state == State::Certified && !is_worth_another(now.newest.as_ref(), &tried.evidence.split) {
            continue;
        }
        let Some(terms) = terms(db, shop, (policy, &tried), fingerprint).await? else { continue };
        let mut tx = db.begin().await?;
        put_in_force(&mut tx, shop, (&tried.scope, &terms), asked).await?;
        tx.commit().await?;
        is_changed = true;
    }
    Ok(is_changed)
}

fn is_worth_another(newest: Option<&Certificate>, split: &Split) -> bool {
    let n_before = newest.map_or(0, |certificate| certificate.terms.turns.len());
    split.n_rows() >= n_before + ROWS_BETWEEN_PROOFS
}

/// Puts a proof in force, and notes it.
pub async fn put_in_force(
    tx: &mut Tx,
    shop: ShopId,
    (scope, terms): (&Scope, &Terms),
    asked: Asked<'_>,
) -> Result<(), StorageError> {
    let new = NewCertificate { scope, terms, author: asked.by, note: asked.note };
    let id = certificates::issue(tx, shop, &new).await?;
    let detail = json!({
        "scope": scope, "dial": terms.dial, "bar": terms.bar, "n": terms.n, "k": terms.k, "bound": terms.bound,
        "n_promises": terms.n_promises,
    });
    let entry = NewAuditEntry { account: asked.by, action: "certified", subject: &id.to_string(), detail: &detail };
    audit::append(tx, shop, &entry).await
}

/// What a certificate says, if there is a proof.
pub async fn terms(
    db: &Db,
    shop: ShopId,
    (policy, tried): (&Policy, &Tried),
    fingerprint: &Fingerprint,
) -> Result<Option<Terms>, StorageError> {
    let Tried { dial, evidence: Evidence { split, documents }, attempt, .. } = tried;
    let Some(proof) = attempt.proof else { return Ok(None) };
    let looked = labels::second_looks(db, shop, db.now_ms() - MAX_AGE_MS).await?;
    // A document that changed while the rows came in is not what all of them rest on: it is covered once a person says
    // so.
    let as_proven = documents.iter().filter(|one| one.changed_at_ms <= split.certified_from_ms);
    Ok(Some(Terms {
        dial: *dial,
        bar: proof.bar,
        n: proof.n,
        k: proof.k,
        bound: proof.bound,
        coverage: assess::coverage(&proof, split),
        reviewer_error: assess::reviewer_error(&looked, dial.doubt()),
        n_fit: u32::try_from(split.fit.len()).unwrap_or(u32::MAX),
        n_certify: u32::try_from(split.certify.len()).unwrap_or(u32::MAX),
        n_collapsed: split.n_collapsed,
        n_starts: attempt.n_starts,
        n_promises: attempt.n_promises,
        grid: attempt.grid.clone(),
        fingerprint: fingerprint.clone(),
        epochs: as_proven.map(|one| (one.document, one.epoch)).collect(),
        other_topics: policy.other_topics(),
        min_grounded_share: policy.min_grounded_share,
        turns: split.turns.clone(),
        annotators: split.annotators.clone(),
    }))
}
