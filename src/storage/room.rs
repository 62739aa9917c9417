//! Room on the disk. Uploads and indexing stop while there is still enough of it for what people write: a message is a
//! few hundred bytes, a manual may be fifty million.
//!
//! # Why
//!
//! The index maps its files into memory; a disk that fills up under such a file ends the process. So the large writers
//! are stopped early, by looking, and go on by themselves when there is room again: a quarter more than they stopped
//! at, so that they do not start and stop with every deleted file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Says how many bytes are free where a path lies.
type Probe = dyn Fn(&Path) -> io::Result<u64> + Send + Sync;

/// Looks at the disk that a directory lies on. Cloning gives another handle to the same look-out.
#[derive(Clone)]
pub struct Room {
    root: PathBuf,
    min_free_bytes: u64,
    is_short: Arc<AtomicBool>,
    probe: Arc<Probe>,
}

impl Room {
    /// Of the disk below `root`; 0 means that there is always room.
    pub fn new(root: &Path, min_free_bytes: u64) -> Self {
        Self::probed(root, min_free_bytes, free_bytes)
    }

    /// The same by another measure: tests fill no disks.
    pub fn probed(
        root: &Path,
        min_free_bytes: u64,
        probe: impl Fn(&Path) -> io::Result<u64> + Send + Sync + 'static,
    ) -> Self {
        let is_short = Arc::new(AtomicBool::new(false));
        Self { root: root.to_owned(), min_free_bytes, is_short, probe: Arc::new(probe) }
    }

    /// Whether large things may be written now. A disk that cannot be asked is taken to have room: writing to it will
    /// tell.
    pub fn is_enough(&self) -> bool {
        if self.min_free_bytes == 0 {
            return true;
        }
        let Ok(free) = (self.probe)(&self.root) else { return true };
        let was_short = self.is_short.load(Ordering::Relaxed);
        let wanted =
            if was_short { self.min_free_bytes.saturating_add(self.min_free_bytes / 4) } else { self.min_free_bytes };
        let is_short = free < wanted;
        if is_short != was_short {
            self.is_short.store(is_short, Ordering::Relaxed);
            tracing::warn!(free_bytes = free, is_short, "room in the data directory");
        }
        !is_short
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("root", &self.root).field("min_free_bytes", &self.min_free_bytes).finish()
    }
}

fn free_bytes(root: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(root)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn it_closes_at_the_limit_and_opens_a_quarter_above_it() {
        let free = Arc::new(AtomicU64::new(1_000));
        let seen = free.clone();
        let room = Room::probed(Path::new("/"), 100, move |_| Ok(seen.load(Ordering::Relaxed)));
        let is_enough = |bytes: u64| {
            free.store(bytes, Ordering::Relaxed);
            room.is_enough()
        };
        assert!(is_enough(100));
        assert!(!is_enough(99));
        assert!(!is_enough(124), "it does not flutter");
        assert!(is_enough(125));
        assert!(is_enough(100));
        assert!(Room::new(Path::new("/"), 0).is_enough());
        assert!(!Room::new(Path::new("/"), u64::MAX).is_enough(), "no disk is that large");
    }
}
