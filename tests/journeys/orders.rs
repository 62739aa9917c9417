//! Orders come in, are answered from, changed by people, and taken back: through the real router and the real jobs.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, header};
use hmac::{Hmac, KeyInit, Mac};
use kefu::answer::Answering;
use kefu::domain::calendar::{DAY_MS, HOUR_MS};
use kefu::domain::encoding::BASE64;
use kefu::domain::ids::ConversationId;
use kefu::domain::policy::{Mode, TopicRule};
use kefu::inference::Embedder;
use kefu::inference::fake::{HashEmbedder, ScriptedGenerator};
use kefu::ingest::Ingestion;
use kefu::ingest::chunk::ChunkOptions;
use kefu::ingest::parse::ParseLimits;
use kefu::jobs::{Runner, RunnerOptions};
use kefu::retrieve::Retriever;
use kefu::storage::accounts::Role;
use kefu::storage::buyers::{self, KeyPurpose};
use kefu::storage::policies;
use kefu::vectors::memory::MemoryStore;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::{Notify, RwLock};

use crate::support::{Answer, Caller, START_MS, TestApp, TestShop};

pub const SECRET: &str = "hook-secret";

/// The jobs of `app`, with a generator that nobody may ask.
pub fn runner(app: &TestApp) -> Runner {
    let embedder: Arc<dyn Embedder> = Arc::new(HashEmbedder::default());
    let vectors = Arc::new(MemoryStore::new(embedder.spec().dim));
    let (db, clock) = (app.state.db.clone(), app.state.clock.clone());
    let ingestion = Ingestion {
        db: db.clone(),
        bus: app.state.bus.clone(),
        clock: clock.clone(),
        files: app.state.files.clone(),
        vectors: vectors.clone(),
        embedder: embedder.clone(),
        reader: env!("CARGO_BIN_EXE_kefu").into(),
        limits: ParseLimits::default(),
        chunking: ChunkOptions::default(),
        gate: RwLock::default(),
    };
    let generator = Arc::new(ScriptedGenerator::new(|_| panic!("no model is asked about an order")));
    let answering = Answering::new(Retriever::new(db.clone(), vectors, embedder), generator, clock.clone()).unwrap();
    Runner {
        db,
        bus: app.state.bus.clone(),
        clock,
        wake: Arc::new(Notify::new()),
        ingestion: Arc::new(ingestion),
        answering: Arc::new(answering),
        fingerprint: app.state.fingerprint.clone(),
        draw: app.state.draw.clone(),
        options: RunnerOptions::default(),
    }
}

pub async fn hook_key(app: &TestApp, shop: &TestShop) {
    let mut tx = app.state.db.begin().await.unwrap();
    buyers::create_key(&mut tx, shop.id, (KeyPurpose::Webhook, SECRET)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
}

/// Sends an event as another system does.
pub async fn event(app: &TestApp, shop: &TestShop, (id, secret): (&str, &str), body: &Value) -> Answer {
    let (time, body) = ((app.state.now_ms() / 1000).to_string(), body.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    let signature = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/v1/hooks/{}", shop.id))
        .header(header::HOST, "kefu.test")
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", time)
        .header("webhook-signature", signature);
    app.send(request.body(Body::from(body)).unwrap()).await
}

pub fn order_event(kind: &str, at_ms: i64, more: Value) -> Value {
    let mut order = json!({ "number": "20261123001" });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "type": kind, "at_ms": at_ms, "order": order })
}

/// A conversation of a buyer whom the shop has named.
pub async fn named_chat(app: &TestApp, shop: &TestShop, buyer: &str) -> (ConversationId, Caller) {
    let (conversation, caller) = app.conversation(shop).await;
    let mut tx = app.state.db.begin().await.unwrap();
    let until_ms = app.state.now_ms() + HOUR_MS;
    assert!(buyers::identify(&mut tx, shop.id, conversation, (buyer, until_ms)).await.unwrap());
    tx.commit().await.unwrap();
    (conversation, caller)
}

/// The last turn of a conversation, as agents see it.
async fn last_turn(app: &TestApp, shop: &TestShop, conversation: ConversationId) -> Value {
    let path = format!("/v1/console/conversations/{conversation}");
    let opened = app.get(&shop.caller(Role::Agent), &path).await.expect(200).json();
    opened["turns"].as_array().unwrap().last().unwrap().clone()
}

