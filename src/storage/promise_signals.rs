//! The signs about proofs in force, as they were last read.

use serde_json::Value;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{CertificateId, ShopId};

/// What was last read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The signs.
    pub body: Value,
    /// Whether they raise the share that is audited.
    pub is_raised: bool,
    /// When they were read.
    pub read_at_ms: i64,
}

/// Keeps what was read in place of what was read before; false if the shop has no such proof.
pub async fn put(
    tx: &mut Tx,
    shop: ShopId,
    certificate: CertificateId,
    (body, is_raised): (&Value, bool),
) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "insert into promise_signals (certificate_id, shop_id, body, is_raised, read_at_ms) \
         select c.id, c.shop_id, $3, $4, $5 from certificates c where c.shop_id = $1 and c.id = $2 \
         on conflict (certificate_id) do update set body = excluded.body, is_raised = excluded.is_raised, \
         read_at_ms = excluded.read_at_ms",
    )
    .bind(shop)
    .bind(certificate)
    .bind(Json(body))
    .bind(i64::from(is_raised))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What was last read about a proof; none if nothing was.
pub async fn get(db: &Db, shop: ShopId, certificate: CertificateId) -> Result<Option<Read>, StorageError> {
    let row = sqlx::query(
        "select body, is_raised, read_at_ms from promise_signals where shop_id = $1 and certificate_id = $2",
    )
    .bind(shop)
    .bind(certificate)
    .fetch_optional(&db.readers)
    .await?;
    row.map(|row| {
        Ok(Read { body: row.json("body")?, is_raised: row.flag("is_raised")?, read_at_ms: row.col("read_at_ms")? })
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::certificates::{self, NewCertificate};
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;
    use crate::domain::certificate::tests::terms;
    use crate::domain::dial::Scope;

    #[tokio::test]
    async fn the_newest_reading_counts_and_stays_in_its_shop() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let mut tx = db.begin().await.unwrap();
            let new = NewCertificate { scope: &Scope::Shop, terms: &terms(), author: None, note: "" };
            let proof = certificates::issue(&mut tx, mine, &new).await.unwrap();
            assert!(!put(&mut tx, other, proof, (&json!({}), true)).await.unwrap(), "not their proof");
            assert!(put(&mut tx, mine, proof, (&json!({ "psi": 0.1 }), false)).await.unwrap());
            clock.advance(5);
            assert!(put(&mut tx, mine, proof, (&json!({ "psi": 0.5 }), true)).await.unwrap());
            tx.commit().await.unwrap();
            let read = get(&db, mine, proof).await.unwrap().unwrap();
            assert_eq!((read.body, read.is_raised), (json!({ "psi": 0.5 }), true));
            assert_eq!(get(&db, other, proof).await.unwrap(), None);
        }
    }
}
