//! Tries at a proof: what of the doubt is spent.

use std::collections::BTreeSet;

use sqlx::any::AnyRow;

use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::dial::Scope;
use crate::domain::ids::{AccountId, ShopId, TryId};

/// What is counted together: another machinery, or an alarm, begins a new count, for then none of the old rows counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Era {
    /// Which machinery.
    pub pipeline: String,
    /// Since when its rows count; 0 where no alarm ended a proof.
    pub since_ms: i64,
}

/// One try.
#[derive(Debug, Clone, PartialEq)]
pub struct Try {
    /// Its place among the tries, from 1 on; places may be left out.
    pub nth: u32,
    /// Hash of what was tried from what.
    pub evidence: String,
    /// Labelled answers that counted.
    pub n_rows: u32,
    /// What was promised.
    pub target_error: f64,
    /// Whether it found a proof.
    pub is_proven: bool,
    /// Who asked for it; nobody for the server itself.
    pub account: Option<AccountId>,
    /// When.
    pub created_at_ms: i64,
}

/// A try to be.
#[derive(Debug, Clone, Copy)]
pub struct NewTry<'a> {
    /// Of the promise of what part of the traffic.
    pub scope: &'a Scope,
    /// In which count.
    pub era: &'a Era,
    /// Its place.
    pub nth: u32,
    /// Hash of what is tried from what.
    pub evidence: &'a str,
    /// Labelled answers that count.
    pub n_rows: u32,
    /// What is promised.
    pub target_error: f64,
    /// Whether it found a proof.
    pub is_proven: bool,
    /// Who asks for it.
    pub account: Option<AccountId>,
}

/// Counts a try. Of two that take the same place at once the second gets [`StorageError::Conflict`] named
/// `promise_tries_nth`: it was tried with a doubt that was not its own.
pub async fn insert(tx: &mut Tx, shop: ShopId, new: &NewTry<'_>) -> Result<(), StorageError> {
    let (id, now_ms) = (TryId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "insert into promise_tries (id, shop_id, scope, pipeline, era_ms, nth, evidence, n_rows, target_error, \
         is_proven, account_id, created_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(id)
    .bind(shop)
    .bind(new.scope)
    .bind(&new.era.pipeline)
    .bind(new.era.since_ms)
    .bind(i64::from(new.nth))
    .bind(new.evidence)
    .bind(i64::from(new.n_rows))
    .bind(new.target_error)
    .bind(i64::from(new.is_proven))
    .bind(new.account)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Try, StorageError> {
    Ok(Try {
        nth: row.number("nth")?,
        evidence: row.col("evidence")?,
        n_rows: row.number("n_rows")?,
        target_error: row.col("target_error")?,
        is_proven: row.flag("is_proven")?,
        account: row.col("account_id")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// The tries of a promise, the first first.
pub async fn list(db: &Db, shop: ShopId, scope: &Scope, era: &Era) -> Result<Vec<Try>, StorageError> {
    let rows = sqlx::query(
        "select nth, evidence, n_rows, target_error, is_proven, account_id, created_at_ms from promise_tries \
         where shop_id = $1 and scope = $2 and pipeline = $3 and era_ms = $4 order by nth",
    )
    .bind(shop)
    .bind(scope)
    .bind(&era.pipeline)
    .bind(era.since_ms)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// The parts of the traffic whose promises were tried with a machinery, promised still or not.
pub async fn scopes(db: &Db, shop: ShopId, pipeline: &str) -> Result<BTreeSet<Scope>, StorageError> {
    let rows = sqlx::query("select distinct scope from promise_tries where shop_id = $1 and pipeline = $2")
        .bind(shop)
        .bind(pipeline)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(|row| row.col("scope")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn a_place_is_taken_once_and_every_count_is_its_own() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let era = Era { pipeline: "p".into(), since_ms: 0 };
            let after_alarm = Era { since_ms: 7, ..era.clone() };
            let topic = Scope::Topic("returns".into());
            let first = NewTry {
                scope: &Scope::Shop,
                era: &era,
                nth: 1,
                evidence: "e",
                n_rows: 90,
                target_error: 0.05,
                is_proven: false,
                account: None,
            };
            let mut tx = db.begin().await.unwrap();
            for (shop, new) in [
                (mine, first),
                (mine, NewTry { nth: 3, is_proven: true, ..first }),
                (mine, NewTry { era: &after_alarm, ..first }),
                (mine, NewTry { scope: &topic, ..first }),
                (other, first),
            ] {
                insert(&mut tx, shop, &new).await.unwrap();
            }
            tx.commit().await.unwrap();
            let mut tx = db.begin().await.unwrap();
            let error = insert(&mut tx, mine, &first).await.unwrap_err();
            assert!(error.conflicts_with("promise_tries_nth"), "{error:?}");
            drop(tx);
            let told = list(&db, mine, &Scope::Shop, &era).await.unwrap();
            assert_eq!(told.iter().map(|one| (one.nth, one.is_proven)).collect::<Vec<_>>(), [(1, false), (3, true)]);
            assert_eq!(list(&db, mine, &Scope::Shop, &after_alarm).await.unwrap().len(), 1);
            assert_eq!(scopes(&db, mine, "p").await.unwrap(), BTreeSet::from([Scope::Shop, topic.clone()]));
            assert_eq!(scopes(&db, mine, "q").await.unwrap(), BTreeSet::new());
        }
    }
}
