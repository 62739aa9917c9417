use super::super::messages::{self, NewMessage};
use super::super::ops::Period;
use super::super::testing::{self, START_MS, Scratch, scratches, shop};
use super::super::turns::tests::{ask_one, review};
use super::super::turns::{self, NewDecision};
use super::*;
use crate::domain::calendar::HOUR_MS;
use crate::domain::conversation::Author;
use crate::domain::decision::Evidence;
use crate::domain::ids::TurnId;
use crate::domain::score::Confidence;

/// Holds a turn with a draft that nobody would rely on.
async fn hold_unsure(db: &Db, shop: ShopId, turn: TurnId) {
    let evidence = Evidence {
        escalations: vec![],
        holds: vec![],
        grounded_share: 1.0,
        confidence: Confidence::new(0.2).unwrap(),
        topic: "product".into(),
        about: None,
    };
    let new = NewDecision {
        turn,
        expected_version: 0,
        draft: Some("?"),
        citations: &[],
        evidence: &evidence,
        decision: &review(),
        policy: testing::policy(db, shop).await,
        draw: 0.5,
        record: &serde_json::Value::Null,
    };
    let mut tx = db.begin().await.unwrap();
    turns::record_decision(&mut tx, shop, &new).await.unwrap().unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_shift_leaves_what_waits_and_what_changed_and_only_of_its_shop() {
    for Scratch { db, clock, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let first = ask_one(&db, mine, "这个能配什么转接头？").await;
        clock.advance(1000);
        let second = ask_one(&db, mine, "这个能配什么转接头?").await;
        for asked in [&first, &second] {
            hold_unsure(&db, mine, asked.turn).await;
        }
        let (document, revision) = testing::document(&db, mine, "Manual").await;
        testing::activate(&db, mine, revision, &["one"]).await;
        let period = Period { from_ms: START_MS, until_ms: START_MS + HOUR_MS };
        let left = digest(&db, mine, period, period.until_ms).await.unwrap();
        let waiting: Vec<_> = left.waiting.iter().map(|one| one.conversation).collect();
        assert_eq!(waiting, [first.message.conversation, second.message.conversation], "the longest waiting first");
        assert_eq!(left.documents, [document]);
        assert_eq!((left.numbers.asked, left.numbers.unanswered), (2, 2));
        let new: Vec<_> = left.new_questions.iter().map(|one| (one.turn, one.n_asked)).collect();
        assert_eq!(new, [(first.turn, 2)], "a question in other punctuation is the same");
        assert_eq!(digest(&db, other, period, period.until_ms).await.unwrap(), Digest::default());
        let new = NewHandover {
            shift: None,
            shift_name: "早班",
            author: None,
            began_at_ms: START_MS,
            ended_at_ms: START_MS + HOUR_MS,
            note: "",
            digest: &left,
        };
        let mut tx = db.begin().await.unwrap();
        let id = insert(&mut tx, mine, &new).await.unwrap().unwrap();
        let answer = NewMessage {
            author: Author::Agent,
            account: None,
            text: "配C口",
            citations: &[],
            turn: Some(second.turn),
            client_key: None,
        };
        messages::add(&mut tx, mine, second.message.conversation, &answer).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(get(&db, mine, id).await.unwrap().unwrap().digest, left, "as it was then");
        assert_eq!(get(&db, other, id).await.unwrap(), None);
        assert_eq!((list(&db, mine, 9).await.unwrap().len(), list(&db, other, 9).await.unwrap().len()), (1, 0));
        let compared = answers(&db, mine, period).await.unwrap();
        assert_eq!(compared.iter().map(|one| one.answer.as_str()).collect::<Vec<_>>(), ["配C口"]);
        assert_eq!(documents_by_id(&db, mine, &[document]).await.unwrap()[&document], "Manual");
        assert!(documents_by_id(&db, other, &[document]).await.unwrap().is_empty());
    }
}
