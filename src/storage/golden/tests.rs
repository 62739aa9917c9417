use super::super::testing::{self, Scratch, scratches, shop};
use super::*;
use crate::storage::documents;

fn form(question: &str, answer: &str) -> GoldenForm {
    GoldenForm {
        phrasings: vec![question.to_owned()],
        answer: answer.to_owned(),
        sku: None,
        audience: Audience::Buyers,
        platforms: vec![],
        effective_from_ms: None,
        effective_until_ms: None,
        state: GoldenState::Approved,
    }
}

const BY_STAFF: GoldenSource = GoldenSource { origin: GoldenOrigin::Staff, sheet: None, turn: None, author: None };

async fn embed_all(db: &Db, shop: ShopId) {
    for one in pending(db, shop, "m", 99).await.unwrap() {
        let mut tx = db.begin().await.unwrap();
        assert!(put_embedding(&mut tx, shop, one.phrasing, ("m", &[1.0, 0.0])).await.unwrap());
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_approved_and_embedded_is_live_until_it_is_switched_off() {
    for Scratch { db, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let mut tx = db.begin().await.unwrap();
        let id = create(&mut tx, mine, &form("多久能退货？", "七天。"), &BY_STAFF).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(live(&db, mine, "m").await.unwrap(), [], "nothing can meet it before it is embedded");
        embed_all(&db, mine).await;
        let before = version(&db, mine).await.unwrap();
        assert_eq!(live(&db, mine, "m").await.unwrap()[0].answer, "七天。");
        assert_eq!(live(&db, other, "m").await.unwrap(), []);
        let mut tx = db.begin().await.unwrap();
        assert!(!set_state(&mut tx, other, id, GoldenState::Off).await.unwrap());
        assert!(set_state(&mut tx, mine, id, GoldenState::Off).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(live(&db, mine, "m").await.unwrap(), []);
        assert_ne!(version(&db, mine).await.unwrap(), before, "a reader must notice");
    }
}

#[tokio::test]
async fn another_phrasing_is_embedded_anew_and_the_old_ones_stay_if_none_changed() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let mut tx = db.begin().await.unwrap();
        let id = create(&mut tx, mine, &form("How long?", "Seven days."), &BY_STAFF).await.unwrap();
        tx.commit().await.unwrap();
        embed_all(&db, mine).await;
        let mut changed = GoldenForm { answer: "Eight days.".to_owned(), ..form("How long?", "") };
        let mut tx = db.begin().await.unwrap();
        assert!(update(&mut tx, mine, id, &changed).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(count_pending(&db, mine, "m").await.unwrap(), 0);
        changed.phrasings.push("Until when can I return it?".to_owned());
        let mut tx = db.begin().await.unwrap();
        update(&mut tx, mine, id, &changed).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count_pending(&db, mine, "m").await.unwrap(), 2);
        assert_eq!(get(&db, mine, id).await.unwrap().unwrap().form, changed);
        let mut tx = db.begin().await.unwrap();
        assert!(remove(&mut tx, mine, id).await.unwrap() && !remove(&mut tx, mine, id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!((list(&db, mine).await.unwrap(), count_pending(&db, mine, "m").await.unwrap()), (vec![], 0));
    }
}

#[tokio::test]
async fn a_sheet_answers_only_in_the_version_that_staff_have_seen() {
    for Scratch { db, .. } in scratches().await {
        let mine = shop(&db).await;
        let (document, first) = testing::document(&db, mine, "faq.xlsx").await;
        testing::activate(&db, mine, first, &["x"]).await;
        let mut tx = db.begin().await.unwrap();
        let new = accounts_of(&mut tx, mine).await;
        tx.commit().await.unwrap();
        let entry = |question: &str, answer: &str| SheetEntry { question: question.into(), answer: answer.into() };
        let take = async |revision, entries: &[SheetEntry]| {
            let known = list(&db, mine).await.unwrap();
            let mut tx = db.begin().await.unwrap();
            let taken = take_sheet(&mut tx, mine, (document, revision, new), entries, &known).await.unwrap();
            tx.commit().await.unwrap();
            taken
        };
        let taken = take(first, &[entry("a?", "A"), entry("b?", "B"), entry("c?", "C")]).await;
        assert_eq!((taken.n_proposed, taken.n_kept), (3, 0));
        assert_eq!(live(&db, mine, "m").await.unwrap(), [], "a proposal answers nobody");
        for golden in list(&db, mine).await.unwrap() {
            let mut tx = db.begin().await.unwrap();
            set_state(&mut tx, mine, golden.id, GoldenState::Approved).await.unwrap();
            tx.commit().await.unwrap();
        }
        embed_all(&db, mine).await;
        assert_eq!(live(&db, mine, "m").await.unwrap().len(), 3);
        let mut tx = db.begin().await.unwrap();
        let second = super::super::revisions::create(&mut tx, mine, document, &testing::new_revision("sha2")).await;
        tx.commit().await.unwrap();
        let second = second.unwrap().unwrap();
        testing::activate(&db, mine, second, &["y"]).await;
        assert_eq!(live(&db, mine, "m").await.unwrap(), [], "the sheet says something new that nobody has read");
        let taken = take(second, &[entry("a?", "A"), entry("b?", "other")]).await;
        assert_eq!(taken, Taken { n_proposed: 0, n_changed: 1, n_kept: 1, n_gone: 1, to_embed: None });
        let answers: Vec<String> = live(&db, mine, "m").await.unwrap().into_iter().map(|one| one.answer).collect();
        assert_eq!(answers, ["A"]);
        let mut tx = db.begin().await.unwrap();
        documents::mark_removed(&mut tx, mine, document).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(live(&db, mine, "m").await.unwrap(), []);
    }
}

async fn accounts_of(tx: &mut Tx, shop: ShopId) -> AccountId {
    let role = crate::storage::accounts::Role::Staff;
    let new = crate::storage::accounts::NewAccount { email: "s@shop.example", name: "S", role, password_hash: "" };
    crate::storage::accounts::create(tx, shop, &new).await.unwrap().id
}
