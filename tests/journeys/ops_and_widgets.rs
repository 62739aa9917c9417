//! Ops set the bar, look at the past, and say where a chat may be shown.

use axum::http::Method;
use kefu::storage::accounts::Role;
use serde_json::{Value, json};

use crate::support::{Caller, TestApp, request};

#[tokio::test]
async fn of_two_who_change_the_policy_the_second_is_told() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    let first = app.get(&ops, "/v1/ops/policy").await.expect(200).json();
    assert_eq!((first["number"].as_i64(), first["author"].is_null()), (Some(1), true));
    let mut policy = first["policy"].clone();
    policy["bar"] = json!(0.8);
    let body = |policy: &Value, based_on: i64| json!({ "policy": policy, "note": "try", "based_on": based_on });
    let second = app.post(&ops, "/v1/ops/policy", body(&policy, 1)).await.expect(200).json();
    assert_eq!((second["number"].as_i64(), second["author"].as_str()), (Some(2), Some("Ops of teahouse")));
    assert_eq!(second["history"].as_array().unwrap().len(), 2);
    assert_eq!(app.post(&ops, "/v1/ops/policy", body(&policy, 1)).await.expect(409).code(), "policy_changed");
    policy["bar"] = json!(1.5);
    let wrong = app.post(&ops, "/v1/ops/policy", body(&policy, 2)).await.expect(422).json();
    assert_eq!(wrong["errors"][0]["field"], "bar");
    app.clock.advance(1);
    let stopped = app.post(&ops, "/v1/ops/kill-switch", json!({ "on": true, "note": "!" })).await.expect(200).json();
    assert_eq!(
        (stopped["policy"]["kill_switch"].as_bool(), stopped["policy"]["bar"].as_f64()),
        (Some(true), Some(0.8))
    );
    let status = app.get(&ops, "/v1/status").await.expect(200).json();
    assert_eq!((status["policy"]["number"].as_i64(), status["policy"]["kill_switch"].as_bool()), (Some(3), Some(true)));
    let log = app.get(&ops, "/v1/ops/audit").await.expect(200).json();
    let told: Vec<_> =
        log["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["kill_switch", "policy_changed"]);
}

#[tokio::test]
async fn a_policy_is_tried_on_the_past_and_changes_nothing() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let agent = shop.caller(Role::Agent);
    for verb in ["accept", "edit"] {
        let turn = app.ask(conversation, &buyer, "How do I return it?").await;
        app.clock.advance(40);
        app.draft(&shop, turn, "Within 7 days.", &[]).await;
        let body = json!({ "version": 1, "text": "Within 14 days." });
        app.post(&agent, &format!("/v1/console/turns/{turn}/{verb}"), body).await.expect(200);
    }
    let mut policy = app.get(&agent, "/v1/ops/policy").await.json()["policy"].clone();
    policy["bar"] = json!(0.5);
    policy["mode"] = json!("auto");
    let preview = app.post(&agent, "/v1/ops/preview", json!({ "policy": policy, "days": 7 })).await.expect(200).json();
    let numbers = ["n_turns", "n_auto_sent", "n_reviewed_auto_sent", "n_right", "n_wrong"];
    assert_eq!(numbers.map(|name| preview[name].as_i64().unwrap()), [2, 2, 2, 1, 1]);
    assert_eq!(preview["current"]["n_auto_sent"], 0);
    assert_eq!(preview["curve"].as_array().unwrap().len(), 21);
    assert_eq!(preview["topics"][0]["topic"], "returns");
    assert_eq!(
        (preview["changes"][0]["from"].as_str(), preview["changes"][0]["to"].as_str()),
        (Some("review"), Some("auto_send"))
    );
    assert_eq!(app.get(&agent, "/v1/ops/policy").await.json()["number"], 1);
    let day = app.get(&agent, "/v1/ops/numbers?days=2").await.expect(200).json();
    assert_eq!(
        (day["days"][0]["day"].as_str(), day["days"][1]["day"].as_str()),
        (Some("2025-12-31"), Some("2026-01-01"))
    );
    assert_eq!((day["days"][0]["n_turns"].as_i64(), day["days"][1]["n_turns"].as_i64()), (Some(0), Some(2)));
    assert_eq!(app.get(&agent, "/v1/status").await.expect(200).json()["answer_ms_median"], 40);
    let turns = app.get(&agent, "/v1/ops/turns?limit=1").await.expect(200).json();
    assert_eq!(turns["turns"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_widget_is_shown_where_its_shop_says_and_nowhere_else() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let path = format!("/v1/widgets/{}", shop.widget);
    let ask = async |path: &str, origin: Option<&str>| {
        let mut asked = request(Method::GET, path, &Caller::Nobody, None);
        if let Some(origin) = origin {
            asked.headers_mut().insert("origin", origin.parse().unwrap());
        }
        app.send(asked).await
    };
    for fine in [None, Some("https://shop.example"), Some("http://kefu.test")] {
        assert_eq!(ask(&path, fine).await.expect(200).json()["shop_name"], "teahouse");
    }
    for foreign in ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"] {
        assert_eq!(ask(&path, Some(foreign)).await.expect(403).code(), "origin_refused");
    }
    assert_eq!(ask(&format!("{path}?origin=https://evil.example"), None).await.expect(403).code(), "origin_refused");
    ask(&format!("{path}?origin=https://shop.example"), None).await.expect(200);
    let unknown = "/v1/widgets/00000000-0000-0000-0000-000000000001";
    assert_eq!(ask(unknown, None).await.expect(404).code(), "widget_unknown");
    let frame = ask(&format!("/widget/frame?id={}", shop.widget), None).await.expect(200);
    let policy = frame.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("frame-ancestors 'self' https://shop.example"), "{policy}");
    assert_eq!(
        ask("/widget/frame?id=00000000-0000-0000-0000-000000000001", None).await.expect(404).code(),
        "widget_unknown"
    );
}

