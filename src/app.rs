//! The composition root: the only place that names concrete engines and ties the parts together.

pub mod backup;
pub mod data_dir;
pub mod demo;
pub mod engines;
pub mod handles;
pub mod index;
pub mod local_session;
pub mod secrets;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{Notify, RwLock};
use tracing::warn;

use crate::answer::Answering;
use crate::answer::golden::GoldenTier;
use crate::clock::{SharedClock, SystemClock, machine_draw};
use crate::config::Config;
use crate::domain::certificate::Fingerprint;
use crate::domain::encoding::HEX;
use crate::domain::ids::WidgetId;
use crate::events::Bus;
use crate::http::state::{AppState, HttpSettings, Limits};
use crate::ingest::Ingestion;
use crate::jobs::{Runner, RunnerOptions};
use crate::lifecycle::Lifecycle;
use crate::retrieve::Retriever;
use crate::storage::files::FileStore;
use crate::storage::room::Room;
use crate::storage::{Db, StorageError, shops};
use engines::Engines;
use index::{KeptIndex, WholeHealth};

/// Everything, tied together.
pub struct App {
    pub db: Db,
    pub bus: Bus,
    pub clock: SharedClock,
    pub files: FileStore,
    pub engines: Engines,
    pub index: Arc<KeptIndex>,
    pub ingestion: Arc<Ingestion>,
    pub answering: Arc<Answering>,
    pub runner: Arc<Runner>,
    pub fingerprint: Arc<Fingerprint>,
    pub wake: Arc<Notify>,
    pub life: Lifecycle,
}

impl App {
    /// Opens the database, the files and the engines of a data directory. Models load behind it.
    pub async fn open(config: &Config, data_dir: &Path, life: Lifecycle) -> anyhow::Result<Self> {
        let engines = Engines::open(config, data_dir)?;
        Self::with_engines(config, data_dir, engines, life).await
    }

    /// The same with engines of the caller's choice.
    pub async fn with_engines(
        config: &Config,
        data_dir: &Path,
        mut engines: Engines,
        life: Lifecycle,
    ) -> anyhow::Result<Self> {
        let clock: SharedClock = Arc::new(SystemClock);
        let db = open_database(config, data_dir, clock.clone()).await?;
        let room = Room::new(data_dir, config.storage.min_free_bytes);
        let files = FileStore::open(data_dir.join("files")).await?.within(room);
        let index = Arc::new(KeptIndex::new(engines.vectors.clone()));
        engines.vectors = index.clone();
        let (bus, wake) = (Bus::default(), Arc::new(Notify::new()));
        let ingestion = Arc::new(Ingestion {
            db: db.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            files: files.clone(),
            vectors: engines.vectors.clone(),
            embedder: engines.embedder.clone(),
            reader: engines.reader.clone(),
            limits: config.parse_limits(),
            chunking: config.chunking(),
            gate: RwLock::default(),
        });
        let retriever = Retriever::new(db.clone(), engines.vectors.clone(), engines.embedder.clone());
        let fingerprint = Arc::new(fingerprint(config, &engines)?);
        let golden = GoldenTier::new(db.clone(), engines.embedder.clone())?;
        let answering = Answering::new(retriever, engines.generator.clone(), clock.clone())?.with_golden(golden);
        let answering = Arc::new(answering);
        let runner = Arc::new(Runner {
            db: db.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            wake: wake.clone(),
            ingestion: ingestion.clone(),
            answering: answering.clone(),
            fingerprint: fingerprint.clone(),
            draw: machine_draw(),
            options: RunnerOptions {
                max_waiting_turns: config.answer.max_waiting_turns,
                keep: config.retention,
                ..RunnerOptions::default()
            },
        });
        Ok(Self { db, bus, clock, files, engines, index, ingestion, answering, runner, fingerprint, wake, life })
    }

