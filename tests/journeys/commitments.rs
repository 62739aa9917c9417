//! What buyers were told that would be done: heard, kept with evidence, called for in time; and what a shift leaves.

use axum::http::Method;
use kefu::domain::calendar::{DAY_MS, HOUR_MS};
use kefu::domain::ids::ConversationId;
use kefu::storage::accounts::Role;
use serde_json::{Value, json};

use crate::orders::{SECRET, event, hook_key, named_chat, order_event, runner};
use crate::support::{Answer, START_MS, TestApp, TestShop};

/// An agent writes to a buyer; the message.
async fn write(app: &TestApp, shop: &TestShop, conversation: ConversationId, text: &str) -> Value {
    let path = format!("/v1/console/conversations/{conversation}/messages");
    let body = json!({ "text": text, "client_key": text });
    app.post(&shop.caller(Role::Agent), &path, body).await.expect(200).json()["message"].clone()
}

async fn listed(app: &TestApp, shop: &TestShop, role: Role, show: &str) -> Vec<Value> {
    let answer = app.get(&shop.caller(role), &format!("/v1/commitments?show={show}")).await.expect(200).json();
    answer["commitments"].as_array().unwrap().clone()
}

async fn change(app: &TestApp, shop: &TestShop, one: &Value, what: Value) -> Answer {
    let mut body = json!({ "version": one["version"] });
    body.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
    let path = format!("/v1/commitments/{}", one["id"].as_str().unwrap());
    app.call(Method::PATCH, &shop.caller(Role::Agent), &path, Some(body)).await
}

#[tokio::test]
async fn what_an_agent_told_a_buyer_is_listed_and_closed_with_what_shows_it() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, _) = app.conversation(&shop).await;
    let (elsewhere, _) = app.conversation(&shop).await;
    write(&app, &shop, conversation, "签收后7天内可以退货").await;
    assert_eq!(listed(&app, &shop, Role::Agent, "all").await, Vec::<Value>::new(), "a rule is told, nothing more");
    // Eight in the morning in China, where the shop is.
    let said = write(&app, &shop, conversation, "您好，今天给您发货，发票明天给您开").await;
    let found = listed(&app, &shop, Role::Agent, "mine").await;
    let told: Vec<_> = found.iter().map(|one| (one["kind"].as_str().unwrap(), one["due_at_ms"].as_i64())).collect();
    assert_eq!(told[0], ("ship", Some(START_MS + 13 * HOUR_MS)), "by nine in the evening");
    assert_eq!(told[1], ("invoice", Some(START_MS + 37 * HOUR_MS)));
    assert_eq!(listed(&app, &shop, Role::Agent, "today").await.len(), 1);
    assert_eq!((&found[0]["message_id"], &found[0]["owner"]["name"]), (&said["id"], &json!("Agent of teahouse")));
    assert!(found[0]["message"].as_str().unwrap().contains("今天给您发货"), "{}", found[0]["message"]);
    change(&app, &shop, &found[0], json!({ "state": "kept" })).await.expect(422);
    let foreign = write(&app, &shop, elsewhere, "已发出").await["id"].clone();
    let evidence = |message: &Value| json!({ "kind": "message", "conversation": conversation, "message": message });
    let wrong = json!({ "state": "kept", "evidence": evidence(&foreign) });
    change(&app, &shop, &found[0], wrong).await.expect(422);
    let shipped = write(&app, &shop, conversation, "您好，包裹已经发出，单号SF1").await["id"].clone();
    let kept = json!({ "state": "kept", "evidence": evidence(&shipped) });
    let kept = change(&app, &shop, &found[0], kept).await.expect(200).json();
    assert_eq!((kept["state"].as_str(), kept["evidence"]["message"].clone()), (Some("kept"), shipped));
    let late = change(&app, &shop, &found[0], json!({ "state": "dismissed" })).await.expect(409);
    assert_eq!(late.code(), "commitment_changed");
    change(&app, &shop, &found[1], json!({ "state": "dismissed" })).await.expect(200);
    assert_eq!(listed(&app, &shop, Role::Agent, "all").await, Vec::<Value>::new());
    assert_eq!(listed(&app, &shop, Role::Agent, "over").await.len(), 2);
}

