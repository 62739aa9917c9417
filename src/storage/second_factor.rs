//! The second factor of an account: a shared key, the step that was last used, and recovery codes by their hashes.
//!
//! # Why
//! No shop in the arguments: an account is known by its session or its login, which name it. A code is good once, so
//! that one seen over a shoulder opens nothing.

use super::accounts::{Account, Role};
use super::columns::Columns;
use super::seal::Place;
use super::secrets::{TOTP_PENDING, TOTP_SECRET};
use super::{Db, StorageError, Tx, shops};
use crate::domain::ids::{AccountId, ShopId};

/// What an account has set up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecondFactor {
    /// The key that codes are made of, in base32; `None` if there is no second factor.
    pub secret: Option<String>,
    /// One that is being set up.
    pub pending: Option<String>,
    /// Recovery codes that are left.
    pub n_recovery_codes: u32,
}

/// What `account` has set up.
pub async fn of(db: &Db, account: AccountId) -> Result<SecondFactor, StorageError> {
    let row = sqlx::query(
        "select totp_secret, totp_pending, (select count(*) from recovery_codes r where r.account_id = accounts.id) \
         as n from accounts where id = $1",
    )
    .bind(account)
    .fetch_optional(&db.readers)
    .await?;
    let Some(row) = row else { return Ok(SecondFactor::default()) };
    let open = |name: &str, column| {
        let stored: Option<String> = row.col(name)?;
        stored.map(|text| db.keys.open(&text, Place { column, id: account.0 })).transpose()
    };
    Ok(SecondFactor {
        secret: open("totp_secret", TOTP_SECRET)?,
        pending: open("totp_pending", TOTP_PENDING)?,
        n_recovery_codes: row.number("n")?,
    })
}

/// Whether the shop demands one of `account`, and it has none.
pub async fn is_missing(db: &Db, account: &Account) -> Result<bool, StorageError> {
    let is_demanded = account.role.sets_rules() && shops::needs_second_factor(db, account.shop).await?;
    Ok(is_demanded && of(db, account.id).await?.secret.is_none())
}

/// How many of those who set the rules have none.
pub async fn n_without(db: &Db, shop: ShopId) -> Result<u32, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from accounts \
         where shop_id = $1 and totp_secret is null and disabled = 0 and role in ($2, $3)",
    )
    .bind(shop)
    .bind(Role::Ops)
    .bind(Role::Owner)
    .fetch_one(&db.readers)
    .await?;
    row.number("n")
}

/// Begins to set one up; an older beginning is forgotten, one that is in use stays in use.
pub async fn begin(tx: &mut Tx, account: AccountId, secret: &str) -> Result<(), StorageError> {
    let sealed = tx.keys.seal(secret, Place { column: TOTP_PENDING, id: account.0 })?;
    sqlx::query("update accounts set totp_pending = $2 where id = $1")
        .bind(account)
        .bind(sealed)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Puts the one that was begun into use; false if none was, or another one than `secret`.
pub async fn enable(tx: &mut Tx, account: AccountId, (secret, step): (&str, i64)) -> Result<bool, StorageError> {
    let row = sqlx::query("select totp_pending from accounts where id = $1")
        .bind(account)
        .fetch_optional(tx.connection())
        .await?;
    let begun: Option<String> = row.map_or(Ok(None), |row| row.col("totp_pending"))?;
    let Some(begun) = begun else { return Ok(false) };
    if tx.keys.open(&begun, Place { column: TOTP_PENDING, id: account.0 })? != secret {
        return Ok(false);
    }
    let sealed = tx.keys.seal(secret, Place { column: TOTP_SECRET, id: account.0 })?;
    let done = sqlx::query(
        "update accounts set totp_secret = $2, totp_pending = null, totp_last_step = $3 \
         where id = $1 and totp_pending = $4",
    )
    .bind(account)
    .bind(sealed)
    .bind(step)
    .bind(begun)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets one that is being set up; one that is in use stays in use.
pub(super) async fn give_up(tx: &mut Tx, account: AccountId) -> Result<(), StorageError> {
    sqlx::query("update accounts set totp_pending = null where id = $1").bind(account).execute(tx.connection()).await?;
    Ok(())
}

/// Takes it away, with its recovery codes.
pub async fn remove(tx: &mut Tx, account: AccountId) -> Result<(), StorageError> {
    sqlx::query("update accounts set totp_secret = null, totp_pending = null where id = $1")
        .bind(account)
        .execute(tx.connection())
        .await?;
    set_recovery_codes(tx, account, &[]).await
}

/// Uses up the code of a step; false if it, or a later one, was used before.
pub async fn take_step(tx: &mut Tx, account: AccountId, step: i64) -> Result<bool, StorageError> {
    let done = sqlx::query("update accounts set totp_last_step = $2 where id = $1 and totp_last_step < $2")
        .bind(account)
        .bind(step)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the recovery codes.
pub async fn set_recovery_codes(tx: &mut Tx, account: AccountId, hashes: &[String]) -> Result<(), StorageError> {
    sqlx::query("delete from recovery_codes where account_id = $1").bind(account).execute(tx.connection()).await?;
    for hash in hashes {
        sqlx::query("insert into recovery_codes (code_hash, account_id) values ($1, $2)")
            .bind(hash)
            .bind(account)
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

/// Uses up a recovery code; false if there is no such code.
pub async fn take_recovery_code(tx: &mut Tx, account: AccountId, hash: &str) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from recovery_codes where account_id = $1 and code_hash = $2")
        .bind(account)
        .bind(hash)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::super::accounts::{self, NewAccount};
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn a_key_is_in_use_when_it_was_confirmed_and_each_code_is_good_once() {
        for Scratch { db, .. } in scratches().await {
            let shop = shop(&db).await;
            let mut tx = db.begin().await.unwrap();
            let new = NewAccount { email: "a@b.example", name: "A", role: Role::Agent, password_hash: "" };
            let account = accounts::create(&mut tx, shop, &new).await.unwrap().id;
            begin(&mut tx, account, "old").await.unwrap();
            begin(&mut tx, account, "new").await.unwrap();
            assert!(!enable(&mut tx, account, ("old", 7)).await.unwrap());
            assert!(enable(&mut tx, account, ("new", 7)).await.unwrap());
            assert!(!take_step(&mut tx, account, 7).await.unwrap(), "used to confirm it");
            assert!(take_step(&mut tx, account, 8).await.unwrap());
            assert!(!take_step(&mut tx, account, 8).await.unwrap());
            set_recovery_codes(&mut tx, account, &["x".into(), "y".into()]).await.unwrap();
            assert!(take_recovery_code(&mut tx, account, "x").await.unwrap());
            assert!(!take_recovery_code(&mut tx, account, "x").await.unwrap());
            tx.commit().await.unwrap();
            let seen = of(&db, account).await.unwrap();
            assert_eq!((seen.secret.as_deref(), seen.pending, seen.n_recovery_codes), (Some("new"), None, 1));
            let mut tx = db.begin().await.unwrap();
            remove(&mut tx, account).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(of(&db, account).await.unwrap(), SecondFactor::default());
        }
    }
}
