//! The audit log: who changed what. Written in the transaction of the change, never changed afterwards.

use serde_json::Value;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, ShopId};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Identity.
    pub id: Uuid,
    /// Who; nobody for the command line.
    pub account: Option<AccountId>,
    /// What was done: a stable code such as `policy.append`.
    pub action: String,
    /// To what: an id, or a name.
    pub subject: String,
    /// Whatever else is worth knowing; never a buyer's text.
    pub detail: Value,
    /// When.
    pub created_at_ms: i64,
}

/// A change to be noted.
#[derive(Debug, Clone, Copy)]
pub struct NewAuditEntry<'a> {
    /// Who; nobody for the command line.
    pub account: Option<AccountId>,
    /// What was done: a stable code such as `policy.append`.
    pub action: &'a str,
    /// To what: an id, or a name.
    pub subject: &'a str,
    /// Whatever else is worth knowing; never a buyer's text.
    pub detail: &'a Value,
}

fn read(row: &AnyRow) -> Result<AuditEntry, StorageError> {
    let id: String = row.col("id")?;
    Ok(AuditEntry {
        id: id.parse().map_err(|_| StorageError::Damaged { what: "an audit entry's id".into() })?,
        account: row.col("account_id")?,
        action: row.col("action")?,
        subject: row.col("subject")?,
        detail: row.json("detail")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// Notes a change.
pub async fn append(tx: &mut Tx, shop: ShopId, new: &NewAuditEntry<'_>) -> Result<(), StorageError> {
    let (id, now_ms) = (tx.new_id().to_string(), tx.now_ms());
    sqlx::query(
        "insert into audit_log (id, shop_id, account_id, action, subject, detail, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(shop)
    .bind(new.account)
    .bind(new.action)
    .bind(new.subject)
    .bind(Json(new.detail))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The shop's changes made before `before_ms`, newest first.
pub async fn list(db: &Db, shop: ShopId, before_ms: i64, limit: u32) -> Result<Vec<AuditEntry>, StorageError> {
    let rows = sqlx::query(
        "select id, account_id, action, subject, detail, created_at_ms from audit_log \
         where shop_id = $1 and created_at_ms < $2 order by created_at_ms desc, id desc limit $3",
    )
    .bind(shop)
    .bind(before_ms)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn the_log_is_newest_first_and_stays_in_its_shop() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let mut tx = db.begin().await.unwrap();
            for subject in ["first", "second"] {
                clock.advance(1);
                let detail = json!({ "bar": 0.8 });
                let new = NewAuditEntry { account: None, action: "policy.append", subject, detail: &detail };
                append(&mut tx, mine, &new).await.unwrap();
            }
            tx.commit().await.unwrap();
            let log = list(&db, mine, i64::MAX, 10).await.unwrap();
            assert_eq!(log.iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), ["second", "first"]);
            assert_eq!(log[0].detail, json!({ "bar": 0.8 }));
            assert_eq!(list(&db, mine, log[0].created_at_ms, 10).await.unwrap(), log[1..]);
            assert_eq!(list(&db, other, i64::MAX, 10).await.unwrap(), []);
        }
    }
}
