//! The agents' inbox: whose a conversation is, who is told of it, and that no two of them answer.

use axum::http::Method;
use kefu::storage::accounts::Role;
use serde_json::{Value, json};

use crate::support::{Caller, TestApp, TestShop};

async fn on_duty(app: &TestApp, who: &Caller, is_on: bool) {
    app.call(Method::PUT, who, "/v1/console/duty", Some(json!({ "on_duty": is_on }))).await.expect(204);
}

async fn item(app: &TestApp, shop: &TestShop, conversation: impl std::fmt::Display) -> Value {
    let path = format!("/v1/console/conversations/{conversation}");
    app.get(&shop.caller(Role::Agent), &path).await.expect(200).json()
}

#[tokio::test]
async fn of_two_agents_in_one_conversation_the_second_is_told_whose_it_is_and_what_to_do() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (agent, owner) = (shop.caller(Role::Agent), shop.caller(Role::Owner));
    let (conversation, _) = app.conversation(&shop).await;
    let path = |verb: &str| format!("/v1/console/conversations/{conversation}/{verb}");
    // Neither answers a question in particular, so no turn can keep them apart.
    let words = |key: &str| json!({ "text": "We are on it.", "client_key": key });
    let (messages, (a, b)) = (path("messages"), (words("a"), words("b")));
    let (a, b) = tokio::join!(app.post(&agent, &messages, a), app.post(&owner, &messages, b));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let (winner, loser) = if a.status == 200 { ("Agent of teahouse", b) } else { ("Owner of teahouse", a) };
    assert_eq!((loser.code(), loser.json()["errors"][0]["by"].as_str()), ("taken_by_other".into(), Some(winner)));
    assert!(loser.json()["hint"].as_str().unwrap().contains("pass it on"));
    // Who has taken over is the only one whose words go out, drafts and all.
    let (held, asker) = app.conversation(&shop).await;
    let turn = app.ask(held, &asker, "How do I return it?").await;
    app.draft(&shop, turn, "Within 7 days.", &[]).await;
    app.post(&agent, &format!("/v1/console/conversations/{held}/take-over"), json!({})).await.expect(200);
    for (verb, body) in [
        ("accept", json!({ "version": 1 })),
        ("edit", json!({ "version": 1, "text": "Within 9 days." })),
        ("reject", json!({ "version": 1, "reason": "other" })),
    ] {
        let refused = app.post(&owner, &format!("/v1/console/turns/{turn}/{verb}"), body).await.expect(409);
        assert_eq!(refused.code(), "taken_by_other", "{verb}");
    }
    // The way out: with a reason it becomes the owner's, and then the agent's words do not go out.
    let assign = format!("/v1/console/conversations/{held}/assign");
    let to_owner = json!({ "account_id": shop.account(Role::Owner) });
    assert_eq!(app.post(&owner, &assign, to_owner).await.expect(422).json()["errors"][0]["field"], "reason");
    let to_owner = json!({ "account_id": shop.account(Role::Owner), "reason": "an old customer" });
    app.post(&owner, &assign, to_owner).await.expect(200);
    let accept = format!("/v1/console/turns/{turn}/accept");
    assert_eq!(app.post(&agent, &accept, json!({ "version": 1 })).await.expect(409).code(), "taken_by_other");
    app.post(&owner, &accept, json!({ "version": 1 })).await.expect(200);
    let told = item(&app, &shop, held).await;
    assert_eq!(told["transfers"][0]["reason"], "an old customer");
    let read = app.get(&asker, &format!("/v1/chat/{held}/messages")).await.expect(200).text();
    assert!(!read.contains("old customer"), "the buyer does not read why");
}

