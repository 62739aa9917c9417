//! `POST /v1/widgets/{widget_id}/conversations`: anybody, on the sites that the widget names.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::MINUTE_MS;
use crate::domain::conversation::Simulated;
use crate::domain::ids::{ConversationId, WidgetId};
use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::chat::believe;
use crate::http::chat::show_widget::find_widget;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{ClientAddress, Json, Path, RequestHead};
use crate::http::password::{hash_token, new_token};
use crate::http::state::AppState;
use crate::http::views::MessageView;
use crate::storage::buyers;
use crate::storage::conversations::{self, ConversationKind, NewConversation};
use crate::storage::presence;

#[derive(Deserialize, JsonSchema)]
pub struct StartBody {
    /// The language of the page.
    lang: Lang,
    /// The product that the page shows.
    #[serde(default)]
    sku: Option<String>,
    /// Who the buyer is: a token that the shop's server signed, good for an hour at most.
    #[serde(default)]
    identity: Option<String>,
    /// Nobody is there: a conversation of a simulated day, marked as one everywhere. Demos alone take it.
    #[serde(default)]
    simulated: Option<Simulated>,
}

#[derive(Serialize, JsonSchema)]
pub struct Started {
    conversation_id: ConversationId,
    /// Opens this conversation; shown once.
    token: String,
    messages: Vec<MessageView>,
}

pub async fn start_conversation(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    Path(id): Path<WidgetId>,
    head: RequestHead,
    Json(body): Json<StartBody>,
) -> ApiResult<(StatusCode, Json<Started>)> {
    let widget = find_widget(&state, id, &head).await?;
    let slow_down = |seconds| ApiError::from(Code::TooManyRequests).retry_after_s(seconds);
    if body.simulated.is_some() && state.settings.demo_widget != Some(id) {
        return Err(ApiError::field("simulated", "only a demo has simulated conversations"));
    }
    state.limits.conversations.take(&address, state.now_ms()).map_err(slow_down)?;
    let buyer = match body.identity.as_deref().filter(|token| !token.is_empty()) {
        // Not taken for an anonymous one: a shop that signs wrongly has to notice.
        Some(token) => Some(believe(&state, (widget.shop, id), token).await?),
        None if widget.form.settings.require_identity => return Err(Code::IdentityNeeded.into()),
        None => None,
    };
    let token = new_token();
    let hash = hash_token(&token);
    let sku = body.sku.as_deref().map(str::trim).filter(|sku| !sku.is_empty() && sku.len() <= 100);
    let new =
        NewConversation { widget: Some(id), kind: ConversationKind::Buyer, buyer_hash: &hash, lang: body.lang, sku };
    let mut tx = state.db.begin().await?;
    let conversation = conversations::create(&mut tx, widget.shop, &new).await?;
    if let Some(simulated) = body.simulated {
        conversations::mark_simulated(&mut tx, widget.shop, conversation.id, simulated).await?;
    }
    let idle_ms = i64::from(widget.form.settings.minutes_to_come_back()) * MINUTE_MS;
    presence::expect(&mut tx, widget.shop, conversation.id, idle_ms).await?;
    if let Some(buyer) = &buyer {
        buyers::identify(&mut tx, widget.shop, conversation.id, (&buyer.id, buyer.until_ms)).await?;
    }
    tx.commit().await?;
    state.bus.publish(widget.shop, Event::ConversationChanged { conversation: conversation.id });
    let started = Started { conversation_id: conversation.id, token, messages: vec![] };
    Ok((StatusCode::CREATED, Json(started)))
}
