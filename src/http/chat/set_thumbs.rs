//! `POST /v1/chat/{conversation_id}/messages/{message_id}/thumbs`: the buyer of the conversation.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::ids::{ConversationId, MessageId};
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Buyer;
use crate::http::state::AppState;
use crate::storage::messages;

#[derive(Deserialize, JsonSchema)]
pub struct ThumbsBody {
    /// 1, -1, or null to take it back.
    thumbs: Option<i8>,
}

pub async fn set_thumbs(
    State(state): State<AppState>,
    buyer: Buyer,
    Path((_, message)): Path<(ConversationId, MessageId)>,
    Json(body): Json<ThumbsBody>,
) -> ApiResult<StatusCode> {
    let thumbs = match body.thumbs {
        None => None,
        Some(1) => Some(true),
        Some(-1) => Some(false),
        Some(other) => return Err(ApiError::field("thumbs", format!("neither 1 nor -1 nor null: {other}"))),
    };
    let (shop, conversation) = (buyer.conversation.shop, buyer.conversation.id);
    let mut tx = state.db.begin().await?;
    if !messages::set_thumbs(&mut tx, shop, conversation, message, thumbs).await? {
        return Err(Code::NotFound.into());
    }
    tx.commit().await?;
    state.bus.publish(shop, Event::ConversationChanged { conversation });
    Ok(StatusCode::NO_CONTENT)
}
