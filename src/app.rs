//! The composition root: the only place that names concrete engines and ties the parts together.

pub mod data_dir;
pub mod demo;
pub mod engines;
pub mod local_session;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::answer::Answering;
use crate::clock::{SharedClock, SystemClock, machine_draw};
use crate::config::Config;
use crate::domain::certificate::Fingerprint;
use crate::domain::ids::WidgetId;
use crate::events::Bus;
use crate::http::state::{AppState, HttpSettings, Limits};
use crate::ingest::Ingestion;
use crate::jobs::{Runner, RunnerOptions};
use crate::lifecycle::Lifecycle;
use crate::retrieve::Retriever;
use crate::storage::files::FileStore;
use crate::storage::{Db, shops};
use engines::Engines;

/// Everything, tied together.
pub struct App {
    pub db: Db,
    pub bus: Bus,
    pub clock: SharedClock,
    pub files: FileStore,
    pub engines: Engines,
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
        engines: Engines,
        life: Lifecycle,
    ) -> anyhow::Result<Self> {
        let clock: SharedClock = Arc::new(SystemClock);
        let db =
            Db::open(&config.storage_url(data_dir), clock.clone()).await.context("the database cannot be opened")?;
        let files = FileStore::open(data_dir.join("files")).await?;
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
        });
        let retriever = Retriever::new(db.clone(), engines.vectors.clone(), engines.embedder.clone());
        let answering = Arc::new(Answering::new(retriever, engines.generator.clone(), clock.clone())?);
        let fingerprint = Arc::new(fingerprint(config, &engines)?);
        let runner = Arc::new(Runner {
            db: db.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            wake: wake.clone(),
            ingestion: ingestion.clone(),
            answering: answering.clone(),
            fingerprint: fingerprint.clone(),
            draw: machine_draw(),
            options: RunnerOptions { max_waiting_turns: config.answer.max_waiting_turns, ..RunnerOptions::default() },
        });
        Ok(Self { db, bus, clock, files, engines, ingestion, answering, runner, fingerprint, wake, life })
    }

    /// Starts the workers, after the index was brought in step with the database.
    pub async fn start_workers(&self, config: &Config) -> anyhow::Result<()> {
        self.runner.recover().await?;
        let (ingestion, db) = (self.ingestion.clone(), self.db.clone());
        self.life.spawn("reconcile", async move {
            if let Err(error) = reconcile(&ingestion, &db).await {
                warn!(%error, "the index could not be compared with the database");
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
            health: self.engines.health.clone(),
            stopping: self.life.soft(),
            limits: Arc::new(Limits::new(&settings)),
            fingerprint: self.fingerprint.clone(),
            draw: machine_draw(),
            settings: Arc::new(settings),
        }
    }

    /// Serves until the life ends; true if nothing failed.
    pub async fn serve(&self, listener: TcpListener, state: AppState) -> bool {
        let router = crate::http::router(state);
        self.life.spawn("accept", crate::http::serve(listener, router, self.life.clone()));
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
    let scorer = serde_json::to_vec(&crate::answer::confidence::shipped()?)?;
    let (embedder, version) = (&engines.embedder.spec().id, env!("CARGO_PKG_VERSION"));
    Ok(Fingerprint {
        model: engines.generator.spec().id.clone(),
        prompts: crate::prompts::fingerprint(),
        scorer: Sha256::digest(&scorer).iter().map(|byte| format!("{byte:02x}")).collect(),
        retrieval: format!("{embedder} {} tokens kefu {version}", config.ingest.chunk_tokens),
    })
}

/// SQL has the last word: a shop whose index holds another number of points than SQL has active chunks is rebuilt.
async fn reconcile(ingestion: &Ingestion, db: &Db) -> anyhow::Result<()> {
    for shop in shops::list(db).await? {
        if ingestion.is_in_step(shop.id).await.unwrap_or(false) {
            continue;
        }
        info!(shop.id = %shop.id, "the index is not in step with the database and is rebuilt");
        let n_points = ingestion.rebuild(shop.id, &|_, _| {}).await?;
        info!(shop.id = %shop.id, n_points, "the index is rebuilt");
    }
    Ok(())
}
