//! A browser outlives the buyer at it: chats end, by hand and by time, and go on only by the shop's new word.

use axum::http::Method;
use kefu::clock::Clock;
use kefu::storage::accounts::Role;
use kefu::storage::buyers;
use serde_json::{Value, json};

use crate::security::identity;
use crate::support::{Caller, START_MS, TestApp, TestShop};

const NOBODY: Caller = Caller::Nobody;

const MINUTE_MS: i64 = 60 * 1000;

/// A chat in the shop's widget: its path, and its buyer.
async fn begin(app: &TestApp, shop: &TestShop, body: Value) -> (String, Caller) {
    let path = format!("/v1/widgets/{}/conversations", shop.widget);
    let begun = app.post(&NOBODY, &path, body).await.expect(201).json();
    let token = begun["token"].as_str().unwrap().to_owned();
    (format!("/v1/chat/{}", begun["conversation_id"].as_str().unwrap()), Caller::Bearer(token))
}

#[tokio::test]
async fn who_ends_the_chat_leaves_nothing_that_opens_it() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (id, buyer) = app.conversation(&shop).await;
    let chat = format!("/v1/chat/{id}");
    app.ask(id, &buyer, "Where is my parcel?").await;
    let mut open_elsewhere = app.listen(&buyer, &format!("{chat}/events"), None).await;
    open_elsewhere.next_named("typing").await;
    app.post(&buyer, &format!("{chat}/leave"), json!({})).await.expect(204);
    for path in ["messages", "events"] {
        assert_eq!(app.get(&buyer, &format!("{chat}/{path}")).await.expect(401).code(), "token_invalid");
    }
    let said = json!({ "text": "And it is mine?", "client_key": "k" });
    app.post(&buyer, &format!("{chat}/messages"), said).await.expect(401);
    let agent = shop.caller(Role::Agent);
    let path = format!("/v1/console/conversations/{id}");
    let kept = app.get(&agent, &path).await.expect(200).text();
    assert!(kept.contains("Where is my parcel?") && kept.contains("left"), "the shop keeps it: {kept}");
    assert_eq!(app.get(&agent, "/v1/console/queue").await.expect(200).json()["turns"], json!([]), "nobody waits");
    // Whoever still looks at the page is told that it is over, and nothing that is said afterwards.
    assert_eq!(open_elsewhere.next_named("state").await.data["closed"], true);
    let words = json!({ "text": "It is with your neighbour.", "client_key": "a" });
    app.post(&agent, &format!("{path}/messages"), words).await.expect(200);
    app.state.stopping.cancel();
    while let Some(event) = open_elsewhere.next().await {
        assert_eq!(event.name, "bye");
    }
}

#[tokio::test]
async fn a_chat_that_nobody_comes_back_to_ends_when_its_widget_says() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (usual, patient) = begin(&app, &shop, json!({ "lang": "en" })).await;
    let widget = format!("/v1/ops/widgets/{}", shop.widget);
    let ops = shop.caller(Role::Ops);
    for wrong in [1, 4, 525_601] {
        let body = json!({ "settings": { "forget_after_minutes": wrong } });
        app.call(Method::PATCH, &ops, &widget, Some(body)).await.expect(422);
    }
    let tablet = json!({ "settings": { "forget_after_minutes": 15 } });
    app.call(Method::PATCH, &ops, &widget, Some(tablet)).await.expect(200);
    let shown = app.get(&NOBODY, &format!("/v1/widgets/{}", shop.widget)).await.expect(200).json();
    assert_eq!(shown["forget_after_minutes"], 15, "the browser forgets by itself, too");
    let (shared, buyer) = begin(&app, &shop, json!({ "lang": "en" })).await;
    for _ in 0..2 {
        app.clock.advance(14 * MINUTE_MS);
        app.get(&buyer, &format!("{shared}/messages")).await.expect(200);
    }
    app.clock.advance(15 * MINUTE_MS);
    app.get(&buyer, &format!("{shared}/messages")).await.expect(401);
    app.clock.advance(29 * 24 * 60 * MINUTE_MS);
    app.get(&patient, &format!("{usual}/messages")).await.expect(200);
    app.clock.advance(30 * 24 * 60 * MINUTE_MS);
    app.get(&patient, &format!("{usual}/messages")).await.expect(401);
}

#[tokio::test]
async fn the_shops_new_word_goes_on_with_the_thread_of_the_same_buyer_only() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let made = app.post(&shop.caller(Role::Owner), "/v1/ops/buyer-keys", json!({})).await.expect(201).json();
    let secret = made["secret"].as_str().unwrap();
    let word = |buyer: &str, minutes: i64| {
        let expires_s = app.clock.now_ms() / 1000 + minutes * 60;
        json!({ "lang": "en", "identity": identity(secret, &shop.widget.to_string(), buyer, expires_s) })
    };
    let (chat, buyer) = begin(&app, &shop, word("buyer-7", 10)).await;
    let id = chat.rsplit('/').next().unwrap().parse().unwrap();
    let present = async || buyers::present_buyer_of(&app.state.db, shop.id, id).await.unwrap();
    app.clock.advance(20 * MINUTE_MS);
    assert_eq!(present().await, None, "the first word has run out");
    let renew = format!("{chat}/identity");
    let renewed = |buyer: &str, minutes| json!({ "identity": word(buyer, minutes)["identity"] });
    let answer = app.post(&buyer, &renew, renewed("buyer-7", 30)).await.expect(200).json();
    assert_eq!(answer["identified_until_ms"], START_MS + 51 * MINUTE_MS, "with a minute for clocks that differ");
    assert_eq!(present().await.as_deref(), Some("buyer-7"));
    app.get(&buyer, &format!("{chat}/messages")).await.expect(200);

    assert_eq!(app.post(&buyer, &renew, renewed("buyer-8", 30)).await.expect(409).code(), "other_buyer");
    assert_eq!(app.post(&buyer, &renew, renewed("buyer-7", -10)).await.expect(401).code(), "identity_invalid");
    assert_eq!(present().await.as_deref(), Some("buyer-7"), "what was refused changes nothing");
    let (anonymous, somebody) = begin(&app, &shop, json!({ "lang": "en" })).await;
    let claimed = app.post(&somebody, &format!("{anonymous}/identity"), renewed("buyer-7", 30)).await.expect(409);
    assert_eq!(claimed.code(), "other_buyer", "who signs in begins a thread of their own");
    app.post(&somebody, &renew, renewed("buyer-7", 30)).await.expect(401);
}
