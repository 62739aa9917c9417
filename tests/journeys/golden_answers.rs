//! A golden answer from its proposal to the buyer: sheets, replies of agents, staff who approve, questions that meet it.

use std::sync::Arc;

use axum::http::Method;
use kefu::answer::golden::GoldenTier;
use kefu::domain::document::{FaqEntry, Format, Parsed};
use kefu::domain::ids::RevisionId;
use kefu::domain::job::Lane;
use kefu::inference::fake::HashEmbedder;
use kefu::retrieve::Scope;
use kefu::storage::accounts::Role;
use kefu::storage::revisions;
use serde_json::{Value, json};

use crate::support::{TestApp, TestShop};

/// What a buyer of the shop is told, if a golden answer is met.
async fn meets(app: &TestApp, shop: &TestShop, question: &str) -> Option<String> {
    let tier = GoldenTier::new(app.state.db.clone(), Arc::new(HashEmbedder::default())).unwrap();
    tier.embed_pending(shop.id).await.unwrap();
    let scope = Scope { shop: shop.id, buyers_only: true, sku: None, platform: None, lane: Lane::Interactive };
    tier.meet(&scope, question).await.unwrap().map(|met| met.answer)
}

async fn list(app: &TestApp, shop: &TestShop) -> Vec<Value> {
    let list = app.get(&shop.caller(Role::Staff), "/v1/knowledge/golden").await.expect(200).json();
    list["answers"].as_array().unwrap().clone()
}

#[tokio::test]
async fn staff_write_change_and_switch_off_a_golden_answer() {
    let app = TestApp::new().await;
    let (shop, other) = (app.shop("teahouse").await, app.shop("bakery").await);
    let staff = shop.caller(Role::Staff);
    let body = json!({ "question": "多久可以退货？", "answer": "签收后七天内。", "phrasings": ["退货期限是几天", ""] });
    let golden = app.post(&staff, "/v1/knowledge/golden", body).await.expect(201).json();
    assert_eq!((golden["state"].as_str(), golden["phrasings"].clone()), (Some("approved"), json!(["退货期限是几天"])));
    assert_eq!(meets(&app, &shop, "退货期限是几天？").await.as_deref(), Some("签收后七天内。"));
    assert_eq!(meets(&app, &other, "退货期限是几天？").await, None);
    let path = format!("/v1/knowledge/golden/{}", golden["id"].as_str().unwrap());
    let changed = app.call(Method::PATCH, &staff, &path, Some(json!({ "answer": "八天内。", "sku": "T-1" }))).await;
    assert_eq!(changed.expect(200).json()["sku"], "T-1");
    assert_eq!(meets(&app, &shop, "多久可以退货？").await, None, "it is about one product now, which nobody named");
    app.call(Method::PATCH, &staff, &path, Some(json!({ "sku": null }))).await.expect(200);
    assert_eq!(meets(&app, &shop, "多久可以退货？").await.as_deref(), Some("八天内。"));
    app.call(Method::PATCH, &staff, &path, Some(json!({ "state": "off" }))).await.expect(200);
    assert_eq!(meets(&app, &shop, "多久可以退货？").await, None);
    app.call(Method::PATCH, &staff, &path, Some(json!({ "answer": " " }))).await.expect(422);
    app.call(Method::DELETE, &staff, &path, None).await.expect(204);
    app.call(Method::DELETE, &staff, &path, None).await.expect(404);
    assert_eq!(list(&app, &shop).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_reply_becomes_a_proposal_that_answers_nobody_until_staff_approve_it() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let agent = shop.caller(Role::Agent);
    let (conversation, buyer) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, "How long can I return it?").await;
    app.draft(&shop, turn, "Within 7 days.", &[]).await;
    let path = format!("/v1/console/turns/{turn}/golden");
    let body = json!({ "question": "How long can I return it?", "answer": "Within 7 days of delivery." });
    assert_eq!(app.post(&agent, &path, body.clone()).await.expect(409).code(), "not_answered");
    app.post(&agent, &format!("/v1/console/turns/{turn}/accept"), json!({ "version": 1 })).await.expect(200);
    let saved = app.post(&agent, &path, body).await.expect(201).json();
    assert_eq!(saved["state"], "proposed");
    assert_eq!(meets(&app, &shop, "How long can I return it?").await, None);
    let approve = json!({ "ids": [saved["id"]], "state": "approved" });
    app.post(&agent, "/v1/knowledge/golden/states", approve.clone()).await.expect(403);
    let done = app.post(&shop.caller(Role::Staff), "/v1/knowledge/golden/states", approve).await.expect(200).json();
    assert_eq!(done["n_changed"], 1);
    let met = meets(&app, &shop, "How long can I return it?").await;
    assert_eq!(met.as_deref(), Some("Within 7 days of delivery."));
    assert_eq!(list(&app, &shop).await[0]["turn_id"], turn.to_string());
}

