//! What the server itself does about commitments, as time passes and orders move.

use super::super::columns::{Columns, Json};
use super::super::{Db, StorageError, Tx};
use crate::domain::commitment::{CommitmentEvidence, CommitmentKind};
use crate::domain::ids::{AccountId, CommitmentId, ConversationId, OrderId, ShopId};
use crate::domain::order::{Order, Stage};

/// The hour that is looked at: what is due until `remind_until_ms` is reminded of, what was due before
/// `overdue_before_ms` is put before the lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// Now, and the time of a reminder ahead.
    pub remind_until_ms: i64,
    /// Now, less the patience of the shop.
    pub overdue_before_ms: i64,
}

/// A commitment that somebody was called about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Called {
    /// Which one.
    pub id: CommitmentId,
    /// Where it was said.
    pub conversation: ConversationId,
}

/// Whether anybody is to be called at this hour.
pub async fn is_anything_due(db: &Db, shop: ShopId, hour: Hour) -> Result<bool, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from commitments where shop_id = $1 and state = 'open' and \
         ((reminded_at_ms is null and due_at_ms <= $2) or (escalated_at_ms is null and due_at_ms < $3))",
    )
    .bind(shop)
    .bind(hour.remind_until_ms)
    .bind(hour.overdue_before_ms)
    .fetch_one(&db.readers)
    .await?;
    Ok(row.number("n")? > 0)
}

/// Notes that the owners are reminded of what is due soon; once for each time until when.
pub async fn call_owners(tx: &mut Tx, shop: ShopId, hour: Hour) -> Result<Vec<Called>, StorageError> {
    let now_ms = tx.now_ms();
    let rows = sqlx::query(
        "update commitments set reminded_at_ms = $3 where shop_id = $1 and state = 'open' and reminded_at_ms is null \
         and due_at_ms <= $2 returning id, conversation_id",
    )
    .bind(shop)
    .bind(hour.remind_until_ms)
    .bind(now_ms)
    .fetch_all(tx.connection())
    .await?;
    rows.iter().map(|row| Ok(Called { id: row.col("id")?, conversation: row.col("conversation_id")? })).collect()
}

/// Puts what is overdue before the lead; once for each time until when.
pub async fn escalate(
    tx: &mut Tx,
    shop: ShopId,
    hour: Hour,
    lead: Option<AccountId>,
) -> Result<Vec<Called>, StorageError> {
    let now_ms = tx.now_ms();
    let rows = sqlx::query(
        "update commitments set escalated_at_ms = $3, escalated_to_id = $4 where shop_id = $1 and state = 'open' \
         and escalated_at_ms is null and due_at_ms < $2 returning id, conversation_id",
    )
    .bind(shop)
    .bind(hour.overdue_before_ms)
    .bind(now_ms)
    .bind(lead)
    .fetch_all(tx.connection())
    .await?;
    rows.iter().map(|row| Ok(Called { id: row.col("id")?, conversation: row.col("conversation_id")? })).collect()
}

/// Proposes to close what an order seems to show as kept: said before the order came that far, for this order, or to
/// its buyer where no order was named.
pub async fn propose_for_order(tx: &mut Tx, shop: ShopId, (id, order): (OrderId, &Order)) -> Result<u64, StorageError> {
    if !is_any_open(tx, shop).await? {
        return Ok(0);
    }
    let mut n_proposed = 0;
    for stage in [Stage::Shipped, Stage::Signed, Stage::Refunded] {
        let Some(at_ms) = order.reached_ms(stage) else { continue };
        let evidence = CommitmentEvidence::Order { order: id, stage, at_ms };
        for kind in CommitmentKind::ALL.into_iter().filter(|kind| kind.is_shown_by(stage)) {
            let done = sqlx::query(
                "update commitments set proposed = $5, version = version + 1 where shop_id = $1 and state = 'open' \
                 and kind = $2 and proposed is null and created_at_ms <= $4 and (order_id = $3 or (order_id is null \
                 and conversation_id in (select c.id from conversations c join orders o on o.buyer_id = c.buyer_id \
                 where c.shop_id = $1 and o.shop_id = $1 and o.id = $3)))",
            )
            .bind(shop)
            .bind(kind)
            .bind(id)
            .bind(at_ms)
            .bind(Json(&evidence))
            .execute(tx.connection())
            .await?;
            n_proposed += done.rows_affected();
        }
    }
    Ok(n_proposed)
}

/// A sheet of orders brings thousands: where nothing was said, nothing is looked for.
async fn is_any_open(tx: &mut Tx, shop: ShopId) -> Result<bool, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from (select 1 from commitments where shop_id = $1 and state = 'open' limit 1) any_open",
    )
    .bind(shop)
    .fetch_one(tx.connection())
    .await?;
    Ok(row.number("n")? > 0)
}
