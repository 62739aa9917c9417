//! What a shift leaves, read off the records: nothing is asked of its people that the server already knows.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::AssertSqlSafe;

use super::super::columns::{Columns, placeholders};
use super::super::ops::Period;
use super::super::{Db, StorageError};
use crate::domain::decision::Reason;
use crate::domain::ids::{ConversationId, DocumentId, ShopId, TurnId};
use crate::domain::record::AnswerRecord;
use crate::domain::shift::alike::{Exchange, plain};
use crate::domain::shift::{Angry, AngryBecause, Digest, NewQuestion, ShiftNumbers, Waiting};

/// Conversations, commitments and questions of each kind that are told; the page says that there are more.
const MAX_TOLD: i64 = 50;
/// A question is new if nobody asked it for so long before the shift.
const NEW_FOR_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// Questions that are looked through for that.
const MAX_READ: i64 = 20_000;
/// Answers whose times are read.
const MAX_TIMED: i64 = 1000;
/// Less sure than this is not sure.
const SURE_FROM: f64 = 0.5;

/// A question with its answer, as it is compared between shifts.
pub type AnswerRow = Exchange;

/// What there is to leave at this moment by the shift of `period`; commitments that are due before `next_ends_ms`.
pub async fn digest(db: &Db, shop: ShopId, period: Period, next_ends_ms: i64) -> Result<Digest, StorageError> {
    Ok(Digest {
        waiting: waiting(db, shop).await?,
        due: due(db, shop, next_ends_ms).await?,
        angry: angry(db, shop, period).await?,
        new_questions: new_questions(db, shop, period).await?,
        documents: documents(db, shop, period).await?,
        policies: policies(db, shop, period).await?,
        numbers: numbers(db, shop, period).await?,
    })
}

async fn waiting(db: &Db, shop: ShopId) -> Result<Vec<Waiting>, StorageError> {
    let rows = sqlx::query(
        "select c.id, c.agent_id, (select min(b.created_at_ms) from messages b where b.conversation_id = c.id \
         and b.author = 'buyer' and b.seq > coalesce((select max(s.seq) from messages s \
         where s.conversation_id = c.id and s.author in ('assistant', 'reviewed', 'agent')), 0)) as since_ms \
         from conversations c where c.shop_id = $1 and c.kind = 'buyer' and c.closed = 0 \
         and exists (select 1 from turns t where t.conversation_id = c.id \
         and t.state in ('asked', 'review', 'escalated', 'rejected')) order by since_ms, c.id limit $2",
    )
    .bind(shop)
    .bind(MAX_TOLD)
    .fetch_all(&db.readers)
    .await?;
    let mut found = Vec::new();
    for row in &rows {
        let Some(since_ms) = row.col::<Option<i64>>("since_ms")? else { continue };
        found.push(Waiting { conversation: row.col("id")?, since_ms, agent: row.col("agent_id")? });
    }
    Ok(found)
}

async fn due(db: &Db, shop: ShopId, until_ms: i64) -> Result<Vec<crate::domain::ids::CommitmentId>, StorageError> {
    let rows = sqlx::query(
        "select id from commitments where shop_id = $1 and state = 'open' and due_at_ms < $2 \
         order by due_at_ms, id limit $3",
    )
    .bind(shop)
    .bind(until_ms)
    .bind(MAX_TOLD)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(|row| row.col("id")).collect()
}

