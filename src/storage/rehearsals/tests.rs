use serde_json::json;

use super::super::imports::{self, ImportKind, NewImport};
use super::super::testing::{Scratch, policy, scratches, shop};
use super::super::turns::tests::{evidence, review};
use super::super::turns::{self, NewDecision};
use super::super::{bases, feedback, labels, ops};
use super::questions;
use super::*;
use crate::domain::decision::LabelChance;
use crate::domain::ids::TurnId;
use crate::domain::outcome::Outcome;
use crate::domain::rehearsal::{PastQuestion, RowProblem};

const LIN: AccountId = AccountId(uuid::Uuid::from_u128(3));
const WEI: AccountId = AccountId(uuid::Uuid::from_u128(4));

fn found(threads: &[u32]) -> PastQuestions {
    let asked = (1..).zip(threads).map(|(line, thread)| PastQuestion {
        line,
        thread: *thread,
        question: format!("第{line}个问题？"),
        previous: None,
        person_said: Some("七天".into()),
    });
    let refused = RefusedRow { line: 9, problem: RowProblem::Empty, text: String::new() };
    PastQuestions { asked: asked.collect(), refused: vec![refused], n_skipped: 2 }
}

async fn brought(db: &Db, shop: ShopId, threads: &[u32]) -> RehearsalId {
    let mut tx = db.begin().await.unwrap();
    let new = NewRehearsal { account: LIN, file_name: "past.csv", sha256: "sha" };
    let id = create(&mut tx, shop, &new).await.unwrap();
    assert!(fill(&mut tx, shop, id, &found(threads)).await.unwrap());
    tx.commit().await.unwrap();
    id
}

/// The question whose job is queued.
async fn queued(db: &Db, shop: ShopId) -> Option<RehearsedId> {
    loop {
        let job = jobs::claim(db, Lane::Bulk, "test", 60_000).await.unwrap()?;
        let mut tx = db.begin().await.unwrap();
        jobs::finish(&mut tx, &job).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(job.shop, shop);
        if let JobKind::AnswerRehearsed { question } = job.kind {
            return Some(question);
        }
    }
}

async fn answer(db: &Db, shop: ShopId, id: RehearsedId) -> TurnId {
    let asked = questions::get(db, shop, id).await.unwrap().unwrap();
    let policy = policy(db, shop).await;
    let mut tx = db.begin().await.unwrap();
    hold(&mut tx, shop, asked.rehearsal).await.unwrap().unwrap();
    assert!(questions::is_open(&mut tx, shop, id).await.unwrap());
    let thread = questions::thread_of(&mut tx, shop, &asked).await.unwrap();
    let turn = turns::ask_again(&mut tx, shop, thread, (&asked.question, asked.lang)).await.unwrap().unwrap();
    let new = NewDecision {
        turn,
        expected_version: 0,
        draft: Some("可以"),
        citations: &[],
        evidence: &evidence(),
        decision: &review(),
        policy,
        draw: 0.5,
        record: &json!({}),
    };
    turns::record_decision(&mut tx, shop, &new).await.unwrap().unwrap();
    let chance = LabelChance { of_all: 1.0, own: 1.0 };
    let basis =
        bases::NewBasis { certificate: None, pipeline: "now", chance, sources: &std::collections::BTreeMap::new() };
    bases::insert(&mut tx, shop, turn, &basis).await.unwrap();
    assert!(questions::set_answered(&mut tx, shop, id, (turn, 40)).await.unwrap());
    questions::go_on(&mut tx, shop, asked.rehearsal).await.unwrap();
    tx.commit().await.unwrap();
    turn
}

async fn state(db: &Db, shop: ShopId, id: RehearsalId) -> RehearsalState {
    get(db, shop, id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn questions_are_answered_one_after_the_other_in_the_threads_of_their_chats() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let id = brought(&db, mine, &[1, 1, 2]).await;
        let kept = get(&db, mine, id).await.unwrap().unwrap();
        assert_eq!((kept.sha256, kept.n_skipped, kept.n_refused), (None, 2, 1));
        assert_eq!(refused(&db, mine, id).await.unwrap(), found(&[]).refused);
        let mut threads = Vec::new();
        while let Some(question) = queued(&db, mine).await {
            let turn = answer(&db, mine, question).await;
            threads.push(turns::get(&db, mine, turn).await.unwrap().unwrap().conversation);
        }
        assert_eq!((threads.len(), threads[0] == threads[1], threads[1] == threads[2]), (3, true, false));
        assert_eq!(state(&db, mine, id).await, RehearsalState::Answered);
        let progress = questions::progress(&db, mine, id).await.unwrap();
        assert_eq!((progress.n_questions, progress.n_answered, progress.mean_ms), (3, 3, Some(40)));
        assert_eq!(super::super::check::violations(&db).await.unwrap(), []);
    }
}

