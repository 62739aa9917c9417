//! Two shops in one installation never see each other: every route, asked with ids of the other shop, knows nothing.

use std::collections::BTreeMap;

use axum::http::Method;
use kefu::domain::conversation::Citation;
use kefu::domain::ids::{ChunkId, RevisionId};
use kefu::http::all_routes;
use kefu::http::permission::Permission;
use kefu::storage::accounts::Role;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::support::{Caller, TestApp, TestShop};

/// A shop in which everything there can be, is: what each kind of id stands for.
struct Furnished {
    shop: TestShop,
    buyer: Caller,
    /// Ids of this shop, by the room and the name of the parameter.
    ids: BTreeMap<&'static str, String>,
    /// A word that stands in every text of this shop and nowhere else.
    word: &'static str,
}

async fn furnish(app: &TestApp, name: &str, word: &'static str) -> Furnished {
    let shop = app.shop(name).await;
    let staff = shop.caller(Role::Staff);
    let file = format!("{word}.md");
    let uploaded = app.upload(&staff, "/v1/knowledge/documents", &[(&file, word.as_bytes())]).await.expect(202).json();
    let uploaded = &uploaded["results"][0];
    let revision: RevisionId = uploaded["revision_id"].as_str().unwrap().parse().unwrap();
    app.index(&shop, revision, &[word]).await;
    let cited = Citation {
        number: 1,
        chunk: ChunkId::derive(revision, 0),
        document: file.clone(),
        heading_path: vec![],
        page: None,
        quote: word.to_owned(),
        span: None,
        parts: vec![],
    };
    let (conversation, buyer) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, &format!("Where is my {word}?")).await;
    app.draft(&shop, turn, &format!("Your {word} is here [1]."), std::slice::from_ref(&cited)).await;
    let accept = format!("/v1/console/turns/{turn}/accept");
    let sent = app.post(&shop.caller(Role::Agent), &accept, json!({ "version": 1 })).await.expect(200).json();
    let asked = app.ask(conversation, &buyer, &format!("And another {word}?")).await;
    app.draft(&shop, asked, &format!("Another {word} [1]."), &[cited]).await;
    let tested = app.post(&staff, "/v1/knowledge/test", json!({ "question": word })).await.expect(202).json();
    let golden = json!({ "question": format!("Where is {word}?"), "answer": format!("{word} is here.") });
    let golden = app.post(&staff, "/v1/knowledge/golden", golden).await.expect(201).json();
    let owner = shop.caller(Role::Owner);
    let scopes = json!({ "name": word, "scopes": ["read_bars"], "days": 1 });
    let token = app.post(&owner, "/v1/ops/tokens", scopes).await.expect(201).json();
    let key = app.post(&owner, "/v1/ops/buyer-keys", json!({})).await.expect(201).json();
    let security = app.get(&owner, "/v1/me/security").await.expect(200).json();
    let ids = BTreeMap::from([
        ("golden", golden["id"].as_str().unwrap().to_owned()),
        ("conversation", conversation.to_string()),
        ("message", sent["message"]["id"].as_str().unwrap().to_owned()),
        ("turn", asked.to_string()),
        ("document", uploaded["document_id"].as_str().unwrap().to_owned()),
        ("revision", revision.to_string()),
        ("chunk", ChunkId::derive(revision, 0).to_string()),
        ("test", tested["turn_id"].as_str().unwrap().to_owned()),
        ("account", shop.account(Role::Staff).to_string()),
        ("widget", shop.widget.to_string()),
        ("token", token["token"]["id"].as_str().unwrap().to_owned()),
        ("key", key["key"]["id"].as_str().unwrap().to_owned()),
        ("session", security["sessions"][0]["id"].as_str().unwrap().to_owned()),
    ]);
    Furnished { shop, buyer, ids, word }
}

/// Which of a shop's ids a parameter asks for.
fn kind(path: &str, parameter: &str) -> Option<&'static str> {
    Some(match parameter {
        "conversation_id" => "conversation",
        "message_id" => "message",
        "revision_id" => "revision",
        "widget_id" => "widget",
        "token_id" => "token",
        "key_id" => "key",
        "session_id" => "session",
        "turn_id" if path.contains("/test/") => "test",
        "turn_id" => "turn",
        "id" if path.contains("/golden/") => "golden",
        "id" if path.contains("/conversations/") => "conversation",
        "id" if path.contains("/turns/") => "turn",
        "id" if path.contains("/documents/") => "document",
        "id" if path.contains("/chunks/") => "chunk",
        "id" if path.contains("/accounts/") => "account",
        "id" if path.contains("/widgets/") => "widget",
        _ => return None,
    })
}

