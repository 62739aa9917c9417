//! Who is logged in, and who may set a password. Only hashes of tokens are stored: a copy of the database opens
//! nothing.

use sqlx::any::AnyRow;

use super::accounts::{Account, read};
use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, SessionId};

/// Use is noted to the minute: a write for every request would cost a disk flush each.
const TOUCH_EVERY_MS: i64 = 60 * 1000;

/// A session to be.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Hash of what the browser or script holds.
    pub token_hash: &'a str,
    /// It ends after so long, however much it is used.
    pub lifetime_ms: i64,
    /// It ends when it was not used for so long.
    pub idle_ms: i64,
    /// How long the password that was just given counts.
    pub confirmed_ms: i64,
    /// Where it came from.
    pub address: &'a str,
    /// What it came with: the browser's own words.
    pub agent: &'a str,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name; a session from before names were given has none.
    pub id: Option<SessionId>,
    /// What it is stored by.
    pub token_hash: String,
    /// When it began.
    pub created_at_ms: i64,
    /// When it was last used, to the minute.
    pub seen_at_ms: i64,
    /// When it ends in any case.
    pub expires_at_ms: i64,
    /// Until when no password is asked for what is dangerous.
    pub confirmed_until_ms: i64,
    /// Where it came from.
    pub address: String,
    /// What it came with.
    pub agent: String,
}

