//! Questions that people have judged, asked again of another machinery.

use sqlx::any::AnyRow;

use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::ids::{ConversationId, ReaskedId, ShopId, TurnId};
use crate::domain::outcome::Outcome;

/// An answer to be kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewReasked<'a> {
    /// Whose question was asked again.
    pub turn: TurnId,
    /// Which machinery answered.
    pub pipeline: &'a str,
    /// What it said; none where it had no answer.
    pub draft: Option<&'a str>,
    /// How sure it was, 0 to 1.
    pub confidence: f64,
    /// Share of supported sentences, 0 to 1.
    pub grounded_share: f64,
    /// Whether something other than the confidence would have held it.
    pub is_held: bool,
}

/// A question with both answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reasked {
    /// Whose question.
    pub turn: TurnId,
    /// Its thread.
    pub conversation: ConversationId,
    /// What was asked.
    pub question: String,
    /// What the former machinery said.
    pub before: String,
    /// What people made of that.
    pub outcome: Outcome,
    /// What the machinery in use says.
    pub now: Option<String>,
    /// How sure it is.
    pub confidence: f64,
    /// Share of supported sentences.
    pub grounded_share: f64,
    /// Whether something other than the confidence would have held it.
    pub is_held: bool,
}

/// Keeps an answer; false if the shop has no such turn, or there is one already.
pub async fn insert(tx: &mut Tx, shop: ShopId, new: &NewReasked<'_>) -> Result<bool, StorageError> {
    let (id, now_ms) = (ReaskedId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into reasked (id, shop_id, turn_id, pipeline, draft, confidence, grounded_share, is_held, created_at_ms) \
         select $1, t.shop_id, t.id, $4, $5, $6, $7, $8, $9 from turns t where t.shop_id = $2 and t.id = $3 \
         on conflict (turn_id, pipeline) do nothing",
    )
    .bind(id)
    .bind(shop)
    .bind(new.turn)
    .bind(new.pipeline)
    .bind(new.draft)
    .bind(new.confidence)
    .bind(new.grounded_share)
    .bind(i64::from(new.is_held))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

fn read(row: &AnyRow) -> Result<Reasked, StorageError> {
    Ok(Reasked {
        turn: row.col("id")?,
        conversation: row.col("conversation_id")?,
        question: row.col("question")?,
        before: row.col("before")?,
        outcome: row.col("outcome")?,
        now: row.col("draft")?,
        confidence: row.col("confidence")?,
        grounded_share: row.col("grounded_share")?,
        is_held: row.flag("is_held")?,
    })
}

/// Everything that a machinery was asked again, with the newest label of the former answer, oldest question first.
pub async fn of_pipeline(db: &Db, shop: ShopId, pipeline: &str) -> Result<Vec<Reasked>, StorageError> {
    let rows = sqlx::query(
        "select t.id, t.conversation_id, t.question, t.draft as before, l.outcome, r.draft, r.confidence, \
         r.grounded_share, r.is_held from reasked r join turns t on t.id = r.turn_id \
         join labels l on l.id = (select max(n.id) from labels n where n.turn_id = t.id \
         and n.withdrawn_at_ms is null) \
         where r.shop_id = $1 and r.pipeline = $2 and t.draft is not null order by t.created_at_ms, t.id",
    )
    .bind(shop)
    .bind(pipeline)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Turns that a machinery was asked again.
pub async fn turns_of(db: &Db, shop: ShopId, pipeline: &str) -> Result<Vec<TurnId>, StorageError> {
    let rows = sqlx::query("select turn_id from reasked where shop_id = $1 and pipeline = $2")
        .bind(shop)
        .bind(pipeline)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(|row| row.col("turn_id")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::labels::{self, NewLabel};
    use super::super::testing::{Scratch, scratches, shop};
    use super::super::turns::tests::{ask_one, decide, review};
    use super::*;
    use crate::domain::ids::AccountId;
    use crate::domain::outcome::LabelSource;

    #[tokio::test]
    async fn a_question_is_asked_again_once_for_each_machinery_and_stays_in_its_shop() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let asked = ask_one(&db, mine, "How long?").await;
            decide(&db, mine, &asked, &review()).await.unwrap();
            let label = NewLabel {
                turn: asked.turn,
                account: AccountId(uuid::Uuid::from_u128(3)),
                outcome: Outcome::Accept,
                source: LabelSource::Review,
                propensity: 1.0,
            };
            let new = NewReasked {
                turn: asked.turn,
                pipeline: "new",
                draft: Some("Seven days."),
                confidence: 0.5,
                grounded_share: 1.0,
                is_held: false,
            };
            let mut tx = db.begin().await.unwrap();
            labels::insert(&mut tx, mine, &label).await.unwrap().unwrap();
            assert!(!insert(&mut tx, other, &new).await.unwrap(), "not their turn");
            assert!(insert(&mut tx, mine, &new).await.unwrap());
            assert!(!insert(&mut tx, mine, &new).await.unwrap(), "it was asked");
            tx.commit().await.unwrap();
            let [both] = of_pipeline(&db, mine, "new").await.unwrap().try_into().unwrap();
            assert_eq!(
                (both.turn, both.outcome, both.now.as_deref()),
                (asked.turn, Outcome::Accept, Some("Seven days."))
            );
            assert_eq!(turns_of(&db, mine, "new").await.unwrap(), [asked.turn]);
            assert_eq!(of_pipeline(&db, mine, "another").await.unwrap(), []);
            assert_eq!(of_pipeline(&db, other, "new").await.unwrap(), []);
        }
    }
}