#[tokio::test]
async fn what_is_paused_waits_and_what_is_cancelled_ends() {
    for Scratch { db, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let id = brought(&db, mine, &[1, 2, 3]).await;
        let first = queued(&db, mine).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert!(!pause(&mut tx, other, id).await.unwrap(), "not theirs");
        assert!(pause(&mut tx, mine, id).await.unwrap() && !pause(&mut tx, mine, id).await.unwrap());
        tx.commit().await.unwrap();
        answer(&db, mine, first).await;
        assert_eq!(queued(&db, mine).await, None, "nobody goes on");
        assert_eq!(questions::count_waiting(&db, mine).await.unwrap(), 2);
        let mut tx = db.begin().await.unwrap();
        assert!(resume(&mut tx, mine, id).await.unwrap() && !resume(&mut tx, mine, id).await.unwrap());
        tx.commit().await.unwrap();
        let second = queued(&db, mine).await.unwrap();
        assert_ne!(first, second);
        let mut tx = db.begin().await.unwrap();
        questions::give_up(&mut tx, mine, second).await.unwrap();
        questions::go_on(&mut tx, mine, id).await.unwrap();
        assert!(cancel(&mut tx, mine, id).await.unwrap() && !cancel(&mut tx, mine, id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(questions::count_waiting(&db, mine).await.unwrap(), 0);
        assert_eq!(questions::progress(&db, mine, id).await.unwrap().n_failed, 1);
        assert_eq!(state(&db, mine, id).await, RehearsalState::Cancelled);
    }
}

#[tokio::test]
async fn an_answer_is_judged_once_and_only_its_judge_takes_that_back() {
    for Scratch { db, clock, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let id = brought(&db, mine, &[1]).await;
        let question = queued(&db, mine).await.unwrap();
        let turn = answer(&db, mine, question).await;
        let period = ops::Period { from_ms: 0, until_ms: i64::MAX };
        let outcome = async || ops::proof_rows(&db, mine, period).await.unwrap()[0].label.map(|label| label.outcome);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(questions::judge(&mut tx, other, question, (WEI, Outcome::Accept)).await.unwrap(), None);
        questions::judge(&mut tx, mine, question, (LIN, Outcome::RejectWrong)).await.unwrap().unwrap();
        assert_eq!(questions::judge(&mut tx, mine, question, (WEI, Outcome::Accept)).await.unwrap(), None);
        tx.commit().await.unwrap();
        assert_eq!(outcome().await, Some(Outcome::RejectWrong));
        assert_eq!(answered(&db, mine, "now").await.unwrap(), HashSet::from(["第1个问题".to_owned()]));
        assert!(
            answered(&db, mine, "another").await.unwrap().is_empty()
                && answered(&db, other, "now").await.unwrap().is_empty()
        );
        let mut tx = db.begin().await.unwrap();
        assert!(!questions::take_back(&mut tx, mine, question, WEI).await.unwrap());
        assert!(questions::take_back(&mut tx, mine, question, LIN).await.unwrap());
        assert!(!questions::take_back(&mut tx, mine, question, LIN).await.unwrap(), "once");
        tx.commit().await.unwrap();
        assert_eq!(outcome().await, None);
        clock.advance(1);
        let mut tx = db.begin().await.unwrap();
        questions::judge(&mut tx, mine, question, (WEI, Outcome::EditStyle)).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(outcome().await, Some(Outcome::EditStyle));
        assert_eq!(labels::of_turn(&db, mine, turn).await.unwrap().len(), 2, "what was taken back is not forgotten");
        assert_eq!(feedback::of_turn(&db, mine, turn).await.unwrap(), [], "it is no verdict of the desk");
        assert_eq!(state(&db, mine, id).await, RehearsalState::Answered);
    }
}

#[tokio::test]
async fn a_file_is_needed_until_it_is_read() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let mut tx = db.begin().await.unwrap();
        let new = NewRehearsal { account: LIN, file_name: "past.csv", sha256: "log" };
        let id = create(&mut tx, mine, &new).await.unwrap();
        assert!(is_file_needed(&mut tx, "log").await.unwrap());
        forget_file(&mut tx, mine, id).await.unwrap();
        assert!(is_file_needed(&mut tx, "log").await.unwrap(), "it is still to be read");
        assert!(
            fail(&mut tx, mine, id, "corrupt").await.unwrap() && !fail(&mut tx, mine, id, "corrupt").await.unwrap()
        );
        assert!(!is_file_needed(&mut tx, "log").await.unwrap());
        let sheet = NewImport { account: LIN, kind: ImportKind::Orders, file_name: "past.csv", sha256: "log" };
        let import = imports::create(&mut tx, mine, &sheet).await.unwrap();
        assert!(is_file_needed(&mut tx, "log").await.unwrap(), "it is a sheet of orders, too");
        let outcome = imports::Outcome::Failed { error: "corrupt".into() };
        assert!(imports::finish(&mut tx, mine, import, &outcome).await.unwrap());
        assert!(!is_file_needed(&mut tx, "log").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(get(&db, mine, id).await.unwrap().unwrap().problem.as_deref(), Some("corrupt"));
    }
}

#[tokio::test]
async fn another_shop_sees_and_moves_nothing() {
    for Scratch { db, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let id = brought(&db, mine, &[1, 2]).await;
        let question = queued(&db, mine).await.unwrap();
        let turn = answer(&db, mine, question).await;
        let period = ops::Period { from_ms: 0, until_ms: i64::MAX };
        for (shop, sees) in [(mine, true), (other, false)] {
            assert_eq!(get(&db, shop, id).await.unwrap().is_some(), sees);
            assert_eq!(list(&db, shop, 9).await.unwrap().len(), usize::from(sees));
            assert_eq!(refused(&db, shop, id).await.unwrap().len(), usize::from(sees));
            assert_eq!(questions::get(&db, shop, question).await.unwrap().is_some(), sees);
            assert_eq!(questions::of_turn(&db, shop, turn).await.unwrap().is_some(), sees);
            assert_eq!(questions::progress(&db, shop, id).await.unwrap().n_questions > 0, sees);
            assert_eq!(questions::count_waiting(&db, shop).await.unwrap() > 0, sees);
            assert_eq!(ops::rehearsed_rows(&db, shop, period).await.unwrap().len(), usize::from(sees));
            let mut tx = db.begin().await.unwrap();
            assert_eq!(hold(&mut tx, shop, id).await.unwrap().is_some(), sees);
            assert_eq!(cancel(&mut tx, shop, id).await.unwrap(), sees);
            drop(tx);
        }
    }
}
