//! The first day: past questions are brought, answered to nobody, judged, and come to a promise.

use std::path::Path;
use std::sync::Arc;

use axum::http::Method;
use kefu::answer::Answering;
use kefu::app::App;
use kefu::app::engines::Engines;
use kefu::clock::ManualClock;
use kefu::config::{Config, Flags};
use kefu::domain::calibration::{Calibration, Provenance};
use kefu::domain::outcome::LabelSource;
use kefu::http::state::{Component, ComponentState, Components, HealthView};
use kefu::inference::Embedder;
use kefu::inference::fake::{HashEmbedder, ScriptedGenerator};
use kefu::jobs::{Runner, RunnerOptions};
use kefu::lifecycle::Lifecycle;
use kefu::retrieve::Retriever;
use kefu::storage::accounts::Role;
use kefu::storage::labels;
use kefu::storage::ops::{self, Period};
use kefu::storage::uploads::{self, Said};
use kefu::vectors::VectorStore;
use kefu::vectors::memory::MemoryStore;
use serde_json::{Value, json};

use crate::support::{Answer, START_MS, TestApp, TestShop};

const BRING: &str = "/v1/knowledge/rehearsals";
const OPEN: &str = "/v1/knowledge/rehearsed?limit=50";
const RESULT: &str = "/v1/knowledge/rehearsal-result";

struct AllReady;

impl HealthView for AllReady {
    fn components(&self) -> Components {
        let part = || Component { id: "scripted".into(), state: ComponentState::Ready, detail: None };
        Components { index: part(), embedder: part(), generator: part() }
    }
}

/// A server of its own on a folder, whose generator always points at the first line.
struct Server {
    app: App,
    http: TestApp,
    worker: Runner,
}

impl Server {
    async fn open(folder: &Path, vectors: &Arc<dyn VectorStore>) -> Self {
        let config = Config::load(folder, None, &Flags::default()).unwrap();
        let engines = Engines {
            vectors: vectors.clone(),
            embedder: Arc::new(HashEmbedder::default()),
            generator: Arc::new(ScriptedGenerator::new(|_| Ok("1".to_owned()))),
            health: Arc::new(AllReady),
            reader: env!("CARGO_BIN_EXE_kefu").into(),
        };
        let app = App::with_engines(&config, folder, engines, Lifecycle::default()).await.unwrap();
        let state = app.http_state(&config, None);
        let router = kefu::http::router(state.clone());
        let http = TestApp {
            state,
            clock: Arc::new(ManualClock::at(START_MS)),
            life: app.life.clone(),
            router,
            folder: tempfile::tempdir().unwrap(),
        };
        let worker = worker(&app);
        Self { app, http, worker }
    }

    async fn bring(&self, shop: &TestShop, file: (&str, &[u8])) -> String {
        let brought = self.http.upload(&shop.caller(Role::Staff), BRING, &[file]).await.expect(202).json();
        assert_eq!(brought["state"], "reading");
        brought["id"].as_str().unwrap().to_owned()
    }

    async fn shown(&self, shop: &TestShop, id: &str) -> Value {
        self.http.get(&shop.caller(Role::Agent), &format!("{BRING}/{id}")).await.expect(200).json()
    }

    async fn result(&self, shop: &TestShop) -> Value {
        self.http.get(&shop.caller(Role::Agent), RESULT).await.expect(200).json()
    }

    async fn open_items(&self, shop: &TestShop) -> Vec<Value> {
        let open = self.http.get(&shop.caller(Role::Agent), OPEN).await.expect(200).json();
        open["open"].as_array().unwrap().clone()
    }

    async fn judge(&self, shop: &TestShop, item: &Value, (role, outcome): (Role, &str)) -> Answer {
        let path = format!("/v1/knowledge/rehearsed/{}/label", item["id"].as_str().unwrap());
        self.http.call(Method::PUT, &shop.caller(role), &path, Some(json!({ "outcome": outcome }))).await
    }
}

/// As sure of everything as the other, and surer than any bar on the way.
fn calibration() -> Calibration {
    Calibration {
        id: "sure".into(),
        intercept: 3.0,
        coefficients: vec![],
        provenance: Provenance {
            source: "made up".into(),
            n_rows: 0,
            n_good: 0,
            n_groups: 0,
            l2: 1.0,
            auroc_out_of_fold: 0.5,
            brier_out_of_fold: 0.25,
        },
    }
}

