//! A buyer writes on another platform: an agent brings the message, takes the draft along, and says what became of it.

use axum::http::Method;
use kefu::app::App;
use kefu::domain::decision::{Decision, Reason};
use kefu::domain::ids::{AccountId, ShopId, TurnId};
use kefu::domain::order::Platform;
use kefu::domain::outcome::{Difference, Outcome};
use kefu::domain::policy::{Mode, Policy};
use kefu::domain::text::Lang;
use kefu::jobs::Runner;
use kefu::storage::accounts::Role;
use kefu::storage::companion::{self, Brought};
use kefu::storage::policies::{self, NewPolicy};
use kefu::storage::turns::{self, Turn};
use kefu::storage::uploads::{self, Said};
use kefu::storage::{feedback, labels, shops};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::a_promise_at_work::{open, runner};
use crate::support::{Caller, TestApp, TestShop};

async fn brought(app: &TestApp, agent: &Caller, body: Value) -> (TurnId, String) {
    let asked = app.post(agent, "/v1/drafts", body).await.expect(202).json();
    assert_eq!((&asked["state"], &asked["draft"], &asked["outcome"]), (&json!("asked"), &Value::Null, &Value::Null));
    let id = asked["id"].as_str().unwrap().to_owned();
    (id.parse().unwrap(), format!("/v1/drafts/{id}"))
}

async fn label_of(app: &TestApp, shop: &TestShop, turn: TurnId) -> Option<Outcome> {
    labels::of_turn(&app.state.db, shop.id, turn).await.unwrap().pop().map(|label| label.outcome)
}

#[tokio::test]
async fn a_draft_for_another_platform_is_used_edited_or_refused_and_teaches() {
    let app = TestApp::new().await;
    let (shop, other) = (app.shop("a").await, app.shop("b").await);
    let agent = shop.caller(Role::Agent);
    let earlier = json!([{ "author": "buyer", "text": "在吗" }, { "author": "shop", "text": "在的" }]);
    let body = json!({ "text": "几天能到？", "platform": "pdd", "earlier": earlier, "order_number": " 8001 " });

    let (turn, path) = brought(&app, &agent, body.clone()).await;
    app.draft(&shop, turn, "一般2到3天到。[1]", &[]).await;
    let ready = app.get(&agent, &format!("{path}?wait_s=30")).await.expect(200).json();
    assert_eq!(
        (&ready["state"], &ready["platform"], &ready["order_number"]),
        (&json!("review"), &json!("pdd"), &json!("8001"))
    );
    assert_eq!(ready["draft"], "一般2到3天到。[1]");
    assert_eq!(kefu::storage::check::violations(&app.state.db).await.unwrap(), []);
    let thread = turns::get(&app.state.db, shop.id, turn).await.unwrap().unwrap().conversation.0;
    let words = format!("/v1/console/conversations/{thread}/messages");
    let no_buyer = json!({ "text": "明天发货", "client_key": "k" });
    app.post(&agent, &words, no_buyer).await.expect(404); // No buyer would read it.
    let used = json!({ "outcome": "used", "version": ready["version"] });
    app.post(&other.caller(Role::Agent), &format!("{path}/outcome"), used.clone()).await.expect(404);
    app.post(&shop.caller(Role::Staff), &format!("{path}/outcome"), used.clone()).await.expect(403);
    let told = app.post(&agent, &format!("{path}/outcome"), used.clone()).await.expect(200).json();
    assert_eq!((&told["outcome"], &told["state"]), (&json!("used"), &json!("replied")));
    assert_eq!(label_of(&app, &shop, turn).await, Some(Outcome::Accept));
    assert_eq!(app.post(&agent, &format!("{path}/outcome"), used).await.expect(409).code(), "already_resolved");

    let (turn, path) = brought(&app, &agent, body.clone()).await;
    app.draft(&shop, turn, "一般2到3天到。", &[]).await;
    let edited = json!({ "outcome": "edited", "version": 1, "text": "一般5天到。" });
    app.post(&agent, &format!("{path}/outcome"), edited).await.expect(200);
    assert_eq!(label_of(&app, &shop, turn).await, Some(Outcome::EditFact));
    let kept = feedback::of_turn(&app.state.db, shop.id, turn).await.unwrap().pop().unwrap();
    assert_eq!((kept.final_text.as_deref(), kept.difference), (Some("一般5天到。"), Some(Difference::Fact)));

    let (turn, path) = brought(&app, &agent, body).await;
    app.draft(&shop, turn, "不知道。", &[]).await;
    let refused = json!({ "outcome": "rejected", "version": 1, "reason": "wrong" });
    let told = app.post(&agent, &format!("{path}/outcome"), refused).await.expect(200).json();
    assert_eq!((&told["outcome"], label_of(&app, &shop, turn).await), (&json!("rejected"), Some(Outcome::RejectWrong)));

    let figures = app.get(&agent, "/v1/drafts/figures").await.expect(200).json();
    let want =
        json!([{ "platform": "pdd", "n_asked": 3, "n_drafted": 3, "n_used": 1, "n_edited": 1, "n_rejected": 1 }]);
    assert_eq!(figures["platforms"], want);
    assert_eq!(app.get(&agent, "/v1/drafts").await.expect(200).json()["drafts"].as_array().unwrap().len(), 3);
    let elsewhere = app.get(&other.caller(Role::Agent), "/v1/drafts/figures").await.expect(200).json();
    assert_eq!(elsewhere["platforms"], json!([]));
    // None of it is in the shop's own inbox or queue.
    assert_eq!(app.get(&agent, "/v1/console/queue").await.expect(200).json()["turns"], json!([]));
    assert_eq!(
        app.get(&agent, "/v1/console/conversations?tab=all").await.expect(200).json()["conversations"],
        json!([])
    );
}

