//! The time, new ids and random numbers: the one place that asks the machine for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::{Rng, RngCore};
use uuid::Uuid;

/// Tells the time and waits. Held as `Arc<dyn Clock>`; tests hold a [`ManualClock`].
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> i64;

    /// Returns after `duration`; how long that is, is the clock's business.
    async fn sleep(&self, duration: Duration);
}

/// A clock that everybody shares.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that stands still until it is told otherwise. Sleeping on it passes the time at once.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicI64,
}

impl ManualClock {
    /// Stands at `now_ms`.
    pub fn at(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms) }
    }

    /// Moves on, or back.
    pub fn advance(&self, by_ms: i64) {
        self.now_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
        tokio::task::yield_now().await;
    }
}

/// Makes uniform random numbers in 0..1; tests hold one that they know.
pub type SharedDraw = Arc<dyn Fn() -> f64 + Send + Sync>;

/// The machine's.
pub fn machine_draw() -> SharedDraw {
    Arc::new(|| rand::rngs::ThreadRng::default().random::<f64>())
}

/// A new version 7 UUID at the clock's time: ids made later sort later, to the millisecond.
pub fn new_uuid(clock: &dyn Clock) -> Uuid {
    let mut random = [0u8; 10];
    secure_random(&mut random);
    let millis = u64::try_from(clock.now_ms()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Fills `bytes` from the operating system's generator: for tokens and salts.
pub fn secure_random(bytes: &mut [u8]) {
    rand::rngs::ThreadRng::default().fill_bytes(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_later() {
        let clock = ManualClock::at(1_700_000_000_000);
        let first = new_uuid(&clock);
        clock.advance(1);
        assert!(first < new_uuid(&clock));
    }
}
