//! Canned replies of a shop and of its people.

use sqlx::any::AnyRow;

use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, CannedId, ShopId};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canned {
    /// Identity.
    pub id: CannedId,
    /// Whose it is; `None` for the shop's.
    pub owner: Option<AccountId>,
    /// What it is found by.
    pub title: String,
    /// What it says, with its places.
    pub body: String,
    /// When it was changed last.
    pub updated_at_ms: i64,
}

/// One as it is written.
#[derive(Debug, Clone, Copy)]
pub struct CannedForm<'a> {
    /// What it is found by.
    pub title: &'a str,
    /// What it says, with its places.
    pub body: &'a str,
}

fn read(row: &AnyRow) -> Result<Canned, StorageError> {
    Ok(Canned {
        id: row.col("id")?,
        owner: row.col("owner_id")?,
        title: row.col("title")?,
        body: row.col("body")?,
        updated_at_ms: row.col("updated_at_ms")?,
    })
}

/// The shop's, and those of one of its people, by title.
pub async fn list(db: &Db, shop: ShopId, account: AccountId) -> Result<Vec<Canned>, StorageError> {
    let rows = sqlx::query(
        "select id, owner_id, title, body, updated_at_ms from canned_replies \
         where shop_id = $1 and (owner_id is null or owner_id = $2) order by title, id",
    )
    .bind(shop)
    .bind(account)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Adds one.
pub async fn create(
    tx: &mut Tx,
    shop: ShopId,
    owner: Option<AccountId>,
    form: &CannedForm<'_>,
) -> Result<CannedId, StorageError> {
    let (id, now_ms) = (CannedId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "insert into canned_replies (id, shop_id, owner_id, title, body, updated_at_ms) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(shop)
    .bind(owner)
    .bind(form.title)
    .bind(form.body)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(id)
}

/// Rewrites one of this owner's, or of the shop's where no owner is named; false if there is no such reply.
pub async fn update(
    tx: &mut Tx,
    shop: ShopId,
    (id, owner): (CannedId, Option<AccountId>),
    form: &CannedForm<'_>,
) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update canned_replies set title = $4, body = $5, updated_at_ms = $6 \
         where shop_id = $1 and id = $2 and coalesce(owner_id, '') = $3",
    )
    .bind(shop)
    .bind(id)
    .bind(owner.map(|owner| owner.to_string()).unwrap_or_default())
    .bind(form.title)
    .bind(form.body)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes one away; false as in [`update`].
pub async fn remove(
    tx: &mut Tx,
    shop: ShopId,
    (id, owner): (CannedId, Option<AccountId>),
) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from canned_replies where shop_id = $1 and id = $2 and coalesce(owner_id, '') = $3")
        .bind(shop)
        .bind(id)
        .bind(owner.map(|owner| owner.to_string()).unwrap_or_default())
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    const LIN: AccountId = AccountId(uuid::Uuid::from_u128(1));
    const BO: AccountId = AccountId(uuid::Uuid::from_u128(2));

    #[tokio::test]
    async fn people_share_the_shops_and_keep_their_own() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let form = CannedForm { title: "hello", body: "您好{buyer}" };
            let changed = CannedForm { title: "hello", body: "Hi {buyer}" };
            let mut tx = db.begin().await.unwrap();
            let shared = create(&mut tx, mine, None, &form).await.unwrap();
            let own = create(&mut tx, mine, Some(LIN), &form).await.unwrap();
            assert!(!update(&mut tx, mine, (own, Some(BO)), &changed).await.unwrap(), "another person's");
            assert!(!update(&mut tx, mine, (own, None), &changed).await.unwrap(), "not the shop's");
            assert!(!update(&mut tx, mine, (shared, Some(LIN)), &changed).await.unwrap(), "not the person's");
            assert!(!update(&mut tx, other, (shared, None), &changed).await.unwrap());
            assert!(update(&mut tx, mine, (own, Some(LIN)), &changed).await.unwrap());
            assert!(!remove(&mut tx, other, (shared, None)).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(list(&db, mine, LIN).await.unwrap().len(), 2);
            assert_eq!(list(&db, mine, BO).await.unwrap().iter().map(|one| one.id).collect::<Vec<_>>(), [shared]);
            assert_eq!(list(&db, other, LIN).await.unwrap(), []);
            let mut tx = db.begin().await.unwrap();
            assert!(remove(&mut tx, mine, (shared, None)).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(list(&db, mine, BO).await.unwrap(), []);
        }
    }
}
