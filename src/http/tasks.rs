//! Tasks, beside the chat and in a list of their own: `/v1/tasks`.

mod change_task;
mod list_tasks;
mod write_task;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::ids::{AccountId, ConversationId, OrderId, ShopId, TaskId};
use crate::domain::returns::Ruling;
use crate::domain::task::{Department, TaskKind, TaskState};
use crate::http::error::{ApiResult, Code};
use crate::http::people::Names;
use crate::http::permission::Permission::Tasks;
use crate::http::routes::{Route, Routes};
use crate::http::state::AppState;
use crate::storage::tasks::{self, Task};
use crate::storage::{StorageError, orders};

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/tasks", Tasks, "What people have to do for buyers; what is open by due time")
        .query::<list_tasks::TasksQuery>()
        .returns::<list_tasks::TasksAnswer>(200);
    let add = Route::post("/v1/tasks", Tasks, "Write a task")
        .takes::<write_task::TaskBody>()
        .returns::<TaskView>(201)
        .example(json!({ "kind": "address", "asked": "Send it to 1 Wensan Road" }), Value::Null);
    let change = Route::patch("/v1/tasks/{id}", Tasks, "Assign a task, note something on it, or be done with it")
        .takes::<change_task::TaskPatch>()
        .returns::<TaskView>(200)
        .example(json!({ "version": 0, "state": "done", "evidence": "changed in the warehouse system" }), Value::Null);
    routes.add(list, list_tasks::list_tasks).add(add, write_task::write_task).add(change, change_task::change_task)
}

/// A remark on a task.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskNoteView {
    by: String,
    at_ms: i64,
    text: String,
}

/// A person.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PersonView {
    id: AccountId,
    name: String,
}

impl PersonView {
    /// One.
    pub fn new(id: AccountId, name: String) -> Self {
        Self { id, name }
    }

    /// What they are called.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A task.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskView {
    id: TaskId,
    kind: TaskKind,
    department: Department,
    state: TaskState,
    /// To be sent back by whoever changes it.
    version: i64,
    conversation_id: Option<ConversationId>,
    order_id: Option<OrderId>,
    order_number: Option<String>,
    /// In the buyer's or the agent's words.
    asked: String,
    /// How a return was ruled on.
    ruling: Option<Ruling>,
    assignee: Option<PersonView>,
    /// Who wrote it; null where it was recognised.
    author: Option<String>,
    /// How it is known that it was done, or why it was dropped.
    evidence: Option<String>,
    notes: Vec<TaskNoteView>,
    due_at_ms: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
}

/// Shows tasks.
pub async fn view_tasks(
    state: &AppState,
    shop: ShopId,
    found: Vec<Task>,
    names: &Names,
) -> Result<Vec<TaskView>, StorageError> {
    let mut views = Vec::with_capacity(found.len());
    for task in found {
        let order = match task.order {
            Some(id) => orders::get(&state.db, shop, id).await?,
            None => None,
        };
        views.push(view(task, order.map(|row| row.order.key.number), names));
    }
    Ok(views)
}

fn view(task: Task, order_number: Option<String>, names: &Names) -> TaskView {
    let person = |id: AccountId| PersonView { id, name: names.of_account(id) };
    let notes = task.notes.into_iter();
    let note =
        |note: tasks::TaskNote| TaskNoteView { by: names.of_account(note.account), at_ms: note.at_ms, text: note.text };
    TaskView {
        id: task.id,
        kind: task.kind,
        department: task.department,
        state: task.state,
        version: task.version,
        conversation_id: task.conversation,
        order_id: task.order,
        order_number,
        asked: task.asked,
        ruling: task.ruling,
        assignee: task.assignee.map(person),
        author: task.author.map(|author| names.of_account(author)),
        evidence: task.evidence,
        notes: notes.map(note).collect(),
        due_at_ms: task.due_at_ms,
        created_at_ms: task.created_at_ms,
        updated_at_ms: task.updated_at_ms,
    }
}

/// One task, or 404.
pub async fn read_task(state: &AppState, shop: ShopId, id: TaskId) -> ApiResult<TaskView> {
    let task = tasks::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let names = Names::of(&state.db, shop).await?;
    view_tasks(state, shop, vec![task], &names).await?.pop().ok_or(Code::NotFound.into())
}
