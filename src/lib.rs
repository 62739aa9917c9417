//! kefu: a self-hosted customer-service assistant that knows a shop's manuals and says how sure it is.
//!
//! Two sentences carry the design: *SQL is the truth, the vector index a projection that can be rebuilt.* *Every slow
//! thing is a row; every decision is a pure function whose inputs were stored.*

pub mod answer;
pub mod clock;
pub mod domain;
pub mod events;
pub mod http;
pub mod inference;
pub mod ingest;
pub mod jobs;
pub mod learn;
pub mod lifecycle;
pub mod prompts;
pub mod retrieve;
pub mod storage;
pub mod telemetry;
pub mod vectors;
