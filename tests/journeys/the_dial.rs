//! Ops promise something about wrong answers: it is proven from labels, watched by blind looks, and taken back by itself.

use std::collections::BTreeMap;

use axum::http::Method;
use kefu::domain::conversation::{Author, Citation};
use kefu::domain::decision::{Decision, Evidence, LabelChance, Reason, decide_under, label_chance};
use kefu::domain::dial::Standing;
use kefu::domain::golden;
use kefu::domain::ids::{CertificateId, ChunkId, DocumentId, TurnId};
use kefu::domain::outcome::{LabelSource, Outcome};
use kefu::domain::score::Confidence;
use kefu::domain::text::Lang;
use kefu::learn::dial;
use kefu::storage::accounts::Role;
use kefu::storage::bases::{self, NewBasis};
use kefu::storage::conversations::{self, ConversationKind, NewConversation};
use kefu::storage::labels::{self, NewLabel};
use kefu::storage::looks::{self, NewLook};
use kefu::storage::turns::{self, NewDecision, NewQuestion, NewReply};
use kefu::storage::{epochs, policies};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Caller, TestApp, TestShop, fingerprint};

/// A past turn: how sure the assistant was, under which proof it was sent, if it was, and whether the answer was a golden
/// one.
#[derive(Clone, Copy)]
pub struct Past {
    pub confidence: f64,
    pub sent_under: Option<CertificateId>,
    pub is_golden: bool,
}

impl Past {
    pub fn drafted(confidence: f64) -> Self {
        Self { confidence, sent_under: None, is_golden: false }
    }
}

fn citation(chunk: ChunkId) -> Citation {
    Citation {
        number: 1,
        chunk,
        document: "returns.md".into(),
        heading_path: vec![],
        page: None,
        quote: "7 days".into(),
        span: None,
        parts: vec![],
    }
}

fn evidence(confidence: f64) -> Evidence {
    let confidence = Confidence::new(confidence).unwrap();
    Evidence {
        escalations: vec![],
        holds: vec![],
        grounded_share: 1.0,
        confidence,
        topic: "returns".into(),
        about: None,
    }
}

/// Writes a turn of the past as the answering job would have: in a conversation of its own, asking something of its own.
pub async fn past(app: &TestApp, shop: &TestShop, past: Past, outcome: Option<Outcome>) -> TurnId {
    let db = &app.state.db;
    app.clock.advance(1000);
    let policy = policies::current(db, shop.id).await.unwrap().id;
    let mut tx = db.begin().await.unwrap();
    let new = NewConversation {
        kind: ConversationKind::Buyer,
        widget: Some(shop.widget),
        buyer_hash: "b",
        lang: Lang::En,
        sku: None,
    };
    let thread = conversations::create(&mut tx, shop.id, &new).await.unwrap().id;
    let text = format!("question at {}", app.state.now_ms());
    let question = NewQuestion { text: &text, client_key: None, lang: Lang::En };
    let turn = turns::ask(&mut tx, shop.id, thread, &question).await.unwrap().unwrap().turn;
    let (decision, chance) = match past.sent_under {
        Some(_) => (Decision::AutoSend { audit: true }, LabelChance { of_all: 0.2, own: 0.2 }),
        None => (Decision::Review { reasons: vec![Reason::NotAutomatic] }, LabelChance { of_all: 1.0, own: 1.0 }),
    };
    let cited = [citation(ChunkId(Uuid::from_u128(9)))];
    let (mut seen, mut citations) = (evidence(past.confidence), cited.as_slice());
    if past.is_golden {
        (seen.about, citations) = (Some(std::mem::replace(&mut seen.topic, golden::TOPIC.into())), &[]);
    }
    let new = NewDecision {
        turn,
        expected_version: 0,
        draft: Some("Within 7 days [1]."),
        citations,
        evidence: &seen,
        decision: &decision,
        policy,
        draw: 0.1,
        record: &json!({}),
    };
    let version = turns::record_decision(&mut tx, shop.id, &new).await.unwrap().unwrap();
    let pipeline = fingerprint().key();
    let sources = BTreeMap::new();
    let basis = NewBasis { certificate: past.sent_under, pipeline: &pipeline, chance, sources: &sources };
    assert!(bases::insert(&mut tx, shop.id, turn, &basis).await.unwrap());
    if past.sent_under.is_some() {
        let author = Author::Assistant;
        let reply =
            NewReply { turn, expected_version: version, author, account: None, text: "Within 7 days.", citations: &[] };
        turns::reply(&mut tx, shop.id, &reply).await.unwrap().unwrap();
        let look = NewLook { turn, source: LabelSource::Audit, propensity: 0.2, not_by: None };
        looks::queue(&mut tx, shop.id, &look).await.unwrap();
    }
    if let Some(outcome) = outcome {
        let account = shop.account(Role::Agent);
        let label = NewLabel { turn, account, outcome, source: LabelSource::Review, propensity: 1.0 };
        labels::insert(&mut tx, shop.id, &label).await.unwrap().unwrap();
    }
    tx.commit().await.unwrap();
    turn
}

