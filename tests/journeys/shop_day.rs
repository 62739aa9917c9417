//! What a day of a shop leaves behind: figures that open, events in a platform's words, and conversations that nobody
//! was in, which say so.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, header};
use hmac::{Hmac, KeyInit, Mac};
use kefu::domain::encoding::BASE64;
use kefu::http::state::HttpSettings;
use kefu::storage::accounts::Role;
use kefu::storage::buyers::{self, KeyPurpose};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Caller, TestApp, TestShop};

const SECRET: &str = "hook-secret";

async fn figures(app: &TestApp, caller: &Caller, query: &str) -> Value {
    app.get(caller, &format!("/v1/figures?{query}")).await.expect(200).json()
}

fn row<'a>(answer: &'a Value, key: &str) -> Option<&'a Value> {
    answer["rows"].as_array().unwrap().iter().find(|row| row["key"] == key)
}

#[tokio::test]
async fn every_figure_opens_its_conversations_and_agents_see_themselves_alone() {
    let app = TestApp::new().await;
    let (shop, other) = (app.shop("teahouse").await, app.shop("bookshop").await);
    let (agent, ops) = (shop.caller(Role::Agent), shop.caller(Role::Ops));
    let (answered, buyer) = app.conversation(&shop).await;
    let turn = app.ask(answered, &buyer, "When is it shipped?").await;
    app.clock.advance(200_000);
    let write = json!({ "text": "Today.", "client_key": "k", "turn_id": turn });
    app.post(&agent, &format!("/v1/console/conversations/{answered}/messages"), write).await.expect(200);
    let (lost, buyer) = app.conversation(&shop).await;
    app.ask(lost, &buyer, "Hello?").await;

    let all = figures(&app, &ops, "by=agent").await;
    let total = &all["total"];
    assert_eq!((&total["n_inquiries"], &total["n_received"], &total["n_lost"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(
        (&total["first_ms"], &total["short_share"], &total["long_share"]),
        (&json!(200_000), &json!(0.0), &json!(0.5))
    );
    let own = shop.account(Role::Agent).to_string();
    assert_eq!(row(&all, &own).unwrap()["n_received"], 1);
    assert_eq!(figures(&app, &ops, "short_s=200").await["total"]["short_share"], 0.5);
    assert_eq!(figures(&app, &other.caller(Role::Ops), "").await["total"]["n_inquiries"], 0);

    let behind =
        async |caller: &Caller, query: &str| app.get(caller, &format!("/v1/figures/conversations?{query}")).await;
    let found = behind(&ops, "figure=lost").await.expect(200).json();
    assert_eq!(found["conversations"][0]["conversation_id"], lost.to_string());
    assert_eq!(found["conversations"].as_array().unwrap().len(), 1);
    assert!(row(&figures(&app, &agent, "").await, &own).is_some());
    behind(&agent, &format!("figure=received&row={own}")).await.expect(200);
    behind(&agent, &format!("figure=received&row={}", shop.account(Role::Owner))).await.expect(403);

    let rules = json!({ "short_s": 60, "long_s": 600, "counts_automatic": false, "agents_see_own": false });
    app.call(Method::PUT, &agent, "/v1/figures/rules", Some(rules.clone())).await.expect(403);
    app.call(Method::PUT, &ops, "/v1/figures/rules", Some(rules)).await.expect(200);
    let now = figures(&app, &agent, "").await;
    assert_eq!((row(&now, &own), &now["counted"]["long_s"]), (None, &json!(600)));
    let sheet = app.get(&ops, "/v1/figures/sheet?by=answered").await.expect(200).text();
    assert!(sheet.contains("600") && sheet.lines().count() == 5, "{sheet}");
}

#[tokio::test]
async fn a_platform_is_understood_by_the_shops_own_table() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let mut tx = app.state.db.begin().await.unwrap();
    buyers::create_key(&mut tx, shop.id, (KeyPurpose::Webhook, SECRET)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let table = json!({
        "platform": "pdd", "event": "/type", "kinds": { "pay": "order.paid" }, "at": "/time", "times": "unix_s",
        "amounts": "major", "fields": { "number": "/sn", "total": "/money" },
    });
    let owner = shop.caller(Role::Owner);
    let staff = shop.caller(Role::Staff);
    app.call(Method::PUT, &staff, "/v1/records/mappings/pdd", Some(table.clone())).await.expect(403);
    app.call(Method::PUT, &owner, "/v1/records/mappings/pdd", Some(table)).await.expect(204);
    let paid = json!({ "type": "pay", "time": app.state.now_ms() / 1000 - 60, "sn": "PDD-1", "money": "12.50" });
    assert_eq!(send(&app, &shop, ("pdd", "e-1"), &paid).await.expect(200).json()["change"], "new");
    assert_eq!(send(&app, &shop, ("pdd", "e-1"), &paid).await.expect(200).json()["change"], "repeated");
    let other = json!({ "type": "memo", "time": 1, "sn": "PDD-1" });
    assert_eq!(send(&app, &shop, ("pdd", "e-2"), &other).await.expect(200).json()["change"], "same");
    send(&app, &shop, ("taobao", "e-3"), &paid).await.expect(404);
    let other = app.shop("bookshop").await.caller(Role::Owner);
    let seen = app.get(&other, "/v1/records/mappings").await.expect(200).json();
    assert_eq!(seen["mappings"], json!([]), "names are each shop's own");
    app.call(Method::DELETE, &other, "/v1/records/mappings/pdd", None).await.expect(404);
    let orders = app.get(&staff, "/v1/records/orders").await.expect(200).json();
    assert_eq!((&orders["orders"][0]["platform"], &orders["orders"][0]["stage"]), (&json!("pdd"), &json!("paid")));
    assert_eq!(orders["orders"][0]["total"]["minor"], 1250);
}

async fn send(app: &TestApp, shop: &TestShop, (table, id): (&str, &str), body: &Value) -> crate::support::Answer {
    let (time, body) = ((app.state.now_ms() / 1000).to_string(), body.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    let signature = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/v1/hooks/{}/{table}", shop.id))
        .header(header::HOST, "kefu.test")
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", time)
        .header("webhook-signature", signature);
    app.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn only_a_demo_takes_simulated_conversations_and_marks_them() {
    let plain = TestApp::new().await;
    let shop = plain.shop("teahouse").await;
    let body = json!({ "lang": "en", "simulated": "scripted" });
    let path = format!("/v1/widgets/{}/conversations", shop.widget);
    let refused = plain.post(&Caller::Nobody, &path, body.clone()).await;
    assert_eq!(refused.code(), "field_invalid");

    let mut demo = TestApp::new().await;
    let shop = demo.shop("demo").await;
    demo.state.settings = Arc::new(HttpSettings { demo_widget: Some(shop.widget), ..HttpSettings::default() });
    demo.router = kefu::http::router(demo.state.clone());
    let path = format!("/v1/widgets/{}/conversations", shop.widget);
    let made = demo.post(&Caller::Nobody, &path, body).await.expect(201).json();
    let id = made["conversation_id"].as_str().unwrap();
    let opened =
        demo.get(&shop.caller(Role::Agent), &format!("/v1/console/conversations/{id}")).await.expect(200).json();
    assert_eq!(opened["conversation"]["simulated"], "scripted");
}
