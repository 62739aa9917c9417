use serde_json::json;
use uuid::Uuid;

use super::super::jobs::{self, Lane};
use super::super::testing::{self, Scratch, scratches, shop};
use super::super::{conversations, inbox, messages, ops};
use super::*;
use crate::domain::conversation::Author;
use crate::domain::ids::{AccountId, ChunkId};
use crate::domain::job::JobKind;
use crate::domain::score::Confidence;
use crate::storage::messages::Message;

const LIN: AccountId = AccountId(Uuid::from_u128(3));

pub(in crate::storage) fn evidence() -> Evidence {
    Evidence {
        escalations: vec![],
        holds: vec![Reason::UnsupportedClaim],
        grounded_share: 0.75,
        confidence: Confidence::new(0.1 + 0.2).unwrap(),
        topic: "returns".into(),
        about: None,
    }
}

pub(in crate::storage) fn review() -> Decision {
    Decision::Review { reasons: vec![Reason::UnsupportedClaim, Reason::BelowBar] }
}

pub(in crate::storage) fn auto_send() -> Decision {
    Decision::AutoSend { audit: true }
}

fn citation() -> Citation {
    Citation {
        number: 1,
        chunk: ChunkId(Uuid::from_u128(9)),
        document: "Manual".into(),
        heading_path: vec![],
        page: Some(2),
        quote: "30 天内".into(),
        span: None,
        parts: vec![],
    }
}

fn question(text: &str) -> NewQuestion<'_> {
    NewQuestion { text, client_key: None, lang: Lang::Zh }
}

/// Asks in a conversation of its own.
pub(in crate::storage) async fn ask_one(db: &Db, shop: ShopId, text: &str) -> Asked {
    let thread = testing::conversation(db, shop).await;
    ask_in(db, shop, thread, &question(text)).await
}

async fn ask_in(db: &Db, shop: ShopId, thread: ConversationId, question: &NewQuestion<'_>) -> Asked {
    let mut tx = db.begin().await.unwrap();
    let asked = ask(&mut tx, shop, thread, question).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    asked
}

/// Decides the first version of a turn.
pub(in crate::storage) async fn decide(db: &Db, shop: ShopId, asked: &Asked, decision: &Decision) -> Option<i64> {
    let policy = testing::policy(db, shop).await;
    let new = NewDecision {
        turn: asked.turn,
        expected_version: 0,
        draft: Some("可以退 [1]"),
        citations: &[citation()],
        evidence: &evidence(),
        decision,
        policy,
        draw: 0.25,
        record: &json!({ "model": "tiny" }),
    };
    let mut tx = db.begin().await.unwrap();
    let version = record_decision(&mut tx, shop, &new).await.unwrap();
    tx.commit().await.unwrap();
    version
}

/// Replies, as far as that is still possible.
pub(in crate::storage) async fn decided_reply(
    db: &Db,
    shop: ShopId,
    asked: &Asked,
    (expected_version, author): (i64, Author),
) -> Option<Message> {
    let account = (author != Author::Assistant).then_some(LIN);
    let text = "可以退";
    let new = NewReply { turn: asked.turn, expected_version, author, account, text, citations: &[citation()] };
    let mut tx = db.begin().await.unwrap();
    let message = reply(&mut tx, shop, &new).await.unwrap();
    tx.commit().await.unwrap();
    message
}

#[tokio::test]
async fn a_question_brings_its_turn_and_its_job() {
    for Scratch { db, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let thread = testing::conversation(&db, mine).await;
        let mut tx = db.begin().await.unwrap();
        conversations::set_closed(&mut tx, mine, thread, true).await.unwrap();
        assert_eq!(ask(&mut tx, other, thread, &question("hi")).await.unwrap(), None);
        tx.commit().await.unwrap();
        let english = NewQuestion { text: "May I return it?", client_key: None, lang: Lang::En };
        let asked = ask_in(&db, mine, thread, &english).await;
        let turn = get(&db, mine, asked.turn).await.unwrap().unwrap();
        assert_eq!((turn.state, turn.version, turn.lang), (TurnState::Asked, 0, Lang::En));
        assert_eq!((turn.message, turn.question.as_str()), (asked.message.id, "May I return it?"));
        assert_eq!((turn.evidence, turn.decision, turn.draw), (None, None, None));
        assert_eq!(get(&db, other, asked.turn).await.unwrap(), None);
        let job = jobs::claim(&db, Lane::Interactive, "one", 1000).await.unwrap().unwrap();
        assert_eq!(job.kind, JobKind::AnswerTurn { turn: asked.turn });
        let conversation = conversations::get(&db, mine, thread).await.unwrap().unwrap();
        assert_eq!((conversation.closed, conversation.lang), (false, Lang::En));
    }
}

