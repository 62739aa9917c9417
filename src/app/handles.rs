//! Open files: every connection is one, and a process may have only so many.

use tracing::warn;

/// What the rest needs: the database, the index, models, logs, children that read files.
const FOR_THE_REST: u64 = 256;

/// Raises our limit as far as the system lets us, and says how many of `wanted` connections it is good for: running
/// out in the middle of a write is worse than letting a client wait.
pub fn room_for(wanted: usize) -> usize {
    let asked = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(FOR_THE_REST);
    let Some(limit) = raised(asked) else { return wanted };
    if limit >= asked {
        return wanted;
    }
    // Half of a very small limit is left for the rest.
    let room = limit.saturating_sub(FOR_THE_REST).max(limit / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    warn!(
        server.max_connections = wanted,
        open_files = limit,
        connections = room,
        "the system allows fewer open files than `server.max_connections` needs: raise `ulimit -n`"
    );
    room
}

/// The limit of open files in force, raised to `asked` where that is allowed; `None` if there is none.
#[cfg(unix)]
fn raised(asked: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limits = getrlimit(Resource::Nofile);
    let now = limits.current?;
    if now >= asked {
        return Some(now);
    }
    let most = limits.maximum.map_or(asked, |maximum| maximum.min(asked));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limits.maximum });
    Some(if raised.is_ok() { most } else { now })
}

#[cfg(not(unix))]
fn raised(_asked: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_allows_is_never_exceeded() {
        assert_eq!(room_for(16), 16);
        assert!(room_for(usize::MAX) >= 16, "however little is allowed, some can connect");
    }
}
