//! Taking a lock file that one process may hold.
//!
//! A process that was killed may seem to hold its locks a moment longer: a child that it was about to start has
//! inherited them until it becomes another program. Whoever restarts a killed server at once must not be told that it
//! still runs, so a lock that is held is asked for again for a while.

use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

/// So long is waited for a lock. A child becomes another program in milliseconds, on a starved machine in tenths.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// Takes the lock for as long as `file` lives; `WouldBlock` after two seconds in which somebody else had it. Blocks.
#[expect(clippy::disallowed_methods, reason = "what another process does has no clock of ours")]
pub fn take_lock(file: &File) -> Result<(), TryLockError> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_let_go_meanwhile_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            || File::options().create(true).truncate(false).write(true).open(folder.path().join("lock")).unwrap();
        let (first, second) = (open(), open());
        take_lock(&first).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| take_lock(&second));
            first.unlock().unwrap();
            waiting.join().unwrap().unwrap();
        });
        assert!(matches!(first.try_lock(), Err(TryLockError::WouldBlock)));
    }
}