#[tokio::test]
async fn a_script_brings_messages_with_its_key_and_bad_ones_are_refused() {
    let app = TestApp::new().await;
    let shop = app.shop("a").await;
    let agent = shop.caller(Role::Agent);
    for (body, code) in [
        (json!({ "text": " ", "platform": "jd" }), "message_empty"),
        (json!({ "text": "长".repeat(2_001), "platform": "jd" }), "field_invalid"),
        (json!({ "text": "?", "platform": "ebay" }), "body_invalid"),
        (json!({ "text": "?" }), "body_invalid"),
        (json!({ "text": "?", "platform": "jd", "shop_id": shop.id }), "body_invalid"),
    ] {
        let refused = app.post(&agent, "/v1/drafts", body.clone()).await;
        assert!(refused.status.is_client_error() && refused.code() == code, "{body}: {}", refused.text());
    }
    let (_, path) =
        brought(&app, &agent, json!({ "text": "Where do I find the serial number?", "platform": "other" })).await;
    assert_eq!(app.get(&agent, &format!("{path}?wait_s=31")).await.expect(422).code(), "field_invalid");
    // What a buyer of the shop asked is no draft of this kind.
    let (thread, buyer) = app.conversation(&shop).await;
    let turn = app.ask(thread, &buyer, "hello?").await;
    app.get(&agent, &format!("/v1/drafts/{turn}")).await.expect(404);
}

#[tokio::test]
async fn an_angry_buyer_is_seen_as_one_before_any_draft() {
    let app = TestApp::new().await;
    let shop = app.shop("a").await;
    let agent = shop.caller(Role::Agent);
    let body = json!({ "text": "你们是骗子吧，我要投诉！！", "platform": "douyin" });
    let asked = app.call(Method::POST, &agent, "/v1/drafts", Some(body)).await.expect(202).json();
    assert_eq!(asked["mood"], "angry");
}

async fn drafted(app: &App, worker: &Runner, shop: ShopId, (platform, text): (Platform, &str)) -> Turn {
    let brought = Brought {
        account: AccountId(Uuid::from_u128(3)),
        platform,
        order_number: None,
        lang: Lang::En,
        earlier: &[],
        text,
        buyer_hash: "nobody",
    };
    let mut tx = app.db.begin().await.unwrap();
    let turn = companion::bring(&mut tx, shop, &brought).await.unwrap().turn;
    tx.commit().await.unwrap();
    worker.drain().await;
    turns::get(&app.db, shop, turn).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_sure_draft_is_held_all_the_same_and_each_platform_has_its_own_rules() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path()).await;
    let rules =
        app.files.put(b"# Returns\n\nUnworn shoes can be returned within 30 days of delivery.\n").await.unwrap();
    let mut tx = app.db.begin().await.unwrap();
    let shop = shops::create(&mut tx, "shoes", Lang::En).await.unwrap().id;
    let policy = Policy { mode: Mode::Auto, bar: 0.5, ..Policy::review_everything() };
    let new = NewPolicy { policy: &policy, author: None, note: "", based_on: None };
    policies::append(&mut tx, shop, &new).await.unwrap().unwrap();
    let said = Said { platforms: Some(vec![Platform::Jd]), ..Said::default() };
    uploads::register(&mut tx, shop, "returns.md", &said, &rules).await.unwrap();
    tx.commit().await.unwrap();
    app.runner.drain().await;
    let worker = runner(&app, app.fingerprint.as_ref().clone());

    let question = "Can unworn shoes be returned after delivery?";
    let there = drafted(&app, &worker, shop, (Platform::Jd, question)).await;
    assert_eq!(there.decision, Some(Decision::Review { reasons: vec![Reason::CopiedByHand] }), "{there:?}");
    assert!(there.draft.unwrap().contains("within 30 days") && there.replied_at_ms.is_none());

    let elsewhere = drafted(&app, &worker, shop, (Platform::Pdd, question)).await;
    assert_eq!((elsewhere.draft, elsewhere.citations), (None, vec![]), "the rules of another platform answer nothing");

    let angry = format!("{question} You are a scam!!");
    let held = drafted(&app, &worker, shop, (Platform::Jd, &angry)).await;
    assert!(held.decision.unwrap().reasons().contains(&Reason::Angry));
}

#[tokio::test]
async fn people_keep_canned_replies_and_the_shop_keeps_some_for_all() {
    let app = TestApp::new().await;
    let shop = app.shop("a").await;
    let (agent, staff) = (shop.caller(Role::Agent), shop.caller(Role::Staff));
    let form = json!({ "title": "发货", "body": "您好{buyer}，订单{order}今天发出。——{agent}" });
    let own = app.post(&agent, "/v1/canned", form.clone()).await.expect(201).json();
    app.post(&agent, "/v1/canned/shop", form.clone()).await.expect(403);
    app.post(&staff, "/v1/canned/shop", form.clone()).await.expect(201);
    let unknown = json!({ "title": "x", "body": "您好{买家}" });
    assert_eq!(app.post(&agent, "/v1/canned", unknown).await.expect(422).code(), "field_invalid");
    let seen = |answer: Value| answer["replies"].as_array().unwrap().len();
    assert_eq!(seen(app.get(&agent, "/v1/canned").await.expect(200).json()), 2);
    assert_eq!(seen(app.get(&staff, "/v1/canned").await.expect(200).json()), 1, "another's own are not seen");
    let path = format!("/v1/canned/{}", own["id"].as_str().unwrap());
    app.call(Method::PUT, &shop.caller(Role::Owner), &path, Some(form)).await.expect(404);
    app.call(Method::DELETE, &agent, &path, None).await.expect(204);
    assert_eq!(seen(app.get(&agent, "/v1/canned").await.expect(200).json()), 1);
}
