//! How a file arrives: streamed to the disk, hashed on the way, compared with what is known, and queued.

use axum::extract::multipart::{Field, Multipart, MultipartError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::ids::{DocumentId, RevisionId};
use crate::domain::text::Lang;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::state::AppState;
use crate::storage::files::StoredFile;

/// Longer names are of no use to anybody.
const MAX_NAME_CHARS: usize = 240;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UploadStatus {
    /// A job will read it.
    Queued,
    /// The same bytes are there already.
    Unchanged,
    /// It was not taken; `error` says why.
    Refused,
}

/// Why a file was not taken.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UploadProblem {
    /// Stable, of the same table as the codes of problems.
    code: String,
    /// In the reader's language.
    message: String,
}

/// What became of one file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UploadResult {
    pub file_name: String,
    pub status: UploadStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_id: Option<RevisionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<UploadProblem>,
}

impl UploadResult {
    /// A file that was not taken.
    pub fn refused(file_name: String, code: Code, lang: Lang) -> Self {
        let error = UploadProblem { code: code.name().into(), message: code.sentence(lang).into() };
        Self { file_name, status: UploadStatus::Refused, document_id: None, revision_id: None, error: Some(error) }
    }

    /// A file that was taken, or was there.
    pub fn taken(file_name: String, status: UploadStatus, ids: (DocumentId, RevisionId)) -> Self {
        Self { file_name, status, document_id: Some(ids.0), revision_id: Some(ids.1), error: None }
    }
}

/// A file that lies on the disk, or the reason why it does not.
pub struct Received {
    /// Its cleaned name.
    pub name: String,
    /// Its bytes.
    pub file: Result<StoredFile, Code>,
}

/// Streams one part to the disk. One that is too large is read to its end and forgotten: the others may be fine.
pub async fn receive(state: &AppState, field: &mut Field<'_>) -> ApiResult<Received> {
    let name = clean_name(field.file_name().unwrap_or_default());
    let mut incoming = Some(state.files.begin().await?);
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        let Some(file) = incoming.as_mut() else { continue };
        if file.size_bytes() + piece.len() as u64 > state.settings.max_upload_bytes {
            incoming = None;
        } else {
            file.write(&piece).await?;
        }
    }
    let file = match incoming {
        None => Err(Code::FileTooLarge),
        Some(file) if file.size_bytes() == 0 => Err(Code::FileEmpty),
        Some(_) if name.is_empty() => Err(Code::FieldInvalid),
        Some(file) => Ok(file.keep().await?),
    };
    Ok(Received { name, file })
}

/// The next part, if there is one.
pub async fn next_field(form: &mut Multipart) -> ApiResult<Option<Field<'_>>> {
    form.next_field().await.map_err(broken)
}

/// A part that is a short text.
pub async fn text(field: Field<'_>) -> ApiResult<String> {
    field.text().await.map_err(broken)
}

/// A request that broke off or is no form.
fn broken(error: MultipartError) -> ApiError {
    let code = if error.status().as_u16() == 413 { Code::BodyTooLarge } else { Code::BodyInvalid };
    ApiError::from(code).with(json!({ "detail": error.body_text() }))
}

/// A name to show and to recognise a document by; never a path on our disk. Folders stay in it.
fn clean_name(given: &str) -> String {
    let slashed = given.replace('\\', "/");
    let parts = slashed.split('/').map(|part| part.chars().filter(|c| !c.is_control()).collect::<String>());
    let parts: Vec<String> = parts.map(|part| part.trim().to_owned()).collect();
    let kept: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let name = kept.join("/");
    let n_chars = name.chars().count();
    // The end says what kind of file it is.
    name.chars().skip(n_chars.saturating_sub(MAX_NAME_CHARS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_folders_and_lose_their_tricks() {
        assert_eq!(clean_name("manuals/售后/退货.md"), "manuals/售后/退货.md");
        assert_eq!(clean_name(r"C:\manuals\a.pdf"), "C:/manuals/a.pdf");
        assert_eq!(clean_name("../../etc/passwd"), "etc/passwd");
        assert_eq!(clean_name("/./a\r\n.txt"), "a.txt");
        assert_eq!(clean_name("../"), "");
        assert_eq!(clean_name(&format!("{}.pdf", "长".repeat(300))).chars().count(), MAX_NAME_CHARS);
    }
}
