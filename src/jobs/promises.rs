//! Work that time brings: every shop's promises are looked at once a night, and after many new labels.
//!
//! What is due is read off the rows, so that it does not matter how long the server slept, and two who look queue one
//! job.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{JobError, Runner};
use crate::domain::ids::ShopId;
use crate::domain::job::{JobKind, Lane};
use crate::events::Event;
use crate::learn::nightly;
use crate::storage::{StorageError, jobs, shops};

/// How often it is looked for what is due.
const ROUND: Duration = Duration::from_secs(60);

impl Runner {
    /// Queues what is due, until the life ends.
    pub(super) async fn keep_schedule(&self, soft: &CancellationToken) {
        while !soft.is_cancelled() {
            if let Err(error) = self.queue_what_is_due().await {
                warn!(%error, "it could not be seen what is due; it is looked for again");
            }
            tokio::select! {
                () = self.clock.sleep(ROUND) => {}
                () = soft.cancelled() => {}
            }
        }
    }

    /// Queues the checks that are due now.
    pub async fn queue_what_is_due(&self) -> Result<(), StorageError> {
        for shop in shops::list(&self.db).await? {
            if nightly::due(&self.db, shop.id).await?.is_none() {
                continue;
            }
            let mut tx = self.db.begin().await?;
            let now_ms = tx.now_ms();
            jobs::enqueue(&mut tx, shop.id, JobKind::CheckPromises { shop: shop.id }, Lane::Bulk, now_ms).await?;
            tx.commit().await?;
            self.wake.notify_waiters();
        }
        Ok(())
    }

    pub(super) async fn check_promises(&self, shop: ShopId) -> Result<(), JobError> {
        if nightly::check(&self.db, shop, &self.fingerprint).await? {
            self.bus.publish(shop, Event::PolicyChanged);
        }
        Ok(())
    }
}