async fn shipped_order(app: &TestApp, shop: &TestShop) {
    hook_key(app, shop).await;
    let known =
        json!({ "buyer": "b-17", "phone": "13800138000", "lines": [{ "title": "空气炸锅", "category": "厨电" }] });
    event(app, shop, ("e-1", SECRET), &order_event("order.created", START_MS - 9 * HOUR_MS, known)).await.expect(200);
    let parcel = json!({ "carrier": "SF", "tracking": "SF1" });
    event(app, shop, ("e-3", SECRET), &order_event("order.shipped", START_MS - 5 * HOUR_MS, parcel)).await.expect(200);
    let node = json!({ "nodes": [{ "at_ms": START_MS - HOUR_MS, "place": "Hangzhou", "text": "Arrived at the hub" }] });
    event(app, shop, ("e-4", SECRET), &order_event("order.node", START_MS - HOUR_MS, node)).await.expect(200);
    // It comes late, and turns nothing back.
    event(app, shop, ("e-2", SECRET), &order_event("order.paid", START_MS - 8 * HOUR_MS, json!({}))).await.expect(200);
}

#[tokio::test]
async fn a_named_buyer_is_told_what_the_record_says_once_an_agent_agrees() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    shipped_order(&app, &shop).await;
    let runner = runner(&app);
    let (conversation, buyer) = named_chat(&app, &shop, "b-17").await;
    app.ask(conversation, &buyer, "Where is my order?").await;
    runner.drain().await;
    let turn = last_turn(&app, &shop, conversation).await;
    assert_eq!((turn["decision"].as_str(), turn["topic"].as_str()), (Some("review"), Some("order_status")), "{turn}");
    assert!(turn["reasons"].as_array().unwrap().contains(&json!("order_record")), "{turn}");
    let card = &turn["card"];
    assert_eq!((card["stage"].as_str(), card["next"].as_str()), (Some("shipped"), Some("delivery")));
    assert_eq!(card["last"]["place"], "Hangzhou");
    assert!(!card.to_string().contains("8000") && card["is_whole"] == true, "{card}");
    let path = format!("/v1/console/turns/{}/accept", turn["id"].as_str().unwrap());
    app.post(&shop.caller(Role::Agent), &path, json!({ "version": turn["version"] })).await.expect(200);
    let said = app.get(&buyer, &format!("/v1/chat/{conversation}/messages")).await.expect(200).json();
    let reply = said["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((reply["card"]["number"].as_str(), reply["author"].as_str()), (Some("20261123001"), Some("reviewed")));
}

#[tokio::test]
async fn it_is_sent_by_itself_only_where_ops_allowed_this_very_topic() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    shipped_order(&app, &shop).await;
    let runner = runner(&app);
    let set = async |topics: &[&str]| {
        let current = policies::current(&app.state.db, shop.id).await.unwrap();
        let mut policy = current.policy.clone();
        (policy.mode, policy.bar) = (Mode::Auto, 0.5);
        for topic in topics {
            policy.topics.insert((*topic).into(), TopicRule { mode: Mode::Auto, bar: Some(0.9), dial: None });
        }
        let mut tx = app.state.db.begin().await.unwrap();
        let new = policies::NewPolicy { policy: &policy, author: None, note: "", based_on: None };
        policies::append(&mut tx, shop.id, &new).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    };
    for (topics, decision) in [(&[][..], "review"), (&["order_status"][..], "auto_send")] {
        set(topics).await;
        let (conversation, buyer) = named_chat(&app, &shop, "b-17").await;
        app.ask(conversation, &buyer, "我的快递到哪了").await;
        runner.drain().await;
        assert_eq!(last_turn(&app, &shop, conversation).await["decision"], decision);
    }
    // A record that nobody has heard of for too long is left to a person, whatever ops allowed.
    app.clock.advance(4 * DAY_MS);
    let (conversation, buyer) = named_chat(&app, &shop, "b-17").await;
    app.ask(conversation, &buyer, "我的快递到哪了").await;
    runner.drain().await;
    let stored = kefu::storage::turns::of_conversation(&app.state.db, shop.id, conversation).await.unwrap();
    let decision = stored[0].decision.clone().unwrap();
    assert_eq!(
        (decision.code(), decision.reasons()),
        ("escalate", [kefu::domain::decision::Reason::OrderStale].as_slice())
    );
    assert_eq!(stored[0].record.as_ref().unwrap()["order"]["stale_after_hours"], 72, "its inputs are stored");
}