/// Starts a session of a script or a command: it ends after `lifetime_ms`, does not end by idling, and is never asked
/// for a password or a second factor, which it could not give.
pub async fn create(tx: &mut Tx, account: AccountId, token_hash: &str, lifetime_ms: i64) -> Result<(), StorageError> {
    let new =
        NewSession { token_hash, lifetime_ms, idle_ms: lifetime_ms, confirmed_ms: lifetime_ms, address: "", agent: "" };
    start(tx, account, &new).await?;
    sqlx::query("update sessions set by_command = 1 where token_hash = $1")
        .bind(token_hash)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Starts a session.
pub async fn start(tx: &mut Tx, account: AccountId, new: &NewSession<'_>) -> Result<(), StorageError> {
    let (id, now_ms) = (SessionId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "insert into sessions (token_hash, account_id, created_at_ms, seen_at_ms, expires_at_ms, id, idle_ms, \
         confirmed_until_ms, address, agent) values ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new.token_hash)
    .bind(account)
    .bind(now_ms)
    .bind(now_ms.saturating_add(new.lifetime_ms))
    .bind(id)
    .bind(new.idle_ms)
    .bind(now_ms.saturating_add(new.confirmed_ms))
    .bind(new.address)
    .bind(new.agent)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whose session it is, noting that it was used; `None` if it is over, unknown, or its account is disabled.
pub async fn lookup(db: &Db, token_hash: &str) -> Result<Option<Account>, StorageError> {
    Ok(find(db, token_hash).await?.map(|found| found.account))
}

/// A session that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whose it is.
    pub account: Account,
    /// Whether a password was given lately.
    pub is_confirmed: bool,
    /// Whether the shop demands a second factor of this account, and it has none.
    pub lacks_factor: bool,
}

/// As [`lookup`], with what the session may be used for.
pub async fn find(db: &Db, token_hash: &str) -> Result<Option<Found>, StorageError> {
    let now_ms = db.now_ms();
    let row = sqlx::query(
        "select a.id, a.shop_id, a.email, a.name, a.role, a.disabled, a.created_at_ms, s.seen_at_ms, \
         s.confirmed_until_ms, s.by_command, a.totp_secret, sh.needs_second_factor \
         from sessions s join accounts a on a.id = s.account_id join shops sh on sh.id = a.shop_id \
         where s.token_hash = $1 and s.expires_at_ms > $2 and s.seen_at_ms + s.idle_ms > $2 and a.disabled = 0",
    )
    .bind(token_hash)
    .bind(now_ms)
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
    let account = read(&row)?;
    let is_confirmed = row.col::<i64>("confirmed_until_ms")? > now_ms;
    let is_demanded = account.role.sets_rules() && row.flag("needs_second_factor")? && !row.flag("by_command")?;
    let lacks_factor = is_demanded && row.col::<Option<String>>("totp_secret")?.is_none();
    Ok(Some(Found { account, is_confirmed, lacks_factor }))
}

/// The sessions of an account that are not over, newest first.
pub async fn of_account(db: &Db, account: AccountId) -> Result<Vec<Session>, StorageError> {
    let rows = sqlx::query(
        "select id, token_hash, created_at_ms, seen_at_ms, expires_at_ms, confirmed_until_ms, address, agent \
         from sessions where account_id = $1 and expires_at_ms > $2 and seen_at_ms + idle_ms > $2 \
         order by created_at_ms desc, token_hash",
    )
    .bind(account)
    .bind(db.now_ms())
    .fetch_all(&db.readers)
    .await?;
    let session = |row: &AnyRow| {
        Ok(Session {
            id: row.col("id")?,
            token_hash: row.col("token_hash")?,
            created_at_ms: row.col("created_at_ms")?,
            seen_at_ms: row.col("seen_at_ms")?,
            expires_at_ms: row.col("expires_at_ms")?,
            confirmed_until_ms: row.col("confirmed_until_ms")?,
            address: row.col("address")?,
            agent: row.col("agent")?,
        })
    };
    rows.iter().map(session).collect()
}

/// Counts the password that was just given for so long.
pub async fn confirm(tx: &mut Tx, token_hash: &str, confirmed_ms: i64) -> Result<bool, StorageError> {
    let until_ms = tx.now_ms().saturating_add(confirmed_ms);
    let done = sqlx::query("update sessions set confirmed_until_ms = $2 where token_hash = $1")
        .bind(token_hash)
        .bind(until_ms)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a session of an account, by its name.
pub async fn revoke_named(tx: &mut Tx, account: AccountId, session: SessionId) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from sessions where account_id = $1 and id = $2")
        .bind(account)
        .bind(session)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sessions of an account but one; says how many.
pub async fn revoke_others(tx: &mut Tx, account: AccountId, kept_hash: &str) -> Result<u64, StorageError> {
    let done = sqlx::query("delete from sessions where account_id = $1 and token_hash <> $2")
        .bind(account)
        .bind(kept_hash)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected())
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

#[cfg(test)]
mod tests {
    use super::super::accounts::{self, NewAccount, Role};
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    const HOUR_MS: i64 = 60 * 60 * 1000;

    fn session(token_hash: &str) -> NewSession<'_> {
        NewSession {
            token_hash,
            lifetime_ms: 24 * HOUR_MS,
            idle_ms: 12 * HOUR_MS,
            confirmed_ms: HOUR_MS,
            address: "192.0.2.1",
            agent: "Browser",
        }
    }

    async fn account(db: &Db) -> Account {
        let shop = shop(db).await;
        let mut tx = db.begin().await.unwrap();
        let new = NewAccount { email: "a@b.example", name: "A", role: Role::Agent, password_hash: "" };
        let account = accounts::create(&mut tx, shop, &new).await.unwrap();
        start(&mut tx, account.id, &session("token")).await.unwrap();
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
            clock.advance(12 * HOUR_MS);
            assert_eq!(lookup(&db, "token").await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_password_counts_for_a_while() {
        for Scratch { db, clock, .. } in scratches().await {
            let account = account(&db).await;
            let found = |is_confirmed| Some(Found { account: account.clone(), is_confirmed, lacks_factor: false });
            assert_eq!(find(&db, "token").await.unwrap(), found(true));
            clock.advance(HOUR_MS);
            assert_eq!(find(&db, "token").await.unwrap(), found(false));
            let mut tx = db.begin().await.unwrap();
            assert!(confirm(&mut tx, "token", HOUR_MS).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(find(&db, "token").await.unwrap(), found(true));
        }
    }

    #[tokio::test]
    async fn sessions_are_listed_and_ended_by_name() {
        for Scratch { db, clock, .. } in scratches().await {
            let account = account(&db).await.id;
            clock.advance(1);
            let mut tx = db.begin().await.unwrap();
            start(&mut tx, account, &session("second")).await.unwrap();
            tx.commit().await.unwrap();
            let listed = of_account(&db, account).await.unwrap();
            assert_eq!(listed.iter().map(|one| one.token_hash.as_str()).collect::<Vec<_>>(), ["second", "token"]);
            assert_eq!((listed[0].address.as_str(), listed[0].agent.as_str()), ("192.0.2.1", "Browser"));
            let mut tx = db.begin().await.unwrap();
            assert!(!revoke_named(&mut tx, AccountId(uuid::Uuid::nil()), listed[0].id.unwrap()).await.unwrap());
            assert!(revoke_named(&mut tx, account, listed[0].id.unwrap()).await.unwrap());
            start(&mut tx, account, &session("third")).await.unwrap();
            assert_eq!(revoke_others(&mut tx, account, "token").await.unwrap(), 1);
            tx.commit().await.unwrap();
            assert_eq!(of_account(&db, account).await.unwrap().len(), 1);
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
