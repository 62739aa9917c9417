//! Tasks: what a person of the shop has to do for a buyer.
//!
//! Like a turn, a task has a version: of two people who change it at once one is told that it was changed.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, ConversationId, OrderId, ShopId, TaskId, TurnId};
use crate::domain::returns::Ruling;
use crate::domain::task::{Department, TaskKind, TaskState};

/// A remark on a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskNote {
    /// Whose.
    pub account: AccountId,
    /// When.
    pub at_ms: i64,
    /// What.
    pub text: String,
}

/// A task to be.
#[derive(Debug, Clone, Copy)]
pub struct NewTask<'a> {
    /// What is to be done.
    pub kind: TaskKind,
    /// Who does it.
    pub department: Department,
    /// Until when.
    pub due_at_ms: i64,
    /// Where it was asked for.
    pub conversation: Option<ConversationId>,
    /// By which message; at most one task of a kind comes of it.
    pub turn: Option<TurnId>,
    /// For which order.
    pub order: Option<OrderId>,
    /// In which words.
    pub asked: &'a str,
    /// How a return was ruled on.
    pub ruling: Option<&'a Ruling>,
    /// Who wrote it; none where it was recognised.
    pub author: Option<AccountId>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Identity.
    pub id: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
    /// Who does it.
    pub department: Department,
    /// How far it has come.
    pub state: TaskState,
    /// Grows with every change.
    pub version: i64,
    /// Where it was asked for.
    pub conversation: Option<ConversationId>,
    /// By which message.
    pub turn: Option<TurnId>,
    /// For which order.
    pub order: Option<OrderId>,
    /// In which words.
    pub asked: String,
    /// How a return was ruled on.
    pub ruling: Option<Ruling>,
    /// Who is at it.
    pub assignee: Option<AccountId>,
    /// Who wrote it; none where it was recognised.
    pub author: Option<AccountId>,
    /// How it is known that it was done, or why it was dropped.
    pub evidence: Option<String>,
    /// Remarks, oldest first.
    pub notes: Vec<TaskNote>,
    /// Until when.
    pub due_at_ms: i64,
    /// When it was asked for.
    pub created_at_ms: i64,
    /// When something of it changed.
    pub updated_at_ms: i64,
}

/// Which tasks are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct TaskQuery {
    /// Those that are over, instead of those that are not.
    pub over: bool,
    /// Of this department.
    pub department: Option<Department>,
    /// Of this kind.
    pub kind: Option<TaskKind>,
    /// Of this person.
    pub assignee: Option<AccountId>,
    /// Of this conversation.
    pub conversation: Option<ConversationId>,
    /// At most so many.
    pub limit: u32,
}

/// Selects tasks `t`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select t.id, t.kind, t.department, t.state, t.version, t.conversation_id, t.turn_id, t.order_id, t.asked, ",
            "t.ruling, t.assignee_id, t.author_id, t.evidence, t.notes, t.due_at_ms, t.created_at_ms, t.updated_at_ms ",
            "from tasks t ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Task, StorageError> {
    let ruling: Option<Json<Ruling>> = row.col("ruling")?;
    Ok(Task {
        id: row.col("id")?,
        kind: row.col("kind")?,
        department: row.col("department")?,
        state: row.col("state")?,
        version: row.col("version")?,
        conversation: row.col("conversation_id")?,
        turn: row.col("turn_id")?,
        order: row.col("order_id")?,
        asked: row.col("asked")?,
        ruling: ruling.map(|json| json.0),
        assignee: row.col("assignee_id")?,
        author: row.col("author_id")?,
        evidence: row.col("evidence")?,
        notes: row.json("notes")?,
        due_at_ms: row.col("due_at_ms")?,
        created_at_ms: row.col("created_at_ms")?,
        updated_at_ms: row.col("updated_at_ms")?,
    })
}

/// Adds a task; `None` if the same message brought one of this kind before.
pub async fn create(tx: &mut Tx, shop: ShopId, new: &NewTask<'_>) -> Result<Option<TaskId>, StorageError> {
    let (id, now_ms) = (TaskId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into tasks (id, shop_id, kind, department, state, conversation_id, turn_id, order_id, asked, ruling, \
         author_id, due_at_ms, created_at_ms, updated_at_ms) \
         values ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10, $11, $12, $12) \
         on conflict (turn_id, kind) do nothing",
    )
    .bind(id)
    .bind(shop)
    .bind(new.kind)
    .bind(new.department)
    .bind(new.conversation)
    .bind(new.turn)
    .bind(new.order)
    .bind(new.asked)
    .bind(new.ruling.map(Json))
    .bind(new.author)
    .bind(new.due_at_ms)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

/// Writes a task back, if nobody has changed it since it was read.
pub async fn update(tx: &mut Tx, shop: ShopId, task: &Task) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update tasks set department = $4, state = $5, assignee_id = $6, evidence = $7, notes = $8, due_at_ms = $9, \
         updated_at_ms = $10, version = version + 1 where shop_id = $1 and id = $2 and version = $3",
    )
    .bind(shop)
    .bind(task.id)
    .bind(task.version)
    .bind(task.department)
    .bind(task.state)
    .bind(task.assignee)
    .bind(task.evidence.as_deref())
    .bind(Json(&task.notes))
    .bind(task.due_at_ms)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes what has to be done for a buyer's orders without a conversation, while they still are the buyer's: those with
