//! What an uploaded file becomes: nothing new, a new document, or the next revision of one that has its name.

use super::documents::{self, DocumentMeta};
use super::files::StoredFile;
use super::jobs::{self, Lane};
use super::revisions::{self, NewRevision};
use super::{StorageError, Tx};
use crate::domain::document::Audience;
use crate::domain::ids::{DocumentId, RevisionId, ShopId};
use crate::domain::job::JobKind;
use crate::domain::order::Platform;

/// What staff say about a file; what they do not say stays as it was.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The product. Empty means none.
    pub sku: Option<String>,
    /// Who may be told.
    pub audience: Option<Audience>,
    /// The platforms whose rules it tells. Empty means all.
    pub platforms: Option<Vec<Platform>>,
    /// True from this moment.
    pub effective_from_ms: Option<i64>,
    /// No longer true from this moment.
    pub effective_until_ms: Option<i64>,
    /// The document that gets a new revision; `None` finds it by the file's name, or makes one.
    pub target: Option<DocumentId>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The same bytes are there already, or are being read.
    Unchanged(DocumentId, RevisionId),
    /// A job will read it.
    Queued(DocumentId, RevisionId),
    /// The document that was to get it is not there.
    NoTarget,
}

impl Registered {
    /// The revision that a job will read.
    pub fn queued(self) -> Option<RevisionId> {
        match self {
            Self::Queued(_, revision) => Some(revision),
            Self::Unchanged(..) | Self::NoTarget => None,
        }
    }
}

impl Said {
    fn is_nothing(&self) -> bool {
        let dates = self.effective_from_ms.or(self.effective_until_ms);
        self.sku.is_none() && self.audience.is_none() && self.platforms.is_none() && dates.is_none()
    }

    fn over(&self, old: DocumentMeta) -> DocumentMeta {
        DocumentMeta {
            name: old.name,
            sku: self.sku.clone().map_or(old.sku, |sku| Some(sku).filter(|sku| !sku.is_empty())),
            audience: self.audience.unwrap_or(old.audience),
            platforms: self.platforms.clone().unwrap_or(old.platforms),
            effective_from_ms: self.effective_from_ms.or(old.effective_from_ms),
            effective_until_ms: self.effective_until_ms.or(old.effective_until_ms),
        }
    }
}

/// Takes one file whose bytes are on the disk, and queues the job that reads it.
pub async fn register(
    tx: &mut Tx,
    shop: ShopId,
    name: &str,
    said: &Said,
    file: &StoredFile,
) -> Result<Registered, StorageError> {
    if let Some(same) = revisions::find_unchanged(tx, shop, (said.target, name), &file.sha256).await? {
        return Ok(Registered::Unchanged(same.document, same.id));
    }
    let document = find_or_create(tx, shop, name, said).await?;
    let new = NewRevision { file_name: name, sha256: &file.sha256, size_bytes: file.size_bytes, format: None };
    let Some(revision) = revisions::create(tx, shop, document, &new).await? else { return Ok(Registered::NoTarget) };
    let now_ms = tx.now_ms();
    jobs::enqueue(tx, shop, JobKind::IngestRevision { revision }, Lane::Bulk, now_ms).await?;
    Ok(Registered::Queued(document, revision))
}

async fn find_or_create(tx: &mut Tx, shop: ShopId, name: &str, said: &Said) -> Result<DocumentId, StorageError> {
    if let Some(target) = said.target {
        return Ok(target);
    }
    if let Some(old) = documents::find_by_name(tx, shop, name).await? {
        if !said.is_nothing() {
            documents::set_meta(tx, shop, old.id, &said.over(old.meta)).await?;
        }
        return Ok(old.id);
    }
    let fresh = DocumentMeta {
        name: name.to_owned(),
        sku: None,
        audience: Audience::Buyers,
        platforms: vec![],
        effective_from_ms: None,
        effective_until_ms: None,
    };
    documents::create(tx, shop, &said.over(fresh)).await
}
