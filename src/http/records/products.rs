//! `/v1/records/products`: what the shop sells.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::order_input::ProductInput;
use crate::domain::product::Product;
use crate::events::Event;
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Locale};
use crate::http::guard::Member;
use crate::http::records::orders::{ToldAnswer, ToldItem, check_count};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::orders::Change;
use crate::storage::products;

/// A shop with more looks for them by number.
const MAX_LISTED: u32 = 500;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductsBody {
    /// At most 500.
    products: Vec<ProductInput>,
}

#[derive(Serialize, JsonSchema)]
pub struct ProductsAnswer {
    products: Vec<Product>,
}

pub async fn put_products(
    State(state): State<AppState>,
    member: Member,
    locale: Locale,
    Json(body): Json<ProductsBody>,
) -> ApiResult<Json<ToldAnswer>> {
    check_count("products", body.products.len())?;
    let mut results = Vec::with_capacity(body.products.len());
    let mut tx = state.db.begin().await?;
    for input in body.products {
        results.push(match input.check() {
            Ok(product) => {
                let is_new = products::put(&mut tx, member.shop(), &product).await?;
                ToldItem::taken(input.sku, if is_new { Change::New } else { Change::Changed })
            }
            Err(refusal) => ToldItem::refused(input.sku, refusal, locale),
        });
    }
    note(&mut tx, &member, "products_told", ("products", json!({ "n_products": results.len() }))).await?;
    tx.commit().await?;
    state.bus.publish(member.shop(), Event::RecordsChanged);
    Ok(Json(ToldAnswer { results }))
}

pub async fn list_products(State(state): State<AppState>, member: Member) -> ApiResult<Json<ProductsAnswer>> {
    Ok(Json(ProductsAnswer { products: products::list(&state.db, member.shop(), MAX_LISTED).await? }))
}
