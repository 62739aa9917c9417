//! Certificates: proofs of promises, written once.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::policies::{Hold, hold};
use super::{Db, StorageError, Tx};
use crate::domain::certificate::{Certificate, LIFETIME_MS, Terms, VoidReason, Voided};
use crate::domain::dial::Scope;
use crate::domain::golden;
use crate::domain::ids::{AccountId, CertificateId, ShopId};

/// A proof to be.
#[derive(Debug, Clone, Copy)]
pub struct NewCertificate<'a> {
    /// For what part of the traffic.
    pub scope: &'a Scope,
    /// What was proven.
    pub terms: &'a Terms,
    /// Who asked for it.
    pub author: Option<AccountId>,
    /// Why.
    pub note: &'a str,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, scope, terms, author_id, note, created_at_ms, expires_at_ms, voided_at_ms, voided_why, ",
            "voided_by from certificates ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Certificate, StorageError> {
    let voided = match (row.col::<Option<i64>>("voided_at_ms")?, row.col::<Option<VoidReason>>("voided_why")?) {
        (Some(at_ms), Some(why)) => Some(Voided { at_ms, why, by: row.col("voided_by")? }),
        _ => None,
    };
    Ok(Certificate {
        id: row.col("id")?,
        scope: row.col("scope")?,
        terms: row.json("terms")?,
        author: row.col("author_id")?,
        note: row.col("note")?,
        created_at_ms: row.col("created_at_ms")?,
        expires_at_ms: row.col("expires_at_ms")?,
        voided,
    })
}

