//! A buyer asks, agents answer: exactly once, whoever is first.

use axum::http::Method;
use kefu::domain::conversation::Citation;
use kefu::domain::ids::ChunkId;
use kefu::storage::accounts::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Caller, TestApp};

fn citation(number: u32) -> Citation {
    Citation {
        number,
        chunk: ChunkId(Uuid::from_u128(u128::from(number))),
        document: "returns.md".into(),
        heading_path: vec!["Returns".into()],
        page: None,
        quote: "within 7 days".into(),
        span: None,
        parts: vec![],
    }
}

#[tokio::test]
async fn a_message_is_taken_once_however_often_it_is_sent() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let path = format!("/v1/chat/{conversation}/messages");
    let body = json!({ "text": "  退货要多久？ ", "client_key": "k1" });
    let first = app.post(&buyer, &path, body.clone()).await.expect(202).json();
    assert_eq!((first["message"]["text"].as_str(), first["message"]["seq"].as_i64()), (Some("退货要多久？"), Some(1)));
    assert_eq!(app.post(&buyer, &path, body).await.expect(202).json(), first);
    let other = json!({ "text": "something else", "client_key": "k1" });
    assert_eq!(app.post(&buyer, &path, other).await.expect(409).code(), "idempotency_conflict");
    let empty = json!({ "text": " \n", "client_key": "k2" });
    assert_eq!(app.post(&buyer, &path, empty).await.expect(422).code(), "message_empty");
    let read = app.get(&buyer, &path).await.expect(200).json();
    assert_eq!(read["messages"].as_array().unwrap().len(), 1);
    assert_eq!(read["is_typing"], true);
}

#[tokio::test]
async fn an_endless_message_is_cut_and_the_buyer_is_told() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    app.ask(conversation, &buyer, &"长".repeat(20_001)).await;
    let read = app.get(&buyer, &format!("/v1/chat/{conversation}/messages")).await.expect(200).json();
    assert_eq!(read["messages"][0]["text"].as_str().unwrap().chars().count(), 2_000);
    assert_eq!(read["messages"][1]["notice"]["code"], "trimmed");
}

#[tokio::test]
async fn of_accept_and_edit_at_once_exactly_one_is_sent() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    for round in 0..8 {
        let (conversation, buyer) = app.conversation(&shop).await;
        let turn = app.ask(conversation, &buyer, "How do I return it?").await;
        app.draft(&shop, turn, "Within 7 days [1].", &[citation(1)]).await;
        let (accept, edit) = (format!("/v1/console/turns/{turn}/accept"), format!("/v1/console/turns/{turn}/edit"));
        let (agent, owner) = (shop.caller(Role::Agent), shop.caller(Role::Owner));
        let edited = json!({ "version": 1, "text": "Within 14 days [1]." });
        let (a, b) = tokio::join!(app.post(&agent, &accept, json!({ "version": 1 })), app.post(&owner, &edit, edited));
        let mut statuses = [a.status.as_u16(), b.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "round {round}: {} {}", a.text(), b.text());
        let (winner, loser) = if a.status == 200 { ("Agent of teahouse", b) } else { ("Owner of teahouse", a) };
        assert_eq!(loser.code(), "already_resolved");
        assert_eq!(loser.json()["errors"][0]["state"], "replied");
        assert_eq!(loser.json()["errors"][0]["by"], winner);
        let read = app.get(&buyer, &format!("/v1/chat/{conversation}/messages")).await.expect(200).json();
        let messages = read["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 2, "the question and one answer");
        assert_eq!(
            (messages[1]["author"].as_str(), messages[1]["author_name"].as_str()),
            (Some("reviewed"), Some(winner))
        );
        assert_eq!(messages[1]["citations"][0]["quote"], "within 7 days");
    }
}

#[tokio::test]
async fn a_draft_that_changed_under_the_agents_eyes_is_not_sent() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, "How do I return it?").await;
    let accept = format!("/v1/console/turns/{turn}/accept");
    let agent = shop.caller(Role::Agent);
    assert_eq!(app.post(&agent, &accept, json!({ "version": 0 })).await.expect(409).code(), "no_draft");
    app.draft(&shop, turn, "Within 7 days.", &[]).await;
    assert_eq!(app.post(&agent, &accept, json!({ "version": 0 })).await.expect(409).code(), "already_resolved");
    let shown = app.get(&agent, &format!("/v1/console/turns/{turn}")).await.expect(200).json();
    assert_eq!((shown["version"].as_i64(), shown["ms"]["total"].as_i64()), (Some(1), Some(45)));
    app.post(&agent, &accept, json!({ "version": 1 })).await.expect(200);
}

