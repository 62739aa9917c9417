//! Shops: the walls between everything else.

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::policies::{NewPolicy, append};
use super::{Db, StorageError, Tx, widgets};
use crate::domain::ids::ShopId;
use crate::domain::links;
use crate::domain::policy::Policy;
use crate::domain::text::Lang;

/// A shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// Identity.
    pub id: ShopId,
    /// What its people call it.
    pub name: String,
    /// The language of its people.
    pub locale: Lang,
    /// When it was made.
    pub created_at_ms: i64,
}

fn read(row: &AnyRow) -> Result<Shop, StorageError> {
    Ok(Shop {
        id: row.col("id")?,
        name: row.col("name")?,
        locale: row.col("locale")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// Makes a shop, with its first policy: a person reads everything.
pub async fn create(tx: &mut Tx, name: &str, locale: Lang) -> Result<Shop, StorageError> {
    let shop = Shop { id: ShopId(tx.new_id()), name: name.to_owned(), locale, created_at_ms: tx.now_ms() };
    sqlx::query("insert into shops (id, name, locale, created_at_ms) values ($1, $2, $3, $4)")
        .bind(shop.id)
        .bind(name)
        .bind(locale)
        .bind(shop.created_at_ms)
        .execute(tx.connection())
        .await?;
    let first = NewPolicy { policy: &Policy::review_everything(), author: None, note: "first", based_on: None };
    append(tx, shop.id, &first).await?;
    Ok(shop)
}

/// One shop.
pub async fn get(db: &Db, shop: ShopId) -> Result<Option<Shop>, StorageError> {
    let row = sqlx::query("select id, name, locale, created_at_ms from shops where id = $1")
        .bind(shop)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Hosts that answers may link to: those that ops listed, and those that show the shop's widgets.
pub async fn link_hosts(db: &Db, shop: ShopId) -> Result<Vec<String>, StorageError> {
    let mut hosts = listed_hosts(db, shop).await?;
    for widget in widgets::list(db, shop).await? {
        hosts.extend(widget.form.allowed_origins.iter().filter_map(|origin| links::host_of(origin)));
    }
    Ok(hosts)
}

/// Hosts that ops listed.
pub async fn listed_hosts(db: &Db, shop: ShopId) -> Result<Vec<String>, StorageError> {
    let row = sqlx::query("select link_hosts from shops where id = $1").bind(shop).fetch_optional(&db.readers).await?;
    row.map_or_else(|| Ok(vec![]), |row| row.json("link_hosts"))
}

/// Lists other hosts.
pub async fn set_listed_hosts(tx: &mut Tx, shop: ShopId, hosts: &[String]) -> Result<bool, StorageError> {
    let done = sqlx::query("update shops set link_hosts = $2 where id = $1")
        .bind(shop)
        .bind(Json(hosts))
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether those who set the rules must have a second factor.
pub async fn needs_second_factor(db: &Db, shop: ShopId) -> Result<bool, StorageError> {
    let row = sqlx::query("select needs_second_factor from shops where id = $1")
        .bind(shop)
        .fetch_optional(&db.readers)
        .await?;
    row.map_or(Ok(false), |row| row.flag("needs_second_factor"))
}

/// Demands a second factor of those who set the rules, or does not any more.
pub async fn set_needs_second_factor(tx: &mut Tx, shop: ShopId, needs: bool) -> Result<bool, StorageError> {
    let done = sqlx::query("update shops set needs_second_factor = $2 where id = $1")
        .bind(shop)
        .bind(i64::from(needs))
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether personal data in imported questions is masked before they are kept.
pub async fn masks_imports(db: &Db, shop: ShopId) -> Result<bool, StorageError> {
    let row =
        sqlx::query("select mask_imports from shops where id = $1").bind(shop).fetch_optional(&db.readers).await?;
    // What is not known is masked.
    row.map_or(Ok(true), |row| row.flag("mask_imports"))
}

/// Masks it from now on, or does not.
pub async fn set_masks_imports(tx: &mut Tx, shop: ShopId, masks: bool) -> Result<bool, StorageError> {
    let done = sqlx::query("update shops set mask_imports = $2 where id = $1")
        .bind(shop)
        .bind(i64::from(masks))
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// All shops, oldest first.
pub async fn list(db: &Db) -> Result<Vec<Shop>, StorageError> {
    let rows = sqlx::query("select id, name, locale, created_at_ms from shops order by created_at_ms, id")
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

/// Renames a shop.
pub async fn set_name(tx: &mut Tx, shop: ShopId, name: &str) -> Result<bool, StorageError> {
    let done =
        sqlx::query("update shops set name = $2 where id = $1").bind(shop).bind(name).execute(tx.connection()).await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn a_shop_can_be_renamed_and_starts_with_a_careful_policy() {
        for Scratch { db, .. } in scratches().await {
            let id = shop(&db).await;
            let mut tx = db.begin().await.unwrap();
            assert!(set_name(&mut tx, id, "新店").await.unwrap());
            assert!(!set_name(&mut tx, ShopId(uuid::Uuid::nil()), "none").await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(get(&db, id).await.unwrap().unwrap().name, "新店");
            assert_eq!(get(&db, ShopId(uuid::Uuid::nil())).await.unwrap(), None);
            let policy = super::super::policies::current(&db, id).await.unwrap();
            assert_eq!((policy.number, policy.policy), (1, Policy::review_everything()));
        }
    }
}
