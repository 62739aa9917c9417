//! Starting, stopping, and going on where another version stopped.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use kefu::app::App;
use kefu::app::engines::Engines;
use kefu::domain::decision::Reason;
use kefu::domain::ids::{ChunkId, ConversationId, RevisionId, ShopId};
use kefu::domain::turn::TurnState;
use kefu::http::state::{Component, ComponentState, Components, HealthView};
use kefu::inference::Embedder;
use kefu::inference::fake::HashEmbedder;
use kefu::lifecycle::Lifecycle;
use kefu::storage::accounts::Role;
use kefu::storage::{documents, messages, shops, turns};
use kefu::vectors::memory::MemoryStore;
use kefu::vectors::server::{ServerOptions, ServerStore};
use kefu::vectors::{Found, Point, SearchRequest, VectorError, VectorStore};
use serde_json::json;

use crate::house::{House, Plan, scripted};
use crate::support::{Home, Server, assert_index, assert_invariants, block_on, log_of, open_db, wait_until};

const QUESTION: &str = "How long may I return an item?";
const MANUAL: &[u8] = b"# Returns\n\nAn item may be returned within 7 days.\n";

#[test]
fn a_second_process_on_one_data_directory_ends() {
    let home = Home::new("");
    let server = Server::start(&home);
    let status = Server::spawn(&home).wait().unwrap();
    assert!(!status.success());
    assert!(log_of(&home.dir).contains("in use by another process"), "{}", log_of(&home.dir));
    assert_eq!(server.client.get("/healthz", "").unwrap().0, 200, "the first one knows nothing of it");
    server.stop();
    home.assert_sound();
}

/// A server that is in the middle of an answer, and the chat that waits for it.
fn in_the_middle_of_an_answer(answer_ms: u32) -> (Home, Server, (ConversationId, String)) {
    let home = Home::new(&format!("models.stand_in_answer_ms = {answer_ms}"));
    let chat = home.with_db(async |db| home.shop.conversations(db, 1).await).remove(0);
    let server = Server::start(&home);
    server.client.upload(home.shop.token(Role::Staff), "returns.md", MANUAL).unwrap();
    server.wait_until_idle(&home.shop);
    assert_eq!(server.client.say(&chat, "k", QUESTION).unwrap().0, 202);
    wait_until("a worker has it", || {
        home.with_db(async |db| {
            let counts = kefu::storage::jobs::counts(db).await.unwrap();
            counts.iter().any(|count| count.state == kefu::storage::jobs::JobState::Running)
        })
    });
    (home, server, chat)
}

async fn state_of(home: &Home, db: &kefu::storage::Db, chat: &(ConversationId, String)) -> TurnState {
    turns::of_conversation(db, home.shop.id, chat.0).await.unwrap().last().unwrap().state
}

#[test]
fn a_request_to_stop_lets_an_answer_be_finished() {
    let (home, server, chat) = in_the_middle_of_an_answer(1_500);
    server.stop();
    home.assert_sound();
    let state = home.with_db(async |db| state_of(&home, db, &chat).await);
    assert_ne!(state, TurnState::Asked, "what was begun was finished");
}

#[test]
fn what_ops_stop_is_not_sent_although_it_was_begun() {
    let (home, server, chat) = in_the_middle_of_an_answer(1_500);
    let (ops, stop) = (home.shop.token(Role::Ops), json!({ "on": true }));
    assert_eq!(server.client.post("/v1/ops/kill-switch", ops, &stop).unwrap().0, 200);
    server.wait_until_idle(&home.shop);
    server.stop();
    let turns = home.with_db(async |db| turns::of_conversation(db, home.shop.id, chat.0).await.unwrap());
    let decision = turns.last().and_then(|turn| turn.decision.clone()).expect("it was decided");
    assert_eq!(decision.reasons(), [Reason::KillSwitch], "and nothing else holds it");
    home.assert_sound();
}

