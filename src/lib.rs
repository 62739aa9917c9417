//! kefu: a self-hosted customer-service assistant that knows a shop's manuals and says how sure it is.
//!
//! Two sentences carry the design: *SQL is the truth, the vector index a projection that can be rebuilt.* *Every slow
//! thing is a row; every decision is a pure function whose inputs were stored.*
//!
//! # The map, in reading order
//!
//! | module | what lives there |
//! |---|---|
//! | [`domain`] | nouns and rules without I/O; [`domain::decision::decide`] is the heart |
//! | [`clock`], [`events`], [`lifecycle`], [`telemetry`] | time, ids, the bus that pages listen to, starting and stopping |
//! | [`storage`] | SQL, on SQLite and Postgres with the same statements; uploaded files |
//! | [`vectors`] | the contract of the index, and its engines: in process, on a Qdrant server, in memory |
//! | [`inference`] | the contracts of the models, and their engines on candle; weights and where they come from |
//! | [`ingest`] | the first journey: a document becomes answerable |
//! | [`retrieve`], [`prompts`], [`answer`] | the second journey: a buyer's message becomes a draft with evidence |
//! | [`learn`] | what people make of the answers: calibration, replay |
//! | [`jobs`] | the runner: who does the slow work, and what happens when it fails |
//! | [`http`] | the four rooms and their API; it stores, enqueues and reads, and never thinks |
//! | [`config`], [`app`], [`cli`] | settings, the composition root, the commands |
//!
//! Who may import whom is a table in `tests/architecture.rs`, and a test.
//!
//! # Threads
//!
//! The async runtime serves HTTP and runs the workers. Each model has one engine thread of its own, see
//! [`inference::engine`]. Files are read by child processes, see [`ingest::parse`].
//!
//! # Invariants
//!
//! What is promised whatever breaks, I1 to I8, and where each promise is kept: [`invariants`].

pub mod answer;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod events;
pub mod http;
pub mod inference;
pub mod ingest;
pub mod invariants;
pub mod jobs;
pub mod learn;
pub mod lifecycle;
pub mod prompts;
pub mod retrieve;
pub mod storage;
pub mod telemetry;
pub mod vectors;
