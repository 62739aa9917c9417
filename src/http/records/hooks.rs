//! `POST /v1/hooks/{shop_id}`: another system of the shop, by its signature. With the name of a mapping behind it, in the
//! words of a platform.
//!
//! The same id again is the same event again, and changes nothing. Events that come late change only what nobody told
//! later: see [`crate::domain::order`].

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::ids::ShopId;
use crate::domain::order::{Platform, Stage};
use crate::domain::order_input::{OrderInput, Refusal, check_number};
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path, Raw, RequestHead};
use crate::http::records::mapping::{Mapping, MappingError};
use crate::http::records::signature;
use crate::http::state::AppState;
use crate::storage::buyers::{self, KeyPurpose};
use crate::storage::orders::{self, Account, Change, Source};
use crate::storage::{mappings, products, rules, shops};

/// Ids of buyers that are longer are no ids.
const MAX_BUYER_CHARS: usize = 128;
/// Clocks of two systems may differ by this much.
const AHEAD_MS: i64 = 10 * 60 * 1000;

/// What happened.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type")]
pub enum HookEvent {
    /// A buyer looked at a product.
    #[serde(rename = "product.viewed")]
    ProductViewed(Viewed),
    /// It was placed.
    #[serde(rename = "order.created")]
    Created(OrderEvent),
    /// It was paid.
    #[serde(rename = "order.paid")]
    Paid(OrderEvent),
    /// It was handed to the carrier.
    #[serde(rename = "order.shipped")]
    Shipped(OrderEvent),
    /// The parcel came by somewhere.
    #[serde(rename = "order.node")]
    Node(OrderEvent),
    /// The buyer has it.
    #[serde(rename = "order.signed")]
    Signed(OrderEvent),
    /// It will not be fulfilled.
    #[serde(rename = "order.cancelled")]
    Cancelled(OrderEvent),
    /// The money went back.
    #[serde(rename = "order.refunded")]
    Refunded(OrderEvent),
}

/// Something that happened to an order.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct OrderEvent {
    /// When it happened.
    at_ms: i64,
    /// What is known of the order besides; its `status` is what the event says.
    order: OrderInput,
}

/// A look at a product.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Viewed {
    /// When it was.
    at_ms: i64,
    /// The shop's own id of the buyer.
    buyer: String,
    /// The shop's number of the product.
    sku: String,
    /// Where it is sold.
    #[serde(default)]
    #[expect(dead_code, reason = "senders name it with every event; a look is kept by the number alone")]
    platform: Platform,
}

#[derive(Serialize, JsonSchema)]
pub struct HookAnswer {
    change: Change,
}

pub async fn take_event(
    State(state): State<AppState>,
    Path(shop): Path<ShopId>,
    head: RequestHead,
    Raw(body): Raw,
) -> ApiResult<Json<HookAnswer>> {
    let id = signed_id(&state, shop, &head, &body).await?;
    let event: HookEvent = serde_json::from_slice(&body).map_err(unreadable)?;
    Ok(Json(HookAnswer { change: take(&state, shop, &id, event).await? }))
}

/// The same in the words of a platform, which one of the shop's tables translates.
pub async fn take_mapped_event(
    State(state): State<AppState>,
    Path((shop, name)): Path<(ShopId, String)>,
    head: RequestHead,
    Raw(body): Raw,
) -> ApiResult<Json<HookAnswer>> {
    let id = signed_id(&state, shop, &head, &body).await?;
    let table = mappings::get(&state.db, shop, &name).await?.ok_or(Code::NotFound)?;
    let table: Mapping = serde_json::from_value(table).map_err(ApiError::bug)?;
    let event: Value = serde_json::from_slice(&body).map_err(unreadable)?;
    let offset_min = rules::current(&state.db, shop).await?.utc_offset_min;
    let doubt = |error: MappingError| ApiError::from(Code::BodyInvalid).with(json!({ "detail": error.to_string() }));
    let Some(event) = table.translate(&event, offset_min).map_err(doubt)? else {
        return Ok(Json(HookAnswer { change: Change::Same }));
    };
    let event: HookEvent = serde_json::from_value(event).map_err(unreadable)?;
    Ok(Json(HookAnswer { change: take(&state, shop, &id, event).await? }))
}

