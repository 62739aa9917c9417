//! `GET /v1/knowledge/documents`: every person of the shop.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::error::ApiResult;
use crate::http::extract::{Json, Locale};
use crate::http::guard::Member;
use crate::http::knowledge::views::DocumentView;
use crate::http::state::AppState;
use crate::storage::documents;

#[derive(Serialize, JsonSchema)]
pub struct DocumentsAnswer {
    /// Newest first.
    documents: Vec<DocumentView>,
}

pub async fn list_documents(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
) -> ApiResult<Json<DocumentsAnswer>> {
    let listings = documents::list(&state.db, member.shop()).await?;
    let told = (lang, state.now_ms());
    let view = |line: documents::DocumentListing| DocumentView::new(line.document, line.newest, told);
    Ok(Json(DocumentsAnswer { documents: listings.into_iter().map(view).collect() }))
}
