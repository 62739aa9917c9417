//! A promise is tried again and again: what that costs, what a warning is worth afterwards, and what a topic leaves behind
//! when its promise is given up.

use kefu::domain::certificate::VoidReason;
use kefu::domain::dial::{Scope, Standing};
use kefu::domain::golden;
use kefu::domain::ids::CertificateId;
use kefu::domain::outcome::Outcome;
use kefu::learn::watch::Alarm;
use kefu::learn::{dial, nightly};
use kefu::storage::accounts::Role;
use kefu::storage::{certificates, looks, policies};
use serde_json::{Value, json};

use axum::http::Method;

use crate::support::{TestApp, TestShop, fingerprint};
use crate::the_dial::{Past, certificate_of, certify, past, reviewed, turn_dial};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Reviewed drafts of the upper half of all confidences, all of them right.
async fn all_right(app: &TestApp, shop: &TestShop, n: u32) {
    for nth in 0..n {
        let confidence = 0.5 + f64::from(nth % 20) / 40.0;
        past(app, shop, Past::drafted(confidence), Some(Outcome::Accept)).await;
    }
}

/// Something sent under a proof, which somebody who looks blind finds wrong; what the watch says then.
async fn sent_wrong(app: &TestApp, shop: &TestShop, certificate: CertificateId) -> Alarm {
    past(app, shop, Past { sent_under: Some(certificate), ..Past::drafted(0.5) }, None).await;
    found_wrong(app, shop).await
}

async fn found_wrong(app: &TestApp, shop: &TestShop) -> Alarm {
    let (db, account) = (&app.state.db, shop.account(Role::Agent));
    app.clock.advance(1);
    let look = looks::open(db, shop.id, account, 1).await.unwrap().remove(0);
    let certificate = certificates::get(db, shop.id, look.certificate.unwrap()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let labelled = (account, Outcome::RejectWrong);
    let settled = dial::settle_look(&mut tx, shop.id, (&look, certificate.as_ref()), labelled).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    settled.alarm.unwrap()
}

#[tokio::test]
async fn every_try_is_counted_and_a_press_on_an_old_page_is_refused() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    reviewed(&app, &shop, 180).await;
    let tries = |dial: &Value| dial["scopes"][0]["tries"].clone();
    let before = tries(&app.get(&ops, "/v1/ops/dial").await.expect(200).json());
    assert_eq!((&before["n_made"], &before["next"], &before["next_needs"]), (&json!(0), &json!(0.5), &json!(72)));
    let turned = turn_dial(&app, &ops, "shop", 0.05).await;
    assert_eq!(turned["scopes"][0]["state"], "not_certified");
    let first = tries(&turned);
    assert_eq!((&first["n_made"], &first["last_proven"], &first["left"]), (&json!(1), &json!(false), &json!(0.5)));
    assert_eq!((&first["is_repeat"], &first["last_by"]), (&json!(true), &json!("Ops of teahouse")));
    let again = tries(&certify(&app, &ops, "shop").await.expect(200).json());
    assert_eq!(again, first, "the same rows are the same try");
    past(&app, &shop, Past::drafted(0.975), Some(Outcome::Accept)).await;
    let second = tries(&certify(&app, &ops, "shop").await.expect(200).json());
    assert_eq!((&second["n_made"], &second["left"]), (&json!(2), &json!(1.0 / 3.0)));

    let stale = json!({ "scope": "shop", "based_on": turned["policy_number"].as_u64().unwrap() - 1 });
    let refused = app.post(&ops, "/v1/ops/dial/certify", stale).await.expect(409);
    assert_eq!(refused.code(), "promise_changed");
    let after = tries(&app.get(&ops, "/v1/ops/dial").await.expect(200).json());
    assert_eq!(after, second, "nothing was tried");
}

