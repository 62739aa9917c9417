//! The outermost layer: what every answer gets, whatever became of the request.
//!
//! A request id, a problem document where something failed (also where a handler panicked: one broken request must not
//! end the process), and the headers that keep a browser from guessing.

use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, debug, debug_span};

use crate::clock::new_uuid;
use crate::http::error::{ApiError, Code};
use crate::http::extract::Locale;
use crate::http::state::AppState;

/// What an answer that is no page may do in a browser: nothing.
const INERT: &str = "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox";

/// A handler panicked; the panic itself is in the log already.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked")]
struct Panicked;

/// Runs a request and completes its answer.
pub async fn complete(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let request_id = new_uuid(state.clock.as_ref()).simple().to_string();
    let locale = Locale::of(request.headers());
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let began_ms = state.now_ms();
    let span = debug_span!("http.request", request.id = %request_id, %method, path = path.as_deref());
    let answer = match seat(&state, path.as_deref()).await {
        Some(_seat) => AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await,
        None => Ok(ApiError::from(Code::TryAgain).into_response()),
    };
    let mut response = answer.unwrap_or_else(|_| ApiError::bug(Panicked).into_response());
    let _entered = span.enter();
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let mut rendered = error.render(&request_id, locale.0);
        for (name, value) in response.headers() {
            rendered.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response = rendered;
    }
    let id = HeaderValue::from_str(&request_id).expect("a UUID in hexadecimal is a header value");
    response.headers_mut().insert("x-request-id", id);
    harden(response.headers_mut(), state.settings.is_https());
    debug!(status = response.status().as_u16(), took_ms = state.now_ms() - began_ms, "answered");
    response
}

/// Held while the answer is made; a stream gives it back when it begins. None if all are taken: 503 at once. Whoever
/// watches the process is always answered: it is not dead when it is busy.
async fn seat(state: &AppState, path: Option<&str>) -> Option<Option<OwnedSemaphorePermit>> {
    match path {
        Some("/healthz" | "/readyz") => Some(None),
        Some(path) if path.ends_with("/events") => state.limits.openings.take_in_turn().await.map(Some),
        Some(_) | None => state.limits.seats.try_take().map(Some),
    }
}

fn harden(headers: &mut HeaderMap, is_https: bool) {
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "same-origin");
    default(header::CACHE_CONTROL, "no-store");
    default(header::CONTENT_SECURITY_POLICY, INERT);
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if is_https {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
}

/// No route has this path.
pub async fn not_found() -> ApiError {
    Code::NotFound.into()
}

/// The path is known, the verb is not.
pub async fn method_not_allowed() -> ApiError {
    Code::MethodNotAllowed.into()
}