/// Conversations in which a buyer was angry, as far as thumbs, topics and wishes show it; each once, the plainest sign.
async fn angry(db: &Db, shop: ShopId, period: Period) -> Result<Vec<Angry>, StorageError> {
    let signs = [
        (
            AngryBecause::ThumbsDown,
            "select distinct c.id from messages x join conversations c on c.id = x.conversation_id \
             where x.shop_id = $1 and c.kind = 'buyer' and c.closed = 0 and x.thumbs = 0 \
             and x.created_at_ms >= $2 and x.created_at_ms < $3 order by c.id limit $4",
        ),
        (
            AngryBecause::Complaint,
            "select distinct c.id from turns x join conversations c on c.id = x.conversation_id \
             where x.shop_id = $1 and c.kind = 'buyer' and c.closed = 0 \
             and x.topic in ('complaint', 'legal', 'compensation') \
             and x.created_at_ms >= $2 and x.created_at_ms < $3 order by c.id limit $4",
        ),
        (
            AngryBecause::AskedForPerson,
            "select distinct c.id from turns x join conversations c on c.id = x.conversation_id \
             where x.shop_id = $1 and c.kind = 'buyer' and c.closed = 0 and x.reasons like '%\"asks_for_person\"%' \
             and x.created_at_ms >= $2 and x.created_at_ms < $3 order by c.id limit $4",
        ),
    ];
    let mut seen: HashSet<ConversationId> = HashSet::new();
    let mut found = Vec::new();
    for (because, sql) in signs {
        let rows = sqlx::query(sql)
            .bind(shop)
            .bind(period.from_ms)
            .bind(period.until_ms)
            .bind(MAX_TOLD)
            .fetch_all(&db.readers)
            .await?;
        for row in &rows {
            let conversation = row.col("id")?;
            if seen.insert(conversation) {
                found.push(Angry { conversation, because });
            }
        }
    }
    Ok(found)
}

/// No answer was to be expected of the documents: it says nothing of what they lack.
fn is_for_people(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::AsksForPerson
            | Reason::OwnOrder
            | Reason::OrderRecord
            | Reason::OrderStale
            | Reason::OrderRequest
            | Reason::NothingAsked
            | Reason::Suspicious
            | Reason::Overloaded
            | Reason::StageFailed
    )
}

async fn new_questions(db: &Db, shop: ShopId, period: Period) -> Result<Vec<NewQuestion>, StorageError> {
    let rows = sqlx::query(
        "select t.id, t.question, t.topic, t.reasons, t.created_at_ms, \
         case when t.draft is null then null else t.confidence end as confidence from turns t \
         join conversations c on c.id = t.conversation_id where t.shop_id = $1 and c.kind = 'buyer' \
         and t.decided_at_ms is not null and t.created_at_ms >= $2 and t.created_at_ms < $3 \
         order by t.created_at_ms, t.id limit $4",
    )
    .bind(shop)
    .bind(period.from_ms - NEW_FOR_MS)
    .bind(period.until_ms)
    .bind(MAX_READ)
    .fetch_all(&db.readers)
    .await?;
    let mut known: HashSet<String> = HashSet::new();
    let mut found: BTreeMap<String, NewQuestion> = BTreeMap::new();
    for row in &rows {
        let question = plain(&row.col::<String>("question")?);
        if row.col::<i64>("created_at_ms")? < period.from_ms {
            known.insert(question);
            continue;
        }
        let confidence: Option<f64> = row.col("confidence")?;
        let reasons: Vec<Reason> = row.json("reasons")?;
        let is_sure = confidence.is_some_and(|confidence| confidence >= SURE_FROM);
        if known.contains(&question) || is_sure || reasons.iter().any(is_for_people) {
            continue;
        }
        let turn: TurnId = row.col("id")?;
        let topic: String = row.col("topic")?;
        found.entry(question).or_insert(NewQuestion { turn, topic, n_asked: 0 }).n_asked += 1;
    }
    let mut found: Vec<NewQuestion> = found.into_values().collect();
    found.sort_by_key(|one| (std::cmp::Reverse(one.n_asked), one.turn));
    found.truncate(MAX_TOLD as usize);
    Ok(found)
}

