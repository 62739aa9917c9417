//! Which past turns a proof may rest on, and which part of them does what.
//!
//! # Why
//! An exact test needs rows that are independent, alike, and had an equal chance of being among them. So: one turn of a
//! conversation, one of equal questions, only answers of the machinery in use that cite documents as they are now, and
//! of a time in which only a share of the sent was labelled, only that share of the drafts. A draft that an agent threw
//! away for own words without a verdict counts as a loss: the careful agents would otherwise make the bar look safe.
//!
//! Of a rehearsal the surest answers are judged first, so those above the surest that is not judged yet had an equal
//! chance, and those below had none: the bar must lie above it. Where that would throw away more reviews of buyers'
//! questions than the rehearsal brings, the rehearsal is left out instead.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::certify::Row;
use crate::domain::dial::Scope;
use crate::domain::ids::{AccountId, ConversationId, DocumentId, TurnId};
use crate::domain::policy::Policy;
use crate::domain::rehearsal::plain;
use crate::storage::ops::ReplayRow;

/// What rows are held against.
#[derive(Debug, Clone, Copy)]
pub struct Criteria<'a> {
    /// Which part of the traffic.
    pub scope: &'a Scope,
    /// The gates, and which topics belong to the scope.
    pub policy: &'a Policy,
    /// The machinery in use.
    pub pipeline: &'a str,
    /// The documents as they are.
    pub epochs: &'a BTreeMap<DocumentId, i64>,
    /// Older ones say nothing any more.
    pub since_ms: i64,
    /// Nor do those of a topic that are older than the alarm that ended its own promise: to give that promise up does
    /// not make them good.
    pub topic_alarms: &'a BTreeMap<String, i64>,
}

impl Criteria<'_> {
    fn is_recent(&self, row: &ReplayRow) -> bool {
        let alarm_ms = self.topic_alarms.get(&row.evidence.topic).copied().unwrap_or(i64::MIN);
        row.created_at_ms >= self.since_ms.max(alarm_ms)
    }
}

/// Rows that were left out, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Made by another model, prompt, scorer or retrieval.
    pub other_pipeline: u32,
    /// Labelled although most of their kind were not.
    pub not_equal_chance: u32,
    /// Of a conversation that is there already.
    pub same_conversation: u32,
    /// Resting on a document that has changed since.
    pub changed_document: u32,
}

/// The rows of a proof.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Split {
    /// Scores of the older third: the candidates for the bar come from them.
    pub fit: Vec<f64>,
    /// The newer two thirds: the proof comes from them.
    pub certify: Vec<Row>,
    /// Rows left out because an equal question is there already.
    pub n_collapsed: u32,
    /// Rows left out for other reasons.
    pub left_out: LeftOut,
    /// The turns behind the rows.
    pub turns: Vec<TurnId>,
    /// Who labelled them.
    pub annotators: BTreeSet<AccountId>,
    /// When the first of `certify` was asked.
    pub certified_from_ms: i64,
    /// The bar must lie above this score: up to here there are rehearsed answers that nobody has judged yet.
    pub floor: Option<f64>,
    /// So many.
    pub n_unjudged: u32,
}

impl Split {
    /// All rows.
    pub fn n_rows(&self) -> usize {
        self.fit.len() + self.certify.len()
    }
}

/// Whether sending the answer was, or would have been, wrong; `None` if nobody said.
pub fn is_loss(row: &ReplayRow) -> Option<bool> {
    match row.label {
        Some(label) => Some(label.outcome.is_loss()),
        None => (row.is_replaced && row.has_sourced_draft && !row.decision.is_shadowed()).then_some(true),
    }
}

/// Whether a turn could be sent at all, whatever the bar.
pub fn passes_the_gates(row: &ReplayRow, policy: &Policy) -> bool {
    let seen = &row.evidence;
    row.has_sourced_draft
        && seen.escalations.is_empty()
        && seen.holds.is_empty()
        && seen.grounded_share >= policy.min_grounded_share
}

