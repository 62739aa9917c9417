//! The accept loop. Ours, since axum's has no limits: a client that sends its headers one byte a minute would hold a
//! connection for ever, and a thousand of them the server. See [`patience`](crate::http::patience) for what is asked of
//! a client.
//!
//! # Why
//!
//! HTTP/1.1 alone. Browsers speak HTTP/2 only over TLS, which the proxy in front of us ends; and telling the two apart
//! means to wait for a first line that may never come, without a limit that hyper could be asked for.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::http::extract::Peer;
use crate::http::patience::{PATIENCE, PacedBody, PatientStream};
use crate::lifecycle::Lifecycle;

/// What is kept for a client's request before its headers are complete: they have no use for more.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Waits after an accept that failed for want of file handles; without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `life` ends softly; connections then finish the request they are in. At most
/// `max_connections` at once; more wait in the kernel's queue.
pub async fn serve(listener: TcpListener, router: Router, max_connections: usize, life: Lifecycle) {
    let room = Arc::new(Semaphore::new(max_connections));
    let soft = life.soft();
    loop {
        let accepted = tokio::select! {
            () = soft.cancelled() => return,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((stream, seat)) => life.spawn("connection", connection(stream, seat, router.clone(), life.clone())),
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A seat first, a connection second: what cannot be served is not accepted.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let seat = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    let (stream, _) = listener.accept().await?;
    Ok((stream, seat))
}

async fn connection(stream: TcpStream, seat: OwnedSemaphorePermit, router: Router, life: Lifecycle) {
    let _seat = seat;
    let Ok(peer) = stream.peer_addr().map(Peer) else { return };
    // Live streams are small writes that must not wait for each other.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request.map(|body| axum::body::Body::new(PacedBody::new(body))))
    });
    let mut builder = http1::Builder::new();
    // The time for the headers runs while a connection is idle, too: browsers open the next one when they need it.
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(MAX_HEAD_BYTES);
    let serving = builder.serve_connection(TokioIo::new(PatientStream::new(stream)), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = life.soft().cancelled_owned() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}
