//! `GET /v1/knowledge/documents/{id}/file`: every person of the shop. The bytes as they were uploaded.
//!
//! They came from outside: a browser saves them and shows none, and if it did, in a sandbox.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::domain::document::Format;
use crate::domain::ids::{DocumentId, RevisionId};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Path, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::documents;
use crate::storage::revisions::{self, Revision};

#[derive(Deserialize, JsonSchema)]
pub struct FileQuery {
    /// Of this revision; of the one that answers, or else the newest, if left out.
    revision: Option<RevisionId>,
}

pub async fn show_file(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<DocumentId>,
    Query(query): Query<FileQuery>,
) -> ApiResult<Response> {
    let document = documents::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    let wanted = query.revision.or(document.active_revision);
    let revisions = revisions::of_document(&state.db, member.shop(), id).await?;
    let found = revisions.into_iter().find(|revision| wanted.is_none_or(|wanted| revision.id == wanted));
    let revision = found.ok_or(Code::NotFound)?;
    let file = state.files.read(&revision.sha256).await?.ok_or(Code::NotFound)?;
    let mut response = Body::from_stream(ReaderStream::new(file)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(revision.size_bytes));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&revision)));
    if let Ok(disposition) = HeaderValue::from_str(&disposition(&revision)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// What a file is handed out as: never a type that a browser would run.
pub const CONTENT_TYPES: &[&str] = &[BYTES, PDF, TEXT];
const BYTES: &str = "application/octet-stream";
const PDF: &str = "application/pdf";
const TEXT: &str = "text/plain; charset=utf-8";

fn content_type(revision: &Revision) -> &'static str {
    match revision.format {
        Some(Format::Pdf) => PDF,
        Some(Format::Csv | Format::Markdown | Format::Text) => TEXT,
        Some(Format::Docx | Format::Xlsx | Format::Html | Format::Zip) | None => BYTES,
    }
}

/// RFC 6266: the name in percent-encoded UTF-8, so that nothing in it can end the header.
fn disposition(revision: &Revision) -> String {
    let name = revision.file_name.rsplit('/').next().unwrap_or_default();
    let encoded: String = name.bytes().map(encode).collect();
    format!("attachment; filename*=UTF-8''{encoded}")
}

fn encode(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}
