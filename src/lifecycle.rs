//! Starting and stopping: the only place that spawns tasks, and therefore the one that knows what to wait for.
//!
//! Two tokens. *Soft*: stop listening, stop claiming jobs, finish what has begun. *Hard*: drop everything; it comes
//! when the deadline has passed or at a second signal. Stopping hard is safe, since every slow thing is a row.

mod lock;

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

pub use lock::take_lock;

/// Turns get this long to finish after a request to stop.
const GRACE: Duration = Duration::from_secs(25);

/// A handle to the life of the process. Cloning gives another handle to the same life.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    failed: CancellationToken,
}

impl Lifecycle {
    /// Cancelled when new work must not begin any more.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Cancelled when work must be dropped.
    pub fn hard(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Runs `task` until it ends or everything is dropped. A panic in it stops the process softly, with a failing
    /// exit code: a server that lost a part of itself must not go on as if nothing had happened.
    #[expect(clippy::disallowed_methods, reason = "this is where tasks are spawned")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let (soft, hard, failed) = (self.soft.clone(), self.hard.clone(), self.failed.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                outcome = tokio::spawn(task) => {
                    if let Err(death) = outcome {
                        error!(task = name, %death, "a task died");
                        failed.cancel();
                        soft.cancel();
                    }
                }
                () = hard.cancelled() => {}
            }
        });
    }

    /// Asks everything to finish.
    pub fn stop(&self) {
        self.soft.cancel();
    }

    /// Waits for a request to stop, then for the tasks, at most [`GRACE`] long. True if nothing had failed.
    pub async fn wait(&self) -> bool {
        self.soft.cancelled().await;
        self.tasks.close();
        let finished = tokio::time::timeout(GRACE, async {
            tokio::select! {
                () = self.tasks.wait() => {}
                () = self.hard.cancelled() => {}
            }
        });
        if finished.await.is_err() {
            warn!(grace_s = GRACE.as_secs(), "tasks did not finish in time and are dropped");
        }
        self.hard.cancel();
        self.tasks.wait().await;
        !self.failed.is_cancelled()
    }

    /// Stops softly at the first signal of the terminal or the service manager, hard at the second.
    #[expect(clippy::disallowed_methods, reason = "this is where tasks are spawned")]
    pub fn listen_for_signals(&self) {
        let life = self.clone();
        // Untracked: nobody waits for the one that waits for signals.
        tokio::spawn(async move {
            signal().await;
            info!("stopping; once more to stop at once");
            life.soft.cancel();
            signal().await;
            life.hard.cancel();
        });
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