async fn documents(db: &Db, shop: ShopId, period: Period) -> Result<Vec<DocumentId>, StorageError> {
    let rows = sqlx::query(
        "select d.id from documents d join revisions r on r.id = d.active_revision where d.shop_id = $1 \
         and r.indexed_at_ms >= $2 and r.indexed_at_ms < $3 order by r.indexed_at_ms, d.id limit $4",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .bind(MAX_TOLD)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(|row| row.col("id")).collect()
}

async fn policies(db: &Db, shop: ShopId, period: Period) -> Result<Vec<u32>, StorageError> {
    let rows = sqlx::query(
        "select number from policies where shop_id = $1 and created_at_ms >= $2 and created_at_ms < $3 and number > 1 \
         order by number limit $4",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .bind(MAX_TOLD)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(|row| row.number("number")).collect()
}

async fn numbers(db: &Db, shop: ShopId, period: Period) -> Result<ShiftNumbers, StorageError> {
    let turns = sqlx::query(
        "select count(*) as asked, \
         count(*) filter (where t.state in ('asked', 'review', 'escalated', 'rejected')) as unanswered \
         from turns t join conversations c on c.id = t.conversation_id where t.shop_id = $1 and c.kind = 'buyer' \
         and t.created_at_ms >= $2 and t.created_at_ms < $3",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .fetch_one(&db.readers)
    .await?;
    let said = sqlx::query(
        "select count(*) filter (where m.author = 'assistant') as by_assistant, \
         count(*) filter (where m.author in ('reviewed', 'agent')) as by_people \
         from messages m join conversations c on c.id = m.conversation_id where m.shop_id = $1 and c.kind = 'buyer' \
         and m.created_at_ms >= $2 and m.created_at_ms < $3",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .fetch_one(&db.readers)
    .await?;
    let told = sqlx::query(
        "select count(*) filter (where created_at_ms >= $2 and created_at_ms < $3) as committed, \
         count(*) filter (where state = 'kept' and closed_at_ms >= $2 and closed_at_ms < $3) as kept \
         from commitments where shop_id = $1",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .fetch_one(&db.readers)
    .await?;
    Ok(ShiftNumbers {
        asked: turns.number("asked")?,
        by_assistant: said.number("by_assistant")?,
        by_people: said.number("by_people")?,
        unanswered: turns.number("unanswered")?,
        committed: told.number("committed")?,
        kept: told.number("kept")?,
    })
}

/// Questions with their answers, as they are compared between shifts; the newest, oldest first.
pub async fn answers(db: &Db, shop: ShopId, period: Period) -> Result<Vec<AnswerRow>, StorageError> {
    let rows = sqlx::query(
        "select t.question, m.text, m.created_at_ms from messages m join turns t on t.id = m.turn_id \
         join conversations c on c.id = m.conversation_id where m.shop_id = $1 and c.kind = 'buyer' \
         and m.author in ('assistant', 'reviewed', 'agent') and m.created_at_ms >= $2 and m.created_at_ms < $3 \
         order by m.created_at_ms desc, m.id desc limit $4",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .bind(MAX_READ)
    .fetch_all(&db.readers)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows.iter().rev() {
        found.push(Exchange {
            question: row.col("question")?,
            answer: row.col("text")?,
            at_ms: row.col("created_at_ms")?,
        });
    }
    Ok(found)
}

/// Milliseconds that the newest answers took to make, from the question to the score.
pub async fn answer_times(db: &Db, shop: ShopId, period: Period) -> Result<Vec<i64>, StorageError> {
    let rows = sqlx::query(
        "select t.record from turns t join conversations c on c.id = t.conversation_id where t.shop_id = $1 \
         and c.kind = 'buyer' and t.record is not null and t.decided_at_ms >= $2 and t.decided_at_ms < $3 \
         order by t.decided_at_ms desc limit $4",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .bind(MAX_TIMED)
    .fetch_all(&db.readers)
    .await?;
    let mut took = Vec::with_capacity(rows.len());
    for row in &rows {
        let record: Option<AnswerRecord> = row.json("record")?;
        took.extend(record.and_then(|record| record.ms.total));
    }
    Ok(took)
}

/// Names of documents that were not removed since.
pub async fn documents_by_id(
    db: &Db,
    shop: ShopId,
    ids: &[DocumentId],
) -> Result<HashMap<DocumentId, String>, StorageError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!("select id, name from documents where shop_id = $1 and id in ({})", placeholders(2, ids.len()));
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(shop);
    for id in ids {
        query = query.bind(*id);
    }
    let rows = query.fetch_all(&db.readers).await?;
    rows.iter().map(|row| Ok((row.col("id")?, row.col("name")?))).collect()
}
