//! An archive becomes a document for each file in it, and disappears itself.

use super::archive::{Archive, is_safe_name};
use super::parse::{ParseError, ParseLimits};
use super::sniff::sniff;
use super::{IngestError, Ingested, Ingestion};
use crate::domain::document::Format;
use crate::domain::ids::ShopId;
use crate::storage::revisions::{self, Revision};
use crate::storage::uploads::{self, Said};

/// A file of an archive: its name, and its bytes or why there are none.
type Member = (String, Result<Vec<u8>, ParseError>);

impl Ingestion {
    pub(super) async fn unpack(
        &self,
        shop: ShopId,
        archive: &Revision,
        bytes: Vec<u8>,
    ) -> Result<Ingested, IngestError> {
        let limits = self.limits.clone();
        let members = match tokio::task::spawn_blocking(move || members(&bytes, &limits)).await {
            Ok(Ok(members)) => members,
            Ok(Err(refusal)) => return self.refused(shop, archive.id, &refusal).await,
            Err(death) => {
                return self.refused(shop, archive.id, &ParseError::Crashed { detail: death.to_string() }).await;
            }
        };
        for (name, bytes) in members {
            self.take_member(shop, &name, bytes).await?;
        }
        Ok(Ingested::Unpacked { archive: archive.document })
    }

    /// Queues a file; one that was refused stands in the list with its reason, and its job will leave it alone.
    async fn take_member(
        &self,
        shop: ShopId,
        name: &str,
        bytes: Result<Vec<u8>, ParseError>,
    ) -> Result<(), IngestError> {
        let (bytes, refusal) = match bytes {
            Ok(bytes) => (bytes, None),
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        let stored = self.files.put(&bytes).await?;
        let mut tx = self.db.begin().await?;
        let registered = uploads::register(&mut tx, shop, name, &Said::default(), &stored).await?;
        if let (Some(refusal), Some(revision)) = (&refusal, registered.queued()) {
            revisions::fail_revision(&mut tx, shop, revision, (refusal.code(), &refusal.to_string())).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Unpacks, counting. **Blocking**.
fn members(bytes: &[u8], limits: &ParseLimits) -> Result<Vec<Member>, ParseError> {
    let mut archive = Archive::open(bytes, limits)?;
    let names = archive.names()?;
    if names.is_empty() {
        return Err(ParseError::Empty);
    }
    let mut read = |(idx, name): (usize, String)| {
        if !is_safe_name(&name) {
            return (name, Err(ParseError::UnsafeName));
        }
        let bytes = archive.read(idx).and_then(|bytes| match sniff(&name, &bytes, limits)? {
            Format::Zip => Err(ParseError::NestedArchive),
            _ => Ok(bytes),
        });
        (name, bytes)
    };
    Ok(names.into_iter().map(&mut read).collect())
}