/// one go with it. Says how many.
pub async fn forget_buyer(tx: &mut Tx, shop: ShopId, buyer: &str) -> Result<u64, StorageError> {
    let done = sqlx::query(
        "delete from tasks where shop_id = $1 and conversation_id is null and order_id in \
         (select id from orders where shop_id = $1 and buyer_id = $2)",
    )
    .bind(shop)
    .bind(buyer)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// One task.
pub async fn get(db: &Db, shop: ShopId, task: TaskId) -> Result<Option<Task>, StorageError> {
    let row = sqlx::query(select!("where t.shop_id = $1 and t.id = $2"))
        .bind(shop)
        .bind(task)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Tasks: what is open by due time, what is over by the time of its end.
pub async fn list(db: &Db, shop: ShopId, query: &TaskQuery) -> Result<Vec<Task>, StorageError> {
    let sql = if query.over {
        select!(
            "where t.shop_id = $1 and t.state in ('done', 'dropped') and ($2 is null or t.department = $2) \
             and ($3 is null or t.kind = $3) and ($4 is null or t.assignee_id = $4) \
             and ($5 is null or t.conversation_id = $5) order by t.updated_at_ms desc, t.id limit $6"
        )
    } else {
        select!(
            "where t.shop_id = $1 and t.state in ('open', 'doing') and ($2 is null or t.department = $2) \
             and ($3 is null or t.kind = $3) and ($4 is null or t.assignee_id = $4) \
             and ($5 is null or t.conversation_id = $5) order by t.due_at_ms, t.id limit $6"
        )
    };
    let rows = sqlx::query(sql)
        .bind(shop)
        .bind(query.department)
        .bind(query.kind)
        .bind(query.assignee)
        .bind(query.conversation)
        .bind(i64::from(query.limit))
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::orders::{self, Account, Source};
    use super::super::testing::{START_MS, Scratch, scratches, shop};
    use super::super::turns::tests::ask_one;
    use super::*;
    use crate::domain::order::{Dated, Order, OrderKey, Platform};

    #[tokio::test]
    async fn one_message_brings_one_task_of_a_kind_and_of_two_who_change_it_one_does() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let asked = ask_one(&db, mine, "改地址").await;
            let new = NewTask {
                kind: TaskKind::Address,
                department: Department::Warehouse,
                due_at_ms: START_MS + 5,
                conversation: Some(asked.message.conversation),
                turn: Some(asked.turn),
                order: None,
                asked: "改地址",
                ruling: None,
                author: None,
            };
            let mut tx = db.begin().await.unwrap();
            let id = create(&mut tx, mine, &new).await.unwrap().unwrap();
            assert_eq!(create(&mut tx, mine, &new).await.unwrap(), None, "the same message again");
            let by_hand = NewTask { turn: None, kind: TaskKind::Other, due_at_ms: START_MS + 1, ..new };
            let later = create(&mut tx, mine, &by_hand).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            let query = TaskQuery { limit: 9, ..TaskQuery::default() };
            let ids = async |shop, query: TaskQuery| {
                list(&db, shop, &query).await.unwrap().iter().map(|task| task.id).collect::<Vec<_>>()
            };
            assert_eq!(ids(mine, query).await, [later, id], "what is due first");
            assert_eq!(ids(mine, TaskQuery { kind: Some(TaskKind::Address), ..query }).await, [id]);
            assert_eq!(ids(mine, TaskQuery { department: Some(Department::Finance), ..query }).await, []);
            assert_eq!(ids(other, query).await, []);
            let mut task = get(&db, mine, id).await.unwrap().unwrap();
            assert_eq!(get(&db, other, id).await.unwrap(), None);
            task.state = TaskState::Done;
            task.evidence = Some("SF123".into());
            let mut tx = db.begin().await.unwrap();
            assert!(!update(&mut tx, other, &task).await.unwrap());
            assert!(update(&mut tx, mine, &task).await.unwrap());
            assert!(!update(&mut tx, mine, &task).await.unwrap(), "somebody was there first");
            tx.commit().await.unwrap();
            assert_eq!(ids(mine, query).await, [later]);
            assert_eq!(ids(mine, TaskQuery { over: true, ..query }).await, [id]);
        }
    }

    #[tokio::test]
    async fn what_is_to_be_done_for_an_order_goes_with_its_buyer() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let key = OrderKey { platform: Platform::Own, number: "1".into() };
            let buyer = Some(Dated { at_ms: START_MS, value: "b-1".to_owned() });
            let order = Order { buyer, ..Order::unknown(key, START_MS) };
            let account = Account { source: Source::Api, kind: "put", event_id: None, order: &order };
            let mut tx = db.begin().await.unwrap();
            let (order, _) = orders::tell(&mut tx, mine, &account).await.unwrap();
            let new = NewTask {
                kind: TaskKind::Other,
                department: Department::Warehouse,
                due_at_ms: START_MS,
                conversation: None,
                turn: None,
                order,
                asked: "x",
                ruling: None,
                author: None,
            };
            let of_order = create(&mut tx, mine, &new).await.unwrap().unwrap();
            let of_nobody = create(&mut tx, mine, &NewTask { order: None, ..new }).await.unwrap().unwrap();
            assert_eq!(forget_buyer(&mut tx, other, "b-1").await.unwrap(), 0);
            assert_eq!(forget_buyer(&mut tx, mine, "b-2").await.unwrap(), 0);
            assert_eq!(forget_buyer(&mut tx, mine, "b-1").await.unwrap(), 1);
            tx.commit().await.unwrap();
            assert_eq!(get(&db, mine, of_order).await.unwrap(), None);
            assert!(get(&db, mine, of_nobody).await.unwrap().is_some());
        }
    }
}
