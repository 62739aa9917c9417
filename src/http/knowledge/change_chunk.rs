//! `PATCH /v1/knowledge/chunks/{id}`: staff, owners. A chunk that was taken out is out at once; a rewritten one is
//! found by its new text when a job has embedded it.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::domain::ids::ChunkId;
use crate::domain::injection::Quarantine;
use crate::domain::job::JobKind;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::views::ChunkView;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::jobs::{self, Lane};
use crate::storage::{chunks, quarantine};

/// The embedder would cut a longer one.
const MAX_CHARS: usize = 4_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChunkPatch {
    text: Option<String>,
    disabled: Option<bool>,
}

pub async fn change_chunk(
    State(state): State<AppState>,
    member: Member,
    locale: Locale,
    Path(id): Path<ChunkId>,
    Json(patch): Json<ChunkPatch>,
) -> ApiResult<Json<ChunkView>> {
    let shop = member.shop();
    let old = chunks::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let held = quarantine::of_chunk(&state.db, shop, id).await?;
    if patch.disabled == Some(false) && held.is_some_and(|held| held.state != Quarantine::Approved) {
        return Err(Code::Quarantined.into());
    }
    let text = patch.text.as_deref().map(check).transpose()?.filter(|text| *text != old.text);
    let mut tx = state.db.begin().await?;
    if let Some(disabled) = patch.disabled {
        chunks::set_disabled(&mut tx, shop, id, disabled).await?;
    }
    if let Some(text) = text {
        chunks::rewrite(&mut tx, shop, id, text).await?;
        quarantine::inspect(&mut tx, shop, id, (&old.heading_path, text)).await?;
    }
    jobs::enqueue(&mut tx, shop, JobKind::RefreshDocument { document: old.document_id }, Lane::Bulk, state.now_ms())
        .await?;
    let detail = json!({ "rewritten": text.is_some(), "disabled": patch.disabled });
    note(&mut tx, &member, "chunk_changed", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    (state.wake_workers)();
    let chunk = chunks::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let held = quarantine::of_chunk(&state.db, shop, id).await?;
    Ok(Json(ChunkView::new(chunk, held, locale.0)))
}

fn check(text: &str) -> ApiResult<&str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ApiError::field("text", "it is empty; take the chunk out instead"));
    }
    if text.chars().count() > MAX_CHARS {
        return Err(ApiError::field("text", format!("longer than {MAX_CHARS} characters")));
    }
    Ok(text)
}