#[tokio::test]
async fn the_shops_word_on_who_a_buyer_is_expires_in_the_conversation_too() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    shipped_order(&app, &shop).await;
    let runner = runner(&app);
    let (agent, owner) = (shop.caller(Role::Agent), shop.caller(Role::Owner));
    let key = app.post(&owner, "/v1/ops/buyer-keys", json!({})).await.expect(201).json();
    let expires_s = START_MS / 1000 + 600;
    let identity =
        crate::security::identity(key["secret"].as_str().unwrap(), &shop.widget.to_string(), "b-17", expires_s);
    let path = format!("/v1/widgets/{}/conversations", shop.widget);
    let begun =
        app.post(&Caller::Nobody, &path, json!({ "lang": "zh", "identity": identity })).await.expect(201).json();
    let conversation = begun["conversation_id"].as_str().unwrap().parse::<ConversationId>().unwrap();
    let buyer = Caller::Bearer(begun["token"].as_str().unwrap().to_owned());
    let ask = async |text: &str| {
        app.ask(conversation, &buyer, text).await;
        runner.drain().await;
        last_turn(&app, &shop, conversation).await
    };
    let own = ask("我的快递到哪了").await;
    assert_eq!(own["card"]["number"], "20261123001", "{own}");
    // The clocks of two servers may differ by a minute, and then it is over.
    app.clock.advance(11 * 60 * 1000);
    let asked = ask("我的快递到哪了").await;
    assert!(asked["draft"].as_str().unwrap().contains("后四位") && asked["card"].is_null(), "{asked}");
    let by_number = ask("我的订单20261123001到哪了").await;
    assert!(by_number["card"].is_null(), "the number alone proves nothing: {by_number}");
    let proven = ask("20261123001 尾号8000").await;
    assert_eq!(proven["card"]["number"], "20261123001", "{proven}");
    // The shop's people still see with whom it began.
    let beside = app.get(&agent, &format!("/v1/console/conversations/{conversation}/beside")).await.expect(200).json();
    assert_eq!(beside["buyer"]["id"], "b-17");
}

#[tokio::test]
async fn an_anonymous_buyer_proves_an_order_and_guessing_ends_with_a_person() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    shipped_order(&app, &shop).await;
    let runner = runner(&app);
    let drafts = async |said: &[&str]| {
        let (conversation, buyer) = app.conversation(&shop).await;
        for text in said {
            app.ask(conversation, &buyer, text).await;
            runner.drain().await;
        }
        last_turn(&app, &shop, conversation).await
    };
    let asked = drafts(&["我的快递到哪了"]).await;
    assert!(asked["draft"].as_str().unwrap().contains("后四位") && asked["card"].is_null(), "{asked}");
    let proven = drafts(&["我的快递到哪了", "20261123001 尾号8000"]).await;
    assert_eq!(proven["card"]["number"], "20261123001", "{proven}");
    assert_eq!(proven["card"]["lang"], "zh", "numbers speak no language");
    let wrong_phone = drafts(&["Where is my order 20261123001? 1234"]).await;
    let wrong_number = drafts(&["Where is my order 99999999999? 8000"]).await;
    assert_eq!(wrong_phone["draft"], wrong_number["draft"], "who guesses learns nothing");
    assert!(wrong_phone["card"].is_null());
    let guessed =
        drafts(&["Where is my order 20261123001? 0001", "20261123001 0002", "20261123001 0003", "20261123001 8000"]);
    let guessed = guessed.await;
    assert_eq!((guessed["decision"].as_str(), &guessed["draft"]), (Some("escalate"), &Value::Null), "{guessed}");
}

#[tokio::test]
async fn a_request_becomes_a_task_that_people_settle() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    shipped_order(&app, &shop).await;
    let (agent, runner) = (shop.caller(Role::Agent), runner(&app));
    let (conversation, buyer) = named_chat(&app, &shop, "b-17").await;
    app.ask(conversation, &buyer, "麻烦改一下收货地址").await;
    runner.drain().await;
    let turn = last_turn(&app, &shop, conversation).await;
    assert_eq!(turn["topic"], "order_request");
    assert!(!turn["draft"].as_str().unwrap().contains("已修改"), "nothing is promised");
    let listed = app.get(&agent, "/v1/tasks").await.expect(200).json();
    let task = &listed["tasks"][0];
    assert_eq!((task["kind"].as_str(), task["department"].as_str()), (Some("address"), Some("warehouse")));
    assert_eq!(
        (task["order_number"].as_str(), task["asked"].as_str()),
        (Some("20261123001"), Some("麻烦改一下收货地址"))
    );
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    let patch = async |body: Value| app.call(Method::PATCH, &agent, &path, Some(body)).await;
    patch(json!({ "version": 0, "state": "done" })).await.expect(422);
    let doing =
        patch(json!({ "version": 0, "state": "doing", "note": "asked the warehouse" })).await.expect(200).json();
    assert_eq!(doing["assignee"]["name"], "Agent of teahouse");
    assert_eq!(patch(json!({ "version": 0, "state": "doing" })).await.expect(409).code(), "task_changed");
    patch(json!({ "version": 1, "state": "done", "evidence": "changed in the system" })).await.expect(200);
    assert_eq!(app.get(&agent, "/v1/tasks").await.expect(200).json()["tasks"], json!([]));
    let beside = app.get(&agent, &format!("/v1/console/conversations/{conversation}/beside")).await.expect(200).json();
    assert_eq!(beside["tasks"][0]["evidence"], "changed in the system");
    assert_eq!(
        (beside["buyer"]["id"].as_str(), beside["orders"][0]["number"].as_str()),
        (Some("b-17"), Some("20261123001"))
    );
}