#[tokio::test]
async fn a_proof_made_anew_while_the_watch_warns_goes_on_warned() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let db = &app.state.db;
    all_right(&app, &shop, 300).await;
    let first = certificate_of(&turn_dial(&app, &shop.caller(Role::Ops), "shop", 0.05).await);
    nightly::check(db, shop.id, &fingerprint()).await.unwrap();
    for want in [Alarm::Calm, Alarm::Warned] {
        assert_eq!(sent_wrong(&app, &shop, first).await, want);
    }
    // Sampled under the first proof, and looked at only when there is a second.
    past(&app, &shop, Past { sent_under: Some(first), ..Past::drafted(0.5) }, None).await;
    app.clock.advance(29 * DAY_MS);
    assert!(nightly::check(db, shop.id, &fingerprint()).await.unwrap(), "its time was nearly up");
    let second = certificates::newest(db, shop.id, &Scope::Shop).await.unwrap().unwrap();
    assert!(second.id != first && second.voided.is_none() && second.terms.nth_try == 2, "{second:?}");
    let audits = dial::audits(db, shop.id, &second).await.unwrap();
    assert_eq!((audits.len(), dial::watch_over(&second, &audits).alarm()), (2, Alarm::Warned));
    assert_eq!(found_wrong(&app, &shop).await, Alarm::FellBack, "the third in all ends the new proof");
    let ended = certificates::newest(db, shop.id, &Scope::Shop).await.unwrap().unwrap();
    assert!(ended.id == second.id && ended.is_voided_by(VoidReason::Alarm));
}

#[tokio::test]
async fn what_a_topic_was_found_wrong_in_does_not_become_right_when_its_promise_is_given_up() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    all_right(&app, &shop, 160).await;
    let topic = certificate_of(&json!({ "scopes": [turn_dial(&app, &ops, "topic:returns", 0.05).await["scopes"][1]] }));
    let mut alarm = Alarm::Calm;
    while alarm != Alarm::FellBack {
        alarm = sent_wrong(&app, &shop, topic).await;
    }
    app.clock.advance(1);
    let number = app.get(&ops, "/v1/ops/policy").await.expect(200).json()["number"].clone();
    let off = json!({ "scope": "topic:returns", "dial": null, "mode": "auto", "note": "", "based_on": number });
    app.call(Method::PUT, &ops, "/v1/ops/dial", Some(off)).await.expect(200);
    let of_shop = turn_dial(&app, &ops, "shop", 0.05).await["scopes"][0].clone();
    assert_eq!((of_shop["scope"].as_str(), of_shop["state"].as_str()), (Some("shop"), Some("not_certified")));
    let attempt = &of_shop["last_attempt"];
    assert_eq!((&attempt["n_certify"], &attempt["n_promises"]), (&json!(0), &json!(2)), "what was spent is spent");
    assert_eq!(attempt["share_of_doubt"], json!(0.25));
}

#[tokio::test]
async fn golden_answers_prove_nothing_for_the_shop_and_have_a_promise_of_their_own() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (db, ops) = (&app.state.db, shop.caller(Role::Ops));
    for nth in 0..150 {
        let confidence = 0.6 + f64::from(nth % 20) / 50.0;
        let golden = Past { is_golden: true, ..Past::drafted(confidence) };
        past(&app, &shop, golden, Some(Outcome::Accept)).await;
    }
    let standing = async || {
        let policy = policies::current(db, shop.id).await.unwrap().policy;
        dial::find(db, shop.id, (&policy, golden::TOPIC), &fingerprint()).await.unwrap().standing
    };
    let of_shop = turn_dial(&app, &ops, "shop", 0.05).await["scopes"][0].clone();
    assert_eq!((&of_shop["state"], &of_shop["last_attempt"]["n_certify"]), (&json!("not_certified"), &json!(0)));
    assert!(matches!(standing().await, Standing::Held { .. }), "nothing is proven about them");
    let own = turn_dial(&app, &ops, "topic:golden_answer", 0.05).await["scopes"][1].clone();
    assert_eq!((&own["state"], &own["last_attempt"]["n_certify"]), (&json!("certified"), &json!(100)), "{own}");
    assert!(matches!(standing().await, Standing::Proven { .. }));
    let certificate: CertificateId = own["certificate"]["id"].as_str().unwrap().parse().unwrap();
    let sent = Past { sent_under: Some(certificate), is_golden: true, ..Past::drafted(0.9) };
    past(&app, &shop, sent, None).await;
    assert_eq!(certificates::n_sent(db, shop.id, certificate).await.unwrap(), 1);
    assert_eq!(found_wrong(&app, &shop).await, Alarm::Calm, "it is watched like any other");
}