#[tokio::test]
async fn a_source_stays_with_the_reply_that_rests_on_it() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let replies = [
        ("accept", json!({ "version": 1 }), 1),
        ("edit", json!({ "version": 1, "text": "Gladly, within 7 days." }), 1),
        ("edit", json!({ "version": 1, "text": "Please call us." }), 0),
    ];
    for (verb, body, n_citations) in replies {
        let (conversation, buyer) = app.conversation(&shop).await;
        let turn = app.ask(conversation, &buyer, "How do I return it?").await;
        app.draft(&shop, turn, "You may return it within 7 days.", &[citation(1)]).await;
        let path = format!("/v1/console/turns/{turn}/{verb}");
        let sent = app.post(&shop.caller(Role::Agent), &path, body).await.expect(200).json();
        assert_eq!(sent["message"]["citations"].as_array().map(Vec::len), Some(n_citations), "{verb}: {sent}");
    }
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_an_acceptance() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, "How do I return it?").await;
    app.draft(&shop, turn, "Within 7 days.", &[]).await;
    let body = json!({ "version": 1, "text": " Within 7 days. " });
    app.post(&shop.caller(Role::Agent), &format!("/v1/console/turns/{turn}/edit"), body).await.expect(200);
    let numbers = app.get(&shop.caller(Role::Ops), "/v1/ops/numbers?days=1").await.expect(200).json();
    assert_eq!(
        (numbers["days"][0]["n_accepted"].as_i64(), numbers["days"][0]["n_edited"].as_i64()),
        (Some(1), Some(0))
    );
}

