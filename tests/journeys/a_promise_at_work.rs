//! The answering job under a promise: what is proven is sent and sampled, what is not is held.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use kefu::answer::Answering;
use kefu::app::App;
use kefu::app::engines::Engines;
use kefu::config::{Config, Flags};
use kefu::domain::calibration::{Calibration, Provenance};
use kefu::domain::certificate::{Fingerprint, Terms, VoidReason};
use kefu::domain::check::Finding;
use kefu::domain::decision::{Decision, Reason};
use kefu::domain::dial::{Dial, Scope};
use kefu::domain::ids::{AccountId, CertificateId, ChunkId, ShopId, TurnId};
use kefu::domain::outcome::{LabelSource, Outcome};
use kefu::domain::policy::{Mode, Policy};
use kefu::domain::text::Lang;
use kefu::http::state::{Component, ComponentState, Components, HealthView};
use kefu::inference::Embedder;
use kefu::inference::fake::{HashEmbedder, ScriptedGenerator};
use kefu::jobs::{Runner, RunnerOptions};
use kefu::learn::{dial, probation};
use kefu::lifecycle::Lifecycle;
use kefu::retrieve::Retriever;
use kefu::storage::certificates::{self, NewCertificate};
use kefu::storage::conversations::{self, ConversationKind, NewConversation};
use kefu::storage::labels::{self, NewLabel};
use kefu::storage::ops::{self, Period, ReplayRow};
use kefu::storage::policies::{self, NewPolicy};
use kefu::storage::turns::{self, NewQuestion};
use kefu::storage::uploads::{self, Said};
use kefu::storage::{chunks, epochs, looks, promise_checks, reasked, shops};
use kefu::vectors::memory::MemoryStore;
use uuid::Uuid;

const DIAL: Dial = Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };

struct AllReady;

impl HealthView for AllReady {
    fn components(&self) -> Components {
        let part = || Component { id: "scripted".into(), state: ComponentState::Ready, detail: None };
        Components { index: part(), embedder: part(), generator: part() }
    }
}

pub(crate) async fn open(folder: &Path) -> App {
    let config = Config::load(folder, None, &Flags::default()).unwrap();
    let embedder = HashEmbedder::default();
    let engines = Engines {
        vectors: Arc::new(MemoryStore::new(embedder.spec().dim)),
        embedder: Arc::new(embedder),
        generator: Arc::new(ScriptedGenerator::new(|_| Ok("1".to_owned()))),
        health: Arc::new(AllReady),
        reader: env!("CARGO_BIN_EXE_kefu").into(),
    };
    App::with_engines(&config, folder, engines, Lifecycle::default()).await.unwrap()
}

/// As sure of everything as the other.
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

/// A worker that draws every sent answer for an audit.
pub(crate) fn runner(app: &App, fingerprint: Fingerprint) -> Runner {
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
        fingerprint: Arc::new(fingerprint),
        draw: Arc::new(|| 0.1),
        options: RunnerOptions::default(),
    }
}

/// A shop that promises 5 %, and knows one thing.
async fn shop(app: &App) -> ShopId {
    let stored =
        app.files.put(b"# Returns\n\nUnworn shoes can be returned within 30 days of delivery.\n").await.unwrap();
    let mut tx = app.db.begin().await.unwrap();
    let shop = shops::create(&mut tx, "shoes", Lang::En).await.unwrap().id;
    let policy = Policy { mode: Mode::Auto, dial: Some(DIAL), ..Policy::review_everything() };
    let new = NewPolicy { policy: &policy, author: None, note: "", based_on: None };
    policies::append(&mut tx, shop, &new).await.unwrap().unwrap();
    uploads::register(&mut tx, shop, "returns.md", &Said::default(), &stored).await.unwrap();
    tx.commit().await.unwrap();
    app.runner.drain().await;
    shop
}

async fn prove(app: &App, shop: ShopId) -> CertificateId {
    prove_from(app, shop, vec![]).await
}