fn worker(app: &App) -> Runner {
    let (vectors, embedder) = (app.engines.vectors.clone(), app.engines.embedder.clone());
    let retriever = Retriever::new(app.db.clone(), vectors, embedder);
    let answering = Answering::new(retriever, app.engines.generator.clone(), app.clock.clone()).unwrap();
    Runner {
        db: app.db.clone(),
        bus: app.bus.clone(),
        clock: app.clock.clone(),
        wake: app.wake.clone(),
        ingestion: app.ingestion.clone(),
        answering: Arc::new(answering.with_calibration(calibration())),
        fingerprint: app.fingerprint.clone(),
        draw: Arc::new(|| 0.1),
        options: RunnerOptions::default(),
    }
}

async fn teach(server: &Server, shop: &TestShop) {
    let text = b"# Returns\n\nUnworn shoes can be returned within 30 days of delivery.\n";
    let stored = server.app.files.put(text).await.unwrap();
    let mut tx = server.app.db.begin().await.unwrap();
    uploads::register(&mut tx, shop.id, "returns.md", &Said::default(), &stored).await.unwrap();
    tx.commit().await.unwrap();
    server.worker.drain().await;
}

fn memory() -> Arc<dyn VectorStore> {
    Arc::new(MemoryStore::new(HashEmbedder::default().spec().dim))
}

/// So many questions that the one document answers, no two alike.
fn sheet(n: u8) -> String {
    let letter = |nth: u8| char::from(b'a' + nth);
    let ask = |nth: u8| {
        let word = format!("{}{}x", letter(nth / 26), letter(nth % 26));
        format!("Can unworn {word} shoes be returned after delivery?,Yes: thirty days\n")
    };
    std::iter::once("question,answer\n".to_owned()).chain((0..n).map(ask)).collect()
}

#[tokio::test]
async fn what_is_rehearsed_reaches_nobody_and_counts_as_nobodys_question() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::open(folder.path(), &memory()).await;
    let (shop, other) = (server.http.shop("shoes").await, server.http.shop("other").await);
    teach(&server, &shop).await;
    let twice = ",nothing asked\nCan unworn aax shoes be returned after delivery?,again\n";
    let id = server.bring(&shop, ("past.csv", (sheet(9) + twice).as_bytes())).await;
    server.worker.drain().await;
    let shown = server.shown(&shop, &id).await;
    let count = |name: &str| shown[name].as_u64().unwrap();
    assert_eq!((shown["state"].as_str(), count("n_questions"), count("n_refused")), (Some("answered"), 9, 2));
    assert_eq!((count("n_answered"), count("n_failed"), count("n_judged")), (9, 0, 0), "{shown}");
    let (agent, stranger) = (shop.caller(Role::Agent), other.caller(Role::Owner));
    let report = server.http.get(&agent, &format!("{BRING}/{id}/refused?lang=zh")).await.expect(200).text();
    assert!(report.contains("\"11\",\"此行没有问题内容\"") && report.contains("与前面的问题重复"), "{report}");

    for path in [format!("{BRING}/{id}"), format!("{BRING}/{id}/refused")] {
        server.http.get(&stranger, &path).await.expect(404);
    }
    let theirs = server.http.get(&stranger, OPEN).await.expect(200).json();
    assert_eq!((theirs["open"].as_array().unwrap().len(), &theirs["tally"]["n_answered"]), (0, &json!(0)));
    let queue = server.http.get(&agent, "/v1/console/queue").await.expect(200).json();
    assert_eq!(queue["turns"].as_array().map(Vec::len), Some(0), "{queue}");
    let whole = Period { from_ms: 0, until_ms: i64::MAX };
    assert_eq!(ops::replay_rows(&server.app.db, shop.id, whole).await.unwrap(), []);
    assert_eq!(ops::days(&server.app.db, shop.id, whole, 0).await.unwrap(), []);
    let rows = ops::rehearsed_rows(&server.app.db, shop.id, whole).await.unwrap();
    assert!(rows.iter().all(|row| row.decision.code() == "review"), "nothing was decided to be sent");
    for (verb, body) in [("accept", json!({ "version": 1 })), ("reject", json!({ "version": 1, "reason": "wrong" }))] {
        let path = format!("/v1/console/turns/{}/{verb}", rows[0].turn);
        server.http.post(&agent, &path, body).await.expect(409);
    }
}