#[test]
fn a_second_request_to_stop_is_obeyed_and_the_answer_is_given_after_the_next_start() {
    let (home, server, chat) = in_the_middle_of_an_answer(20_000);
    server.signal_stop();
    wait_until("it has heard", || log_of(&home.dir).contains("once more to stop at once"));
    server.signal_stop();
    server.wait();
    assert_eq!(home.with_db(async |db| state_of(&home, db, &chat).await), TurnState::Asked, "it was not finished");
    home.assert_sound();
    std::fs::write(home.dir.join("kefu.toml"), "server.listen = \"127.0.0.1:0\"\nmodels.stand_ins = true\n").unwrap();
    let server = Server::start(&home);
    server.wait_until_idle(&home.shop);
    server.stop();
    assert_ne!(home.with_db(async |db| state_of(&home, db, &chat).await), TurnState::Asked);
    home.assert_sound();
}

/// An index that breaks while it is used, until it is rebuilt.
struct Fragile {
    inner: MemoryStore,
    is_broken: AtomicBool,
    may_be_mended: AtomicBool,
}

impl Fragile {
    fn look(&self) -> Result<(), VectorError> {
        let damaged = || VectorError::Damaged { reason: "a page is torn".into() };
        if self.is_broken.load(Ordering::SeqCst) { Err(damaged()) } else { Ok(()) }
    }
}

#[async_trait]
impl VectorStore for Fragile {
    async fn upsert(&self, shop: ShopId, points: Vec<Point>) -> Result<(), VectorError> {
        self.look()?;
        self.inner.upsert(shop, points).await
    }

    async fn remove_revision(&self, shop: ShopId, revision: RevisionId) -> Result<(), VectorError> {
        self.inner.remove_revision(shop, revision).await
    }

