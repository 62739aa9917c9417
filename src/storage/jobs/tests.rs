use uuid::Uuid;

use super::super::testing::{Scratch, scratches, shop};
use super::*;
use crate::domain::ids::{RevisionId, TurnId};

const LEASE_MS: i64 = 1000;

fn ingest(number: u128) -> JobKind {
    JobKind::IngestRevision { revision: RevisionId(Uuid::from_u128(number)) }
}

async fn queue(db: &Db, shop: ShopId, kind: JobKind) -> Option<JobId> {
    let mut tx = db.begin().await.unwrap();
    let run_at_ms = tx.now_ms();
    let id = enqueue(&mut tx, shop, kind, Lane::Bulk, run_at_ms).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn next(db: &Db) -> Option<ClaimedJob> {
    claim(db, Lane::Bulk, "one", LEASE_MS).await.unwrap()
}

/// Runs one statement in a transaction of its own.
macro_rules! settle {
    ($db:expr, $function:ident $(, $argument:expr)*) => {{
        let mut tx = $db.begin().await.unwrap();
        let outcome = $function(&mut tx $(, $argument)*).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }};
}

#[tokio::test]
async fn an_unfinished_job_is_not_queued_twice() {
    for Scratch { db, .. } in scratches().await {
        let shop = shop(&db).await;
        let first = queue(&db, shop, ingest(1)).await;
        assert!(first.is_some());
        assert_eq!(queue(&db, shop, ingest(1)).await, None, "queued");
        let job = next(&db).await.unwrap();
        assert_eq!((Some(job.id), job.shop, job.kind, job.attempt), (first, shop, ingest(1), 1));
        assert_eq!(queue(&db, shop, ingest(1)).await, None, "running");
        assert!(settle!(db, finish, &job));
        assert!(queue(&db, shop, ingest(1)).await.is_some(), "finished");
    }
}

#[tokio::test]
async fn a_job_is_claimed_once_when_many_ask() {
    for Scratch { db, .. } in scratches().await {
        let shop = shop(&db).await;
        for number in 0..5 {
            queue(&db, shop, ingest(number)).await.unwrap();
        }
        let claims = futures::future::join_all((0..12).map(|_| next(&db))).await;
        let mut ids: Vec<_> = claims.into_iter().flatten().map(|job| job.id).collect();
        // Workers that pass over a row locked by another may come away empty on Postgres; nobody gets the same.
        while let Some(job) = next(&db).await {
            ids.push(job.id);
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 5);
    }
}

#[tokio::test]
async fn lanes_and_times_are_kept() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        let turn = JobKind::AnswerTurn { turn: TurnId(Uuid::from_u128(1)) };
        let mut tx = db.begin().await.unwrap();
        let run_at_ms = tx.now_ms() + 10;
        enqueue(&mut tx, shop, turn, Lane::Interactive, run_at_ms).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claim(&db, Lane::Interactive, "one", LEASE_MS).await.unwrap(), None, "not yet");
        assert_eq!(next_run_at_ms(&db, Lane::Interactive).await.unwrap(), Some(run_at_ms));
        assert_eq!(next_run_at_ms(&db, Lane::Bulk).await.unwrap(), None);
        clock.advance(10);
        assert_eq!(next(&db).await, None, "the other lane");
        assert_eq!(claim(&db, Lane::Interactive, "one", LEASE_MS).await.unwrap().unwrap().kind, turn);
    }
}

#[tokio::test]
async fn a_lost_lease_settles_nothing() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        queue(&db, shop, ingest(1)).await;
        let slow = next(&db).await.unwrap();
        assert!(renew(&db, &slow, LEASE_MS).await.unwrap());
        clock.advance(LEASE_MS);
        assert_eq!(settle!(db, requeue_expired), []);
        let fast = next(&db).await.unwrap();
        assert_eq!((fast.id, fast.attempt), (slow.id, 2));
        assert!(!renew(&db, &slow, LEASE_MS).await.unwrap());
        assert!(!settle!(db, finish, &slow));
        assert_eq!(settle!(db, retry_later, &slow, 0, "slow"), Settled::LeaseLost);
        assert_eq!(settle!(db, fail, &slow, "slow"), Settled::LeaseLost);
        assert!(settle!(db, finish, &fast));
        assert!(!settle!(db, finish, &fast), "once");
    }
}