/// So many reviewed drafts: those above 0.5 are right, those below are wrong.
pub async fn reviewed(app: &TestApp, shop: &TestShop, n: u32) {
    for nth in 0..n {
        let confidence = f64::from(nth % 20) / 20.0 + 0.025;
        let outcome = if confidence > 0.5 { Outcome::Accept } else { Outcome::RejectWrong };
        past(app, shop, Past::drafted(confidence), Some(outcome)).await;
    }
}

pub async fn turn_dial(app: &TestApp, caller: &Caller, scope: &str, target: f64) -> Value {
    let number = app.get(caller, "/v1/ops/policy").await.expect(200).json()["number"].clone();
    let dial = json!({ "target_error": target, "certainty": 0.95, "audit_rate": 0.05 });
    let body = json!({ "scope": scope, "dial": dial, "mode": "auto", "note": "a promise", "based_on": number });
    app.call(Method::PUT, caller, "/v1/ops/dial", Some(body)).await.expect(200).json()
}

/// Presses the button as somebody does who has just read the page.
pub async fn certify(app: &TestApp, caller: &Caller, scope: &str) -> Answer {
    let number = app.get(caller, "/v1/ops/policy").await.expect(200).json()["number"].clone();
    app.post(caller, "/v1/ops/dial/certify", json!({ "scope": scope, "based_on": number })).await
}

pub fn certificate_of(dial: &Value) -> CertificateId {
    dial["scopes"][0]["certificate"]["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_shop_without_labels_promises_and_sends_nothing() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    let before = app.get(&ops, "/v1/ops/dial").await.expect(200).json();
    assert_eq!(
        (before["scopes"][0]["state"].as_str(), before["scopes"][0]["bar"].as_f64()),
        (Some("by_hand"), Some(1.0))
    );
    let promised = turn_dial(&app, &ops, "shop", 0.05).await;
    let scope = &promised["scopes"][0];
    assert_eq!((scope["state"].as_str(), scope["bar"].is_null()), (Some("not_certified"), true));
    let needed = &scope["last_attempt"]["needed"];
    assert_eq!((needed["min_clean"].as_u64(), needed["n_more"].as_u64()), (Some(72), Some(108)));
    let policy = policies::current(&app.state.db, shop.id).await.unwrap().policy;
    let found = dial::find(&app.state.db, shop.id, (&policy, "returns"), &fingerprint()).await.unwrap();
    assert_eq!(decide_under(&evidence(1.0), &policy, found.standing, 0.5).reasons(), [Reason::NotCertified]);
    let off = json!({ "scope": "shop", "dial": null, "note": "no", "based_on": 2 });
    let off = app.call(Method::PUT, &ops, "/v1/ops/dial", Some(off)).await.expect(200).json();
    assert_eq!(off["scopes"][0]["state"], "by_hand");
    let refused = app.post(&ops, "/v1/ops/dial/certify", json!({ "scope": "shop", "based_on": 3 })).await.expect(409);
    assert_eq!(refused.code(), "dial_off");
}

#[tokio::test]
async fn a_promise_out_of_range_or_based_on_an_old_version_is_refused() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    let body = |target: f64, based_on: u32| {
        let dial = json!({ "target_error": target, "certainty": 0.95, "audit_rate": 0.05 });
        Some(json!({ "scope": "shop", "dial": dial, "based_on": based_on }))
    };
    let wide = app.call(Method::PUT, &ops, "/v1/ops/dial", body(0.5, 1)).await.expect(422).json();
    assert_eq!(wide["errors"][0]["field"], "dial.target_error");
    let stale = app.call(Method::PUT, &ops, "/v1/ops/dial", body(0.05, 7)).await.expect(409);
    assert_eq!(stale.code(), "policy_changed");
    for path in ["evidence?scope=nonsense", "evidence?days=0", "weeks?weeks=0", "weeks?offset_minutes=9999"] {
        app.get(&ops, &format!("/v1/ops/dial/{path}")).await.expect(422);
    }
}