#[tokio::test]
async fn the_same_question_sent_twice_is_one_turn() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let thread = testing::conversation(&db, mine).await;
        let keyed = NewQuestion { client_key: Some("k"), ..question("怎么退货") };
        let first = ask_in(&db, mine, thread, &keyed).await;
        let second = ask_in(&db, mine, thread, &keyed).await;
        assert_eq!((first.turn, &first.message), (second.turn, &second.message));
        assert!(second.is_repeat && second.superseded.is_empty());
        assert_eq!(of_conversation(&db, mine, thread).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_newer_question_takes_the_place_of_an_undecided_one_only() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let thread = testing::conversation(&db, mine).await;
        let first = ask_in(&db, mine, thread, &question("one")).await;
        decide(&db, mine, &first, &review()).await.unwrap();
        let second = ask_in(&db, mine, thread, &question("two")).await;
        assert_eq!(second.superseded, []);
        let elsewhere = ask_one(&db, mine, "elsewhere").await;
        let third = ask_in(&db, mine, thread, &question("three")).await;
        assert_eq!(third.superseded, [second.turn]);
        assert_eq!(decide(&db, mine, &second, &auto_send()).await, None, "its work came too late");
        assert_eq!(decided_reply(&db, mine, &second, (1, Author::Agent)).await, None);
        let states = of_conversation(&db, mine, thread).await.unwrap();
        let states: Vec<_> = states.iter().map(|turn| turn.state).collect();
        assert_eq!(states.len(), 3);
        assert!(states.contains(&TurnState::Review) && states.contains(&TurnState::Superseded), "{states:?}");
        assert_eq!(get(&db, mine, elsewhere.turn).await.unwrap().unwrap().state, TurnState::Asked);
        let mut tx = db.begin().await.unwrap();
        let mut open = supersede_open(&mut tx, mine, thread).await.unwrap();
        open.sort();
        let mut want = [first.turn, third.turn];
        want.sort();
        assert_eq!(open, want, "an agent answered in own words");
    }
}

#[tokio::test]
async fn a_decision_comes_back_as_it_was_made() {
    for Scratch { db, clock, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        for decision in [auto_send(), review(), Decision::Escalate { reasons: vec![Reason::AsksForPerson] }] {
            clock.advance(1);
            let asked = ask_one(&db, mine, "?").await;
            assert_eq!(decide(&db, other, &asked, &decision).await, None);
            assert_eq!(decide(&db, mine, &asked, &decision).await, Some(1));
            assert_eq!(decide(&db, mine, &asked, &decision).await, None, "of another version by now");
            let turn = get(&db, mine, asked.turn).await.unwrap().unwrap();
            assert_eq!((turn.decision, turn.evidence), (Some(decision), Some(evidence())));
            assert_eq!((turn.draft.as_deref(), turn.citations), (Some("可以退 [1]"), vec![citation()]));
            assert_eq!((turn.draw, turn.record), (Some(0.25), Some(json!({ "model": "tiny" }))));
            assert_eq!(turn.policy, Some(testing::policy(&db, mine).await));
        }
        let states: Vec<_> = queue(&db, mine, 10).await.unwrap().iter().map(|turn| turn.state).collect();
        assert_eq!(states, [TurnState::Review, TurnState::Escalated]);
        assert_eq!(queue(&db, other, 10).await.unwrap(), []);
        let query = TurnQuery {
            kind: ConversationKind::Buyer,
            state: Some(TurnState::Review),
            decision: Some("review"),
            topic: Some("returns"),
            before_ms: i64::MAX,
            limit: 10,
        };
        assert_eq!(list_recent(&db, mine, &query).await.unwrap().len(), 1);
        assert_eq!(list_recent(&db, other, &query).await.unwrap(), []);
        let any = TurnQuery { state: None, decision: None, topic: None, ..query };
        assert_eq!(list_recent(&db, mine, &any).await.unwrap().len(), 3);
        assert_eq!(list_recent(&db, mine, &TurnQuery { topic: Some("price"), ..any }).await.unwrap(), []);
    }
}

