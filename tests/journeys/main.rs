//! Journeys through the real router, over SQLite in a directory that is thrown away.

#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod a_promise_at_work;
mod accounts_and_sessions;
mod answering_a_buyer;
mod documents_arrive;
mod live_streams;
mod ops_and_widgets;
mod routes_and_roles;
mod support;
mod the_dial;
mod the_server;
mod two_shops;
