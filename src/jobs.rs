//! The runner: claims jobs, holds their leases, settles them.
//!
//! A job may run twice: after a crash, or when a lease was lost. Each handler reads the current state first, returns
//! early if the work is done or its row is gone, and writes the final state last. Whose fault an error is decides
//! whether it is tried again; what gives up says so where people look: a document shows why, a turn goes to a person.

mod answer_turn;
mod commitments;
mod documents;
mod hand_over;
mod promises;
mod reask;
mod rehearse;
mod retention;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{Instrument, error, info_span, warn};

use crate::answer::{AnswerError, Answering};
use crate::clock::{SharedClock, SharedDraw};
use crate::domain::certificate::Fingerprint;
use crate::domain::fault::Fault;
use crate::domain::ids::ShopId;
use crate::domain::job::{JobKind, Lane};
use crate::events::Bus;
use crate::ingest::{IngestError, Ingestion};
use crate::lifecycle::Lifecycle;
use crate::storage::jobs::{self, ClaimedJob, Settled};
use crate::storage::retention::Retention;
use crate::storage::{Db, StorageError};

/// A lease lasts this long and is renewed three times as often: a worker that is alive never loses it.
const LEASE: Duration = Duration::from_secs(60);
/// An idle worker looks for itself this often: work of other processes, and work that is due later.
const IDLE: Duration = Duration::from_secs(1);
/// The first pause before another try; it doubles with every attempt.
const RETRY: Duration = Duration::from_secs(2);
/// The longest pause before another try.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// A job that found no room on the disk looks again after this long.
const NO_ROOM_PAUSE: Duration = Duration::from_secs(10);
/// How often it is tried, a second apart, to write down how a job ended: on a full disk that may fail.
const SETTLE_TRIES: usize = 10;
/// The name of this process in the leases it holds. One process owns a data directory, so one name will do.
const WORKER: &str = "kefu";

/// How the runner behaves.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// Buyers' questions that may wait; beyond that the oldest go to a person at once.
    pub max_waiting_turns: usize,
    /// A turn that takes longer goes to a person.
    pub answer_timeout: Duration,
    /// How long what is over is kept.
    pub keep: Retention,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self { max_waiting_turns: 64, answer_timeout: Duration::from_secs(180), keep: Retention::default() }
    }
}

/// Runs the jobs of all shops.
pub struct Runner {
    pub db: Db,
    pub bus: Bus,
    pub clock: SharedClock,
    /// Rung when a job was queued in this process.
    pub wake: Arc<Notify>,
    pub ingestion: Arc<Ingestion>,
    pub answering: Arc<Answering>,
    /// What makes the answers: a proof holds for nothing else.
    pub fingerprint: Arc<Fingerprint>,
    /// Decides which of the sent answers are audited.
    pub draw: SharedDraw,
    pub options: RunnerOptions,
}

/// Why a job did not succeed.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl JobError {
    fn fault(&self) -> Fault {
        match self {
            Self::Storage(error) => error.fault(),
            Self::Ingest(error) => error.fault(),
            Self::Answer(error) => error.fault(),
        }
    }

    fn is_want_of_room(&self) -> bool {
        match self {
            Self::Storage(error) => matches!(error, StorageError::Full { .. }),
            Self::Ingest(error) => error.is_want_of_room(),
            Self::Answer(_) => false,
        }
    }
}

impl Runner {
    /// Takes back what a former process of this data directory had begun.
    pub async fn recover(&self) -> Result<(), StorageError> {
        let mut tx = self.db.begin().await?;
        jobs::expire_leases_of(&mut tx, WORKER).await?;
        tx.commit().await?;
        self.take_back_expired().await
    }

    /// Takes back what nobody holds any more: its process is gone, or could not write down how it ended.
    async fn take_back_expired(&self) -> Result<(), StorageError> {
        let mut tx = self.db.begin().await?;
        let dead = jobs::requeue_expired(&mut tx).await?;
        tx.commit().await?;
        for job in dead {
            self.give_up(job.shop, job.kind, "its worker died").await;
        }
        Ok(())
    }

    /// Starts the workers of both lanes, and what queues the work that time brings. They claim until the life ends
    /// softly, and finish what they have begun.
    pub fn start(self: &Arc<Self>, life: &Lifecycle, n_interactive: usize, n_bulk: usize) {
        for (lane, n_workers) in [(Lane::Interactive, n_interactive), (Lane::Bulk, n_bulk)] {
            for _ in 0..n_workers {
                let (runner, soft) = (self.clone(), life.soft());
                life.spawn("worker", async move {
                    while !soft.is_cancelled() {
                        let rung = runner.wake.notified();
                        if runner.work_once(lane).await {
                            continue;
                        }
                        tokio::select! {
                            () = rung => {}
                            () = runner.clock.sleep(IDLE) => {}
                            () = soft.cancelled() => {}
                        }
                    }
                });
            }
        }
        let (runner, soft) = (self.clone(), life.soft());
        life.spawn("schedule", async move { runner.keep_schedule(&soft).await });
        let (runner, soft) = (self.clone(), life.soft());
        life.spawn("retention", async move { runner.keep_house(&soft).await });
    }

    /// Runs all jobs that are due, one after the other, until none is: for tests and for commands.
    pub async fn drain(&self) {
        while self.work_once(Lane::Interactive).await || self.work_once(Lane::Bulk).await {}
    }

