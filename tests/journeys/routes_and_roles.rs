//! Every route, called by everybody: who may and who may not. The matrix is written down here once more, by hand, so
//! that a change of it has to be meant.

use std::collections::BTreeSet;

use axum::http::Method;
use kefu::http::all_routes;
use kefu::http::permission::Permission;
use kefu::http::routes::Route;
use kefu::storage::accounts::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Caller, ROLES, TestApp};

fn may(permission: Permission, role: Role) -> bool {
    let allowed: &[Role] = match permission {
        Permission::Public | Permission::SignedIn | Permission::ReadKnowledge | Permission::ReadRecords => &ROLES,
        Permission::Chat => &[],
        Permission::Drafts => &[Role::Agent, Role::Owner],
        Permission::ReadDrafts | Permission::ReadBars | Permission::Tasks => &[Role::Agent, Role::Ops, Role::Owner],
        Permission::Knowledge => &[Role::Staff, Role::Owner],
        Permission::Rehearse => &[Role::Staff, Role::Ops, Role::Owner],
        Permission::Judge => &[Role::Agent, Role::Staff, Role::Owner],
        Permission::Bars | Permission::People => &[Role::Ops, Role::Owner],
        Permission::Records => &[Role::Staff, Role::Ops, Role::Owner],
        Permission::BuyerData => &[Role::Owner],
    };
    allowed.contains(&role)
}

/// A path with ids that name nothing.
fn filled(route: &Route, conversation: &str) -> String {
    let path = route
        .path
        .replace("{conversation_id}", conversation)
        .replace("{number}", "1")
        .replace("{*path}", "shared/base.css");
    let nothing = Uuid::from_u128(7).to_string();
    path.split('/')
        .map(|part| if part.starts_with('{') { nothing.as_str() } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

fn body(route: &Route) -> Option<Value> {
    (route.method != Method::GET).then(|| json!({}))
}

fn is_stream(route: &Route) -> bool {
    route.path.ends_with("/events")
}

#[tokio::test]
async fn nobody_gets_past_a_permission_and_everybody_who_has_it_does() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let (other, _) = app.conversation(&shop).await;
    let routes = all_routes(app.state.clone());
    assert!(routes.records().len() > 50, "the walk sees all routes");
    for route in routes.records() {
        let path = filled(route, &conversation.to_string());
        let told = format!("{} {path} needs {:?}", route.method, route.permission);
        let refusal = |status: u16| [401, 403].contains(&status);
        if route.permission != Permission::Public {
            for stranger in [Caller::Nobody, Caller::Bearer("0".repeat(64)), Caller::Browser("0".repeat(64))] {
                let answer = app.call(route.method.clone(), &stranger, &path, body(route)).await;
                assert_eq!(answer.status, 401, "{told}, called by a stranger");
            }
        }
        if is_stream(route) {
            // It would not end; opening it is tried below.
            continue;
        }
        if route.path.ends_with("/leave") {
            continue; // The buyer would be out for the rest of the walk; see `buyers_who_leave`.
        }
        let by_buyer = app.call(route.method.clone(), &buyer, &path, body(route)).await.status.as_u16();
        match route.permission {
            Permission::Public | Permission::Chat => {
                assert!(!refusal(by_buyer), "{told}, called by its buyer: {by_buyer}")
            }
            _ => assert_eq!(by_buyer, 401, "{told}, called by a buyer"),
        }
        if route.permission == Permission::Chat {
            let path = filled(route, &other.to_string());
            let answer = app.call(route.method.clone(), &buyer, &path, body(route)).await;
            assert_eq!(answer.status, 401, "{told}, called by another buyer");
        }
        for role in ROLES {
            if route.path == "/v1/logout" {
                continue;
            }
            let status = app.call(route.method.clone(), &shop.caller(role), &path, body(route)).await.status.as_u16();
            match route.permission {
                Permission::Chat => assert_eq!(status, 401, "{told}, called by {role:?}"),
                permission if may(permission, role) => {
                    assert!(!refusal(status), "{told}, called by {role:?}: {status}")
                }
                _ => assert_eq!(status, 403, "{told}, called by {role:?}"),
            }
        }
    }
}

#[tokio::test]
async fn streams_open_for_those_who_may_and_nobody_else() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let routes = all_routes(app.state.clone());
    // Streams end at once: what is tried is the door.
    app.state.stopping.cancel();
    let streams: Vec<_> = routes.records().iter().filter(|route| is_stream(route)).collect();
    assert_eq!(streams.len(), 3);
    for route in streams.into_iter().filter(|route| route.permission != Permission::Chat) {
        for role in ROLES {
            let status = app.get(&shop.caller(role), route.path).await.status;
            assert_eq!(status, if may(route.permission, role) { 200 } else { 403 }, "{} by {role:?}", route.path);
        }
    }
}

