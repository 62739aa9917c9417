//! `POST /v1/console/conversations/{id}/watch`: agents, owners. Colleagues see who looks at a conversation or writes in
//! it, before two of them answer.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::ids::ConversationId;
use crate::events::{Doing, Event};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::conversations;

#[derive(Deserialize, JsonSchema)]
pub struct WatchBody {
    doing: Doing,
}

pub async fn watch(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
    Json(body): Json<WatchBody>,
) -> ApiResult<StatusCode> {
    conversations::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    let name = member.account.name.clone();
    let event = Event::Watching { conversation: id, account: member.id(), name, doing: body.doing };
    state.bus.publish(member.shop(), event);
    Ok(StatusCode::NO_CONTENT)
}
