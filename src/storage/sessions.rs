//! Who is logged in, and who may set a password. Only hashes of tokens are stored: a copy of the database opens
//! nothing.

use super::accounts::{Account, read};
use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::ids::AccountId;

/// A session that was not used for so long is over.
pub const IDLE_MS: i64 = 12 * 60 * 60 * 1000;
/// Use is noted to the minute: a write for every request would cost a disk flush each.
const TOUCH_EVERY_MS: i64 = 60 * 1000;

/// Starts a session that ends after `lifetime_ms`, however much it is used.
pub async fn create(tx: &mut Tx, account: AccountId, token_hash: &str, lifetime_ms: i64) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "insert into sessions (token_hash, account_id, created_at_ms, seen_at_ms, expires_at_ms) \
         values ($1, $2, $3, $3, $4)",
    )
    .bind(token_hash)
    .bind(account)
    .bind(now_ms)
    .bind(now_ms.saturating_add(lifetime_ms))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whose session it is, noting that it was used; `None` if it is over, unknown, or its account is disabled.
pub async fn lookup(db: &Db, token_hash: &str) -> Result<Option<Account>, StorageError> {
    let now_ms = db.now_ms();
    let row = sqlx::query(
        "select a.id, a.shop_id, a.email, a.name, a.role, a.disabled, a.created_at_ms, s.seen_at_ms \
         from sessions s join accounts a on a.id = s.account_id \
         where s.token_hash = $1 and s.expires_at_ms > $2 and s.seen_at_ms > $3 and a.disabled = 0",
    )
    .bind(token_hash)
    .bind(now_ms)
    .bind(now_ms - IDLE_MS)
    .fetch_optional(&db.readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.col::<i64>("seen_at_ms")? <= now_ms - TOUCH_EVERY_MS {
        sqlx::query("update sessions set seen_at_ms = $2 where token_hash = $1 and seen_at_ms < $2")
            .bind(token_hash)
            .bind(now_ms)
            .execute(&db.writer)
            .await?;
    }
    Ok(Some(read(&row)?))
}

/// Ends a session.
pub async fn revoke(tx: &mut Tx, token_hash: &str) -> Result<bool, StorageError> {
    let done =
        sqlx::query("delete from sessions where token_hash = $1").bind(token_hash).execute(tx.connection()).await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sessions of an account; says how many.
pub async fn revoke_all(tx: &mut Tx, account: AccountId) -> Result<u64, StorageError> {
    let done = sqlx::query("delete from sessions where account_id = $1").bind(account).execute(tx.connection()).await?;
    Ok(done.rows_affected())
}

/// Lets whoever holds the token set the password of `account`, once, until `expires_at_ms`.
pub async fn create_password_token(
    tx: &mut Tx,
    account: AccountId,
    token_hash: &str,
    expires_at_ms: i64,
) -> Result<(), StorageError> {
    sqlx::query("insert into password_tokens (token_hash, account_id, expires_at_ms) values ($1, $2, $3)")
        .bind(token_hash)
        .bind(account)
        .bind(expires_at_ms)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Takes the token out of the world and says whose password may be set now. All other tokens of the account die with
/// it: who set a password must not find it changed by an older invitation.
pub async fn redeem_password_token(tx: &mut Tx, token_hash: &str) -> Result<Option<AccountId>, StorageError> {
    let now_ms = tx.now_ms();
    let row =
        sqlx::query("delete from password_tokens where token_hash = $1 and expires_at_ms > $2 returning account_id")
            .bind(token_hash)
            .bind(now_ms)
            .fetch_optional(tx.connection())
            .await?;
    let Some(row) = row else { return Ok(None) };
    let account: AccountId = row.col("account_id")?;
    sqlx::query("delete from password_tokens where account_id = $1").bind(account).execute(tx.connection()).await?;
    Ok(Some(account))
}

/// Forgets sessions and tokens that are over; says how many.
pub async fn remove_expired(tx: &mut Tx) -> Result<u64, StorageError> {
    let now_ms = tx.now_ms();
    let sessions = sqlx::query("delete from sessions where expires_at_ms <= $1 or seen_at_ms <= $2")
        .bind(now_ms)
        .bind(now_ms - IDLE_MS)
        .execute(tx.connection())
        .await?;
    let tokens = sqlx::query("delete from password_tokens where expires_at_ms <= $1")
        .bind(now_ms)
        .execute(tx.connection())
        .await?;
    Ok(sessions.rows_affected() + tokens.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::super::accounts::{self, NewAccount, Role};
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    const HOUR_MS: i64 = 60 * 60 * 1000;

    async fn account(db: &Db) -> Account {
        let shop = shop(db).await;
        let mut tx = db.begin().await.unwrap();
        let new = NewAccount { email: "a@b.example", name: "A", role: Role::Agent, password_hash: "" };
        let account = accounts::create(&mut tx, shop, &new).await.unwrap();
        create(&mut tx, account.id, "token", 24 * HOUR_MS).await.unwrap();
        tx.commit().await.unwrap();
        account
    }

    #[tokio::test]
    async fn a_session_lives_by_use_and_dies_by_age() {
        for Scratch { db, clock, .. } in scratches().await {
            let account = account(&db).await;
            for _ in 0..2 {
                clock.advance(11 * HOUR_MS);
                assert_eq!(lookup(&db, "token").await.unwrap().as_ref(), Some(&account));
            }
            clock.advance(2 * HOUR_MS);
            assert_eq!(lookup(&db, "token").await.unwrap(), None, "24 hours are over");
        }
    }

    #[tokio::test]
    async fn an_idle_session_is_over() {
        for Scratch { db, clock, .. } in scratches().await {
            account(&db).await;
            clock.advance(IDLE_MS);
            assert_eq!(lookup(&db, "token").await.unwrap(), None);
            let mut tx = db.begin().await.unwrap();
            assert_eq!(remove_expired(&mut tx).await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn a_disabled_account_is_logged_out() {
        for Scratch { db, .. } in scratches().await {
            let account = account(&db).await;
            let mut tx = db.begin().await.unwrap();
            accounts::set_disabled(&mut tx, account.shop, account.id, true).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(lookup(&db, "token").await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn revoking_ends_one_or_all() {
        for Scratch { db, .. } in scratches().await {
            let account = account(&db).await;
            let mut tx = db.begin().await.unwrap();
            create(&mut tx, account.id, "second", HOUR_MS).await.unwrap();
            create(&mut tx, account.id, "third", HOUR_MS).await.unwrap();
            assert!(revoke(&mut tx, "token").await.unwrap());
            assert!(!revoke(&mut tx, "token").await.unwrap());
            assert_eq!(revoke_all(&mut tx, account.id).await.unwrap(), 2);
        }
    }

    #[tokio::test]
    async fn a_password_token_works_once_and_in_time() {
        for Scratch { db, clock, .. } in scratches().await {
            let account = account(&db).await.id;
            let mut tx = db.begin().await.unwrap();
            let expires_at_ms = tx.now_ms() + HOUR_MS;
            for token in ["first", "second"] {
                create_password_token(&mut tx, account, token, expires_at_ms).await.unwrap();
            }
            assert_eq!(redeem_password_token(&mut tx, "first").await.unwrap(), Some(account));
            assert_eq!(redeem_password_token(&mut tx, "first").await.unwrap(), None);
            assert_eq!(redeem_password_token(&mut tx, "second").await.unwrap(), None, "an older invitation is dead");
            create_password_token(&mut tx, account, "late", expires_at_ms).await.unwrap();
            clock.advance(HOUR_MS);
            assert_eq!(redeem_password_token(&mut tx, "late").await.unwrap(), None);
        }
    }
}
