//! `PATCH /v1/tasks/{id}`: agents, ops, owners. Of two who change a task at once, one is told that it was changed.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::domain::ids::{AccountId, TaskId};
use crate::domain::task::{Department, TaskState};
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::tasks::write_task::MAX_CHARS;
use crate::http::tasks::{TaskView, read_task};
use crate::http::trail::note;
use crate::storage::accounts;
use crate::storage::tasks::{self, Task, TaskNote};

/// Remarks that a task holds.
const MAX_NOTES: usize = 100;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskPatch {
    /// The version that was seen.
    version: i64,
    #[serde(default)]
    state: Option<TaskState>,
    /// Whose it is now.
    #[serde(default)]
    assignee_id: Option<AccountId>,
    #[serde(default)]
    department: Option<Department>,
    #[serde(default)]
    due_at_ms: Option<i64>,
    /// A remark.
    #[serde(default)]
    note: Option<String>,
    /// How it is known that it was done, or why it is dropped; needed for both.
    #[serde(default)]
    evidence: Option<String>,
}

fn text(field: &str, text: Option<&String>) -> ApiResult<Option<String>> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match &text {
        Some(long) if long.chars().count() > MAX_CHARS => {
            Err(ApiError::field(field, format!("at most {MAX_CHARS} characters")))
        }
        _ => Ok(text),
    }
}

pub async fn change_task(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TaskId>,
    Json(patch): Json<TaskPatch>,
) -> ApiResult<Json<TaskView>> {
    let shop = member.shop();
    let known = tasks::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    if let Some(assignee) = patch.assignee_id {
        accounts::get(&state.db, shop, assignee).await?.ok_or(Code::NotFound)?;
    }
    let task = changed(&known, &patch, (&member, state.now_ms()))?;
    let mut tx = state.db.begin().await?;
    if !tasks::update(&mut tx, shop, &task).await? {
        return Err(Code::TaskChanged.into());
    }
    let detail = json!({ "from": known.state, "to": task.state, "assignee": task.assignee });
    note(&mut tx, &member, "task_changed", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::TaskChanged { task: id, conversation: task.conversation });
    Ok(Json(read_task(&state, shop, id).await?))
}

fn changed(known: &Task, patch: &TaskPatch, (member, now_ms): (&Member, i64)) -> ApiResult<Task> {
    let mut task = Task { version: patch.version, ..known.clone() };
    task.department = patch.department.unwrap_or(known.department);
    task.due_at_ms = patch.due_at_ms.unwrap_or(known.due_at_ms);
    task.assignee = patch.assignee_id.or(known.assignee);
    if let Some(state) = patch.state {
        let evidence = text("evidence", patch.evidence.as_ref())?;
        if state.is_over() && evidence.is_none() {
            return Err(ApiError::field("evidence", "what shows that it was done, or why it is dropped"));
        }
        // Whoever begins a task that is nobody's has it.
        if state == TaskState::Doing {
            task.assignee = task.assignee.or(Some(member.id()));
        }
        task.evidence = evidence.filter(|_| state.is_over());
        task.state = state;
    }
    if let Some(text) = text("note", patch.note.as_ref())? {
        if task.notes.len() >= MAX_NOTES {
            return Err(ApiError::field("note", format!("at most {MAX_NOTES} remarks")));
        }
        task.notes.push(TaskNote { account: member.id(), at_ms: now_ms, text });
    }
    Ok(task)
}
