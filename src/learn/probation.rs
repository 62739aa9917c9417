//! After a change of model, prompts, scorer or retrieval: the questions that the lost proof rested on are asked again of
//! the machinery in use, and its answers are held against those that people have judged.
//!
//! # Why
//! Waiting for new labels alone, nobody would know for weeks whether the change was a good one. What people said of the
//! former answer is true of the new one as long as it makes the same claims; where it does not, nobody has judged it yet,
//! and a person has to read it. So this shows early what a change has broken. It proves nothing: only labels of the
//! machinery in use do, and until they are there every answer waits for a person.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::charts::{Interval, interval};
use super::dial::{Stand, stand};
use super::edit::propose;
use crate::domain::certificate::{Certificate, Fingerprint};
use crate::domain::dial::State;
use crate::domain::ids::{ConversationId, ShopId, TurnId};
use crate::domain::outcome::EditKind;
use crate::domain::policy::Policy;
use crate::storage::reasked::{self, Reasked};
use crate::storage::{Db, StorageError, policies, turns};

/// The newest questions of the lost proof, at most: they take the generator's time.
const MOST: usize = 200;
/// Differing answers to show.
const SHOWN: usize = 30;

/// How a new answer stands to the one that people have judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The same claims, and they were right.
    StillRight,
    /// The same claims, and they were wrong.
    StillWrong,
    /// Other claims: nobody has judged them.
    Unjudged,
    /// The machinery in use has no answer.
    NoAnswer,
}

/// Holds a new answer against the judged one.
pub fn compare(one: &Reasked) -> Comparison {
    let Some(now) = &one.now else { return Comparison::NoAnswer };
    match (propose(&one.before, now).kind, one.outcome.is_loss()) {
        (EditKind::Style, false) => Comparison::StillRight,
        (EditKind::Style, true) => Comparison::StillWrong,
        (EditKind::Fact, _) => Comparison::Unjudged,
    }
}

/// A new answer that somebody should read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ToRead {
    /// Whose question.
    pub turn_id: TurnId,
    /// Its thread.
    pub conversation_id: ConversationId,
    /// What was asked.
    pub question: String,
    /// What the former machinery said.
    pub before: String,
    /// Whether people found that right.
    pub was_right: bool,
    /// What the machinery in use says; null where it has no answer.
    pub now: Option<String>,
    /// How sure it is.
    pub confidence: f64,
    /// How the two stand to each other.
    pub comparison: Comparison,
}

/// How far probation has come.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Probation {
    /// Questions that the lost proof rested on, the newest 200 at most.
    pub n_questions: usize,
    /// Those that were asked again.
    pub n_asked: usize,
    /// Same claims, and right.
    pub n_still_right: u32,
    /// Same claims, and wrong.
    pub n_still_wrong: u32,
    /// Other claims than before.
    pub n_unjudged: u32,
    /// No answer any more.
    pub n_no_answer: u32,
    /// The bar of the lost proof.
    pub bar: f64,
    /// Answers that this bar would send now.
    pub n_sent: u32,
    /// Share of them that is wrong, or that nobody has judged, with its exact interval; null where none would be sent.
    pub at_worst: Option<Interval>,
    /// What somebody should read, the surest first.
    pub to_read: Vec<ToRead>,
}

/// Questions that are to be asked again of the machinery in use, at most `limit`; none where nothing is on probation.
pub async fn open(db: &Db, shop: ShopId, fingerprint: &Fingerprint, limit: usize) -> Result<Vec<TurnId>, StorageError> {
    let policy = policies::current(db, shop).await?.policy;
    let mut wanted = Vec::new();
    for scope in policy.promised_scopes() {
        let now = stand(db, shop, (&policy, &scope), fingerprint).await?;
        wanted.extend(lost_proof(&now).map(questions).unwrap_or_default());
    }
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let asked: HashSet<TurnId> = reasked::turns_of(db, shop, &fingerprint.key()).await?.into_iter().collect();
    let mut open = Vec::new();
    for turn in wanted.into_iter().filter(|turn| !asked.contains(turn)) {
        if open.len() == limit {
            break;
        }
        // A buyer who was forgotten took the question along.
        open.extend(turns::get(db, shop, turn).await?.map(|turn| turn.id));
    }
    Ok(open)
}

/// The proof that was lost to a change of machinery.
fn lost_proof(now: &Stand) -> Option<&Certificate> {
    now.newest.as_ref().filter(|_| now.state == State::Probation)
}

/// The newest last, as they stand in the proof.
fn questions(certificate: &Certificate) -> Vec<TurnId> {
    let turns = &certificate.terms.turns;
    turns[turns.len().saturating_sub(MOST)..].to_vec()
}

/// How far probation has come for a part of the traffic; none where it is not on probation.
pub async fn show(
    db: &Db,
    shop: ShopId,
    (policy, now): (&Policy, &Stand),
    fingerprint: &Fingerprint,
) -> Result<Option<Probation>, StorageError> {
    let Some(certificate) = lost_proof(now) else { return Ok(None) };
    let wanted: HashSet<TurnId> = questions(certificate).into_iter().collect();
    let mut asked = reasked::of_pipeline(db, shop, &fingerprint.key()).await?;
    asked.retain(|one| wanted.contains(&one.turn));
    let gate = (certificate.terms.bar, policy.min_grounded_share);
    Ok(Some(sum_up(&asked, wanted.len(), gate, certificate.terms.dial.doubt())))
}

