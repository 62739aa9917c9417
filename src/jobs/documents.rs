//! Jobs on documents: read them in, take them out.

use crate::domain::ids::{DocumentId, RevisionId, ShopId};
use crate::domain::job::{JobKind, Lane};
use crate::ingest::Ingested;
use crate::storage::{chunks, documents, jobs};

use super::{JobError, Runner};

impl Runner {
    pub(super) async fn ingest_revision(&self, shop: ShopId, revision: RevisionId) -> Result<(), JobError> {
        let follow_up = match self.ingestion.ingest(shop, revision).await? {
            Ingested::Active { replaced: Some(replaced) } => JobKind::RemoveRevision { revision: replaced },
            Ingested::Outdated => JobKind::RemoveRevision { revision },
            Ingested::Active { replaced: None } | Ingested::Refused => return Ok(()),
            Ingested::Unpacked { archive } => {
                let mut tx = self.db.begin().await?;
                documents::mark_removed(&mut tx, shop, archive).await?;
                tx.commit().await?;
                self.wake.notify_waiters();
                return Ok(());
            }
        };
        let mut tx = self.db.begin().await?;
        let now_ms = tx.now_ms();
        jobs::enqueue(&mut tx, shop, follow_up, Lane::Bulk, now_ms).await?;
        tx.commit().await?;
        self.wake.notify_waiters();
        Ok(())
    }

    /// The points first: a hit without a chunk is dropped, a chunk without a point would never be found again.
    pub(super) async fn remove_revision(&self, shop: ShopId, revision: RevisionId) -> Result<(), JobError> {
        self.ingestion.forget_points(shop, revision).await?;
        let mut tx = self.db.begin().await?;
        chunks::purge_revision(&mut tx, shop, revision).await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn remove_document(&self, shop: ShopId, document: DocumentId) -> Result<(), JobError> {
        for revision in crate::storage::revisions::of_document(&self.db, shop, document).await? {
            self.ingestion.forget_points(shop, revision.id).await?;
        }
        let mut tx = self.db.begin().await?;
        let unused = documents::purge(&mut tx, shop, document).await?;
        tx.commit().await?;
        self.ingestion.forget_files(&unused).await;
        Ok(())
    }
}