#[tokio::test]
async fn labels_prove_a_promise_and_the_proof_is_the_bar() {
    let app = TestApp::new().await;
    let (shop, other) = (app.shop("teahouse").await, app.shop("other").await);
    let ops = shop.caller(Role::Ops);
    reviewed(&app, &shop, 240).await;
    let scope = turn_dial(&app, &ops, "shop", 0.05).await["scopes"][0].clone();
    assert_eq!(scope["state"], "certified", "{scope}");
    let proof = &scope["certificate"];
    let bar = proof["bar"].as_f64().unwrap();
    assert!(bar > 0.5 && scope["bar"].as_f64() == Some(bar), "{scope}");
    assert!(proof["bound"].as_f64().unwrap() <= 0.05 && proof["n"].as_u64().unwrap() >= 59);
    assert_eq!(
        (proof["n_fit"].as_u64(), proof["n_certify"].as_u64(), proof["k"].as_u64()),
        (Some(80), Some(160), Some(0))
    );
    assert_eq!(
        (proof["annotators"][0].as_str(), proof["state"].as_str()),
        (Some("Agent of teahouse"), Some("in_force"))
    );
    assert_eq!((scope["watch"]["audit_rate"].as_f64(), scope["watch"]["state"].as_str()), (Some(0.2), Some("calm")));

    let policy = policies::current(&app.state.db, shop.id).await.unwrap().policy;
    let found = dial::find(&app.state.db, shop.id, (&policy, "returns"), &fingerprint()).await.unwrap();
    let decided = |confidence, draw| {
        let decision = decide_under(&evidence(confidence), &policy, found.standing, draw);
        (decision.clone(), label_chance(&evidence(confidence), &policy, found.standing, &decision))
    };
    let (sent, chance) = decided(bar, 0.1);
    assert_eq!((sent, chance), (Decision::AutoSend { audit: true }, LabelChance { of_all: 0.2, own: 0.2 }));
    assert_eq!(decided(bar - 0.01, 0.1).0.reasons(), [Reason::BelowBar]);

    let again = certify(&app, &ops, "shop").await.expect(200).json();
    assert_eq!(again["scopes"][0]["certificate"]["id"], proof["id"], "too few rows since");
    let stricter = turn_dial(&app, &ops, "shop", 0.01).await["scopes"][0].clone();
    assert_eq!((stricter["state"].as_str(), stricter["bar"].is_null()), (Some("not_certified"), true));
    let list = app.get(&ops, "/v1/ops/certificates?scope=shop").await.expect(200).json();
    assert_eq!(list["certificates"].as_array().unwrap().len(), 1);
    let log = app.get(&ops, "/v1/ops/audit").await.expect(200).json();
    assert!(log["entries"].as_array().unwrap().iter().any(|entry| entry["action"] == "certified"));
    let theirs = app.get(&other.caller(Role::Ops), "/v1/ops/certificates").await.expect(200).json();
    assert_eq!(theirs["certificates"], json!([]));
    let path = format!("/v1/ops/certificates/{}/void", proof["id"].as_str().unwrap());
    app.post(&other.caller(Role::Ops), &path, json!({})).await.expect(404);
}

