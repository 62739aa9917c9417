//! `GET /v1/knowledge/quarantine`: every person of the shop. `POST /v1/knowledge/chunks/{id}/approve`, `…/keep-out`:
//! staff, owners.
//!
//! What looks as if it spoke to the assistant is in no answer until a person has read it and let it in.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::ids::{ChunkId, DocumentId};
use crate::domain::job::JobKind;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::views::ChunkView;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::jobs::{self, Lane};
use crate::storage::{chunks, quarantine};

/// A person reads them one by one; the next ones come when these are dealt with.
const LIMIT: u32 = 200;

#[derive(Serialize, JsonSchema)]
pub struct WaitingView {
    document_id: DocumentId,
    document_name: String,
    chunk: ChunkView,
}

#[derive(Serialize, JsonSchema)]
pub struct QuarantineAnswer {
    /// Document by document, in reading order; at most 200.
    waiting: Vec<WaitingView>,
}

pub async fn list_waiting(
    State(state): State<AppState>,
    member: Member,
    locale: Locale,
) -> ApiResult<Json<QuarantineAnswer>> {
    let waiting = quarantine::waiting(&state.db, member.shop(), LIMIT).await?;
    let view = |(chunk, held): (chunks::ChunkRow, quarantine::Held)| WaitingView {
        document_id: chunk.document_id,
        document_name: chunk.document_name.clone(),
        chunk: ChunkView::new(chunk, Some(held), locale.0),
    };
    Ok(Json(QuarantineAnswer { waiting: waiting.into_iter().map(view).collect() }))
}

pub async fn approve(
    State(state): State<AppState>,
    member: Member,
    locale: Locale,
    Path(id): Path<ChunkId>,
) -> ApiResult<Json<ChunkView>> {
    settle(&state, &member, (id, true), locale).await
}

pub async fn keep_out(
    State(state): State<AppState>,
    member: Member,
    locale: Locale,
    Path(id): Path<ChunkId>,
) -> ApiResult<Json<ChunkView>> {
    settle(&state, &member, (id, false), locale).await
}

async fn settle(
    state: &AppState,
    member: &Member,
    (id, approved): (ChunkId, bool),
    locale: Locale,
) -> ApiResult<Json<ChunkView>> {
    let shop = member.shop();
    let chunk = chunks::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let mut tx = state.db.begin().await?;
    if !quarantine::settle(&mut tx, shop, id, approved).await? {
        return Err(Code::NotFound.into());
    }
    let action = if approved { "chunk_approved" } else { "chunk_kept_out" };
    note(&mut tx, member, action, (&id.to_string(), json!({}))).await?;
    let job = JobKind::RefreshDocument { document: chunk.document_id };
    jobs::enqueue(&mut tx, shop, job, Lane::Bulk, state.now_ms()).await?;
    tx.commit().await?;
    (state.wake_workers)();
    let chunk = chunks::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let held = quarantine::of_chunk(&state.db, shop, id).await?;
    Ok(Json(ChunkView::new(chunk, held, locale.0)))
}
