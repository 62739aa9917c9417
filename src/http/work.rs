//! Work that would keep an async thread busy: hashing passwords, deciding a year of turns again.

use tokio::sync::Semaphore;

use crate::http::error::{ApiError, ApiResult, Code};

/// Pieces of work at once. A hash takes 19 MiB and a core for a while: a crowd at the door must not starve the answers.
static ROOM: Semaphore = Semaphore::const_new(2);

/// Callers that may wait for a place; more are turned away at once.
static QUEUE: Semaphore = Semaphore::const_new(32);

/// Runs `work` on a thread that may block. Too many at once are told to try again.
pub async fn off_the_async_threads<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> ApiResult<T> {
    let _waiting = QUEUE.try_acquire().map_err(|_| Code::TryAgain)?;
    let _seat = ROOM.acquire().await.map_err(ApiError::bug)?;
    tokio::task::spawn_blocking(work).await.map_err(ApiError::bug)
}
