//! Order numbers that were asked for with digits of a phone that do not fit.
//!
//! # Why
//! Four digits can be guessed in ten thousand tries, so tries are counted where a restart does not forget them: by
//! conversation, by number, whoever asks, and by shop, since one try at each of many numbers is guessing, too. Beyond
//! the limit nobody is told anything: a person looks.

use sqlx::any::AnyRow;

use super::columns::Columns;
use super::{Db, StorageError, Tx};
use crate::domain::ids::{ConversationId, ShopId};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// Wrong tries in one conversation, in a day.
const PER_CONVERSATION: i64 = 3;
/// Wrong tries at one number, in a day, by everybody together.
const PER_NUMBER: i64 = 5;
/// Wrong tries in a shop, in an hour.
const PER_SHOP: i64 = 60;

/// Whether there were too many wrong tries to look once more.
pub async fn is_too_often(
    db: &Db,
    shop: ShopId,
    (conversation, number_hash): (ConversationId, &str),
) -> Result<bool, StorageError> {
    let now_ms = db.now_ms();
    let row = sqlx::query(
        "select count(*) filter (where conversation_id = $2) as here, \
         count(*) filter (where number_hash = $3) as number, \
         count(*) filter (where tried_at_ms > $4) as lately \
         from order_lookups where shop_id = $1 and tried_at_ms > $5",
    )
    .bind(shop)
    .bind(conversation)
    .bind(number_hash)
    .bind(now_ms - HOUR_MS)
    .bind(now_ms - 24 * HOUR_MS)
    .fetch_one(&db.readers)
    .await?;
    let over = |row: &AnyRow, name: &str, limit: i64| Ok::<_, StorageError>(row.col::<i64>(name)? >= limit);
    Ok(over(&row, "here", PER_CONVERSATION)? || over(&row, "number", PER_NUMBER)? || over(&row, "lately", PER_SHOP)?)
}

/// Counts a wrong try.
pub async fn count(
    tx: &mut Tx,
    shop: ShopId,
    (conversation, number_hash): (ConversationId, &str),
) -> Result<(), StorageError> {
    let (id, now_ms) = (tx.new_id(), tx.now_ms());
    sqlx::query(
        "insert into order_lookups (id, shop_id, conversation_id, number_hash, tried_at_ms) values ($1, $2, $3, $4, $5)",
    )
    .bind(id.to_string())
    .bind(shop)
    .bind(conversation)
    .bind(number_hash)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, conversation, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn wrong_tries_are_counted_by_conversation_and_by_number_and_pass() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let thread = conversation(&db, mine).await;
            for _ in 0..PER_CONVERSATION {
                assert!(!is_too_often(&db, mine, (thread, "n")).await.unwrap());
                let mut tx = db.begin().await.unwrap();
                count(&mut tx, mine, (thread, "n")).await.unwrap();
                tx.commit().await.unwrap();
            }
            assert!(is_too_often(&db, mine, (thread, "another")).await.unwrap(), "of this conversation");
            let next = conversation(&db, mine).await;
            assert!(!is_too_often(&db, mine, (next, "n")).await.unwrap());
            let mut tx = db.begin().await.unwrap();
            for _ in PER_CONVERSATION..PER_NUMBER {
                count(&mut tx, mine, (next, "n")).await.unwrap();
            }
            tx.commit().await.unwrap();
            let third = conversation(&db, mine).await;
            assert!(is_too_often(&db, mine, (third, "n")).await.unwrap(), "of this number, whoever asks");
            assert!(!is_too_often(&db, other, (third, "n")).await.unwrap());
            clock.advance(24 * HOUR_MS + 1);
            assert!(!is_too_often(&db, mine, (third, "n")).await.unwrap());
        }
    }
}
