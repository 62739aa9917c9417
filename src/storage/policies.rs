//! Policies: append-only versions of the rules that `decide` follows.

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, Dialect, StorageError, Tx};
use crate::domain::ids::{AccountId, PolicyId, ShopId};
use crate::domain::policy::Policy;

/// One version.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyVersion {
    /// Identity; every decision names it.
    pub id: PolicyId,
    /// 1, 2, 3 … within the shop; the highest is in force.
    pub number: u32,
    /// The rules.
    pub policy: Policy,
    /// Who made it; nobody for the first.
    pub author: Option<AccountId>,
    /// Why.
    pub note: String,
    /// When it came into force.
    pub created_at_ms: i64,
}

/// A version to be.
#[derive(Debug, Clone, Copy)]
pub struct NewPolicy<'a> {
    /// The rules; the caller has validated them.
    pub policy: &'a Policy,
    /// Who makes it.
    pub author: Option<AccountId>,
    /// Why.
    pub note: &'a str,
    /// Number of the version its author saw. If another is in force by now, nothing is written: two people who edit
    /// at once must not undo each other unseen.
    pub based_on: Option<u32>,
}

fn read(row: &AnyRow) -> Result<PolicyVersion, StorageError> {
    Ok(PolicyVersion {
        id: row.col("id")?,
        number: row.number("number")?,
        policy: row.json("body")?,
        author: row.col("author_id")?,
        note: row.col("note")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// The version in force. A shop is made with one, so a shop without is an error.
pub async fn current(db: &Db, shop: ShopId) -> Result<PolicyVersion, StorageError> {
    let row = sqlx::query(
        "select id, number, body, author_id, note, created_at_ms from policies where shop_id = $1 \
         order by number desc limit 1",
    )
    .bind(shop)
    .fetch_optional(&db.readers)
    .await?;
    let row = row.ok_or_else(|| StorageError::Damaged { what: format!("shop {shop} has no policy") })?;
    read(&row)
}

/// The version in force, as the unit of work sees it.
pub async fn current_in(tx: &mut Tx, shop: ShopId) -> Result<PolicyVersion, StorageError> {
    let row = sqlx::query(
        "select id, number, body, author_id, note, created_at_ms from policies where shop_id = $1 \
         order by number desc limit 1",
    )
    .bind(shop)
    .fetch_optional(tx.connection())
    .await?;
    let row = row.ok_or_else(|| StorageError::Damaged { what: format!("shop {shop} has no policy") })?;
    read(&row)
}

/// What a unit of work is about to do with a shop's rules: its policy and its proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Decide by them: they stay as they are until it ends.
    ToDecide,
    /// Change them: nobody decides by them until it ends.
    ToChange,
}

/// Takes hold of a shop's rules until the end of the unit of work: whoever decides and whoever changes wait for each
/// other, so that what ops have stopped is stopped from the commit on. What is to be changed is taken `ToChange` from
/// the beginning: two that decide could not both go on to change.
///
/// SQLite has one writer and needs nothing. On Postgres the shop's row stands for its rules; neither lock is in the way
/// of rows that refer to the shop.
pub async fn hold(tx: &mut Tx, shop: ShopId, hold: Hold) -> Result<(), StorageError> {
    let sql = match (tx.dialect, hold) {
        (Dialect::Sqlite, _) => return Ok(()),
        (Dialect::Postgres, Hold::ToDecide) => "select id from shops where id = $1 for share",
        (Dialect::Postgres, Hold::ToChange) => "select id from shops where id = $1 for no key update",
    };
    sqlx::query(sql).bind(shop).fetch_optional(tx.connection()).await?;
    Ok(())
}

/// All versions, newest first.
pub async fn history(db: &Db, shop: ShopId) -> Result<Vec<PolicyVersion>, StorageError> {
    let rows = sqlx::query(
        "select id, number, body, author_id, note, created_at_ms from policies where shop_id = $1 \
         order by number desc",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Puts a new version in force; `None` if it was based on one that no longer is. Two at the same instant: the second
/// gets [`StorageError::Conflict`] named `policies_number`.
pub async fn append(tx: &mut Tx, shop: ShopId, new: &NewPolicy<'_>) -> Result<Option<PolicyVersion>, StorageError> {
    hold(tx, shop, Hold::ToChange).await?;
    let row = sqlx::query("select coalesce(max(number), 0) as newest from policies where shop_id = $1")
        .bind(shop)
        .fetch_one(tx.connection())
        .await?;
    let newest = row.number("newest")?;
    if new.based_on.is_some_and(|based_on| based_on != newest) {
        return Ok(None);
    }
    let version = PolicyVersion {
        id: PolicyId(tx.new_id()),
        number: newest + 1,
        policy: new.policy.clone(),
        author: new.author,
        note: new.note.to_owned(),
        created_at_ms: tx.now_ms(),
    };
    sqlx::query(
        "insert into policies (id, shop_id, number, body, author_id, note, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(version.id)
    .bind(shop)
    .bind(i64::from(version.number))
    .bind(Json(new.policy))
    .bind(new.author)
    .bind(new.note)
    .bind(version.created_at_ms)
    .execute(tx.connection())
    .await?;
    Ok(Some(version))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    /// Whether that connection to Postgres waits for a lock.
    async fn waits(db: &Db, pid: i32) -> bool {
        let sql = "select count(*) from pg_locks where pid = $1 and not granted";
        let n: i64 = sqlx::query_scalar(sql).bind(pid).fetch_one(&db.readers).await.unwrap();
        n > 0
    }

    #[tokio::test]
    async fn an_answer_that_is_ready_while_ops_stop_everything_waits_for_them() {
        for Scratch { db, .. } in scratches().await {
            let shop = shop(&db).await;
            let mut stop = db.begin().await.unwrap();
            let policy = Policy { kill_switch: true, ..Policy::review_everything() };
            let new = NewPolicy { policy: &policy, author: None, note: "stop", based_on: Some(1) };
            append(&mut stop, shop, &new).await.unwrap().unwrap();
            let pid = std::sync::OnceLock::new();
            let decide = async {
                // On SQLite this waits already: there is one writer.
                let mut tx = db.begin().await.unwrap();
                if db.dialect == Dialect::Postgres {
                    let own: i32 =
                        sqlx::query_scalar("select pg_backend_pid()").fetch_one(tx.connection()).await.unwrap();
                    pid.set(own).unwrap();
                }
                hold(&mut tx, shop, Hold::ToDecide).await.unwrap();
                current_in(&mut tx, shop).await.unwrap()
            };
            let mut decide = std::pin::pin!(decide);
            loop {
                let seen = async {
                    match (db.dialect, pid.get()) {
                        (Dialect::Sqlite, _) => true,
                        (Dialect::Postgres, Some(pid)) => waits(&db, *pid).await,
                        (Dialect::Postgres, None) => false,
                    }
                };
                tokio::select! {
                    biased;
                    decided = &mut decide => panic!("by {decided:?}, which is about to be replaced"),
                    is_waiting = seen => if is_waiting { break },
                }
                tokio::task::yield_now().await;
            }
            stop.commit().await.unwrap();
            assert!(decide.await.policy.kill_switch, "it decides by what is in force now");
        }
    }

    #[tokio::test]
    async fn those_who_only_decide_do_not_wait_for_each_other() {
        for Scratch { db, .. } in scratches().await {
            if db.dialect == Dialect::Sqlite {
                continue; // There, everybody who writes waits.
            }
            let shop = shop(&db).await;
            let (mut one, mut other) = (db.begin().await.unwrap(), db.begin().await.unwrap());
            hold(&mut one, shop, Hold::ToDecide).await.unwrap();
            hold(&mut other, shop, Hold::ToDecide).await.unwrap();
            other.commit().await.unwrap();
            one.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn versions_are_appended_and_a_stale_edit_is_refused() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let policy = Policy { bar: 0.8, ..Policy::review_everything() };
            let mut tx = db.begin().await.unwrap();
            let new = NewPolicy { policy: &policy, author: None, note: "braver", based_on: Some(1) };
            let second = append(&mut tx, mine, &new).await.unwrap().unwrap();
            assert_eq!(append(&mut tx, mine, &new).await.unwrap(), None, "based on a version no longer in force");
            tx.commit().await.unwrap();
            assert_eq!(current(&db, mine).await.unwrap(), second);
            assert_eq!(history(&db, mine).await.unwrap().len(), 2);
            assert_eq!(current(&db, other).await.unwrap().policy.bar, 1.0, "another shop keeps its own");
        }
    }
}
