//! A buyer asks.

use crate::domain::conversation::Author;
use crate::domain::ids::{ConversationId, ShopId, TurnId};
use crate::domain::job::JobKind;
use crate::domain::text::Lang;
use crate::domain::turn::TurnState;
use crate::storage::columns::Columns;
use crate::storage::inbox::place;
use crate::storage::jobs::{self, Lane};
use crate::storage::messages::{self, Message, NewMessage};
use crate::storage::{StorageError, Tx};

/// What a buyer asks.
#[derive(Debug, Clone, Copy)]
pub struct NewQuestion<'a> {
    /// In so many words.
    pub text: &'a str,
    /// Chosen by the widget: the same key again is the same question again.
    pub client_key: Option<&'a str>,
    /// In which language.
    pub lang: Lang,
}

/// A question with its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The buyer's message.
    pub message: Message,
    /// What will become of it.
    pub turn: TurnId,
    /// Undecided turns of the conversation whose place it took.
    pub superseded: Vec<TurnId>,
    /// Whether the same key had brought it before: nothing was written.
    pub is_repeat: bool,
}

/// Adds a buyer's message with its turn and the job that answers it, and takes the place of the conversation's
/// undecided turns. A closed conversation is open again. `None` if there is no such conversation.
///
/// **Errors**: the same `client_key` with another text is [`StorageError::Conflict`] named `messages_client_key`.
pub async fn ask(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    question: &NewQuestion<'_>,
) -> Result<Option<Asked>, StorageError> {
    if messages::lock(tx, shop, conversation).await?.is_none() {
        return Ok(None);
    }
    let turn = TurnId(tx.new_id());
    let new = NewMessage {
        author: Author::Buyer,
        account: None,
        text: question.text,
        citations: &[],
        turn: Some(turn),
        client_key: question.client_key,
    };
    if let Some(message) = messages::said_before(tx, conversation, &new).await? {
        let turn = message.turn.ok_or_else(|| StorageError::Conflict { constraint: "messages_client_key".into() })?;
        return Ok(Some(Asked { message, turn, superseded: vec![], is_repeat: true }));
    }
    let superseded = supersede(tx, shop, conversation, "('asked')").await?;
    let message = messages::append(tx, shop, conversation, &new).await?;
    insert(tx, shop, turn, (&message, question.lang)).await?;
    sqlx::query("update conversations set lang = $2, closed = 0 where id = $1")
        .bind(conversation)
        .bind(question.lang)
        .execute(tx.connection())
        .await?;
    place::refresh(tx, shop, conversation).await?;
    let now_ms = tx.now_ms();
    jobs::enqueue(tx, shop, JobKind::AnswerTurn { turn }, Lane::Interactive, now_ms).await?;
    Ok(Some(Asked { message, turn, superseded, is_repeat: false }))
}

/// Asks a question of the past again, as a turn that is to be decided in the same transaction: no job answers it, and
/// no newer question takes its place. `None` if the shop has no such conversation.
pub async fn ask_again(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    (text, lang): (&str, Lang),
) -> Result<Option<TurnId>, StorageError> {
    if messages::lock(tx, shop, conversation).await?.is_none() {
        return Ok(None);
    }
    let turn = TurnId(tx.new_id());
    let new =
        NewMessage { author: Author::Buyer, account: None, text, citations: &[], turn: Some(turn), client_key: None };
    let message = messages::append(tx, shop, conversation, &new).await?;
    insert(tx, shop, turn, (&message, lang)).await?;
    Ok(Some(turn))
}

async fn insert(
    tx: &mut Tx,
    shop: ShopId,
    turn: TurnId,
    (message, lang): (&Message, Lang),
) -> Result<(), StorageError> {
    sqlx::query(
        "insert into turns (id, shop_id, conversation_id, message_id, question, lang, state, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(turn)
    .bind(shop)
    .bind(message.conversation)
    .bind(message.id)
    .bind(&message.text)
    .bind(lang)
    .bind(TurnState::Asked)
    .bind(message.created_at_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes the place of everything in the conversation that waits for a draft or for an agent: an agent has answered in
/// own words.
pub async fn supersede_open(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
) -> Result<Vec<TurnId>, StorageError> {
    let gone = supersede(tx, shop, conversation, "('asked', 'review', 'escalated', 'rejected')").await?;
    place::refresh(tx, shop, conversation).await?;
    Ok(gone)
}

async fn supersede(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    states: &'static str,
) -> Result<Vec<TurnId>, StorageError> {
    let sql = format!(
        "update turns set state = 'superseded', version = version + 1 \
         where shop_id = $1 and conversation_id = $2 and state in {states} returning id"
    );
    // Both parts are literals of this file.
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(shop).bind(conversation).fetch_all(tx.connection()).await?;
    rows.iter().map(|row| row.col("id")).collect()
}
