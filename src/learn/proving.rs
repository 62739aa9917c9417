//! Proving promises: gathers what is labelled, tries all promises of a shop together, and puts a proof in force.

use std::collections::BTreeMap;

use serde_json::json;

use super::assess::{self, Attempt, OnTrial, ROWS_BETWEEN_PROOFS, attempt_all};
use super::dial::{Beginning, beginning, stand};
use super::split::{Criteria, Split, split};
use super::tries::{self, Place};
use crate::domain::certificate::{Certificate, Fingerprint, Terms};
use crate::domain::dial::{Dial, Scope, State};
use crate::domain::ids::{AccountId, DocumentId, ShopId};
use crate::domain::policy::Policy;
use crate::storage::audit::{self, NewAuditEntry};
use crate::storage::certificates::{self, NewCertificate};
use crate::storage::ops::{self, Period};
use crate::storage::policies::{self, PolicyVersion};
use crate::storage::promise_tries::{self, Era, NewTry, Try};
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

/// When the watch last spoke against the rows of a part of the traffic; 0 if never. An alarm of the shop is one of each
/// of its topics, too: a topic that gets a promise of its own does not begin anew with rows that failed.
async fn alarm_ms(db: &Db, shop: ShopId, scope: &Scope) -> Result<i64, StorageError> {
    let own_ms = certificates::last_alarm_ms(db, shop, scope).await?;
    let shop_ms = certificates::last_alarm_ms(db, shop, &Scope::Shop).await?;
    Ok(own_ms.max(shop_ms).unwrap_or(0))
}

/// From when on rows count: those before the last alarm, and very old ones, say nothing any more.
pub(super) async fn since_ms(db: &Db, shop: ShopId, scope: &Scope) -> Result<i64, StorageError> {
    Ok(alarm_ms(db, shop, scope).await?.max(db.now_ms() - MAX_AGE_MS))
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
    let topic_alarms = certificates::last_topic_alarms(db, shop).await?;
    let wanted =
        Criteria { scope, policy, pipeline: &pipeline, epochs: &epochs, since_ms, topic_alarms: &topic_alarms };
    Ok(Evidence { split: split(&rows, &wanted), documents })
}

/// A promise with all that a try of it would rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// For what part of the traffic.
    pub scope: Scope,
    /// What is promised.
    pub dial: Dial,
    /// The rows.
    pub evidence: Evidence,
    /// In which count its tries stand.
    pub era: Era,
    /// Its tries so far.
    pub past: Vec<Try>,
    /// The place of a try now.
    pub place: Place,
    /// So many promises share the doubt, this one among them. One that was tried and is given up keeps its share: what
    /// it spent is spent.
    pub n_promises: usize,
}

impl Case {
    fn on_trial(&self) -> OnTrial<'_> {
        OnTrial { split: &self.evidence.split, dial: self.dial, part: tries::part(self.place.nth) }
    }

    /// Rows at its last try; 0 before the first.
    pub fn n_rows_tried(&self) -> usize {
        self.past.last().map_or(0, |last| last.n_rows as usize)
    }
}

/// What trying a promise came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// What was tried.
    pub case: Case,
    /// With what result.
    pub attempt: Attempt,
}

impl Tried {
    /// Whether it was a try at all: without enough rows no walk begins, and nothing is spent.
    pub fn has_begun(&self) -> bool {
        self.attempt.n_starts > 0
    }
}

/// Gathers the promises of a shop. `usual` is what is asked about for the shop where it promises nothing: what would be,
/// beside the promises there are, which are not touched by what is only asked.
pub async fn cases(
    db: &Db,
    shop: ShopId,
    (policy, usual): (&Policy, Option<Dial>),
    fingerprint: &Fingerprint,
) -> Result<Vec<Case>, StorageError> {
    let promised = policy.promised_scopes().into_iter();
    let dials: Vec<(Scope, Dial)> =
        promised.filter_map(|scope| policy.dial_of(&scope).copied().map(|dial| (scope, dial))).collect();
    let mut sharing = promise_tries::scopes(db, shop, &fingerprint.key()).await?;
    sharing.extend(dials.iter().map(|(scope, _)| scope.clone()));
    let mut cases = Vec::new();
    for (scope, dial) in dials {
        cases.push(case(db, shop, (policy, fingerprint), (scope, dial, sharing.len())).await?);
    }
    if let Some(dial) = usual.filter(|_| policy.dial.is_none()) {
        sharing.insert(Scope::Shop);
        cases.push(case(db, shop, (policy, fingerprint), (Scope::Shop, dial, sharing.len())).await?);
    }
    Ok(cases)
}