/// Sorts the rows; they come oldest first.
pub fn split(rows: &[ReplayRow], wanted: &Criteria<'_>) -> Split {
    let mut split = Split::default();
    let labelled = rows.iter().filter(|row| {
        wanted.is_recent(row)
            && wanted.policy.covers(wanted.scope, &row.evidence.topic)
            && passes_the_gates(row, wanted.policy)
            && is_loss(row).is_some()
    });
    let mut usable: Vec<&ReplayRow> = labelled.filter(|row| is_usable(row, wanted, &mut split.left_out)).collect();
    let unjudged = unjudged_scores(rows, wanted);
    if let Some(floor) = unjudged.iter().copied().max_by(f64::total_cmp) {
        let n_rehearsed = usable.iter().filter(|row| row.is_rehearsed).count();
        if usable.len() - n_rehearsed >= n_rehearsed {
            usable.retain(|row| !row.is_rehearsed);
            split.left_out.not_equal_chance += count(n_rehearsed);
        } else {
            split.floor = Some(floor);
            split.n_unjudged = count(unjudged.len());
        }
    }
    let mut independent = one_a_conversation(&usable);
    split.left_out.same_conversation = count(usable.len() - independent.len());
    let n_independent = independent.len();
    let mut questions = HashSet::new();
    independent.retain(|row| questions.insert(plain(&row.question)));
    split.n_collapsed = count(n_independent - independent.len());
    let (older, newer) = independent.split_at(independent.len() / 3);
    let is_above = |score: &f64| split.floor.is_none_or(|floor| *score > floor);
    split.fit = older.iter().map(|row| row.evidence.confidence.value()).filter(is_above).collect();
    split.certify = newer.iter().filter_map(|row| row_of(row)).collect();
    split.turns = independent.iter().map(|row| row.turn).collect();
    split.annotators = independent.iter().filter_map(|row| row.label.map(|label| label.account)).collect();
    split.certified_from_ms = newer.first().map_or(i64::MAX, |row| row.created_at_ms);
    split
}

/// Scores of rehearsed answers that could be sent and that nobody has judged yet.
fn unjudged_scores(rows: &[ReplayRow], wanted: &Criteria<'_>) -> Vec<f64> {
    let is_open = |row: &&ReplayRow| is_loss(row).is_none() && could_count(row, wanted);
    rows.iter().filter(is_open).map(|row| row.evidence.confidence.value()).collect()
}

/// Whether a rehearsed answer is one of the machinery and the documents of today.
pub fn is_of_today(row: &ReplayRow, wanted: &Criteria<'_>) -> bool {
    row.is_rehearsed && wanted.is_recent(row) && is_usable(row, wanted, &mut LeftOut::default())
}

/// Whether a rehearsed answer is a row of a proof, once it is judged.
pub fn could_count(row: &ReplayRow, wanted: &Criteria<'_>) -> bool {
    is_of_today(row, wanted)
        && wanted.policy.covers(wanted.scope, &row.evidence.topic)
        && passes_the_gates(row, wanted.policy)
}

fn row_of(row: &ReplayRow) -> Option<Row> {
    Some(Row { score: row.evidence.confidence.value(), is_loss: is_loss(row)? })
}

fn is_usable(row: &ReplayRow, wanted: &Criteria<'_>, left_out: &mut LeftOut) -> bool {
    let Some(basis) = row.basis.as_ref().filter(|basis| basis.pipeline == wanted.pipeline) else {
        left_out.other_pipeline += 1;
        return false;
    };
    // The draw of the turn also decided whether it was audited: the sent that were labelled are those below the rate,
    // and so are the drafts that are kept.
    if row.draw >= basis.chance_of_all {
        left_out.not_equal_chance += 1;
        return false;
    }
    let is_as_it_was = basis.sources.iter().all(|(document, epoch)| wanted.epochs.get(document) == Some(epoch));
    left_out.changed_document += u32::from(!is_as_it_was);
    is_as_it_was
}

/// One turn of each conversation, oldest first. Which one must not depend on how it went: the random part of its id
/// decides.
fn one_a_conversation<'a>(rows: &[&'a ReplayRow]) -> Vec<&'a ReplayRow> {
    let lot = |row: &ReplayRow| row.turn.0.as_u128() as u64;
    let mut chosen: HashMap<ConversationId, &ReplayRow> = HashMap::new();
    for row in rows {
        let place = chosen.entry(row.conversation).or_insert(row);
        if lot(row) < lot(place) {
            *place = row;
        }
    }
    rows.iter().copied().filter(|row| chosen.get(&row.conversation).is_some_and(|one| one.turn == row.turn)).collect()
}

