//! Pages stay up to date: each message once, in order, also after the line was lost.

use kefu::domain::ids::RevisionId;
use kefu::events::Event;
use kefu::storage::accounts::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;

#[tokio::test]
async fn a_buyer_resumes_after_the_last_event() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    for text in ["one", "two", "three"] {
        app.ask(conversation, &buyer, text).await;
    }
    let keys: Vec<_> = app.get(&buyer, &format!("/v1/chat/{conversation}/messages")).await.json()["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["client_key"].clone())
        .collect();
    let path = format!("/v1/chat/{conversation}/events");
    let mut fresh = app.listen(&buyer, &path, None).await;
    for seq in 1..=3 {
        let event = fresh.next_named("message").await;
        assert_eq!((event.id, event.data["seq"].as_i64()), (Some(format!("{seq}")), Some(seq)));
        let key = &event.data["client_key"];
        assert!(
            key.is_string() && keys.contains(key),
            "a page that hears of its message first from here knows it again"
        );
    }
    drop(fresh);
    let mut resumed = app.listen(&buyer, &path, Some("2")).await;
    assert_eq!(resumed.next_named("message").await.data["text"], "three");
    assert_eq!(resumed.next_named("state").await.data, json!({ "handler": "assistant", "closed": false }));
    assert_eq!(resumed.next_named("typing").await.data, json!({ "is_typing": true }));
    app.ask(conversation, &buyer, "four").await;
    let event = resumed.next_named("message").await;
    assert_eq!((event.id.as_deref(), event.data["text"].as_str()), (Some("4"), Some("four")));
}

#[tokio::test]
async fn a_hint_that_is_late_or_doubled_tells_nothing_twice() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let mut stream = app.listen(&buyer, &format!("/v1/chat/{conversation}/events"), None).await;
    stream.next_named("typing").await;
    app.ask(conversation, &buyer, "one").await;
    for seq in [1, 1, 0] {
        app.state.bus.publish(shop.id, Event::MessageAdded { conversation, seq });
    }
    app.ask(conversation, &buyer, "two").await;
    assert_eq!(stream.next_named("message").await.data["text"], "one");
    assert_eq!(stream.next_named("message").await.data["text"], "two");
}

#[tokio::test]
async fn a_listener_that_fell_behind_reads_anew() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let mut chat = app.listen(&buyer, &format!("/v1/chat/{conversation}/events"), None).await;
    let mut desk = app.listen(&shop.caller(Role::Agent), "/v1/console/events", None).await;
    chat.next_named("typing").await;
    desk.next_named("resync").await;
    app.ask(conversation, &buyer, "one").await;
    // More than the bus keeps: the hint of the message is among what is lost.
    for _ in 0..3_000 {
        app.state.bus.publish(shop.id, Event::PolicyChanged);
    }
    assert_eq!(chat.next_named("message").await.data["text"], "one");
    assert_eq!(desk.next().await.unwrap().name, "resync");
}

#[tokio::test]
async fn agents_hear_their_own_shop_only() {
    let app = TestApp::new().await;
    let (mine, other) = (app.shop("teahouse").await, app.shop("bakery").await);
    let mut desk = app.listen(&mine.caller(Role::Agent), "/v1/console/events", None).await;
    desk.next_named("resync").await;
    let (theirs, their_buyer) = app.conversation(&other).await;
    app.ask(theirs, &their_buyer, "bread?").await;
    let (ours, our_buyer) = app.conversation(&mine).await;
    let turn = app.ask(ours, &our_buyer, "tea?").await;
    app.state.bus.publish(mine.id, Event::DraftToken { turn, text: "Yes".into() });
    for want in [
        ("conversation", json!({ "conversation_id": ours })),
        ("message", json!({ "conversation_id": ours, "seq": 1 })),
        ("queue", json!({ "turn_id": turn, "conversation_id": ours, "state": "asked" })),
        ("draft", json!({ "turn_id": turn, "text": "Yes" })),
    ] {
        let event = desk.next().await.unwrap();
        assert_eq!((event.name.as_str(), event.data), want);
    }
}

#[tokio::test]
async fn staff_see_a_revision_move_on() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let mut shelf = app.listen(&staff, "/v1/knowledge/events", None).await;
    shelf.next_named("resync").await;
    let uploaded = app.upload(&staff, "/v1/knowledge/documents", &[("a.txt", b"a")]).await.expect(202).json();
    let event = shelf.next_named("revision").await;
    assert_eq!(event.data["document_id"], uploaded["results"][0]["document_id"]);
    assert_eq!(event.data["revision"]["state"], "queued");
    let document = uploaded["results"][0]["document_id"].as_str().unwrap().parse().unwrap();
    app.state.bus.publish(shop.id, Event::RevisionChanged { document, revision: RevisionId(Uuid::nil()) });
    assert_eq!(shelf.next().await.unwrap().name, "resync", "a revision that is gone");
}

#[tokio::test]
async fn streams_say_goodbye_when_the_process_stops() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let mut desk = app.listen(&shop.caller(Role::Agent), "/v1/console/events", None).await;
    desk.next_named("resync").await;
    app.state.stopping.cancel();
    assert_eq!(desk.next().await.unwrap().name, "bye");
    assert_eq!(desk.next().await, None);
    app.get(&crate::support::Caller::Nobody, "/readyz").await.expect(503);
}
