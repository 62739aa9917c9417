//! Two shops in one installation never see each other: every route, asked with ids of the other shop, knows nothing.

mod random_requests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::http::Method;
use kefu::domain::conversation::Citation;
use kefu::domain::ids::{ChunkId, ConversationId, RevisionId};
use kefu::http::all_routes;
use kefu::http::permission::Permission;
use kefu::http::state::HttpSettings;
use kefu::storage::accounts::Role;
use kefu::storage::buyers::{self, KeyPurpose};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use self::random_requests::{Asked, Chance};
use crate::support::{Caller, TestApp, TestShop};

/// A shop in which everything there can be, is: what each kind of id stands for.
struct Furnished {
    shop: TestShop,
    name: &'static str,
    buyer: Caller,
    /// Ids of this shop, by the room and the name of the parameter.
    ids: BTreeMap<&'static str, String>,
    /// What opens its doors.
    tokens: BTreeMap<&'static str, String>,
    /// A word that stands in every text of this shop and nowhere else.
    word: &'static str,
    /// A word beside it that the other shop looks for.
    lure: &'static str,
}

async fn furnish(app: &TestApp, name: &'static str, (word, lure): (&'static str, &'static str)) -> Furnished {
    let shop = app.shop(name).await;
    let staff = shop.caller(Role::Staff);
    let file = format!("{word}.md");
    let uploaded = app.upload(&staff, "/v1/knowledge/documents", &[(&file, word.as_bytes())]).await.expect(202).json();
    let uploaded = &uploaded["results"][0];
    let revision: RevisionId = uploaded["revision_id"].as_str().unwrap().parse().unwrap();
    app.index(&shop, revision, &[&format!("{word} {lure}")]).await;
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
    let cited_then = cited.clone();
    let (conversation, buyer) = app.conversation(&shop).await;
    let turn = app.ask(conversation, &buyer, &format!("Where is my {lure} {word}?")).await;
    app.draft(&shop, turn, &format!("Your {lure} {word} is here [1]."), std::slice::from_ref(&cited)).await;
    let accept = format!("/v1/console/turns/{turn}/accept");
    let sent = app.post(&shop.caller(Role::Agent), &accept, json!({ "version": 1 })).await.expect(200).json();
    let asked = app.ask(conversation, &buyer, &format!("And another {lure} {word}?")).await;
    app.draft(&shop, asked, &format!("Another {lure} {word} [1]."), &[cited]).await;
    let tested = app.post(&staff, "/v1/knowledge/test", json!({ "question": word })).await.expect(202).json();
    let golden = json!({ "question": format!("Where is {lure} {word}?"), "answer": format!("{lure} {word} is here.") });
    let golden = app.post(&staff, "/v1/knowledge/golden", golden).await.expect(201).json();
    let past = (format!("Where was the {lure} {word}?"), format!("The {lure} {word} was here [1]."));
    let (rehearsal, rehearsed) = app.rehearse(&shop, (&past.0, &past.1), std::slice::from_ref(&cited_then)).await;
    let owner = shop.caller(Role::Owner);
    let scopes = json!({ "name": word, "scopes": ["read_bars"], "days": 1 });
    let token = app.post(&owner, "/v1/ops/tokens", scopes).await.expect(201).json();
    let key = app.post(&owner, "/v1/ops/buyer-keys", json!({})).await.expect(201).json();
    let records = records(app, (&shop, &owner), (word, conversation)).await;
    let security = app.get(&owner, "/v1/me/security").await.expect(200).json();
    let mut ids = BTreeMap::from([
        ("golden", golden["id"].as_str().unwrap().to_owned()),
        ("conversation", conversation.to_string()),
        ("message", sent["message"]["id"].as_str().unwrap().to_owned()),
        ("turn", asked.to_string()),
        ("document", uploaded["document_id"].as_str().unwrap().to_owned()),
        ("revision", revision.to_string()),
        ("chunk", ChunkId::derive(revision, 0).to_string()),
        ("rehearsal", rehearsal.to_string()),
        ("rehearsed", rehearsed.to_string()),
        ("test", tested["turn_id"].as_str().unwrap().to_owned()),
        ("account", shop.account(Role::Staff).to_string()),
        ("widget", shop.widget.to_string()),
        ("token", token["token"]["id"].as_str().unwrap().to_owned()),
        ("key", key["key"]["id"].as_str().unwrap().to_owned()),
        ("shop", shop.id.to_string()),
        ("session", security["sessions"][0]["id"].as_str().unwrap().to_owned()),
    ]);
    ids.extend(records);
    ids.extend(desk(app, (&shop, &owner), word).await);
    let Caller::Bearer(buyers) = &buyer else { panic!("a buyer comes with a token") };
    let mut tokens = BTreeMap::from([
        ("buyer", buyers.clone()),
        ("api", token["secret"].as_str().unwrap().to_owned()),
        ("signing", key["secret"].as_str().unwrap().to_owned()),
    ]);
    let roles = ["agent", "staff", "ops", "owner"];
    tokens.extend(roles.into_iter().zip(crate::support::ROLES.map(|role| shop.token(role))));
    Furnished { shop, name, buyer, ids, tokens, word, lure }
}

