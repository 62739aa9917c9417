//! Conversations: threads between a buyer and the shop. Their utterances are in [`messages`](super::messages).

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::columns::Columns;
use super::inbox::place;
use super::{Db, StorageError, Tx};
use crate::domain::conversation::{Handler, Simulated};
use crate::domain::ids::{AccountId, ConversationId, ShopId, WidgetId};
use crate::domain::inbox::Standing;
use crate::domain::order::Platform;
use crate::domain::text::Lang;

/// Whose questions are in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConversationKind {
    /// A buyer's.
    Buyer,
    /// Staff's, to see what would be said: shown to nobody else, and kept out of the inbox, the agents' queue, the
    /// numbers of the day, and what is learned.
    Test,
    /// Of the past: imported questions, answered so that people can judge the answers. Kept out of everything that
    /// [`Self::Test`] is kept out of, but for what is proven: there its labels count.
    Rehearsal,
    /// On another platform: an agent has pasted the buyer's message here and copies the draft back. Kept out of the
    /// inbox, the queue, the numbers of the day and of every proof: whoever copies may say nothing of the draft.
    Companion,
}

/// A thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Identity.
    pub id: ConversationId,
    /// The shop it is with.
    pub shop: ShopId,
    /// Whose questions are in it.
    pub kind: ConversationKind,
    /// Where it began; the widget may be gone.
    pub widget: Option<WidgetId>,
    /// Hash of what the buyer's browser holds.
    pub buyer_hash: String,
    /// The language of the buyer's last message.
    pub lang: Lang,
    /// The product whose page it began on.
    pub sku: Option<String>,
    /// The platform the buyer is on.
    pub platform: Platform,
    /// The order that an agent has said it is about.
    pub order_number: Option<String>,
    /// Who answers.
    pub handler: Handler,
    /// The agent who has taken over, or who has brought it.
    pub agent: Option<AccountId>,
    /// Whether it is done with. A buyer who writes opens it again.
    pub closed: bool,
    /// Set if it belongs to a simulated day.
    pub simulated: Option<Simulated>,
    /// When it began.
    pub created_at_ms: i64,
    /// When something was last said.
    pub updated_at_ms: i64,
}

impl Conversation {
    /// The platform whose documents answer here; `None` where every document may.
    pub fn answered_on(&self) -> Option<Platform> {
        match self.kind {
            ConversationKind::Buyer | ConversationKind::Companion => Some(self.platform),
            ConversationKind::Test | ConversationKind::Rehearsal => None,
        }
    }
}

/// A thread to be.
#[derive(Debug, Clone, Copy)]
pub struct NewConversation<'a> {
    /// Whose questions will be in it.
    pub kind: ConversationKind,
    /// Where it begins.
    pub widget: Option<WidgetId>,
    /// Hash of what the buyer's browser holds.
    pub buyer_hash: &'a str,
    /// The buyer's language.
    pub lang: Lang,
    /// The product whose page it begins on.
    pub sku: Option<&'a str>,
}

/// Selects conversations `c`, and more columns.
macro_rules! select {
    ($more_columns:literal, $rest:literal) => {
        concat!(
            "select c.id, c.shop_id, c.kind, c.widget_id, c.buyer_hash, c.lang, c.sku, c.handler, c.agent_id, c.closed, c.simulated, ",
            "c.created_at_ms, c.updated_at_ms, c.platform, c.order_number",
            $more_columns,
            " from conversations c ",
            $rest
        )
    };
}
pub(super) use select;

pub(super) fn read(row: &AnyRow) -> Result<Conversation, StorageError> {
    Ok(Conversation {
        id: row.col("id")?,
        shop: row.col("shop_id")?,
        kind: row.col("kind")?,
        widget: row.col("widget_id")?,
        buyer_hash: row.col("buyer_hash")?,
        lang: row.col("lang")?,
        sku: row.col("sku")?,
        platform: row.col("platform")?,
        order_number: row.col("order_number")?,
        handler: row.col("handler")?,
        agent: row.col("agent_id")?,
        closed: row.flag("closed")?,
        simulated: row.col("simulated")?,
        created_at_ms: row.col("created_at_ms")?,
        updated_at_ms: row.col("updated_at_ms")?,
    })
}

/// Begins a thread, with the assistant answering.
pub async fn create(tx: &mut Tx, shop: ShopId, new: &NewConversation<'_>) -> Result<Conversation, StorageError> {
    let now_ms = tx.now_ms();
    let conversation = Conversation {
        id: ConversationId(tx.new_id()),
        shop,
        kind: new.kind,
        widget: new.widget,
        buyer_hash: new.buyer_hash.to_owned(),
        lang: new.lang,
        sku: new.sku.map(str::to_owned),
        platform: Platform::Own,
        order_number: None,
        handler: Handler::Assistant,
        agent: None,
        closed: false,
        simulated: None,
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
    };
    let nobody_waits =
        Standing { since_ms: None, surety: None, is_escalated: false, is_angry: false, updated_at_ms: now_ms };
    sqlx::query(
        "insert into conversations (id, shop_id, widget_id, buyer_hash, lang, handler, created_at_ms, updated_at_ms, \
         kind, sku, place_ms, buyer_seen_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $7)",
    )
    .bind(conversation.id)
    .bind(shop)
    .bind(new.widget)
    .bind(new.buyer_hash)
    .bind(new.lang)
    .bind(conversation.handler)
    .bind(now_ms)
    .bind(new.kind)
    .bind(new.sku)
    .bind(crate::domain::inbox::place(&nobody_waits))
    .execute(tx.connection())
    .await?;
    Ok(conversation)
}

