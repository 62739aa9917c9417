//! `GET /v1/console/conversations/{id}/beside`: agents, ops, owners. What the workbench shows beside a chat.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::ConversationId;
use crate::domain::product::Product;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::records::views::OrderView;
use crate::http::state::AppState;
use crate::http::tasks::{TaskView, view_tasks};
use crate::storage::buyers::{self, Subject};
use crate::storage::tasks::{self, TaskQuery};
use crate::storage::{conversations, inbox, orders, products, turns};

const MAX_ORDERS: u32 = 20;
const MAX_VIEWS: u32 = 8;
const MAX_TASKS: u32 = 20;
const MAX_PAST: usize = 10;

/// Who the shop says the buyer is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BuyerView {
    /// The shop's own id.
    id: String,
    /// Since when the shop speaks of them.
    first_seen_at_ms: Option<i64>,
    n_conversations: usize,
}

/// A look at a product.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ViewedView {
    sku: String,
    product: Option<Product>,
    viewed_at_ms: i64,
}

/// An earlier conversation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PastView {
    id: ConversationId,
    /// The beginning of what was said last.
    last: String,
    updated_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct BesideAnswer {
    /// Null for an anonymous buyer.
    buyer: Option<BuyerView>,
    /// The buyer's, last changed first; of an anonymous buyer those whose number and phone were given.
    orders: Vec<OrderView>,
    /// What the buyer looked at, the last first.
    views: Vec<ViewedView>,
    /// The product whose page the conversation began on.
    sku: Option<String>,
    product: Option<Product>,
    tasks: Vec<TaskView>,
    past: Vec<PastView>,
}

pub async fn show_beside(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
) -> ApiResult<Json<BesideAnswer>> {
    let (db, shop) = (&state.db, member.shop());
    let conversation = conversations::get(db, shop, id).await?.ok_or(Code::NotFound)?;
    let named = buyers::buyer_of(db, shop, id).await?;
    let query = TaskQuery { conversation: Some(id), limit: MAX_TASKS, ..TaskQuery::default() };
    let mut found = tasks::list(db, shop, &query).await?;
    found.extend(tasks::list(db, shop, &TaskQuery { over: true, ..query }).await?);
    let names = Names::of(db, shop).await?;
    let product = match &conversation.sku {
        Some(sku) => products::by_sku(db, shop, sku).await?,
        None => None,
    };
    let mut answer = BesideAnswer {
        buyer: None,
        orders: proven_orders(&state, &member, id).await?,
        views: vec![],
        sku: conversation.sku,
        product,
        tasks: view_tasks(&state, shop, found, &names).await?,
        past: vec![],
    };
    if let Some(buyer) = named {
        let own = orders::of_buyer(db, shop, &buyer, MAX_ORDERS).await?;
        answer.orders = own.into_iter().map(OrderView::from).collect();
        let views = products::views(db, shop, &buyer, MAX_VIEWS).await?.into_iter();
        let view =
            |seen: products::View| ViewedView { sku: seen.sku, product: seen.product, viewed_at_ms: seen.viewed_at_ms };
        answer.views = views.map(view).collect();
        let all = buyers::conversations_of(db, shop, &Subject::Buyer(buyer.clone())).await?;
        let n_conversations = all.len();
        for past in all.into_iter().rev().filter(|past| *past != id).take(MAX_PAST) {
            if let Some(row) = inbox::get(db, shop, past).await? {
                let last = row.last_message.map(|message| message.text.chars().take(60).collect()).unwrap_or_default();
                answer.past.push(PastView { id: past, last, updated_at_ms: row.conversation.updated_at_ms });
            }
        }
        let first_seen_at_ms = products::first_seen_ms(db, shop, &buyer).await?;
        answer.buyer = Some(BuyerView { id: buyer, first_seen_at_ms, n_conversations });
    }
    Ok(Json(answer))
}

/// Orders that answers of this conversation were copied from: the buyer has proven that they are theirs.
async fn proven_orders(state: &AppState, member: &Member, id: ConversationId) -> ApiResult<Vec<OrderView>> {
    let mut seen = Vec::new();
    for card in turns::of_conversation(&state.db, member.shop(), id).await?.into_iter().filter_map(|turn| turn.card) {
        if !seen.contains(&card.order) {
            seen.push(card.order);
        }
    }
    let mut views = Vec::new();
    for order in seen {
        views.extend(orders::get(&state.db, member.shop(), order).await?.map(OrderView::from));
    }
    Ok(views)
}