#[tokio::test]
async fn who_is_on_duty_is_given_what_waits_and_a_lead_what_is_too_hard() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (agent, owner, ops) = (shop.caller(Role::Agent), shop.caller(Role::Owner), shop.caller(Role::Ops));
    let (conversation, buyer) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, "退货运费谁出？").await;
    app.draft(&shop, turn, "买家。", &[]).await;
    assert!(item(&app, &shop, conversation).await["conversation"]["assignee"].is_null(), "nobody is there");
    on_duty(&app, &agent, true).await;
    assert_eq!(item(&app, &shop, conversation).await["conversation"]["assignee"]["name"], "Agent of teahouse");
    on_duty(&app, &owner, true).await;
    on_duty(&app, &agent, false).await;
    let told = item(&app, &shop, conversation).await;
    assert_eq!(told["conversation"]["assignee"]["name"], "Owner of teahouse", "who goes leaves it to one who is there");
    assert_eq!(told["transfers"].as_array().unwrap().len(), 2);
    app.call(Method::PUT, &ops, "/v1/console/duty", Some(json!({ "on_duty": true }))).await.expect(403);

    let escalate = format!("/v1/console/conversations/{conversation}/escalate");
    assert_eq!(app.post(&agent, &escalate, json!({})).await.expect(409).code(), "no_lead");
    let lead = Some(json!({ "is_lead": true, "langs": ["zh"], "max_waiting": 5 }));
    let path = format!("/v1/ops/agents/{}", shop.account(Role::Agent));
    app.call(Method::PUT, &ops, &path, lead).await.expect(204);
    app.clock.advance(1_000);
    let (other, earlier) = app.conversation(&shop).await;
    app.ask(other, &earlier, "hello?").await;
    for _ in 0..2 {
        let given = app.post(&agent, &escalate, json!({ "reason": "wants more" })).await.expect(200).json();
        assert_eq!(
            (given["assignee"]["name"].as_str(), given["escalated"].as_bool()),
            (Some("Agent of teahouse"), Some(true))
        );
    }
    assert_eq!(item(&app, &shop, conversation).await["transfers"].as_array().unwrap().len(), 3, "asked once");
    app.post(&agent, &format!("/v1/console/turns/{turn}/accept"), json!({ "version": 1 })).await.expect(200);
    assert_eq!(item(&app, &shop, conversation).await["conversation"]["escalated"], false, "the lead has done it");
}

#[tokio::test]
async fn clocks_follow_what_ops_have_settled() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (agent, ops) = (shop.caller(Role::Agent), shop.caller(Role::Ops));
    let rules =
        |first: u32| json!({ "first_reply_s": first, "next_reply_s": 60, "amber_percent": 50, "assigns": false });
    app.call(Method::PUT, &agent, "/v1/ops/inbox", Some(rules(10))).await.expect(403);
    app.call(Method::PUT, &ops, "/v1/ops/inbox", Some(rules(1))).await.expect(422);
    app.call(Method::PUT, &ops, "/v1/ops/inbox", Some(rules(10))).await.expect(200);
    let (conversation, buyer) = app.conversation(&shop).await;
    let clock = async || {
        let list = app.get(&agent, "/v1/console/conversations?tab=open").await.expect(200).json();
        let since_ms = list["conversations"][0]["waiting_since_ms"].as_i64().unwrap_or_default();
        let clock = &list["conversations"][0]["clock"];
        let after = |name: &str| clock[name].as_i64().map(|at_ms| at_ms - since_ms);
        (clock["kind"].as_str().map(str::to_owned), after("amber_at_ms"), after("due_at_ms"))
    };
    let turn = app.ask(conversation, &buyer, "hello?").await;
    assert_eq!(clock().await, (Some("first".into()), Some(5_000), Some(10_000)));
    app.auto_send(&shop, turn, "Hello.").await;
    assert_eq!(clock().await, (None, None, None));
    app.ask(conversation, &buyer, "and now?").await;
    assert_eq!(clock().await, (Some("next".into()), Some(30_000), Some(60_000)));
}

