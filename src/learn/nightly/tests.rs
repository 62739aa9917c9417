use uuid::Uuid;

use super::super::certify::Row;
use super::super::proving::{Evidence, try_alone};
use super::super::split::Split;
use super::super::tries::Place;
use super::*;
use crate::domain::certificate::tests::terms as some_terms;
use crate::domain::certificate::{LIFETIME_MS, Voided};
use crate::domain::dial::{Dial, Scope};
use crate::domain::ids::{CertificateId, CheckId, TurnId};
use crate::storage::promise_tries::{Era, Try};

const DIAL: Dial = Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };

/// `n` labelled answers, of which every `nth_bad` is a loss.
fn tried(n: u32, nth_bad: Option<u32>) -> Tried {
    let score = |nth: u32| f64::from(nth) / f64::from(n);
    let n_fit = n / 3;
    let split = Split {
        fit: (0..n_fit).map(|nth| score(3 * nth)).collect(),
        certify: (n_fit..n)
            .map(|nth| Row { score: score(nth), is_loss: nth_bad.is_some_and(|bad| nth % bad == 0) })
            .collect(),
        ..Split::default()
    };
    try_alone(Case {
        scope: Scope::Shop,
        dial: DIAL,
        evidence: Evidence { split, documents: vec![] },
        era: Era { pipeline: "now".into(), since_ms: 0 },
        past: vec![],
        place: Place { nth: 1, is_repeat: false, evidence: String::new() },
        n_promises: 1,
    })
}

/// The same after a try of so many rows.
fn tried_after(n_before: u32, n: u32, nth_bad: Option<u32>) -> Tried {
    let last = Try {
        nth: 1,
        evidence: "before".into(),
        n_rows: n_before,
        target_error: DIAL.target_error,
        is_proven: false,
        account: None,
        created_at_ms: 0,
    };
    let place = Place { nth: 2, is_repeat: false, evidence: String::new() };
    try_alone(Case { past: vec![last], place, ..tried(n, nth_bad).case })
}

fn certificate(n_turns: u128, voided: Option<VoidReason>) -> Certificate {
    let turns = (0..n_turns).map(|nth| TurnId(Uuid::from_u128(nth))).collect();
    Certificate {
        id: CertificateId(Uuid::nil()),
        scope: Scope::Shop,
        terms: Terms { turns, ..some_terms() },
        author: None,
        note: String::new(),
        created_at_ms: 0,
        expires_at_ms: LIFETIME_MS,
        voided: voided.map(|why| Voided { at_ms: 1, why, by: None }),
    }
}

fn stands(state: State, newest: Option<Certificate>) -> Stand {
    Stand { state, newest, n_sent: 0, is_expired: false, is_running_out: false }
}

fn found(finding: Finding, n_rows_tried: u32) -> Check {
    let details = Details { bar_to: finding.is_in_force().then_some(0.8), n_rows_tried, ..Details::default() };
    let id = CheckId(Uuid::nil());
    Check { id, scope: Scope::Shop, occasion: "night 1".into(), finding, details, created_at_ms: 0 }
}

#[test]
fn a_proof_with_few_new_labels_still_holds_and_says_how_many_are_missing_for_another() {
    let now = stands(State::Certified, Some(certificate(300, None)));
    let look = look(None, &now, &tried(310, None));
    assert_eq!((look.finding, look.act), (Finding::StillHolds, Act::Nothing));
    assert_eq!((look.details.n_more, look.details.bar_to), (Some(440), Some(0.8)));
}

#[test]
fn with_many_new_labels_the_bar_moves_or_the_proof_is_lost() {
    let now = stands(State::Certified, Some(certificate(300, None)));
    let moved = look(None, &now, &tried(750, None));
    assert_eq!((moved.finding, moved.act, moved.details.bar_from), (Finding::Renewed, Act::Prove, Some(0.8)));
    assert!(moved.details.bar_to.is_some_and(|bar| bar < 0.8), "{moved:?}");
    let lost = look(None, &now, &tried(750, Some(2)));
    assert_eq!((lost.finding, lost.act), (Finding::Lost, Act::End));
    assert_eq!((lost.details.because, lost.details.bar_to), (Some(Because::NotProvenAgain), None));
}