#[tokio::test]
async fn an_answer_is_judged_blind_and_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::open(folder.path(), &memory()).await;
    let (shop, other) = (server.http.shop("shoes").await, server.http.shop("other").await);
    teach(&server, &shop).await;
    let file = "question,answer\nCan I return unworn shoes after delivery? Call 13812345678,yes\n";
    server.bring(&shop, ("past.csv", file.as_bytes())).await;
    server.worker.drain().await;
    let [item] = server.open_items(&shop).await.try_into().unwrap();
    assert_eq!(item["question"], "Can I return unworn shoes after delivery? Call [phone]");
    assert_eq!(item["person_said"], "yes");
    assert!(item.get("confidence").is_none(), "whoever judges does not know how sure it was");
    let (agent, stranger) = (shop.caller(Role::Agent), other.caller(Role::Owner));
    let source = format!("/v1/knowledge/rehearsed/{}/sources/1", item["id"].as_str().unwrap());
    assert!(server.http.get(&agent, &source).await.expect(200).text().contains("30 days"));
    server.http.get(&stranger, &source).await.expect(404);
    assert_eq!(server.judge(&other, &item, (Role::Owner, "accept")).await.status, 404);
    assert_eq!(server.judge(&shop, &item, (Role::Ops, "accept")).await.status, 403);
    let judged = server.judge(&shop, &item, (Role::Agent, "reject_wrong")).await.expect(200).json();
    assert_eq!((&judged["tally"]["n_judged"], &judged["tally"]["n_wrong"]), (&json!(1), &json!(1)));
    assert_eq!(server.judge(&shop, &item, (Role::Staff, "accept")).await.expect(409).code(), "already_resolved");
    let label = format!("/v1/knowledge/rehearsed/{}/label", item["id"].as_str().unwrap());
    server.http.call(Method::DELETE, &shop.caller(Role::Staff), &label, None).await.expect(404);
    let back = server.http.call(Method::DELETE, &agent, &label, None).await.expect(200).json();
    assert_eq!((&back["tally"]["n_judged"], &back["tally"]["n_wrong"]), (&json!(0), &json!(0)));
    assert_eq!(server.open_items(&shop).await.len(), 1);
}

/// Judges everything as right, and looks at the result before the last one.
async fn judge_all(server: &Server, shop: &TestShop) {
    let mut n_judged = 0;
    loop {
        let items = server.open_items(shop).await;
        for item in &items {
            n_judged += 1;
            server.judge(shop, item, (Role::Staff, "accept")).await.expect(200);
            if n_judged == 107 {
                let result = server.result(shop).await;
                assert_eq!(step(&result), "judge", "an answer as sure as the others is not judged yet");
            }
        }
        if items.is_empty() {
            return;
        }
    }
}

fn step(result: &Value) -> &str {
    result["chosen"]["step"]["kind"].as_str().unwrap()
}