async fn case(
    db: &Db,
    shop: ShopId,
    (policy, fingerprint): (&Policy, &Fingerprint),
    (scope, dial, n_promises): (Scope, Dial, usize),
) -> Result<Case, StorageError> {
    let evidence = gather(db, shop, (policy, &scope), fingerprint).await?;
    let era = era(db, shop, &scope, fingerprint).await?;
    let past = promise_tries::list(db, shop, &scope, &era).await?;
    let stretch = tries::stretch(evidence.split.certify.len(), &dial);
    let place = tries::place(&past, tries::evidence(&evidence.split, &dial, n_promises), stretch);
    Ok(Case { scope, dial, evidence, era, past, place, n_promises })
}

async fn era(db: &Db, shop: ShopId, scope: &Scope, fingerprint: &Fingerprint) -> Result<Era, StorageError> {
    Ok(Era { pipeline: fingerprint.key(), since_ms: alarm_ms(db, shop, scope).await? })
}

/// The tries of a promise so far.
pub async fn past_tries(
    db: &Db,
    shop: ShopId,
    scope: &Scope,
    fingerprint: &Fingerprint,
) -> Result<Vec<Try>, StorageError> {
    promise_tries::list(db, shop, scope, &era(db, shop, scope, fingerprint).await?).await
}

/// What a try of a promise would come to, if it alone were tried now. Nothing is spent.
pub fn try_alone(case: Case) -> Tried {
    let attempt = attempt_all(&[case.on_trial()], case.n_promises).remove(0);
    Tried { case, attempt }
}

/// Tries the promises that are `due` together; of the others it says what each would come to.
pub fn try_together(cases: Vec<Case>, due: &[Scope]) -> Vec<Tried> {
    let (tried, rest): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| due.contains(&case.scope));
    let n_promises = tried.iter().map(|case| case.n_promises).max().unwrap_or(0);
    let attempts = attempt_all(&tried.iter().map(Case::on_trial).collect::<Vec<_>>(), n_promises);
    let together = tried.into_iter().zip(attempts).map(|(case, attempt)| Tried { case, attempt });
    together.chain(rest.into_iter().map(try_alone)).collect()
}

/// Who asks for a proof, and why.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who; nobody for the server itself.
    pub by: Option<AccountId>,
    /// Why.
    pub note: &'a str,
}

/// What became of an attempt to prove promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// There is a new proof.
    New,
    /// There is none.
    Nothing,
    /// Somebody changed the rules, ended a proof, or tried meanwhile: what was not written yet is not.
    Overtaken,
}

/// Proves the promises of `scopes`, as far as that can be done, and puts the proofs in force. Left alone is what has a
/// proof in force to which too few rows have been added since. Every try is counted, whatever it comes to.
pub async fn prove(
    db: &Db,
    shop: ShopId,
    (version, scopes): (&PolicyVersion, &[Scope]),
    (fingerprint, asked): (&Fingerprint, Asked<'_>),
) -> Result<Proved, StorageError> {
    let policy = &version.policy;
    let cases = cases(db, shop, (policy, None), fingerprint).await?;
    let (mut due, mut seen) = (Vec::new(), BTreeMap::new());
    for case in cases.iter().filter(|case| scopes.contains(&case.scope)) {
        let now = stand(db, shop, (policy, &case.scope), fingerprint).await?;
        if now.state != State::Certified || is_worth_another(now.newest.as_ref(), &case.evidence.split) {
            due.push(case.scope.clone());
            seen.insert(case.scope.clone(), now.newest);
        }
    }
    let mut proved = Proved::Nothing;
    for tried in try_together(cases, &due) {
        let Some(newest) = seen.get(&tried.case.scope).filter(|_| tried.has_begun()) else { continue };
        let terms = terms(db, shop, (policy, &tried), fingerprint).await?;
        let seen = Seen { policy: version.number, newest: newest.as_ref() };
        let mut tx = db.begin().await?;
        if !seen.is_so_still(&mut tx, shop, &tried.case.scope).await?
            || !count_try(&mut tx, shop, &tried, asked).await?
        {
            return Ok(Proved::Overtaken);
        }
        if let Some(terms) = &terms
            && put_in_force(&mut tx, shop, (&tried.case.scope, terms), asked).await?
        {
            proved = Proved::New;
        }
        tx.commit().await?;
    }
    Ok(proved)
}

fn is_worth_another(newest: Option<&Certificate>, split: &Split) -> bool {
    let n_before = newest.map_or(0, |certificate| certificate.terms.turns.len());
    split.n_rows() >= n_before + ROWS_BETWEEN_PROOFS
}

/// What a try rests on beside its rows. It is held against what is there when the result is written: what a person has
/// just ended or changed must not be undone by a try that began before.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Number of the policy.
    pub policy: u32,
    /// The newest proof.
    pub newest: Option<&'a Certificate>,
}

