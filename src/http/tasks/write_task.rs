//! `POST /v1/tasks`: agents, ops, owners. A wish that nobody recognised, or one that came by telephone.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::domain::ids::{ConversationId, OrderId};
use crate::domain::task::TaskKind;
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::tasks::{TaskView, read_task};
use crate::http::trail::note;
use crate::storage::tasks::{self, NewTask};
use crate::storage::{conversations, orders, rules};

/// Longer is no task but a letter.
pub const MAX_CHARS: usize = 1000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskBody {
    kind: TaskKind,
    /// What is to be done.
    asked: String,
    /// Where it was asked for.
    #[serde(default)]
    conversation_id: Option<ConversationId>,
    #[serde(default)]
    order_id: Option<OrderId>,
}

pub async fn write_task(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<TaskBody>,
) -> ApiResult<(StatusCode, Json<TaskView>)> {
    let (shop, asked) = (member.shop(), body.asked.trim());
    if asked.is_empty() || asked.chars().count() > MAX_CHARS {
        return Err(ApiError::field("asked", format!("between 1 and {MAX_CHARS} characters")));
    }
    if let Some(conversation) = body.conversation_id {
        conversations::get(&state.db, shop, conversation).await?.ok_or(Code::NotFound)?;
    }
    if let Some(order) = body.order_id {
        orders::get(&state.db, shop, order).await?.ok_or(Code::NotFound)?;
    }
    let rules = rules::current(&state.db, shop).await?;
    let mut tx = state.db.begin().await?;
    let new = NewTask {
        kind: body.kind,
        department: rules.task(body.kind).department,
        due_at_ms: rules.due_ms(body.kind, tx.now_ms()),
        conversation: body.conversation_id,
        turn: None,
        order: body.order_id,
        asked,
        ruling: None,
        author: Some(member.id()),
    };
    let task = tasks::create(&mut tx, shop, &new).await?.ok_or(Code::NotFound)?;
    note(&mut tx, &member, "task_written", (&task.to_string(), json!({ "kind": body.kind }))).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::TaskChanged { task, conversation: body.conversation_id });
    Ok((StatusCode::CREATED, Json(read_task(&state, shop, task).await?)))
}
