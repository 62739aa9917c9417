//! `/v1/records/orders`: scripts and people tell and read what is known of orders.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::OrderId;
use crate::domain::order_input::{OrderInput, Refusal, RowProblem};
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Locale, Path, Query};
use crate::http::guard::Member;
use crate::http::records::filters::OrderFilter;
use crate::http::records::views::OrderView;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::orders::{self, Account, Change, Source};

/// More are told in several requests.
pub const MAX_ITEMS: usize = 500;
/// Orders on a page.
const PAGE: u32 = 50;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrdersBody {
    /// At most 500.
    orders: Vec<OrderInput>,
}

/// What became of one item.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldItem {
    /// Its number, as it was told.
    number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<RowProblem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// In the reader's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl ToldItem {
    /// It was taken.
    pub fn taken(number: String, change: Change) -> Self {
        Self { number, change: Some(change), problem: None, field: None, message: None }
    }

    /// It was refused.
    pub fn refused(number: String, refusal: Refusal, Locale(lang): Locale) -> Self {
        let message = Some(refusal.problem.sentence(lang).to_owned());
        Self { number, change: None, problem: Some(refusal.problem), field: Some(refusal.field), message }
    }

    /// Whether it was refused.
    pub fn is_refused(&self) -> bool {
        self.problem.is_some()
    }
}

#[derive(Serialize, JsonSchema)]
pub struct ToldAnswer {
    /// One an item, in the order of the request.
    pub results: Vec<ToldItem>,
}

/// Fails for a request of too many items.
pub fn check_count(field: &str, n_items: usize) -> ApiResult<()> {
    if n_items > MAX_ITEMS { Err(ApiError::field(field, format!("at most {MAX_ITEMS}"))) } else { Ok(()) }
}

pub async fn put_orders(
    State(state): State<AppState>,
    member: Member,
    locale: Locale,
    Json(body): Json<OrdersBody>,
) -> ApiResult<Json<ToldAnswer>> {
    check_count("orders", body.orders.len())?;
    let now_ms = state.now_ms();
    let mut results = Vec::with_capacity(body.orders.len());
    let mut tx = state.db.begin().await?;
    for input in body.orders {
        results.push(match input.check(now_ms) {
            Ok(order) => {
                let account = Account { source: Source::Api, kind: "told", event_id: None, order: &order };
                ToldItem::taken(input.number, orders::tell(&mut tx, member.shop(), &account).await?.1)
            }
            Err(refusal) => ToldItem::refused(input.number, refusal, locale),
        });
    }
    let n_refused = results.iter().filter(|item| item.is_refused()).count();
    let detail = json!({ "n_orders": results.len(), "n_refused": n_refused });
    note(&mut tx, &member, "orders_told", ("orders", detail)).await?;
    tx.commit().await?;
    state.bus.publish(member.shop(), Event::RecordsChanged);
    Ok(Json(ToldAnswer { results }))
}

/// All parameters, for the description: the two halves are read one by one.
#[derive(Serialize, JsonSchema)]
pub struct OrdersQuery {
    #[serde(flatten)]
    filter: OrderFilter,
    #[serde(flatten)]
    page: OrdersPage,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct OrdersPage {
    /// Last true before: `as_of_ms` of the last one on the page before.
    #[serde(default)]
    before_ms: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub struct OrdersAnswer {
    orders: Vec<OrderView>,
}

pub async fn list_orders(
    State(state): State<AppState>,
    member: Member,
    Query(filter): Query<OrderFilter>,
    Query(page): Query<OrdersPage>,
) -> ApiResult<Json<OrdersAnswer>> {
    let found = filter.find(&state, &member, (page.before_ms.unwrap_or(i64::MAX), PAGE)).await?;
    Ok(Json(OrdersAnswer { orders: found.into_iter().map(OrderView::from).collect() }))
}

/// Something that was told of an order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventView {
    source: Source,
    kind: String,
    at_ms: i64,
    received_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct OrderAnswer {
    order: OrderView,
    /// First heard first.
    events: Vec<EventView>,
}

pub async fn show_order(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<OrderId>,
) -> ApiResult<Json<OrderAnswer>> {
    let row = orders::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    let told = orders::events(&state.db, member.shop(), id).await?;
    let view = |event: orders::OrderEvent| EventView {
        source: event.source,
        kind: event.kind,
        at_ms: event.at_ms,
        received_at_ms: event.received_at_ms,
    };
    Ok(Json(OrderAnswer { order: row.into(), events: told.into_iter().map(view).collect() }))
}
