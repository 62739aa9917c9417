//! `/v1/records/filters` and `/v1/records/orders/sheet`: searches that a person keeps, and what they find as a sheet.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::sheet_moment;
use crate::domain::csv;
use crate::domain::order::{Platform, Stage};
use crate::domain::text::Lang;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Locale, Path, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::orders::{self, OrderQuery, OrderRow};
use crate::storage::{order_filters, rules};

/// Rows of a sheet.
const MAX_ROWS: u32 = 10_000;
const MAX_NAME_CHARS: usize = 40;

/// Which orders. What is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OrderFilter {
    /// Whose number begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// That are just so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Of this buyer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buyer: Option<String>,
    /// Bought there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// With this product among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
}

impl OrderFilter {
    /// Whether it lets every order through.
    pub fn is_open(&self) -> bool {
        let is_blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
        self.stage.is_none()
            && self.platform.is_none()
            && [&self.number, &self.buyer, &self.sku].into_iter().all(is_blank)
    }

    /// The orders that fit, last changed first.
    pub async fn find(
        &self,
        state: &AppState,
        member: &Member,
        (before_ms, limit): (i64, u32),
    ) -> ApiResult<Vec<OrderRow>> {
        let filled =
            |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let number = filled(&self.number).map(|number| number.to_ascii_uppercase());
        let (buyer, sku) = (filled(&self.buyer), filled(&self.sku));
        let query = OrderQuery {
            buyer: buyer.as_deref(),
            stage: self.stage,
            number: number.as_deref(),
            platform: self.platform,
            sku: sku.as_deref(),
            before_ms,
            limit,
        };
        Ok(orders::list(&state.db, member.shop(), &query).await?)
    }
}

#[derive(Serialize, JsonSchema)]
pub struct SavedFilter {
    name: String,
    filter: OrderFilter,
}

#[derive(Serialize, JsonSchema)]
pub struct FiltersAnswer {
    /// One's own.
    filters: Vec<SavedFilter>,
}

pub async fn list_filters(State(state): State<AppState>, member: Member) -> ApiResult<Json<FiltersAnswer>> {
    let found = order_filters::list(&state.db, member.shop(), member.id()).await?;
    let view = |(name, body)| Ok(SavedFilter { name, filter: serde_json::from_value(body).map_err(ApiError::bug)? });
    Ok(Json(FiltersAnswer { filters: found.into_iter().map(view).collect::<ApiResult<_>>()? }))
}

pub async fn put_filter(
    State(state): State<AppState>,
    member: Member,
    Path(name): Path<String>,
    Json(filter): Json<OrderFilter>,
) -> ApiResult<StatusCode> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(ApiError::field("name", format!("between 1 and {MAX_NAME_CHARS} characters")));
    }
    let body = serde_json::to_value(&filter).map_err(ApiError::bug)?;
    let mut tx = state.db.begin().await?;
    order_filters::put(&mut tx, member.shop(), (member.id(), name), &body).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn remove_filter(
    State(state): State<AppState>,
    member: Member,
    Path(name): Path<String>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !order_filters::remove(&mut tx, member.shop(), (member.id(), &name)).await? {
        return Err(Code::NotFound.into());
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn show_sheet(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Query(filter): Query<OrderFilter>,
) -> ApiResult<Response> {
    let found = filter.find(&state, &member, (i64::MAX, MAX_ROWS)).await?;
    let offset_min = rules::current(&state.db, member.shop()).await?.utc_offset_min;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"orders.csv\""),
        (header::CONTENT_LANGUAGE, lang.code()),
    ];
    Ok((headers, sheet(&found, (lang, offset_min))).into_response())
}

fn sheet(found: &[OrderRow], (lang, offset_min): (Lang, i64)) -> String {
    let head = match lang {
        Lang::Zh => ["订单号", "平台", "状态", "买家", "商品", "金额", "截至"],
        Lang::En => ["Order", "Platform", "Status", "Buyer", "Items", "Total", "As of"],
    };
    let mut sheet = csv::BYTE_ORDER_MARK.to_owned();
    sheet.push_str(&csv::row(head));
    for OrderRow { order, .. } in found {
        let items: Vec<String> =
            order.lines().iter().map(|line| format!("{} ×{}", line.title, line.quantity)).collect();
        let total = order.total.as_ref().map(|total| total.value.amount()).unwrap_or_default();
        let cells = [
            order.key.number.as_str(),
            order.key.platform.code(),
            order.stage().map(Stage::code).unwrap_or_default(),
            order.buyer.as_ref().map(|buyer| buyer.value.as_str()).unwrap_or_default(),
            &items.join("; "),
            &total,
            &sheet_moment(order.as_of_ms, offset_min),
        ];
        sheet.push_str(&csv::row(cells));
    }
    sheet
}
