//! `POST /v1/console/conversations/{id}/messages`: agents, owners. An agent's own words, with or without a question
//! they answer.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::conversation::Author;
use crate::domain::ids::{ConversationId, TurnId};
use crate::domain::turn::TurnState;
use crate::events::Event;
use crate::http::console::edit_draft::check_text;
use crate::http::console::send_reply::{Reply, ReplyAnswer, answer, hold, send, tell_heard};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::learn::commitments::{self, RestsOn};
use crate::storage::assignments::Words;
use crate::storage::conversations::{self, ConversationKind};
use crate::storage::messages::{self, Message, NewMessage};
use crate::storage::turns::{self, Turn};

#[derive(Deserialize, JsonSchema)]
pub struct WriteBody {
    text: String,
    /// Chosen by the sender, new for every message.
    client_key: String,
    /// The question that this answers.
    turn_id: Option<TurnId>,
}

pub async fn write_message(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
    Json(body): Json<WriteBody>,
) -> ApiResult<Json<ReplyAnswer>> {
    let text = check_text(&body.text)?;
    let Some(turn) = body.turn_id else { return write_freely(&state, &member, id, (text, &body.client_key)).await };
    let found = turns::get(&state.db, member.shop(), turn).await?.filter(|turn| turn.conversation == id);
    let turn = found.ok_or(Code::NotFound)?;
    if let Some(sent) = sent_before(&state, &member, &turn, text).await? {
        return Ok(Json(answer(&state, &member, sent).await?));
    }
    Ok(Json(send(&state, &member, &Reply { turn: &turn, text, judgement: None }).await?))
}

/// The same words of the same agent to the same question: the answer to the first request was lost.
async fn sent_before(state: &AppState, member: &Member, turn: &Turn, text: &str) -> ApiResult<Option<Message>> {
    if turn.state != TurnState::Replied {
        return Ok(None);
    }
    let recent = messages::before(&state.db, member.shop(), turn.conversation, i64::MAX, 20).await?;
    let is_it = |message: &Message| {
        message.turn == Some(turn.id) && message.account == Some(member.id()) && message.text == text
    };
    Ok(recent.into_iter().find(is_it))
}

/// Without a question named, it answers all that wait in the conversation.
async fn write_freely(
    state: &AppState,
    member: &Member,
    id: ConversationId,
    (text, client_key): (&str, &str),
) -> ApiResult<Json<ReplyAnswer>> {
    let shop = member.shop();
    let thread = conversations::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    if thread.kind != ConversationKind::Buyer {
        return Err(Code::NotFound.into()); // No buyer reads there, so nothing may look as if it were told.
    }
    let new = NewMessage {
        author: Author::Agent,
        account: Some(member.id()),
        text,
        citations: &[],
        turn: None,
        client_key: Some(client_key).filter(|key| !key.is_empty()),
    };
    let mut tx = state.db.begin().await?;
    hold(&mut tx, (state, member), (id, Words::Free)).await?;
    let added = messages::add(&mut tx, shop, id, &new).await.map_err(|error| {
        if error.conflicts_with("messages_client_key") {
            Code::IdempotencyConflict.into()
        } else {
            ApiError::from(error)
        }
    })?;
    let added = added.ok_or(Code::NotFound)?;
    let answered = if added.is_repeat { vec![] } else { turns::supersede_open(&mut tx, shop, id).await? };
    let heard = commitments::keep(&mut tx, shop, (&added.message, RestsOn::default())).await?;
    tx.commit().await?;
    tell_heard(state, member, (id, heard));
    if !added.is_repeat {
        state.bus.publish(shop, Event::MessageAdded { conversation: id, seq: added.message.seq });
    }
    for turn in answered {
        state.bus.publish(shop, Event::TurnChanged { conversation: id, turn });
    }
    Ok(Json(answer(state, member, added.message).await?))
}