impl Seen<'_> {
    /// Whether nobody was there meanwhile. Until the end of the unit of work, nobody will be.
    pub async fn is_so_still(&self, tx: &mut Tx, shop: ShopId, scope: &Scope) -> Result<bool, StorageError> {
        policies::hold(tx, shop, policies::Hold::ToChange).await?;
        let newest = certificates::newest_in(tx, shop, scope).await?;
        let policy = policies::current_in(tx, shop).await?;
        Ok(policy.number == self.policy && newest.as_ref() == self.newest)
    }
}

/// Counts a try, unless it is one that was made before or none at all. False if another try took its place meanwhile:
/// it had more of the doubt than is left.
pub async fn count_try(tx: &mut Tx, shop: ShopId, tried: &Tried, asked: Asked<'_>) -> Result<bool, StorageError> {
    let Case { scope, era, place, evidence, dial, .. } = &tried.case;
    if place.is_repeat || !tried.has_begun() {
        return Ok(true);
    }
    let new = NewTry {
        scope,
        era,
        nth: place.nth,
        evidence: &place.evidence,
        n_rows: u32::try_from(evidence.split.n_rows()).unwrap_or(u32::MAX),
        target_error: dial.target_error,
        is_proven: tried.attempt.proof.is_some(),
        account: asked.by,
    };
    match promise_tries::insert(tx, shop, &new).await {
        Err(error) if error.conflicts_with("promise_tries_nth") => Ok(false),
        other => other.map(|()| true),
    }
}

/// Puts a proof in force, and notes it. A warning about the one before it goes on; false where the watch would end the
/// new one at once.
pub async fn put_in_force(
    tx: &mut Tx,
    shop: ShopId,
    (scope, terms): (&Scope, &Terms),
    asked: Asked<'_>,
) -> Result<bool, StorageError> {
    let watched_with = match certificates::newest_in(tx, shop, scope).await? {
        Some(before) => match beginning(tx, shop, (&before, terms)).await? {
            Beginning::With(proofs) => proofs,
            Beginning::Ended => return Ok(false),
        },
        None => vec![],
    };
    let terms = Terms { watched_with, ..terms.clone() };
    let new = NewCertificate { scope, terms: &terms, author: asked.by, note: asked.note };
    let id = certificates::issue(tx, shop, &new).await?;
    let detail = json!({
        "scope": scope, "dial": terms.dial, "bar": terms.bar, "n": terms.n, "k": terms.k, "bound": terms.bound,
        "n_promises": terms.n_promises, "nth_try": terms.nth_try, "goes_on_warned": !terms.watched_with.is_empty(),
    });
    let entry = NewAuditEntry { account: asked.by, action: "certified", subject: &id.to_string(), detail: &detail };
    audit::append(tx, shop, &entry).await?;
    Ok(true)
}

/// What a certificate says, if there is a proof.
pub async fn terms(
    db: &Db,
    shop: ShopId,
    (policy, tried): (&Policy, &Tried),
    fingerprint: &Fingerprint,
) -> Result<Option<Terms>, StorageError> {
    let Tried { case: Case { dial, evidence: Evidence { split, documents }, place, .. }, attempt } = tried;
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
        nth_try: place.nth,
        watched_with: vec![],
        grid: attempt.grid.clone(),
        fingerprint: fingerprint.clone(),
        epochs: as_proven.map(|one| (one.document, one.epoch)).collect(),
        other_topics: policy.other_topics(),
        min_grounded_share: policy.min_grounded_share,
        turns: split.turns.clone(),
        annotators: split.annotators.clone(),
    }))
}
