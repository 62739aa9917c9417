//! `GET /v1/knowledge/golden-sheets`: every person of the shop; `POST /v1/knowledge/documents/{id}/golden`: staff,
//! owners. A sheet of questions and answers becomes proposals; staff approve them.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::document::Format;
use crate::domain::ids::{DocumentId, RevisionId, ShopId};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::knowledge::golden::queue_embedding;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::golden::{self, SheetEntry, Taken};
use crate::storage::{documents, revisions};

/// A document with questions and answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SheetView {
    document_id: DocumentId,
    name: String,
    /// Questions with an answer.
    n_entries: usize,
    /// This version of it was taken: there is nothing new.
    is_taken: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SheetsAnswer {
    sheets: Vec<SheetView>,
}

/// What came of a sheet.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TakenView {
    n_proposed: usize,
    /// The sheet changed their answer: they are proposals again.
    n_changed: usize,
    n_kept: usize,
    /// The sheet has them no more: they are off.
    n_gone: usize,
}

impl From<Taken> for TakenView {
    fn from(taken: Taken) -> Self {
        let Taken { n_proposed, n_changed, n_kept, n_gone, .. } = taken;
        Self { n_proposed, n_changed, n_kept, n_gone }
    }
}

pub async fn list_sheets(State(state): State<AppState>, member: Member) -> ApiResult<Json<SheetsAnswer>> {
    let shop = member.shop();
    let known = golden::list(&state.db, shop).await?;
    let mut sheets = Vec::new();
    for listing in documents::list(&state.db, shop).await? {
        let is_sheet = |format| matches!(format, Format::Xlsx | Format::Csv);
        let Some(active) = listing.active.filter(|active| active.format.is_some_and(is_sheet)) else { continue };
        let n_entries = entries(&state, shop, active.id).await?.len();
        if n_entries > 0 {
            let document_id = listing.document.id;
            let is_taken = known.iter().any(|golden| golden.source.sheet == Some((document_id, active.id)));
            sheets.push(SheetView { document_id, name: listing.document.meta.name, n_entries, is_taken });
        }
    }
    Ok(Json(SheetsAnswer { sheets }))
}

pub async fn take_sheet(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<DocumentId>,
) -> ApiResult<Json<TakenView>> {
    let shop = member.shop();
    let document = documents::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let revision = document.active_revision.ok_or(Code::NotYet)?;
    let entries = entries(&state, shop, revision).await?;
    let known = golden::list(&state.db, shop).await?;
    let mut tx = state.db.begin().await?;
    let taken = golden::take_sheet(&mut tx, shop, (id, revision, member.id()), &entries, &known).await?;
    if let Some(new) = taken.to_embed {
        // One job embeds all that wait.
        queue_embedding(&mut tx, shop, new).await?;
    }
    note(&mut tx, &member, "golden_sheet_taken", (&id.to_string(), json!({ "n_proposed": taken.n_proposed }))).await?;
    tx.commit().await?;
    (state.wake_workers)();
    Ok(Json(taken.into()))
}

/// The questions of a sheet, each once: of two answers to the same question the first counts.
async fn entries(state: &AppState, shop: ShopId, revision: RevisionId) -> ApiResult<Vec<SheetEntry>> {
    let Some(parsed) = revisions::load_parsed(&state.db, shop, revision).await? else { return Ok(vec![]) };
    let mut entries: Vec<SheetEntry> = Vec::new();
    for entry in parsed.faq {
        if !entries.iter().any(|known| known.question == entry.question) {
            entries.push(SheetEntry { question: entry.question, answer: entry.answer });
        }
    }
    Ok(entries)
}
