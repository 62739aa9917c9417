//! `/v1/records/messages`: agents, owners. One message of a person to the buyers of some orders.
//!
//! # Why
//! A late warehouse concerns many buyers at once, and each of them would ask. The message goes only into conversations
//! that exist, once a day to each buyer, to nobody who waits for an answer, and not to more than were counted: whoever
//! sends it has seen how many it reaches.

use std::collections::BTreeMap;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::calendar::{DAY_MS, HOUR_MS};
use crate::domain::conversation::Author;
use crate::domain::ids::ConversationId;
use crate::events::Event;
use crate::http::console::check_text;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::records::filters::OrderFilter;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::bulk;
use crate::storage::messages::{self, NewMessage};
use crate::storage::policies;

/// Orders that one message is about.
const MAX_ORDERS: u32 = 1_000;
/// Conversations that a shop's messages may reach in an hour.
const MAX_AN_HOUR: u32 = 500;
/// In the text: the number of the buyer's order.
const ORDER: &str = "{order}";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    filter: OrderFilter,
}

/// Whom a message would reach.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reach {
    /// Orders that fit.
    n_orders: usize,
    /// Whose buyer the shop has named.
    n_buyers: usize,
    /// Of these: with a conversation, in which nobody waits for an answer and no such message came today.
    n_conversations: usize,
    /// What this hour still has room for.
    n_left: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBody {
    filter: OrderFilter,
    /// `{order}` stands for the number of the buyer's order.
    text: String,
    /// The number of conversations that was seen; if it is another by now, nothing is sent.
    n_conversations: usize,
}

/// Whom it reaches: conversation and number of the order.
struct Found {
    reach: Reach,
    conversations: Vec<(ConversationId, String)>,
}

async fn find(state: &AppState, member: &Member, filter: &OrderFilter) -> ApiResult<Found> {
    let (db, shop, now_ms) = (&state.db, member.shop(), state.now_ms());
    let orders = filter.find(state, member, (i64::MAX, MAX_ORDERS)).await?;
    // Of a buyer of several orders, the one that changed last is told of.
    let mut order_of: BTreeMap<String, String> = BTreeMap::new();
    for row in &orders {
        if let Some(buyer) = &row.order.buyer {
            order_of.entry(buyer.value.clone()).or_insert_with(|| row.order.key.number.clone());
        }
    }
    let buyers: Vec<&str> = order_of.keys().map(String::as_str).collect();
    let reachable = bulk::reachable(db, shop, &buyers, now_ms - DAY_MS).await?;
    let sent = bulk::count_since(db, shop, now_ms - HOUR_MS).await?;
    let conversations: Vec<_> =
        reachable.into_iter().filter_map(|(buyer, id)| Some((id, order_of.get(&buyer)?.clone()))).collect();
    let reach = Reach {
        n_orders: orders.len(),
        n_buyers: order_of.len(),
        n_conversations: conversations.len(),
        n_left: MAX_AN_HOUR.saturating_sub(sent),
    };
    Ok(Found { reach, conversations })
}

pub async fn preview(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<PreviewBody>,
) -> ApiResult<Json<Reach>> {
    Ok(Json(find(&state, &member, &body.filter).await?.reach))
}

pub async fn send_all(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<SendBody>,
) -> ApiResult<Json<Reach>> {
    let text = check_text(&body.text)?;
    if body.filter.is_open() {
        return Err(ApiError::field("filter", "a message to everybody is no message about an order"));
    }
    let shop = member.shop();
    // One after the other: a second click sees what the first has sent.
    let mut tx = state.db.begin().await?;
    policies::hold(&mut tx, shop, policies::Hold::ToChange).await?;
    let Found { reach, conversations } = find(&state, &member, &body.filter).await?;
    if conversations.is_empty() || conversations.len() != body.n_conversations {
        return Err(Code::CountChanged.into());
    }
    if conversations.len() > reach.n_left as usize {
        return Err(ApiError::from(Code::TooManyRequests).retry_after_s(3_600));
    }
    let id = bulk::note(&mut tx, shop, (member.id(), conversations.len())).await?;
    let key = format!("{}{id}", bulk::KEY_PREFIX);
    let mut told = Vec::with_capacity(conversations.len());
    for (conversation, order) in &conversations {
        let text = text.replace(ORDER, order);
        let new = NewMessage {
            author: Author::Agent,
            account: Some(member.id()),
            text: &text,
            citations: &[],
            turn: None,
            client_key: Some(&key),
        };
        let added = messages::add(&mut tx, shop, *conversation, &new).await?;
        told.extend(added.map(|added| (*conversation, added.message.seq)));
    }
    note(&mut tx, &member, "bulk_message_sent", (&id, json!({ "n_conversations": told.len() }))).await?;
    tx.commit().await?;
    for (conversation, seq) in told {
        state.bus.publish(shop, Event::MessageAdded { conversation, seq });
    }
    Ok(Json(reach))
}