#[tokio::test]
async fn another_pipeline_voids_the_proof_and_nothing_is_sent() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    reviewed(&app, &shop, 240).await;
    let id = certificate_of(&turn_dial(&app, &ops, "shop", 0.05).await);
    let db = &app.state.db;
    let policy = policies::current(db, shop.id).await.unwrap().policy;
    let mut other = fingerprint();
    other.prompts = "another prompt".into();
    let found = dial::find(db, shop.id, (&policy, "returns"), &other).await.unwrap();
    assert_eq!((found.standing, found.lapsed), (Standing::Held { reason: Reason::NotCertified }, Some(id)));
    let mut tx = db.begin().await.unwrap();
    dial::void_lapsed(&mut tx, shop.id, id).await.unwrap();
    tx.commit().await.unwrap();
    let scope = app.get(&ops, "/v1/ops/dial").await.expect(200).json()["scopes"][0].clone();
    assert_eq!(
        (scope["state"].as_str(), scope["certificate"]["voided_why"].as_str()),
        (Some("probation"), Some("pipeline_changed"))
    );
}

#[tokio::test]
async fn an_answer_that_cites_a_changed_document_is_held_until_somebody_has_looked() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (ops, staff) = (shop.caller(Role::Ops), shop.caller(Role::Staff));
    let uploaded =
        app.upload(&staff, "/v1/knowledge/documents", &[("returns.md", b"# Returns")]).await.expect(202).json();
    let id = |name: &str| uploaded["results"][0][name].as_str().unwrap().to_owned();
    let (document, revision): (DocumentId, _) =
        (id("document_id").parse().unwrap(), id("revision_id").parse().unwrap());
    app.index(&shop, revision, &["Within 7 days."]).await;
    let chunk = ChunkId::derive(revision, 0);
    reviewed(&app, &shop, 240).await;
    turn_dial(&app, &ops, "shop", 0.05).await;
    let db = &app.state.db;
    let standing = async || {
        let policy = policies::current(db, shop.id).await.unwrap().policy;
        let found = dial::find(db, shop.id, (&policy, "returns"), &fingerprint()).await.unwrap();
        found.for_citing(&[chunk], &epochs::of_chunks(db, shop.id, &[chunk]).await.unwrap())
    };
    assert!(matches!(standing().await, Standing::Proven { .. }));
    let patch = json!({ "text": "Within 14 days." });
    app.call(Method::PATCH, &staff, &format!("/v1/knowledge/chunks/{chunk}"), Some(patch)).await.expect(200);
    assert_eq!(standing().await, Standing::Held { reason: Reason::SourceChanged });
    let scope = app.get(&ops, "/v1/ops/dial").await.expect(200).json()["scopes"][0].clone();
    assert_eq!(
        (scope["state"].as_str(), &scope["changed_documents"][0]["document_id"]),
        (Some("certified"), &json!(document))
    );
    let verified =
        app.post(&ops, &format!("/v1/ops/documents/{document}/verified"), json!({})).await.expect(200).json();
    assert_eq!(verified["scopes"][0]["changed_documents"], json!([]));
    assert!(matches!(standing().await, Standing::Proven { .. }));
    app.post(&staff, &format!("/v1/ops/documents/{document}/verified"), json!({})).await.expect(403);
}

#[tokio::test]
async fn too_many_audited_errors_end_the_proof_and_old_labels_do_not_bring_it_back() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (ops, agent) = (shop.caller(Role::Ops), shop.caller(Role::Agent));
    reviewed(&app, &shop, 240).await;
    let id = certificate_of(&turn_dial(&app, &ops, "shop", 0.05).await);
    let mut told = vec![];
    for _ in 0..8 {
        past(&app, &shop, Past { confidence: 0.95, sent_under: Some(id), is_golden: false }, None).await;
        let queue = app.get(&agent, "/v1/console/audits").await.expect(200).json();
        let item = &queue["audits"][0];
        assert_eq!((queue["n_open"].as_u64(), item["answer"].as_str()), (Some(1), Some("Within 7 days [1].")));
        assert!(item["confidence"].is_null() && item["decision"].is_null(), "blind: {item}");
        let path = format!("/v1/console/audits/{}", item["id"].as_str().unwrap());
        app.clock.advance(1);
        let labelled = app.post(&agent, &path, json!({ "outcome": "reject_wrong" })).await.expect(200).json();
        assert_eq!((labelled["is_loss"].as_bool(), labelled["was_auto_sent"].as_bool()), (Some(true), Some(true)));
        assert_eq!(
            app.post(&agent, &path, json!({ "outcome": "accept" })).await.expect(409).code(),
            "already_resolved"
        );
        told.push(labelled["watch"].as_str().unwrap().to_owned());
        if told.last().is_some_and(|state| state == "fell_back") {
            break;
        }
    }
    assert_eq!((told[0].as_str(), told.last().map(String::as_str)), ("calm", Some("fell_back")), "{told:?}");
    let scope = app.get(&ops, "/v1/ops/dial").await.expect(200).json()["scopes"][0].clone();
    assert_eq!(
        (scope["state"].as_str(), scope["certificate"]["voided_why"].as_str()),
        (Some("fallen_back"), Some("alarm"))
    );
    let again = certify(&app, &ops, "shop").await.expect(200).json();
    assert_eq!(again["scopes"][0]["state"], "fallen_back", "what was asked before the alarm proves nothing");
    assert_eq!(again["scopes"][0]["last_attempt"]["n_certify"], 0);
    let log = app.get(&ops, "/v1/ops/audit").await.expect(200).json();
    let actions: Vec<_> =
        log["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"auto_send_fell_back") && actions.contains(&"topic_held"), "{actions:?}");
    let policy = app.get(&ops, "/v1/ops/policy").await.expect(200).json();
    assert_eq!(
        (policy["policy"]["topics"]["returns"]["mode"].as_str(), policy["author"].is_null()),
        (Some("assist"), true)
    );
    let weeks = app.get(&ops, "/v1/ops/dial/weeks?weeks=2").await.expect(200).json();
    assert_eq!(
        (weeks["weeks"].as_array().unwrap().len(), weeks["e_process"].as_array().unwrap().len()),
        (2, told.len())
    );
}

