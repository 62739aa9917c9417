//! `/v1/ops/widgets`: ops, owners.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::WidgetId;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::origin::normalize;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::widgets::{self, Widget, WidgetForm, WidgetSettings};

#[derive(Deserialize, JsonSchema)]
pub struct WidgetBody {
    name: String,
    /// Sites that may show it, such as `https://shop.example`; `*` means any.
    allowed_origins: Vec<String>,
    #[serde(default)]
    settings: WidgetSettings,
}

#[derive(Deserialize, JsonSchema)]
pub struct WidgetPatch {
    name: Option<String>,
    allowed_origins: Option<Vec<String>>,
    settings: Option<WidgetSettings>,
}

#[derive(Serialize, JsonSchema)]
pub struct WidgetView {
    id: WidgetId,
    name: String,
    allowed_origins: Vec<String>,
    settings: WidgetSettings,
    /// To be put into the pages of the storefront.
    snippet: String,
}

#[derive(Serialize, JsonSchema)]
pub struct WidgetsAnswer {
    widgets: Vec<WidgetView>,
}

pub async fn list_widgets(State(state): State<AppState>, member: Member) -> ApiResult<Json<WidgetsAnswer>> {
    let widgets = widgets::list(&state.db, member.shop()).await?;
    Ok(Json(WidgetsAnswer { widgets: widgets.into_iter().map(|widget| view(&state, widget)).collect() }))
}

pub async fn add_widget(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<WidgetBody>,
) -> ApiResult<(StatusCode, Json<WidgetView>)> {
    let form = check(WidgetForm { name: body.name, allowed_origins: body.allowed_origins, settings: body.settings })?;
    let mut tx = state.db.begin().await?;
    let widget = widgets::create(&mut tx, member.shop(), form).await?;
    let detail = json!({ "name": widget.form.name, "allowed_origins": widget.form.allowed_origins });
    note(&mut tx, &member, "widget_created", (&widget.id.to_string(), detail)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(view(&state, widget))))
}

pub async fn change_widget(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<WidgetId>,
    Json(patch): Json<WidgetPatch>,
) -> ApiResult<Json<WidgetView>> {
    let found = widgets::by_id(&state.db, id).await?.filter(|widget| widget.shop == member.shop());
    let old = found.ok_or(Code::NotFound)?;
    let form = check(WidgetForm {
        name: patch.name.unwrap_or(old.form.name),
        allowed_origins: patch.allowed_origins.unwrap_or(old.form.allowed_origins),
        settings: patch.settings.unwrap_or(old.form.settings),
    })?;
    let mut tx = state.db.begin().await?;
    if !widgets::update(&mut tx, member.shop(), id, &form).await? {
        return Err(Code::NotFound.into());
    }
    let detail = json!({ "name": form.name, "allowed_origins": form.allowed_origins });
    note(&mut tx, &member, "widget_changed", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    Ok(Json(view(&state, Widget { form, ..old })))
}

pub async fn remove_widget(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<WidgetId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !widgets::remove(&mut tx, member.shop(), id).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "widget_deleted", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Origins in one form, so that they can be compared with what browsers send.
fn check(mut form: WidgetForm) -> ApiResult<WidgetForm> {
    form.name = form.name.trim().to_owned();
    if form.name.is_empty() {
        return Err(ApiError::field("name", "it is empty"));
    }
    for origin in &mut form.allowed_origins {
        let wrong =
            || ApiError::field("allowed_origins", format!("not an origin such as `https://shop.example`: {origin}"));
        *origin = normalize(origin).ok_or_else(wrong)?;
    }
    if !form.settings.is_time_in_range() {
        return Err(ApiError::field("forget_after_minutes", "5 to 525600, or 0 for 30 days"));
    }
    Ok(form)
}

fn view(state: &AppState, widget: Widget) -> WidgetView {
    let Widget { id, form, .. } = widget;
    let snippet =
        format!(r#"<script async src="{}/widget.js" data-widget-id="{id}"></script>"#, state.settings.public_url);
    WidgetView { id, name: form.name, allowed_origins: form.allowed_origins, settings: form.settings, snippet }
}