#[test]
fn a_first_proof_is_tried_at_once_and_then_when_the_labels_are_half_as_many_again() {
    let now = stands(State::NotCertified, None);
    let first = look(None, &now, &tried(40, None));
    assert_eq!((first.finding, first.act, first.details.n_rows_tried), (Finding::NotProven, Act::Nothing, 0));
    assert!(!tried(40, None).has_begun(), "too few rows to prove anything: no try, and nothing spent");
    let failed = look(None, &now, &tried(300, Some(2)));
    assert_eq!((failed.finding, failed.details.n_rows_tried), (Finding::NotProven, 300));
    let too_early = look(Some(&found(Finding::NotProven, 200)), &now, &tried_after(200, 299, None));
    assert_eq!(
        (too_early.finding, too_early.act, too_early.details.n_rows_tried),
        (Finding::NotProven, Act::Nothing, 200)
    );
    let later = look(Some(&found(Finding::NotProven, 200)), &now, &tried_after(200, 300, None));
    assert_eq!((later.finding, later.act), (Finding::Proven, Act::Prove));
    // What another machinery was tried with is not what this one waits for.
    let other = look(Some(&found(Finding::NotProven, 9000)), &now, &tried(300, None));
    assert_eq!(other.act, Act::Prove);
}

#[test]
fn what_a_person_or_the_watch_ended_does_not_come_back_by_itself() {
    for (state, why, because) in [
        (State::FallenBack, VoidReason::Alarm, Because::Alarm),
        (State::NotCertified, VoidReason::ByHand, Because::ByHand),
    ] {
        let now = stands(state, Some(certificate(0, Some(why))));
        let look = look(Some(&found(Finding::StillHolds, 0)), &now, &tried(900, None));
        assert_eq!((look.finding, look.act), (Finding::Lost, Act::Nothing), "{why:?}");
        assert_eq!((look.details.because, look.details.bar_from), (Some(because), Some(0.8)));
        let next = super::look(Some(&found(Finding::Lost, 0)), &now, &tried(900, None));
        assert_eq!((next.finding, next.act), (Finding::NotProven, Act::Nothing), "it is told once");
    }
}

#[test]
fn a_proof_of_another_machinery_ends() {
    let now = stands(State::Probation, Some(certificate(0, None)));
    let lapsed = look(Some(&found(Finding::StillHolds, 0)), &now, &tried(0, None));
    assert_eq!((lapsed.finding, lapsed.act), (Finding::Lost, Act::Lapse));
    assert_eq!(lapsed.details.because, Some(Because::PipelineChanged));
}

#[test]
fn a_proof_whose_time_is_up_is_made_again_once() {
    let (held, lost) = (found(Finding::Renewed, 100), found(Finding::Lost, 100));
    let over = Stand { is_expired: true, ..stands(State::NotCertified, Some(certificate(0, None))) };
    let again = look(Some(&held), &over, &tried(110, None));
    assert_eq!((again.finding, again.act, again.details.bar_from), (Finding::Renewed, Act::Prove, Some(0.8)));
    let failed = look(Some(&held), &over, &tried(110, Some(2)));
    assert_eq!((failed.finding, failed.details.because), (Finding::Lost, Some(Because::Expired)));
    let next = look(Some(&lost), &over, &tried_after(100, 120, None));
    assert_eq!((next.finding, next.act), (Finding::NotProven, Act::Nothing), "after that the labels have to grow");
    let nearly = Stand { is_running_out: true, ..stands(State::Certified, Some(certificate(100, None))) };
    assert_eq!(look(Some(&held), &nearly, &tried(110, None)).finding, Finding::Renewed);
    let kept = look(Some(&held), &nearly, &tried(110, Some(2)));
    assert_eq!((kept.finding, kept.act), (Finding::StillHolds, Act::Nothing), "it ends by itself");
}
