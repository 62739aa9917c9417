//! Takes uploaded files in, and notes who did it.

use serde_json::json;

use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::error::{ApiResult, Code};
use crate::http::guard::Member;
use crate::http::knowledge::upload::{Received, UploadResult, UploadStatus};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::uploads::{self, Registered, Said};

/// Who uploads, what they say about it, how they are answered.
pub struct Upload<'a> {
    /// Where everything is.
    pub state: &'a AppState,
    /// Who.
    pub member: &'a Member,
    /// What is said about the files, and which document they are for.
    pub said: Said,
    /// The reader's language.
    pub lang: Lang,
}

impl Upload<'_> {
    /// Takes one file. Bytes that are there already have nothing to do.
    pub async fn register(&self, received: Received) -> ApiResult<UploadResult> {
        let name = received.name;
        let file = match received.file {
            Ok(file) => file,
            Err(code) => return Ok(UploadResult::refused(name, code, self.lang)),
        };
        let shop = self.member.shop();
        let mut tx = self.state.db.begin().await?;
        let (document, revision) = match uploads::register(&mut tx, shop, &name, &self.said, &file).await? {
            Registered::Queued(document, revision) => (document, revision),
            Registered::Unchanged(document, revision) => {
                return Ok(UploadResult::taken(name, UploadStatus::Unchanged, (document, revision)));
            }
            Registered::NoTarget => return Err(Code::NotFound.into()),
        };
        let detail = json!({ "revision": revision, "file_name": name, "sha256": file.sha256 });
        note(&mut tx, self.member, "document_uploaded", (&document.to_string(), detail)).await?;
        tx.commit().await?;
        self.state.bus.publish(shop, Event::RevisionChanged { document, revision });
        (self.state.wake_workers)();
        Ok(UploadResult::taken(name, UploadStatus::Queued, (document, revision)))
    }
}
