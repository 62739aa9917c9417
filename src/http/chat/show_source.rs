//! `GET /v1/chat/{conversation_id}/sources/{message_id}/{number}`: the buyer of the conversation.

use axum::extract::State;

use crate::domain::ids::{ConversationId, MessageId};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Buyer;
use crate::http::sources::{self, Reader, SourceView};
use crate::http::state::AppState;
use crate::storage::messages;

pub async fn show_source(
    State(state): State<AppState>,
    buyer: Buyer,
    Path((_, message, number)): Path<(ConversationId, MessageId, u32)>,
) -> ApiResult<Json<SourceView>> {
    let (shop, conversation) = (buyer.conversation.shop, buyer.conversation.id);
    let found = messages::get(&state.db, shop, message).await?.filter(|found| found.conversation == conversation);
    let citations = found.ok_or(Code::NotFound)?.citations;
    let citation = citations.into_iter().find(|citation| citation.number == number).ok_or(Code::NotFound)?;
    Ok(Json(sources::show(&state.db, shop, citation, Reader::Buyer).await?))
}