#[tokio::test]
async fn a_page_of_another_site_cannot_act_in_a_persons_name() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let token = shop.token(Role::Owner);
    let routes = all_routes(app.state.clone());
    for route in
        routes.records().iter().filter(|route| route.method != Method::GET && route.permission != Permission::Chat)
    {
        let path = filled(route, "");
        let forged = app.call(route.method.clone(), &Caller::ForeignPage(token.clone()), &path, body(route)).await;
        assert_eq!((forged.status.as_u16(), forged.code()), (403, "cross_site".into()), "{} {path}", route.method);
        if route.permission != Permission::Public {
            let unsaid = app.call(route.method.clone(), &Caller::CookieAlone(token.clone()), &path, body(route)).await;
            assert_eq!(unsaid.code(), "cross_site", "{} {path} with a cookie and no word of its site", route.method);
        }
    }
    app.get(&Caller::CookieAlone(token.clone()), "/v1/me").await.expect(200);
    let note = json!({ "on": true, "note": "from our page" });
    app.post(&Caller::Browser(token), "/v1/ops/kill-switch", note).await.expect(200);
}

#[tokio::test]
async fn the_description_lists_every_route_with_its_permission() {
    let app = TestApp::new().await;
    let description = app.get(&Caller::Nobody, "/openapi.json").await.expect(200).json();
    assert_eq!(description["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    let routes = all_routes(app.state.clone());
    let listed: Vec<_> = routes.records().iter().filter(|route| route.is_listed).collect();
    for route in &listed {
        let operation = &description["paths"][route.path][route.method.as_str().to_lowercase()];
        assert_eq!(operation["x-permission"], json!(route.permission), "{} {}", route.method, route.path);
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
        let named =
            operation["parameters"].as_array().unwrap().iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(named, route.path.matches('{').count(), "{}", route.path);
    }
    let n_operations: usize =
        description["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(n_operations, listed.len(), "nothing else is described");
    let text = description.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(description["components"]["schemas"][reference].is_object(), "{reference} is described");
    }
}

#[tokio::test]
async fn scripts_find_an_example_on_every_main_path() {
    let app = TestApp::new().await;
    let description = app.get(&Caller::Nobody, "/openapi.json").await.expect(200).json();
    let example = |path: &str, method: &str, part: &str, kind: &str| {
        let operation = &description["paths"][path][method];
        let found = match part {
            "in" => &operation["requestBody"]["content"][kind]["example"],
            _ => &operation["responses"][part]["content"][kind]["example"],
        };
        assert!(!found.is_null(), "{method} {path} has an example ({part})");
    };
    let json = "application/json";
    example("/v1/login", "post", "in", json);
    example("/v1/login", "post", "200", json);
    example("/v1/knowledge/documents", "post", "202", json);
    example("/v1/knowledge/documents/{id}", "get", "200", json);
    example("/v1/widgets/{widget_id}/conversations", "post", "201", json);
    example("/v1/chat/{conversation_id}/messages", "post", "in", json);
    example("/v1/chat/{conversation_id}/messages", "post", "202", json);
    example("/v1/chat/{conversation_id}/events", "get", "200", "text/event-stream");
    example("/v1/console/turns/{id}/accept", "post", "in", json);
    example("/v1/console/turns/{id}/edit", "post", "in", json);
    example("/v1/console/turns/{id}/reject", "post", "in", json);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_with_a_request_id() {
    let app = TestApp::new().await;
    for (method, path, status, code) in [
        (Method::GET, "/v1/nothing", 404, "not_found"),
        (Method::DELETE, "/v1/me", 405, "method_not_allowed"),
        (Method::GET, "/v1/chat/not-an-id/messages", 401, "token_invalid"),
        (Method::GET, "/v1/widgets/not-an-id", 404, "not_found"),
    ] {
        let answer = app.call(method, &Caller::Nobody, path, None).await.expect(status);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        let problem = answer.json();
        assert_eq!((problem["code"].as_str(), problem["status"].as_u64()), (Some(code), Some(u64::from(status))));
        assert_eq!(problem["request_id"].as_str(), answer.headers["x-request-id"].to_str().ok());
    }
}