fn count(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::decision::{Decision, Evidence, Reason};
    use crate::domain::outcome::{LabelSource, Outcome};
    use crate::domain::policy::{Mode, TopicRule};
    use crate::domain::score::Confidence;
    use crate::storage::ops::{Basis, PastLabel};

    const LIN: AccountId = AccountId(Uuid::from_u128(3));

    /// The nth turn, in a conversation of its own, labelled in a time without auto-sending.
    pub(in crate::learn) fn past(nth: u32, confidence: f64, outcome: Option<Outcome>) -> ReplayRow {
        ReplayRow {
            turn: TurnId(Uuid::from_u128(u128::from(nth))),
            conversation: ConversationId(Uuid::from_u128(u128::from(nth))),
            question: format!("question {nth}"),
            evidence: Evidence {
                escalations: vec![],
                holds: vec![],
                grounded_share: 1.0,
                confidence: Confidence::new(confidence).unwrap(),
                topic: "product".into(),
                about: None,
            },
            draw: 0.5,
            decision: Decision::Review { reasons: vec![Reason::NotAutomatic] },
            verdict: None,
            reason: None,
            thumbs: None,
            created_at_ms: i64::from(nth),
            label: outcome.map(|outcome| PastLabel { outcome, source: LabelSource::Review, account: LIN }),
            has_sourced_draft: true,
            is_replaced: false,
            basis: Some(Basis {
                certificate: None,
                pipeline: "now".into(),
                chance_of_all: 1.0,
                sources: BTreeMap::new(),
            }),
            is_rehearsed: false,
        }
    }

    fn accepted(nth: u32) -> ReplayRow {
        past(nth, 0.9, Some(Outcome::Accept))
    }

    fn changed(nth: u32, change: impl FnOnce(&mut ReplayRow)) -> ReplayRow {
        let mut row = accepted(nth);
        change(&mut row);
        row
    }

    fn basis(row: &mut ReplayRow) -> &mut Basis {
        row.basis.as_mut().unwrap()
    }

    fn split_all(rows: &[ReplayRow]) -> Split {
        let (policy, epochs) = (Policy::review_everything(), BTreeMap::from([(document(), 2)]));
        let wanted = Criteria {
            scope: &Scope::Shop,
            policy: &policy,
            pipeline: "now",
            epochs: &epochs,
            since_ms: 0,
            topic_alarms: &BTreeMap::new(),
        };
        split(rows, &wanted)
    }

    fn document() -> DocumentId {
        DocumentId(Uuid::from_u128(1))
    }

    #[test]
    fn the_older_third_chooses_the_candidates_and_the_newer_two_thirds_prove() {
        let rows: Vec<_> = (1..=9).map(accepted).collect();
        let split = split_all(&rows);
        assert_eq!((split.fit.len(), split.certify.len(), split.certified_from_ms), (3, 6, 4));
        assert_eq!((split.turns.len(), split.annotators.len()), (9, 1));
    }

    #[test]
    fn one_turn_of_a_conversation_counts_whatever_became_of_it() {
        let thread = ConversationId(Uuid::from_u128(77));
        let of_thread = |nth, outcome| {
            let mut row = past(nth, 0.9, Some(outcome));
            row.conversation = thread;
            row
        };
        let rows = [of_thread(5, Outcome::Accept), of_thread(4, Outcome::RejectWrong)];
        let (split, turned) = (split_all(&rows), split_all(&[rows[1].clone(), rows[0].clone()]));
        assert_eq!(split.turns, [TurnId(Uuid::from_u128(4))]);
        assert_eq!((split.turns, split.left_out.same_conversation), (turned.turns, 1));
    }

    #[test]
    fn equal_questions_are_one() {
        let rows =
            [changed(1, |row| row.question = "怎么退货？".into()), changed(2, |row| row.question = "怎么退货".into())];
        let split = split_all(&rows);
        assert_eq!((split.n_rows(), split.n_collapsed), (1, 1));
    }

    #[test]
    fn what_is_of_another_time_or_machinery_is_left_out_and_counted() {
        let rows = [
            changed(1, |row| basis(row).pipeline = "before".into()),
            changed(2, |row| row.basis = None),
            changed(3, |row| basis(row).chance_of_all = 0.2),
            changed(4, |row| basis(row).chance_of_all = 0.0),
            changed(5, |row| basis(row).sources = BTreeMap::from([(document(), 1)])),
            changed(6, |row| basis(row).sources = BTreeMap::from([(document(), 2)])),
            changed(7, |row| (row.draw, basis(row).chance_of_all) = (0.1, 0.2)),
        ];
        let split = split_all(&rows);
        let want = LeftOut { other_pipeline: 2, not_equal_chance: 2, same_conversation: 0, changed_document: 1 };
        assert_eq!((split.n_rows(), split.left_out), (2, want));
    }

    #[test]
    fn what_a_gate_holds_or_nobody_judged_is_no_row() {
        let rows = [
            changed(1, |row| row.evidence.holds = vec![Reason::UnsupportedClaim]),
            changed(2, |row| row.evidence.grounded_share = 0.1),
            changed(3, |row| row.has_sourced_draft = false),
            past(4, 0.9, None),
        ];
        assert_eq!(split_all(&rows).n_rows(), 0);
    }

    fn rehearsed(nth: u32, confidence: f64, outcome: Option<Outcome>) -> ReplayRow {
        ReplayRow { is_rehearsed: true, ..past(nth, confidence, outcome) }
    }

    #[test]
    fn no_bar_lies_among_rehearsed_answers_that_nobody_judged() {
        let judged = (1..=30).map(|nth| rehearsed(nth, 1.0 - f64::from(nth) / 100.0, Some(Outcome::Accept)));
        let rows: Vec<_> = judged.chain([past(31, 0.3, Some(Outcome::Accept)), rehearsed(32, 0.95, None)]).collect();
        let split = split_all(&rows);
        assert_eq!((split.floor, split.n_unjudged, split.n_rows()), (Some(0.95), 1, 25));
        assert!(split.fit.iter().all(|score| *score > 0.95), "{:?}", split.fit);
        let all = split_all(&rows[..31]);
        assert_eq!((all.floor, all.n_unjudged, all.fit.len()), (None, 0, 10));
        let mut held = rehearsed(33, 0.99, None);
        held.evidence.holds = vec![Reason::UnsupportedClaim];
        assert_eq!(split_all(&[rows[0].clone(), held]).floor, None, "it could not be sent anyway");
    }

    #[test]
    fn a_rehearsal_that_was_left_does_not_spoil_the_reviews_of_buyers() {
        let mut rows: Vec<_> = (1..=9).map(accepted).collect();
        rows.extend([rehearsed(10, 0.99, Some(Outcome::Accept)), rehearsed(11, 0.98, None)]);
        let split = split_all(&rows);
        assert_eq!((split.floor, split.n_rows(), split.left_out.not_equal_chance), (None, 9, 1));
    }

    #[test]
    fn a_draft_replaced_by_own_words_is_a_loss() {
        let replaced = |nth| {
            let mut row = past(nth, 0.9, None);
            row.is_replaced = true;
            row
        };
        assert_eq!(is_loss(&replaced(1)), Some(true));
        let mut shadowed = replaced(2);
        shadowed.decision = Decision::Escalate { reasons: vec![Reason::ShadowMode] };
        assert_eq!(is_loss(&shadowed), None, "nobody saw the draft");
    }

    #[test]
    fn a_topic_with_rules_of_its_own_is_not_the_shops() {
        let rows = [accepted(1), changed(2, |row| row.evidence.topic = "returns".into())];
        let mut policy = Policy::review_everything();
        policy.topics.insert("returns".into(), TopicRule { mode: Mode::Assist, bar: None, dial: None });
        let epochs = BTreeMap::new();
        let of = |scope: &Scope| {
            let wanted = Criteria {
                scope,
                policy: &policy,
                pipeline: "now",
                epochs: &epochs,
                since_ms: 0,
                topic_alarms: &BTreeMap::new(),
            };
            split(&rows, &wanted).turns
        };
        assert_eq!(of(&Scope::Shop), [rows[0].turn]);
        assert_eq!(of(&Scope::Topic("returns".into())), [rows[1].turn]);
    }
}
