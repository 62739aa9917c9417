//! Searches for orders that a person keeps, under a name of their own.

use serde_json::Value;
use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, ShopId};

/// Those of a person, by name.
pub async fn list(db: &Db, shop: ShopId, account: AccountId) -> Result<Vec<(String, Value)>, StorageError> {
    let rows = sqlx::query("select name, body from order_filters where shop_id = $1 and account_id = $2 order by name")
        .bind(shop)
        .bind(account)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(|row: &AnyRow| Ok((row.col("name")?, row.json("body")?))).collect()
}

/// Keeps one in the place of what had its name.
pub async fn put(
    tx: &mut Tx,
    shop: ShopId,
    (account, name): (AccountId, &str),
    body: &Value,
) -> Result<(), StorageError> {
    let (id, now_ms) = (tx.new_id().to_string(), tx.now_ms());
    sqlx::query(
        "insert into order_filters (id, shop_id, account_id, name, body, created_at_ms) values ($1, $2, $3, $4, $5, $6) \
         on conflict (shop_id, account_id, name) do update set body = excluded.body",
    )
    .bind(id)
    .bind(shop)
    .bind(account)
    .bind(name)
    .bind(Json(body))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Forgets one; `false` if there was none.
pub async fn remove(tx: &mut Tx, shop: ShopId, (account, name): (AccountId, &str)) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from order_filters where shop_id = $1 and account_id = $2 and name = $3")
        .bind(shop)
        .bind(account)
        .bind(name)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}
