//! Tags that people put on conversations, to find them again.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::columns::{Columns, placeholders};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{ConversationId, ShopId};

/// Tags that a shop sees offered.
const MAX_OFFERED: i64 = 100;

/// Puts a tag on a conversation; nothing happens if it is there. False if the shop has no such conversation.
pub async fn add(tx: &mut Tx, shop: ShopId, conversation: ConversationId, tag: &str) -> Result<bool, StorageError> {
    let there = sqlx::query("select id from conversations where shop_id = $1 and id = $2 and kind = 'buyer'")
        .bind(shop)
        .bind(conversation)
        .fetch_optional(tx.connection())
        .await?;
    if there.is_none() {
        return Ok(false);
    }
    sqlx::query(
        "insert into conversation_tags (shop_id, tag, conversation_id) values ($1, $2, $3) on conflict do nothing",
    )
    .bind(shop)
    .bind(tag)
    .bind(conversation)
    .execute(tx.connection())
    .await?;
    Ok(true)
}

/// Takes a tag off a conversation; nothing happens if it is not there.
pub async fn remove(tx: &mut Tx, shop: ShopId, conversation: ConversationId, tag: &str) -> Result<(), StorageError> {
    sqlx::query("delete from conversation_tags where shop_id = $1 and tag = $2 and conversation_id = $3")
        .bind(shop)
        .bind(tag)
        .bind(conversation)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The tags of these conversations, each in order.
pub async fn of(
    db: &Db,
    shop: ShopId,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, Vec<String>>, StorageError> {
    let mut found: HashMap<_, Vec<String>> = HashMap::new();
    if conversations.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "select conversation_id, tag from conversation_tags where shop_id = $1 and conversation_id in ({}) order by tag",
        placeholders(2, conversations.len())
    );
    // Only placeholders were added to the literal.
    let query = sqlx::query(AssertSqlSafe(sql)).bind(shop);
    let rows = conversations.iter().fold(query, |query, id| query.bind(id)).fetch_all(&db.readers).await?;
    for row in &rows {
        found.entry(row.col("conversation_id")?).or_default().push(row.col("tag")?);
    }
    Ok(found)
}

/// The tags that a shop has, in order.
pub async fn all(db: &Db, shop: ShopId) -> Result<Vec<String>, StorageError> {
    let rows = sqlx::query("select distinct tag from conversation_tags where shop_id = $1 order by tag limit $2")
        .bind(shop)
        .bind(MAX_OFFERED)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(|row| row.col("tag")).collect()
}
