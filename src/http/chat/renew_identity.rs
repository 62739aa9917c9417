//! `POST /v1/chat/{conversation_id}/identity`: the buyer of the conversation, with a new token of the shop's.
//!
//! # Why
//! The shop's word holds for an hour at most and a chat lasts longer. A new word about the same buyer goes on with the
//! thread; one about somebody else, or in a thread that began without, is refused: who signs in begins a thread of their
//! own, and what was said before stays with whoever said it.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::chat::believe;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Buyer;
use crate::http::state::AppState;
use crate::storage::buyers;

#[derive(Deserialize, JsonSchema)]
pub struct IdentityBody {
    /// Who the buyer is: a token that the shop's server signed, good for an hour at most.
    identity: String,
}

#[derive(Serialize, JsonSchema)]
pub struct Renewed {
    /// The buyer is known until then.
    identified_until_ms: i64,
}

pub async fn renew_identity(
    State(state): State<AppState>,
    buyer: Buyer,
    Json(body): Json<IdentityBody>,
) -> ApiResult<Json<Renewed>> {
    let conversation = buyer.conversation;
    let slow_down = |seconds| ApiError::from(Code::TooManyRequests).retry_after_s(seconds);
    state.limits.messages.take(&conversation.id.to_string(), state.now_ms()).map_err(slow_down)?;
    let widget = conversation.widget.ok_or(Code::WidgetUnknown)?;
    let named = believe(&state, (conversation.shop, widget), &body.identity).await?;
    let began = buyers::buyer_of(&state.db, conversation.shop, conversation.id).await?;
    if began.as_ref() != Some(&named.id) {
        return Err(Code::OtherBuyer.into());
    }
    let mut tx = state.db.begin().await?;
    let is_there = buyers::identify(&mut tx, conversation.shop, conversation.id, (&named.id, named.until_ms)).await?;
    if !is_there {
        return Err(Code::NotFound.into());
    }
    tx.commit().await?;
    Ok(Json(Renewed { identified_until_ms: named.until_ms }))
}
