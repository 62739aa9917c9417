//! `POST /v1/commitments`: agents, ops, owners. What was said and not heard, or by telephone.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::domain::commitment::CommitmentKind;
use crate::domain::conversation::Author;
use crate::domain::ids::{AccountId, ConversationId, MessageId, OrderId, ShopId};
use crate::domain::task::Department;
use crate::events::{CommitmentNews, Event};
use crate::http::commitments::{CommitmentView, read_commitment};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::commitments::{self, NewCommitment};
use crate::storage::messages::{self, Message};
use crate::storage::orders;

/// Longer is no commitment but a letter.
const MAX_CHARS: usize = 500;
/// Messages that are looked through for the last one of the shop's side.
const LOOK_BACK: u32 = 50;
/// Those written by hand are numbered from here, so that they never stand in the place of one that was heard.
const BY_HAND_FROM: usize = 1000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitmentBody {
    /// Where it was said.
    conversation_id: ConversationId,
    /// In which message; the last one of the shop's side where none is named.
    #[serde(default)]
    message_id: Option<MessageId>,
    kind: CommitmentKind,
    /// What the buyer was told.
    what: String,
    /// Until when; the usual time where none is named.
    #[serde(default)]
    due_at_ms: Option<i64>,
    #[serde(default)]
    order_id: Option<OrderId>,
}

/// The words, or what is wrong with them.
pub fn check_what(what: &str) -> ApiResult<&str> {
    let what = what.trim();
    if what.is_empty() || what.chars().count() > MAX_CHARS {
        return Err(ApiError::field("what", format!("between 1 and {MAX_CHARS} characters")));
    }
    Ok(what)
}

/// The message it was said in.
async fn said_in(state: &AppState, shop: ShopId, body: &CommitmentBody) -> ApiResult<Message> {
    let is_ours = |message: &Message| matches!(message.author, Author::Assistant | Author::Reviewed | Author::Agent);
    let found = match body.message_id {
        Some(id) => messages::get(&state.db, shop, id).await?.filter(|one| one.conversation == body.conversation_id),
        None => {
            let last = messages::before(&state.db, shop, body.conversation_id, i64::MAX, LOOK_BACK).await?;
            last.into_iter().filter(is_ours).max_by_key(|message| message.seq)
        }
    };
    Ok(found.filter(is_ours).ok_or(Code::NotFound)?)
}

pub async fn write_commitment(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CommitmentBody>,
) -> ApiResult<(StatusCode, Json<CommitmentView>)> {
    let (shop, what) = (member.shop(), check_what(&body.what)?);
    let message = said_in(&state, shop, &body).await?;
    if let Some(order) = body.order_id {
        orders::get(&state.db, shop, order).await?.ok_or(Code::NotFound)?;
    }
    let author: AccountId = member.id();
    let mut tx = state.db.begin().await?;
    let rules = commitments::rules_in(&mut tx, shop).await?;
    let n_by_hand = commitments::count_of_message(&mut tx, shop, message.id).await?;
    let new = NewCommitment {
        conversation: message.conversation,
        message: message.id,
        ordinal: BY_HAND_FROM + n_by_hand,
        kind: body.kind,
        department: Department::Service,
        what,
        author: Some(author),
        order: body.order_id,
        due_at_ms: body.due_at_ms.unwrap_or_else(|| rules.usual_due_ms(body.kind, tx.now_ms())),
        due_was_said: body.due_at_ms.is_some(),
        proposed: None,
    };
    let id = commitments::create(&mut tx, shop, &new).await?.ok_or(Code::CommitmentChanged)?;
    note(&mut tx, &member, "commitment_written", (&id.to_string(), json!({ "kind": body.kind }))).await?;
    tx.commit().await?;
    let news = CommitmentNews::Heard;
    state.bus.publish(shop, Event::CommitmentChanged { commitment: id, conversation: message.conversation, news });
    Ok((StatusCode::CREATED, Json(read_commitment(&state, shop, id).await?)))
}
