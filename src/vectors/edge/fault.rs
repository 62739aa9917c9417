//! What can go wrong in the embedded engine, in our words.
//!
//! It panics where others return an error (`flush` expects, an append unwraps), so every call goes through
//! [`contain`]: a broken shard is one shop's trouble, not the end of the process.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use qdrant_edge::OperationResult;

use crate::vectors::VectorError;

/// Calls the engine. After an error the shard's state in memory is unknown: drop it and open it again.
pub(super) fn contain<T>(call: impl FnOnce() -> OperationResult<T>) -> Result<T, VectorError> {
    // Unwind safety: callers drop the engine on any error, so that nobody sees what the panic left half-done.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(broken(&error)),
        Err(panic) => Err(broken(&panic_text(panic.as_ref()))),
    }
}

/// A full disk is no damage, and rebuilding would make it worse. The engine hands down no error kinds, only text.
fn broken(reason: &dyn fmt::Display) -> VectorError {
    let reason = reason.to_string();
    let is_full = ["No space left", "StorageFull", "QuotaExceeded"].iter().any(|sign| reason.contains(sign));
    if is_full { VectorError::Full { reason } } else { VectorError::Damaged { reason } }
}

/// An error of our own file work around the engine.
pub(super) fn io(path: &Path, error: &io::Error) -> VectorError {
    let reason = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => VectorError::Full { reason },
        _ => VectorError::Unreachable { reason },
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the engine panicked without a text").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_damage_and_a_full_disk_is_not() {
        // As the engine does it: it expects its flush to succeed.
        let flush = |error: io::Error| -> OperationResult<()> { panic!("segments flushed: {error:?}") };
        assert!(matches!(
            contain(|| flush(io::Error::other("torn page"))),
            Err(VectorError::Damaged { reason }) if reason.contains("torn page")
        ));
        assert!(matches!(contain(|| flush(io::Error::from_raw_os_error(28))), Err(VectorError::Full { .. })));
    }
}
