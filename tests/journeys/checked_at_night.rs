//! The server looks at every promise at night: it says whether it holds, proves it anew, and takes away what ended.

use kefu::domain::dial::Standing;
use kefu::learn::signals::{Signals, Unhappy};
use kefu::learn::{dial, nightly, senses};
use kefu::storage::accounts::Role;
use kefu::storage::{policies, promise_signals};
use serde_json::{Value, json};

use crate::support::{TestApp, TestShop, fingerprint};
use crate::the_dial::{certificate_of, reviewed, turn_dial};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn checks(app: &TestApp, shop: &TestShop) -> Vec<Value> {
    let answer = app.get(&shop.caller(Role::Agent), "/v1/ops/dial/checks?scope=shop").await.expect(200).json();
    answer["checks"].as_array().unwrap().clone()
}

async fn look(app: &TestApp, shop: &TestShop) -> bool {
    nightly::check(&app.state.db, shop.id, &fingerprint()).await.unwrap()
}

#[tokio::test]
async fn a_proof_is_looked_at_once_a_night_and_what_ended_is_said_once() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    assert!(!look(&app, &shop).await, "nothing is promised");
    reviewed(&app, &shop, 240).await;
    let id = certificate_of(&turn_dial(&app, &ops, "shop", 0.05).await);
    assert!(!look(&app, &shop).await, "the proof stays as it is");
    look(&app, &shop).await;
    let told = checks(&app, &shop).await;
    assert_eq!((told.len(), told[0]["finding"].as_str()), (1, Some("still_holds")), "{told:?}");
    assert_eq!((told[0]["n_rows"].as_u64(), told[0]["n_more"].as_u64()), (Some(240), Some(450)));

    app.post(&ops, &format!("/v1/ops/certificates/{id}/void"), json!({ "note": "prices change" })).await.expect(200);
    for _ in 0..2 {
        app.clock.advance(DAY_MS);
        assert!(!look(&app, &shop).await, "what a person ended does not come back by itself");
    }
    let told = checks(&app, &shop).await;
    let findings: Vec<_> = told.iter().map(|check| check["finding"].as_str().unwrap()).collect();
    assert_eq!(findings, ["not_proven", "lost", "still_holds"]);
    assert_eq!((told[1]["because"].as_str(), told[1]["bar_to"].is_null()), (Some("by_hand"), true));
    let dial = app.get(&ops, "/v1/ops/dial").await.expect(200).json();
    assert_eq!(dial["scopes"][0]["last_check"]["finding"], "not_proven");
}

#[tokio::test]
async fn many_new_labels_are_looked_at_before_the_night_and_prove_what_was_promised() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    turn_dial(&app, &ops, "shop", 0.05).await;
    look(&app, &shop).await;
    reviewed(&app, &shop, 49).await;
    look(&app, &shop).await;
    assert_eq!(checks(&app, &shop).await.len(), 1, "too few labels for a look before the night");
    reviewed(&app, &shop, 251).await;
    assert!(look(&app, &shop).await, "a proof came into force");
    let told = checks(&app, &shop).await;
    assert_eq!((told[0]["finding"].as_str(), told[0]["occasion"].as_str()), (Some("proven"), Some("labels 300")));
    let scope = app.get(&ops, "/v1/ops/dial").await.expect(200).json()["scopes"][0].clone();
    assert_eq!((scope["state"].as_str(), &scope["bar"]), (Some("certified"), &told[0]["bar_to"]));
    assert!(scope["certificate"]["created_by"].is_null(), "by the server itself");
}

#[tokio::test]
async fn another_machinery_voids_the_proof_in_the_night_although_nobody_asked() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    reviewed(&app, &shop, 240).await;
    turn_dial(&app, &ops, "shop", 0.05).await;
    let mut other = fingerprint();
    other.model = "another".into();
    assert!(nightly::check(&app.state.db, shop.id, &other).await.unwrap());
    let told = checks(&app, &shop).await;
    assert_eq!((told[0]["finding"].as_str(), told[0]["because"].as_str()), (Some("lost"), Some("pipeline_changed")));
    let list = app.get(&ops, "/v1/ops/certificates?scope=shop").await.expect(200).json();
    assert_eq!(list["certificates"][0]["voided_why"], "pipeline_changed");
}

