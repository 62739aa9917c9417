//! Whose fault an error is, and therefore what happens next.

/// The one question every error of ours answers.
///
/// | fault | HTTP | job |
/// |---|---|---|
/// | `Caller` | 4xx | fail |
/// | `Content` | 422 | fail, show the hint |
/// | `Transient` | 503 + Retry-After | retry, back off |
/// | `Overloaded` | 503 + Retry-After | retry soon |
/// | `Bug` | 500, opaque | fail |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is wrong.
    Caller,
    /// This document or message cannot be processed.
    Content,
    /// The same request may succeed later.
    Transient,
    /// We refuse because of a limit of our own.
    Overloaded,
    /// An invariant of ours broke.
    Bug,
}