    /// Runs one job of the lane, if one is due.
    async fn work_once(&self, lane: Lane) -> bool {
        let lease_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        match jobs::claim(&self.db, lane, WORKER, lease_ms).await {
            Ok(Some(job)) => {
                let span = info_span!("job", kind = job.kind.name(), id = %job.id, attempt = job.attempt);
                self.run(job, lease_ms).instrument(span).await;
                true
            }
            Ok(None) => false,
            Err(error) => {
                warn!(%error, "no job could be claimed");
                false
            }
        }
    }

    async fn run(&self, job: ClaimedJob, lease_ms: i64) {
        // Beside the work, not between its steps: the work may hold the very writer that a renewal waits for.
        let renewing = async {
            loop {
                tokio::time::sleep(LEASE / 3).await;
                if !jobs::renew(&self.db, &job, lease_ms).await.unwrap_or(true) {
                    return;
                }
            }
        };
        let outcome = tokio::select! {
            outcome = self.perform(&job) => outcome,
            () = renewing => {
                warn!("the lease was lost; another worker does the work");
                return;
            }
        };
        for _ in 0..SETTLE_TRIES {
            let Err(error) = self.settle(&job, &outcome).await else { return };
            error!(%error, "a job could not be settled");
            self.clock.sleep(IDLE).await;
        }
        // The lease runs out, and the job is done again, which is safe.
    }

    async fn perform(&self, job: &ClaimedJob) -> Result<(), JobError> {
        match job.kind {
            JobKind::AnswerTurn { turn } => self.answer_turn(job.shop, turn).await,
            JobKind::IngestRevision { revision } => self.ingest_revision(job.shop, revision).await,
            JobKind::RemoveRevision { revision } => self.remove_revision(job.shop, revision).await,
            JobKind::RefreshDocument { document } => Ok(self.ingestion.refresh_document(job.shop, document).await?),
            JobKind::EmbedGolden { .. } => Ok(self.answering.embed_golden(job.shop).await.map(|_| ())?),
            JobKind::CheckPromises { .. } => self.check_promises(job.shop).await,
            JobKind::ReadSignals { .. } => self.read_signals(job.shop).await,
            JobKind::ReaskQuestions { .. } => self.reask(job.shop).await,
            JobKind::MindCommitments { .. } => self.mind_commitments(job.shop).await,
            JobKind::HandOver { .. } => self.hand_over(job.shop).await,
            JobKind::RemoveDocument { document } => self.remove_document(job.shop, document).await,
            JobKind::ReadRehearsal { rehearsal } => self.read_rehearsal(job.shop, rehearsal).await,
            JobKind::AnswerRehearsed { question } => self.answer_rehearsed(job.shop, question).await,
            JobKind::ImportRecords { import } => Ok(self.ingestion.import_records(job.shop, import).await?),
        }
    }

    async fn settle(&self, job: &ClaimedJob, outcome: &Result<(), JobError>) -> Result<(), StorageError> {
        let mut tx = self.db.begin().await?;
        let Err(problem) = outcome else {
            jobs::finish(&mut tx, job).await?;
            return tx.commit().await;
        };
        let reason = problem.to_string();
        if problem.is_want_of_room() {
            // Waits as long as it takes: a full disk is no reason to give a document up.
            let run_at_ms = tx.now_ms().saturating_add(i64::try_from(NO_ROOM_PAUSE.as_millis()).unwrap_or(i64::MAX));
            jobs::unclaim(&mut tx, job, run_at_ms).await?;
            warn!(error = %reason, "a job waits for room on the disk");
            return tx.commit().await;
        }
        let settled = match problem.fault() {
            Fault::Transient | Fault::Overloaded => {
                let pause = RETRY.saturating_mul(1 << job.attempt.min(16)).min(RETRY_MAX);
                let run_at_ms = tx.now_ms().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
                jobs::retry_later(&mut tx, job, run_at_ms, &reason).await?
            }
            Fault::Caller | Fault::Content | Fault::Bug => jobs::fail(&mut tx, job, &reason).await?,
        };
        tx.commit().await?;
        warn!(error = %reason, fault = ?problem.fault(), ?settled, "a job did not succeed");
        if settled == Settled::Dead {
            self.give_up(job.shop, job.kind, &reason).await;
        }
        Ok(())
    }

    /// Says where people look that a job will not be done.
    async fn give_up(&self, shop: ShopId, kind: JobKind, reason: &str) {
        let said = match kind {
            JobKind::AnswerTurn { turn } => self.hand_to_a_person(shop, turn).await,
            JobKind::IngestRevision { revision } => {
                self.ingestion.refuse(shop, revision, ("internal", reason)).await.map_err(JobError::from)
            }
            JobKind::ReadRehearsal { rehearsal } => self.give_up_rehearsal(shop, rehearsal).await,
            JobKind::AnswerRehearsed { question } => self.skip_rehearsed(shop, question).await.map_err(JobError::from),
            JobKind::ImportRecords { import } => {
                self.ingestion.refuse_import(shop, import, "internal").await.map_err(JobError::from)
            }
            JobKind::RemoveRevision { .. }
            | JobKind::RefreshDocument { .. }
            | JobKind::EmbedGolden { .. }
            // The schedule queues them again.
            | JobKind::CheckPromises { .. }
            | JobKind::ReadSignals { .. }
            | JobKind::ReaskQuestions { .. }
            | JobKind::MindCommitments { .. }
            | JobKind::HandOver { .. }
            | JobKind::RemoveDocument { .. } => Ok(()),
        };
        if let Err(error) = said {
            error!(%error, kind = kind.name(), "a job was given up and nobody could be told");
        }
    }
}