#[tokio::test]
async fn of_many_who_reply_at_once_exactly_one_does() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let asked = ask_one(&db, mine, "?").await;
        let version = decide(&db, mine, &asked, &auto_send()).await.unwrap();
        let authors = [Author::Assistant, Author::Reviewed, Author::Agent, Author::Assistant, Author::Reviewed];
        let tries = authors.map(|author| decided_reply(&db, mine, &asked, (version, author)));
        let replies: Vec<_> = futures::future::join_all(tries).await.into_iter().flatten().collect();
        assert_eq!(replies.len(), 1);
        let said = messages::after(&db, mine, asked.message.conversation, 1, 10).await.unwrap();
        assert_eq!(said, replies);
        let turn = get(&db, mine, asked.turn).await.unwrap().unwrap();
        assert_eq!((turn.state, turn.version), (TurnState::Replied, version + 1));
        assert_eq!(decided_reply(&db, mine, &asked, (version + 1, Author::Agent)).await, None, "one reply a turn");
    }
}

#[tokio::test]
async fn a_question_and_a_reply_at_once_do_not_wait_for_each_other() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        for _ in 0..10 {
            let asked = ask_one(&db, mine, "one").await;
            let version = decide(&db, mine, &asked, &auto_send()).await.unwrap();
            let newer = question("two");
            let (newer, replied) = futures::join!(
                ask_in(&db, mine, asked.message.conversation, &newer),
                decided_reply(&db, mine, &asked, (version, Author::Assistant)),
            );
            assert_eq!(newer.superseded.is_empty(), replied.is_some(), "either replied or superseded");
        }
    }
}

#[tokio::test]
async fn the_assistant_never_replies_to_what_is_held() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let asked = ask_one(&db, mine, "?").await;
        assert_eq!(decided_reply(&db, mine, &asked, (0, Author::Assistant)).await, None, "not decided");
        let version = decide(&db, mine, &asked, &review()).await.unwrap();
        for author in [Author::Assistant, Author::Buyer, Author::Notice] {
            assert_eq!(decided_reply(&db, mine, &asked, (version, author)).await, None, "{author:?}");
        }
        assert_eq!(decided_reply(&db, mine, &asked, (version - 1, Author::Reviewed)).await, None, "not what was seen");
        let sent = decided_reply(&db, mine, &asked, (version, Author::Reviewed)).await.unwrap();
        assert_eq!((sent.account, sent.turn), (Some(LIN), Some(asked.turn)));
    }
}

#[tokio::test]
async fn a_rejected_draft_waits_for_own_words() {
    for Scratch { db, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let asked = ask_one(&db, mine, "?").await;
        let version = decide(&db, mine, &asked, &review()).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(reject(&mut tx, other, asked.turn, version).await.unwrap(), None);
        let rejected = reject(&mut tx, mine, asked.turn, version).await.unwrap().unwrap();
        assert_eq!(reject(&mut tx, mine, asked.turn, version).await.unwrap(), None, "once");
        tx.commit().await.unwrap();
        assert_eq!(decided_reply(&db, mine, &asked, (version, Author::Reviewed)).await, None, "accepted too late");
        assert_eq!(queue(&db, mine, 10).await.unwrap()[0].state, TurnState::Rejected);
        assert!(decided_reply(&db, mine, &asked, (rejected, Author::Agent)).await.is_some());
        assert_eq!(queue(&db, mine, 10).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_test_question_of_staff_reaches_nobody() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let thread = testing::conversation_of(&db, mine, ConversationKind::Test).await;
        let asked = ask_in(&db, mine, thread, &question("?")).await;
        decide(&db, mine, &asked, &review()).await.unwrap();
        assert_eq!(queue(&db, mine, 10).await.unwrap(), []);
        let period = ops::Period { from_ms: 0, until_ms: i64::MAX };
        assert_eq!(ops::replay_rows(&db, mine, period).await.unwrap(), []);
        assert_eq!(ops::days(&db, mine, period, 0).await.unwrap(), []);
        let query = inbox::InboxQuery::first(inbox::Show::All, 10);
        assert_eq!(inbox::list(&db, mine, &query).await.unwrap(), []);
        let tests = TurnQuery {
            kind: ConversationKind::Test,
            state: None,
            decision: None,
            topic: None,
            before_ms: i64::MAX,
            limit: 10,
        };
        assert_eq!(list_recent(&db, mine, &tests).await.unwrap()[0].id, asked.turn);
        let buyers = TurnQuery { kind: ConversationKind::Buyer, ..tests };
        assert_eq!(list_recent(&db, mine, &buyers).await.unwrap(), []);
    }
}