/// Puts a proof in force in place of the one before it.
pub async fn issue(tx: &mut Tx, shop: ShopId, new: &NewCertificate<'_>) -> Result<CertificateId, StorageError> {
    hold(tx, shop, Hold::ToChange).await?;
    let (id, now_ms) = (CertificateId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "update certificates set voided_at_ms = $3, voided_why = $4, voided_by = $5 \
         where shop_id = $1 and scope = $2 and voided_at_ms is null",
    )
    .bind(shop)
    .bind(new.scope)
    .bind(now_ms)
    .bind(VoidReason::Replaced)
    .bind(new.author)
    .execute(tx.connection())
    .await?;
    sqlx::query(
        "insert into certificates (id, shop_id, scope, terms, author_id, note, created_at_ms, expires_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(shop)
    .bind(new.scope)
    .bind(Json(new.terms))
    .bind(new.author)
    .bind(new.note)
    .bind(now_ms)
    .bind(now_ms + LIFETIME_MS)
    .execute(tx.connection())
    .await?;
    Ok(id)
}

/// Ends a proof; false if there is none, or it has ended before.
pub async fn void(
    tx: &mut Tx,
    shop: ShopId,
    certificate: CertificateId,
    (why, by): (VoidReason, Option<AccountId>),
) -> Result<bool, StorageError> {
    hold(tx, shop, Hold::ToChange).await?;
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update certificates set voided_at_ms = $3, voided_why = $4, voided_by = $5 \
         where shop_id = $1 and id = $2 and voided_at_ms is null",
    )
    .bind(shop)
    .bind(certificate)
    .bind(now_ms)
    .bind(why)
    .bind(by)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One proof.
pub async fn get(db: &Db, shop: ShopId, certificate: CertificateId) -> Result<Option<Certificate>, StorageError> {
    let row = sqlx::query(select!("where shop_id = $1 and id = $2"))
        .bind(shop)
        .bind(certificate)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The newest proof of a part of the traffic, in force or not.
pub async fn newest(db: &Db, shop: ShopId, scope: &Scope) -> Result<Option<Certificate>, StorageError> {
    let row = sqlx::query(select!("where shop_id = $1 and scope = $2 order by created_at_ms desc, id desc limit 1"))
        .bind(shop)
        .bind(scope)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The same, as the unit of work sees it.
pub async fn newest_in(tx: &mut Tx, shop: ShopId, scope: &Scope) -> Result<Option<Certificate>, StorageError> {
    let row = sqlx::query(select!("where shop_id = $1 and scope = $2 order by created_at_ms desc, id desc limit 1"))
        .bind(shop)
        .bind(scope)
        .fetch_optional(tx.connection())
        .await?;
    row.as_ref().map(read).transpose()
}

/// The newest proofs, of one part of the traffic or of all.
pub async fn list(db: &Db, shop: ShopId, scope: Option<&Scope>, limit: u32) -> Result<Vec<Certificate>, StorageError> {
    let rows = sqlx::query(select!(
        "where shop_id = $1 and ($2 = '' or scope = $2) order by created_at_ms desc, id desc limit $3"
    ))
    .bind(shop)
    .bind(scope.map(Scope::to_string).unwrap_or_default())
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// When the watch last ended a proof of this part of the traffic: what was asked before says nothing any more.
pub async fn last_alarm_ms(db: &Db, shop: ShopId, scope: &Scope) -> Result<Option<i64>, StorageError> {
    let row = sqlx::query(
        "select max(voided_at_ms) as at_ms from certificates \
         where shop_id = $1 and scope = $2 and voided_why = 'alarm'",
    )
    .bind(shop)
    .bind(scope)
    .fetch_one(&db.readers)
    .await?;
    row.col("at_ms")
}

/// When the watch last ended a proof of each topic: its rows before that say nothing about the shop's promise either.
pub async fn last_topic_alarms(db: &Db, shop: ShopId) -> Result<BTreeMap<String, i64>, StorageError> {
    let rows = sqlx::query(
        "select scope, max(voided_at_ms) as at_ms from certificates \
         where shop_id = $1 and voided_why = 'alarm' group by scope",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    let mut alarms = BTreeMap::new();
    for row in &rows {
        if let Scope::Topic(topic) = row.col("scope")? {
            alarms.insert(topic, row.col("at_ms")?);
        }
    }
    Ok(alarms)
}

/// Answers sent under a proof.
pub async fn n_sent(db: &Db, shop: ShopId, certificate: CertificateId) -> Result<u32, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from bases b join turns t on t.id = b.turn_id \
         where b.certificate_id = $2 and t.shop_id = $1 and t.decision = 'auto_send' \
         and (t.citations <> '[]' or t.topic = $3)",
    )
    .bind(shop)
    .bind(certificate)
    .bind(golden::TOPIC)
    .fetch_one(&db.readers)
    .await?;
    row.number("n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;
    use crate::domain::certificate::tests::terms;

    #[tokio::test]
    async fn a_proof_is_written_once_and_only_its_end_is_added() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let (topic, terms) = (Scope::Topic("returns".into()), terms());
            let new = |scope| NewCertificate { scope, terms: &terms, author: None, note: "first" };
            let mut tx = db.begin().await.unwrap();
            let first = issue(&mut tx, mine, &new(&Scope::Shop)).await.unwrap();
            let of_topic = issue(&mut tx, mine, &new(&topic)).await.unwrap();
            clock.advance(5);
            let second = issue(&mut tx, mine, &new(&Scope::Shop)).await.unwrap();
            assert!(!void(&mut tx, other, second, (VoidReason::ByHand, None)).await.unwrap());
            tx.commit().await.unwrap();
            let replaced = get(&db, mine, first).await.unwrap().unwrap();
            assert!(replaced.is_voided_by(VoidReason::Replaced));
            let newest_now = newest(&db, mine, &Scope::Shop).await.unwrap().unwrap();
            assert_eq!((newest_now.id, &newest_now.terms, newest_now.voided), (second, &terms, None));
            assert_eq!(newest_now.expires_at_ms - newest_now.created_at_ms, LIFETIME_MS);
            assert_eq!(list(&db, mine, Some(&topic), 9).await.unwrap()[0].id, of_topic);
            assert_eq!(list(&db, mine, None, 9).await.unwrap().len(), 3);
            assert_eq!((get(&db, other, second).await.unwrap(), n_sent(&db, mine, second).await.unwrap()), (None, 0));
            let mut tx = db.begin().await.unwrap();
            assert!(void(&mut tx, mine, second, (VoidReason::Alarm, None)).await.unwrap());
            assert!(!void(&mut tx, mine, second, (VoidReason::ByHand, None)).await.unwrap(), "it ended before");
            tx.commit().await.unwrap();
            let ended = get(&db, mine, second).await.unwrap().unwrap();
            assert_eq!(Certificate { voided: None, ..ended.clone() }, newest_now, "nothing else has changed");
            assert_eq!(last_alarm_ms(&db, mine, &Scope::Shop).await.unwrap(), ended.voided.map(|voided| voided.at_ms));
            assert_eq!(last_alarm_ms(&db, mine, &topic).await.unwrap(), None);
            assert_eq!(last_topic_alarms(&db, mine).await.unwrap(), BTreeMap::new(), "the shop is no topic");
            clock.advance(1);
            let mut tx = db.begin().await.unwrap();
            assert!(void(&mut tx, mine, of_topic, (VoidReason::Alarm, None)).await.unwrap());
            tx.commit().await.unwrap();
            let at_ms = last_alarm_ms(&db, mine, &topic).await.unwrap().unwrap();
            assert_eq!(last_topic_alarms(&db, mine).await.unwrap(), BTreeMap::from([("returns".to_owned(), at_ms)]));
            assert_eq!(last_topic_alarms(&db, other).await.unwrap(), BTreeMap::new());
        }
    }
}
