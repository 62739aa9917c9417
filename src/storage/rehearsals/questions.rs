//! The questions of a rehearsal: answered one by one, then judged, the surest answer first.

use sqlx::any::AnyRow;

use super::super::columns::Columns;
use super::super::conversations::{self, ConversationKind, NewConversation};
use super::super::labels::{self, NewLabel};
use super::super::{Db, StorageError, Tx};
use super::queue_next;
use crate::domain::ids::{AccountId, ConversationId, LabelId, RehearsalId, RehearsedId, ShopId, TurnId};
use crate::domain::outcome::{LabelSource, Outcome};
use crate::domain::text::Lang;

/// A question of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// Identity.
    pub id: RehearsedId,
    /// Of which file.
    pub rehearsal: RehearsalId,
    /// Where it stands there.
    pub line: u32,
    /// In which chat of it.
    pub thread: u32,
    /// What was asked.
    pub question: String,
    /// In which language.
    pub lang: Lang,
    /// What the buyer said just before.
    pub previous: Option<String>,
    /// What a person answered then.
    pub person_said: Option<String>,
    /// Its answer.
    pub turn: Option<TurnId>,
    /// It could not be answered.
    pub is_failed: bool,
    /// What it was judged as.
    pub label: Option<LabelId>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, rehearsal_id, line, thread, question, lang, previous, person_said, turn_id, failed, label_id ",
            "from rehearsed ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Rehearsed, StorageError> {
    Ok(Rehearsed {
        id: row.col("id")?,
        rehearsal: row.col("rehearsal_id")?,
        line: row.number("line")?,
        thread: row.number("thread")?,
        question: row.col("question")?,
        lang: row.col("lang")?,
        previous: row.col("previous")?,
        person_said: row.col("person_said")?,
        turn: row.col("turn_id")?,
        is_failed: row.flag("failed")?,
        label: row.col("label_id")?,
    })
}

/// One question.
pub async fn get(db: &Db, shop: ShopId, id: RehearsedId) -> Result<Option<Rehearsed>, StorageError> {
    let row =
        sqlx::query(select!("where shop_id = $1 and id = $2")).bind(shop).bind(id).fetch_optional(&db.readers).await?;
    row.as_ref().map(read).transpose()
}

/// How far a rehearsal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Its questions.
    pub n_questions: u32,
    /// Those with an answer.
    pub n_answered: u32,
    /// Those that could not be answered.
    pub n_failed: u32,
    /// Those whose answer was judged.
    pub n_judged: u32,
    /// What an answer takes.
    pub mean_ms: Option<i64>,
}

/// Counts.
pub async fn progress(db: &Db, shop: ShopId, rehearsal: RehearsalId) -> Result<Progress, StorageError> {
    let row = sqlx::query(
        "select count(*) as n, count(turn_id) as answered, count(label_id) as judged, \
         count(case when failed = 1 then 1 end) as failed, cast(avg(took_ms) as bigint) as mean_ms \
         from rehearsed where shop_id = $1 and rehearsal_id = $2",
    )
    .bind(shop)
    .bind(rehearsal)
    .fetch_one(&db.readers)
    .await?;
    Ok(Progress {
        n_questions: row.number("n")?,
        n_answered: row.number("answered")?,
        n_failed: row.number("failed")?,
        n_judged: row.number("judged")?,
        mean_ms: row.col("mean_ms")?,
    })
}

/// The question whose answer a turn is.
pub async fn of_turn(db: &Db, shop: ShopId, turn: TurnId) -> Result<Option<Rehearsed>, StorageError> {
    let row = sqlx::query(select!("where shop_id = $1 and turn_id = $2"))
        .bind(shop)
        .bind(turn)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Questions of rehearsals that go on, or could: they are still to be answered.
pub async fn count_waiting(db: &Db, shop: ShopId) -> Result<u32, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from rehearsed r join rehearsals h on h.id = r.rehearsal_id \
         where r.shop_id = $1 and h.state in ('answering', 'paused') and r.turn_id is null and r.failed = 0",
    )
    .bind(shop)
    .fetch_one(&db.readers)
    .await?;
    row.number("n")
}

