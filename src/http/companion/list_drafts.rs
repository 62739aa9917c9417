//! `GET /v1/drafts` and `GET /v1/drafts/figures`: agents, ops, owners, and scripts with their key.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::order::Platform;
use crate::http::companion::views::DraftView;
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::companion;
use crate::storage::ops::Period;

#[derive(Deserialize, JsonSchema)]
pub struct DraftsQuery {
    /// At most so many; 20 if left out, 100 at most.
    limit: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub struct DraftsAnswer {
    drafts: Vec<DraftView>,
}

pub async fn list_drafts(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<DraftsQuery>,
) -> ApiResult<Json<DraftsAnswer>> {
    let shop = member.shop();
    let limit = query.limit.unwrap_or(20).min(100);
    let mut drafts = Vec::new();
    for found in companion::recent(&state.db, shop, member.id(), limit).await? {
        drafts.extend(DraftView::new(&state, shop, found).await?);
    }
    Ok(Json(DraftsAnswer { drafts }))
}

#[derive(Deserialize, JsonSchema)]
pub struct FiguresQuery {
    /// Brought at or after; from the beginning if left out.
    from_ms: Option<i64>,
    /// Brought before; until now if left out.
    until_ms: Option<i64>,
}

/// What came of the drafts for one platform.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlatformView {
    platform: Platform,
    /// Messages brought.
    n_asked: u32,
    /// Drafts there were.
    n_drafted: u32,
    n_used: u32,
    n_edited: u32,
    n_rejected: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct FiguresAnswer {
    platforms: Vec<PlatformView>,
}

pub async fn show_figures(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<FiguresQuery>,
) -> ApiResult<Json<FiguresAnswer>> {
    let period = Period { from_ms: query.from_ms.unwrap_or(0), until_ms: query.until_ms.unwrap_or(i64::MAX) };
    let view = |(platform, n): (Platform, companion::PlatformFigures)| PlatformView {
        platform,
        n_asked: n.n_asked,
        n_drafted: n.n_drafted,
        n_used: n.n_used,
        n_edited: n.n_edited,
        n_rejected: n.n_rejected,
    };
    let figures = companion::figures(&state.db, member.shop(), period).await?;
    Ok(Json(FiguresAnswer { platforms: figures.into_iter().map(view).collect() }))
}
