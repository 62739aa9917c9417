//! `/v1/console/views`: agents, ops, owners, each their own. A name for a tab with its search and filters.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ViewId;
use crate::domain::text::Lang;
use crate::http::console::list_conversations::{Tab, read_whose};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::inbox_views::{self, InboxView};

/// More than a list has room for.
const MAX_VIEWS: usize = 20;

/// What a view asks for: the parameters of the list.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ViewFilter {
    tab: Tab,
    q: String,
    tag: String,
    marked: bool,
    lang: Option<Lang>,
    /// The id of a person, `nobody`, or empty.
    whose: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct ViewBody {
    /// One of the same name is replaced.
    name: String,
    filter: ViewFilter,
}

#[derive(Serialize, JsonSchema)]
pub struct ViewLine {
    id: ViewId,
    name: String,
    filter: ViewFilter,
}

#[derive(Serialize, JsonSchema)]
pub struct ViewsAnswer {
    views: Vec<ViewLine>,
}

pub async fn list_views(State(state): State<AppState>, member: Member) -> ApiResult<Json<ViewsAnswer>> {
    let kept = inbox_views::list(&state.db, member.shop(), member.id()).await?;
    let line = |view: InboxView| {
        let filter = serde_json::from_value(view.body).map_err(ApiError::bug)?;
        Ok(ViewLine { id: view.id, name: view.name, filter })
    };
    Ok(Json(ViewsAnswer { views: kept.into_iter().map(line).collect::<ApiResult<_>>()? }))
}

pub async fn keep_view(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<ViewBody>,
) -> ApiResult<(StatusCode, Json<ViewsAnswer>)> {
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > 40 {
        return Err(ApiError::field("name", "1 to 40 characters"));
    }
    if body.filter.q.chars().count() > 200 || body.filter.tag.chars().count() > 40 {
        return Err(ApiError::field("filter", "too long"));
    }
    if !body.filter.whose.is_empty() {
        read_whose(&body.filter.whose)?;
    }
    let kept = inbox_views::list(&state.db, member.shop(), member.id()).await?;
    if kept.len() >= MAX_VIEWS && kept.iter().all(|view| view.name != name) {
        return Err(ApiError::field("name", format!("at most {MAX_VIEWS} views")));
    }
    let filter = serde_json::to_value(&body.filter).map_err(ApiError::bug)?;
    let mut tx = state.db.begin().await?;
    inbox_views::keep(&mut tx, member.shop(), member.id(), (name, &filter)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, list_views(State(state), member).await?))
}

pub async fn remove_view(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ViewId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !inbox_views::remove(&mut tx, member.shop(), member.id(), id).await? {
        return Err(Code::NotFound.into());
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