    /// Starts the workers, and beside them the one that keeps the index in step with the database.
    pub async fn start_workers(&self, config: &Config) -> anyhow::Result<()> {
        self.runner.recover().await?;
        self.index.begin();
        let (index, ingestion, clock) = (self.index.clone(), self.ingestion.clone(), self.clock.clone());
        let soft = self.life.soft();
        self.life.spawn("index", async move { index.keep(&ingestion, &clock, &soft).await });
        let (answering, db) = (self.answering.clone(), self.db.clone());
        self.life.spawn("golden", async move {
            if let Err(error) = embed_golden(&answering, &db).await {
                warn!(%error, "the golden answers could not be embedded");
            }
        });
        self.runner.start(&self.life, config.answer.interactive_workers, config.answer.bulk_workers);
        Ok(())
    }

    /// What the HTTP side can reach.
    pub fn http_state(&self, config: &Config, demo_widget: Option<WidgetId>) -> AppState {
        let settings = HttpSettings {
            public_url: config.public_url(),
            max_upload_bytes: config.server.max_upload_bytes as u64,
            demo_widget,
            max_connections: config.server.max_connections,
            session_idle_ms: i64::from(config.server.session_idle_minutes) * 60_000,
            session_max_ms: i64::from(config.server.session_max_hours) * 3_600_000,
            confirmed_ms: i64::from(config.server.confirm_minutes) * 60_000,
            ..HttpSettings::default()
        };
        let wake = self.wake.clone();
        AppState {
            db: self.db.clone(),
            bus: self.bus.clone(),
            clock: self.clock.clone(),
            files: self.files.clone(),
            wake_workers: Arc::new(move || wake.notify_waiters()),
            health: Arc::new(WholeHealth { engines: self.engines.health.clone(), index: self.index.clone() }),
            stopping: self.life.soft(),
            limits: Arc::new(Limits::new(&settings)),
            fingerprint: self.fingerprint.clone(),
            draw: machine_draw(),
            settings: Arc::new(settings),
        }
    }

    /// Serves until the life ends; true if nothing failed.
    pub async fn serve(&self, listener: TcpListener, state: AppState) -> bool {
        let max_connections = handles::room_for(state.settings.max_connections);
        let router = crate::http::router(state);
        self.life.spawn("accept", crate::http::serve(listener, router, max_connections, self.life.clone()));
        let clean = self.life.wait().await;
        if let Err(error) = self.engines.vectors.close().await {
            warn!(%error, "the index was not closed cleanly; it will be checked at the next start");
        }
        self.db.close().await;
        clean
    }
}

/// What makes the answers. The version of the program stands in it, since the code finds and packs: an upgrade has to be
/// proven like any other change.
fn fingerprint(config: &Config, engines: &Engines) -> anyhow::Result<Fingerprint> {
    let scorers = (crate::answer::confidence::shipped()?, crate::answer::golden::shipped()?);
    let scorer = serde_json::to_vec(&scorers)?;
    let (embedder, version) = (&engines.embedder.spec().id, env!("CARGO_PKG_VERSION"));
    Ok(Fingerprint {
        model: engines.generator.spec().id.clone(),
        prompts: crate::prompts::fingerprint(),
        scorer: HEX.encode(&Sha256::digest(&scorer)),
        retrieval: format!("{embedder} {} tokens kefu {version}", config.ingest.chunk_tokens),
    })
}

/// A damaged database is not started on; the error names the way back.
async fn open_database(config: &Config, data_dir: &Path, clock: SharedClock) -> anyhow::Result<Db> {
    let opened = Db::open(&config.storage_url(data_dir), clock).await;
    if let Err(StorageError::Corrupt { .. }) = &opened {
        let way_back = backup::way_back(data_dir);
        return opened.with_context(|| format!("the database cannot be used\n{way_back}"));
    }
    let db = opened.context("the database cannot be opened")?;
    secrets::unlock(db, config, data_dir).await
}

/// After a change of the embedder every golden answer is to be embedded again.
async fn embed_golden(answering: &Answering, db: &Db) -> anyhow::Result<()> {
    for shop in shops::list(db).await? {
        answering.embed_golden(shop.id).await?;
    }
    Ok(())
}
