//! The HTTP side: it stores, enqueues and reads; it never thinks.
//!
//! Reading order: [`routes`] (a route cannot exist without its permission), [`guard`] and [`permission`] (who may do
//! what), [`error`] (every way to fail), then the rooms: [`accounts`], [`chat`] for buyers, [`console`] for agents,
//! [`knowledge`] for staff, [`ops`]. [`sse`] is how pages stay up to date, [`mod@serve`] how connections are accepted.
//!
//! # Why
//!
//! Nothing slow happens in a handler. What takes time is a row that a worker finds, so a request can be repeated, a
//! process can be killed, and the answer is still there.

mod accounts;
mod canned;
mod chat;
mod commitments;
mod companion;
mod console;
pub mod day;
pub mod error;
mod extract;
mod figures;
mod guard;
mod identity;
mod knowledge;
mod layers;
mod limits;
mod openapi;
mod ops;
mod origin;
mod pages;
pub mod password;
mod patience;
mod people;
pub mod permission;
mod records;
pub mod routes;
mod serve;
mod shifts;
mod sources;
mod sse;
pub mod state;
mod system;
mod tasks;
pub mod totp;
mod trail;
mod views;
mod work;

use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use tower_http::compression::CompressionLayer;

pub use serve::serve;

use crate::http::routes::Routes;
use crate::http::state::AppState;
use crate::http::system::ApiDescription;

/// Every route there is, each behind its permission.
pub fn all_routes(state: AppState) -> Routes {
    Routes::new(state)
        .with(system::routes)
        .with(accounts::routes)
        .with(chat::routes)
        .with(console::routes)
        .with(companion::routes)
        .with(canned::routes)
        .with(knowledge::routes)
        .with(ops::routes)
        .with(records::routes)
        .with(tasks::routes)
        .with(figures::routes)
        .with(commitments::routes)
        .with(shifts::routes)
        .with(pages::routes)
}

/// The whole HTTP side over `state`.
pub fn router(state: AppState) -> Router {
    let routes = all_routes(state.clone());
    let description = ApiDescription::from(&openapi::describe(routes.records()));
    // From the inside out: what is said last sees a request first.
    routes
        .into_router()
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(Extension(description))
        .layer(from_fn_with_state(state, layers::complete))
        .layer(CompressionLayer::new())
}
