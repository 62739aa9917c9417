//! `GET /v1/knowledge/documents/{id}`: every person of the shop. Scripts ask here how far reading has come.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::ids::{DocumentId, ShopId};
use crate::domain::text::Lang;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::views::{DocumentView, RevisionView};
use crate::http::state::AppState;
use crate::storage::{documents, revisions};

#[derive(Serialize, JsonSchema)]
pub struct DocumentAnswer {
    document: DocumentView,
    /// Newest first.
    revisions: Vec<RevisionView>,
}

pub async fn show_document(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<DocumentId>,
) -> ApiResult<Json<DocumentAnswer>> {
    let document = read_document(&state, member.shop(), (id, lang)).await?;
    let revisions = revisions::of_document(&state.db, member.shop(), id).await?;
    let view = |revision| RevisionView::new(revision, lang, state.now_ms());
    Ok(Json(DocumentAnswer { document, revisions: revisions.into_iter().map(view).collect() }))
}

/// One document with its newest revision, or 404.
pub async fn read_document(state: &AppState, shop: ShopId, (id, lang): (DocumentId, Lang)) -> ApiResult<DocumentView> {
    let document = documents::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let newest = revisions::of_document(&state.db, shop, id).await?.into_iter().next();
    Ok(DocumentView::new(document, newest, (lang, state.now_ms())))
}

pub fn example() -> Value {
    let revision = json!({
        "id": "01890a5d-ac96-774b-bcce-b302099a8059", "number": 1, "file_name": "returns.md", "format": "markdown",
        "size_bytes": 2310, "state": "embedding", "stage_done": 3, "stage_total": 12, "eta_ms": 900, "error": null,
        "warnings": [], "n_pages": null, "n_chunks": null, "created_at_ms": 1_767_225_600_000_i64, "indexed_at_ms": null,
    });
    json!({
        "document": {
            "id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "returns.md", "sku": null, "audience": "buyers",
            "effective_from_ms": null, "effective_until_ms": null, "created_at_ms": 1_767_225_600_000_i64,
            "active_revision": null, "newest": revision,
        },
        "revisions": [revision],
    })
}
