//! What kefu promises whatever breaks, and where each promise is kept. There is no code here: this is the list that
//! every fault test asserts (`tests/reliability`), and that every backup is checked against ([`crate::storage::check`]).
//!
//! | | promise | kept by |
//! |---|---|---|
//! | **I1** | A message that was acknowledged is never lost, is shown once, and keeps its order: 1, 2, 3 … within its conversation. A question always has somebody, a job or a person, who will answer. | The message, its turn and its job are one transaction, on the disk before the answer leaves ([`crate::storage::turns::ask`]); the same `client_key` is the same message; streams tell what stands in SQL after the last number they told. |
//! | **I2** | A draft leads to at most one reply. Accept, edit, own words and auto-send exclude each other. | A compare-and-set on the turn's version, and a unique index on replies ([`crate::storage::turns::reply`]). |
//! | **I3** | Any error, timeout or doubt gives a draft or a person, never an auto-send. | [`crate::domain::decision::decide`] sends only what has no reason against it; whatever fails before is a reason ([`crate::jobs`]). |
//! | **I4** | A revision is searchable whole or not at all; the old one answers until the new one is complete. An upload ends indexed, or failed with a reason. | The switch is one transaction ([`crate::storage::indexing::activate_revision`]); hits of what is not active are dropped. |
//! | **I5** | The index is a function of SQL. | It is compared at the start and rebuilt when it differs or breaks; a shop is not searched before ([`crate::app::index`]). |
//! | **I6** | Overload is answered at once, with 503 or 429 and `Retry-After`, and memory stays bounded. | Every queue has an end: connections, requests at once, turns that wait ([`crate::http`], [`crate::jobs::RunnerOptions`]). |
//! | **I7** | No fault crosses shops. | Every query names its shop; each shop has a shard of its own ([`crate::vectors::edge`]). |
//! | **I8** | The audit log has no gaps and is written in the transaction of the act. | [`crate::storage::audit`]. |
//!
//! # What is not promised
//!
//! A disk that lies about `fsync` loses what it lied about. A file of a model that is cut short in place while it is
//! mapped ends the process; replace it by a rename.
