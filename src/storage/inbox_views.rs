//! Views of the inbox that agents have kept: a name for a search and its filters. Each belongs to one person.

use serde_json::Value;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, ShopId, ViewId};

/// A view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxView {
    /// Identity.
    pub id: ViewId,
    /// What its owner calls it.
    pub name: String,
    /// What is asked for: checked when it was kept, and again when it is asked.
    pub body: Value,
}

/// Keeps a view; one of the same name is replaced.
pub async fn keep(
    tx: &mut Tx,
    shop: ShopId,
    owner: AccountId,
    (name, body): (&str, &Value),
) -> Result<ViewId, StorageError> {
    let (id, now_ms) = (ViewId(tx.new_id()), tx.now_ms());
    let row = sqlx::query(
        "insert into inbox_views (id, shop_id, account_id, name, body, created_at_ms) values ($1, $2, $3, $4, $5, $6) \
         on conflict (account_id, name) do update set body = excluded.body returning id",
    )
    .bind(id)
    .bind(shop)
    .bind(owner)
    .bind(name)
    .bind(Json(body))
    .bind(now_ms)
    .fetch_one(tx.connection())
    .await?;
    row.col("id")
}

/// The views of a person, oldest first.
pub async fn list(db: &Db, shop: ShopId, owner: AccountId) -> Result<Vec<InboxView>, StorageError> {
    let rows = sqlx::query(
        "select id, name, body from inbox_views where shop_id = $1 and account_id = $2 order by created_at_ms, id",
    )
    .bind(shop)
    .bind(owner)
    .fetch_all(&db.readers)
    .await?;
    rows.iter()
        .map(|row| Ok(InboxView { id: row.col("id")?, name: row.col("name")?, body: row.json("body")? }))
        .collect()
}

/// Forgets a view; false if the person has no such one.
pub async fn remove(tx: &mut Tx, shop: ShopId, owner: AccountId, view: ViewId) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from inbox_views where shop_id = $1 and account_id = $2 and id = $3")
        .bind(shop)
        .bind(owner)
        .bind(view)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}