fn unreadable(error: serde_json::Error) -> ApiError {
    ApiError::from(Code::BodyInvalid).with(json!({ "detail": error.to_string() }))
}

/// The id of an event that one of the shop's keys has signed.
async fn signed_id(state: &AppState, shop: ShopId, head: &RequestHead, body: &[u8]) -> ApiResult<String> {
    if !shops::list(&state.db).await?.iter().any(|known| known.id == shop) {
        return Err(Code::NotFound.into());
    }
    let keys = buyers::keys(&state.db, shop, KeyPurpose::Webhook).await?;
    let doubt = |error: signature::SignatureError| {
        ApiError::from(Code::SignatureInvalid).with(json!({ "detail": error.to_string() }))
    };
    signature::check(&head.headers, body, &keys, state.now_ms()).map_err(doubt)
}

async fn take(state: &AppState, shop: ShopId, id: &str, event: HookEvent) -> ApiResult<Change> {
    let change = match event {
        HookEvent::ProductViewed(viewed) => view(state, shop, &viewed).await?,
        HookEvent::Created(event) => tell(state, shop, (id, "order.created", Some(Stage::Created)), event).await?,
        HookEvent::Paid(event) => tell(state, shop, (id, "order.paid", Some(Stage::Paid)), event).await?,
        HookEvent::Shipped(event) => tell(state, shop, (id, "order.shipped", Some(Stage::Shipped)), event).await?,
        HookEvent::Node(event) => tell(state, shop, (id, "order.node", None), event).await?,
        HookEvent::Signed(event) => tell(state, shop, (id, "order.signed", Some(Stage::Signed)), event).await?,
        HookEvent::Cancelled(event) => {
            tell(state, shop, (id, "order.cancelled", Some(Stage::Cancelled)), event).await?
        }
        HookEvent::Refunded(event) => tell(state, shop, (id, "order.refunded", Some(Stage::Refunded)), event).await?,
    };
    state.bus.publish(shop, Event::RecordsChanged);
    Ok(change)
}

fn refused(refusal: Refusal) -> ApiError {
    ApiError::from(Code::FieldInvalid).with(json!({ "field": refusal.field, "problem": refusal.problem }))
}

async fn tell(
    state: &AppState,
    shop: ShopId,
    (id, kind, stage): (&str, &str, Option<Stage>),
    event: OrderEvent,
) -> ApiResult<Change> {
    let mut input = OrderInput { at_ms: Some(event.at_ms), status: None, ..event.order };
    if let Some(stage) = stage {
        input.reached_ms.insert(stage, event.at_ms);
    }
    let order = input.check(state.now_ms()).map_err(refused)?;
    let mut tx = state.db.begin().await?;
    let account = Account { source: Source::Webhook, kind, event_id: Some(id), order: &order };
    let (_, change) = orders::tell(&mut tx, shop, &account).await?;
    tx.commit().await?;
    Ok(change)
}

/// The newest look at a product counts, so telling it again changes nothing.
async fn view(state: &AppState, shop: ShopId, viewed: &Viewed) -> ApiResult<Change> {
    let buyer = viewed.buyer.trim();
    if buyer.is_empty() || buyer.chars().count() > MAX_BUYER_CHARS {
        return Err(ApiError::field("buyer", "between 1 and 128 characters"));
    }
    if !(0..=state.now_ms() + AHEAD_MS).contains(&viewed.at_ms) {
        return Err(ApiError::field("at_ms", "not in the future"));
    }
    let sku = check_number(&viewed.sku, "sku").map_err(refused)?;
    let mut tx = state.db.begin().await?;
    products::see_view(&mut tx, shop, (buyer, &sku), viewed.at_ms).await?;
    tx.commit().await?;
    Ok(Change::Changed)
}
