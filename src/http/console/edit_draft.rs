//! `POST /v1/console/turns/{id}/edit`: agents, owners. Sends the agent's text instead of the draft.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::ids::TurnId;
use crate::domain::outcome::EditKind;
use crate::http::console::conflict::already_resolved;
use crate::http::console::send_reply::{Judgement, Reply, ReplyAnswer, seen_draft, send};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::learn::edit::{Proposal, propose};
use crate::storage::turns;

/// Longer than any answer in a chat.
const MAX_CHARS: usize = 20_000;

#[derive(Deserialize, JsonSchema)]
pub struct EditBody {
    /// The version of the turn that was read.
    version: i64,
    text: String,
    /// What was changed, in the agent's eyes; without it the server's proposal counts.
    kind: Option<EditKind>,
}

pub async fn edit_draft(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
    Json(body): Json<EditBody>,
) -> ApiResult<Json<ReplyAnswer>> {
    let text = check_text(&body.text)?;
    let turn = turns::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    if turn.version != body.version {
        return Err(already_resolved(&state, member.shop(), id).await);
    }
    let draft = seen_draft(&turn)?;
    // Who changes nothing has accepted it: the label must not say otherwise.
    let judgement = match text == draft.trim() {
        true => Judgement::accepted(),
        false => Judgement::edited((draft, text), body.kind),
    };
    Ok(Json(send(&state, &member, &Reply { turn: &turn, text, judgement: Some(judgement) }).await?))
}

#[derive(Deserialize, JsonSchema)]
pub struct EditedText {
    text: String,
}

/// `POST /v1/console/turns/{id}/edit-kind`: what an edit seems to be, before it is sent.
pub async fn propose_kind(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
    Json(body): Json<EditedText>,
) -> ApiResult<Json<Proposal>> {
    let text = check_text(&body.text)?;
    let turn = turns::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    Ok(Json(propose(seen_draft(&turn)?, text)))
}

/// What an agent may send.
pub fn check_text(text: &str) -> ApiResult<&str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Code::MessageEmpty.into());
    }
    if text.chars().count() > MAX_CHARS {
        return Err(ApiError::field("text", format!("longer than {MAX_CHARS} characters")));
    }
    Ok(text)
}
