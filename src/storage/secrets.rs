//! Which secrets there are, and that all of them are encrypted with the key in use; see [`super::seal`].

use serde_json::json;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::audit::{self, NewAuditEntry};
use super::buyers::KeyPurpose;
use super::columns::Columns;
use super::seal::{Keyring, Place, key_of};
use super::{Db, Dialect, StorageError, Tx, buyers, second_factor};
use crate::domain::ids::{AccountId, BuyerKeyId, ShopId};

/// A column that holds secrets.
struct Column {
    name: &'static str,
    select: &'static str,
    update: &'static str,
}

/// The key that codes of a second factor are made of.
pub(super) const TOTP_SECRET: &str = "accounts.totp_secret";
/// One that is being set up.
pub(super) const TOTP_PENDING: &str = "accounts.totp_pending";
/// What a shop signs the identity of its buyers with.
pub(super) const BUYER_KEY: &str = "buyer_keys.secret";

const COLUMNS: [Column; 3] = [
    Column {
        name: TOTP_SECRET,
        select: "select id, shop_id, totp_secret as secret from accounts where totp_secret is not null",
        update: "update accounts set totp_secret = $2 where id = $1",
    },
    Column {
        name: TOTP_PENDING,
        select: "select id, shop_id, totp_pending as secret from accounts where totp_pending is not null",
        update: "update accounts set totp_pending = $2 where id = $1",
    },
    Column {
        name: BUYER_KEY,
        select: "select id, shop_id, secret from buyer_keys",
        update: "update buyer_keys set secret = $2 where id = $1",
    },
];

/// What was taken away because nothing opens it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Forgotten {
    /// People who have to set theirs up again.
    pub n_second_factors: u64,
    /// Keys that shops have to make anew.
    pub n_buyer_keys: u64,
}

struct Stored {
    id: Uuid,
    shop: ShopId,
    text: String,
}

impl Db {
    /// The fingerprint of the key that the secrets are encrypted with; `None` if there never was one.
    pub async fn secret_key(&self) -> Result<Option<String>, StorageError> {
        let row = sqlx::query("select id from secret_keys").fetch_optional(&self.readers).await?;
        row.map(|row| row.col("id")).transpose()
    }

    /// The same database with `keys`. Whatever is stored in the clear, or under an older key of theirs, is encrypted
    /// with the first of them. Fails with [`StorageError::KeyLost`] if the key that was used so far is not among them.
    pub async fn unlock(mut self, keys: Keyring) -> Result<Self, StorageError> {
        let mut tx = self.begin().await?;
        let current = keys.id().ok_or(StorageError::NoKey)?;
        let known = sqlx::query("select id from secret_keys").fetch_all(tx.connection()).await?;
        for row in &known {
            let id: String = row.col("id")?;
            if !keys.has(&id) {
                return Err(StorageError::KeyLost { id });
            }
        }
        let mut n_sealed = 0;
        for column in COLUMNS {
            for stored in all(&mut tx, &column).await?.iter().filter(|one| key_of(&one.text) != Some(current)) {
                let place = Place { column: column.name, id: stored.id };
                let secret = match key_of(&stored.text) {
                    Some(_) => keys.open(&stored.text, place)?,
                    None => stored.text.clone(),
                };
                let sealed = keys.seal(&secret, place)?;
                sqlx::query(column.update).bind(stored.id.to_string()).bind(sealed).execute(tx.connection()).await?;
                n_sealed += 1;
            }
        }
        set_key(&mut tx, current).await?;
        tx.commit().await?;
        if n_sealed > 0 && self.dialect == Dialect::Sqlite {
            // The pages with the old texts were overwritten; the log that still holds them goes, too.
            sqlx::query("pragma wal_checkpoint(truncate)").execute(&self.writer).await?;
        }
        self.keys = keys.into();
        Ok(self)
    }