    async fn remove(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<(), VectorError> {
        self.inner.remove(shop, chunks).await
    }

    async fn search(&self, shop: ShopId, request: SearchRequest) -> Result<Found, VectorError> {
        self.look()?;
        self.inner.search(shop, request).await
    }

    async fn points(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<Vec<Point>, VectorError> {
        self.inner.points(shop, chunks).await
    }

    async fn count(&self, shop: ShopId) -> Result<usize, VectorError> {
        self.inner.count(shop).await
    }

    async fn clear(&self, shop: ShopId) -> Result<(), VectorError> {
        if self.may_be_mended.load(Ordering::SeqCst) {
            self.is_broken.store(false, Ordering::SeqCst);
        }
        self.inner.clear(shop).await
    }

    async fn close(&self) -> Result<(), VectorError> {
        Ok(())
    }
}

struct SaysReady;

impl HealthView for SaysReady {
    fn components(&self) -> Components {
        let part = || Component { id: "test".into(), state: ComponentState::Ready, detail: None };
        Components { index: part(), embedder: part(), generator: part() }
    }
}

#[test]
fn an_index_that_breaks_in_use_is_rebuilt_and_meanwhile_nothing_is_guessed() {
    let home = Home::new("");
    let chats = home.with_db(async |db| home.shop.conversations(db, 2).await);
    let embedder = Arc::new(HashEmbedder::default());
    let vectors = Arc::new(Fragile {
        inner: MemoryStore::new(embedder.spec().dim),
        is_broken: AtomicBool::new(false),
        may_be_mended: AtomicBool::new(false),
    });
    block_on(async {
        let engines = Engines {
            embedder,
            generator: Arc::new(scripted()),
            vectors: vectors.clone(),
            health: Arc::new(SaysReady),
            reader: env!("CARGO_BIN_EXE_kefu").into(),
        };
        let config = home.config();
        let app = App::with_engines(&config, &home.dir, engines, Lifecycle::default()).await.unwrap();
        let state = app.http_state(&config, None);
        let index = || state.health.components().index;
        let stored = app.files.put(MANUAL).await.unwrap();
        let mut tx = app.db.begin().await.unwrap();
        let said = kefu::storage::uploads::Said::default();
        kefu::storage::uploads::register(&mut tx, home.shop.id, "returns.md", &said, &stored).await.unwrap();
        tx.commit().await.unwrap();
        app.runner.drain().await;

        vectors.is_broken.store(true, Ordering::SeqCst);
        ask(&app, &home, &chats[0]).await;
        app.runner.drain().await;
        let turn = turns::of_conversation(&app.db, home.shop.id, chats[0].0).await.unwrap().remove(0);
        assert_eq!(turn.state, TurnState::Escalated, "a person answers");
        assert_eq!(turn.decision.unwrap().reasons(), [Reason::ModelUnavailable]);
        assert_eq!(index().state, ComponentState::Failed, "and whoever watches sees why: {:?}", index());

        vectors.may_be_mended.store(true, Ordering::SeqCst);
        app.start_workers(&config).await.unwrap();
        let mut n_looks = 0;
        while index().state != ComponentState::Ready {
            app.clock.sleep(std::time::Duration::from_millis(20)).await;
            n_looks += 1;
            assert!(n_looks < 3_000, "it is not rebuilt: {:?}", index());
        }
        ask(&app, &home, &chats[1]).await;
        app.runner.drain().await;
        app.life.stop();
        assert!(app.life.wait().await);
        let turn = turns::of_conversation(&app.db, home.shop.id, chats[1].0).await.unwrap().remove(0);
        let hits = turn.record.as_ref().and_then(|record| record["hits"].as_array()).map_or(0, Vec::len);
        assert!(hits > 0, "it finds what it knew: {turn:?}");
        assert_index(&app).await;
        assert_invariants(&app.db).await;
    });
}

/// A Qdrant server that is gone, and one that takes connections and never says a word.
#[tokio::test]
async fn without_the_vector_server_a_person_answers() {
    let hung = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = [hung.local_addr().unwrap(), gone.local_addr().unwrap()];
    drop(gone);
    for address in addresses {
        let options = ServerOptions { url: format!("http://{address}"), api_key: None, prefix: "kefu".into() };
        let embedder = HashEmbedder::default();
        let vectors = Arc::new(ServerStore::new(options, &embedder.spec().id, embedder.spec().dim).unwrap());
        let house = House::build(Plan { vectors, ..Plan::default() }).await;
        let chat = house.shop.conversations(house.db(), 1).await.remove(0);
        let turn = house.ask(&chat, "k", QUESTION).await;
        house.runner.drain().await;
        let turn = turns::get(house.db(), house.shop.id, turn).await.unwrap().unwrap();
        assert_eq!(turn.state, TurnState::Escalated);
        assert_eq!(turn.decision.unwrap().reasons(), [Reason::ModelUnavailable]);
        assert_invariants(house.db()).await;
    }
}

async fn ask(app: &App, home: &Home, chat: &(ConversationId, String)) {
    let question = turns::NewQuestion { text: QUESTION, client_key: Some("k"), lang: kefu::domain::text::Lang::En };
    let mut tx = app.db.begin().await.unwrap();
    turns::ask(&mut tx, home.shop.id, chat.0, &question).await.unwrap().unwrap();
    tx.commit().await.unwrap();
}

/// The data directory of every release migrates to this version, with all that is in it.
#[tokio::test]
async fn the_data_of_every_release_migrates() {
    let releases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/releases");
    let mut n_releases = 0;
    for entry in std::fs::read_dir(releases).unwrap() {
        let dump = entry.unwrap().path();
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("kefu.db");
        load(&std::fs::read_to_string(&dump).unwrap(), &database).await;
        let db = open_db(folder.path()).await;
        assert_invariants(&db).await;
        let shop = shops::list(&db).await.unwrap().remove(0);
        let listed = documents::list(&db, shop.id).await.unwrap();
        assert!(listed.iter().any(|one| one.document.active_revision.is_some()), "{}: documents", dump.display());
        let recent = turns::queue(&db, shop.id, 10).await.unwrap();
        let waiting = recent.first().expect("a draft waits in it");
        assert!(messages::after(&db, shop.id, waiting.conversation, 0, 10).await.unwrap().len() >= 2);
        assert!(waiting.evidence.is_some(), "what was decided on can still be read");
        db.close().await;
        n_releases += 1;
    }
    assert!(n_releases > 0, "there is a release to migrate from");
}

/// Runs the statements of a dump into a new file.
async fn load(dump: &str, database: &Path) {
    use sqlx::Connection;
    sqlx::any::install_default_drivers();
    let url = format!("sqlite:{}?mode=rwc", database.display());
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    // A dump fills tables before those that they refer to.
    sqlx::query("pragma foreign_keys = off").execute(&mut connection).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(dump.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
