//! Every table is named, and what is over goes on its day and not before.

use std::collections::BTreeSet;

use super::super::api_tokens::{self, NewApiToken};
use super::super::jobs::{self, Lane};
use super::super::testing::{self, Scratch, scratches, shop};
use super::super::turns::tests::ask_one;
use super::super::{Dialect, accounts, audit, conversations, lookups, messages, sessions};
use super::*;
use crate::domain::ids::{ApiTokenId, RevisionId};
use crate::domain::job::JobKind;

const KEEP: Retention = Retention {
    done_jobs_days: 30,
    dead_jobs_days: 180,
    ended_keys_days: 90,
    imports_days: 180,
    order_events_days: 400,
    views_days: 90,
    conversations_days: 0,
};

async fn count(db: &Db, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(sql).fetch_one(&db.readers).await.unwrap()
}

#[tokio::test]
async fn no_table_grows_without_a_word() {
    for Scratch { db, .. } in scratches().await {
        let sql = match db.dialect {
            Dialect::Sqlite => "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'",
            Dialect::Postgres => {
                "select table_name::text as name from information_schema.tables where table_schema = current_schema()"
            }
        };
        let rows = sqlx::query(sql).fetch_all(&db.readers).await.unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.col("name").unwrap()).collect();
        let named: BTreeSet<String> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
        let migrations = BTreeSet::from(["_sqlx_migrations".to_owned()]);
        assert_eq!(named.len(), TABLES.len(), "a table is named once");
        assert_eq!(&there - &migrations, named);
    }
}

/// Queues a job and ends it now.
async fn end_job(db: &Db, shop: ShopId, number: u128, is_done: bool) {
    let mut tx = db.begin().await.unwrap();
    let kind = JobKind::IngestRevision { revision: RevisionId(uuid::Uuid::from_u128(number)) };
    let now_ms = tx.now_ms();
    jobs::enqueue(&mut tx, shop, kind, Lane::Bulk, now_ms).await.unwrap();
    tx.commit().await.unwrap();
    let job = jobs::claim(db, Lane::Bulk, "w", 1000).await.unwrap().unwrap();
    let mut tx = db.begin().await.unwrap();
    match is_done {
        true => assert!(jobs::finish(&mut tx, &job).await.unwrap()),
        false => assert_eq!(jobs::fail(&mut tx, &job, "no").await.unwrap(), jobs::Settled::Dead),
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn finished_jobs_go_in_time_and_no_other() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        end_job(&db, shop, 1, true).await;
        end_job(&db, shop, 2, false).await;
        let mut tx = db.begin().await.unwrap();
        let waiting = JobKind::CheckPromises { shop };
        let now_ms = tx.now_ms();
        jobs::enqueue(&mut tx, shop, waiting, Lane::Bulk, now_ms).await.unwrap();
        tx.commit().await.unwrap();
        clock.advance(days(30));
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), [], "it is the last day");
        clock.advance(1);
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), [("jobs", 1)]);
        clock.advance(days(150));
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), [("jobs", 1)], "what was given up stays longer");
        clock.advance(days(10_000));
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), []);
        assert_eq!(jobs::counts(&db).await.unwrap().len(), 1, "what waits is not over");
    }
}

#[tokio::test]
async fn more_than_one_batch_goes_at_once() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        let insert = "insert into order_lookups (id, shop_id, conversation_id, number_hash, tried_at_ms) \
                      select $1 || '/' || n, $2, 'c', 'h', $3 from (with recursive up(n) as (select 1 union all \
                      select n + 1 from up where n < 1200) select n from up) numbers";
        sqlx::query(insert).bind("id").bind(shop).bind(db.now_ms()).execute(&db.writer).await.unwrap();
        clock.advance(GUESSES_MS + 1);
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), [("order_lookups", 1200)]);
    }
}

#[tokio::test]
async fn what_has_ended_goes_after_its_days() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        let mut tx = db.begin().await.unwrap();
        let new =
            accounts::NewAccount { email: "a@b.example", name: "A", role: accounts::Role::Ops, password_hash: "" };
        let account = accounts::create(&mut tx, shop, &new).await.unwrap().id;
        sessions::create(&mut tx, account, "script", 1000).await.unwrap();
        let expires_at_ms = tx.now_ms() + 1000;
        sessions::create_password_token(&mut tx, account, "invitation", expires_at_ms).await.unwrap();
        let id = ApiTokenId(tx.new_id());
        let scopes = ["drafts".to_owned()];
        let key = NewApiToken { account, name: "k", token_hash: "h", scopes: &scopes, expires_at_ms };
        api_tokens::create(&mut tx, shop, id, &key).await.unwrap();
        let conversation = ConversationId(tx.new_id());
        lookups::count(&mut tx, shop, (conversation, "hash")).await.unwrap();
        tx.commit().await.unwrap();
        clock.advance(999);
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), []);
        clock.advance(1);
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), [("password_tokens", 1), ("sessions", 1)]);
        clock.advance(GUESSES_MS);
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), [("order_lookups", 1)]);
        clock.advance(days(90));
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), [("api_tokens", 1)]);
        assert_eq!(count(&db, "accounts").await, 1);
    }
}

#[tokio::test]
async fn old_threads_go_only_where_a_shop_wants_it_and_nothing_is_left_to_do() {
    for Scratch { db, clock, .. } in scratches().await {
        let shop = shop(&db).await;
        let old = testing::conversation(&db, shop).await;
        let asked = ask_one(&db, shop, "still waiting").await;
        clock.advance(days(400));
        let new = testing::conversation(&db, shop).await;
        assert_eq!(sweep(&db, &KEEP).await.unwrap(), [], "kept until somebody deletes them");
        let keep = Retention { conversations_days: 399, ..KEEP };
        assert_eq!(sweep(&db, &keep).await.unwrap(), [("conversations", 1)]);
        assert_eq!(conversations::get(&db, shop, old).await.unwrap(), None);
        assert!(conversations::get(&db, shop, new).await.unwrap().is_some());
        let waiting = messages::after(&db, shop, asked.message.conversation, 0, 10).await.unwrap();
        assert_eq!(waiting.len(), 1, "a question that nobody has decided is not over");
        let log = audit::list(&db, shop, i64::MAX, 10).await.unwrap();
        assert_eq!(log.first().map(|entry| entry.action.as_str()), Some("threads_expired"));
    }
}
