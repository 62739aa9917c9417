//! Staff upload files: new ones, the same again, newer versions, hopeless ones.

use axum::http::Method;
use kefu::domain::document::{Format, Parsed, RevisionState};
use kefu::domain::ids::ChunkId;
use kefu::http::state::HttpSettings;
use kefu::storage::accounts::Role;
use kefu::storage::{chunks, indexing, jobs, revisions};
use serde_json::{Value, json};

use crate::support::{TestApp, TestShop};

const DOCUMENTS: &str = "/v1/knowledge/documents";

fn one(answer: &Value) -> &Value {
    &answer["results"][0]
}

async fn n_queued(app: &TestApp) -> u32 {
    jobs::counts(&app.state.db).await.unwrap().iter().map(|count| count.n_jobs).sum()
}

async fn upload(app: &TestApp, shop: &TestShop, files: &[(&str, &[u8])]) -> Value {
    app.upload(&shop.caller(Role::Staff), DOCUMENTS, files).await.expect(202).json()
}

#[tokio::test]
async fn the_same_bytes_are_skipped_and_other_bytes_are_the_next_revision() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let first = upload(&app, &shop, &[("售后/returns.md", b"# Returns\n7 days")]).await;
    assert_eq!(one(&first)["status"], "queued");
    assert_eq!(n_queued(&app).await, 1);
    let again = upload(&app, &shop, &[("售后/returns.md", b"# Returns\n7 days")]).await;
    assert_eq!(one(&again)["status"], "unchanged");
    assert_eq!(one(&again)["document_id"], one(&first)["document_id"]);
    assert_eq!(n_queued(&app).await, 1, "nothing to do");
    let newer = upload(&app, &shop, &[("售后/returns.md", b"# Returns\n14 days")]).await;
    assert_eq!(one(&newer)["document_id"], one(&first)["document_id"]);
    assert_ne!(one(&newer)["revision_id"], one(&first)["revision_id"]);
    let document = format!("{DOCUMENTS}/{}", one(&first)["document_id"].as_str().unwrap());
    let shown = app.get(&shop.caller(Role::Agent), &document).await.expect(200).json();
    assert_eq!(shown["document"]["name"], "售后/returns.md");
    assert_eq!(shown["document"]["newest"]["number"], 2);
    assert_eq!(shown["revisions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn each_file_of_a_request_is_taken_or_refused_for_itself() {
    let app = TestApp::with(HttpSettings { max_upload_bytes: 10, ..HttpSettings::default() }).await;
    let shop = app.shop("teahouse").await;
    let files: [(&str, &[u8]); 4] =
        [("a.txt", b"fine"), ("b.txt", b"far too long for it"), ("c.txt", b""), ("d.txt", b"fine, too")];
    let answer = upload(&app, &shop, &files).await;
    let told: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["status"].as_str().unwrap(), result["error"]["code"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(told, [("queued", ""), ("refused", "file_too_large"), ("refused", "file_empty"), ("queued", "")]);
    let nothing = app.upload(&shop.caller(Role::Staff), DOCUMENTS, &[]).await.expect(422);
    assert_eq!(nothing.code(), "file_missing");
}

#[tokio::test]
async fn what_the_form_says_holds_for_its_files_wherever_it_stands() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let fields =
        [("sku", "TEA-1"), ("audience", "agents"), ("effective_from", "2026-01-01"), ("effective_until", "2026-01-31")];
    app.upload_with(&staff, DOCUMENTS, (&[("a.txt", b"a")], &fields)).await.expect(202);
    let list = app.get(&staff, DOCUMENTS).await.expect(200).json();
    let document = &list["documents"][0];
    assert_eq!((document["sku"].as_str(), document["audience"].as_str()), (Some("TEA-1"), Some("agents")));
    assert_eq!(document["effective_from_ms"], 1_767_225_600_000_i64);
    assert_eq!(document["effective_until_ms"], 1_769_904_000_000_i64, "the last day is in it");
    let wrong = app.upload_with(&staff, DOCUMENTS, (&[("a.txt", b"b")], &[("effective_from", "tomorrow")])).await;
    assert_eq!(wrong.expect(422).json()["errors"][0]["field"], "effective_from");
    let path = format!("{DOCUMENTS}/{}", document["id"].as_str().unwrap());
    let patch = json!({ "sku": null, "name": "b.txt" });
    let changed = app.call(Method::PATCH, &staff, &path, Some(patch)).await.expect(200).json();
    assert_eq!(
        (changed["sku"].is_null(), changed["name"].as_str(), changed["audience"].as_str()),
        (true, Some("b.txt"), Some("agents"))
    );
}

#[tokio::test]
async fn a_failed_revision_says_why_in_the_readers_language_and_can_be_tried_again() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let uploaded = upload(&app, &shop, &[("locked.pdf", b"%PDF-1.7")]).await;
    let revision = one(&uploaded)["revision_id"].as_str().unwrap().to_owned();
    let document = format!("{DOCUMENTS}/{}", one(&uploaded)["document_id"].as_str().unwrap());
    let retry = format!("{document}/revisions/{revision}/retry");
    assert_eq!(app.post(&staff, &retry, json!({})).await.expect(409).code(), "nothing_to_retry");
    let mut tx = app.state.db.begin().await.unwrap();
    revisions::fail_revision(&mut tx, shop.id, revision.parse().unwrap(), ("encrypted", "")).await.unwrap();
    tx.commit().await.unwrap();
    let mut request = crate::support::request(Method::GET, &document, &staff, None);
    request.headers_mut().insert("accept-language", "zh".parse().unwrap());
    let shown = app.send(request).await.expect(200).json();
    assert_eq!(shown["revisions"][0]["error"]["code"], "encrypted");
    assert!(shown["revisions"][0]["error"]["message"].as_str().unwrap().contains("密码"));
    let queued = app.post(&staff, &retry, json!({})).await.expect(202).json();
    assert_eq!((queued["state"].as_str(), queued["error"].is_null()), (Some("queued"), true));
}