/// A path with ids of `ids`.
fn fill(path: &str, ids: &BTreeMap<&'static str, String>) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        None => part.to_owned(),
        Some(parameter) => kind(path, parameter).map_or_else(|| "1".to_owned(), |kind| ids[kind].clone()),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn bodies(path: &str) -> Value {
    match path.rsplit('/').next().unwrap_or_default() {
        "accept" => json!({ "version": 1 }),
        "edit" => json!({ "version": 1, "text": "stolen" }),
        "edit-kind" => json!({ "text": "stolen" }),
        "reject" => json!({ "version": 1, "reason": "other" }),
        "messages" => json!({ "text": "stolen", "client_key": "x" }),
        "thumbs" => json!({ "thumbs": 1 }),
        "golden" => json!({ "question": "stolen", "answer": "stolen" }),
        _ if path.contains("/golden/") => json!({ "answer": "stolen" }),
        _ if path.contains("/chunks/") => json!({ "text": "stolen", "disabled": true }),
        _ => json!({ "name": "stolen" }),
    }
}

/// As a row of everything that a shop can read of itself.
async fn everything(app: &TestApp, furnished: &Furnished) -> String {
    let mut told = String::new();
    for route in all_routes(app.state.clone()).records() {
        let is_read = route.method == Method::GET && !route.path.ends_with("/events") && route.is_listed;
        // The queue is that of the whole process.
        if !is_read || route.path == "/v1/status" {
            continue;
        }
        let caller = if route.permission == Permission::Chat {
            furnished.buyer.clone()
        } else {
            furnished.shop.caller(Role::Owner)
        };
        let answer = app.get(&caller, &fill(route.path, &furnished.ids)).await;
        assert!(answer.status.is_success() || route.path == "/v1/demo", "{}", route.path);
        if answer.status.is_success() {
            told += &answer.text();
        }
    }
    told
}

#[tokio::test]
async fn no_route_knows_an_id_of_the_other_shop() {
    let app = TestApp::new().await;
    let mine = furnish(&app, "teahouse", "oolong").await;
    let other = furnish(&app, "bakery", "sourdough").await;
    let before = everything(&app, &other).await;
    assert!(before.contains("sourdough"), "the other shop reads its own");
    let routes = all_routes(app.state.clone());
    let mut n_walked = 0;
    for route in routes.records().iter().filter(|route| route.path.contains('{') && route.is_listed) {
        if matches!(route.permission, Permission::Public) {
            continue;
        }
        let path = fill(route.path, &other.ids);
        let is_chat = route.permission == Permission::Chat;
        let caller = if is_chat { mine.buyer.clone() } else { mine.shop.caller(Role::Owner) };
        let is_upload = route.path.ends_with("/revisions");
        let answer = if is_upload {
            app.upload(&caller, &path, &[("a.txt", b"stolen")]).await
        } else {
            let body = (route.method != Method::GET).then(|| bodies(route.path));
            app.call(route.method.clone(), &caller, &path, body).await
        };
        let want = if is_chat { 401 } else { 404 };
        assert_eq!(answer.status.as_u16(), want, "{} {path}: {}", route.method, answer.text());
        n_walked += 1;
    }
    assert!(n_walked >= 25, "{n_walked} routes take an id");
    assert_eq!(everything(&app, &other).await, before, "nothing of the other shop was changed");
}

#[expect(clippy::disallowed_methods, reason = "who runs a test chooses how long")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().expect("a number"))
}

#[tokio::test]
async fn random_requests_never_bring_a_word_of_the_other_shop() {
    let app = TestApp::new().await;
    let shops = [furnish(&app, "teahouse", "oolong").await, furnish(&app, "bakery", "sourdough").await];
    let routes = all_routes(app.state.clone());
    let reads: Vec<_> = routes
        .records()
        .iter()
        .filter(|route| route.method == Method::GET && !route.path.ends_with("/events") && route.is_listed)
        .collect();
    let (seed, n_rounds) = (setting("KEFU_SEED", 7), setting("KEFU_ROUNDS", 1_500));
    println!("seed {seed}, {n_rounds} rounds; KEFU_SEED and KEFU_ROUNDS change them");
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..n_rounds {
        let route = reads[random.random_range(0..reads.len())];
        let asking = random.random_range(0..2);
        let (mine, other) = (&shops[asking], &shops[1 - asking]);
        // Each id of either shop, as chance will have it.
        let pick = |(name, id): (&&'static str, &String)| {
            (*name, if random.random_bool(0.5) { id.clone() } else { other.ids[name].clone() })
        };
        let ids: BTreeMap<&'static str, String> = mine.ids.iter().map(pick).collect();
        let role = crate::support::ROLES[random.random_range(0..4)];
        let caller = if random.random_bool(0.3) { mine.buyer.clone() } else { mine.shop.caller(role) };
        let query = ["", "?tab=all&q=o", "?tab=all&q=sourdough", "?limit=500", "?after=0"][random.random_range(0..5)];
        let path = format!("{}{query}", fill(route.path, &ids));
        if route.permission == Permission::Public {
            continue;
        }
        let answer = app.get(&caller, &path).await;
        let text = answer.text();
        assert!(!text.contains(other.word), "{path} told a {} about {}: {text}", mine.word, other.word);
        let leaked = other.ids.iter().find(|(_, id)| text.contains(*id) && !path.contains(*id));
        assert_eq!(leaked, None, "{path}: {text}");
    }
}
