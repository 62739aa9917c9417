//! The people who answer buyers: whether they are on duty, what they know, and how much is theirs.
//!
//! Who never switched it is away, so that nobody is given a conversation who does not look.

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::assign::Candidate;
use crate::domain::ids::{AccountId, ShopId};
use crate::domain::text::Lang;

/// Somebody who may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Who.
    pub account: AccountId,
    /// What colleagues see.
    pub name: String,
    /// Whether they are there.
    pub on_duty: bool,
    /// Since when; `None` if they never switched it.
    pub since_ms: Option<i64>,
    /// What they know and may be given.
    pub profile: Profile,
    /// Conversations of theirs in which somebody waits.
    pub n_waiting: u32,
}

/// What somebody knows and may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Whether what is too hard for others is passed to them.
    pub is_lead: bool,
    /// Topics they know; none stands for all.
    pub topics: Vec<String>,
    /// Languages they write; none stands for all.
    pub langs: Vec<Lang>,
    /// While more than this wait for them they are given no other.
    pub max_waiting: u32,
}

impl Default for Profile {
    fn default() -> Self {
        Self { is_lead: false, topics: vec![], langs: vec![], max_waiting: 10 }
    }
}

/// Counts where somebody waits for this person, by an index: what was answered is no load, however long it stays open.
/// The number is [`WAITING_BELOW_MS`](crate::domain::inbox::WAITING_BELOW_MS); a test holds them together.
macro_rules! n_waiting {
    ($account:literal) => {
        concat!(
            "(select count(*) from conversations c where c.shop_id = $1 and c.kind = 'buyer' and c.assignee_id = ",
            $account,
            " and c.closed = 0 and c.place_ms < 5000000000000) as n_waiting"
        )
    };
}

/// Everybody who may answer, by name.
pub async fn list(db: &Db, shop: ShopId) -> Result<Vec<Agent>, StorageError> {
    let rows = sqlx::query(concat!(
        "select p.id, p.name, coalesce(a.on_duty, 0) as on_duty, a.since_ms, coalesce(a.is_lead, 0) as is_lead, ",
        "coalesce(a.topics, '[]') as topics, coalesce(a.langs, '[]') as langs, coalesce(a.max_waiting, 10) as max_waiting, ",
        n_waiting!("p.id"),
        " from accounts p left join agents a on a.account_id = p.id \
         where p.shop_id = $1 and p.disabled = 0 and p.role in ('agent', 'owner') order by p.name, p.id"
    ))
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Agent, StorageError> {
    let profile = Profile {
        is_lead: row.flag("is_lead")?,
        topics: row.json("topics")?,
        langs: row.json("langs")?,
        max_waiting: row.number("max_waiting")?,
    };
    Ok(Agent {
        account: row.col("id")?,
        name: row.col("name")?,
        on_duty: row.flag("on_duty")?,
        since_ms: row.col::<Option<i64>>("since_ms")?.filter(|since_ms| *since_ms > 0),
        profile,
        n_waiting: row.number("n_waiting")?,
    })
}

/// Says whether somebody is there; false if the shop has no such person who answers.
pub async fn set_on_duty(tx: &mut Tx, shop: ShopId, account: AccountId, on_duty: bool) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "insert into agents (account_id, shop_id, on_duty, since_ms) select p.id, p.shop_id, $3, $4 from accounts p \
         where p.shop_id = $1 and p.id = $2 and p.role in ('agent', 'owner') \
         on conflict (account_id) do update set since_ms = case when agents.on_duty = excluded.on_duty \
         then agents.since_ms else excluded.since_ms end, on_duty = excluded.on_duty",
    )
    .bind(shop)
    .bind(account)
    .bind(i64::from(on_duty))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes what somebody knows and may be given; false if the shop has no such person who answers.
pub async fn set_profile(
    tx: &mut Tx,
    shop: ShopId,
    account: AccountId,
    profile: &Profile,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "insert into agents (account_id, shop_id, since_ms, is_lead, topics, langs, max_waiting) \
         select p.id, p.shop_id, 0, $3, $4, $5, $6 from accounts p \
         where p.shop_id = $1 and p.id = $2 and p.role in ('agent', 'owner') \
         on conflict (account_id) do update set is_lead = excluded.is_lead, topics = excluded.topics, \
         langs = excluded.langs, max_waiting = excluded.max_waiting",
    )
    .bind(shop)
    .bind(account)
    .bind(i64::from(profile.is_lead))
    .bind(Json(&profile.topics))
    .bind(Json(&profile.langs))
    .bind(i64::from(profile.max_waiting))
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether somebody is there, as this transaction sees it.
pub async fn is_on_duty(tx: &mut Tx, shop: ShopId, account: AccountId) -> Result<bool, StorageError> {
    let row = sqlx::query(
        "select a.on_duty from agents a join accounts p on p.id = a.account_id and p.disabled = 0 \
         where a.shop_id = $1 and a.account_id = $2",
    )
    .bind(shop)
    .bind(account)
    .fetch_optional(tx.connection())
    .await?;
    row.map_or(Ok(false), |row| row.flag("on_duty"))
}

/// Whether the shop has this person, and they may answer.
pub async fn may_answer(tx: &mut Tx, shop: ShopId, account: AccountId) -> Result<bool, StorageError> {
    let row = sqlx::query(
        "select id from accounts where shop_id = $1 and id = $2 and disabled = 0 and role in ('agent', 'owner')",
    )
    .bind(shop)
    .bind(account)
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.is_some())
}

/// Those on duty, with the load they have.
pub async fn on_duty(tx: &mut Tx, shop: ShopId) -> Result<Vec<Candidate>, StorageError> {
    candidates(tx, shop, "and a.on_duty = 1").await
}

/// The leads on duty; all leads where none of them is.
pub async fn leads(tx: &mut Tx, shop: ShopId) -> Result<Vec<Candidate>, StorageError> {
    let there = candidates(tx, shop, "and a.is_lead = 1 and a.on_duty = 1").await?;
    if there.is_empty() { candidates(tx, shop, "and a.is_lead = 1").await } else { Ok(there) }
}

async fn candidates(tx: &mut Tx, shop: ShopId, only: &'static str) -> Result<Vec<Candidate>, StorageError> {
    let sql = format!(
        "{}{only}",
        concat!(
            "select a.account_id, a.topics, a.langs, a.max_waiting, a.last_given_ms, ",
            n_waiting!("a.account_id"),
            " from agents a join accounts p on p.id = a.account_id and p.disabled = 0 \
             and p.role in ('agent', 'owner') where a.shop_id = $1 "
        )
    );
    // Both parts are literals of this file.
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(shop).fetch_all(tx.connection()).await?;
    let read = |row: &AnyRow| {
        Ok(Candidate {
            account: row.col("account_id")?,
            topics: row.json("topics")?,
            langs: row.json("langs")?,
            n_waiting: row.number("n_waiting")?,
            max_waiting: row.number("max_waiting")?,
            last_given_ms: row.col("last_given_ms")?,
        })
    };
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use crate::domain::inbox::WAITING_BELOW_MS;

    #[test]
    fn a_load_is_what_stands_in_the_waiting_part_of_the_line() {
        assert!(n_waiting!("x").contains(&format!("c.place_ms < {WAITING_BELOW_MS})")));
    }
}
