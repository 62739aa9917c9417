//! `GET /v1/tasks`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ConversationId;
use crate::domain::task::{Department, TaskKind};
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::http::tasks::{PersonView, TaskView, view_tasks};
use crate::storage::accounts;
use crate::storage::tasks::{self, TaskQuery};

/// More open tasks than this are read by filter.
const MAX_LISTED: u32 = 200;

#[derive(Deserialize, JsonSchema)]
pub struct TasksQuery {
    /// Those that are over, instead of those that are not.
    #[serde(default)]
    over: bool,
    #[serde(default)]
    department: Option<Department>,
    #[serde(default)]
    kind: Option<TaskKind>,
    /// Only the reader's own.
    #[serde(default)]
    mine: bool,
    #[serde(default)]
    conversation_id: Option<ConversationId>,
}

#[derive(Serialize, JsonSchema)]
pub struct TasksAnswer {
    tasks: Vec<TaskView>,
    /// Whom a task can be given to.
    people: Vec<PersonView>,
}

pub async fn list_tasks(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<TasksQuery>,
) -> ApiResult<Json<TasksAnswer>> {
    let shop = member.shop();
    let wanted = TaskQuery {
        over: query.over,
        department: query.department,
        kind: query.kind,
        assignee: query.mine.then(|| member.id()),
        conversation: query.conversation_id,
        limit: MAX_LISTED,
    };
    let found = tasks::list(&state.db, shop, &wanted).await?;
    let names = Names::of(&state.db, shop).await?;
    let people = accounts::list(&state.db, shop).await?.into_iter().filter(|person| !person.disabled);
    Ok(Json(TasksAnswer {
        tasks: view_tasks(&state, shop, found, &names).await?,
        people: people.map(|person| PersonView { id: person.id, name: person.name }).collect(),
    }))
}