#[tokio::test]
async fn many_are_acted_on_at_once_and_what_is_refused_is_told() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let agent = shop.caller(Role::Agent);
    let (first, second) = (app.conversation(&shop).await.0, app.conversation(&shop).await.0);
    let nothing = uuid::Uuid::from_u128(7);
    let bulk = async |act: Value| {
        let body = json!({ "ids": [first, second, nothing], "act": act });
        app.post(&agent, "/v1/console/bulk", body).await.expect(200).json()
    };
    let told = bulk(json!({ "kind": "tag", "add": [" vip ", "退款"] })).await;
    assert_eq!(told["done"], json!([first, second]));
    assert_eq!(told["refused"], json!([{ "id": nothing, "code": "not_found" }]));
    bulk(json!({ "kind": "tag", "remove": ["退款"] })).await;
    bulk(json!({ "kind": "mark", "marked": true })).await;
    let found = async |query: &str| {
        let list = app.get(&agent, &format!("/v1/console/conversations?tab=all&{query}")).await.expect(200).json();
        list["conversations"].as_array().unwrap().len()
    };
    assert_eq!((found("tag=vip").await, found("tag=%E9%80%80%E6%AC%BE").await, found("marked=true").await), (2, 0, 2));
    assert_eq!(bulk(json!({ "kind": "assign" })).await["refused"][0]["code"], "nobody_free");
    let mine = json!({ "kind": "assign", "account_id": shop.account(Role::Agent) });
    assert_eq!(bulk(mine).await["done"], json!([first, second]));
    let whose = format!("whose={}", shop.account(Role::Agent));
    assert_eq!((found(&whose).await, found("whose=nobody").await, found("q=agent+of").await), (2, 0, 2));
    assert_eq!(bulk(json!({ "kind": "close" })).await["done"], json!([first, second]));
    let view = json!({ "name": "vips", "filter": { "tab": "closed", "tag": "vip" } });
    let kept = app.post(&agent, "/v1/console/views", view).await.expect(201).json();
    assert_eq!(kept["views"][0]["filter"]["tag"], "vip");
    let owners = app.get(&shop.caller(Role::Owner), "/v1/console/views").await.expect(200).json();
    assert_eq!(owners["views"], json!([]), "a view is its owner's alone");
}

#[tokio::test]
async fn colleagues_hear_who_looks_and_who_writes_and_a_brief_quotes_the_record() {
    let app = TestApp::new().await;
    let (shop, other) = (app.shop("teahouse").await, app.shop("bakery").await);
    let (agent, owner) = (shop.caller(Role::Agent), shop.caller(Role::Owner));
    let (conversation, buyer) = app.conversation(&shop).await;
    let path = |verb: &str| format!("/v1/console/conversations/{conversation}/{verb}");
    let mut desk = app.listen(&owner, "/v1/console/events", None).await;
    desk.next_named("resync").await;
    app.post(&other.caller(Role::Agent), &path("watch"), json!({ "doing": "typing" })).await.expect(404);
    app.post(&agent, &path("watch"), json!({ "doing": "typing" })).await.expect(204);
    let heard = desk.next_named("watching").await.data;
    assert_eq!((heard["name"].as_str(), heard["doing"].as_str()), (Some("Agent of teahouse"), Some("typing")));

    let turn = app.ask(conversation, &buyer, "我的耳机左边没声音").await;
    let words = json!({ "text": "抱歉！明天给您补发一副。", "client_key": "1", "turn_id": turn });
    app.post(&agent, &path("messages"), words).await.expect(200);
    app.ask(conversation, &buyer, "补发了吗？").await;
    app.post(&owner, "/v1/tasks", json!({ "kind": "other", "asked": "补发", "conversation_id": conversation }))
        .await
        .expect(201);
    let brief = item(&app, &shop, conversation).await["brief"].clone();
    assert_eq!(brief["wants"][0]["text"], "补发了吗？");
    assert_eq!(brief["promised"][0]["text"], "明天给您补发一副。");
    assert_eq!((brief["n_by_people"].as_i64(), brief["tasks"][0]["kind"].as_str()), (Some(1), Some("other")));
}