/// The thread in which the question is asked again: that of its chat. No page and no buyer ever finds it.
pub async fn thread_of(tx: &mut Tx, shop: ShopId, asked: &Rehearsed) -> Result<ConversationId, StorageError> {
    let known = sqlx::query(
        "select t.conversation_id from rehearsed r join turns t on t.id = r.turn_id \
         where r.shop_id = $1 and r.rehearsal_id = $2 and r.thread = $3 limit 1",
    )
    .bind(shop)
    .bind(asked.rehearsal)
    .bind(i64::from(asked.thread))
    .fetch_optional(tx.connection())
    .await?;
    if let Some(row) = known {
        return row.col("conversation_id");
    }
    // No token has such a hash.
    let nobody = format!("rehearsal/{}", asked.rehearsal);
    let new = NewConversation {
        kind: ConversationKind::Rehearsal,
        widget: None,
        buyer_hash: &nobody,
        lang: asked.lang,
        sku: None,
    };
    Ok(conversations::create(tx, shop, &new).await?.id)
}

/// Keeps where the answer is. False if there was one before, or it was given up.
pub async fn set_answered(
    tx: &mut Tx,
    shop: ShopId,
    id: RehearsedId,
    (turn, took_ms): (TurnId, i64),
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update rehearsed set turn_id = $3, took_ms = $4 \
         where shop_id = $1 and id = $2 and turn_id is null and failed = 0",
    )
    .bind(shop)
    .bind(id)
    .bind(turn)
    .bind(took_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether it is still to be answered, inside the transaction.
pub async fn is_open(tx: &mut Tx, shop: ShopId, id: RehearsedId) -> Result<bool, StorageError> {
    let row = sqlx::query("select id from rehearsed where shop_id = $1 and id = $2 and turn_id is null and failed = 0")
        .bind(shop)
        .bind(id)
        .fetch_optional(tx.connection())
        .await?;
    Ok(row.is_some())
}

/// Gives a question up. The rehearsal is held; the next question is for the caller to queue.
pub async fn give_up(tx: &mut Tx, shop: ShopId, id: RehearsedId) -> Result<(), StorageError> {
    sqlx::query("update rehearsed set failed = 1 where shop_id = $1 and id = $2 and turn_id is null")
        .bind(shop)
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Judges an answer. Of two who do at once exactly one does; the other gets `None`, and nothing was written.
pub async fn judge(
    tx: &mut Tx,
    shop: ShopId,
    id: RehearsedId,
    (account, outcome): (AccountId, Outcome),
) -> Result<Option<LabelId>, StorageError> {
    // Taken first: two transactions that both insert a label would otherwise both believe to be the one.
    let taken = sqlx::query(
        "update rehearsed set label_id = '' where shop_id = $1 and id = $2 and label_id is null \
         and turn_id is not null returning turn_id",
    )
    .bind(shop)
    .bind(id)
    .fetch_optional(tx.connection())
    .await?;
    let Some(taken) = taken else { return Ok(None) };
    let turn: TurnId = taken.col("turn_id")?;
    // The surest are judged first and none is left out: above the score reached so far the chance is one.
    let new = NewLabel { turn, account, outcome, source: LabelSource::Rehearsal, propensity: 1.0 };
    let Some(label) = labels::insert(tx, shop, &new).await? else { return Ok(None) };
    sqlx::query("update rehearsed set label_id = $3 where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(id)
        .bind(label)
        .execute(tx.connection())
        .await?;
    Ok(Some(label))
}

/// Takes a judgement back, if it is the caller's own; false otherwise.
pub async fn take_back(tx: &mut Tx, shop: ShopId, id: RehearsedId, account: AccountId) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update labels set withdrawn_at_ms = $4 where shop_id = $1 and account_id = $3 and withdrawn_at_ms is null \
         and id = (select label_id from rehearsed where shop_id = $1 and id = $2)",
    )
    .bind(shop)
    .bind(id)
    .bind(account)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("update rehearsed set label_id = null where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(true)
}

/// Queues the question after one that is done with, unless somebody has stopped the rehearsal.
pub async fn go_on(tx: &mut Tx, shop: ShopId, rehearsal: RehearsalId) -> Result<(), StorageError> {
    use crate::domain::rehearsal::RehearsalState::Answering;
    if super::hold(tx, shop, rehearsal).await? == Some(Answering) {
        queue_next(tx, shop, rehearsal).await?;
    }
    Ok(())
}
