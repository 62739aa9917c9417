//! What every handler can reach. `app` makes it; nothing in here names an engine.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::clock::{SharedClock, SharedDraw};
use crate::domain::certificate::Fingerprint;
use crate::domain::ids::WidgetId;
use crate::events::Bus;
use crate::http::limits::{Limiter, Seats};
use crate::storage::Db;
use crate::storage::files::FileStore;

/// Numbers and switches of the HTTP side; `config` fills them in.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// How people reach us: `https://kefu.example.com`, without a slash at the end. Makes links, and cookies `Secure`.
    pub public_url: String,
    /// The largest file staff may upload.
    pub max_upload_bytes: u64,
    /// Whether a proxy in front of us sets `X-Forwarded-For`.
    pub trust_forwarded_for: bool,
    /// The widget that the page `/shop` shows.
    pub demo_widget: Option<WidgetId>,
    /// A session ends after this long in any case.
    pub session_max_ms: i64,
    /// Connections at once; every open chat holds one.
    pub max_connections: usize,
    /// Requests that are worked on at once; a further one is told to come again.
    pub requests_at_once: usize,
    /// A session that was not used for so long is over.
    pub session_idle_ms: i64,
    /// How long a password that was given counts for what is dangerous.
    pub confirmed_ms: i64,
    /// Conversations that one address may start in ten minutes.
    pub conversations_per_address: usize,
    /// Messages that one conversation may bring in one minute.
    pub messages_per_conversation: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_url: "http://localhost:8080".into(),
            max_upload_bytes: 50 * 1024 * 1024,
            trust_forwarded_for: false,
            demo_widget: None,
            session_max_ms: 12 * 60 * 60 * 1000,
            max_connections: 4096,
            requests_at_once: 256,
            session_idle_ms: 30 * 60 * 1000,
            confirmed_ms: 15 * 60 * 1000,
            conversations_per_address: 200,
            messages_per_conversation: 30,
        }
    }
}

impl HttpSettings {
    /// Whether browsers reach us over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// How far a part of the process has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComponentState {
    /// It works.
    Ready,
    /// It is being loaded.
    Loading,
    /// It does not work; `detail` says why.
    Failed,
}

/// One part of the process, for the people who run it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Component {
    /// What is running there: a model's name, an engine's.
    pub id: String,
    /// How far it has come.
    pub state: ComponentState,
    /// Why it failed, or what it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The parts that answering needs. The database is not among them: it is asked directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Components {
    /// The vector index.
    pub index: Component,
    /// What turns texts into embeddings.
    pub embedder: Component,
    /// What writes drafts.
    pub generator: Component,
}

/// Tells how the engines are, at once and without asking them to do anything.
pub trait HealthView: Send + Sync {
    /// How they are now.
    fn components(&self) -> Components;
}

/// The counts behind the limits.
#[derive(Debug)]
pub struct Limits {
    /// Failed logins, per account and address.
    pub logins: Limiter,
    /// Logins from one address, whosever: one guess for each of many accounts is guessing, too.
    pub logins_of_address: Limiter,
    /// Conversations, per address.
    pub conversations: Limiter,
    /// Messages, per conversation.
    pub messages: Limiter,
    /// Requests at once.
    pub seats: Seats,
    /// Live streams that are opened at once, apart from the requests: after a restart all pages come back together,
    /// and none of them is to keep a buyer's message out.
    pub openings: Seats,
}

impl Limits {
    /// The counts that `settings` asks for.
    pub fn new(settings: &HttpSettings) -> Self {
        Self {
            logins: Limiter::new(10, 15 * 60 * 1000),
            logins_of_address: Limiter::new(100, 15 * 60 * 1000),
            conversations: Limiter::new(settings.conversations_per_address, 10 * 60 * 1000),
            messages: Limiter::new(settings.messages_per_conversation, 60 * 1000),
            seats: Seats::new(settings.requests_at_once),
            openings: Seats::new((settings.requests_at_once / 8).max(1)),
        }
    }
}

/// What every handler can reach. Cloning gives another handle to the same things.
#[derive(Clone)]
pub struct AppState {
    /// The truth.
    pub db: Db,
    /// What the pages listen to.
    pub bus: Bus,
    /// The time and new ids.
    pub clock: SharedClock,
    /// Uploaded bytes.
    pub files: FileStore,
    /// Tells the workers that a job was queued; called after the transaction.
    pub wake_workers: Arc<dyn Fn() + Send + Sync>,
    /// How the engines are.
    pub health: Arc<dyn HealthView>,
    /// Cancelled when streams must end.
    pub stopping: CancellationToken,
    /// Numbers and switches.
    pub settings: Arc<HttpSettings>,
    /// The counts behind the limits.
    pub limits: Arc<Limits>,
    /// What makes the answers: a proof holds for nothing else.
    pub fingerprint: Arc<Fingerprint>,
    /// Decides which of the accepted drafts somebody else looks at again.
    pub draw: SharedDraw,
}

impl AppState {
    /// Milliseconds since 1970, UTC.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
