//! Keys of scripts. Only their hashes are stored; a key acts as the person who made it, and never beyond its scopes.

use sqlx::any::AnyRow;

use super::accounts::{self, Account};
use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, ApiTokenId, ShopId};

/// Use is noted to the minute, as for sessions.
const TOUCH_EVERY_MS: i64 = 60 * 1000;

/// A key of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its name in lists.
    pub id: ApiTokenId,
    /// Who made it and whom it acts for.
    pub account: AccountId,
    /// What it is for.
    pub name: String,
    /// What it may do: names of permissions.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
    /// When it was last used, to the minute.
    pub used_at_ms: Option<i64>,
}

/// A key to be.
#[derive(Debug, Clone, Copy)]
pub struct NewApiToken<'a> {
    /// Who makes it.
    pub account: AccountId,
    /// What it is for.
    pub name: &'a str,
    /// Hash of the key.
    pub token_hash: &'a str,
    /// Names of permissions.
    pub scopes: &'a [String],
    /// When it ends.
    pub expires_at_ms: i64,
}

fn read(row: &AnyRow) -> Result<ApiToken, StorageError> {
    Ok(ApiToken {
        id: row.col("id")?,
        account: row.col("account_id")?,
        name: row.col("name")?,
        scopes: row.json("scopes")?,
        created_at_ms: row.col("created_at_ms")?,
        expires_at_ms: row.col("expires_at_ms")?,
        used_at_ms: row.col("used_at_ms")?,
    })
}

/// Makes a key under an id that stands in the key itself.
pub async fn create(
    tx: &mut Tx,
    shop: ShopId,
    id: ApiTokenId,
    new: &NewApiToken<'_>,
) -> Result<ApiToken, StorageError> {
    let token = ApiToken {
        id,
        account: new.account,
        name: new.name.to_owned(),
        scopes: new.scopes.to_vec(),
        created_at_ms: tx.now_ms(),
        expires_at_ms: new.expires_at_ms,
        used_at_ms: None,
    };
    sqlx::query(
        "insert into api_tokens (id, shop_id, account_id, name, token_hash, scopes, created_at_ms, expires_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(shop)
    .bind(new.account)
    .bind(new.name)
    .bind(new.token_hash)
    .bind(Json(new.scopes))
    .bind(token.created_at_ms)
    .bind(new.expires_at_ms)
    .execute(tx.connection())
    .await?;
    Ok(token)
}

/// The shop's keys, newest first, those that are over, too.
pub async fn list(db: &Db, shop: ShopId) -> Result<Vec<ApiToken>, StorageError> {
    let rows = sqlx::query(
        "select id, account_id, name, scopes, created_at_ms, expires_at_ms, used_at_ms from api_tokens \
         where shop_id = $1 order by created_at_ms desc, id desc",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Takes a key away.
pub async fn remove(tx: &mut Tx, shop: ShopId, id: ApiTokenId) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from api_tokens where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The keys that an account made and that are not over, newest first.
pub async fn of_account(db: &Db, account: &Account) -> Result<Vec<ApiToken>, StorageError> {
    let now_ms = db.now_ms();
    let all = list(db, account.shop).await?;
    Ok(all.into_iter().filter(|token| token.account == account.id && token.expires_at_ms > now_ms).collect())
}

/// Takes away a key that this account made.
pub async fn remove_own(tx: &mut Tx, account: &Account, id: ApiTokenId) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from api_tokens where shop_id = $1 and account_id = $2 and id = $3")
        .bind(account.shop)
        .bind(account.id)
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// A key that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundKey {
    /// Whom it acts for.
    pub account: Account,
    /// Within which scopes.
    pub scopes: Vec<String>,
    /// Whether the shop demands a second factor of its maker, who has none: a key is no way around it.
    pub lacks_factor: bool,
}

/// Whom a key acts for and within which scopes, noting its use; `None` if it is over, unknown, or the person is locked
/// out.
pub async fn lookup(db: &Db, token_hash: &str) -> Result<Option<FoundKey>, StorageError> {
    let now_ms = db.now_ms();
    let row = sqlx::query(
        "select a.id, a.shop_id, a.email, a.name, a.role, a.disabled, a.created_at_ms, t.scopes, t.used_at_ms, \
         a.totp_secret, sh.needs_second_factor \
         from api_tokens t join accounts a on a.id = t.account_id join shops sh on sh.id = a.shop_id \
         where t.token_hash = $1 and t.expires_at_ms > $2 and a.disabled = 0",
    )
    .bind(token_hash)
    .bind(now_ms)
    .fetch_optional(&db.readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.col::<Option<i64>>("used_at_ms")?.is_none_or(|used_at_ms| used_at_ms <= now_ms - TOUCH_EVERY_MS) {
        sqlx::query("update api_tokens set used_at_ms = $2 where token_hash = $1")
            .bind(token_hash)
            .bind(now_ms)
            .execute(&db.writer)
            .await?;
    }
    let account = accounts::read(&row)?;
    let is_demanded = account.role.sets_rules() && row.flag("needs_second_factor")?;
    let lacks_factor = is_demanded && row.col::<Option<String>>("totp_secret")?.is_none();
    Ok(Some(FoundKey { account, scopes: row.json("scopes")?, lacks_factor }))
}

#[cfg(test)]
mod tests {
    use super::super::accounts::{NewAccount, Role};
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn a_key_acts_for_its_maker_until_it_ends_or_the_maker_is_locked_out() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let mut tx = db.begin().await.unwrap();
            let person = NewAccount { email: "a@b.example", name: "A", role: Role::Ops, password_hash: "" };
            let account = accounts::create(&mut tx, mine, &person).await.unwrap().id;
            let id = ApiTokenId(tx.new_id());
            let expires_at_ms = tx.now_ms() + 1000;
            let scopes = ["read_bars".to_owned()];
            let new = NewApiToken { account, name: "report", token_hash: "hash", scopes: &scopes, expires_at_ms };
            create(&mut tx, mine, id, &new).await.unwrap();
            tx.commit().await.unwrap();
            let found = lookup(&db, "hash").await.unwrap().unwrap();
            assert_eq!((found.account.id, found.scopes, found.lacks_factor), (account, scopes.to_vec(), false));
            assert_eq!(of_account(&db, &found.account).await.unwrap().len(), 1);
            assert_eq!(list(&db, mine).await.unwrap()[0].used_at_ms, Some(db.now_ms()));
            assert_eq!(list(&db, other).await.unwrap(), []);
            let mut tx = db.begin().await.unwrap();
            assert!(!remove(&mut tx, other, id).await.unwrap());
            accounts::set_disabled(&mut tx, mine, account, true).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(lookup(&db, "hash").await.unwrap(), None);
            let mut tx = db.begin().await.unwrap();
            accounts::set_disabled(&mut tx, mine, account, false).await.unwrap();
            tx.commit().await.unwrap();
            clock.advance(1000);
            assert_eq!(lookup(&db, "hash").await.unwrap(), None);
            let mut tx = db.begin().await.unwrap();
            assert!(remove(&mut tx, mine, id).await.unwrap());
        }
    }
}