/// Marks a thread that has just begun as one of a simulated day, for good.
pub async fn mark_simulated(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    simulated: Simulated,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update conversations set simulated = $3 where shop_id = $1 and id = $2 and next_seq = 1 and kind = 'buyer'",
    )
    .bind(shop)
    .bind(conversation)
    .bind(simulated)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One thread.
pub async fn get(db: &Db, shop: ShopId, conversation: ConversationId) -> Result<Option<Conversation>, StorageError> {
    let row = sqlx::query(select!("", "where c.shop_id = $1 and c.id = $2"))
        .bind(shop)
        .bind(conversation)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The threads of one buyer, newest first.
pub async fn by_buyer(db: &Db, shop: ShopId, buyer_hash: &str) -> Result<Vec<Conversation>, StorageError> {
    let rows =
        sqlx::query(select!("", "where c.shop_id = $1 and c.buyer_hash = $2 order by c.created_at_ms desc, c.id desc"))
            .bind(shop)
            .bind(buyer_hash)
            .fetch_all(&db.readers)
            .await?;
    rows.iter().map(read).collect()
}

/// Lets `agent` answer instead of the assistant; `false` if another agent does already, or there is no such thread.
pub async fn take_over(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    agent: AccountId,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update conversations set handler = 'agent', agent_id = $3, assignee_id = $3 where shop_id = $1 and id = $2 \
         and (handler = 'assistant' or agent_id is null or agent_id = $3)",
    )
    .bind(shop)
    .bind(conversation)
    .bind(agent)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets the assistant answer again; `false` if it did already, or there is no such thread.
pub async fn hand_back(tx: &mut Tx, shop: ShopId, conversation: ConversationId) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update conversations set handler = 'assistant', agent_id = null, assignee_id = null \
         where shop_id = $1 and id = $2 and handler = 'agent'",
    )
    .bind(shop)
    .bind(conversation)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Closes a thread, or opens it again; `false` if it was so already, or there is no such thread.
pub async fn set_closed(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    closed: bool,
) -> Result<bool, StorageError> {
    let done = sqlx::query("update conversations set closed = $3 where shop_id = $1 and id = $2 and closed <> $3")
        .bind(shop)
        .bind(conversation)
        .bind(i64::from(closed))
        .execute(tx.connection())
        .await?;
    place::refresh(tx, shop, conversation).await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a buyer's thread, or takes the mark away; `false` if there is no such thread.
pub async fn set_marked(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    is_marked: bool,
) -> Result<bool, StorageError> {
    let done = sqlx::query("update conversations set marked = $3 where shop_id = $1 and id = $2 and kind = 'buyer'")
        .bind(shop)
        .bind(conversation)
        .bind(i64::from(is_marked))
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn one_agent_at_a_time_takes_over() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let id = testing::conversation(&db, mine).await;
            let (lin, bo) = (AccountId(uuid::Uuid::from_u128(1)), AccountId(uuid::Uuid::from_u128(2)));
            let mut tx = db.begin().await.unwrap();
            assert!(!take_over(&mut tx, other, id, lin).await.unwrap());
            assert!(take_over(&mut tx, mine, id, lin).await.unwrap());
            assert!(take_over(&mut tx, mine, id, lin).await.unwrap(), "again, by the same agent");
            assert!(!take_over(&mut tx, mine, id, bo).await.unwrap());
            tx.commit().await.unwrap();
            let seen = get(&db, mine, id).await.unwrap().unwrap();
            assert_eq!((seen.handler, seen.agent), (Handler::Agent, Some(lin)));
            let mut tx = db.begin().await.unwrap();
            assert!(hand_back(&mut tx, mine, id).await.unwrap());
            assert!(!hand_back(&mut tx, mine, id).await.unwrap());
            assert!(take_over(&mut tx, mine, id, bo).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_buyer_finds_the_own_threads_in_the_own_shop() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let first = testing::conversation(&db, mine).await;
            clock.advance(1);
            let second = testing::conversation(&db, mine).await;
            let found = by_buyer(&db, mine, "buyer").await.unwrap();
            assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [second, first]);
            assert_eq!(by_buyer(&db, mine, "somebody").await.unwrap(), []);
            assert_eq!(by_buyer(&db, other, "buyer").await.unwrap(), []);
            assert_eq!(get(&db, other, first).await.unwrap(), None);
            let mut tx = db.begin().await.unwrap();
            assert!(!set_closed(&mut tx, other, first, true).await.unwrap());
            assert!(set_closed(&mut tx, mine, first, true).await.unwrap());
            assert!(!set_closed(&mut tx, mine, first, true).await.unwrap());
        }
    }
}
