//! The accept loop. Ours, since axum's has no limits: a client that sends its headers one byte a minute would hold a
//! connection for ever, and a thousand of them the server.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::http::extract::Peer;
use crate::lifecycle::Lifecycle;

/// A request's headers must be complete after this long.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections at once; more wait in the kernel's queue. Every open chat holds one, so it is generous.
const MAX_CONNECTIONS: usize = 4096;

/// Waits after an accept that failed for want of file handles; without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `life` ends softly; connections then finish the request they are in.
pub async fn serve(listener: TcpListener, router: Router, life: Lifecycle) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
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
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let serving = builder.serve_connection(TokioIo::new(stream), service);
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
