//! Looks at promises that the server took by itself.

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::check::{Details, Finding};
use crate::domain::dial::Scope;
use crate::domain::ids::{CheckId, ShopId};

/// One look.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Identity.
    pub id: CheckId,
    /// At the promise of what part of the traffic.
    pub scope: Scope,
    /// What it was due for.
    pub occasion: String,
    /// What it found.
    pub finding: Finding,
    /// In numbers.
    pub details: Details,
    /// When.
    pub created_at_ms: i64,
}

/// A look to be.
#[derive(Debug, Clone, Copy)]
pub struct NewCheck<'a> {
    /// At the promise of what part of the traffic.
    pub scope: &'a Scope,
    /// What it is due for: it is taken once.
    pub occasion: &'a str,
    /// What it found.
    pub finding: Finding,
    /// In numbers.
    pub details: Details,
    /// Labels of the shop by now.
    pub n_labels: u32,
}

/// Keeps a look; false if one was taken for the same occasion already: whatever else is in the transaction must not be
/// done again.
pub async fn insert(tx: &mut Tx, shop: ShopId, new: &NewCheck<'_>) -> Result<bool, StorageError> {
    let (id, now_ms) = (CheckId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into promise_checks (id, shop_id, scope, occasion, finding, details, n_labels, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (shop_id, scope, occasion) do nothing",
    )
    .bind(id)
    .bind(shop)
    .bind(new.scope)
    .bind(new.occasion)
    .bind(new.finding)
    .bind(Json(new.details))
    .bind(i64::from(new.n_labels))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

fn read(row: &AnyRow) -> Result<Check, StorageError> {
    Ok(Check {
        id: row.col("id")?,
        scope: row.col("scope")?,
        occasion: row.col("occasion")?,
        finding: row.col("finding")?,
        details: row.json("details")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// The newest looks at one promise.
pub async fn list(db: &Db, shop: ShopId, scope: &Scope, limit: u32) -> Result<Vec<Check>, StorageError> {
    let rows = sqlx::query(
        "select id, scope, occasion, finding, details, created_at_ms from promise_checks \
         where shop_id = $1 and scope = $2 order by created_at_ms desc, id desc limit $3",
    )
    .bind(shop)
    .bind(scope)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Whether a promise was looked at for this.
pub async fn was_taken(db: &Db, shop: ShopId, scope: &Scope, occasion: &str) -> Result<bool, StorageError> {
    let row =
        sqlx::query("select count(*) as n from promise_checks where shop_id = $1 and scope = $2 and occasion = $3")
            .bind(shop)
            .bind(scope)
            .bind(occasion)
            .fetch_one(&db.readers)
            .await?;
    Ok(row.number("n")? > 0)
}

/// Labels of the shop by now, and how many there were at its last look.
pub async fn label_counts(db: &Db, shop: ShopId) -> Result<(u32, u32), StorageError> {
    let row = sqlx::query(
        "select (select count(*) from labels where shop_id = $1 and withdrawn_at_ms is null) as n_now, \
         (select coalesce(max(n_labels), 0) from promise_checks where shop_id = $1) as n_before",
    )
    .bind(shop)
    .fetch_one(&db.readers)
    .await?;
    Ok((row.number("n_now")?, row.number("n_before")?))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn a_look_is_taken_once_for_each_occasion_and_shop() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let details = Details { bar_to: Some(0.8), n_rows: 120, ..Details::default() };
            let new =
                NewCheck { scope: &Scope::Shop, occasion: "night 1", finding: Finding::Proven, details, n_labels: 130 };
            let mut tx = db.begin().await.unwrap();
            assert!(insert(&mut tx, mine, &new).await.unwrap());
            assert!(!insert(&mut tx, mine, &new).await.unwrap(), "it was taken");
            assert!(insert(&mut tx, other, &new).await.unwrap(), "another shop has its own");
            clock.advance(1);
            let later = NewCheck { occasion: "night 2", finding: Finding::StillHolds, n_labels: 140, ..new };
            assert!(insert(&mut tx, mine, &later).await.unwrap());
            tx.commit().await.unwrap();
            let told = list(&db, mine, &Scope::Shop, 9).await.unwrap();
            assert_eq!(told.iter().map(|one| one.finding).collect::<Vec<_>>(), [Finding::StillHolds, Finding::Proven]);
            assert_eq!((told[1].details, told[1].occasion.as_str()), (details, "night 1"));
            assert!(was_taken(&db, mine, &Scope::Shop, "night 1").await.unwrap());
            assert!(!was_taken(&db, mine, &Scope::Topic("returns".into()), "night 1").await.unwrap());
            assert_eq!(label_counts(&db, mine).await.unwrap(), (0, 140));
        }
    }
}
