//! `POST /v1/knowledge/rehearsals`: staff, ops, owners. One file; a job reads it, and its bytes go with that.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Form, Json, Locale};
use crate::http::guard::Member;
use crate::http::knowledge::rehearsals::show::{RehearsalView, view};
use crate::http::knowledge::upload::{next_field, receive};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::rehearsals::{self, NewRehearsal};

/// The form, for the description.
#[derive(Serialize, JsonSchema)]
pub struct RehearsalForm {
    /// The questions: a sheet with a column `question` (and `answer`), or logs of chats with who said what.
    #[schemars(extend("contentMediaType" = "application/octet-stream"))]
    file: String,
}

pub async fn bring(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Form(mut form): Form,
) -> ApiResult<(StatusCode, Json<RehearsalView>)> {
    let mut received = None;
    while let Some(mut field) = next_field(&mut form).await? {
        match field.name().unwrap_or_default() {
            "file" if received.is_none() => received = Some(receive(&state, &mut field).await?),
            "file" => return Err(ApiError::field("file", "one file at a time")),
            other => return Err(ApiError::field(other, "not a field of this form")),
        }
    }
    let received = received.ok_or(Code::FileMissing)?;
    let file = received.file?;
    let mut tx = state.db.begin().await?;
    let new = NewRehearsal { account: member.id(), file_name: &received.name, sha256: &file.sha256 };
    let id = rehearsals::create(&mut tx, member.shop(), &new).await?;
    note(&mut tx, &member, "rehearsal_brought", (&id.to_string(), json!({ "size_bytes": file.size_bytes }))).await?;
    tx.commit().await?;
    (state.wake_workers)();
    Ok((StatusCode::ACCEPTED, Json(view(&state, member.shop(), id, lang).await?)))
}