#[tokio::test]
async fn a_renewed_lease_does_not_run_out() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        queue(&db, shop, ingest(1)).await;
        let job = next(&db).await.unwrap();
        clock.advance(LEASE_MS - 1);
        assert!(renew(&db, &job, LEASE_MS).await.unwrap());
        clock.advance(LEASE_MS - 1);
        settle!(db, requeue_expired);
        assert_eq!(next(&db).await, None);
        assert!(settle!(db, finish, &job));
    }
}

#[tokio::test]
async fn a_retry_waits_and_the_last_one_is_the_end() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        queue(&db, shop, ingest(1)).await;
        for attempt in 1..5 {
            let job = next(&db).await.unwrap();
            assert_eq!((job.attempt, job.max_attempts), (attempt, 5));
            let later_ms = db.now_ms() + 100;
            assert_eq!(settle!(db, retry_later, &job, later_ms, "no luck"), Settled::Queued);
            assert_eq!(next(&db).await, None, "not before its time");
            clock.advance(100);
        }
        let job = next(&db).await.unwrap();
        assert_eq!(settle!(db, retry_later, &job, 0, "no luck"), Settled::Dead);
        assert_eq!(next(&db).await, None);
        let [count] = counts(&db).await.unwrap().try_into().unwrap();
        assert_eq!((count.lane, count.state, count.n_jobs), (Lane::Bulk, JobState::Dead, 1));
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_nobody_wait() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        queue(&db, shop, ingest(1)).await;
        let job = next(&db).await.unwrap();
        let later_ms = db.now_ms() + 60_000;
        settle!(db, retry_later, &job, later_ms, "no luck");
        assert_eq!(next(&db).await, None, "not before its time");
        clock.advance(-24 * 60 * 60 * 1000);
        assert_eq!(next(&db).await.unwrap().id, job.id, "a minute from yesterday's tomorrow is now");
    }
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        let id = queue(&db, shop, ingest(1)).await.unwrap();
        for _ in 1..5 {
            next(&db).await.unwrap();
            clock.advance(LEASE_MS);
            assert_eq!(settle!(db, requeue_expired), []);
        }
        next(&db).await.unwrap();
        clock.advance(LEASE_MS);
        assert_eq!(settle!(db, requeue_expired), [DeadJob { id, shop, kind: ingest(1) }]);
        assert_eq!(next(&db).await, None);
    }
}

#[tokio::test]
async fn a_restarted_worker_takes_up_its_own_leases_only() {
    for Scratch { db, .. } in scratches().await {
        let shop = shop(&db).await;
        for number in 0..3 {
            queue(&db, shop, ingest(number)).await;
        }
        let mine = claim(&db, Lane::Bulk, "one", LEASE_MS).await.unwrap().unwrap();
        claim(&db, Lane::Bulk, "one-more", LEASE_MS).await.unwrap().unwrap();
        let spare = claim(&db, Lane::Bulk, "two", LEASE_MS).await.unwrap().unwrap();
        assert!(settle!(db, unclaim, &spare, 0));
        assert_eq!(claim(&db, Lane::Bulk, "two", LEASE_MS).await.unwrap().unwrap().attempt, 1, "as if never claimed");
        assert_eq!(settle!(db, expire_leases_of, "one"), 1);
        settle!(db, requeue_expired);
        let again = next(&db).await.unwrap();
        assert_eq!((again.id, again.attempt), (mine.id, 2));
        assert_eq!(next(&db).await, None);
    }
}

#[tokio::test]
async fn a_small_shop_does_not_wait_for_a_large_one() {
    for Scratch { db, clock, .. } in scratches().await {
        let (large, small) = (shop(&db).await, shop(&db).await);
        for number in 0..4 {
            queue(&db, large, ingest(number)).await;
        }
        clock.advance(1);
        for number in 10..12 {
            queue(&db, small, ingest(number)).await;
        }
        let mut served = vec![];
        while let Some(job) = next(&db).await {
            clock.advance(1);
            assert!(settle!(db, finish, &job));
            served.push(if job.shop == large { 'L' } else { 's' });
        }
        assert_eq!(served, ['L', 's', 'L', 's', 'L', 'L']);
        queue(&db, large, ingest(20)).await;
        queue(&db, large, ingest(21)).await;
        queue(&db, small, ingest(22)).await;
        let shops = [next(&db).await.unwrap().shop, next(&db).await.unwrap().shop];
        assert_ne!(shops[0], shops[1], "side by side, too");
    }
}
