use super::super::messages::{self, NewMessage};
use super::super::orders::{self, Account, Source};
use super::super::testing::{self, START_MS, Scratch, scratches, shop};
use super::super::{buyers, conversations};
use super::*;
use crate::domain::calendar::{DAY_MS, HOUR_MS};
use crate::domain::conversation::Author;
use crate::domain::order::{Dated, Order, OrderKey, Platform, Stage};

/// A commitment of a shop, said by nobody in particular.
async fn said(db: &Db, shop: ShopId, kind: CommitmentKind, due_at_ms: i64) -> Commitment {
    let conversation = testing::conversation(db, shop).await;
    let mut tx = db.begin().await.unwrap();
    let new = NewMessage {
        author: Author::Agent,
        account: None,
        text: "明天给您发货",
        citations: &[],
        turn: None,
        client_key: None,
    };
    let message = messages::add(&mut tx, shop, conversation, &new).await.unwrap().unwrap().message;
    let new = NewCommitment {
        conversation,
        message: message.id,
        ordinal: 0,
        kind,
        department: Department::Warehouse,
        what: "明天给您发货",
        author: None,
        order: None,
        due_at_ms,
        due_was_said: true,
        proposed: None,
    };
    let id = create(&mut tx, shop, &new).await.unwrap().unwrap();
    assert_eq!(create(&mut tx, shop, &new).await.unwrap(), None, "the same of the same message");
    tx.commit().await.unwrap();
    get(db, shop, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn one_of_two_changes_it_and_no_other_shop_sees_it() {
    for Scratch { db, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let one = said(&db, mine, CommitmentKind::Ship, START_MS + HOUR_MS).await;
        let all = CommitmentQuery { limit: 9, ..CommitmentQuery::default() };
        assert_eq!(list(&db, other, &all).await.unwrap(), []);
        assert_eq!(get(&db, other, one.id).await.unwrap(), None);
        let kept = Commitment {
            state: CommitmentState::Kept,
            evidence: Some(CommitmentEvidence::Note { text: "SF1".into() }),
            ..one.clone()
        };
        let mut tx = db.begin().await.unwrap();
        assert!(!update(&mut tx, other, &kept).await.unwrap());
        assert!(update(&mut tx, mine, &kept).await.unwrap());
        assert!(!update(&mut tx, mine, &kept).await.unwrap(), "somebody was there first");
        tx.commit().await.unwrap();
        assert_eq!(list(&db, mine, &all).await.unwrap(), []);
        let over = list(&db, mine, &CommitmentQuery { over: true, ..all }).await.unwrap();
        assert_eq!((over[0].evidence.clone(), over[0].closed_at_ms.is_some()), (kept.evidence, true));
        let mut tx = db.begin().await.unwrap();
        assert_eq!(buyers::erase(&mut tx, mine, &[one.conversation]).await.unwrap().n_conversations, 1);
        tx.commit().await.unwrap();
        assert_eq!(get(&db, mine, one.id).await.unwrap(), None, "it goes with its buyer");
    }
}

#[tokio::test]
async fn each_is_called_about_once_for_each_time_until_when() {
    for Scratch { db, clock, .. } in scratches().await {
        let mine = shop(&db).await;
        let one = said(&db, mine, CommitmentKind::Reply, START_MS + 2 * HOUR_MS).await;
        let hour = |now_ms| Hour { remind_until_ms: now_ms + HOUR_MS, overdue_before_ms: now_ms };
        assert!(!is_anything_due(&db, mine, hour(START_MS)).await.unwrap());
        clock.advance(HOUR_MS);
        let now = hour(START_MS + HOUR_MS);
        assert!(is_anything_due(&db, mine, now).await.unwrap());
        let mut tx = db.begin().await.unwrap();
        assert_eq!(call_owners(&mut tx, mine, now).await.unwrap().len(), 1);
        assert_eq!(call_owners(&mut tx, mine, now).await.unwrap(), []);
        assert_eq!(escalate(&mut tx, mine, now, None).await.unwrap(), [], "it is not overdue");
        tx.commit().await.unwrap();
        let late = hour(START_MS + 3 * HOUR_MS);
        let lead = AccountId(uuid::Uuid::from_u128(5));
        let mut tx = db.begin().await.unwrap();
        assert_eq!(escalate(&mut tx, mine, late, Some(lead)).await.unwrap().len(), 1);
        assert_eq!(escalate(&mut tx, mine, late, Some(lead)).await.unwrap(), []);
        tx.commit().await.unwrap();
        let leads = CommitmentQuery { concerns: Some(lead), limit: 9, ..CommitmentQuery::default() };
        assert_eq!(list(&db, mine, &leads).await.unwrap().len(), 1);
        let one = get(&db, mine, one.id).await.unwrap().unwrap();
        let put_off = Commitment { due_at_ms: START_MS + DAY_MS, ..one };
        let mut tx = db.begin().await.unwrap();
        assert!(update(&mut tx, mine, &put_off).await.unwrap());
        assert_eq!(call_owners(&mut tx, mine, hour(START_MS + DAY_MS)).await.unwrap().len(), 1, "it is due anew");
    }
}

#[tokio::test]
async fn an_order_that_was_shipped_since_proposes_to_close_what_was_said_to_its_buyer() {
    for Scratch { db, clock, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let mut told = vec![];
        for (shop, buyer) in [(mine, "b-1"), (mine, "b-2"), (other, "b-1")] {
            let one = said(&db, shop, CommitmentKind::Ship, START_MS + DAY_MS).await;
            let mut tx = db.begin().await.unwrap();
            assert!(buyers::identify(&mut tx, shop, one.conversation, (buyer, START_MS + DAY_MS)).await.unwrap());
            tx.commit().await.unwrap();
            told.push((shop, one.id));
        }
        clock.advance(HOUR_MS);
        let ship = async |number: &str, at_ms| {
            let key = OrderKey { platform: Platform::Own, number: number.into() };
            let buyer = Some(Dated { at_ms: START_MS, value: "b-1".to_owned() });
            let stages = [(Stage::Shipped, at_ms)].into();
            let order = Order { buyer, stages, ..Order::unknown(key, at_ms) };
            let account = Account { source: Source::Webhook, kind: "order.shipped", event_id: None, order: &order };
            let mut tx = db.begin().await.unwrap();
            orders::tell(&mut tx, mine, &account).await.unwrap();
            tx.commit().await.unwrap();
        };
        ship("1", START_MS - HOUR_MS).await;
        let proposed = async |nth: usize| {
            let (shop, id) = told[nth];
            get(&db, shop, id).await.unwrap().unwrap().proposed
        };
        assert_eq!(proposed(0).await, None, "that parcel had gone before it was said");
        ship("2", START_MS + HOUR_MS).await;
        assert!(matches!(proposed(0).await, Some(CommitmentEvidence::Order { stage: Stage::Shipped, .. })));
        assert_eq!((proposed(1).await, proposed(2).await), (None, None), "of another buyer, of another shop");
        assert!(
            conversations::get(&db, mine, get(&db, mine, told[0].1).await.unwrap().unwrap().conversation)
                .await
                .unwrap()
                .is_some()
        );
    }
}

#[tokio::test]
async fn a_day_is_summed_up_once() {
    for Scratch { db, clock, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        said(&db, mine, CommitmentKind::Ship, START_MS + HOUR_MS).await;
        said(&db, mine, CommitmentKind::Reply, START_MS + DAY_MS).await;
        clock.advance(2 * HOUR_MS);
        let mut tx = db.begin().await.unwrap();
        let counts = keep_day(&mut tx, mine, (7, START_MS)).await.unwrap().unwrap();
        assert_eq!(counts, DayCounts { made: 2, overdue: 1, open: 2, ..DayCounts::default() });
        assert_eq!(keep_day(&mut tx, mine, (7, START_MS)).await.unwrap(), None);
        tx.commit().await.unwrap();
        assert!(was_day_kept(&db, mine, 7).await.unwrap() && !was_day_kept(&db, other, 7).await.unwrap());
        assert_eq!(list_days(&db, mine, 9).await.unwrap()[0].counts, counts);
        assert_eq!(list_days(&db, other, 9).await.unwrap(), []);
    }
}
