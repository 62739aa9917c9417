//! `GET /v1/widgets/{widget_id}`: anybody, on the sites that the widget names.
//!
//! Three checks say where a chat is shown. The browser refuses to frame `/widget/frame` elsewhere (`frame-ancestors`);
//! a page that calls this address itself sends its `Origin`; the frame, whose own requests come from our origin, tells
//! the page around it as `?origin=`. The last can be left out by a forged frame, but then the browser has refused.

use axum::extract::State;
use axum::http::header;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::WidgetId;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path, Query, RequestHead};
use crate::http::origin::{is_allowed, is_own};
use crate::http::state::AppState;
use crate::storage::shops;
use crate::storage::widgets::{self, Widget};

#[derive(Deserialize, JsonSchema)]
pub struct WidgetQuery {
    /// The site around the frame, as the frame sees it.
    origin: Option<String>,
}

/// Something in both languages.
#[derive(Serialize, JsonSchema)]
pub struct InBoth<T> {
    zh: T,
    en: T,
}

#[derive(Serialize, JsonSchema)]
pub struct WidgetView {
    id: WidgetId,
    shop_name: String,
    welcome: InBoth<String>,
    suggestions: InBoth<Vec<String>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(default)]
    hours: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(default)]
    contact: String,
    /// Whether answers of the assistant have to be marked as such: always.
    ai_label: bool,
    /// A browser that nobody chatted in for so many minutes forgets its chat.
    forget_after_minutes: u32,
}

pub async fn show_widget(
    State(state): State<AppState>,
    Path(id): Path<WidgetId>,
    Query(query): Query<WidgetQuery>,
    head: RequestHead,
) -> ApiResult<Json<WidgetView>> {
    let widget = find_widget(&state, id, &head).await?;
    if let Some(origin) = query.origin.as_deref().filter(|origin| !origin.is_empty()) {
        check_origin(&state, &widget, (origin, &head))?;
    }
    let shop = shops::get(&state.db, widget.shop).await?.ok_or(Code::WidgetUnknown)?;
    let settings = widget.form.settings;
    Ok(Json(WidgetView {
        forget_after_minutes: settings.minutes_to_come_back(),
        id,
        shop_name: shop.name,
        welcome: InBoth { zh: settings.welcome_zh, en: settings.welcome_en },
        suggestions: InBoth { zh: settings.suggestions_zh, en: settings.suggestions_en },
        hours: settings.hours,
        contact: settings.contact,
        ai_label: true,
    }))
}

/// The widget, if the page that asks may show it.
pub async fn find_widget(state: &AppState, id: WidgetId, head: &RequestHead) -> ApiResult<Widget> {
    let widget = widgets::by_id(&state.db, id).await?.ok_or(Code::WidgetUnknown)?;
    if let Some(origin) = head.headers.get(header::ORIGIN) {
        let origin = origin.to_str().map_err(|_| Code::OriginRefused)?;
        check_origin(state, &widget, (origin, head))?;
    }
    Ok(widget)
}

fn check_origin(state: &AppState, widget: &Widget, (origin, head): (&str, &RequestHead)) -> ApiResult<()> {
    let is_fine = is_own(origin, &head.headers, &head.uri, &state.settings.public_url)
        || is_allowed(origin, &widget.form.allowed_origins);
    if is_fine { Ok(()) } else { Err(ApiError::from(Code::OriginRefused)) }
}
