//! Messages: utterances, numbered within their conversation without gaps.

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::inbox::place;
use super::{Db, StorageError, Tx};
use crate::domain::conversation::{Author, Citation, Handler};
use crate::domain::ids::{AccountId, ConversationId, MessageId, ShopId, TurnId};
use crate::domain::order_card::OrderCard;

/// One utterance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Identity.
    pub id: MessageId,
    /// The thread.
    pub conversation: ConversationId,
    /// 1, 2, 3 … within the thread.
    pub seq: i64,
    /// Who said it.
    pub author: Author,
    /// The person behind it, if it was one of the shop.
    pub account: Option<AccountId>,
    /// What was said.
    pub text: String,
    /// Where its statements come from.
    pub citations: Vec<Citation>,
    /// What is shown beside the text.
    pub card: Option<OrderCard>,
    /// The turn it asks or answers.
    pub turn: Option<TurnId>,
    /// What its sender called it.
    pub client_key: Option<String>,
    /// What the buyer made of it: up is `true`.
    pub thumbs: Option<bool>,
    /// When.
    pub created_at_ms: i64,
}

/// An utterance to be.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// Who says it.
    pub author: Author,
    /// The person behind it, if it is one of the shop.
    pub account: Option<AccountId>,
    /// What is said.
    pub text: &'a str,
    /// Where its statements come from.
    pub citations: &'a [Citation],
    /// The turn it asks or answers.
    pub turn: Option<TurnId>,
    /// Chosen by the sender: the same key again is the same message again.
    pub client_key: Option<&'a str>,
}

/// A message that was added, or had been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The message.
    pub message: Message,
    /// Whether the same key had brought it before: nothing was written.
    pub is_repeat: bool,
}

/// Selects messages `m`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select m.id, m.conversation_id, m.seq, m.author, m.author_id, m.text, m.citations, m.card, m.turn_id, ",
            "m.client_key, m.thumbs, m.created_at_ms from messages m ",
            $rest
        )
    };
}
pub(super) use select;

pub(super) fn read(row: &AnyRow) -> Result<Message, StorageError> {
    Ok(Message {
        id: row.col("id")?,
        conversation: row.col("conversation_id")?,
        seq: row.col("seq")?,
        author: row.col("author")?,
        account: row.col("author_id")?,
        text: row.col("text")?,
        citations: row.json("citations")?,
        card: row.col::<Option<Json<OrderCard>>>("card")?.map(|json| json.0),
        turn: row.col("turn_id")?,
        client_key: row.col("client_key")?,
        thumbs: row.col::<Option<i64>>("thumbs")?.map(|thumbs| thumbs != 0),
        created_at_ms: row.col("created_at_ms")?,
    })
}

/// Adds a message with the next number; `None` if there is no such conversation. The same `client_key` again returns
/// the first message; with another text it is [`StorageError::Conflict`] named `messages_client_key`.
pub async fn add(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    new: &NewMessage<'_>,
) -> Result<Option<Added>, StorageError> {
    if lock(tx, shop, conversation).await?.is_none() {
        return Ok(None);
    }
    if let Some(message) = said_before(tx, conversation, new).await? {
        return Ok(Some(Added { message, is_repeat: true }));
    }
    let message = append(tx, shop, conversation, new).await?;
    place::refresh(tx, shop, conversation).await?;
    Ok(Some(Added { message, is_repeat: false }))
}

/// Holds the conversation until the end of the transaction, so that numbers, keys and turns are settled one writer
/// after the other; says who answers in it.
pub(super) async fn lock(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
) -> Result<Option<Handler>, StorageError> {
    let row =
        sqlx::query("update conversations set next_seq = next_seq where shop_id = $1 and id = $2 returning handler")
            .bind(shop)
            .bind(conversation)
            .fetch_optional(tx.connection())
            .await?;
    row.map(|row| row.col("handler")).transpose()
}

