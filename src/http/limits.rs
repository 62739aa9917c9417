//! How often is too often, and how many at once are too many: counts, in memory.
//!
//! Limits guard against guessing and flooding, not against a determined crowd; a restart forgets them, which is fine.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Keys that are remembered at most. Beyond it the stale ones are dropped, then everything: a flood of new keys must
/// not fill the memory.
const MAX_KEYS: usize = 50_000;

/// Requests that are worked on at once. Beyond that it is better to say no at once than to let everybody wait: whoever
/// waits gives up and asks again, and the work for the first request is done for nobody.
#[derive(Debug)]
pub struct Seats {
    free: Arc<Semaphore>,
}

impl Seats {
    /// So many.
    pub fn new(n_seats: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(n_seats)) }
    }

    /// A seat for as long as the result lives; `None` at once if all are taken.
    pub fn try_take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// A seat, in turn: for live streams. A page that was told no would not ask again, and there are no more of them
    /// waiting than there are connections.
    pub async fn take_in_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }
}

/// At most `limit` events in `window_ms`, per key.
#[derive(Debug)]
pub struct Limiter {
    limit: usize,
    window_ms: i64,
    seen: Mutex<HashMap<String, VecDeque<i64>>>,
}

impl Limiter {
    /// Lets `limit` events pass in `window_ms`.
    pub fn new(limit: usize, window_ms: i64) -> Self {
        Self { limit, window_ms, seen: Mutex::default() }
    }

    /// Seconds to wait if `key` has had its share; `None` if it may go on. Counts nothing.
    pub fn wait_s(&self, key: &str, now_ms: i64) -> Option<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let times = seen.get_mut(key)?;
        keep_between(times, now_ms - self.window_ms, now_ms);
        let oldest = *times.front()?;
        if times.len() < self.limit {
            return None;
        }
        let wait_ms = (oldest + self.window_ms - now_ms).max(1);
        Some(u64::try_from(wait_ms).unwrap_or(1).div_ceil(1000))
    }

    /// Counts one event.
    pub fn count(&self, key: &str, now_ms: i64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_KEYS && !seen.contains_key(key) {
            let since_ms = now_ms - self.window_ms;
            seen.retain(|_, times| times.back().is_some_and(|&last| last > since_ms));
            if seen.len() >= MAX_KEYS {
                seen.clear();
            }
        }
        let times = seen.entry(key.to_owned()).or_default();
        keep_between(times, now_ms - self.window_ms, now_ms);
        if times.len() < self.limit {
            times.push_back(now_ms);
        }
    }

    /// Counts one event unless `key` has had its share; then says how many seconds to wait.
    pub fn take(&self, key: &str, now_ms: i64) -> Result<(), u64> {
        match self.wait_s(key, now_ms) {
            Some(seconds) => Err(seconds),
            None => {
                self.count(key, now_ms);
                Ok(())
            }
        }
    }

    /// Forgets a key: it did what it was supposed to do.
    pub fn forget(&self, key: &str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// What happened too long ago is forgotten, and so is what has not happened yet: the clock was set back since, and
/// nobody is to wait until it is as late again.
fn keep_between(times: &mut VecDeque<i64>, since_ms: i64, now_ms: i64) {
    while times.front().is_some_and(|&time| time <= since_ms) {
        times.pop_front();
    }
    while times.back().is_some_and(|&time| time > now_ms) {
        times.pop_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_comes_back_when_the_window_has_passed() {
        let limiter = Limiter::new(2, 10_000);
        assert_eq!(limiter.take("a", 0), Ok(()));
        assert_eq!(limiter.take("a", 4_000), Ok(()));
        assert_eq!(limiter.take("a", 5_000), Err(5));
        assert_eq!(limiter.take("b", 5_000), Ok(()), "keys do not share");
        assert_eq!(limiter.take("a", 10_000), Ok(()));
        limiter.forget("a");
        assert_eq!(limiter.wait_s("a", 10_000), None);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let limiter = Limiter::new(1, 10_000);
        assert_eq!(limiter.take("a", 86_400_000), Ok(()));
        assert_eq!(limiter.take("a", 0), Ok(()));
        assert_eq!(limiter.take("a", 1_000), Err(9));
    }

    #[test]
    fn a_flood_of_keys_does_not_fill_the_memory() {
        let limiter = Limiter::new(1, 1_000);
        for key in 0..MAX_KEYS + 10 {
            limiter.count(&key.to_string(), 0);
        }
        assert!(limiter.seen.lock().unwrap().len() <= MAX_KEYS);
    }
}
