//! `GET /v1/knowledge/documents/{id}/text`, `…/chunks`: every person of the shop. What was read, to be compared with
//! the file.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::document::{Block, BlockKind};
use crate::domain::ids::{DocumentId, RevisionId, ShopId};
use crate::domain::text::Span;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::views::ChunkView;
use crate::http::state::AppState;
use crate::storage::chunks::ChunkRow;
use crate::storage::{chunks, documents, quarantine, revisions};

#[derive(Serialize, JsonSchema)]
pub struct BlockView {
    kind: BlockKind,
    page: Option<u32>,
    heading_path: Vec<String>,
    /// Bytes of `text`.
    span: Span,
}

#[derive(Serialize, JsonSchema)]
pub struct TextAnswer {
    text: String,
    /// In reading order.
    blocks: Vec<BlockView>,
}

#[derive(Serialize, JsonSchema)]
pub struct ChunksAnswer {
    /// In reading order, those that were taken out, too.
    chunks: Vec<ChunkView>,
}

/// The newest revision that was read is shown: what is new is to be checked before it is even active.
pub async fn show_text(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<DocumentId>,
) -> ApiResult<Json<TextAnswer>> {
    let newest = newest_revision(&state, member.shop(), id).await?;
    let parsed = match revisions::load_parsed(&state.db, member.shop(), newest).await? {
        Some(parsed) => Some(parsed),
        None => {
            let active = active_revision(&state, member.shop(), id).await?;
            revisions::load_parsed(&state.db, member.shop(), active).await?
        }
    };
    let parsed = parsed.ok_or(Code::NotYet)?;
    let view = |block: Block| BlockView {
        kind: block.kind,
        page: block.page,
        heading_path: block.heading_path,
        span: block.span,
    };
    Ok(Json(TextAnswer { text: parsed.text, blocks: parsed.blocks.into_iter().map(view).collect() }))
}

pub async fn show_chunks(
    State(state): State<AppState>,
    member: Member,
    locale: Locale,
    Path(id): Path<DocumentId>,
) -> ApiResult<Json<ChunksAnswer>> {
    let active = active_revision(&state, member.shop(), id).await?;
    let chunks = chunks::by_revision(&state.db, member.shop(), active).await?;
    let mut held = quarantine::of_revision(&state.db, member.shop(), active).await?;
    let view = |chunk: ChunkRow| {
        let held = held.remove(&chunk.id);
        ChunkView::new(chunk, held, locale.0)
    };
    Ok(Json(ChunksAnswer { chunks: chunks.into_iter().map(view).collect() }))
}

async fn newest_revision(state: &AppState, shop: ShopId, document: DocumentId) -> ApiResult<RevisionId> {
    documents::get(&state.db, shop, document).await?.ok_or(Code::NotFound)?;
    let newest = revisions::of_document(&state.db, shop, document).await?.into_iter().next();
    Ok(newest.ok_or(Code::NotYet)?.id)
}

async fn active_revision(state: &AppState, shop: ShopId, document: DocumentId) -> ApiResult<RevisionId> {
    let document = documents::get(&state.db, shop, document).await?.ok_or(Code::NotFound)?;
    Ok(document.active_revision.ok_or(Code::NotYet)?)
}
