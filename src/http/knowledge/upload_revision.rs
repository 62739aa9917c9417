//! `POST /v1/knowledge/documents/{id}/revisions`: staff, owners. The old version answers until the new one is read.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::DocumentId;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Form, Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::register::Upload;
use crate::http::knowledge::upload::{UploadResult, UploadStatus, next_field, receive};
use crate::http::state::AppState;
use crate::storage::documents;
use crate::storage::uploads::Said;

/// The form, for the description.
#[derive(Serialize, JsonSchema)]
pub struct RevisionForm {
    #[schemars(extend("contentMediaType" = "application/octet-stream"))]
    file: String,
}

pub async fn upload_revision(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<DocumentId>,
    Form(mut form): Form,
) -> ApiResult<(StatusCode, Json<UploadResult>)> {
    if documents::get(&state.db, member.shop(), id).await?.is_none() {
        return Err(Code::NotFound.into());
    }
    let mut field = next_field(&mut form).await?.ok_or(Code::FileMissing)?;
    if field.name() != Some("file") {
        return Err(ApiError::from(Code::FileMissing));
    }
    let received = receive(&state, &mut field).await?;
    let said = Said { target: Some(id), ..Said::default() };
    let upload = Upload { state: &state, member: &member, said, lang };
    let refusal = received.file.as_ref().err().copied();
    let result = upload.register(received).await?;
    match refusal {
        // A single file has a status of its own.
        Some(code) if result.status == UploadStatus::Refused => Err(code.into()),
        _ => Ok((StatusCode::ACCEPTED, Json(result))),
    }
}
