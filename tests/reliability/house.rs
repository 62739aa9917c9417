//! The HTTP side and the workers in this process, over real SQL, with a generator that does as it is told.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use kefu::answer::Answering;
use kefu::clock::{SharedClock, SharedDraw};
use kefu::domain::certificate::Fingerprint;
use kefu::domain::ids::{ConversationId, TurnId};
use kefu::events::Bus;
use kefu::http::state::{AppState, Component, ComponentState, Components, HealthView, HttpSettings, Limits};
use kefu::inference::fake::{HashEmbedder, ScriptedGenerator};
use kefu::inference::{Embedder, Generator};
use kefu::ingest::Ingestion;
use kefu::ingest::chunk::ChunkOptions;
use kefu::ingest::parse::ParseLimits;
use kefu::jobs::{Runner, RunnerOptions};
use kefu::lifecycle::Lifecycle;
use kefu::retrieve::Retriever;
use kefu::storage::Db;
use kefu::storage::files::FileStore;
use kefu::vectors::VectorStore;
use kefu::vectors::memory::MemoryStore;
use serde_json::{Value, json};
use tokio::sync::{Notify, RwLock};
use tower::ServiceExt;

use crate::support::Shop;

struct AllReady;

impl HealthView for AllReady {
    fn components(&self) -> Components {
        let part = || Component { id: "test".into(), state: ComponentState::Ready, detail: None };
        Components { index: part(), embedder: part(), generator: part() }
    }
}

pub struct House {
    pub state: AppState,
    pub router: Router,
    pub runner: Arc<Runner>,
    pub life: Lifecycle,
    pub shop: Shop,
    _folder: tempfile::TempDir,
}

/// How a house is different from others.
pub struct Plan {
    pub clock: SharedClock,
    pub generator: Arc<dyn Generator>,
    pub settings: HttpSettings,
    pub options: RunnerOptions,
    /// The program that reads files.
    pub reader: PathBuf,
    /// Where is searched.
    pub vectors: Arc<dyn VectorStore>,
    /// The database, if it is not a SQLite file of the house's own.
    pub database: Option<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            clock: Arc::new(kefu::clock::SystemClock),
            generator: Arc::new(scripted()),
            // Limits of one buyer are not what is tested here.
            settings: HttpSettings { messages_per_conversation: 1_000_000, ..HttpSettings::default() },
            options: RunnerOptions::default(),
            reader: env!("CARGO_BIN_EXE_kefu").into(),
            vectors: Arc::new(MemoryStore::new(HashEmbedder::default().spec().dim)),
            database: None,
        }
    }
}

/// Points at the first line, and is sure of it.
pub fn scripted() -> ScriptedGenerator {
    ScriptedGenerator::new(|_| Ok("1".to_owned())).weighing(|_, choices| vec![-9.0; choices.len()])
}

impl House {
    pub async fn build(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = plan.database.unwrap_or_else(|| format!("sqlite:{}/kefu.db", folder.path().display()));
        let db = Db::open(&url, plan.clock.clone()).await.unwrap();
        let files = FileStore::open(folder.path().join("files")).await.unwrap();
        let embedder: Arc<dyn Embedder> = Arc::new(HashEmbedder::default());
        let vectors = plan.vectors;
        let (bus, life, wake) = (Bus::default(), Lifecycle::default(), Arc::new(Notify::new()));
        let ingestion = Arc::new(Ingestion {
            db: db.clone(),
            bus: bus.clone(),
            clock: plan.clock.clone(),
            files: files.clone(),
            vectors: vectors.clone(),
            embedder: embedder.clone(),
            reader: plan.reader,
            limits: ParseLimits::default(),
            chunking: ChunkOptions::default(),
            gate: RwLock::default(),
        });
        let retriever = Retriever::new(db.clone(), vectors, embedder);
        let answering = Arc::new(Answering::new(retriever, plan.generator, plan.clock.clone()).unwrap());
        let name = || "test".to_owned();
        let fingerprint = Arc::new(Fingerprint { model: name(), prompts: name(), scorer: name(), retrieval: name() });
        // Nothing is drawn for a second look.
        let draw: SharedDraw = Arc::new(|| 0.99);
        let runner = Arc::new(Runner {
            db: db.clone(),
            bus: bus.clone(),
            clock: plan.clock.clone(),
            wake: wake.clone(),
            ingestion,
            answering,
            fingerprint: fingerprint.clone(),
            draw: draw.clone(),
            options: plan.options,
        });
        let state = AppState {
            db: db.clone(),
            bus,
            clock: plan.clock,
            files,
            wake_workers: Arc::new(move || wake.notify_waiters()),
            health: Arc::new(AllReady),
            stopping: life.soft(),
            limits: Arc::new(Limits::new(&plan.settings)),
            fingerprint,
            draw,
            settings: Arc::new(plan.settings),
        };
        let router = kefu::http::router(state.clone());
        let shop = Shop::open(&db, "teahouse").await;
        Self { state, router, runner, life, shop, _folder: folder }
    }

    pub fn db(&self) -> &Db {
        &self.state.db
    }

    pub async fn send(&self, request: Request<Body>) -> Told {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Told { status: parts.status.as_u16(), headers: parts.headers, json }
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Told {
        let request = Request::builder().method(Method::POST).uri(path).header(header::HOST, "kefu.test");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Told {
        let request = Request::builder().uri(path).header(header::HOST, "kefu.test");
        self.send(request.header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty()).unwrap()).await
    }

    pub async fn say(&self, (conversation, token): &(ConversationId, String), key: &str, text: &str) -> Told {
        let body = json!({ "text": text, "client_key": key });
        self.post(token, &format!("/v1/chat/{conversation}/messages"), &body).await
    }

    /// Says something and gives its turn.
    pub async fn ask(&self, chat: &(ConversationId, String), key: &str, text: &str) -> TurnId {
        let told = self.say(chat, key, text).await;
        assert_eq!(told.status, 202, "{}", told.json);
        told.json["turn_id"].as_str().unwrap().parse().unwrap()
    }

    /// A document that is read in at once.
    pub async fn know(&self, name: &str, text: &str) {
        let stored = self.state.files.put(text.as_bytes()).await.unwrap();
        let mut tx = self.db().begin().await.unwrap();
        let said = kefu::storage::uploads::Said::default();
        kefu::storage::uploads::register(&mut tx, self.shop.id, name, &said, &stored).await.unwrap();
        tx.commit().await.unwrap();
        self.runner.drain().await;
    }
}

/// What came back.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}
