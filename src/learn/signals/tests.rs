use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use super::super::split::tests::past;
use super::*;
use crate::domain::certificate::{LIFETIME_MS, Terms, tests::terms};
use crate::domain::dial::Scope;
use crate::domain::ids::{CertificateId, TurnId};
use crate::domain::score::Confidence;
use crate::storage::ops::Basis;

/// Turns of the time of the proof.
const N_BEFORE: u32 = 300;

fn certificate() -> Certificate {
    Certificate {
        id: CertificateId(Uuid::from_u128(1)),
        scope: Scope::Shop,
        terms: Terms { turns: vec![TurnId(Uuid::from_u128(1))], ..terms() },
        author: None,
        note: String::new(),
        created_at_ms: i64::from(N_BEFORE) + 1,
        expires_at_ms: LIFETIME_MS,
        voided: None,
    }
}

/// The nth turn, an hour after the one before it once the proof is there, sent under it.
fn sent(nth: u32, confidence: f64) -> ReplayRow {
    let mut row = past(nth, confidence, None);
    row.created_at_ms = if nth <= N_BEFORE { i64::from(nth) } else { i64::from(nth) * 3_600_000 };
    row.decision = Decision::AutoSend { audit: false };
    let basis = row.basis.take().unwrap();
    row.basis = Some(Basis { certificate: Some(certificate().id), ..basis });
    row
}

/// `n` turns with confidences as `draw` gives them, by a seed.
fn traffic(n: u32, seed: u64, draw: impl Fn(&mut StdRng, u32) -> f64) -> Vec<ReplayRow> {
    let mut random = StdRng::seed_from_u64(seed);
    (1..=n).map(|nth| sent(nth, draw(&mut random, nth))).collect()
}

fn read(rows: &[ReplayRow]) -> Signals {
    signals(&rows.iter().collect::<Vec<_>>(), &certificate())
}

#[test]
fn before_there_is_something_to_compare_nothing_is_said_and_nothing_raised() {
    let told = read(&traffic(N_BEFORE + 20, 1, |random, _| random.random()));
    assert_eq!((told.unhappy, told.drifts.len(), told.is_raised()), (None, 0, false));
    assert!(!read(&[]).is_raised());
}

#[test]
fn traffic_like_that_of_the_proof_raises_hardly_ever() {
    let n_raised =
        (0..200).filter(|seed| read(&traffic(N_BEFORE + 200, *seed, |random, _| random.random())).is_raised());
    assert!(n_raised.count() <= 3);
}

#[test]
fn confidences_that_have_moved_are_seen_and_named() {
    let moved = traffic(N_BEFORE + 200, 1, |random, nth| {
        let score: f64 = random.random();
        if nth > N_BEFORE { score.powi(3) } else { score }
    });
    let told = read(&moved);
    let raised: Vec<_> = told.drifts.iter().filter(|drift| drift.is_raised).map(|drift| drift.what).collect();
    assert_eq!(raised, [Watched::Confidence]);
}

#[test]
fn another_topic_or_questions_without_an_answer_are_seen() {
    let mut rows = traffic(N_BEFORE + 200, 1, |random, _| random.random());
    for row in rows.iter_mut().skip(N_BEFORE as usize).step_by(2) {
        row.evidence.topic = "a recall".into();
    }
    assert!(read(&rows).drifts.iter().any(|drift| drift.what == Watched::Topic && drift.is_raised));
    for row in rows.iter_mut().skip(N_BEFORE as usize) {
        (row.evidence.topic, row.evidence.holds) = ("product".into(), vec![Reason::NoAnswer]);
        row.evidence.confidence = Confidence::new(0.5).unwrap();
    }
    assert!(read(&rows).drifts.iter().any(|drift| drift.what == Watched::Support && drift.is_raised));
}

#[test]
fn unhappy_buyers_raise_when_they_are_surely_more_than_at_first() {
    let mut rows = traffic(N_BEFORE + 200, 1, |random, _| random.random());
    let told = read(&rows).unhappy.unwrap();
    assert_eq!((told.n_first, told.k_first, told.n_newest, told.k_newest, told.is_raised), (100, 0, 100, 0, false));
    for row in rows.iter_mut().skip(N_BEFORE as usize + 100).step_by(10) {
        row.thumbs = Some(false);
    }
    let told = read(&rows).unhappy.unwrap();
    assert_eq!((told.k_newest, told.n_thumbs_down, told.is_raised), (10, 10, true));
    // The same share from the beginning on is how this shop is.
    for row in rows.iter_mut().skip(N_BEFORE as usize).step_by(10) {
        row.thumbs = Some(false);
    }
    assert!(!read(&rows).unhappy.unwrap().is_raised);
}

#[test]
fn asking_again_soon_and_asking_for_a_person_count_and_a_later_question_does_not() {
    let mut rows = traffic(N_BEFORE + 140, 1, |random, _| random.random());
    let n = rows.len();
    let thread = rows[n - 6].conversation;
    for nth in [n - 5, n - 4, n - 3] {
        rows[nth].conversation = thread;
    }
    // Asked again after a minute; then for a person, a minute later; then something else, hours later.
    rows[n - 5].created_at_ms = rows[n - 6].created_at_ms + 60_000;
    rows[n - 4].created_at_ms = rows[n - 5].created_at_ms + 60_000;
    rows[n - 4].evidence.escalations = vec![Reason::AsksForPerson];
    rows[n - 3].created_at_ms = rows[n - 4].created_at_ms + 7_200_000;
    let told = read(&rows).unhappy.unwrap();
    assert_eq!((told.n_asked_again, told.n_asked_for_person, told.k_newest), (1, 1, 2), "{told:?}");
}

#[test]
fn the_limit_is_what_chance_gives_for_so_few_and_never_below_the_usual_one() {
    // Chi-square with nine degrees of freedom: 27.88 once in a thousand.
    assert!((limit(10, 100, 100) - 27.88 * 0.02).abs() < 0.01);
    assert_eq!(limit(10, 100_000, 100_000), 0.2);
    let same: Vec<String> = (0..50).map(|nth| (nth % 5).to_string()).collect();
    assert_eq!(psi(&same, &same), (0.0, 5));
}
