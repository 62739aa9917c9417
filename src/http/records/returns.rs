//! `/v1/records/orders/{id}/ruling` and `…/returns`: the return desk, for agents.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::{ConversationId, OrderId, ShopId};
use crate::domain::returns::{Cause, ReturnAsk, Ruling, rule_on};
use crate::domain::rules::RecordRules;
use crate::domain::task::TaskKind;
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::tasks::{TaskView, read_task};
use crate::http::trail::note;
use crate::storage::tasks::{self, NewTask};
use crate::storage::{conversations, orders, rules};

/// A note is no letter.
const MAX_NOTE_CHARS: usize = 500;

#[derive(Serialize, JsonSchema)]
pub struct RulingView {
    ruling: Ruling,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileBody {
    /// Why.
    cause: Cause,
    /// Whether it is still unopened.
    #[serde(default)]
    is_unopened: Option<bool>,
    /// Which position, from 0; all of them if left out.
    #[serde(default)]
    line: Option<usize>,
    /// What else there is to know.
    #[serde(default)]
    note: String,
    /// Where it was asked for.
    #[serde(default)]
    conversation_id: Option<ConversationId>,
}

async fn ruled(
    state: &AppState,
    shop: ShopId,
    id: OrderId,
    ask: &ReturnAsk,
) -> ApiResult<(Ruling, RecordRules, String)> {
    let row = orders::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let rules = rules::current(&state.db, shop).await?;
    let ruling = rule_on(&row.order, ask, &rules.returns, (state.now_ms(), rules.utc_offset_min));
    Ok((ruling, rules, row.order.key.number))
}

pub async fn rule(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<OrderId>,
    Json(ask): Json<ReturnAsk>,
) -> ApiResult<Json<RulingView>> {
    let (ruling, ..) = ruled(&state, member.shop(), id, &ask).await?;
    Ok(Json(RulingView { ruling }))
}

pub async fn file(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<OrderId>,
    Json(body): Json<FileBody>,
) -> ApiResult<(StatusCode, Json<TaskView>)> {
    let shop = member.shop();
    if body.note.chars().count() > MAX_NOTE_CHARS {
        return Err(ApiError::field("note", format!("at most {MAX_NOTE_CHARS} characters")));
    }
    if let Some(conversation) = body.conversation_id {
        conversations::get(&state.db, shop, conversation).await?.ok_or(Code::NotFound)?;
    }
    let ask = ReturnAsk { cause: body.cause, is_unopened: body.is_unopened, line: body.line };
    let (ruling, rules, number) = ruled(&state, shop, id, &ask).await?;
    let kind = TaskKind::Return;
    let asked = match body.note.trim() {
        "" => number,
        note => note.to_owned(),
    };
    let mut tx = state.db.begin().await?;
    let new = NewTask {
        kind,
        department: rules.task(kind).department,
        due_at_ms: rules.due_ms(kind, tx.now_ms()),
        conversation: body.conversation_id,
        turn: None,
        order: Some(id),
        asked: &asked,
        ruling: Some(&ruling),
        author: Some(member.id()),
    };
    let task = tasks::create(&mut tx, shop, &new).await?.ok_or(Code::NotFound)?;
    let detail = json!({ "order": id, "verdict": ruling.verdict, "reasons": ruling.reasons });
    note(&mut tx, &member, "return_filed", (&task.to_string(), detail)).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::TaskChanged { task, conversation: body.conversation_id });
    Ok((StatusCode::CREATED, Json(read_task(&state, shop, task).await?)))
}
