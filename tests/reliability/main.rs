//! Faults and what survives them: the real process is killed, its files are harmed, its clients are slow or too many.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod support;
