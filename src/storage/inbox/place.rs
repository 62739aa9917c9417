//! Keeps the columns that the inbox is sorted and filtered by in step with what messages and turns say.
//!
//! Everything is read anew from the truth, in the transaction of the change and with the conversation held: a counter
//! that is only added to would have to be right in every place that writes.

use crate::domain::conversation::Author;
use crate::domain::ids::{ConversationId, ShopId};
use crate::domain::inbox::{Standing, place};
use crate::storage::columns::Columns;
use crate::storage::conversations::ConversationKind;
use crate::storage::{StorageError, Tx};

/// Puts a conversation where it belongs. Those that are in nobody's inbox are left alone.
pub(in crate::storage) async fn refresh(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
) -> Result<(), StorageError> {
    let row = sqlx::query(
        "select c.kind, c.closed, c.escalated, c.updated_at_ms, (select r.author from messages r \
         where r.conversation_id = c.id and r.author in ('assistant', 'reviewed', 'agent') order by r.seq desc limit 1) \
         as last_reply_by, (select b.created_at_ms from messages b where b.conversation_id = c.id and b.author = 'buyer' \
         and b.seq > coalesce((select s.seq from messages s where s.conversation_id = c.id \
         and s.author in ('assistant', 'reviewed', 'agent') order by s.seq desc limit 1), 0) order by b.seq limit 1) \
         as waiting_since_ms from conversations c where c.shop_id = $1 and c.id = $2",
    )
    .bind(shop)
    .bind(conversation)
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(()) };
    if row.col::<ConversationKind>("kind")? != ConversationKind::Buyer {
        return Ok(());
    }
    let is_open = !row.flag("closed")?;
    let held = if is_open { held(tx, shop, conversation).await? } else { None };
    let waiting_since_ms = row.col::<Option<i64>>("waiting_since_ms")?.filter(|_| is_open);
    let since_ms = [waiting_since_ms, held.map(|held| held.since_ms)].into_iter().flatten().min();
    // Once nobody waits any more, the lead has done what was asked for.
    let is_escalated = row.flag("escalated")? && since_ms.is_some();
    let standing = Standing {
        since_ms,
        surety: held.map(|held| held.surety),
        is_escalated,
        is_angry: held.is_some_and(|held| held.is_angry),
        updated_at_ms: row.col("updated_at_ms")?,
    };
    sqlx::query(
        "update conversations set waiting_since_ms = $3, last_reply_by = $4, needs_person = $5, place_ms = $6, \
         escalated = $7 where shop_id = $1 and id = $2",
    )
    .bind(shop)
    .bind(conversation)
    .bind(waiting_since_ms)
    .bind(row.col::<Option<Author>>("last_reply_by")?)
    .bind(i64::from(held.is_some()))
    .bind(place(&standing))
    .bind(i64::from(is_escalated))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What a person has to look at.
#[derive(Debug, Clone, Copy)]
struct Held {
    since_ms: i64,
    /// Of the least sure draft.
    surety: f64,
    /// Of any of them.
    is_angry: bool,
}

async fn held(tx: &mut Tx, shop: ShopId, conversation: ConversationId) -> Result<Option<Held>, StorageError> {
    let rows = sqlx::query(
        "select created_at_ms, case when draft is null or state <> 'review' then 0.0 else coalesce(confidence, 0.0) end \
         as surety, cast(case when reasons like '%\"angry\"%' then 1 else 0 end as bigint) as is_angry \
         from turns where shop_id = $1 and conversation_id = $2 \
         and state in ('review', 'escalated', 'rejected')",
    )
    .bind(shop)
    .bind(conversation)
    .fetch_all(tx.connection())
    .await?;
    let mut held: Option<Held> = None;
    for row in &rows {
        let (since_ms, surety): (i64, f64) = (row.col("created_at_ms")?, row.col("surety")?);
        let is_angry = row.number("is_angry")? != 0;
        let so_far = held.unwrap_or(Held { since_ms, surety, is_angry });
        held = Some(Held {
            since_ms: so_far.since_ms.min(since_ms),
            surety: so_far.surety.min(surety),
            is_angry: so_far.is_angry || is_angry,
        });
    }
    Ok(held)
}
