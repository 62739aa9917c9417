//! People sign in, are kept out, and set their passwords.

use axum::http::Method;
use kefu::http::state::HttpSettings;
use kefu::storage::accounts::Role;
use serde_json::{Value, json};

use crate::support::{Caller, PASSWORD, TestApp};

fn login(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

const NOBODY: Caller = Caller::Nobody;

#[tokio::test]
async fn a_session_lasts_from_login_to_logout() {
    let app = TestApp::with(HttpSettings { public_url: "https://kefu.test".into(), ..HttpSettings::default() }).await;
    let shop = app.shop("teahouse").await;
    app.set_password(shop.account(Role::Staff)).await;
    let answer = app.post(&NOBODY, "/v1/login", login(" Staff@Teahouse.example", PASSWORD)).await.expect(200);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert!(cookie.starts_with(&format!("__Host-kefu_session={token};")));
    let mut as_browser = crate::support::request(Method::GET, "/v1/me", &NOBODY, None);
    as_browser.headers_mut().insert("cookie", format!("__Host-kefu_session={token}").parse().unwrap());
    let me = app.send(as_browser).await.expect(200).json();
    app.get(&Caller::Browser(token.clone()), "/v1/me").await.expect(401);
    assert_eq!((me["role"].as_str(), me["shop_name"].as_str()), (Some("staff"), Some("teahouse")));
    assert_eq!(me, answer.json()["account"]);
    app.post(&Caller::Bearer(token.clone()), "/v1/logout", json!({})).await.expect(204);
    app.get(&Caller::Bearer(token), "/v1/me").await.expect(401);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_the_same() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    app.set_password(shop.account(Role::Agent)).await;
    let problem = async |email: &str, password: &str| {
        let answer = app.post(&NOBODY, "/v1/login", login(email, password)).await.expect(401);
        let mut problem = answer.json();
        problem["request_id"] = Value::Null;
        problem
    };
    let wrong = problem("agent@teahouse.example", "not-the-one").await;
    assert_eq!(wrong["code"], "wrong_credentials");
    assert_eq!(wrong, problem("nobody@teahouse.example", "not-the-one").await);
    assert_eq!(wrong, problem("ops@teahouse.example", "!").await, "an account without a password yet");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_time_heals() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    app.set_password(shop.account(Role::Agent)).await;
    for _ in 0..10 {
        app.post(&NOBODY, "/v1/login", login("agent@teahouse.example", "guess-guess")).await.expect(401);
    }
    let answer = app.post(&NOBODY, "/v1/login", login("agent@teahouse.example", PASSWORD)).await.expect(429);
    assert_eq!(answer.code(), "too_many_attempts");
    assert_eq!(answer.headers["retry-after"], "900");
    app.post(&NOBODY, "/v1/login", login("staff@teahouse.example", "guess-guess")).await.expect(401);
    app.clock.advance(15 * 60 * 1000);
    app.post(&NOBODY, "/v1/login", login("agent@teahouse.example", PASSWORD)).await.expect(200);
}

#[tokio::test]
async fn an_invitation_sets_a_password_once_and_a_lock_ends_every_session() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let owner = shop.caller(Role::Owner);
    let body = json!({ "email": "new@teahouse.example", "name": "小王", "role": "agent" });
    let invited = app.post(&owner, "/v1/ops/accounts", body.clone()).await.expect(201).json();
    assert_eq!(app.post(&owner, "/v1/ops/accounts", body).await.expect(409).code(), "email_taken");
    let token = invited["invite_url"].as_str().unwrap().split_once("token=").unwrap().1.to_owned();
    let set =
        async |password: &str| app.post(&NOBODY, "/v1/password", json!({ "token": token, "password": password })).await;
    assert_eq!(set("short").await.expect(422).code(), "weak_password");
    set(PASSWORD).await.expect(204);
    assert_eq!(set("another-password").await.expect(410).code(), "link_invalid");
    let session = app.post(&NOBODY, "/v1/login", login("new@teahouse.example", PASSWORD)).await.expect(200).json();
    let session = Caller::Bearer(session["token"].as_str().unwrap().to_owned());
    app.get(&session, "/v1/me").await.expect(200);
    let account = format!("/v1/ops/accounts/{}", invited["account"]["id"].as_str().unwrap());
    app.call(Method::PATCH, &owner, &account, Some(json!({ "disabled": true }))).await.expect(200);
    app.get(&session, "/v1/me").await.expect(401);
    app.post(&NOBODY, "/v1/login", login("new@teahouse.example", PASSWORD)).await.expect(401);
}

#[tokio::test]
async fn ops_cannot_make_themselves_owners() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let ops = shop.caller(Role::Ops);
    let body = json!({ "email": "x@x.example", "name": "x", "role": "owner" });
    assert_eq!(app.post(&ops, "/v1/ops/accounts", body).await.expect(403).code(), "owner_needed");
    for (target, patch) in [(Role::Agent, json!({ "role": "owner" })), (Role::Owner, json!({ "disabled": true }))] {
        let path = format!("/v1/ops/accounts/{}", shop.account(target));
        assert_eq!(app.call(Method::PATCH, &ops, &path, Some(patch)).await.expect(403).code(), "owner_needed");
    }
    let owners_link = format!("/v1/ops/accounts/{}/reset-password", shop.account(Role::Owner));
    app.post(&ops, &owners_link, json!({})).await.expect(403);
    let path = format!("/v1/ops/accounts/{}", shop.account(Role::Agent));
    let changed =
        app.call(Method::PATCH, &ops, &path, Some(json!({ "role": "staff", "name": "小林" }))).await.expect(200);
    assert_eq!((changed.json()["role"].as_str(), changed.json()["name"].as_str()), (Some("staff"), Some("小林")));
    let own = format!("/v1/ops/accounts/{}", shop.account(Role::Ops));
    app.call(Method::PATCH, &ops, &own, Some(json!({ "disabled": true }))).await.expect(422);
}

#[tokio::test]
async fn problems_speak_the_readers_language() {
    let app = TestApp::new().await;
    let mut request = crate::support::request(Method::GET, "/v1/me", &NOBODY, None);
    request.headers_mut().insert("accept-language", "zh-CN,zh;q=0.9".parse().unwrap());
    let answer = app.send(request).await.expect(401);
    assert_eq!(answer.json()["detail"], "请先登录。");
    assert_eq!(answer.headers["content-language"], "zh");
    assert_eq!(app.get(&NOBODY, "/v1/me").await.json()["detail"], "Please sign in.");
}