#[tokio::test]
async fn a_second_promise_shares_the_doubt_and_the_first_is_proven_anew() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    reviewed(&app, &shop, 400).await;
    let alone = turn_dial(&app, &ops, "topic:returns", 0.05).await;
    let own = |dial: &Value| dial["scopes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (own(&alone)["state"].as_str(), &own(&alone)["certificate"]["n_promises"]),
        (Some("certified"), &json!(1))
    );
    app.clock.advance(1);
    let both = turn_dial(&app, &ops, "shop", 0.05).await;
    let topic = own(&both);
    assert_eq!((topic["scope"].as_str(), topic["state"].as_str()), (Some("topic:returns"), Some("certified")));
    assert_eq!((&topic["certificate"]["n_promises"], &topic["last_attempt"]["n_promises"]), (&json!(2), &json!(2)));
    assert_eq!(
        (topic["last_attempt"]["share_of_doubt"].as_f64(), both["scopes"][0]["state"].as_str()),
        (Some(0.5 / 6.0), Some("not_certified")),
        "its second try has a sixth of the doubt, and one of two promises a half of that"
    );
    assert!(topic["certificate"]["bar"].as_f64() >= own(&alone)["certificate"]["bar"].as_f64());
}

#[tokio::test]
async fn a_sign_has_half_of_the_sent_audited_and_is_shown_with_its_reason() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    let db = &app.state.db;
    reviewed(&app, &shop, 240).await;
    let id = certificate_of(&turn_dial(&app, &ops, "shop", 0.05).await);
    assert_eq!(senses::due(db, shop.id, &fingerprint()).await.unwrap().len(), 1);
    assert!(!senses::read(db, shop.id, &fingerprint()).await.unwrap(), "nothing speaks against the proof");
    assert_eq!(senses::due(db, shop.id, &fingerprint()).await.unwrap(), [], "it was read");
    let audit_rate = async || {
        let policy = policies::current(db, shop.id).await.unwrap().policy;
        match dial::find(db, shop.id, (&policy, "returns"), &fingerprint()).await.unwrap().standing {
            Standing::Proven { audit_rate, .. } => audit_rate,
            Standing::Held { reason } => panic!("held: {reason:?}"),
        }
    };
    assert_eq!(audit_rate().await, 0.2);
    let unhappy = Unhappy {
        n_first: 100,
        k_first: 2,
        n_newest: 100,
        k_newest: 30,
        n_thumbs_down: 30,
        n_asked_again: 0,
        n_asked_for_person: 0,
        is_raised: true,
    };
    let signals = Signals { unhappy: Some(unhappy), drifts: vec![] };
    let mut tx = db.begin().await.unwrap();
    let body = serde_json::to_value(&signals).unwrap();
    promise_signals::put(&mut tx, shop.id, id, (&body, signals.is_raised())).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(audit_rate().await, 0.5);
    let watch = app.get(&ops, "/v1/ops/dial").await.expect(200).json()["scopes"][0]["watch"].clone();
    assert_eq!((watch["is_raised"].as_bool(), watch["audit_rate"].as_f64()), (Some(true), Some(0.5)));
    assert_eq!(watch["signals"]["unhappy"]["n_thumbs_down"], 30);
    // An hour later it is read again, and there is no such thing.
    app.clock.advance(60 * 60 * 1000);
    assert!(senses::read(db, shop.id, &fingerprint()).await.unwrap());
    assert_eq!(audit_rate().await, 0.2);
    let log = app.get(&ops, "/v1/ops/audit").await.expect(200).json();
    assert!(log["entries"].as_array().unwrap().iter().any(|entry| entry["action"] == "audit_rate_signal"));
}
