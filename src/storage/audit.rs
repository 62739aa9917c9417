//! The audit log: who changed what. Written in the transaction of the change, never changed afterwards.
//!
//! # Why
//! Each entry holds the hash of the one before it, and a head holds the last hash and how many entries there are. Who
//! changes, removes or inserts an entry has to rewrite all that follow and the head; with a head that was printed or
//! kept elsewhere, even that shows. [`verify`] walks the chain.

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::encoding::HEX;
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

/// What the hash of an entry is made of, in this order. A list in JSON: no value can run into the next one.
#[derive(serde::Serialize)]
struct Sealed<'a>(&'a str, i64, &'a str, Option<&'a str>, &'a str, &'a str, &'a str, i64);

impl Sealed<'_> {
    fn hash(&self) -> Result<String, StorageError> {
        let text = serde_json::to_string(self)
            .map_err(|_| StorageError::Damaged { what: "an audit entry that cannot be written down".into() })?;
        Ok(HEX.encode(&Sha256::digest(text.as_bytes())))
    }
}

/// What stands before the first entry of a shop.
fn root(shop: ShopId) -> String {
    HEX.encode(&Sha256::digest(format!("kefu audit {shop}").as_bytes()))
}

/// Notes a change, at the end of the shop's chain.
pub async fn append(tx: &mut Tx, shop: ShopId, new: &NewAuditEntry<'_>) -> Result<(), StorageError> {
    let (id, now_ms) = (tx.new_id().to_string(), tx.now_ms());
    let (number, previous) = next_place(tx, shop).await?;
    let account = new.account.map(|account| account.to_string());
    let detail = serde_json::to_string(new.detail)
        .map_err(|_| StorageError::Damaged { what: "an audit entry's detail".into() })?;
    let sealed = Sealed(&previous, number, &id, account.as_deref(), new.action, new.subject, &detail, now_ms);
    let hash = sealed.hash()?;
    sqlx::query(
        "insert into audit_log (id, shop_id, account_id, action, subject, detail, created_at_ms, number, \
         previous_hash, hash) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(id)
    .bind(shop)
    .bind(new.account)
    .bind(new.action)
    .bind(new.subject)
    .bind(detail)
    .bind(now_ms)
    .bind(number)
    .bind(previous)
    .bind(&hash)
    .execute(tx.connection())
    .await?;
    sqlx::query("update audit_heads set hash = $2 where shop_id = $1")
        .bind(shop)
        .bind(hash)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The number of the next entry and the hash of the last one. Locks the head: of two writers the second waits.
async fn next_place(tx: &mut Tx, shop: ShopId) -> Result<(i64, String), StorageError> {
    let row = sqlx::query(
        "insert into audit_heads (shop_id, number, hash) values ($1, 1, $2) \
         on conflict (shop_id) do update set number = audit_heads.number + 1 returning number, hash",
    )
    .bind(shop)
    .bind(root(shop))
    .fetch_one(tx.connection())
    .await?;
    Ok((row.col("number")?, row.col("hash")?))
}

/// What walking the chain of a shop found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Verified {
    /// Entries in the chain.
    pub n_entries: i64,
    /// Entries from before there was a chain.
    pub n_unchained: i64,
    /// Hash of the last entry, to be kept elsewhere.
    pub head: String,
    /// The first entry that does not fit, and why; nothing if all do.
    pub broken: Option<BrokenChain>,
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct BrokenChain {
    /// Number of the entry.
    pub number: i64,
    /// `changed`, `missing`, or `head` if the entries hold together but do not end where they should.
    pub problem: &'static str,
}

/// Entries read at a time.
const BATCH: i64 = 1000;

/// Walks a shop's chain from its beginning.
pub async fn verify(db: &Db, shop: ShopId) -> Result<Verified, StorageError> {
    let head = sqlx::query("select number, hash from audit_heads where shop_id = $1")
        .bind(shop)
        .fetch_optional(&db.readers)
        .await?;
    let (n_expected, head) = match &head {
        Some(row) => (row.col("number")?, row.col("hash")?),
        None => (0, root(shop)),
    };
    let unchained = sqlx::query("select count(*) as n from audit_log where shop_id = $1 and number is null")
        .bind(shop)
        .fetch_one(&db.readers)
        .await?;
    let (mut number, mut hash) = (0, root(shop));
    let found = |n_entries, broken| -> Result<Verified, StorageError> {
        Ok(Verified { n_entries, n_unchained: unchained.col("n")?, head: head.clone(), broken })
    };
    loop {
        let rows = sqlx::query(
            "select number, previous_hash, hash, id, account_id, action, subject, detail, created_at_ms \
             from audit_log where shop_id = $1 and number > $2 order by number limit $3",
        )
        .bind(shop)
        .bind(number)
        .bind(BATCH)
        .fetch_all(&db.readers)
        .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            if row.col::<i64>("number")? != number + 1 {
                return found(number, Some(BrokenChain { number: number + 1, problem: "missing" }));
            }
            number += 1;
            let stored: String = row.col("hash")?;
            if row.col::<String>("previous_hash")? != hash || reseal(row)? != stored {
                return found(number, Some(BrokenChain { number, problem: "changed" }));
            }
            hash = stored;
        }
    }
    // An entry may have been added since the head was read.
    let ends_well = number >= n_expected && (number > n_expected || hash == head);
    let problem = if number < n_expected { "missing" } else { "head" };
    found(number, (!ends_well).then_some(BrokenChain { number: number + 1, problem }))
}

fn reseal(row: &AnyRow) -> Result<String, StorageError> {
    let (previous, id): (String, String) = (row.col("previous_hash")?, row.col("id")?);
    let account: Option<String> = row.col("account_id")?;
    let (action, subject, detail): (String, String, String) =
        (row.col("action")?, row.col("subject")?, row.col("detail")?);
    let (number, created_at_ms) = (row.col("number")?, row.col("created_at_ms")?);
    Sealed(&previous, number, &id, account.as_deref(), &action, &subject, &detail, created_at_ms).hash()
}

/// The shop's changes made before `before_ms`, newest first.
pub async fn list(db: &Db, shop: ShopId, before_ms: i64, limit: u32) -> Result<Vec<AuditEntry>, StorageError> {
    let rows = sqlx::query(
        "select id, account_id, action, subject, detail, created_at_ms from audit_log \
         where shop_id = $1 and created_at_ms < $2 \
         order by created_at_ms desc, coalesce(number, 0) desc, id desc limit $3",
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

    async fn three_entries(db: &Db, shop: ShopId) {
        for subject in ["first", "second", "third"] {
            let mut tx = db.begin().await.unwrap();
            let detail = json!({ "bar": 0.8, "note": "价格" });
            let new = NewAuditEntry { account: None, action: "policy.append", subject, detail: &detail };
            append(&mut tx, shop, &new).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn every_tampering_with_the_chain_shows() {
        let tamperings = [
            ("update audit_log set subject = 'other' where number = 2", 2, "changed"),
            ("update audit_log set detail = '{\"bar\":0.1}' where number = 3", 3, "changed"),
            ("update audit_log set created_at_ms = 1 where number = 1", 1, "changed"),
            ("delete from audit_log where number = 2", 2, "missing"),
            ("delete from audit_log where number = 3", 3, "missing"),
            ("update audit_log set hash = 'x' where number = 3", 3, "changed"),
            ("update audit_heads set hash = 'x'", 4, "head"),
        ];
        for (sql, number, problem) in tamperings {
            for Scratch { db, .. } in scratches().await {
                let mine = shop(&db).await;
                three_entries(&db, mine).await;
                let before = verify(&db, mine).await.unwrap();
                assert_eq!((before.n_entries, before.n_unchained, &before.broken), (3, 0, &None));
                let mut tx = db.begin().await.unwrap();
                sqlx::query(sql).execute(tx.connection()).await.unwrap();
                tx.commit().await.unwrap();
                let after = verify(&db, mine).await.unwrap();
                assert_eq!(after.broken, Some(BrokenChain { number, problem }), "{sql}");
            }
        }
    }

    #[tokio::test]
    async fn chains_of_shops_are_apart_and_what_is_undone_leaves_no_gap() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            three_entries(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            let detail = json!({});
            let new = NewAuditEntry { account: None, action: "undone", subject: "", detail: &detail };
            append(&mut tx, mine, &new).await.unwrap();
            drop(tx);
            three_entries(&db, other).await;
            three_entries(&db, mine).await;
            let (mine, other) = (verify(&db, mine).await.unwrap(), verify(&db, other).await.unwrap());
            assert_eq!((mine.n_entries, mine.broken, other.n_entries, other.broken), (6, None, 3, None));
            assert_ne!(mine.head, other.head);
        }
    }
}
