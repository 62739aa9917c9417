//! Blind looks: answers that were sent without a person, and accepted drafts, sampled to be labelled by somebody who
//! does not know which of the two it is.

use sqlx::any::AnyRow;

use super::columns::Columns;
use super::labels::{self, NewLabel};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, CertificateId, LookId, ShopId, TurnId};
use crate::domain::outcome::{LabelSource, Outcome};

/// An answer to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Identity.
    pub id: LookId,
    /// Which turn.
    pub turn: TurnId,
    /// Why it is looked at.
    pub source: LabelSource,
    /// With which chance it was drawn.
    pub propensity: f64,
    /// Who must not look.
    pub not_by: Option<AccountId>,
    /// Whether somebody has.
    pub is_done: bool,
    /// The proof that it was sent under.
    pub certificate: Option<CertificateId>,
}

/// A look to be.
#[derive(Debug, Clone, Copy)]
pub struct NewLook {
    /// Which turn.
    pub turn: TurnId,
    /// Why.
    pub source: LabelSource,
    /// With which chance it was drawn.
    pub propensity: f64,
    /// Who must not look.
    pub not_by: Option<AccountId>,
}

/// Queues a look; false if the shop has no such turn, it is queued for the same reason already, or it belongs to a
/// simulated day and gets no label.
pub async fn queue(tx: &mut Tx, shop: ShopId, new: &NewLook) -> Result<bool, StorageError> {
    let (id, now_ms) = (LookId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into looks (id, shop_id, turn_id, source, propensity, not_by, created_at_ms) \
         select $1, t.shop_id, t.id, $4, $5, $6, $7 from turns t \
         join conversations c on c.id = t.conversation_id and c.simulated is null where t.shop_id = $2 and t.id = $3 \
         on conflict (turn_id, source) do nothing",
    )
    .bind(id)
    .bind(shop)
    .bind(new.turn)
    .bind(new.source)
    .bind(new.propensity)
    .bind(new.not_by)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select l.id, l.turn_id, l.source, l.propensity, l.not_by, l.label_id, b.certificate_id from looks l ",
            "left join bases b on b.turn_id = l.turn_id ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Look, StorageError> {
    Ok(Look {
        id: row.col("id")?,
        turn: row.col("turn_id")?,
        source: row.col("source")?,
        propensity: row.col("propensity")?,
        not_by: row.col("not_by")?,
        is_done: row.col::<Option<String>>("label_id")?.is_some(),
        certificate: row.col("certificate_id")?,
    })
}

/// What `account` may look at, oldest first.
pub async fn open(db: &Db, shop: ShopId, account: AccountId, limit: u32) -> Result<Vec<Look>, StorageError> {
    let rows = sqlx::query(select!(
        "where l.shop_id = $1 and l.label_id is null and (l.not_by is null or l.not_by <> $2) \
         order by l.created_at_ms, l.id limit $3"
    ))
    .bind(shop)
    .bind(account)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// How many `account` may look at.
pub async fn count_open(db: &Db, shop: ShopId, account: AccountId) -> Result<u32, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from looks \
         where shop_id = $1 and label_id is null and (not_by is null or not_by <> $2)",
    )
    .bind(shop)
    .bind(account)
    .fetch_one(&db.readers)
    .await?;
    row.number("n")
}