/// The message that the same key brought before. The conversation is locked.
pub(super) async fn said_before(
    tx: &mut Tx,
    conversation: ConversationId,
    new: &NewMessage<'_>,
) -> Result<Option<Message>, StorageError> {
    let Some(client_key) = new.client_key else { return Ok(None) };
    let row = sqlx::query(select!("where m.conversation_id = $1 and m.client_key = $2"))
        .bind(conversation)
        .bind(client_key)
        .fetch_optional(tx.connection())
        .await?;
    let Some(message) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    if message.text != new.text || message.author != new.author {
        return Err(StorageError::Conflict { constraint: "messages_client_key".into() });
    }
    Ok(Some(message))
}

/// Writes the message. The conversation is locked; whoever calls puts it where it belongs in the inbox once all is written.
pub(super) async fn append(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    new: &NewMessage<'_>,
) -> Result<Message, StorageError> {
    let (id, now_ms) = (MessageId(tx.new_id()), tx.now_ms());
    let row = sqlx::query(
        "update conversations set next_seq = next_seq + 1, updated_at_ms = $3 where shop_id = $1 and id = $2 \
         returning next_seq - 1 as seq",
    )
    .bind(shop)
    .bind(conversation)
    .bind(now_ms)
    .fetch_one(tx.connection())
    .await?;
    let message = Message {
        id,
        conversation,
        seq: row.col("seq")?,
        author: new.author,
        account: new.account,
        text: new.text.to_owned(),
        citations: new.citations.to_vec(),
        card: None,
        turn: new.turn,
        client_key: new.client_key.map(str::to_owned),
        thumbs: None,
        created_at_ms: now_ms,
    };
    sqlx::query(
        "insert into messages (id, shop_id, conversation_id, seq, author, author_id, text, citations, turn_id, \
         client_key, created_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(id)
    .bind(shop)
    .bind(conversation)
    .bind(message.seq)
    .bind(new.author)
    .bind(new.account)
    .bind(new.text)
    .bind(Json(new.citations))
    .bind(new.turn)
    .bind(new.client_key)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(message)
}

/// Shows the card of its turn beside a message of the shop's side: what was drafted with it. The conversation is locked.
pub(super) async fn show_card(tx: &mut Tx, shop: ShopId, message: &mut Message) -> Result<(), StorageError> {
    let row = sqlx::query(
        "update messages set card = (select t.card from turns t where t.shop_id = $1 and t.id = messages.turn_id) \
         where shop_id = $1 and id = $2 returning card",
    )
    .bind(shop)
    .bind(message.id)
    .fetch_one(tx.connection())
    .await?;
    message.card = row.col::<Option<Json<OrderCard>>>("card")?.map(|json| json.0);
    Ok(())
}

/// One message.
pub async fn get(db: &Db, shop: ShopId, message: MessageId) -> Result<Option<Message>, StorageError> {
    let row = sqlx::query(select!("where m.shop_id = $1 and m.id = $2"))
        .bind(shop)
        .bind(message)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// What was said after number `seq`, in order; 0 for all.
pub async fn after(
    db: &Db,
    shop: ShopId,
    conversation: ConversationId,
    seq: i64,
    limit: u32,
) -> Result<Vec<Message>, StorageError> {
    let rows =
        sqlx::query(select!("where m.shop_id = $1 and m.conversation_id = $2 and m.seq > $3 order by m.seq limit $4"))
            .bind(shop)
            .bind(conversation)
            .bind(seq)
            .bind(i64::from(limit))
            .fetch_all(&db.readers)
            .await?;
    rows.iter().map(read).collect()
}

/// The last messages before number `seq`, in order: what a draft must know.
pub async fn before(
    db: &Db,
    shop: ShopId,
    conversation: ConversationId,
    seq: i64,
    limit: u32,
) -> Result<Vec<Message>, StorageError> {
    let rows = sqlx::query(select!(
        "where m.shop_id = $1 and m.conversation_id = $2 and m.seq < $3 order by m.seq desc limit $4"
    ))
    .bind(shop)
    .bind(conversation)
    .bind(seq)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().rev().map(read).collect()
}

/// What the buyer makes of a message of the shop's side; `None` takes it back. `false` if it is not one of this
/// conversation, or was not said by the shop.
pub async fn set_thumbs(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    message: MessageId,
    thumbs: Option<bool>,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update messages set thumbs = $4 where shop_id = $1 and conversation_id = $2 and id = $3 \
         and author in ('assistant', 'reviewed', 'agent')",
    )
    .bind(shop)
    .bind(conversation)
    .bind(message)
    .bind(thumbs.map(i64::from))
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, scratches, shop};
    use super::*;

    fn said<'a>(author: Author, text: &'a str, client_key: Option<&'a str>) -> NewMessage<'a> {
        NewMessage { author, account: None, text, citations: &[], turn: None, client_key }
    }

    #[tokio::test]
    async fn the_same_key_is_the_same_message() {
        for Scratch { db, .. } in scratches().await {
            let mine = shop(&db).await;
            let thread = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            let new = said(Author::Buyer, "hello", Some("k1"));
            let first = add(&mut tx, mine, thread, &new).await.unwrap().unwrap();
            let second = add(&mut tx, mine, thread, &new).await.unwrap().unwrap();
            assert_eq!((first.is_repeat, second.is_repeat), (false, true));
            assert_eq!(first.message, second.message);
            let error = add(&mut tx, mine, thread, &said(Author::Buyer, "bye", Some("k1"))).await.unwrap_err();
            assert!(error.conflicts_with("messages_client_key"), "{error:?}");
            let third = add(&mut tx, mine, thread, &said(Author::Buyer, "hello", None)).await.unwrap().unwrap();
            assert_eq!(third.message.seq, 2, "no number was spent on the repeat");
            tx.commit().await.unwrap();
            assert_eq!(after(&db, mine, thread, 0, 10).await.unwrap().len(), 2);
        }
    }

    #[tokio::test]
    async fn the_same_key_at_the_same_time_is_one_message() {
        for Scratch { db, .. } in scratches().await {
            let mine = shop(&db).await;
            let thread = testing::conversation(&db, mine).await;
            let send = async || {
                let mut tx = db.begin().await.unwrap();
                let added = add(&mut tx, mine, thread, &said(Author::Buyer, "hello", Some("k"))).await.unwrap();
                tx.commit().await.unwrap();
                added.unwrap().is_repeat
            };
            let repeats = futures::future::join_all((0..8).map(|_| send())).await;
            assert_eq!(repeats.iter().filter(|is_repeat| !**is_repeat).count(), 1);
            assert_eq!(after(&db, mine, thread, 0, 10).await.unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn numbers_have_no_gaps_and_pages_join() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let thread = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            for text in ["a", "b", "c", "d"] {
                add(&mut tx, mine, thread, &said(Author::Buyer, text, None)).await.unwrap().unwrap();
            }
            assert_eq!(add(&mut tx, other, thread, &said(Author::Buyer, "x", None)).await.unwrap(), None);
            tx.commit().await.unwrap();
            let texts = |messages: Vec<Message>| messages.into_iter().map(|m| (m.seq, m.text)).collect::<Vec<_>>();
            let page = texts(after(&db, mine, thread, 1, 2).await.unwrap());
            assert_eq!(page, [(2, "b".to_owned()), (3, "c".to_owned())]);
            let page = texts(before(&db, mine, thread, 4, 2).await.unwrap());
            assert_eq!(page, [(2, "b".to_owned()), (3, "c".to_owned())]);
            assert_eq!(after(&db, other, thread, 0, 10).await.unwrap(), []);
        }
    }

    #[tokio::test]
    async fn only_the_shops_words_get_thumbs() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let thread = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            let asked = add(&mut tx, mine, thread, &said(Author::Buyer, "?", None)).await.unwrap().unwrap().message;
            let said = add(&mut tx, mine, thread, &said(Author::Agent, "!", None)).await.unwrap().unwrap().message;
            assert!(!set_thumbs(&mut tx, mine, thread, asked.id, Some(true)).await.unwrap());
            assert!(!set_thumbs(&mut tx, other, thread, said.id, Some(true)).await.unwrap());
            assert!(set_thumbs(&mut tx, mine, thread, said.id, Some(false)).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(get(&db, mine, said.id).await.unwrap().unwrap().thumbs, Some(false));
            let mut tx = db.begin().await.unwrap();
            assert!(set_thumbs(&mut tx, mine, thread, said.id, None).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(get(&db, mine, said.id).await.unwrap().unwrap().thumbs, None);
        }
    }
}
