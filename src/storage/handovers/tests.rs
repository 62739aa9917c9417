use super::super::messages::{self, NewMessage};
use super::super::ops::Period;
use super::super::testing::{self, START_MS, Scratch, scratches, shop};
use super::super::turns::tests::{ask_one, decide, review};
use super::*;
use crate::domain::calendar::HOUR_MS;
use crate::domain::conversation::Author;

#[tokio::test]
async fn a_shift_leaves_what_waits_and_what_changed_and_only_of_its_shop() {
    for Scratch { db, clock, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let first = ask_one(&db, mine, "这个能配什么转接头？").await;
        decide(&db, mine, &first, &review()).await.unwrap();
        clock.advance(1000);
        let second = ask_one(&db, mine, "这个能配什么转接头?").await;
        let (document, revision) = testing::document(&db, mine, "Manual").await;
        testing::activate(&db, mine, revision, &["one"]).await;
        let period = Period { from_ms: START_MS, until_ms: START_MS + HOUR_MS };
        let left = digest(&db, mine, period, period.until_ms).await.unwrap();
        let waiting: Vec<_> = left.waiting.iter().map(|one| one.conversation).collect();
        assert_eq!(waiting, [first.message.conversation, second.message.conversation], "the longest waiting first");
        assert_eq!(left.documents, [document]);
        assert_eq!((left.numbers.asked, left.numbers.unanswered), (2, 2));
        assert!(left.new_questions.iter().all(|one| one.n_asked <= 2) && !left.new_questions.is_empty());
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
