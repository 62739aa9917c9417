//! Messages that a person sends to many buyers at once: who can be reached, and what was sent lately.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;

use super::columns::{Columns, placeholders};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, ConversationId, ShopId};

/// What the key of such a message begins with: it answers nobody, and figures leave it out.
pub const KEY_PREFIX: &str = "bulk:";
/// A statement has room for so many placeholders on every engine.
const PAGE: usize = 500;

/// Of each buyer, the conversation that was used last, if nobody there waits for an answer and no such message came
/// since `since_ms`.
pub async fn reachable(
    db: &Db,
    shop: ShopId,
    buyers: &[&str],
    since_ms: i64,
) -> Result<BTreeMap<String, ConversationId>, StorageError> {
    let mut found = BTreeMap::new();
    for buyers in buyers.chunks(PAGE) {
        let sql = format!(
            "select c.id, c.buyer_id from conversations c where c.shop_id = $1 and c.kind = 'buyer' \
             and c.buyer_hash <> '' \
             and not exists (select 1 from messages m where m.conversation_id = c.id and m.created_at_ms > $2 \
             and m.author = 'agent' and m.client_key like 'bulk:%') and not exists (select 1 from turns t where t.conversation_id = c.id \
             and t.state in ('asked', 'review', 'escalated', 'rejected')) and c.buyer_id in ({}) \
             order by c.updated_at_ms, c.id",
            placeholders(3, buyers.len())
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(shop).bind(since_ms);
        for buyer in buyers {
            query = query.bind(*buyer);
        }
        for row in query.fetch_all(&db.readers).await? {
            let row: &AnyRow = &row;
            found.insert(row.col("buyer_id")?, row.col("id")?);
        }
    }
    Ok(found)
}

/// Conversations that such messages reached since `since_ms`.
pub async fn count_since(db: &Db, shop: ShopId, since_ms: i64) -> Result<u32, StorageError> {
    let rows = sqlx::query("select n_conversations from bulk_messages where shop_id = $1 and created_at_ms >= $2")
        .bind(shop)
        .bind(since_ms)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(|row| row.number("n_conversations")).sum()
}

/// Notes one; its name is the end of the key of each of its messages.
pub async fn note(
    tx: &mut Tx,
    shop: ShopId,
    (account, n_conversations): (AccountId, usize),
) -> Result<String, StorageError> {
    let (id, now_ms) = (tx.new_id().to_string(), tx.now_ms());
    sqlx::query(
        "insert into bulk_messages (id, shop_id, account_id, n_conversations, created_at_ms) \
         values ($1, $2, $3, $4, $5)",
    )
    .bind(&id)
    .bind(shop)
    .bind(account)
    .bind(super::columns::to_i64(n_conversations))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(id)
}