#[tokio::test]
async fn the_file_comes_back_as_it_was_and_cannot_run() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let html = b"<script>alert(1)</script>";
    let uploaded = upload(&app, &shop, &[("page.html", html)]).await;
    let document = format!("{DOCUMENTS}/{}", one(&uploaded)["document_id"].as_str().unwrap());
    assert_eq!(app.get(&staff, &format!("{document}/text")).await.expect(409).code(), "not_yet");
    let parsed = Parsed {
        format: Format::Html,
        n_pages: None,
        text: "hi".into(),
        blocks: vec![],
        faq: vec![],
        warnings: vec![],
    };
    let revision = one(&uploaded)["revision_id"].as_str().unwrap().parse().unwrap();
    let mut tx = app.state.db.begin().await.unwrap();
    revisions::store_parsed(&mut tx, shop.id, revision, &parsed).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.get(&staff, &format!("{document}/text")).await.expect(200).json()["text"], "hi");
    let file = app.get(&staff, &format!("{document}/file")).await.expect(200);
    assert_eq!(file.bytes, html);
    assert_eq!(file.headers["content-type"], "application/octet-stream");
    assert_eq!(file.headers["content-disposition"], "attachment; filename*=UTF-8''page.html");
    assert!(file.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
}

#[tokio::test]
async fn a_removed_document_is_gone_at_once() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let uploaded = upload(&app, &shop, &[("a.txt", b"a")]).await;
    let document = format!("{DOCUMENTS}/{}", one(&uploaded)["document_id"].as_str().unwrap());
    app.call(Method::DELETE, &staff, &document, None).await.expect(202);
    app.call(Method::DELETE, &staff, &document, None).await.expect(404);
    app.get(&staff, &document).await.expect(404);
    let replaced = app.upload(&staff, &format!("{document}/revisions"), &[("a.txt", b"b")]).await;
    replaced.expect(404);
    let again = upload(&app, &shop, &[("a.txt", b"a")]).await;
    assert_eq!(one(&again)["status"], "queued", "what was removed can come back");
}

