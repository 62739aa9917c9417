//! `GET /v1/console/conversations/{id}`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::assign::TransferKind;
use crate::domain::brief::{Brief, Line, brief};
use crate::domain::ids::ConversationId;
use crate::domain::task::TaskKind;
use crate::domain::turn::TurnState;
use crate::http::console::items::{ConversationItem, read_item};
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::http::views::{MessageView, Told, TurnView, view_turns};
use crate::storage::messages::Message;
use crate::storage::tasks::TaskQuery;
use crate::storage::{assignments, messages, tasks, turns};

/// The newest messages of a long conversation.
const MAX_MESSAGES: u32 = 1_000;

/// More than anybody reads in three lines.
const MAX_TASKS: u32 = 3;

#[derive(Serialize, JsonSchema)]
pub struct ConversationAnswer {
    conversation: ConversationItem,
    messages: Vec<MessageView>,
    /// Oldest first.
    turns: Vec<TurnView>,
    /// How it changed hands, oldest first. Buyers never see this.
    transfers: Vec<TransferView>,
    /// For whoever takes it over: quotes, and what the record says.
    brief: BriefView,
}

/// That it changed hands.
#[derive(Serialize, JsonSchema)]
pub struct TransferView {
    kind: TransferKind,
    /// Who gave it; null where the server chose.
    by: Option<String>,
    to: String,
    reason: String,
    created_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct BriefView {
    #[serde(flatten)]
    said: Brief,
    /// Drafts that agents have refused.
    n_rejected: usize,
    /// What people of the shop have to do for the buyer, by due time.
    tasks: Vec<DueView>,
}

#[derive(Serialize, JsonSchema)]
pub struct DueView {
    kind: TaskKind,
    due_at_ms: i64,
}

pub async fn open_conversation(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
) -> ApiResult<Json<ConversationAnswer>> {
    let shop = member.shop();
    let conversation = read_item(&state, shop, id).await?;
    let messages = messages::before(&state.db, shop, id, i64::MAX, MAX_MESSAGES).await?;
    let turns = turns::of_conversation(&state.db, shop, id).await?;
    let names = Names::of(&state.db, shop).await?;
    let open_tasks = TaskQuery { conversation: Some(id), limit: MAX_TASKS, ..TaskQuery::default() };
    let due = tasks::list(&state.db, shop, &open_tasks).await?.into_iter();
    let brief = BriefView {
        said: brief(&lines(&messages)),
        n_rejected: turns.iter().filter(|turn| turn.state == TurnState::Rejected).count(),
        tasks: due.map(|task| DueView { kind: task.kind, due_at_ms: task.due_at_ms }).collect(),
    };
    let transfers = assignments::transfers(&state.db, shop, id).await?.into_iter().map(|one| TransferView {
        kind: one.kind,
        by: one.by.map(|by| names.of_account(by)),
        to: names.of_account(one.to),
        reason: one.reason,
        created_at_ms: one.created_at_ms,
    });
    Ok(Json(ConversationAnswer {
        conversation,
        messages: Told { names: &names, widget: None }.messages(messages),
        turns: view_turns(&state.db, shop, turns).await?,
        transfers: transfers.collect(),
        brief,
    }))
}

fn lines(messages: &[Message]) -> Vec<Line<'_>> {
    let said = messages.iter();
    said.map(|message| Line { author: message.author, text: &message.text, at_ms: message.created_at_ms }).collect()
}