#[tokio::test]
async fn a_sheet_is_proposed_whole_and_approved_in_one_go() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let uploaded = app.upload(&staff, "/v1/knowledge/documents", &[("faq.csv", b"x")]).await.expect(202).json();
    let document = uploaded["results"][0]["document_id"].as_str().unwrap().to_owned();
    let revision: RevisionId = uploaded["results"][0]["revision_id"].as_str().unwrap().parse().unwrap();
    let take = format!("/v1/knowledge/documents/{document}/golden");
    assert_eq!(app.post(&staff, &take, json!({})).await.expect(409).code(), "not_yet");
    app.index(&shop, revision, &["x"]).await;
    let entry =
        |question: &str, answer: &str| FaqEntry { question: question.into(), answer: answer.into(), block_idx: 0 };
    let faq =
        vec![entry("发什么快递？", "顺丰。"), entry("可以开发票吗？", "可以。"), entry("可以开发票吗？", "不行。")];
    let parsed =
        Parsed { format: Format::Csv, n_pages: None, text: String::new(), blocks: vec![], faq, warnings: vec![] };
    let mut tx = app.state.db.begin().await.unwrap();
    revisions::store_parsed(&mut tx, shop.id, revision, &parsed).await.unwrap();
    tx.commit().await.unwrap();
    let sheets = app.get(&staff, "/v1/knowledge/golden-sheets").await.expect(200).json();
    assert_eq!(sheets["sheets"][0]["n_entries"], 2, "of two answers to one question the first counts");
    assert_eq!(sheets["sheets"][0]["is_taken"], false);
    let taken = app.post(&staff, &take, json!({})).await.expect(200).json();
    assert_eq!((taken["n_proposed"].as_i64(), taken["n_kept"].as_i64()), (Some(2), Some(0)));
    assert_eq!(
        app.post(&staff, &take, json!({})).await.expect(200).json()["n_kept"],
        2,
        "taking it again changes nothing"
    );
    assert_eq!(meets(&app, &shop, "发什么快递？").await, None);
    let ids: Vec<Value> = list(&app, &shop).await.iter().map(|golden| golden["id"].clone()).collect();
    let approve = json!({ "ids": ids, "state": "approved" });
    app.post(&staff, "/v1/knowledge/golden/states", approve).await.expect(200);
    assert_eq!(meets(&app, &shop, "发什么快递？").await.as_deref(), Some("顺丰。"));
    let patch = Some(json!({ "audience": "agents" }));
    app.call(Method::PATCH, &staff, &format!("/v1/knowledge/documents/{document}"), patch).await.expect(200);
    assert_eq!(meets(&app, &shop, "发什么快递？").await, None, "the sheet is for agents now");
    app.call(Method::DELETE, &staff, &format!("/v1/knowledge/documents/{document}"), None).await.expect(202);
    let mut tx = app.state.db.begin().await.unwrap();
    kefu::storage::documents::mark_removed(&mut tx, shop.id, document.parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(meets(&app, &shop, "可以开发票吗？").await, None, "a sheet that is gone answers nobody");
}