#[tokio::test]
async fn a_rejected_draft_waits_for_an_agents_own_words() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, "How do I return it?").await;
    app.draft(&shop, turn, "Never.", &[]).await;
    let agent = shop.caller(Role::Agent);
    let body = json!({ "version": 1, "reason": "wrong", "note": "7 days" });
    let rejected = app.post(&agent, &format!("/v1/console/turns/{turn}/reject"), body.clone()).await.expect(200).json();
    assert_eq!((rejected["state"].as_str(), rejected["version"].as_i64()), (Some("rejected"), Some(2)));
    app.post(&agent, &format!("/v1/console/turns/{turn}/reject"), body).await.expect(409);
    let queue = app.get(&agent, "/v1/console/queue").await.expect(200).json();
    assert_eq!(queue["turns"][0]["id"], turn.to_string());
    let write = format!("/v1/console/conversations/{conversation}/messages");
    let words = json!({ "text": "Within 7 days.", "client_key": "a1", "turn_id": turn });
    let sent = app.post(&agent, &write, words.clone()).await.expect(200).json();
    assert_eq!(sent["message"]["author"], "agent");
    assert_eq!(app.post(&agent, &write, words).await.expect(200).json(), sent, "sent again since the answer was lost");
    assert_eq!(app.get(&agent, "/v1/console/queue").await.json()["turns"], json!([]));
    assert_eq!(
        app.get(&buyer, &format!("/v1/chat/{conversation}/messages")).await.json()["messages"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn asking_for_a_person_waits_for_no_model() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let person = format!("/v1/chat/{conversation}/person");
    app.post(&buyer, &person, json!({})).await.expect(202);
    app.post(&buyer, &person, json!({})).await.expect(202);
    let read = app.get(&buyer, &format!("/v1/chat/{conversation}/messages")).await.expect(200).json();
    let messages = read["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2, "asking twice says it once: {messages:?}");
    assert_eq!(messages[1]["notice"], json!({ "code": "person_will_answer", "hours": "9–18", "contact": "400-1" }));
    assert_eq!(read["is_typing"], false);
    let queue = app.get(&shop.caller(Role::Agent), "/v1/console/queue").await.expect(200).json();
    assert_eq!(queue["turns"][0]["state"], "escalated");
    assert_eq!(queue["turns"][0]["reasons"], json!(["asks_for_person"]));
    assert!(queue["turns"][0]["confidence"].is_null(), "nothing was drafted, so there is nothing to be sure of");
    let inbox = app.get(&shop.caller(Role::Agent), "/v1/console/conversations").await.expect(200).json();
    assert!(inbox["conversations"][0]["newest_turn"]["confidence"].is_null());
    assert!(app.get(&shop.caller(Role::Agent), "/v1/status").await.json()["answer_ms_median"].is_null());
}

#[tokio::test]
async fn taking_over_is_told_once_and_belongs_to_one_agent() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let path = |verb: &str| format!("/v1/console/conversations/{conversation}/{verb}");
    let (agent, owner) = (shop.caller(Role::Agent), shop.caller(Role::Owner));
    let item = app.post(&agent, &path("take-over"), json!({})).await.expect(200).json();
    assert_eq!((item["handler"].as_str(), item["agent"]["name"].as_str()), (Some("agent"), Some("Agent of teahouse")));
    app.post(&agent, &path("take-over"), json!({})).await.expect(200);
    assert_eq!(app.post(&owner, &path("take-over"), json!({})).await.expect(409).code(), "taken_by_other");
    let mine = app.get(&agent, "/v1/console/conversations?tab=mine").await.expect(200).json();
    assert_eq!((mine["conversations"].as_array().unwrap().len(), mine["counts"]["mine"].as_i64()), (1, Some(1)));
    for verb in ["hand-back", "hand-back", "close", "reopen"] {
        app.post(&agent, &path(verb), json!({})).await.expect(200);
    }
    let read = app.get(&buyer, &format!("/v1/chat/{conversation}/messages")).await.expect(200).json();
    let told: Vec<_> =
        read["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!(told, ["taken_over", "handed_back", "closed", "reopened"]);
}

#[tokio::test]
async fn thumbs_belong_to_answers_of_ones_own_conversation() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let (other, stranger) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, "How do I return it?").await;
    app.draft(&shop, turn, "Within 7 days [1].", &[citation(1)]).await;
    let accept = format!("/v1/console/turns/{turn}/accept");
    let sent = app.post(&shop.caller(Role::Agent), &accept, json!({ "version": 1 })).await.expect(200).json();
    let answer = sent["message"]["id"].as_str().unwrap();
    let thumbs = |conversation: &str| format!("/v1/chat/{conversation}/messages/{answer}/thumbs");
    app.post(&buyer, &thumbs(&conversation.to_string()), json!({ "thumbs": -1 })).await.expect(204);
    app.post(&stranger, &thumbs(&other.to_string()), json!({ "thumbs": 1 })).await.expect(404);
    app.post(&buyer, &thumbs(&conversation.to_string()), json!({ "thumbs": 2 })).await.expect(422);
    let read = app.get(&buyer, &format!("/v1/chat/{conversation}/messages")).await.json();
    assert_eq!(read["messages"][1]["thumbs"], -1);
    let source = format!("/v1/chat/{conversation}/sources/{answer}/1");
    let source = app.get(&buyer, &source).await.expect(200).json();
    assert_eq!(
        (source["text"].as_str(), source["file_url"].is_null()),
        (Some("within 7 days"), true),
        "the chunk is gone, the quote stays"
    );
    app.get(&stranger, &format!("/v1/chat/{other}/sources/{answer}/1")).await.expect(404);
}

#[tokio::test]
async fn a_flood_of_messages_is_slowed_down() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let limit = app.state.settings.messages_per_conversation;
    for _ in 0..limit {
        app.ask(conversation, &buyer, "hello?").await;
    }
    let body = json!({ "text": "hello?", "client_key": "last" });
    let answer = app.post(&buyer, &format!("/v1/chat/{conversation}/messages"), body).await.expect(429);
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_token_in_the_address_opens_nothing() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let Caller::Bearer(token) = buyer else { unreachable!("buyers come with a bearer token") };
    app.get(&Caller::Nobody, &format!("/v1/chat/{conversation}/messages?token={token}")).await.expect(401);
}