/// One look.
pub async fn get(db: &Db, shop: ShopId, look: LookId) -> Result<Option<Look>, StorageError> {
    let row = sqlx::query(select!("where l.shop_id = $1 and l.id = $2"))
        .bind(shop)
        .bind(look)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Labels what was looked at. Of two who do at once exactly one does; the other gets false, and nothing was written.
pub async fn settle(
    tx: &mut Tx,
    shop: ShopId,
    look: &Look,
    (account, outcome): (AccountId, Outcome),
) -> Result<bool, StorageError> {
    // Taken first: two transactions that both insert a label would otherwise both believe to be the one.
    let taken = sqlx::query(
        "update looks set label_id = '' where shop_id = $1 and id = $2 and label_id is null \
         and (not_by is null or not_by <> $3)",
    )
    .bind(shop)
    .bind(look.id)
    .bind(account)
    .execute(tx.connection())
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    let new = NewLabel { turn: look.turn, account, outcome, source: look.source, propensity: look.propensity };
    let Some(label) = labels::insert(tx, shop, &new).await? else { return Ok(false) };
    sqlx::query("update looks set label_id = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(look.id)
        .bind(label)
        .execute(tx.connection())
        .await?;
    Ok(true)
}

/// A labelled audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// What the turn was about.
    pub topic: String,
    /// What it was.
    pub outcome: Outcome,
    /// When it was labelled.
    pub at_ms: i64,
}

/// The labelled audits of what was sent under a proof, in the order of their labels: the bet against it. Read in a
/// transaction, so that the one who labels sees the label.
pub async fn audits_of(tx: &mut Tx, shop: ShopId, certificate: CertificateId) -> Result<Vec<Audited>, StorageError> {
    let rows = sqlx::query(AUDITS).bind(shop).bind(certificate).fetch_all(tx.connection()).await?;
    rows.iter().map(read_audit).collect()
}

/// The same of what is committed.
pub async fn committed_audits_of(
    db: &Db,
    shop: ShopId,
    certificate: CertificateId,
) -> Result<Vec<Audited>, StorageError> {
    let rows = sqlx::query(AUDITS).bind(shop).bind(certificate).fetch_all(&db.readers).await?;
    rows.iter().map(read_audit).collect()
}

const AUDITS: &str = "select t.topic, b.outcome, b.created_at_ms from looks l join bases s on s.turn_id = l.turn_id \
     join turns t on t.id = l.turn_id join labels b on b.id = l.label_id \
     where l.shop_id = $1 and l.source = 'audit' and s.certificate_id = $2 order by b.created_at_ms, b.id";

fn read_audit(row: &AnyRow) -> Result<Audited, StorageError> {
    Ok(Audited { topic: row.col("topic")?, outcome: row.col("outcome")?, at_ms: row.col("created_at_ms")? })
}

/// Audits of a proof that nobody has looked at yet.
pub async fn count_open_of(db: &Db, shop: ShopId, certificate: CertificateId) -> Result<u32, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from looks l join bases s on s.turn_id = l.turn_id \
         where l.shop_id = $1 and l.source = 'audit' and l.label_id is null and s.certificate_id = $2",
    )
    .bind(shop)
    .bind(certificate)
    .fetch_one(&db.readers)
    .await?;
    row.number("n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::super::turns::tests::ask_one;
    use super::*;

    const LIN: AccountId = AccountId(uuid::Uuid::from_u128(3));
    const WEI: AccountId = AccountId(uuid::Uuid::from_u128(4));

    #[tokio::test]
    async fn nobody_looks_again_at_what_they_accepted_and_everything_is_labelled_once() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let turn = ask_one(&db, mine, "?").await.turn;
            let new = NewLook { turn, source: LabelSource::SecondLook, propensity: 0.05, not_by: Some(LIN) };
            let mut tx = db.begin().await.unwrap();
            assert!(!queue(&mut tx, other, &new).await.unwrap(), "not their turn");
            assert!(queue(&mut tx, mine, &new).await.unwrap());
            assert!(!queue(&mut tx, mine, &new).await.unwrap(), "once");
            tx.commit().await.unwrap();
            assert_eq!(open(&db, mine, LIN, 9).await.unwrap(), []);
            assert_eq!((count_open(&db, mine, LIN).await.unwrap(), count_open(&db, mine, WEI).await.unwrap()), (0, 1));
            let [look] = open(&db, mine, WEI, 9).await.unwrap().try_into().unwrap();
            assert_eq!(get(&db, other, look.id).await.unwrap(), None);
            let mut tx = db.begin().await.unwrap();
            assert!(!settle(&mut tx, mine, &look, (LIN, Outcome::Accept)).await.unwrap());
            assert!(!settle(&mut tx, other, &look, (WEI, Outcome::Accept)).await.unwrap());
            assert!(settle(&mut tx, mine, &look, (WEI, Outcome::EditFact)).await.unwrap());
            assert!(!settle(&mut tx, mine, &look, (WEI, Outcome::Accept)).await.unwrap(), "it is done");
            tx.commit().await.unwrap();
            assert!(get(&db, mine, look.id).await.unwrap().unwrap().is_done);
            let labels = labels::of_turn(&db, mine, turn).await.unwrap();
            assert_eq!(labels.iter().map(|label| label.outcome).collect::<Vec<_>>(), [Outcome::EditFact]);
        }
    }
}
