//! Whether a buyer is still the one at the browser. What the browser holds opens one thread, until its buyer leaves or
//! does not come back in time: on a shared device the next person must not read it.

use super::columns::Columns;
use super::conversations::{Conversation, read, select};
use super::{Db, StorageError, Tx, conversations};
use crate::domain::ids::{ConversationId, ShopId};

/// Coming back is noted to the minute, as for sessions.
const TOUCH_EVERY_MS: i64 = 60 * 1000;

/// Ends a thread for its buyer when they were not there for `idle_ms`.
pub async fn expect(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    idle_ms: i64,
) -> Result<bool, StorageError> {
    let done = sqlx::query("update conversations set idle_ms = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(conversation)
        .bind(idle_ms)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The thread, if the buyer who holds what `buyer_hash` was made of began it and was not away for too long; notes that
/// they are there. No shop: the thread says which.
pub async fn find(
    db: &Db,
    conversation: ConversationId,
    buyer_hash: &str,
) -> Result<Option<Conversation>, StorageError> {
    let now_ms = db.now_ms();
    let row = sqlx::query(select!(
        ", c.buyer_seen_at_ms",
        "where c.id = $1 and c.buyer_hash = $2 and c.kind = 'buyer' and c.buyer_seen_at_ms + c.idle_ms > $3"
    ))
    .bind(conversation)
    .bind(buyer_hash)
    .bind(now_ms)
    .fetch_optional(&db.readers)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.col::<i64>("buyer_seen_at_ms")? <= now_ms - TOUCH_EVERY_MS {
        sqlx::query("update conversations set buyer_seen_at_ms = $2 where id = $1 and buyer_seen_at_ms < $2")
            .bind(conversation)
            .bind(now_ms)
            .execute(&db.writer)
            .await?;
    }
    read(&row).map(Some)
}

/// Takes the thread from its buyer for good: what the browser holds, and a copy of it, opens nothing any more. False if
/// there is no such thread.
pub async fn leave(tx: &mut Tx, shop: ShopId, conversation: ConversationId) -> Result<bool, StorageError> {
    let done = sqlx::query("update conversations set buyer_hash = '' where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(conversation)
        .execute(tx.connection())
        .await?;
    conversations::set_closed(tx, shop, conversation, true).await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, scratches, shop};
    use super::*;

    const MINUTE_MS: i64 = 60 * 1000;

    #[tokio::test]
    async fn a_thread_is_its_buyers_as_long_as_they_come_back_in_time() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let id = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            assert!(!expect(&mut tx, other, id, 1).await.unwrap());
            assert!(expect(&mut tx, mine, id, 15 * MINUTE_MS).await.unwrap());
            tx.commit().await.unwrap();
            for _ in 0..3 {
                clock.advance(14 * MINUTE_MS);
                assert_eq!(find(&db, id, "buyer").await.unwrap().map(|found| found.id), Some(id));
            }
            assert_eq!(find(&db, id, "another").await.unwrap(), None);
            clock.advance(15 * MINUTE_MS);
            assert_eq!(find(&db, id, "buyer").await.unwrap(), None, "the browser may be somebody else's by now");
        }
    }

    #[tokio::test]
    async fn who_has_left_is_out() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let id = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            assert!(!leave(&mut tx, other, id).await.unwrap());
            assert!(leave(&mut tx, mine, id).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(find(&db, id, "buyer").await.unwrap(), None);
            assert!(conversations::get(&db, mine, id).await.unwrap().unwrap().closed);
        }
    }
}