fn sum_up(asked: &[Reasked], n_questions: usize, (bar, min_grounded_share): (f64, f64), doubt: f64) -> Probation {
    let compared: Vec<(&Reasked, Comparison)> = asked.iter().map(|one| (one, compare(one))).collect();
    let count = |is: &dyn Fn(&(&Reasked, Comparison)) -> bool| {
        u32::try_from(compared.iter().filter(|one| is(one)).count()).unwrap_or(u32::MAX)
    };
    let of = |wanted: Comparison| count(&|one| one.1 == wanted);
    let is_sent = |one: &Reasked| {
        one.now.is_some() && !one.is_held && one.grounded_share >= min_grounded_share && one.confidence >= bar
    };
    let n_sent = count(&|one| is_sent(one.0));
    let n_doubtful = count(&|one| is_sent(one.0) && one.1 != Comparison::StillRight);
    Probation {
        n_questions,
        n_asked: asked.len(),
        n_still_right: of(Comparison::StillRight),
        n_still_wrong: of(Comparison::StillWrong),
        n_unjudged: of(Comparison::Unjudged),
        n_no_answer: of(Comparison::NoAnswer),
        bar,
        n_sent,
        at_worst: interval(n_doubtful, n_sent, doubt),
        to_read: to_read(&compared),
    }
}

/// What is new and what was right before and is not there any more.
fn to_read(compared: &[(&Reasked, Comparison)]) -> Vec<ToRead> {
    let is_news = |(one, comparison): &&(&Reasked, Comparison)| match comparison {
        Comparison::Unjudged => true,
        Comparison::NoAnswer => !one.outcome.is_loss(),
        Comparison::StillRight | Comparison::StillWrong => false,
    };
    let mut news: Vec<&(&Reasked, Comparison)> = compared.iter().filter(is_news).collect();
    news.sort_by(|(a, _), (b, _)| b.confidence.total_cmp(&a.confidence));
    let view = |(one, comparison): &(&Reasked, Comparison)| ToRead {
        turn_id: one.turn,
        conversation_id: one.conversation,
        question: one.question.clone(),
        before: one.before.clone(),
        was_right: !one.outcome.is_loss(),
        now: one.now.clone(),
        confidence: one.confidence,
        comparison: *comparison,
    };
    news.into_iter().take(SHOWN).map(view).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::outcome::Outcome;

    fn reasked(nth: u128, outcome: Outcome, now: Option<&str>, confidence: f64) -> Reasked {
        Reasked {
            turn: TurnId(Uuid::from_u128(nth)),
            conversation: ConversationId(Uuid::from_u128(nth)),
            question: "How long?".into(),
            before: "Within 7 days [1].".into(),
            outcome,
            now: now.map(str::to_owned),
            confidence,
            grounded_share: 1.0,
            is_held: false,
        }
    }

    #[test]
    fn the_same_claims_are_as_good_as_they_were_and_others_are_unjudged() {
        let of = |outcome, now| compare(&reasked(1, outcome, now, 0.9));
        assert_eq!(of(Outcome::Accept, Some("You have 7 days.")), Comparison::StillRight);
        assert_eq!(of(Outcome::RejectWrong, Some("You have 7 days.")), Comparison::StillWrong);
        assert_eq!(of(Outcome::Accept, Some("You have 14 days.")), Comparison::Unjudged);
        assert_eq!(of(Outcome::RejectWrong, Some("You have 14 days.")), Comparison::Unjudged);
        assert_eq!(of(Outcome::Accept, None), Comparison::NoAnswer);
    }

    #[test]
    fn what_nobody_has_judged_counts_as_wrong_and_is_shown_the_surest_first() {
        let mut held = reasked(5, Outcome::Accept, Some("You have 7 days."), 0.99);
        held.is_held = true;
        let asked = [
            reasked(1, Outcome::Accept, Some("You have 7 days."), 0.9),
            reasked(2, Outcome::Accept, Some("You have 14 days."), 0.85),
            reasked(3, Outcome::Accept, Some("You have 30 days."), 0.95),
            reasked(4, Outcome::Accept, None, 0.0),
            held,
            reasked(6, Outcome::RejectWrong, None, 0.0),
        ];
        let told = sum_up(&asked, 10, (0.8, 0.5), 0.05);
        assert_eq!((told.n_questions, told.n_asked, told.n_sent), (10, 6, 3));
        assert_eq!((told.n_still_right, told.n_unjudged, told.n_no_answer), (2, 2, 2));
        assert!((told.at_worst.unwrap().share - 2.0 / 3.0).abs() < 1e-12);
        let shown: Vec<f64> = told.to_read.iter().map(|one| one.confidence).collect();
        assert_eq!(shown, [0.95, 0.85, 0.0], "an answer that was wrong and is gone is no news");
        assert_eq!(sum_up(&[], 10, (0.8, 0.5), 0.05).at_worst, None);
    }
}
