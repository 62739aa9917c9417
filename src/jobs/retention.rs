//! What is over is taken away, once an hour. No row says when that is due: a round that finds nothing costs nothing, and
//! one that was missed is made up for by the next.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Runner;
use crate::storage::retention;

/// How often it is looked for what is over.
const ROUND: Duration = Duration::from_secs(60 * 60);
/// A start has more urgent things to do.
const FIRST: Duration = Duration::from_secs(60);

impl Runner {
    /// Takes away what is over, until the life ends.
    pub(super) async fn keep_house(&self, soft: &CancellationToken) {
        let mut pause = FIRST;
        loop {
            tokio::select! {
                () = self.clock.sleep(pause) => {}
                () = soft.cancelled() => return,
            }
            pause = ROUND;
            // Dropped between two of its transactions, or in one, which then never happened.
            tokio::select! {
                swept = retention::sweep(&self.db, &self.options.keep) => match swept {
                    Ok(gone) if gone.is_empty() => {}
                    Ok(gone) => info!(?gone, "what was over was taken away"),
                    Err(error) => warn!(%error, "what is over could not be taken away; it is tried again"),
                },
                () = soft.cancelled() => return,
            }
        }
    }
}
