//! `GET /v1/demo`: anybody. What the page `/shop` shows its chat by; there is none where no demo was set up.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::WidgetId;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::Json;
use crate::http::state::AppState;

#[derive(Serialize, JsonSchema)]
pub struct DemoView {
    widget_id: WidgetId,
}

pub async fn show_demo(State(state): State<AppState>) -> ApiResult<Json<DemoView>> {
    Ok(Json(DemoView { widget_id: state.settings.demo_widget.ok_or(Code::NotFound)? }))
}