#[tokio::test]
async fn a_revision_of_its_own_is_refused_with_a_status_of_its_own() {
    let app = TestApp::with(HttpSettings { max_upload_bytes: 10, ..HttpSettings::default() }).await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let uploaded = upload(&app, &shop, &[("a.txt", b"a")]).await;
    let revisions = format!("{DOCUMENTS}/{}/revisions", one(&uploaded)["document_id"].as_str().unwrap());
    assert_eq!(app.upload(&staff, &revisions, &[("x.txt", b"a")]).await.expect(202).json()["status"], "unchanged");
    assert_eq!(app.upload(&staff, &revisions, &[("x.txt", b"b")]).await.expect(202).json()["status"], "queued");
    assert_eq!(
        app.upload(&staff, &revisions, &[("x.txt", b"far too long for it")]).await.expect(413).code(),
        "file_too_large"
    );
}

#[tokio::test]
async fn a_test_question_reaches_no_buyer_and_no_queue() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let asked = app.post(&staff, "/v1/knowledge/test", json!({ "question": "退货要多久？" })).await.expect(202).json();
    let turn = asked["turn_id"].as_str().unwrap();
    let path = format!("/v1/knowledge/test/{turn}");
    assert!(app.get(&staff, &path).await.expect(200).json()["would"].is_null());
    app.draft(&shop, turn.parse().unwrap(), "7 days", &[]).await;
    let shown = app.get(&staff, &path).await.expect(200).json();
    assert_eq!((shown["would"].as_str(), shown["turn"]["draft"].as_str()), (Some("review"), Some("7 days")));
    let agent = shop.caller(Role::Agent);
    assert_eq!(app.get(&agent, "/v1/console/queue").await.json()["turns"], json!([]));
    let inbox = app.get(&agent, "/v1/console/conversations?tab=all").await.json();
    assert_eq!((inbox["conversations"].clone(), inbox["counts"]["review"].as_i64()), (json!([]), Some(0)));
    let (conversation, buyer) = app.conversation(&shop).await;
    let buyers = app.ask(conversation, &buyer, "hello?").await;
    app.get(&staff, &format!("/v1/knowledge/test/{buyers}")).await.expect(404);
}

#[tokio::test]
async fn a_chunk_can_be_rewritten_and_taken_out() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let staff = shop.caller(Role::Staff);
    let uploaded = upload(&app, &shop, &[("a.txt", b"a")]).await;
    let revision = one(&uploaded)["revision_id"].as_str().unwrap().parse().unwrap();
    let document = format!("{DOCUMENTS}/{}", one(&uploaded)["document_id"].as_str().unwrap());
    assert_eq!(app.get(&staff, &format!("{document}/chunks")).await.expect(409).code(), "not_yet");
    app.index(&shop, revision, &["within 7 days", "unopened only"]).await;
    let chunks = app.get(&staff, &format!("{document}/chunks")).await.expect(200).json();
    assert_eq!(
        (chunks["chunks"][1]["text"].as_str(), chunks["chunks"][1]["page"].as_i64()),
        (Some("unopened only"), Some(2))
    );
    let id = ChunkId::derive(revision, 0);
    let path = format!("/v1/knowledge/chunks/{id}");
    let before = n_queued(&app).await;
    let patch = json!({ "text": " within 14 days " });
    let changed = app.call(Method::PATCH, &staff, &path, Some(patch)).await.expect(200).json();
    assert_eq!((changed["text"].as_str(), changed["edited"].as_bool()), (Some("within 14 days"), Some(true)));
    assert_eq!(n_queued(&app).await, before + 1, "it has to be embedded again");
    let stored = indexing::chunk_with_embedding(&app.state.db, shop.id, id, "m").await.unwrap().unwrap();
    assert_eq!(stored.embedding, None, "the old embedding says the old text");
    app.call(Method::PATCH, &staff, &path, Some(json!({ "disabled": true }))).await.expect(200);
    assert_eq!(chunks::by_ids(&app.state.db, shop.id, &[id]).await.unwrap(), [], "it is out at once");
    app.call(Method::PATCH, &staff, &path, Some(json!({ "text": " " }))).await.expect(422);
}

#[test]
fn the_states_are_those_of_the_contract() {
    let states = [
        RevisionState::Queued,
        RevisionState::Parsing,
        RevisionState::Embedding,
        RevisionState::Indexed,
        RevisionState::Failed,
    ];
    assert_eq!(json!(states), json!(["queued", "parsing", "embedding", "indexed", "failed"]));
}
