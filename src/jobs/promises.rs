//! Work that time brings: every shop's promises are looked at once a night, and after many new labels; the signs about
//! its proofs are read every hour; after a change, judged questions are asked again; buyers are not
//! forgotten (see [`commitments`](super::commitments)), and a shift that is over leaves word to the next.
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
use crate::learn::{nightly, probation, senses};
use crate::storage::{StorageError, jobs, shops};

/// How often it is looked for what is due.
const ROUND: Duration = Duration::from_secs(60);

impl Runner {
    /// Queues what is due, until the life ends.
    pub(super) async fn keep_schedule(&self, soft: &CancellationToken) {
        while !soft.is_cancelled() {
            if let Err(error) = self.take_back_expired().await {
                warn!(%error, "it could not be seen whose lease ran out; it is looked for again");
            }
            if let Err(error) = self.queue_what_is_due().await {
                warn!(%error, "it could not be seen what is due; it is looked for again");
            }
            tokio::select! {
                () = self.clock.sleep(ROUND) => {}
                () = soft.cancelled() => {}
            }
        }
    }

    /// Queues what is due now.
    pub async fn queue_what_is_due(&self) -> Result<(), StorageError> {
        for shop in shops::list(&self.db).await? {
            let shop = shop.id;
            if nightly::due(&self.db, shop).await?.is_some() {
                self.queue(shop, JobKind::CheckPromises { shop }).await?;
            }
            if !senses::due(&self.db, shop, &self.fingerprint).await?.is_empty() {
                self.queue(shop, JobKind::ReadSignals { shop }).await?;
            }
            if !probation::open(&self.db, shop, &self.fingerprint, 1).await?.is_empty() {
                self.queue(shop, JobKind::ReaskQuestions { shop }).await?;
            }
            if self.are_commitments_due(shop).await? {
                self.queue(shop, JobKind::MindCommitments { shop }).await?;
            }
            if self.is_hand_over_due(shop).await? {
                self.queue(shop, JobKind::HandOver { shop }).await?;
            }
        }
        Ok(())
    }

    async fn queue(&self, shop: ShopId, kind: JobKind) -> Result<(), StorageError> {
        let mut tx = self.db.begin().await?;
        let now_ms = tx.now_ms();
        jobs::enqueue(&mut tx, shop, kind, Lane::Bulk, now_ms).await?;
        tx.commit().await?;
        self.wake.notify_waiters();
        Ok(())
    }

    pub(super) async fn read_signals(&self, shop: ShopId) -> Result<(), JobError> {
        if senses::read(&self.db, shop, &self.fingerprint).await? {
            self.bus.publish(shop, Event::PolicyChanged);
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
