//! `POST /v1/console/turns/{id}/accept`: agents, owners. Sends the very draft that the agent has read.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::ids::TurnId;
use crate::http::console::conflict::already_resolved;
use crate::http::console::send_reply::{Judgement, Reply, ReplyAnswer, seen_draft, send};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::turns;

#[derive(Deserialize, JsonSchema)]
pub struct AcceptBody {
    /// The version of the turn that was read.
    version: i64,
}

pub async fn accept_draft(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
    Json(body): Json<AcceptBody>,
) -> ApiResult<Json<ReplyAnswer>> {
    let turn = turns::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    if turn.version != body.version {
        return Err(already_resolved(&state, member.shop(), id).await);
    }
    let text = seen_draft(&turn)?;
    Ok(Json(send(&state, &member, &Reply { turn: &turn, text, judgement: Some(Judgement::accepted()) }).await?))
}