#[tokio::test]
async fn ops_make_change_and_remove_widgets() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    let body =
        json!({ "name": "second", "allowed_origins": ["https://B.example/"], "settings": { "welcome_en": "Hi" } });
    let made = app.post(&ops, "/v1/ops/widgets", body).await.expect(201).json();
    assert_eq!(made["allowed_origins"], json!(["https://b.example"]));
    assert!(made["snippet"].as_str().unwrap().contains(made["id"].as_str().unwrap()));
    let wrong = json!({ "name": "x", "allowed_origins": ["b.example"] });
    assert_eq!(
        app.post(&ops, "/v1/ops/widgets", wrong).await.expect(422).json()["errors"][0]["field"],
        "allowed_origins"
    );
    let path = format!("/v1/ops/widgets/{}", made["id"].as_str().unwrap());
    let patch = json!({ "allowed_origins": ["*"] });
    let changed = app.call(Method::PATCH, &ops, &path, Some(patch)).await.expect(200).json();
    assert_eq!((changed["name"].as_str(), changed["settings"]["welcome_en"].as_str()), (Some("second"), Some("Hi")));
    app.call(Method::DELETE, &ops, &path, None).await.expect(204);
    app.call(Method::DELETE, &ops, &path, None).await.expect(404);
}

#[tokio::test]
async fn every_page_may_run_its_own_scripts_and_nothing_else() {
    let app = TestApp::new().await;
    for path in [
        "/",
        "/login",
        "/set-password",
        "/console",
        "/knowledge",
        "/ops",
        "/docs",
        "/shop",
        "/widget.js",
        "/ui/shared/base.css",
    ] {
        let page = app.get(&Caller::Nobody, path).await.expect(200);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'; script-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        let mut again = request(Method::GET, path, &Caller::Nobody, None);
        again.headers_mut().insert("if-none-match", page.headers["etag"].clone());
        app.send(again).await.expect(304);
        if page.headers["content-type"].to_str().unwrap().starts_with("text/html") {
            let html = page.text();
            assert!(!html.contains("<style") && !html.contains(" onclick="), "{path} has inline code");
            assert!(
                html.split("<script").skip(1).all(|tag| tag.split('>').next().unwrap().contains("src=")),
                "{path} has an inline script"
            );
        }
    }
    app.get(&Caller::Nobody, "/ui/../Cargo.toml").await.expect(404);
    app.get(&Caller::Nobody, "/v1/demo").await.expect(404);
}
