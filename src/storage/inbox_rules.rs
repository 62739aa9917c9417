//! What a shop has settled about its inbox.

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::ShopId;
use crate::domain::inbox::InboxRules;

/// The rules in force; the usual ones where the shop has settled nothing.
pub async fn current(db: &Db, shop: ShopId) -> Result<InboxRules, StorageError> {
    let row =
        sqlx::query("select body from inbox_rules where shop_id = $1").bind(shop).fetch_optional(&db.readers).await?;
    row.map_or_else(|| Ok(InboxRules::default()), |row| row.json("body"))
}

/// The same, as this transaction sees them.
pub async fn of(tx: &mut Tx, shop: ShopId) -> Result<InboxRules, StorageError> {
    let row = sqlx::query("select body from inbox_rules where shop_id = $1")
        .bind(shop)
        .fetch_optional(tx.connection())
        .await?;
    row.map_or_else(|| Ok(InboxRules::default()), |row| row.json("body"))
}

/// Settles them anew.
pub async fn set(tx: &mut Tx, shop: ShopId, rules: &InboxRules) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "insert into inbox_rules (shop_id, body, updated_at_ms) values ($1, $2, $3) \
         on conflict (shop_id) do update set body = excluded.body, updated_at_ms = excluded.updated_at_ms",
    )
    .bind(shop)
    .bind(Json(rules))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn a_shop_that_settled_nothing_has_the_usual_rules() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let rules = InboxRules { next_reply_s: 5, ..InboxRules::default() };
            let mut tx = db.begin().await.unwrap();
            set(&mut tx, mine, &rules).await.unwrap();
            set(&mut tx, mine, &rules).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(current(&db, mine).await.unwrap(), rules);
            assert_eq!(current(&db, other).await.unwrap(), InboxRules::default());
        }
    }
}
