//! `DELETE /v1/knowledge/documents/{id}`: staff, owners. It answers nothing from now on; a job clears the rest.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use crate::domain::ids::DocumentId;
use crate::domain::job::JobKind;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::Path;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::documents;
use crate::storage::jobs::{self, Lane};

pub async fn remove_document(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<DocumentId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !documents::mark_removed(&mut tx, member.shop(), id).await? {
        return Err(Code::NotFound.into());
    }
    jobs::enqueue(&mut tx, member.shop(), JobKind::RemoveDocument { document: id }, Lane::Bulk, state.now_ms()).await?;
    note(&mut tx, &member, "document_deleted", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    (state.wake_workers)();
    Ok(StatusCode::ACCEPTED)
}