async fn prove_from(app: &App, shop: ShopId, turns: Vec<TurnId>) -> CertificateId {
    let documents = epochs::all(&app.db, shop).await.unwrap();
    let terms = Terms {
        dial: DIAL,
        bar: 0.9,
        n: 100,
        k: 0,
        bound: 0.03,
        coverage: 0.5,
        reviewer_error: None,
        n_fit: 100,
        n_certify: 200,
        n_collapsed: 0,
        n_starts: 1,
        n_promises: 1,
        nth_try: 1,
        watched_with: vec![],
        grid: vec![0.9],
        fingerprint: app.fingerprint.as_ref().clone(),
        epochs: documents.iter().map(|one| (one.document, one.epoch)).collect::<BTreeMap<_, _>>(),
        other_topics: BTreeSet::new(),
        min_grounded_share: Policy::review_everything().min_grounded_share,
        turns,
        annotators: BTreeSet::new(),
    };
    let mut tx = app.db.begin().await.unwrap();
    let new = NewCertificate { scope: &Scope::Shop, terms: &terms, author: None, note: "" };
    let id = certificates::issue(&mut tx, shop, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// Asks in a conversation of its own; what became of it.
async fn ask(app: &App, shop: ShopId, runner: &Runner) -> ReplayRow {
    let mut tx = app.db.begin().await.unwrap();
    let new =
        NewConversation { kind: ConversationKind::Buyer, widget: None, buyer_hash: "b", lang: Lang::En, sku: None };
    let thread = conversations::create(&mut tx, shop, &new).await.unwrap().id;
    let question =
        NewQuestion { text: "Can unworn shoes be returned after delivery?", client_key: None, lang: Lang::En };
    let turn = turns::ask(&mut tx, shop, thread, &question).await.unwrap().unwrap().turn;
    tx.commit().await.unwrap();
    runner.drain().await;
    let whole = Period { from_ms: 0, until_ms: i64::MAX };
    let rows = ops::replay_rows(&app.db, shop, whole).await.unwrap();
    rows.into_iter().find(|row| row.turn == turn).unwrap()
}

#[tokio::test]
async fn what_is_proven_is_sent_and_sampled_and_what_is_not_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path()).await;
    let shop = shop(&app).await;
    let worker = runner(&app, app.fingerprint.as_ref().clone());
    let unproven = ask(&app, shop, &worker).await;
    assert_eq!(unproven.decision.reasons(), [Reason::NotCertified], "{unproven:?}");
    let basis = unproven.basis.unwrap();
    assert_eq!((basis.certificate, basis.chance_of_all, basis.sources.len()), (None, 1.0, 1));

    let proof = prove(&app, shop).await;
    let sent = ask(&app, shop, &worker).await;
    assert_eq!(sent.decision, Decision::AutoSend { audit: true });
    let basis = sent.basis.unwrap();
    assert_eq!((basis.certificate, basis.chance_of_all), (Some(proof), 0.2));
    assert_eq!(basis.pipeline, app.fingerprint.key());
    let agent = AccountId(Uuid::from_u128(3));
    let waiting = looks::open(&app.db, shop, agent, 9).await.unwrap();
    assert_eq!(
        waiting.iter().map(|look| (look.turn, look.certificate)).collect::<Vec<_>>(),
        [(sent.turn, Some(proof))]
    );
    assert_eq!(certificates::n_sent(&app.db, shop, proof).await.unwrap(), 1);

    let document = epochs::all(&app.db, shop).await.unwrap()[0].document;
    let chunk: ChunkId = looked_up(&app, shop, sent.turn).await;
    let mut tx = app.db.begin().await.unwrap();
    chunks::rewrite(&mut tx, shop, chunk, "Unworn shoes can be returned within 14 days of delivery.").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask(&app, shop, &worker).await.decision.reasons(), [Reason::SourceChanged]);
    let mut tx = app.db.begin().await.unwrap();
    assert!(epochs::verify(&mut tx, shop, document).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ask(&app, shop, &worker).await.decision.code(), "auto_send");

    let other = Fingerprint { model: "another".into(), ..app.fingerprint.as_ref().clone() };
    let changed = ask(&app, shop, &runner(&app, other)).await;
    assert_eq!(changed.decision.reasons(), [Reason::NotCertified]);
    let ended = certificates::get(&app.db, shop, proof).await.unwrap().unwrap();
    assert!(ended.is_voided_by(VoidReason::PipelineChanged));
    assert_eq!(ask(&app, shop, &worker).await.decision.code(), "review", "the old one back again proves nothing");
}