    /// Takes away what `keys` do not open, and notes it in each shop's log. For the day a key is lost for good.
    pub async fn forget_lost(&self, keys: &Keyring) -> Result<Forgotten, StorageError> {
        let current = keys.id().ok_or(StorageError::NoKey)?;
        let mut tx = self.begin().await?;
        let mut forgotten = Forgotten::default();
        for column in COLUMNS {
            for stored in all(&mut tx, &column).await? {
                let place = Place { column: column.name, id: stored.id };
                if key_of(&stored.text).is_none() || keys.open(&stored.text, place).is_ok() {
                    continue;
                }
                let action = match column.name {
                    // Whoever was setting one up begins again.
                    TOTP_PENDING => {
                        second_factor::give_up(&mut tx, AccountId(stored.id)).await?;
                        continue;
                    }
                    TOTP_SECRET => {
                        second_factor::remove(&mut tx, AccountId(stored.id)).await?;
                        forgotten.n_second_factors += 1;
                        "second_factor_lost"
                    }
                    _ => {
                        for purpose in [KeyPurpose::Identity, KeyPurpose::Webhook] {
                            buyers::remove_key(&mut tx, stored.shop, (purpose, BuyerKeyId(stored.id))).await?;
                        }
                        forgotten.n_buyer_keys += 1;
                        "buyer_key_lost"
                    }
                };
                let (subject, detail) = (stored.id.to_string(), json!({}));
                let entry = NewAuditEntry { account: None, action, subject: &subject, detail: &detail };
                audit::append(&mut tx, stored.shop, &entry).await?;
            }
        }
        set_key(&mut tx, current).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

async fn all(tx: &mut Tx, column: &Column) -> Result<Vec<Stored>, StorageError> {
    let rows = sqlx::query(column.select).fetch_all(tx.connection()).await?;
    let stored = |row: &AnyRow| {
        let id: String = row.try_get("id")?;
        let id = id.parse().map_err(|_| StorageError::Damaged { what: format!("an id beside {}", column.name) })?;
        Ok(Stored { id, shop: row.col("shop_id")?, text: row.col("secret")? })
    };
    rows.iter().map(stored).collect()
}

async fn set_key(tx: &mut Tx, id: &str) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query("delete from secret_keys where id <> $1").bind(id).execute(tx.connection()).await?;
    sqlx::query("insert into secret_keys (id, created_at_ms) values ($1, $2) on conflict (id) do nothing")
        .bind(id)
        .bind(now_ms)
        .execute(tx.connection())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::accounts::{self, NewAccount, Role};
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    const SECRET: &str = "JBSWY3DPEHPK3PXP";

    /// An account with a second factor, and a signing key, as they were stored before they were encrypted.
    async fn in_the_clear(db: &Db) -> (ShopId, AccountId) {
        let shop = shop(db).await;
        let mut tx = db.begin().await.unwrap();
        let new = NewAccount { email: "a@b.example", name: "A", role: Role::Owner, password_hash: "" };
        let account = accounts::create(&mut tx, shop, &new).await.unwrap().id;
        let factor = "update accounts set totp_secret = $2 where id = $1";
        sqlx::query(factor).bind(account).bind(SECRET).execute(tx.connection()).await.unwrap();
        let key = "insert into buyer_keys (id, secret, shop_id, created_at_ms) values ($1, $2, $3, 0)";
        let id = BuyerKeyId(Uuid::from_u128(5));
        sqlx::query(key).bind(id).bind(SECRET).bind(shop).execute(tx.connection()).await.unwrap();
        tx.commit().await.unwrap();
        (shop, account)
    }

    async fn texts(db: &Db) -> Vec<String> {
        let mut tx = db.begin().await.unwrap();
        let mut found = Vec::new();
        for column in COLUMNS {
            found.extend(all(&mut tx, &column).await.unwrap().into_iter().map(|stored| stored.text));
        }
        found
    }

    async fn assert_readable(db: &Db, shop: ShopId, account: AccountId) {
        assert_eq!(second_factor::of(db, account).await.unwrap().secret.as_deref(), Some(SECRET));
        assert_eq!(buyers::keys(db, shop, KeyPurpose::Identity).await.unwrap()[0].secret, SECRET);
    }

    #[tokio::test]
    async fn what_was_stored_in_the_clear_is_encrypted_at_the_next_start() {
        for Scratch { db, .. } in scratches().await {
            let (shop, account) = in_the_clear(&db).await;
            assert_eq!(texts(&db).await, [SECRET, SECRET]);
            let keys = db.keys.as_ref().clone();
            let db = db.unlock(keys.clone()).await.unwrap();
            assert!(texts(&db).await.iter().all(|text| key_of(text) == keys.id()));
            assert_readable(&db, shop, account).await;
        }
    }

    #[tokio::test]
    async fn no_page_and_no_log_keeps_what_was_stored_in_the_clear() {
        let scratch = super::super::testing::sqlite().await;
        in_the_clear(&scratch.db).await;
        let keys = scratch.db.keys.as_ref().clone();
        let db = scratch.db.clone().unlock(keys).await.unwrap();
        for entry in std::fs::read_dir(scratch.folder().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!is_there, "{} holds the secret", path.display());
        }
        db.close().await;
    }

    #[tokio::test]
    async fn a_new_key_takes_over_and_the_old_one_is_needed_no_more() {
        for Scratch { db, .. } in scratches().await {
            let (shop, account) = in_the_clear(&db).await;
            let old = db.keys.as_ref().clone();
            let db = db.unlock(old.clone()).await.unwrap();
            let both = old.with_new_key();
            let db = db.unlock(both.clone()).await.unwrap();
            assert_eq!(db.secret_key().await.unwrap().as_deref(), both.id());
            assert_readable(&db, shop, account).await;
            let new = Keyring::parse(both.to_text().lines().next().unwrap()).unwrap();
            let db = db.unlock(new).await.unwrap();
            assert_readable(&db, shop, account).await;
            let error = db.unlock(old).await.err().unwrap();
            assert!(matches!(error, StorageError::KeyLost { .. }), "{error:?}");
        }
    }

    #[tokio::test]
    async fn without_the_key_nothing_is_guessed_and_what_is_lost_can_be_let_go() {
        for Scratch { db, .. } in scratches().await {
            let (shop, account) = in_the_clear(&db).await;
            let keys = db.keys.as_ref().clone();
            let db = db.unlock(keys.clone()).await.unwrap();
            let stranger = Keyring::default().with_new_key();
            let error = db.clone().unlock(stranger.clone()).await.err().unwrap();
            assert!(matches!(&error, StorageError::KeyLost { id } if Some(id.as_str()) == keys.id()), "{error:?}");
            let forgotten = db.forget_lost(&stranger).await.unwrap();
            assert_eq!(forgotten, Forgotten { n_second_factors: 1, n_buyer_keys: 1 });
            let db = db.unlock(stranger).await.unwrap();
            assert_eq!(second_factor::of(&db, account).await.unwrap().secret, None);
            assert_eq!(buyers::keys(&db, shop, KeyPurpose::Identity).await.unwrap().len(), 0);
            let noted = audit::list(&db, shop, i64::MAX, 10).await.unwrap();
            assert_eq!(noted.len(), 2, "{noted:?}");
            assert_eq!(db.forget_lost(db.keys.as_ref()).await.unwrap(), Forgotten::default(), "nothing else is lost");
        }
    }
}