#[tokio::test]
async fn an_order_that_is_shipped_proposes_and_what_is_late_goes_to_the_lead_and_into_the_night() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    hook_key(&app, &shop).await;
    let runner = runner(&app);
    let (conversation, _) = named_chat(&app, &shop, "b-17").await;
    write(&app, &shop, conversation, "今天给您发货。").await;
    write(&app, &shop, conversation, "半小时内给您答复。").await;
    runner.queue_what_is_due().await.unwrap();
    runner.drain().await;
    assert_eq!(listed(&app, &shop, Role::Owner, "mine").await, Vec::<Value>::new(), "nothing is late");
    app.clock.advance(HOUR_MS);
    let known = json!({ "buyer": "b-17" });
    event(&app, &shop, ("e-1", SECRET), &order_event("order.shipped", START_MS + HOUR_MS, known)).await.expect(200);
    runner.queue_what_is_due().await.unwrap();
    runner.drain().await;
    let late = listed(&app, &shop, Role::Owner, "mine").await;
    assert_eq!(late.len(), 1, "{late:?}");
    assert_eq!((&late[0]["kind"], &late[0]["escalated_to"]["name"]), (&json!("reply"), &json!("Owner of teahouse")));
    let ship = listed(&app, &shop, Role::Agent, "today").await.remove(0);
    assert_eq!((&ship["proposed"]["stage"], &ship["order_number"]), (&json!("shipped"), &json!("20261123001")));
    let kept = json!({ "state": "kept", "evidence": ship["proposed"] });
    change(&app, &shop, &ship, kept).await.expect(200);
    app.clock.advance(13 * HOUR_MS);
    runner.queue_what_is_due().await.unwrap();
    runner.drain().await;
    let days = app.get(&shop.caller(Role::Agent), "/v1/commitments/days").await.expect(200).json();
    let last = &days["days"][0];
    assert_eq!(
        (last["day"].as_str(), last["kept"].as_u64(), last["overdue"].as_u64()),
        (Some("2026-01-01"), Some(1), Some(1))
    );
    runner.queue_what_is_due().await.unwrap();
    runner.drain().await;
    let again = app.get(&shop.caller(Role::Agent), "/v1/commitments/days").await.expect(200).json();
    assert_eq!(again, days, "a night is summed up once");
}

#[tokio::test]
async fn a_shift_that_is_over_leaves_word_by_itself_and_earlier_if_asked() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let runner = runner(&app);
    let agent = shop.caller(Role::Agent);
    let early = json!({
        "name": "早班", "weekdays": [0, 1, 2, 3, 4, 5, 6], "from_min": 480, "until_min": 960,
        "agents": [shop.account(Role::Agent)],
    });
    app.call(Method::PUT, &agent, "/v1/shifts", Some(json!({ "shifts": [early] }))).await.expect(403);
    let twice = json!({ "shifts": [early, early] });
    app.call(Method::PUT, &shop.caller(Role::Ops), "/v1/shifts", Some(twice)).await.expect(422);
    let set = app.call(Method::PUT, &shop.caller(Role::Ops), "/v1/shifts", Some(json!({ "shifts": [early] }))).await;
    let set = set.expect(200).json();
    assert_eq!(
        set["shifts"][0]["now"]["ends_at_ms"],
        START_MS + 8 * HOUR_MS,
        "eight in China is midnight in Greenwich"
    );
    assert_eq!(set["shifts"][0]["agents"][0]["name"], "Agent of teahouse");
    let (conversation, buyer) = app.conversation(&shop).await;
    app.ask(conversation, &buyer, "Does it come with a *gift box*?").await;
    let (other, _) = app.conversation(&shop).await;
    write(&app, &shop, other, "I will check with the warehouse.").await;
    let now = app.get(&agent, "/v1/shifts/now").await.expect(200).json();
    assert_eq!(
        (now["id"].clone(), now["waiting"][0]["said"].as_str()),
        (Value::Null, Some("Does it come with a *gift box*?"))
    );
    let left = app.post(&agent, "/v1/shifts/handovers", json!({ "note": "see you" })).await.expect(201).json();
    assert_eq!((&left["numbers"]["asked"], &left["commitments"][0]["kind"]), (&json!(1), &json!("check")));
    let path = format!("/v1/shifts/handovers/{}/markdown", left["id"].as_str().unwrap());
    let text = app.get(&agent, &path).await.expect(200).text();
    assert!(
        text.contains("# Hand-over: 早班") && text.contains("\\*gift box\\*") && text.contains("> Note: see you"),
        "{text}"
    );
    app.clock.advance(8 * HOUR_MS);
    for _ in 0..2 {
        runner.queue_what_is_due().await.unwrap();
        runner.drain().await;
    }
    let all = app.get(&agent, "/v1/shifts/handovers").await.expect(200).json();
    let authors: Vec<_> = all["handovers"].as_array().unwrap().iter().map(|one| one["author"].clone()).collect();
    assert_eq!(authors, [Value::Null, json!("Agent of teahouse")], "by itself, once");
    let plan = app.get(&agent, "/v1/shifts/load-plan?per_hour=7200").await.expect(200).json();
    assert_eq!(plan["plan"], Value::Null, "nothing was measured");
    let turn = app.ask(conversation, &buyer, "Is it blue?").await;
    app.draft(&shop, turn, "It is blue.", &[]).await;
    let plan = app.get(&agent, "/v1/shifts/load-plan?per_hour=7200").await.expect(200).json();
    // 45 ms, and none for the one before that nothing was found for.
    assert_eq!((&plan["plan"]["machines"], &plan["plan"]["mean_seconds"]), (&json!(1), &json!(0.0225)), "{plan}");
    app.clock.advance(DAY_MS);
    let alike = app.get(&agent, "/v1/shifts/alike").await.expect(200).json();
    assert_eq!(alike["weeks"], json!([]), "one shift cannot be compared with itself");
}
