//! `POST /v1/knowledge/documents/{id}/revisions/{revision_id}/retry`: staff, owners.

use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::document::RevisionState;
use crate::domain::ids::{DocumentId, RevisionId};
use crate::domain::job::JobKind;
use crate::events::Event;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::views::RevisionView;
use crate::http::state::AppState;
use crate::storage::jobs::{self, Lane};
use crate::storage::revisions;

pub async fn retry_revision(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path((document, revision)): Path<(DocumentId, RevisionId)>,
) -> ApiResult<(StatusCode, Json<RevisionView>)> {
    let shop = member.shop();
    let found = revisions::get(&state.db, shop, revision).await?.filter(|found| found.document == document);
    if found.ok_or(Code::NotFound)?.state != RevisionState::Failed {
        return Err(Code::NothingToRetry.into());
    }
    let mut tx = state.db.begin().await?;
    revisions::set_state(&mut tx, shop, revision, RevisionState::Queued).await?;
    jobs::enqueue(&mut tx, shop, JobKind::IngestRevision { revision }, Lane::Bulk, state.now_ms()).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::RevisionChanged { document, revision });
    (state.wake_workers)();
    let now = revisions::get(&state.db, shop, revision).await?.ok_or(Code::NotFound)?;
    Ok((StatusCode::ACCEPTED, Json(RevisionView::new(now, lang, state.now_ms()))))
}
