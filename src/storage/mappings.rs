//! The tables by which platforms' events become ours: one a name and shop.

use serde_json::Value;
use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::ShopId;

/// All of a shop, by name.
pub async fn list(db: &Db, shop: ShopId) -> Result<Vec<(String, Value)>, StorageError> {
    let rows = sqlx::query("select name, body from order_mappings where shop_id = $1 order by name")
        .bind(shop)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(|row: &AnyRow| Ok((row.col("name")?, row.json("body")?))).collect()
}

/// One.
pub async fn get(db: &Db, shop: ShopId, name: &str) -> Result<Option<Value>, StorageError> {
    let row = sqlx::query("select body from order_mappings where shop_id = $1 and name = $2")
        .bind(shop)
        .bind(name)
        .fetch_optional(&db.readers)
        .await?;
    row.map(|row| row.json("body")).transpose()
}

/// Puts one in the place of what had its name.
pub async fn put(tx: &mut Tx, shop: ShopId, (name, body): (&str, &Value)) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "insert into order_mappings (shop_id, name, body, updated_at_ms) values ($1, $2, $3, $4) \
         on conflict (shop_id, name) do update set body = excluded.body, updated_at_ms = excluded.updated_at_ms",
    )
    .bind(shop)
    .bind(name)
    .bind(Json(body))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes one away; `false` if there was none.
pub async fn remove(tx: &mut Tx, shop: ShopId, name: &str) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from order_mappings where shop_id = $1 and name = $2")
        .bind(shop)
        .bind(name)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}