/// An order, an import, a task, a commitment, a hand-over and a key of what belongs to a shop's records; their ids.
async fn records(
    app: &TestApp,
    (shop, owner): (&TestShop, &Caller),
    (word, conversation): (&str, ConversationId),
) -> [(&'static str, String); 7] {
    let number = "20261123001";
    let told = json!({ "orders": [{ "number": number, "buyer": word, "lines": [{ "title": word }] }] });
    app.post(owner, "/v1/records/orders", told).await.expect(200);
    let orders = app.get(owner, "/v1/records/orders").await.expect(200).json();
    let form: (&[crate::support::UploadedFile<'_>], _) =
        (&[("orders.csv", word.as_bytes())], [("kind", "orders")].as_slice());
    let import = app.upload_with(owner, "/v1/records/imports", form).await.expect(202).json();
    let task = json!({ "kind": "other", "asked": word, "conversation_id": conversation });
    let task = app.post(owner, "/v1/tasks", task).await.expect(201).json();
    let told = json!({ "kind": "other", "what": word, "conversation_id": conversation });
    let told = app.post(owner, "/v1/commitments", told).await.expect(201).json();
    let left = app.post(owner, "/v1/shifts/handovers", json!({ "note": word })).await.expect(201).json();
    let mut tx = app.state.db.begin().await.unwrap();
    let made = buyers::create_key(&mut tx, shop.id, (KeyPurpose::Webhook, word)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let hook_key = made.id.to_string();
    let tagged = json!({ "ids": [conversation], "act": { "kind": "tag", "add": [word] } });
    app.post(owner, "/v1/console/bulk", tagged).await.expect(200);
    let reason = json!({ "account_id": shop.account(Role::Agent), "reason": word });
    app.post(owner, &format!("/v1/console/conversations/{conversation}/assign"), reason).await.expect(200);
    let view = json!({ "name": word, "filter": { "tag": word } });
    let views = app.post(owner, "/v1/console/views", view).await.expect(201).json();
    [
        ("order", orders["orders"][0]["id"].as_str().unwrap().to_owned()),
        ("import", import["id"].as_str().unwrap().to_owned()),
        ("task", task["id"].as_str().unwrap().to_owned()),
        ("hook_key", hook_key),
        ("view", views["views"][0]["id"].as_str().unwrap().to_owned()),
        ("commitment", told["id"].as_str().unwrap().to_owned()),
        ("handover", left["id"].as_str().unwrap().to_owned()),
    ]
}

/// A draft for a buyer elsewhere, a canned reply of one's own and one of the shop's; their ids.
async fn desk(app: &TestApp, (shop, owner): (&TestShop, &Caller), word: &str) -> [(&'static str, String); 3] {
    let message = json!({ "text": format!("Is the {word} here?"), "platform": "jd" });
    let draft = app.post(owner, "/v1/drafts", message).await.expect(202).json()["id"].as_str().unwrap().to_owned();
    app.draft(shop, draft.parse().unwrap(), &format!("The {word} is here."), &[]).await;
    let canned = json!({ "title": word, "body": format!("Dear {{buyer}}, the {word} is here.") });
    let id = |saved: Value| saved["id"].as_str().unwrap().to_owned();
    let own = app.post(owner, "/v1/canned", canned.clone()).await.expect(201).json();
    let shared = app.post(owner, "/v1/canned/shop", canned).await.expect(201).json();
    [("draft", draft), ("canned", id(own)), ("canned_shop", id(shared))]
}

/// Which of a shop's ids a parameter asks for.
fn kind(path: &str, parameter: &str) -> Option<&'static str> {
    Some(match parameter {
        "conversation_id" => "conversation",
        "message_id" => "message",
        "revision_id" => "revision",
        "widget_id" => "widget",
        "token_id" => "token",
        "key_id" if path.contains("/records/") => "hook_key",
        "key_id" => "key",
        "shop_id" => "shop",
        "session_id" => "session",
        "turn_id" if path.contains("/test/") => "test",
        "turn_id" => "turn",
        "id" if path.contains("/drafts/") => "draft",
        "id" if path.contains("/canned/shop/") => "canned_shop",
        "id" if path.contains("/canned/") => "canned",
        "id" if path.contains("/orders/") => "order",
        "id" if path.contains("/imports/") => "import",
        "id" if path.contains("/tasks/") => "task",
        "id" if path.contains("/commitments/") => "commitment",
        "id" if path.contains("/handovers/") => "handover",
        "id" if path.contains("/rehearsals/") => "rehearsal",
        "id" if path.contains("/rehearsed/") => "rehearsed",
        "id" if path.contains("/golden/") => "golden",
        "id" if path.contains("/conversations/") => "conversation",
        "id" if path.contains("/turns/") => "turn",
        "id" if path.contains("/documents/") => "document",
        "id" if path.contains("/chunks/") => "chunk",
        "id" if path.contains("/accounts/") || path.contains("/agents/") => "account",
        "id" if path.contains("/views/") => "view",
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
        "label" => json!({ "outcome": "reject_wrong" }),
        "thumbs" => json!({ "thumbs": 1 }),
        "golden" => json!({ "question": "stolen", "answer": "stolen" }),
        "watch" => json!({ "doing": "looking" }),
        "assign" | "escalate" => json!({ "reason": "stolen" }),
        _ if path.contains("/agents/") => json!({ "max_waiting": 3 }),
        "outcome" => json!({ "version": 1, "outcome": "used" }),
        _ if path.contains("/canned/") => json!({ "title": "stolen", "body": "stolen" }),
        "ruling" | "returns" => json!({ "cause": "defect" }),
        _ if path.contains("/tasks/") => json!({ "version": 0, "note": "stolen" }),
        _ if path.contains("/commitments/") => json!({ "version": 0, "what": "stolen" }),
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
    let mine = furnish(&app, "teahouse", ("oolong", "leaf")).await;
    let other = furnish(&app, "bakery", ("sourdough", "crust")).await;
    let before = everything(&app, &other).await;
    assert!(before.contains("sourdough"), "the other shop reads its own");
    let routes = all_routes(app.state.clone());
    let mut n_walked = 0;
    for route in routes.records().iter().filter(|route| route.path.contains('{') && route.is_listed) {
        // A name is the asker's own, whatever the other shop calls its things; `shop_day` looks at those.
        if matches!(route.permission, Permission::Public) || route.path.ends_with("/{name}") {
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

/// Requests to one pair of shops: some of them sign people out, lock them out or take things away, so after a while
/// new ones are furnished.
const REQUESTS_PER_PAIR: u64 = 250;

/// What was noticed on the way.
#[derive(Default)]
struct Noticed {
    /// Routes that did something, and how often each was asked.
    routes: BTreeMap<String, (u32, u32)>,
    /// Which shop was told of an id first. An id belongs to one shop.
    ids: HashMap<Uuid, usize>,
}

/// Neither answers, nor streams, nor the log, nor what the server says of itself brings a word or an id of one shop to
/// the other. The log is checked at its finest level, and before personal data is masked in it.
#[tokio::test]
async fn random_requests_never_bring_a_word_of_the_other_shop() {
    let (seed, n_requests) = (setting("KEFU_TEST_SEED", 7), setting("KEFU_TEST_TENANCY_REQUESTS", 1_750));
    println!("seed {seed}, {n_requests} requests; KEFU_TEST_SEED and KEFU_TEST_TENANCY_REQUESTS change them");
    let log = CapturedLog::default();
    // With one subscriber alone, a log statement that a thread of another test comes to first is off for all threads.
    let _second = tracing::Dispatch::new(log.subscriber());
    let _capturing = tracing::subscriber::set_default(log.subscriber());
    let mut noticed = Noticed::default();
    let mut left = n_requests;
    while left > 0 {
        let n = left.min(REQUESTS_PER_PAIR);
        ask_a_pair(seed + left, n, &log, &mut noticed).await;
        left -= n;
    }
    let n_asked: u32 = noticed.routes.values().map(|(_, asked)| asked).sum();
    let n_done = noticed.routes.values().filter(|(done, _)| *done > 0).count();
    println!("{n_asked} requests to {} routes, {n_done} of which did something", noticed.routes.len());
    assert_eq!(u64::from(n_asked), n_requests);
    assert!(n_done * 3 > noticed.routes.len() * 2, "most routes did something at least once: {:?}", noticed.routes);
    assert!(log.n_lines() > 0, "the log was captured");
}

async fn ask_a_pair(seed: u64, n: u64, log: &CapturedLog, noticed: &mut Noticed) {
    let many = 1_000_000;
    let settings =
        HttpSettings { conversations_per_address: many, messages_per_conversation: many, ..HttpSettings::default() };
    let app = TestApp::with(settings).await;
    let shops =
        [furnish(&app, "teahouse", ("oolong", "leaf")).await, furnish(&app, "bakery", ("sourdough", "crust")).await];
    let description = app.get(&Caller::Nobody, "/openapi.json").await.expect(200).json();
    let routes = all_routes(app.state.clone());
    let asked: Vec<_> = routes.records().iter().filter(|route| !route.path.ends_with("/events")).collect();
    let mut chance = Chance { random: StdRng::seed_from_u64(seed), description, shops: [&shops[0], &shops[1]] };
    log.take();
    let asking = async {
        for _ in 0..n {
            let route = asked[chance.random.random_range(0..asked.len())];
            let Asked { request, told, about } = chance.ask(route);
            let answer = app.send(request).await;
            assert_ne!(answer.status, 500, "{told}: {}", answer.text());
            let counts = noticed.routes.entry(format!("{} {}", route.method, route.path)).or_default();
            *counts = (counts.0 + u32::from(answer.status.is_success()), counts.1 + 1);
            let text = answer.text();
            check_answer(&shops, (&told, about), &text, noticed);
            check_log(&shops, (&told, about), &log.take());
        }
        app.state.stopping.cancel();
    };
    let (streams, ()) = futures::join!(listen(&app, &shops), asking);
    for (stream, (mine, other)) in streams.iter().zip([(0, 1), (1, 0)]) {
        assert!(stream.contains(shops[mine].lure), "the streams of {} were heard: {stream}", shops[mine].name);
        assert_eq!(leaked(&shops[other], stream, ""), None, "streams of {}: {stream}", shops[mine].name);
    }
}

/// What the pages of each shop hear until the end.
async fn listen(app: &TestApp, shops: &[Furnished; 2]) -> Vec<String> {
    let of_shop = async |shop: &Furnished| {
        let chat = format!("/v1/chat/{}/events", shop.ids["conversation"]);
        let staff = shop.shop.caller(Role::Staff);
        let agent = shop.shop.caller(Role::Agent);
        futures::join!(
            app.hear(&shop.buyer, &chat),
            app.hear(&agent, "/v1/console/events"),
            app.hear(&staff, "/v1/knowledge/events")
        )
    };
    let (first, second) = futures::join!(of_shop(&shops[0]), of_shop(&shops[1]));
    [first, second].into_iter().map(|(a, b, c)| [a, b, c].concat()).collect()
}

/// The first word or id of `shop` that stands in `text`. What was asked may be repeated.
fn leaked(shop: &Furnished, text: &str, told: &str) -> Option<String> {
    let names = [shop.word.to_owned(), format!("of {}", shop.name), format!("@{}.example", shop.name)];
    let words = names.into_iter().chain(shop.tokens.values().cloned());
    let ids = shop.ids.values().cloned();
    words.chain(ids).find(|secret| text.contains(secret) && !told.contains(secret))
}

fn check_answer(shops: &[Furnished; 2], (told, about): (&str, Option<usize>), text: &str, noticed: &mut Noticed) {
    for (number, shop) in shops.iter().enumerate().filter(|(number, _)| about != Some(*number)) {
        assert_eq!(leaked(shop, text, told), None, "shop {number} in the answer to {told}: {text}");
    }
    let Some(about) = about else { return };
    for id in uuids(text).filter(|id| !told.contains(&id.to_string())) {
        let first = *noticed.ids.entry(id).or_insert(about);
        assert_eq!(first, about, "{id} belongs to the other shop, and stands in the answer to {told}: {text}");
    }
}

/// Lines may name ids of the shop that is asking. Words, names and tokens are nobody's business.
fn check_log(shops: &[Furnished; 2], (told, about): (&str, Option<usize>), lines: &str) {
    for (number, shop) in shops.iter().enumerate() {
        let ids = if about == Some(number) {
            shop.ids.values().cloned().collect::<Vec<_>>().join(" ")
        } else {
            String::new()
        };
        assert_eq!(leaked(shop, lines, &format!("{told} {ids}")), None, "the log of {told}: {lines}");
    }
}

fn uuids(text: &str) -> impl Iterator<Item = Uuid> {
    let words = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    words.filter(|word| word.len() == 36).filter_map(|word| word.parse().ok())
}

/// The log, as it is written.
#[derive(Clone, Default)]
struct CapturedLog(Arc<Mutex<(String, usize)>>);

impl CapturedLog {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let writer = self.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish()
    }

    fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }

    fn n_lines(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl std::io::Write for CapturedLog {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut log = self.0.lock().unwrap();
        log.0 += &String::from_utf8_lossy(line);
        log.1 += 1;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