#[tokio::test]
async fn a_return_is_ruled_on_and_filed_from_the_order() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    shipped_order(&app, &shop).await;
    let agent = shop.caller(Role::Agent);
    let orders = app.get(&agent, "/v1/records/orders").await.expect(200).json();
    let path = format!("/v1/records/orders/{}", orders["orders"][0]["id"].as_str().unwrap());
    let rule = async |cause: &str| {
        let ruled = app.post(&agent, &format!("{path}/ruling"), json!({ "cause": cause })).await.expect(200);
        ruled.json()["ruling"].clone()
    };
    assert_eq!(rule("changed_mind").await["reasons"], json!(["under_way"]));
    event(&app, &shop, ("e-9", SECRET), &order_event("order.signed", START_MS, json!({}))).await.expect(200);
    assert_eq!(rule("changed_mind").await["verdict"], "due");
    app.clock.advance(10 * DAY_MS);
    assert_eq!(rule("changed_mind").await["reasons"], json!(["days_over"]));
    let filed = json!({ "cause": "defect", "note": "the lid is cracked" });
    let task = app.post(&agent, &format!("{path}/returns"), filed).await.expect(201).json();
    assert_eq!((task["kind"].as_str(), task["ruling"]["freight"].as_str()), (Some("return"), Some("shop")));
}

#[tokio::test]
async fn a_sheet_goes_in_but_for_its_wrong_rows_and_the_report_names_them() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (staff, runner) = (shop.caller(Role::Staff), runner(&app));
    let csv = "订单号,订单状态,实付金额,商品名称\n1001,已发货,399,锅\n1002,已发货,-1,锅\n=1003,已发货,5,锅\n";
    let form: (&[crate::support::UploadedFile<'_>], _) =
        (&[("订单.csv", csv.as_bytes())], [("kind", "orders")].as_slice());
    app.upload_with(&staff, "/v1/records/imports", form).await.expect(202);
    runner.drain().await;
    let import = app.get(&staff, "/v1/records/imports").await.expect(200).json()["imports"][0].clone();
    assert_eq!((import["n_taken"].as_u64(), import["n_refused"].as_u64()), (Some(1), Some(2)), "{import}");
    let report = app.get(&staff, &format!("/v1/records/imports/{}/report", import["id"].as_str().unwrap())).await;
    let report = report.expect(200).text();
    assert!(report.contains("3,1002,An amount cannot be negative,实付金额,'-1"), "{report}");
    assert!(report.contains("'=1003") && !report.contains(",=1003"), "{report}");
    let orders = app.get(&staff, "/v1/records/orders?number=100").await.expect(200).json();
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_a_signed_event_counts_and_only_once() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    hook_key(&app, &shop).await;
    let paid = order_event("order.paid", START_MS, json!({}));
    let forged = event(&app, &shop, ("e-1", "another secret"), &paid).await.expect(401);
    assert_eq!(forged.code(), "signature_invalid");
    let told = event(&app, &shop, ("e-1", SECRET), &paid).await.expect(200).json();
    assert_eq!(told["change"], "new");
    let again = event(&app, &shop, ("e-1", SECRET), &paid).await.expect(200).json();
    assert_eq!(again["change"], "repeated");
    let ahead = order_event("order.signed", START_MS + DAY_MS, json!({}));
    event(&app, &shop, ("e-2", SECRET), &ahead).await.expect(422);
    let viewed = json!({ "type": "product.viewed", "at_ms": START_MS, "buyer": "b-1", "sku": "AF-500" });
    event(&app, &shop, ("e-3", SECRET), &viewed).await.expect(200);
    let (conversation, _) = named_chat(&app, &shop, "b-1").await;
    let path = format!("/v1/console/conversations/{conversation}/beside");
    let beside = app.get(&shop.caller(Role::Agent), &path).await.expect(200).json();
    assert_eq!(beside["views"][0]["sku"], "AF-500");
}
