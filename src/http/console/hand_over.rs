//! `POST /v1/console/conversations/{id}/take-over`, `hand-back`, `close`, `reopen`: agents, owners.
//!
//! Each is told to the buyer by a notice, once: doing again what is done already changes nothing.

use axum::extract::State;

use crate::domain::conversation::{Author, Handler};
use crate::domain::ids::ConversationId;
use crate::events::Event;
use crate::http::console::conflict::taken_by;
use crate::http::console::items::{ConversationItem, read_item};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::conversations::{self, Conversation};
use crate::storage::messages::{self, NewMessage};
use crate::storage::{Tx, turns};

pub async fn take_over(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
) -> ApiResult<Json<ConversationItem>> {
    let conversation = find(&state, &member, id).await?;
    if conversation.handler == Handler::Agent && conversation.agent == Some(member.id()) {
        return Ok(Json(read_item(&state, member.shop(), id).await?));
    }
    let mut tx = state.db.begin().await?;
    if !conversations::take_over(&mut tx, member.shop(), id, member.id()).await? {
        drop(tx);
        let now = find(&state, &member, id).await?;
        return Err(match now.agent {
            Some(owner) => taken_by(&state, member.shop(), owner).await,
            None => Code::TakenByOther.into(),
        });
    }
    tell(&state, &member, tx, (id, "taken_over")).await
}

pub async fn hand_back(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
) -> ApiResult<Json<ConversationItem>> {
    find(&state, &member, id).await?;
    let mut tx = state.db.begin().await?;
    if !conversations::hand_back(&mut tx, member.shop(), id).await? {
        return Ok(Json(read_item(&state, member.shop(), id).await?));
    }
    tell(&state, &member, tx, (id, "handed_back")).await
}

pub async fn close(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
) -> ApiResult<Json<ConversationItem>> {
    close_one(&state, &member, id).await
}

/// Closes one conversation, alone or among several.
pub async fn close_one(state: &AppState, member: &Member, id: ConversationId) -> ApiResult<Json<ConversationItem>> {
    find(state, member, id).await?;
    let mut tx = state.db.begin().await?;
    if !conversations::set_closed(&mut tx, member.shop(), id, true).await? {
        return Ok(Json(read_item(state, member.shop(), id).await?));
    }
    // What is done with does not wait for anybody.
    let dropped = turns::supersede_open(&mut tx, member.shop(), id).await?;
    let answer = tell(state, member, tx, (id, "closed")).await?;
    for turn in dropped {
        state.bus.publish(member.shop(), Event::TurnChanged { conversation: id, turn });
    }
    Ok(answer)
}

pub async fn reopen(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
) -> ApiResult<Json<ConversationItem>> {
    find(&state, &member, id).await?;
    let mut tx = state.db.begin().await?;
    if !conversations::set_closed(&mut tx, member.shop(), id, false).await? {
        return Ok(Json(read_item(&state, member.shop(), id).await?));
    }
    tell(&state, &member, tx, (id, "reopened")).await
}

async fn find(state: &AppState, member: &Member, id: ConversationId) -> ApiResult<Conversation> {
    Ok(conversations::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?)
}

/// Adds the notice, makes it all visible, and says so.
async fn tell(
    state: &AppState,
    member: &Member,
    mut tx: Tx,
    (conversation, code): (ConversationId, &str),
) -> ApiResult<Json<ConversationItem>> {
    let notice = NewMessage {
        author: Author::Notice,
        account: Some(member.id()),
        text: code,
        citations: &[],
        turn: None,
        client_key: None,
    };
    let added = messages::add(&mut tx, member.shop(), conversation, &notice).await?.ok_or(Code::NotFound)?;
    tx.commit().await?;
    state.bus.publish(member.shop(), Event::MessageAdded { conversation, seq: added.message.seq });
    state.bus.publish(member.shop(), Event::ConversationChanged { conversation });
    Ok(Json(read_item(state, member.shop(), conversation).await?))
}
