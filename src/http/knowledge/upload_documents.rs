//! `POST /v1/knowledge/documents`: staff, owners. Several files at once; each is taken or refused for itself.

use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::document::Audience;
use crate::domain::order::Platform;
use crate::http::day::{day_after_ms, day_start_ms};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Form, Json, Locale};
use crate::http::guard::Member;
use crate::http::knowledge::change_document::in_order;
use crate::http::knowledge::register::Upload;
use crate::http::knowledge::upload::{Received, UploadResult, next_field, receive, text};
use crate::http::state::AppState;
use crate::storage::uploads::Said;

/// One request may bring so many files.
const MAX_FILES: usize = 2_000;

/// The form, for the description: the parts are read one by one.
#[derive(Serialize, JsonSchema)]
pub struct UploadForm {
    /// One part a file. The name may hold a folder path; the same name again is the next revision.
    #[schemars(extend("items" = { "type": "string", "contentMediaType": "application/octet-stream" }))]
    file: Vec<String>,
    /// The product all these are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<Audience>,
    /// Codes of platforms with commas between them, such as `taobao,tmall`; empty for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    platforms: Option<String>,
    /// `YYYY-MM-DD`, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<String>,
    /// `YYYY-MM-DD`, UTC: the last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_until: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct UploadAnswer {
    /// One a file, in the order of the request.
    results: Vec<UploadResult>,
}

pub async fn upload_documents(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Form(form): Form,
) -> ApiResult<(StatusCode, Json<UploadAnswer>)> {
    let (files, said) = read_form(&state, form).await?;
    if files.is_empty() {
        return Err(Code::FileMissing.into());
    }
    let upload = Upload { state: &state, member: &member, said, lang };
    let mut results = Vec::with_capacity(files.len());
    for file in files {
        results.push(upload.register(file).await?);
    }
    Ok((StatusCode::ACCEPTED, Json(UploadAnswer { results })))
}

/// Everything is read before anything is written: a field may stand behind the files it speaks of.
async fn read_form(state: &AppState, mut form: Multipart) -> ApiResult<(Vec<Received>, Said)> {
    let (mut files, mut said) = (Vec::new(), Said::default());
    while let Some(mut field) = next_field(&mut form).await? {
        match field.name().unwrap_or_default() {
            "file" if files.len() < MAX_FILES => files.push(receive(state, &mut field).await?),
            "file" => return Err(ApiError::field("file", format!("at most {MAX_FILES} files at once"))),
            "sku" => said.sku = Some(text(field).await?.trim().to_owned()),
            "platforms" => said.platforms = Some(platforms(text(field).await?.trim())?),
            "audience" => said.audience = audience(text(field).await?.trim())?,
            "effective_from" => {
                said.effective_from_ms = day("effective_from", text(field).await?.trim(), day_start_ms)?
            }
            "effective_until" => {
                said.effective_until_ms = day("effective_until", text(field).await?.trim(), day_after_ms)?
            }
            other => return Err(ApiError::field(other, "not a field of this form")),
        }
    }
    Ok((files, said))
}

fn audience(value: &str) -> ApiResult<Option<Audience>> {
    match value {
        "" => Ok(None),
        "buyers" => Ok(Some(Audience::Buyers)),
        "agents" => Ok(Some(Audience::Agents)),
        other => Err(ApiError::field("audience", format!("neither `buyers` nor `agents`: {other}"))),
    }
}

fn platforms(value: &str) -> ApiResult<Vec<Platform>> {
    let codes = value.split(',').map(str::trim).filter(|code| !code.is_empty());
    let platform =
        |code| Platform::of(code).ok_or_else(|| ApiError::field("platforms", format!("no platform of ours: {code}")));
    Ok(in_order(codes.map(platform).collect::<ApiResult<_>>()?))
}

fn day(field: &str, value: &str, read: fn(&str) -> Option<i64>) -> ApiResult<Option<i64>> {
    if value.is_empty() {
        return Ok(None);
    }
    read(value).map(Some).ok_or_else(|| ApiError::field(field, format!("not a day such as `2026-01-31`: {value}")))
}

pub fn example() -> Value {
    json!({ "results": [{
        "file_name": "returns.md", "status": "queued",
        "document_id": "01890a5d-ac96-774b-bcce-b302099a8057", "revision_id": "01890a5d-ac96-774b-bcce-b302099a8059",
    }] })
}