#[tokio::test]
async fn each_tab_shows_its_own_and_the_badges_count() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let agent = shop.caller(Role::Agent);
    let (sent, by_assistant) = app.conversation(&shop).await;
    let turn = app.ask(sent, &by_assistant, "How do I return it?").await;
    app.auto_send(&shop, turn, "Within 7 days.").await;
    app.clock.advance(1);
    let (held, waiting) = app.conversation(&shop).await;
    let turn = app.ask(held, &waiting, "And abroad?").await;
    app.draft(&shop, turn, "Within 9 days.", &[]).await;
    app.clock.advance(1);
    let (done, _) = app.conversation(&shop).await;
    app.post(&agent, &format!("/v1/console/conversations/{done}/close"), json!({})).await.expect(200);
    let shown = async |query: &str| {
        let list = app.get(&agent, &format!("/v1/console/conversations?{query}")).await.expect(200).json();
        let ids = list["conversations"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), list)
    };
    assert_eq!(shown("").await.0, [held.to_string(), sent.to_string()]);
    assert_eq!(shown("tab=auto").await.0, [sent.to_string()]);
    assert_eq!(shown("tab=closed").await.0, [done.to_string()]);
    assert_eq!(shown("tab=all&q=abroad").await.0, [held.to_string()]);
    let (first, list) = shown("tab=all&limit=1").await;
    assert_eq!(first, [held.to_string()], "who waits stands before the others");
    let next = list["next"].as_str().unwrap();
    assert_eq!(shown(&format!("tab=all&limit=2&after={next}")).await.0, [done.to_string(), sent.to_string()]);
    let list = shown("tab=open").await.1;
    assert_eq!(list["counts"], json!({ "review": 1, "mine": 0, "waiting": 1, "open": 2, "all": 3 }));
    let newest = &list["conversations"][0]["newest_turn"];
    assert_eq!((newest["state"].as_str(), newest["confidence"].as_f64()), (Some("review"), Some(0.7)));
    assert_eq!(newest["reasons"], json!(["below_bar"]));
    assert!(list["conversations"][1]["waiting_since_ms"].is_null(), "the assistant has answered");
    app.get(&agent, "/v1/console/conversations?tab=sideways").await.expect(400);
}

#[tokio::test]
async fn a_citation_leads_to_its_place_and_buyers_see_no_agents_document() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (staff, agent) = (shop.caller(Role::Staff), shop.caller(Role::Agent));
    let uploaded = app.upload(&staff, "/v1/knowledge/documents", &[("returns.txt", b"x")]).await.expect(202).json();
    let document = uploaded["results"][0]["document_id"].as_str().unwrap();
    let revision = uploaded["results"][0]["revision_id"].as_str().unwrap().parse().unwrap();
    app.index(&shop, revision, &["First.", "Return it within 7 days.", "Last."]).await;
    let cited = Citation { chunk: ChunkId::derive(revision, 1), ..citation(1) };
    let (conversation, buyer) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, "How do I return it?").await;
    app.draft(&shop, turn, "Within 7 days [1].", &[cited]).await;
    let shown = app.get(&agent, &format!("/v1/console/turns/{turn}")).await.expect(200).json();
    assert_eq!(shown["citations"][0]["document_id"], document);
    let path = format!("/v1/console/sources/{turn}/1");
    let source = app.get(&agent, &path).await.expect(200).json();
    assert_eq!(source["text"], "First.\n\nReturn it within 7 days.\n\nLast.");
    assert_eq!(source["marks"], json!([{ "start": 18, "end": 31 }]));
    let file_url = format!("/v1/knowledge/documents/{document}/file?revision={revision}#page=2");
    assert_eq!(source["file_url"], file_url);
    app.get(&agent, file_url.split('#').next().unwrap()).await.expect(200);
    app.get(&agent, &format!("/v1/console/sources/{turn}/2")).await.expect(404);
    let sent = app.post(&agent, &format!("/v1/console/turns/{turn}/accept"), json!({ "version": 1 })).await.expect(200);
    let path = format!("/v1/chat/{conversation}/sources/{}/1", sent.json()["message"]["id"].as_str().unwrap());
    let source = app.get(&buyer, &path).await.expect(200).json();
    assert_eq!((source["marks"][0]["start"].as_i64(), source["file_url"].is_null()), (Some(18), true));
    let patch = Some(json!({ "audience": "agents" }));
    app.call(Method::PATCH, &staff, &format!("/v1/knowledge/documents/{document}"), patch).await.expect(200);
    let source = app.get(&buyer, &path).await.expect(200).json();
    assert_eq!(source["text"], "within 7 days", "nothing but what the answer said already");
}
