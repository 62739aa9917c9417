//! Live streams: server-sent events made of hints from the bus and of the truth from SQL.
//!
//! A stream subscribes first and reads what was missed second, so nothing falls in between. A listener that the bus
//! has left behind reads anew. Streams end when the process stops, and after [`MAX_AGE`], so that a browser comes back
//! with its credentials now and then: a session that was ended loses its streams, too.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::ids::ShopId;
use crate::events;
use crate::http::error::{ApiError, ApiResult};
use crate::http::state::AppState;
use crate::storage::StorageError;

/// Proxies close what is silent for half a minute or more.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// A stream ends after this long; the browser opens the next one.
const MAX_AGE: Duration = Duration::from_secs(15 * 60);

/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

/// What a stream tells.
#[async_trait]
pub trait Listener: Send + 'static {
    /// Everything that was missed: at the start, and when the bus has left us behind.
    async fn catch_up(&mut self) -> Result<Vec<Event>, StorageError>;

    /// What the reader should hear of an event of its shop; often nothing.
    async fn hear(&mut self, event: events::Event) -> Result<Vec<Event>, StorageError>;
}

/// A named event with JSON as its data.
pub fn event(name: &str, data: &impl Serialize) -> Event {
    let data = serde_json::to_string(data).expect("our views serialize: string keys, no failing types");
    Event::default().event(name).data(data)
}

struct Live<L> {
    listener: L,
    shop: ShopId,
    bus: Receiver<(ShopId, events::Event)>,
    ready: VecDeque<Event>,
    stopping: CancellationToken,
    ends_at: Instant,
    is_over: bool,
}

/// Opens a stream for a reader of `shop`, who hears the whole bus. An error before the first event is an ordinary error.
pub async fn open<L: Listener>(
    state: &AppState,
    shop: ShopId,
    listener: L,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>> + use<L>>> {
    open_on(state, (shop, state.bus.subscribe()), listener).await
}

/// The same for a reader who hears only this.
pub async fn open_on<L: Listener>(
    state: &AppState,
    (shop, bus): (ShopId, Receiver<(ShopId, events::Event)>),
    mut listener: L,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>> + use<L>>> {
    let missed = listener.catch_up().await.map_err(ApiError::from)?;
    let hello = Event::default().retry(RETRY).comment("hello");
    let live = Live {
        listener,
        shop,
        bus,
        ready: std::iter::once(hello).chain(missed).collect(),
        stopping: state.stopping.clone(),
        ends_at: Instant::now() + MAX_AGE,
        is_over: false,
    };
    let stream = futures::stream::unfold(live, |mut live| async move {
        let event = live.next().await?;
        Some((Ok(event), live))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("")))
}

impl<L: Listener> Live<L> {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            let heard = tokio::select! {
                () = self.stopping.cancelled() => {
                    self.is_over = true;
                    return Some(Event::default().event("bye").data("{}"));
                }
                () = tokio::time::sleep_until(self.ends_at) => return None,
                heard = self.bus.recv() => heard,
            };
            let told = match heard {
                Ok((shop, _)) if shop != self.shop => continue,
                Ok((_, event)) => self.listener.hear(event).await,
                Err(RecvError::Lagged(_)) => self.listener.catch_up().await,
                Err(RecvError::Closed) => return None,
            };
            match told {
                Ok(events) => self.ready.extend(events),
                // The reader comes back after `RETRY` and reads what it missed: nothing is lost by ending here.
                Err(error) => {
                    tracing::warn!(%error, "a live stream ends: the database did not answer");
                    return None;
                }
            }
        }
    }
}
