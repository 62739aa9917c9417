//! Labels: what people made of answers, as every promise counts it.

use sqlx::any::AnyRow;

use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, LabelId, ShopId, TurnId};
use crate::domain::outcome::{LabelSource, Outcome};

/// One judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Identity.
    pub id: LabelId,
    /// Of which turn.
    pub turn: TurnId,
    /// By whom.
    pub account: AccountId,
    /// What it was.
    pub outcome: Outcome,
    /// How it came about.
    pub source: LabelSource,
    /// With which chance.
    pub propensity: f64,
    /// When.
    pub created_at_ms: i64,
}

/// A judgement to be.
#[derive(Debug, Clone, Copy)]
pub struct NewLabel {
    /// Of which turn.
    pub turn: TurnId,
    /// By whom.
    pub account: AccountId,
    /// What it is.
    pub outcome: Outcome,
    /// How it comes about.
    pub source: LabelSource,
    /// With which chance, 0 to 1.
    pub propensity: f64,
}

/// Adds a label; `None` if the shop has no such turn, or it belongs to a simulated day: a label is evidence for a proof,
/// whoever counts it, and a script is not what the proof is about.
pub async fn insert(tx: &mut Tx, shop: ShopId, new: &NewLabel) -> Result<Option<LabelId>, StorageError> {
    let (id, now_ms) = (LabelId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into labels (id, shop_id, turn_id, account_id, outcome, source, propensity, created_at_ms) \
         select $1, t.shop_id, t.id, $4, $5, $6, $7, $8 from turns t \
         join conversations c on c.id = t.conversation_id and c.simulated is null where t.shop_id = $2 and t.id = $3",
    )
    .bind(id)
    .bind(shop)
    .bind(new.turn)
    .bind(new.account)
    .bind(new.outcome)
    .bind(new.source)
    .bind(new.propensity)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

fn read(row: &AnyRow) -> Result<Label, StorageError> {
    Ok(Label {
        id: row.col("id")?,
        turn: row.col("turn_id")?,
        account: row.col("account_id")?,
        outcome: row.col("outcome")?,
        source: row.col("source")?,
        propensity: row.col("propensity")?,
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// All labels of one turn, oldest first.
pub async fn of_turn(db: &Db, shop: ShopId, turn: TurnId) -> Result<Vec<Label>, StorageError> {
    let rows = sqlx::query(
        "select id, turn_id, account_id, outcome, source, propensity, created_at_ms from labels \
         where shop_id = $1 and turn_id = $2 order by created_at_ms, id",
    )
    .bind(shop)
    .bind(turn)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// The outcomes of the second looks since `since_ms`, oldest first.
pub async fn second_looks(db: &Db, shop: ShopId, since_ms: i64) -> Result<Vec<Outcome>, StorageError> {
    let rows = sqlx::query(
        "select outcome from labels where shop_id = $1 and source = 'second_look' and created_at_ms >= $2 \
         order by created_at_ms, id",
    )
    .bind(shop)
    .bind(since_ms)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(|row| row.col("outcome")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::super::turns::tests::ask_one;
    use super::*;

    const LIN: AccountId = AccountId(uuid::Uuid::from_u128(3));

    #[tokio::test]
    async fn labels_of_a_turn_come_back_in_order() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let turn = ask_one(&db, mine, "?").await.turn;
            let first =
                NewLabel { turn, account: LIN, outcome: Outcome::Accept, source: LabelSource::Review, propensity: 1.0 };
            let second =
                NewLabel { outcome: Outcome::RejectWrong, source: LabelSource::SecondLook, propensity: 0.05, ..first };
            let mut tx = db.begin().await.unwrap();
            assert_eq!(insert(&mut tx, other, &first).await.unwrap(), None, "not their turn");
            for new in [first, second] {
                clock.advance(1);
                insert(&mut tx, mine, &new).await.unwrap().unwrap();
            }
            tx.commit().await.unwrap();
            let labels = of_turn(&db, mine, turn).await.unwrap();
            let told: Vec<_> = labels.iter().map(|label| (label.outcome, label.source, label.propensity)).collect();
            let want =
                [(Outcome::Accept, LabelSource::Review, 1.0), (Outcome::RejectWrong, LabelSource::SecondLook, 0.05)];
            assert_eq!(told, want);
            assert_eq!(second_looks(&db, mine, 0).await.unwrap(), [Outcome::RejectWrong]);
            assert_eq!(second_looks(&db, mine, i64::MAX).await.unwrap(), []);
        }
    }
}