#[tokio::test]
async fn a_proof_is_ended_by_hand_at_once() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    reviewed(&app, &shop, 240).await;
    let id = certificate_of(&turn_dial(&app, &ops, "shop", 0.05).await);
    let path = format!("/v1/ops/certificates/{id}/void");
    app.post(&shop.caller(Role::Agent), &path, json!({ "note": "?" })).await.expect(403);
    let ended = app.post(&ops, &path, json!({ "note": "prices change tonight" })).await.expect(200).json();
    let scope = &ended["scopes"][0];
    assert_eq!(
        (scope["state"].as_str(), scope["certificate"]["voided_by"].as_str()),
        (Some("not_certified"), Some("Ops of teahouse"))
    );
}

#[tokio::test]
async fn the_plots_are_drawn_from_what_was_labelled() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    reviewed(&app, &shop, 100).await;
    past(&app, &shop, Past::drafted(0.97), None).await;
    let seen = app.get(&ops, "/v1/ops/dial/evidence").await.expect(200).json();
    assert_eq!((seen["n_turns"].as_u64(), seen["n_labelled"].as_u64()), (Some(101), Some(100)));
    assert_eq!((seen["reliability"].as_array().unwrap().len(), seen["histogram"].as_array().unwrap().len()), (10, 20));
    assert_eq!(
        (seen["histogram"][19]["accept"].as_u64(), seen["histogram"][19]["unlabelled"].as_u64()),
        (Some(5), Some(1))
    );
    assert_eq!((seen["auroc"].as_f64(), seen["near_bar"].as_array().unwrap().len()), (Some(1.0), 30));
    let curve = seen["curve"].as_array().unwrap();
    assert_eq!((curve.last().unwrap()["n"].as_u64(), curve.last().unwrap()["k"].as_u64()), (Some(100), Some(50)));
    let topics = app.get(&ops, "/v1/ops/dial/topics").await.expect(200).json();
    let topic = &topics["topics"][0];
    assert_eq!(
        (topic["topic"].as_str(), topic["covered_by"].as_str(), topic["n_wrong"].as_u64()),
        (Some("returns"), Some("by_hand"), Some(50))
    );
}

