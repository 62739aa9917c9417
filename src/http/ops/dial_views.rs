//! A promise, its proof and its watch, as ops see them.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::certificate::{Certificate, Fingerprint, MAX_SENDS, ReviewerError, VoidReason};
use crate::domain::dial::{Dial, Scope, State as DialState};
use crate::domain::ids::{CertificateId, DocumentId, ShopId};
use crate::domain::policy::Policy;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::ops::checks::{CheckView, view_check};
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::learn::assess::{Assessment, assess};
use crate::learn::binomial::fewest_clean;
use crate::learn::dial::{Stand, audits, changed_documents, stand, watch_over};
use crate::learn::probation::{self, Probation};
use crate::learn::proving::{Case, Evidence, Tried, try_alone};
use crate::learn::senses;
use crate::learn::signals::Signals;
use crate::learn::tries;
use crate::learn::watch::{Alarm, FALL_BACK_AT, WARN_AT};
use crate::storage::{certificates, looks, promise_checks};

/// Proofs in one answer.
const MAX_CERTIFICATES: u32 = 100;

/// What is tried where nothing is promised yet.
pub const USUAL_DIAL: Dial = Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateState {
    InForce,
    Voided,
    Expired,
    /// There is a newer one.
    Replaced,
}

#[derive(Serialize, JsonSchema)]
pub struct CertificateView {
    id: CertificateId,
    scope: Scope,
    state: CertificateState,
    target_error: f64,
    certainty: f64,
    /// The lowest confidence that may be sent.
    bar: f64,
    /// Labelled answers at or above it.
    n: u32,
    /// Losses among them.
    k: u32,
    /// No more than this share is wrong.
    bound: f64,
    coverage: f64,
    /// Errors of the labels themselves; null if nobody looked again.
    reviewer_error: Option<ReviewerError>,
    n_fit: u32,
    n_certify: u32,
    n_collapsed: u32,
    n_starts: u32,
    /// Promises of the shop that shared the doubt.
    n_promises: u32,
    /// Its place among the tries of the promise; 0 in proofs of the time before tries were counted.
    nth_try: u32,
    /// Whether it took the place of another while the watch warned: the watch goes on from there.
    goes_on_warned: bool,
    /// The candidates for the bar, falling.
    grid: Vec<f64>,
    fingerprint: Fingerprint,
    /// Sum of the epochs of the documents it covers.
    index_epoch: i64,
    /// Who labelled, by name.
    annotators: Vec<String>,
    n_labels: usize,
    created_at_ms: i64,
    created_by: Option<String>,
    note: String,
    expires_at_ms: i64,
    max_sends: u32,
    n_sent: u32,
    voided_at_ms: Option<i64>,
    voided_why: Option<VoidReason>,
    voided_by: Option<String>,
}