#[tokio::test]
async fn from_a_file_to_a_promise() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::open(folder.path(), &memory()).await;
    let shop = server.http.shop("shoes").await;
    teach(&server, &shop).await;
    assert_eq!(step(&server.result(&shop).await), "begin");
    server.bring(&shop, ("past.csv", sheet(108).as_bytes())).await;
    server.worker.drain().await;
    let before = server.result(&shop).await;
    assert_eq!(before["chosen"]["step"], json!({ "kind": "judge", "n": 108, "n_open": 108 }));
    judge_all(&server, &shop).await;
    let result = server.result(&shop).await;
    assert_eq!((step(&result), &result["chosen"]["share"]), ("promise", &json!(1.0)), "{result}");
    assert_eq!(result["chosen"]["assessment"]["n"], 72);
    let strict = result["others"].as_array().unwrap().iter().find(|one| one["target_error"] == 0.02).unwrap();
    assert_eq!((strict["step"]["kind"].as_str(), &strict["assessment"]["can_certify"]), (Some("bring"), &json!(false)));
    assert_eq!(strict["assessment"]["needed"]["min_clean"], 183);

    // The promise is made of these labels, and they say with which chance they came.
    let whole = Period { from_ms: 0, until_ms: i64::MAX };
    let rows = ops::rehearsed_rows(&server.app.db, shop.id, whole).await.unwrap();
    let label = labels::of_turn(&server.app.db, shop.id, rows[0].turn).await.unwrap().pop().unwrap();
    assert_eq!((label.source, label.propensity), (LabelSource::Rehearsal, 1.0));
    let dial = json!({ "target_error": 0.05, "certainty": 0.95, "audit_rate": 0.05 });
    let number = server.http.get(&shop.caller(Role::Ops), "/v1/ops/policy").await.expect(200).json()["number"].clone();
    let body = json!({ "scope": "shop", "dial": dial, "mode": "auto", "note": "first day", "based_on": number });
    let turned = server.http.call(Method::PUT, &shop.caller(Role::Ops), "/v1/ops/dial", Some(body)).await.expect(200);
    let scope = turned.json()["scopes"][0].clone();
    assert_eq!((scope["state"].as_str(), &scope["certificate"]["n"]), (Some("certified"), &json!(72)), "{scope}");
    assert_eq!((&scope["watch"]["n_audited"], &scope["watch"]["n_sent"]), (&json!(0), &json!(0)));

    // What was judged is not asked again.
    let again = server.bring(&shop, ("again.csv", sheet(109).as_bytes())).await;
    server.worker.drain().await;
    let shown = server.shown(&shop, &again).await;
    assert_eq!((&shown["n_questions"], &shown["n_refused"]), (&json!(1), &json!(108)));
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_goes_on_where_it_was() {
    let (folder, vectors) = (tempfile::tempdir().unwrap(), memory());
    let server = Server::open(folder.path(), &vectors).await;
    let shop = server.http.shop("shoes").await;
    teach(&server, &shop).await;
    let id = server.bring(&shop, ("past.csv", sheet(30).as_bytes())).await;
    let n_answered = |shown: &Value| shown["n_answered"].as_u64().unwrap();
    let some_are_answered = async {
        while n_answered(&server.shown(&shop, &id).await) < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = server.worker.drain() => panic!("all were answered before anybody looked"),
        () = some_are_answered => {}
    }
    let before = server.shown(&shop, &id).await;
    assert_eq!(before["state"], "answering");
    assert!(before["eta_ms"].is_number(), "{before}");
    server.app.db.close().await;
    drop(server);

    let server = Server::open(folder.path(), &vectors).await;
    server.worker.recover().await.unwrap();
    server.worker.drain().await;
    let after = server.shown(&shop, &id).await;
    assert_eq!((after["state"].as_str(), n_answered(&after)), (Some("answered"), 30));
    let whole = Period { from_ms: 0, until_ms: i64::MAX };
    let rows = ops::rehearsed_rows(&server.app.db, shop.id, whole).await.unwrap();
    assert_eq!(rows.len(), 30, "each is answered once");
    assert_eq!(kefu::storage::check::violations(&server.app.db).await.unwrap(), []);
}

#[tokio::test]
async fn it_can_be_stopped_and_a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::open(folder.path(), &memory()).await;
    let shop = server.http.shop("shoes").await;
    let staff = shop.caller(Role::Staff);
    teach(&server, &shop).await;
    let broken = server.bring(&shop, ("photo.csv", b"\x89PNG\r\n\x1a\n....")).await;
    server.worker.drain().await;
    let shown = server.shown(&shop, &broken).await;
    assert_eq!((shown["state"].as_str(), shown["problem"]["code"].as_str()), (Some("failed"), Some("unsupported")));

    let id = server.bring(&shop, ("past.csv", sheet(4).as_bytes())).await;
    let steer = async |verb: &str| server.http.post(&staff, &format!("{BRING}/{id}/{verb}"), json!({})).await;
    assert_eq!(steer("pause").await.expect(409).code(), "rehearsal_moved", "it is still being read");
    let cancelled = server.bring(&shop, ("other.csv", sheet(9).as_bytes())).await;
    server.http.post(&staff, &format!("{BRING}/{cancelled}/cancel"), json!({})).await.expect(200);
    let read = async {
        while server.shown(&shop, &id).await["state"] != "answering" {
            tokio::task::yield_now().await;
        }
        steer("pause").await.expect(200)
    };
    let ((), paused) = tokio::join!(server.worker.drain(), read);
    assert_eq!(paused.json()["eta_ms"], Value::Null);
    let shown = server.shown(&shop, &id).await;
    assert!(shown["n_answered"].as_u64().unwrap() < 4 && shown["state"] == "paused", "{shown}");
    steer("resume").await.expect(200);
    server.worker.drain().await;
    let shown = server.shown(&shop, &id).await;
    assert_eq!((shown["state"].as_str(), &shown["n_answered"]), (Some("answered"), &json!(4)));
    assert_eq!(steer("cancel").await.expect(409).code(), "rehearsal_moved");
    let shown = server.shown(&shop, &cancelled).await;
    assert_eq!((shown["state"].as_str(), &shown["n_questions"]), (Some("cancelled"), &json!(0)));
    let left: Vec<_> = walk(&folder.path().join("files"));
    assert_eq!(left.len(), 1, "of the uploads only the manual is kept: {left:?}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
