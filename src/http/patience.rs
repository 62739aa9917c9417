//! How long a client may take. Whoever sends nothing, half a header, a byte a second, or reads nothing of what it asked
//! for, is let go after [`PATIENCE`]; nobody else notices.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Long enough for a phone in a tunnel, short enough for ten thousand of them.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A body brings at least so much in every [`PATIENCE`], or its end: less than the slowest phone line.
const MIN_BYTES: usize = 4 * 1024;

/// A stream whose other end must read: a write that makes no headway fails.
#[derive(Debug)]
pub struct PatientStream<S> {
    inner: S,
    patience: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> PatientStream<S> {
    /// Around a connection.
    pub fn new(inner: S) -> Self {
        Self { inner, patience: PATIENCE, stalled: None }
    }

    /// Passes on what a write came to, unless it has waited for too long.
    fn in_time<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        self.stalled = None;
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PatientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.in_time(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// A body that must come at a pace.
#[derive(Debug)]
pub struct PacedBody<B> {
    inner: B,
    patience: Duration,
    /// Since when bytes are counted; begins when the body is first waited for.
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    ends: Pin<Box<Sleep>>,
    n_bytes: usize,
}

/// It came too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
struct TooSlow;

impl<B> PacedBody<B> {
    /// Around a body.
    pub fn new(inner: B) -> Self {
        Self { inner, patience: PATIENCE, window: None }
    }
}

impl<B> HttpBody for PacedBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            let patience = self.patience;
            let window = self.window.get_or_insert_with(|| Window { ends: Box::pin(sleep(patience)), n_bytes: 0 });
            while window.ends.as_mut().poll(cx).is_ready() {
                if window.n_bytes < MIN_BYTES {
                    return Poll::Ready(Some(Err(TooSlow.into())));
                }
                window.n_bytes = 0;
                window.ends.as_mut().reset(Instant::now() + patience);
            }
            return Poll::Pending;
        };
        if let (Some(window), Some(Ok(frame))) = (&mut self.window, &frame) {
            window.n_bytes += frame.data_ref().map_or(0, Bytes::len);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    type Piece = Result<Bytes, io::Error>;

    /// Read to the end by somebody without any patience.
    async fn read(pieces: impl futures::Stream<Item = Piece> + Send + 'static) -> Result<usize, String> {
        let body = PacedBody { patience: Duration::ZERO, ..PacedBody::new(axum::body::Body::from_stream(pieces)) };
        let mut pieces = axum::body::Body::new(body).into_data_stream();
        let mut n_bytes = 0;
        while let Some(piece) = pieces.next().await {
            n_bytes += piece.map_err(|error| error.to_string())?.len();
        }
        Ok(n_bytes)
    }

    /// After every piece its sender takes a breath.
    fn pieces(n_pieces: usize, n_bytes: usize) -> impl futures::Stream<Item = Piece> + Send + 'static {
        stream::unfold(0, move |n_sent| async move {
            // Longer than no patience at all.
            tokio::time::sleep(Duration::from_millis(2)).await;
            (n_sent < n_pieces).then(|| (Ok(Bytes::from(vec![0; n_bytes])), n_sent + 1))
        })
    }

    #[tokio::test]
    async fn a_body_that_drips_is_refused_and_one_that_is_there_is_not() {
        assert!(read(pieces(5, 1)).await.unwrap_err().contains("too slowly"));
        assert!(read(stream::pending()).await.unwrap_err().contains("too slowly"));
        assert_eq!(read(stream::iter((0..5).map(|_| Ok(Bytes::from_static(b"x"))))).await, Ok(5));
    }

    #[tokio::test]
    async fn a_client_that_never_reads_is_let_go() {
        let (ours, mut theirs) = duplex(8);
        let mut ours = PatientStream { patience: Duration::ZERO, ..PatientStream::new(ours) };
        ours.write_all(&[1; 8]).await.unwrap();
        let error = ours.write_all(&[2]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        theirs.read_exact(&mut [0; 8]).await.unwrap();
        ours.write_all(&[3]).await.unwrap();
    }
}
