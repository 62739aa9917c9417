//! Journeys through the real router, over SQLite in a directory that is thrown away.

#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod a_promise_at_work;
mod accounts_and_sessions;
mod answering_a_buyer;
mod buyers_who_leave;
mod checked_at_night;
mod commitments;
mod documents_arrive;
mod drafts_elsewhere;
mod golden_answers;
mod inbox;
mod injection;
mod live_streams;
#[path = "../fuzzing/mutate.rs"]
mod mutate;
mod mutated_requests;
mod ops_and_widgets;
mod orders;
mod proof_after_proof;
mod requirements;
mod routes_and_roles;
mod security;
mod shop_day;
mod support;
mod the_dial;
mod the_rehearsal;
mod the_server;
mod two_shops;
