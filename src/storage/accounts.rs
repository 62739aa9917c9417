//! Accounts: the people of a shop. Sessions and password tokens are in [`sessions`](super::sessions).

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, ShopId};

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Answers buyers.
    Agent,
    /// Keeps the knowledge.
    Staff,
    /// Sets the bar.
    Ops,
    /// All of it, and the people.
    Owner,
}

impl Role {
    /// Its name in accounts, interfaces and commands.
    pub fn code(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Staff => "staff",
            Self::Ops => "ops",
            Self::Owner => "owner",
        }
    }

    /// Whether it decides what is sent without a person, and who the people are: such accounts a shop may guard better.
    pub fn sets_rules(self) -> bool {
        matches!(self, Self::Ops | Self::Owner)
    }
}

/// A person of a shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Identity.
    pub id: AccountId,
    /// Where the person works.
    pub shop: ShopId,
    /// Trimmed, in lower case; one account each in the whole installation.
    pub email: String,
    /// What colleagues see.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether it is locked out.
    pub disabled: bool,
    /// When it was made.
    pub created_at_ms: i64,
}

/// An account with what a login is checked against.
#[derive(Clone)]
pub struct Credentials {
    /// Who.
    pub account: Account,
    /// Hash of the password; what no password matches where none was set yet.
    pub password_hash: String,
}

/// An account to be.
#[derive(Clone, Copy)]
pub struct NewAccount<'a> {
    /// Any case, spaces around it allowed.
    pub email: &'a str,
    /// What colleagues see.
    pub name: &'a str,
    /// What the person may do.
    pub role: Role,
    /// Hash of the password, or what no password matches.
    pub password_hash: &'a str,
}

pub(super) fn read(row: &AnyRow) -> Result<Account, StorageError> {
    Ok(Account {
        id: row.col("id")?,
        shop: row.col("shop_id")?,
        email: row.col("email")?,
        name: row.col("name")?,
        role: row.col("role")?,
        disabled: row.flag("disabled")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

fn normalize_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Makes an account. An email that is taken, in any shop, is [`StorageError::Conflict`] named `accounts_email`.
pub async fn create(tx: &mut Tx, shop: ShopId, new: &NewAccount<'_>) -> Result<Account, StorageError> {
    let account = Account {
        id: AccountId(tx.new_id()),
        shop,
        email: normalize_email(new.email),
        name: new.name.to_owned(),
        role: new.role,
        disabled: false,
        created_at_ms: tx.now_ms(),
    };
    sqlx::query(
        "insert into accounts (id, shop_id, email, name, role, password_hash, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(account.id)
    .bind(shop)
    .bind(&account.email)
    .bind(new.name)
    .bind(new.role)
    .bind(new.password_hash)
    .bind(account.created_at_ms)
    .execute(tx.connection())
    .await?;
    Ok(account)
}

/// The account of an email, disabled or not: the email says which shop.
pub async fn by_email(db: &Db, email: &str) -> Result<Option<Credentials>, StorageError> {
    let row = sqlx::query(
        "select id, shop_id, email, name, role, disabled, created_at_ms, password_hash from accounts where email = $1",
    )
    .bind(normalize_email(email))
    .fetch_optional(&db.readers)
    .await?;
    row.map(|row| Ok(Credentials { account: read(&row)?, password_hash: row.col("password_hash")? })).transpose()
}

/// One account.
pub async fn get(db: &Db, shop: ShopId, account: AccountId) -> Result<Option<Account>, StorageError> {
    let row = sqlx::query(
        "select id, shop_id, email, name, role, disabled, created_at_ms from accounts where shop_id = $1 and id = $2",
    )
    .bind(shop)
    .bind(account)
    .fetch_optional(&db.readers)
    .await?;
    row.as_ref().map(read).transpose()
}

/// All accounts of the shop, by email.
pub async fn list(db: &Db, shop: ShopId) -> Result<Vec<Account>, StorageError> {
    let rows = sqlx::query(
        "select id, shop_id, email, name, role, disabled, created_at_ms from accounts where shop_id = $1 \
         order by email",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Where a person works, for what is noted of a login or a redeemed token.
pub async fn shop_of(tx: &mut Tx, account: AccountId) -> Result<Option<ShopId>, StorageError> {
    let row =
        sqlx::query("select shop_id from accounts where id = $1").bind(account).fetch_optional(tx.connection()).await?;
    row.map(|row| row.col("shop_id")).transpose()
}

/// Changes what a person may do.
pub async fn set_role(tx: &mut Tx, shop: ShopId, account: AccountId, role: Role) -> Result<bool, StorageError> {
    let done = sqlx::query("update accounts set role = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(account)
        .bind(role)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks a person out, or in again. Sessions of a disabled account are worth nothing from the commit on.
pub async fn set_disabled(tx: &mut Tx, shop: ShopId, account: AccountId, disabled: bool) -> Result<bool, StorageError> {
    let done = sqlx::query("update accounts set disabled = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(account)
        .bind(i64::from(disabled))
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets the password. No shop: it follows a redeemed token or a login, which name the account.
pub async fn set_password_hash(tx: &mut Tx, account: AccountId, password_hash: &str) -> Result<bool, StorageError> {
    let done = sqlx::query("update accounts set password_hash = $2 where id = $1")
        .bind(account)
        .bind(password_hash)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes what colleagues see.
pub async fn set_name(tx: &mut Tx, shop: ShopId, account: AccountId, name: &str) -> Result<bool, StorageError> {
    let done = sqlx::query("update accounts set name = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(account)
        .bind(name)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    fn new(email: &str) -> NewAccount<'_> {
        NewAccount { email, name: "Lin", role: Role::Agent, password_hash: "hash" }
    }

    #[tokio::test]
    async fn an_email_is_found_in_any_case_and_taken_everywhere() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let mut tx = db.begin().await.unwrap();
            let account = create(&mut tx, mine, &new(" Lin@Shop.example ")).await.unwrap();
            tx.commit().await.unwrap();
            let found = by_email(&db, "LIN@shop.example").await.unwrap().unwrap();
            assert_eq!((found.account, found.password_hash.as_str()), (account, "hash"));
            let mut tx = db.begin().await.unwrap();
            let error = create(&mut tx, other, &new("lin@shop.example")).await.unwrap_err();
            assert!(error.conflicts_with("accounts_email"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn another_shop_neither_sees_nor_changes_an_account() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let mut tx = db.begin().await.unwrap();
            let account = create(&mut tx, mine, &new("a@b.example")).await.unwrap().id;
            assert!(!set_role(&mut tx, other, account, Role::Owner).await.unwrap());
            assert!(!set_disabled(&mut tx, other, account, true).await.unwrap());
            assert!(set_role(&mut tx, mine, account, Role::Ops).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(list(&db, other).await.unwrap(), []);
            assert_eq!(get(&db, other, account).await.unwrap(), None);
            assert_eq!(get(&db, mine, account).await.unwrap().unwrap().role, Role::Ops);
        }
    }

    #[tokio::test]
    async fn an_account_of_no_shop_is_refused() {
        for Scratch { db, .. } in scratches().await {
            let mut tx = db.begin().await.unwrap();
            let error = create(&mut tx, ShopId(uuid::Uuid::nil()), &new("x@y.example")).await.unwrap_err();
            assert!(matches!(error, StorageError::Dangling { .. }), "{error:?}");
        }
    }
}
