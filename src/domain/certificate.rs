//! A proof that a promise holds from a bar on: what was proven, from what, for what machinery, and when it ends.
//!
//! A certificate is never changed. It ends: by time, by the number of answers sent under it, or because something that
//! it was proven for is not as it was.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::dial::{Dial, Scope, State};
use crate::domain::ids::{AccountId, CertificateId, DocumentId, TurnId};
use crate::domain::policy::Policy;

/// A proof is good for so long.
pub const LIFETIME_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// And for so many answers.
pub const MAX_SENDS: u32 = 5_000;

/// What makes the answers. Another one is another assistant, of which nothing is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fingerprint {
    /// The generator.
    pub model: String,
    /// Hash of all prompts.
    pub prompts: String,
    /// Hash of the calibration, its features included.
    pub scorer: String,
    /// The embedder, the size of chunks, and the version of this program.
    pub retrieval: String,
}

impl Fingerprint {
    /// All of it in one text, to be compared and stored with every turn.
    pub fn key(&self) -> String {
        [&self.model, &self.prompts, &self.scorer, &self.retrieval].map(String::as_str).join("/")
    }
}

/// How reliable the labels are: accepted answers that somebody else looked at again, blind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewerError {
    /// Looked at again.
    pub n: u32,
    /// Accepted, and yet a loss.
    pub k: u32,
    /// No more than this share of the accepted is a loss.
    pub upper: f64,
}

/// What was proven, and from what. Never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// What was promised.
    pub dial: Dial,
    /// The lowest confidence that may be sent.
    pub bar: f64,
    /// Labelled answers at or above it.
    pub n: u32,
    /// Losses among them.
    pub k: u32,
    /// No more than this share is wrong.
    pub bound: f64,
    /// Share of the rows at or above the bar.
    pub coverage: f64,
    /// Errors of the labels themselves, where they were measured.
    pub reviewer_error: Option<ReviewerError>,
    /// Rows that the candidates for the bar come from.
    pub n_fit: u32,
    /// Rows that the proof comes from.
    pub n_certify: u32,
    /// Rows left out because the same question stood there already.
    pub n_collapsed: u32,
    /// Walks that shared the doubt.
    pub n_starts: u32,
    /// Promises of the shop that shared the doubt when it was proven, this one among them.
    #[serde(default = "one")]
    pub n_promises: u32,
    /// Its place among the tries of the promise: the part of the doubt follows from it. 0 in proofs of the time before
    /// tries were counted.
    #[serde(default)]
    pub nth_try: u32,
    /// Proofs that it took the place of while the watch warned: their audits go on counting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watched_with: Vec<CertificateId>,
    /// The candidates.
    pub grid: Vec<f64>,
    /// What made the answers.
    pub fingerprint: Fingerprint,
    /// The documents as they were, each with its epoch: an answer that cites another one is not covered.
    pub epochs: BTreeMap<DocumentId, i64>,
    /// Topics that had rules of their own and are not covered.
    pub other_topics: BTreeSet<String>,
    /// The gate in front of the bar.
    pub min_grounded_share: f64,
    /// The labelled turns.
    pub turns: Vec<TurnId>,
    /// Who labelled them.
    pub annotators: BTreeSet<AccountId>,
}

/// Certificates of the time before promises shared the doubt.
fn one() -> u32 {
    1
}

/// Why a certificate was voided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// Model, prompts, scorer or retrieval were changed.
    PipelineChanged,
    /// Too many audited answers were wrong.
    Alarm,
    /// Ops did it.
    ByHand,
    /// There is a newer one.
    Replaced,
    /// With many more labels it cannot be proven any more.
    NotProvenAgain,
}

/// The end of a certificate before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voided {
    /// When.
    pub at_ms: i64,
    /// Why.
    pub why: VoidReason,
    /// By whom; nobody where it was the server itself.
    pub by: Option<AccountId>,
}

/// A proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// Identity; every turn decided under it names it.
    pub id: CertificateId,
    /// For what part of the traffic.
    pub scope: Scope,
    /// What was proven.
    pub terms: Terms,
    /// Who asked for it; nobody for the server itself.
    pub author: Option<AccountId>,
    /// Why.
    pub note: String,
    /// When.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
    /// If it ended before its time.
    pub voided: Option<Voided>,
}

/// What a certificate is held against.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// What is promised now.
    pub policy: &'a Policy,
    /// What makes the answers now.
    pub fingerprint: &'a Fingerprint,
    /// Answers sent under the certificate.
    pub n_sent: u32,
    /// The time.
    pub now_ms: i64,
}

impl Certificate {
    /// Whether it was voided because of this.
    pub fn is_voided_by(&self, why: VoidReason) -> bool {
        self.voided.is_some_and(|voided| voided.why == why)
    }

    /// The proofs whose audits the watch over it counts, oldest first, itself the last.
    pub fn watched(&self) -> impl Iterator<Item = CertificateId> {
        self.terms.watched_with.iter().copied().chain([self.id])
    }

    /// Whether what it was proven for has become something else: it is to be voided.
    pub fn is_of_another_pipeline(&self, fingerprint: &Fingerprint) -> bool {
        self.voided.is_none() && self.terms.fingerprint != *fingerprint
    }

    /// Whether it has run out.
    pub fn is_expired(&self, now: &Circumstances<'_>) -> bool {
        now.now_ms >= self.expires_at_ms || now.n_sent >= MAX_SENDS
    }

    /// Whether it proves what is promised now: the same gates, a target no looser, a certainty no smaller, and with no
    /// larger share of the doubt than all promises together leave to it.
    fn proves(&self, dial: &Dial, policy: &Policy) -> bool {
        let proven = &self.terms.dial;
        let n_promises = policy.promised_scopes().len();
        self.terms.n_promises as usize >= n_promises
            && proven.target_error <= dial.target_error
            && proven.certainty >= dial.certainty
            && self.terms.min_grounded_share == policy.min_grounded_share
    }
}

