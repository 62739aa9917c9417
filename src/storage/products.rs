//! Products, the buyers whom the shop has named, and what each of them looked at.

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{ProductId, ShopId};
use crate::domain::product::Product;

/// Keeps a product; the later account stands. Whether it was not known.
pub async fn put(tx: &mut Tx, shop: ShopId, product: &Product) -> Result<bool, StorageError> {
    let (id, now_ms) = (ProductId(tx.new_id()), tx.now_ms());
    let row = sqlx::query(
        "insert into products (id, shop_id, platform, sku, body, updated_at_ms) values ($1, $2, $3, $4, $5, $6) \
         on conflict (shop_id, platform, sku) do update set body = excluded.body, \
         updated_at_ms = excluded.updated_at_ms returning id",
    )
    .bind(id)
    .bind(shop)
    .bind(product.platform)
    .bind(&product.sku)
    .bind(Json(product))
    .bind(now_ms)
    .fetch_one(tx.connection())
    .await?;
    Ok(row.col::<ProductId>("id")? == id)
}

fn read(row: &AnyRow) -> Result<Product, StorageError> {
    row.json("body")
}

/// The product with this number; of several platforms the one that was told last.
pub async fn by_sku(db: &Db, shop: ShopId, sku: &str) -> Result<Option<Product>, StorageError> {
    let row = sqlx::query(
        "select body from products where shop_id = $1 and sku = $2 order by updated_at_ms desc, id limit 1",
    )
    .bind(shop)
    .bind(sku)
    .fetch_optional(&db.readers)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Products, by number.
pub async fn list(db: &Db, shop: ShopId, limit: u32) -> Result<Vec<Product>, StorageError> {
    let rows = sqlx::query("select body from products where shop_id = $1 order by sku, platform limit $2")
        .bind(shop)
        .bind(i64::from(limit))
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

/// Notes that the shop speaks of this buyer.
pub async fn see_buyer(tx: &mut Tx, shop: ShopId, buyer: &str) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "insert into buyers (shop_id, buyer_id, first_seen_at_ms, seen_at_ms) values ($1, $2, $3, $3) \
         on conflict (shop_id, buyer_id) do update set seen_at_ms = excluded.seen_at_ms",
    )
    .bind(shop)
    .bind(buyer)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Since when a buyer is known.
pub async fn first_seen_ms(db: &Db, shop: ShopId, buyer: &str) -> Result<Option<i64>, StorageError> {
    let row = sqlx::query("select first_seen_at_ms from buyers where shop_id = $1 and buyer_id = $2")
        .bind(shop)
        .bind(buyer)
        .fetch_optional(&db.readers)
        .await?;
    row.map(|row| row.col("first_seen_at_ms")).transpose()
}

/// Notes that a buyer looked at a product; the newest look counts.
pub async fn see_view(tx: &mut Tx, shop: ShopId, (buyer, sku): (&str, &str), at_ms: i64) -> Result<(), StorageError> {
    see_buyer(tx, shop, buyer).await?;
    sqlx::query(
        "insert into product_views (shop_id, buyer_id, sku, viewed_at_ms) values ($1, $2, $3, $4) \
         on conflict (shop_id, buyer_id, sku) do update set viewed_at_ms = excluded.viewed_at_ms \
         where product_views.viewed_at_ms < excluded.viewed_at_ms",
    )
    .bind(shop)
    .bind(buyer)
    .bind(sku)
    .bind(at_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A look at a product, which we may not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The shop's number of it.
    pub sku: String,
    /// The product, if it is known.
    pub product: Option<Product>,
    /// When.
    pub viewed_at_ms: i64,
}

/// What a buyer looked at, the last first.
pub async fn views(db: &Db, shop: ShopId, buyer: &str, limit: u32) -> Result<Vec<View>, StorageError> {
    let rows = sqlx::query(
        "select v.sku, v.viewed_at_ms from product_views v where v.shop_id = $1 and v.buyer_id = $2 \
         order by v.viewed_at_ms desc, v.sku limit $3",
    )
    .bind(shop)
    .bind(buyer)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let sku: String = row.col("sku")?;
        let product = by_sku(db, shop, &sku).await?;
        views.push(View { sku, product, viewed_at_ms: row.col("viewed_at_ms")? });
    }
    Ok(views)
}

/// Deletes what is kept of a buyer besides conversations and orders.
pub async fn forget_buyer(tx: &mut Tx, shop: ShopId, buyer: &str) -> Result<(), StorageError> {
    for sql in [
        "delete from product_views where shop_id = $1 and buyer_id = $2",
        "delete from buyers where shop_id = $1 and buyer_id = $2",
    ] {
        sqlx::query(sql).bind(shop).bind(buyer).execute(tx.connection()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{START_MS, Scratch, scratches, shop};
    use super::*;
    use crate::domain::order::Platform;

    fn product(title: &str) -> Product {
        let (sku, price, category, url) = ("AF-500".to_owned(), None, None, None);
        Product { platform: Platform::Own, sku, title: title.to_owned(), price, category, url }
    }

    #[tokio::test]
    async fn a_product_is_kept_once_and_seen_by_its_shop_alone() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let mut tx = db.begin().await.unwrap();
            assert!(put(&mut tx, mine, &product("old")).await.unwrap());
            assert!(!put(&mut tx, mine, &product("new")).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(by_sku(&db, mine, "AF-500").await.unwrap(), Some(product("new")));
            assert_eq!(by_sku(&db, other, "AF-500").await.unwrap(), None);
            assert_eq!((list(&db, mine, 9).await.unwrap().len(), list(&db, other, 9).await.unwrap().len()), (1, 0));
        }
    }

    #[tokio::test]
    async fn the_newest_look_counts_and_a_buyer_can_be_forgotten() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let mut tx = db.begin().await.unwrap();
            see_view(&mut tx, mine, ("b", "AF-500"), 20).await.unwrap();
            see_view(&mut tx, mine, ("b", "AF-500"), 10).await.unwrap();
            put(&mut tx, mine, &product("new")).await.unwrap();
            tx.commit().await.unwrap();
            let seen = views(&db, mine, "b", 9).await.unwrap();
            assert_eq!(seen, [View { sku: "AF-500".into(), product: Some(product("new")), viewed_at_ms: 20 }]);
            assert_eq!(first_seen_ms(&db, mine, "b").await.unwrap(), Some(START_MS));
            assert_eq!(views(&db, other, "b", 9).await.unwrap(), []);
            let mut tx = db.begin().await.unwrap();
            forget_buyer(&mut tx, other, "b").await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(views(&db, mine, "b", 9).await.unwrap().len(), 1);
            let mut tx = db.begin().await.unwrap();
            forget_buyer(&mut tx, mine, "b").await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(first_seen_ms(&db, mine, "b").await.unwrap(), None);
        }
    }
}