/// The bet against a proof.
#[derive(Serialize, JsonSchema)]
pub struct WatchView {
    state: Alarm,
    /// What the bet is worth.
    e_value: f64,
    /// The most it was worth.
    e_max: f64,
    warn_at: f64,
    fall_back_at: f64,
    n_audited: usize,
    n_wrong: usize,
    /// Sampled, and not labelled yet.
    n_open: u32,
    audit_rate: f64,
    /// Whether a sign raises that share.
    is_raised: bool,
    /// What buyers do and what has moved since the proof, as it was last read.
    signals: Signals,
    n_sent: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct ChangedDocument {
    document_id: DocumentId,
    name: String,
    changed_at_ms: i64,
}

/// What of the doubt is spent. Tries with another machinery, and those before an alarm, are not among them.
#[derive(Serialize, JsonSchema)]
pub struct TriesView {
    /// Tries so far.
    n_made: usize,
    /// When the last was made; null before the first.
    last_at_ms: Option<i64>,
    /// Who made it; null for the server itself, and before the first.
    last_by: Option<String>,
    /// Whether it found a proof; null before the first.
    last_proven: Option<bool>,
    /// Part of the doubt that tries have not used up yet.
    left: f64,
    /// Part that a try now would have.
    next: f64,
    /// Clean labelled answers above the bar that a try now needs at least.
    next_needs: u32,
    /// Whether nothing has changed since a try: another costs nothing, and finds nothing new.
    is_repeat: bool,
}

/// A part of the traffic.
#[derive(Serialize, JsonSchema)]
pub struct ScopeView {
    scope: Scope,
    mode: crate::domain::policy::Mode,
    state: DialState,
    dial: Option<Dial>,
    /// What counts now; null if nothing is sent by itself.
    bar: Option<f64>,
    /// What would count without the dial.
    bar_by_hand: f64,
    /// The newest, in force or not.
    certificate: Option<CertificateView>,
    /// What certifying now would give; without a dial, for 5 % at 95 %.
    last_attempt: Assessment,
    /// How often that was tried, and what another try costs.
    tries: TriesView,
    /// What the server itself found when it last looked; null if it has not.
    last_check: Option<CheckView>,
    /// After a change of the machinery: how it answers the questions that the lost proof rested on; null otherwise.
    probation: Option<Probation>,
    /// Of the certificate in force.
    watch: Option<WatchView>,
    /// Answers that cite them are held although the certificate is in force.
    changed_documents: Vec<ChangedDocument>,
}

/// Reads how a part of the traffic stands.
pub async fn view_scope(
    state: &AppState,
    shop: ShopId,
    (policy, case): (&Policy, Case),
    names: &Names,
) -> ApiResult<ScopeView> {
    let Tried { case, attempt } = try_alone(case);
    let last_attempt = assess(&case.evidence.split, &case.dial, &attempt);
    let tries = view_tries(&case, &last_attempt, names);
    let Case { scope, evidence, .. } = case;
    let now = stand(&state.db, shop, (policy, &scope), &state.fingerprint).await?;
    let dial = policy.dial_of(&scope).copied();
    let last_check = promise_checks::list(&state.db, shop, &scope, 1).await?.pop().map(view_check);
    let probation = probation::show(&state.db, shop, (policy, &now), &state.fingerprint).await?;
    let (mode, bar_by_hand) = match &scope {
        Scope::Shop => (policy.mode, policy.bar),
        Scope::Topic(topic) => (policy.mode(topic), policy.bar(topic)),
    };
    let in_force = now.newest.as_ref().filter(|_| now.state == DialState::Certified);
    let watch = match (in_force, &dial) {
        (Some(certificate), Some(dial)) => Some(view_watch(state, shop, (certificate, dial), now.n_sent).await?),
        _ => None,
    };
    let bar = match now.state {
        DialState::ByHand => Some(bar_by_hand),
        DialState::Certified => in_force.map(|certificate| certificate.terms.bar),
        DialState::NotCertified | DialState::Probation | DialState::FallenBack => None,
    };
    Ok(ScopeView {
        mode,
        state: now.state,
        dial,
        bar,
        bar_by_hand,
        changed_documents: in_force.map(|one| view_changed(one, &evidence)).unwrap_or_default(),
        certificate: newest_view(state, now, names),
        last_attempt,
        tries,
        last_check,
        probation,
        watch,
        scope,
    })
}

fn view_tries(case: &Case, now: &Assessment, names: &Names) -> TriesView {
    let last = case.past.last();
    TriesView {
        n_made: case.past.len(),
        last_at_ms: last.map(|last| last.created_at_ms),
        last_by: last.and_then(|last| last.account).map(|id| names.of_account(id)),
        last_proven: last.map(|last| last.is_proven),
        left: tries::left_after(last.map_or(0, |last| last.nth)),
        next: tries::part(case.place.nth),
        next_needs: fewest_clean(case.dial.target_error, case.dial.doubt() * now.share_of_doubt),
        is_repeat: case.place.is_repeat,
    }
}

fn newest_view(state: &AppState, now: Stand, names: &Names) -> Option<CertificateView> {
    now.newest.map(|certificate| view_certificate(certificate, now.n_sent, (state.now_ms(), names)))
}

fn view_changed(certificate: &Certificate, evidence: &Evidence) -> Vec<ChangedDocument> {
    let changed = changed_documents(certificate, &evidence.documents).into_iter();
    let view = |one: &crate::storage::epochs::Epoch| ChangedDocument {
        document_id: one.document,
        name: one.name.clone(),
        changed_at_ms: one.changed_at_ms,
    };
    changed.map(view).collect()
}

async fn view_watch(
    state: &AppState,
    shop: ShopId,
    (certificate, dial): (&Certificate, &Dial),
    n_sent: u32,
) -> ApiResult<WatchView> {
    let audits = audits(&state.db, shop, certificate).await?;
    let signals = senses::last(&state.db, shop, certificate).await?.unwrap_or_default();
    let is_raised = signals.is_raised();
    let watch = watch_over(certificate, &audits);
    let alarm = watch.alarm();
    Ok(WatchView {
        state: alarm,
        e_value: watch.worth(),
        e_max: watch.max(),
        warn_at: WARN_AT,
        fall_back_at: FALL_BACK_AT,
        n_audited: audits.len(),
        n_wrong: audits.iter().filter(|audited| audited.outcome.is_loss()).count(),
        n_open: looks::count_open_of(&state.db, shop, certificate.id).await?,
        audit_rate: dial.audit_rate_after(n_sent, alarm >= Alarm::Warned || is_raised),
        is_raised,
        signals,
        n_sent,
    })
}

fn view_certificate(certificate: Certificate, n_sent: u32, (now_ms, names): (i64, &Names)) -> CertificateView {
    let Certificate { id, scope, terms, author, note, created_at_ms, expires_at_ms, voided } = certificate;
    let state = match voided.map(|voided| voided.why) {
        Some(VoidReason::Replaced) => CertificateState::Replaced,
        Some(VoidReason::Alarm | VoidReason::ByHand | VoidReason::PipelineChanged | VoidReason::NotProvenAgain) => {
            CertificateState::Voided
        }
        None if now_ms >= expires_at_ms || n_sent >= MAX_SENDS => CertificateState::Expired,
        None => CertificateState::InForce,
    };
    CertificateView {
        id,
        scope,
        state,
        target_error: terms.dial.target_error,
        certainty: terms.dial.certainty,
        bar: terms.bar,
        n: terms.n,
        k: terms.k,
        bound: terms.bound,
        coverage: terms.coverage,
        reviewer_error: terms.reviewer_error,
        n_fit: terms.n_fit,
        n_certify: terms.n_certify,
        n_collapsed: terms.n_collapsed,
        n_starts: terms.n_starts,
        n_promises: terms.n_promises,
        nth_try: terms.nth_try,
        goes_on_warned: !terms.watched_with.is_empty(),
        grid: terms.grid,
        fingerprint: terms.fingerprint,
        index_epoch: terms.epochs.values().sum(),
        annotators: terms.annotators.into_iter().map(|id| names.of_account(id)).collect(),
        n_labels: terms.turns.len(),
        created_at_ms,
        created_by: author.map(|id| names.of_account(id)),
        note,
        expires_at_ms,
        max_sends: MAX_SENDS,
        n_sent,
        voided_at_ms: voided.map(|voided| voided.at_ms),
        voided_why: voided.map(|voided| voided.why),
        voided_by: voided.and_then(|voided| voided.by).map(|id| names.of_account(id)),
    }
}

#[derive(Deserialize, JsonSchema)]
pub struct CertificatesQuery {
    /// `shop` or `topic:` and a topic; all if left out.
    scope: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct CertificatesAnswer {
    /// Newest first, at most 100.
    certificates: Vec<CertificateView>,
}

/// `GET /v1/ops/certificates`: agents, ops, owners.
pub async fn list_certificates(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<CertificatesQuery>,
) -> ApiResult<Json<CertificatesAnswer>> {
    let (shop, names) = (member.shop(), Names::of(&state.db, member.shop()).await?);
    let scope = query.scope.as_deref().map(read_scope).transpose()?;
    let mut views = Vec::new();
    for certificate in certificates::list(&state.db, shop, scope.as_ref(), MAX_CERTIFICATES).await? {
        let n_sent = certificates::n_sent(&state.db, shop, certificate.id).await?;
        views.push(view_certificate(certificate, n_sent, (state.now_ms(), &names)));
    }
    Ok(Json(CertificatesAnswer { certificates: views }))
}

/// A scope as it stands in a query.
pub fn read_scope(text: &str) -> ApiResult<Scope> {
    text.parse::<Scope>().map_err(|error| ApiError::field("scope", error))
}