#[tokio::test]
async fn the_schedule_queues_one_look_a_night_at_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path()).await;
    let shop = shop(&app).await;
    let worker = runner(&app, app.fingerprint.as_ref().clone());
    for _ in 0..2 {
        worker.queue_what_is_due().await.unwrap();
        worker.drain().await;
    }
    let told = promise_checks::list(&app.db, shop, &Scope::Shop, 9).await.unwrap();
    assert_eq!(told.iter().map(|check| check.finding).collect::<Vec<_>>(), [Finding::NotProven]);
}

#[tokio::test]
async fn after_a_change_the_questions_of_the_lost_proof_are_asked_again_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path()).await;
    let shop = shop(&app).await;
    let worker = runner(&app, app.fingerprint.as_ref().clone());
    let asked = ask(&app, shop, &worker).await;
    let (account, source) = (AccountId(Uuid::from_u128(3)), LabelSource::Review);
    let label = NewLabel { turn: asked.turn, account, outcome: Outcome::Accept, source, propensity: 1.0 };
    let mut tx = app.db.begin().await.unwrap();
    labels::insert(&mut tx, shop, &label).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let proof = prove_from(&app, shop, vec![asked.turn]).await;
    assert_eq!(certificates::n_sent(&app.db, shop, proof).await.unwrap(), 0);
    worker.queue_what_is_due().await.unwrap();
    worker.drain().await;
    assert_eq!(reasked::turns_of(&app.db, shop, &app.fingerprint.key()).await.unwrap(), [], "nothing has changed");

    let other = Fingerprint { model: "another".into(), ..app.fingerprint.as_ref().clone() };
    let changed = runner(&app, other.clone());
    for _ in 0..2 {
        changed.queue_what_is_due().await.unwrap();
        changed.drain().await;
    }
    assert_eq!(reasked::turns_of(&app.db, shop, &other.key()).await.unwrap(), [asked.turn]);
    let policy = policies::current(&app.db, shop).await.unwrap().policy;
    let now = dial::stand(&app.db, shop, (&policy, &Scope::Shop), &other).await.unwrap();
    let told = probation::show(&app.db, shop, (&policy, &now), &other).await.unwrap().unwrap();
    assert_eq!((told.n_questions, told.n_asked, told.n_still_right, told.n_sent), (1, 1, 1, 1), "{told:?}");
    assert_eq!(ask(&app, shop, &changed).await.decision.reasons(), [Reason::NotCertified], "this proves nothing");
}

#[tokio::test]
async fn twenty_clean_reviews_of_a_changed_document_lift_the_hold() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path()).await;
    let shop = shop(&app).await;
    let worker = runner(&app, app.fingerprint.as_ref().clone());
    prove(&app, shop).await;
    let sent = ask(&app, shop, &worker).await;
    let chunk = looked_up(&app, shop, sent.turn).await;
    let mut tx = app.db.begin().await.unwrap();
    chunks::rewrite(&mut tx, shop, chunk, "Unworn shoes can be returned within 14 days of delivery.").await.unwrap();
    tx.commit().await.unwrap();
    let (account, source) = (AccountId(Uuid::from_u128(3)), LabelSource::Review);
    for nth in 1..=epochs::CLEAN_REVIEWS {
        let held = ask(&app, shop, &worker).await;
        assert_eq!(held.decision.reasons(), [Reason::SourceChanged], "the {nth}th");
        let label = NewLabel { turn: held.turn, account, outcome: Outcome::Accept, source, propensity: 1.0 };
        let mut tx = app.db.begin().await.unwrap();
        labels::insert(&mut tx, shop, &label).await.unwrap().unwrap();
        let credited = epochs::credit(&mut tx, shop, held.turn).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(credited.len(), usize::from(nth == epochs::CLEAN_REVIEWS));
    }
    assert_eq!(ask(&app, shop, &worker).await.decision.code(), "auto_send");
}

async fn looked_up(app: &App, shop: ShopId, turn: TurnId) -> ChunkId {
    turns::get(&app.db, shop, turn).await.unwrap().unwrap().citations[0].chunk
}