#[tokio::test]
async fn an_edit_is_style_or_fact_and_the_agent_has_the_last_word() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let agent = shop.caller(Role::Agent);
    let mut outcomes = vec![];
    for (text, kind, proposed) in [
        ("Within 14 days.", Value::Null, "fact"),
        ("You have 7 days.", Value::Null, "style"),
        ("Within 14 days.", json!("style"), "fact"),
    ] {
        let turn = app.ask(conversation, &buyer, "How do I return it?").await;
        app.draft(&shop, turn, "Within 7 days.", &[]).await;
        let path = format!("/v1/console/turns/{turn}");
        let told = app.post(&agent, &format!("{path}/edit-kind"), json!({ "text": text })).await.expect(200).json();
        assert_eq!(told["kind"], proposed);
        let body = json!({ "version": 1, "text": text, "kind": kind });
        let sent = app.post(&agent, &format!("{path}/edit"), body).await.expect(200).json();
        assert_eq!(sent["label"]["proposed"], proposed);
        outcomes.push(labels::of_turn(&app.state.db, shop.id, turn).await.unwrap()[0].outcome);
    }
    assert_eq!(outcomes, [Outcome::EditFact, Outcome::EditStyle, Outcome::EditStyle]);
    let turn = app.ask(conversation, &buyer, "And now?").await;
    app.draft(&shop, turn, "Within 7 days.", &[]).await;
    let body = json!({ "version": 1, "reason": "should_not_answer" });
    app.post(&agent, &format!("/v1/console/turns/{turn}/reject"), body).await.expect(200);
    let labelled = labels::of_turn(&app.state.db, shop.id, turn).await.unwrap();
    assert_eq!(labelled.iter().map(|label| label.outcome).collect::<Vec<_>>(), [Outcome::RejectShouldNotAnswer]);
}

#[tokio::test]
async fn a_second_look_is_taken_by_somebody_else() {
    let mut app = TestApp::new().await;
    app.state.draw = std::sync::Arc::new(|| 0.01);
    app.router = kefu::http::router(app.state.clone());
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let (agent, owner) = (shop.caller(Role::Agent), shop.caller(Role::Owner));
    let turn = app.ask(conversation, &buyer, "How do I return it?").await;
    app.draft(&shop, turn, "Within 7 days.", &[]).await;
    let sent = app.post(&agent, &format!("/v1/console/turns/{turn}/accept"), json!({ "version": 1 })).await.expect(200);
    assert_eq!(
        sent.json()["label"],
        json!({ "outcome": "accept", "proposed": null, "difference": null, "because": [] }),
        "nothing is told"
    );
    assert_eq!(app.get(&agent, "/v1/console/audits").await.expect(200).json()["n_open"], 0, "not their own");
    let queue = app.get(&owner, "/v1/console/audits").await.expect(200).json();
    let path = format!("/v1/console/audits/{}", queue["audits"][0]["id"].as_str().unwrap());
    app.post(&agent, &path, json!({ "outcome": "accept" })).await.expect(409);
    app.clock.advance(1);
    let labelled = app.post(&owner, &path, json!({ "outcome": "edit_fact" })).await.expect(200).json();
    assert_eq!((labelled["was_auto_sent"].as_bool(), labelled["watch"].is_null()), (Some(false), true));
}

#[tokio::test]
async fn a_past_period_is_tried_at_another_bar() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    let from_ms = app.state.now_ms();
    reviewed(&app, &shop, 40).await;
    let until_ms = app.state.now_ms() + 1;
    past(&app, &shop, Past::drafted(0.99), None).await;
    let mut policy = app.get(&ops, "/v1/ops/policy").await.json()["policy"].clone();
    (policy["bar"], policy["mode"]) = (json!(0.25), json!("auto"));
    let body = json!({ "policy": policy, "from_ms": from_ms, "until_ms": until_ms, "max_changes": 3 });
    let tried = app.post(&ops, "/v1/ops/preview", body).await.expect(200).json();
    assert_eq!(
        (tried["n_turns"].as_u64(), tried["n_auto_sent"].as_u64(), tried["n_wrong"].as_u64()),
        (Some(40), Some(30), Some(10))
    );
    let wrong = &tried["wrong"];
    assert!(wrong["lower"].as_f64() < wrong["share"].as_f64() && wrong["share"].as_f64() < wrong["upper"].as_f64());
    assert_eq!(
        (tried["agent_minutes"]["current"].as_f64(), tried["agent_minutes"]["proposed"].as_f64()),
        (Some(60.0), Some(15.0))
    );
    assert_eq!((tried["n_changes"].as_u64(), tried["changes"].as_array().unwrap().len()), (Some(30), 3));
    let backwards = json!({ "policy": policy, "from_ms": until_ms, "until_ms": from_ms });
    app.post(&ops, "/v1/ops/preview", backwards).await.expect(422);
}