/// How the promise of a part of the traffic stands, by its newest certificate.
pub fn state(dial: Option<&Dial>, newest: Option<&Certificate>, now: &Circumstances<'_>) -> State {
    let Some(dial) = dial else { return State::ByHand };
    let Some(certificate) = newest else { return State::NotCertified };
    match certificate.voided.map(|voided| voided.why) {
        Some(VoidReason::Alarm) => State::FallenBack,
        Some(VoidReason::PipelineChanged) => State::Probation,
        Some(VoidReason::ByHand | VoidReason::Replaced | VoidReason::NotProvenAgain) => State::NotCertified,
        None if certificate.is_of_another_pipeline(now.fingerprint) => State::Probation,
        None if certificate.is_expired(now) || !certificate.proves(dial, now.policy) => State::NotCertified,
        None => State::Certified,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::policy::{Mode, TopicRule};

    pub(crate) fn fingerprint() -> Fingerprint {
        Fingerprint { model: "m".into(), prompts: "p".into(), scorer: "s".into(), retrieval: "r".into() }
    }

    pub(crate) fn terms() -> Terms {
        Terms {
            dial: Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 },
            bar: 0.8,
            n: 100,
            k: 1,
            bound: 0.0466,
            coverage: 0.4,
            reviewer_error: None,
            n_fit: 125,
            n_certify: 250,
            n_collapsed: 0,
            n_starts: 1,
            n_promises: 1,
            nth_try: 0,
            watched_with: vec![],
            grid: vec![0.9, 0.8],
            fingerprint: fingerprint(),
            epochs: BTreeMap::new(),
            other_topics: BTreeSet::new(),
            min_grounded_share: 0.5,
            turns: vec![],
            annotators: BTreeSet::new(),
        }
    }

    fn certificate() -> Certificate {
        Certificate {
            id: CertificateId(Uuid::nil()),
            scope: Scope::Shop,
            terms: terms(),
            author: None,
            note: String::new(),
            created_at_ms: 0,
            expires_at_ms: LIFETIME_MS,
            voided: None,
        }
    }

    #[test]
    fn a_certificate_ends_in_each_of_its_ways() {
        let dial = terms().dial;
        let policy = Policy { dial: Some(dial), ..Policy::review_everything() };
        let fingerprint = fingerprint();
        let now = Circumstances { policy: &policy, fingerprint: &fingerprint, n_sent: 0, now_ms: 1 };
        let good = certificate();
        assert_eq!(state(Some(&dial), Some(&good), &now), State::Certified);
        assert_eq!(state(None, Some(&good), &now), State::ByHand);
        assert_eq!(state(Some(&dial), None, &now), State::NotCertified);
        let ends = [
            (Circumstances { now_ms: LIFETIME_MS, ..now }, State::NotCertified),
            (Circumstances { n_sent: MAX_SENDS, ..now }, State::NotCertified),
        ];
        for (when, want) in ends {
            assert_eq!(state(Some(&dial), Some(&good), &when), want);
        }
        let other = Fingerprint { scorer: "t".into(), ..fingerprint.clone() };
        let changed = Circumstances { fingerprint: &other, ..now };
        assert_eq!(state(Some(&dial), Some(&good), &changed), State::Probation);
        let strict = Policy { min_grounded_share: 0.6, ..policy.clone() };
        assert_eq!(state(Some(&dial), Some(&good), &Circumstances { policy: &strict, ..now }), State::NotCertified);
        for (why, want) in [
            (VoidReason::Alarm, State::FallenBack),
            (VoidReason::PipelineChanged, State::Probation),
            (VoidReason::ByHand, State::NotCertified),
            (VoidReason::Replaced, State::NotCertified),
            (VoidReason::NotProvenAgain, State::NotCertified),
        ] {
            let voided = Certificate { voided: Some(Voided { at_ms: 1, why, by: None }), ..certificate() };
            assert_eq!(state(Some(&dial), Some(&voided), &now), want, "{why:?}");
        }
    }

    #[test]
    fn a_stricter_promise_is_not_proven_and_a_looser_one_is() {
        let policy = Policy::review_everything();
        let dial = terms().dial;
        let proves = |dial| certificate().proves(&dial, &policy);
        assert!(proves(Dial { target_error: 0.1, ..dial }) && proves(Dial { certainty: 0.9, ..dial }));
        assert!(!proves(Dial { target_error: 0.02, ..dial }) && !proves(Dial { certainty: 0.99, ..dial }));
    }

    #[test]
    fn a_promise_more_takes_a_share_of_the_doubt_away_from_a_proof() {
        let dial = terms().dial;
        let mut policy = Policy { dial: Some(dial), ..Policy::review_everything() };
        assert!(certificate().proves(&dial, &policy));
        policy.topics.insert("returns".into(), TopicRule { mode: Mode::Auto, bar: None, dial: Some(dial) });
        assert!(!certificate().proves(&dial, &policy));
        let shared = Certificate { terms: Terms { n_promises: 2, ..terms() }, ..certificate() };
        assert!(shared.proves(&dial, &policy));
        policy.topics.clear();
        assert!(shared.proves(&dial, &policy), "a promise fewer leaves the proof as good as it was");
    }

    #[test]
    fn a_certificate_of_the_time_before_had_the_whole_doubt() {
        let mut old = serde_json::to_value(terms()).unwrap();
        old.as_object_mut().unwrap().remove("n_promises");
        assert_eq!(serde_json::from_value::<Terms>(old).unwrap(), terms());
    }
}
