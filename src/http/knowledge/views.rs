//! What staff see of documents, revisions and chunks.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::document::{Audience, Format, RevisionState};
use crate::domain::ids::{ChunkId, DocumentId, RevisionId};
use crate::domain::injection::{Finding, Quarantine, Sign};
use crate::domain::order::Platform;
use crate::domain::text::{Lang, Span};
use crate::http::knowledge::sentences;
use crate::storage::chunks::ChunkRow;
use crate::storage::documents::Document;
use crate::storage::quarantine::Held;
use crate::storage::revisions::Revision;

/// Why a revision failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RevisionProblem {
    /// Stable.
    code: String,
    /// What it means and what to do, in the reader's language.
    message: String,
}

/// Something about a file that was read all the same.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WarningView {
    /// Stable.
    code: String,
    /// A page number, the removed text.
    detail: String,
    /// What it means, in the reader's language.
    message: String,
}

/// One version of a document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RevisionView {
    id: RevisionId,
    number: u32,
    file_name: String,
    format: Option<Format>,
    size_bytes: u64,
    state: RevisionState,
    stage_done: u32,
    /// 0 where it is not known yet.
    stage_total: u32,
    eta_ms: Option<i64>,
    error: Option<RevisionProblem>,
    warnings: Vec<WarningView>,
    n_pages: Option<u32>,
    n_chunks: Option<u32>,
    created_at_ms: i64,
    indexed_at_ms: Option<i64>,
}

impl RevisionView {
    /// As it is at `now_ms`, told in `lang`.
    pub fn new(revision: Revision, lang: Lang, now_ms: i64) -> Self {
        let detail = revision.error_detail.as_deref().unwrap_or_default();
        let error = revision
            .error_code
            .as_deref()
            .map(|code| RevisionProblem { code: code.to_owned(), message: sentences::of_error(code, detail, lang) });
        let warnings = revision.warnings.iter().map(|warning| WarningView {
            code: warning.code.clone(),
            detail: warning.detail.clone(),
            message: sentences::of_warning(&warning.code, &warning.detail, lang),
        });
        Self {
            id: revision.id,
            number: revision.number,
            format: revision.format,
            size_bytes: revision.size_bytes,
            state: revision.state,
            stage_done: revision.stage_done,
            stage_total: revision.stage_total,
            eta_ms: eta_ms(&revision, now_ms),
            error,
            warnings: warnings.collect(),
            n_pages: revision.n_pages,
            n_chunks: revision.n_chunks,
            created_at_ms: revision.created_at_ms,
            indexed_at_ms: revision.indexed_at_ms,
            file_name: revision.file_name,
        }
    }
}

/// What the stage has left, at the pace it has kept so far.
fn eta_ms(revision: &Revision, now_ms: i64) -> Option<i64> {
    let is_under_way = matches!(revision.state, RevisionState::Parsing | RevisionState::Embedding);
    if !is_under_way || revision.stage_done == 0 || revision.stage_total <= revision.stage_done {
        return None;
    }
    let took_ms = now_ms.saturating_sub(revision.stage_started_at_ms?).max(0);
    let left = i64::from(revision.stage_total - revision.stage_done);
    Some(took_ms.saturating_mul(left) / i64::from(revision.stage_done))
}

/// A document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DocumentView {
    id: DocumentId,
    name: String,
    /// The product it is about; null if it is about all.
    sku: Option<String>,
    audience: Audience,
    /// The platforms whose rules it tells; empty for all.
    platforms: Vec<Platform>,
    effective_from_ms: Option<i64>,
    /// No longer true from this moment.
    effective_until_ms: Option<i64>,
    created_at_ms: i64,
    /// The revision that answers.
    active_revision: Option<RevisionId>,
    newest: Option<RevisionView>,
}

impl DocumentView {
    /// A document with the newest of its revisions.
    pub fn new(document: Document, newest: Option<Revision>, (lang, now_ms): (Lang, i64)) -> Self {
        Self {
            id: document.id,
            name: document.meta.name,
            sku: document.meta.sku,
            audience: document.meta.audience,
            platforms: document.meta.platforms,
            effective_from_ms: document.meta.effective_from_ms,
            effective_until_ms: document.meta.effective_until_ms,
            created_at_ms: document.created_at_ms,
            active_revision: document.active_revision,
            newest: newest.map(|revision| RevisionView::new(revision, lang, now_ms)),
        }
    }
}

/// A chunk.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChunkView {
    id: ChunkId,
    ordinal: u32,
    text: String,
    heading_path: Vec<String>,
    page: Option<u32>,
    /// Bytes of the document's text.
    span: Span,
    n_tokens: u32,
    disabled: bool,
    edited: bool,
    /// Set for a chunk that looked as if it spoke to the assistant.
    quarantine: Option<Quarantine>,
    /// What was seen in it.
    findings: Vec<FindingView>,
}

/// Why a chunk looks as if it spoke to the assistant.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingView {
    sign: Sign,
    /// What it means, in the reader's language.
    message: &'static str,
    /// The words that show it.
    quote: String,
}

impl ChunkView {
    /// A chunk with why it was held, told in `lang`.
    pub fn new(chunk: ChunkRow, held: Option<Held>, lang: Lang) -> Self {
        let ChunkRow { id, ordinal, text, heading_path, page, span, n_tokens, disabled, edited, .. } = chunk;
        let quarantine = held.as_ref().map(|held| held.state);
        let view = |finding: Finding| FindingView {
            sign: finding.sign,
            message: sentences::of_sign(finding.sign, lang),
            quote: finding.quote,
        };
        let findings = held.map(|held| held.findings.into_iter().map(view).collect()).unwrap_or_default();
        Self { id, ordinal, text, heading_path, page, span, n_tokens, disabled, edited, quarantine, findings }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn revision(stage_done: u32, stage_total: u32) -> Revision {
        Revision {
            id: RevisionId(Uuid::nil()),
            document: DocumentId(Uuid::nil()),
            number: 1,
            file_name: "a.pdf".into(),
            sha256: String::new(),
            size_bytes: 1,
            format: None,
            state: RevisionState::Embedding,
            stage_done,
            stage_total,
            stage_started_at_ms: Some(1_000),
            error_code: None,
            error_detail: None,
            warnings: vec![],
            n_pages: None,
            n_chunks: None,
            created_at_ms: 0,
            indexed_at_ms: None,
        }
    }

    #[test]
    fn the_rest_takes_as_long_as_the_beginning() {
        assert_eq!(eta_ms(&revision(1, 4), 3_000), Some(6_000));
        assert_eq!(eta_ms(&revision(0, 4), 3_000), None, "no pace yet");
        assert_eq!(eta_ms(&revision(4, 4), 3_000), None, "nothing left");
        assert_eq!(eta_ms(&Revision { state: RevisionState::Queued, ..revision(1, 4) }, 3_000), None);
    }
}
