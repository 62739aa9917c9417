//! What every journey needs: the router, shops with people, and somebody to call.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use futures::StreamExt;
use kefu::clock::ManualClock;
use kefu::domain::certificate::Fingerprint;
use kefu::domain::chunk::Chunk;
use kefu::domain::conversation::{Author, Citation};
use kefu::domain::decision::{Decision, Evidence, Reason, decide_rehearsed};
use kefu::domain::document::{Format, Parsed};
use kefu::domain::ids::{AccountId, ConversationId, RehearsalId, RehearsedId, RevisionId, ShopId, TurnId, WidgetId};
use kefu::domain::rehearsal::{PastQuestion, PastQuestions, RefusedRow, RowProblem};
use kefu::domain::score::Confidence;
use kefu::domain::text::{Lang, Span};
use kefu::events::Bus;
use kefu::http::password::{hash_password, hash_token, new_token};
use kefu::http::state::{AppState, Component, ComponentState, Components, HealthView, HttpSettings, Limits};
use kefu::lifecycle::Lifecycle;
use kefu::storage::accounts::{self, NewAccount, Role};
use kefu::storage::files::FileStore;
use kefu::storage::indexing::{self, NewIndex};
use kefu::storage::rehearsals::{self, questions};
use kefu::storage::seal::Keyring;
use kefu::storage::turns::{self, NewDecision, NewReply};
use kefu::storage::widgets::{self, WidgetForm, WidgetSettings};
use kefu::storage::{Db, policies, revisions, sessions, shops};
use serde_json::{Value, json};
use tower::ServiceExt;

/// 2026-01-01, 00:00 UTC.
pub const START_MS: i64 = 1_767_225_600_000;

/// What everybody's password is.
pub const PASSWORD: &str = "tea-kettle-42";

pub struct TestApp {
    pub state: AppState,
    pub clock: Arc<ManualClock>,
    pub life: Lifecycle,
    pub router: Router,
    /// Removed when the test ends.
    pub folder: tempfile::TempDir,
}

struct AllReady;

impl HealthView for AllReady {
    fn components(&self) -> Components {
        let part = || Component { id: "test".into(), state: ComponentState::Ready, detail: None };
        Components { index: part(), embedder: part(), generator: part() }
    }
}

/// What makes the answers here.
pub fn fingerprint() -> Fingerprint {
    Fingerprint { model: "test".into(), prompts: "p".into(), scorer: "s".into(), retrieval: "r".into() }
}

/// Who calls.
#[derive(Debug, Clone)]
pub enum Caller {
    Nobody,
    /// A script, or a buyer.
    Bearer(String),
    /// A page of ours in a browser.
    Browser(String),
    /// A page of another site in the same browser.
    ForeignPage(String),
    /// A program that was given a cookie.
    CookieAlone(String),
}

/// A shop with one person of each role, and a widget.
pub struct TestShop {
    pub id: ShopId,
    pub people: Vec<(Role, AccountId, String)>,
    pub widget: WidgetId,
}

impl TestShop {
    /// The person of a role, calling with a session token.
    pub fn caller(&self, role: Role) -> Caller {
        Caller::Bearer(self.token(role))
    }

    pub fn token(&self, role: Role) -> String {
        self.people.iter().find(|(known, _, _)| *known == role).map(|(_, _, token)| token.clone()).unwrap()
    }

    pub fn account(&self, role: Role) -> AccountId {
        self.people.iter().find(|(known, _, _)| *known == role).map(|(_, id, _)| *id).unwrap()
    }
}

pub const ROLES: [Role; 4] = [Role::Agent, Role::Staff, Role::Ops, Role::Owner];

/// A file as it is uploaded: its name and its bytes.
pub type UploadedFile<'a> = (&'a str, &'a [u8]);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The stable code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Fails with what was answered.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(HttpSettings::default()).await
    }

    pub async fn with(settings: HttpSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START_MS));
        let url = format!("sqlite:{}/kefu.db", folder.path().display());
        let db = Db::open(&url, clock.clone()).await.unwrap();
        let db = db.unlock(Keyring::default().with_new_key()).await.unwrap();
        let life = Lifecycle::default();
        let state = AppState {
            db,
            bus: Bus::default(),
            clock: clock.clone(),
            files: FileStore::open(folder.path().join("files")).await.unwrap(),
            wake_workers: Arc::new(|| {}),
            health: Arc::new(AllReady),
            stopping: life.soft(),
            limits: Arc::new(Limits::new(&settings)),
            fingerprint: Arc::new(fingerprint()),
            // Nothing is drawn for a second look.
            draw: Arc::new(|| 0.99),
            settings: Arc::new(settings),
        };
        let router = kefu::http::router(state.clone());
        Self { state, clock, life, router, folder }
    }

    /// A shop with people who are signed in. Nobody has a password: hashing one takes a while.
    pub async fn shop(&self, name: &str) -> TestShop {
        let mut tx = self.state.db.begin().await.unwrap();
        let shop = shops::create(&mut tx, name, Lang::Zh).await.unwrap();
        let mut people = Vec::new();
        for role in ROLES {
            let email = format!("{role:?}@{name}.example");
            let new = NewAccount { email: &email, name: &format!("{role:?} of {name}"), role, password_hash: "!" };
            let account = accounts::create(&mut tx, shop.id, &new).await.unwrap();
            let token = new_token();
            sessions::create(&mut tx, account.id, &hash_token(&token), 1_000_000_000).await.unwrap();
            people.push((role, account.id, token));
        }
        let settings = WidgetSettings { hours: "9–18".into(), contact: "400-1".into(), ..WidgetSettings::default() };
        let form = WidgetForm { name: "main".into(), allowed_origins: vec!["https://shop.example".into()], settings };
        let widget = widgets::create(&mut tx, shop.id, form).await.unwrap().id;
        tx.commit().await.unwrap();
        TestShop { id: shop.id, people, widget }
    }

    /// Gives a person the password that everybody has.
    pub async fn set_password(&self, account: AccountId) {
        let mut tx = self.state.db.begin().await.unwrap();
        accounts::set_password_hash(&mut tx, account, &hash_password(PASSWORD).unwrap()).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 50_000_000).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub async fn get(&self, caller: &Caller, path: &str) -> Answer {
        self.send(request(Method::GET, path, caller, None)).await
    }

    pub async fn post(&self, caller: &Caller, path: &str, body: Value) -> Answer {
        self.send(request(Method::POST, path, caller, Some(body))).await
    }

    pub async fn call(&self, method: Method, caller: &Caller, path: &str, body: Option<Value>) -> Answer {
        self.send(request(method, path, caller, body)).await
    }

    /// Uploads files as a page does.
    pub async fn upload(&self, caller: &Caller, path: &str, files: &[UploadedFile<'_>]) -> Answer {
        self.upload_with(caller, path, (files, &[])).await
    }

    pub async fn upload_with(
        &self,
        caller: &Caller,
        path: &str,
        (files, fields): (&[UploadedFile<'_>], &[(&str, &str)]),
    ) -> Answer {
        let mut body = Vec::new();
        for (name, bytes) in files {
            let head = format!("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
            body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
        }
        for (name, value) in fields {
            body.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        body.extend(b"--B--\r\n");
        let mut request = request(Method::POST, path, caller, None);
        request.headers_mut().insert(header::CONTENT_TYPE, "multipart/form-data; boundary=B".parse().unwrap());
        *request.body_mut() = Body::from(body);
        self.send(request).await
    }

    /// Starts a conversation, as the widget does.
    pub async fn conversation(&self, shop: &TestShop) -> (ConversationId, Caller) {
        let path = format!("/v1/widgets/{}/conversations", shop.widget);
        let started = self.post(&Caller::Nobody, &path, json!({ "lang": "en" })).await.expect(201).json();
        let id = started["conversation_id"].as_str().unwrap().parse().unwrap();
        (id, Caller::Bearer(started["token"].as_str().unwrap().to_owned()))
    }

    /// Asks, as a buyer.
    pub async fn ask(&self, conversation: ConversationId, buyer: &Caller, text: &str) -> TurnId {
        let body = json!({ "text": text, "client_key": new_token() });
        let sent = self.post(buyer, &format!("/v1/chat/{conversation}/messages"), body).await.expect(202).json();
        sent["turn_id"].as_str().unwrap().parse().unwrap()
    }

    /// Drafts an answer to a turn and holds it for an agent, as the answering job does.
    pub async fn draft(&self, shop: &TestShop, turn: TurnId, draft: &str, citations: &[Citation]) {
        let evidence = sure_of("returns", 0.7);
        let decision = Decision::Review { reasons: vec![Reason::BelowBar] };
        let policy = policies::current(&self.state.db, shop.id).await.unwrap().id;
        let record = json!({ "ms": { "retrieve": 3, "generate": 40, "score": 2, "total": 45 } });
        let new = NewDecision {
            turn,
            expected_version: 0,
            draft: Some(draft),
            citations,
            evidence: &evidence,
            decision: &decision,
            policy,
            draw: 0.5,
            record: &record,
        };
        let mut tx = self.state.db.begin().await.unwrap();
        turns::record_decision(&mut tx, shop.id, &new).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    /// Brings a file with one question of the past, and answers that, as the jobs of a rehearsal do.
    pub async fn rehearse(
        &self,
        shop: &TestShop,
        (question, draft): (&str, &str),
        citations: &[Citation],
    ) -> (RehearsalId, RehearsedId) {
        let (db, file) = (&self.state.db, ("past.txt", question.as_bytes()));
        let brought = self.upload(&shop.caller(Role::Staff), "/v1/knowledge/rehearsals", &[file]).await;
        let rehearsal = brought.expect(202).json()["id"].as_str().unwrap().parse().unwrap();
        let asked = PastQuestion {
            line: 1,
            thread: 1,
            question: question.to_owned(),
            previous: None,
            person_said: Some(draft.to_owned()),
        };
        let refused = RefusedRow { line: 2, problem: RowProblem::Duplicate, text: question.to_owned() };
        let found = PastQuestions { asked: vec![asked], refused: vec![refused], n_skipped: 0 };
        let mut tx = db.begin().await.unwrap();
        assert!(rehearsals::fill(&mut tx, shop.id, rehearsal, &found).await.unwrap());
        let id = rehearsals::next(&mut tx, shop.id, rehearsal).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        let asked = questions::get(db, shop.id, id).await.unwrap().unwrap();
        let policy = policies::current(db, shop.id).await.unwrap().id;
        let mut tx = db.begin().await.unwrap();
        let thread = questions::thread_of(&mut tx, shop.id, &asked).await.unwrap();
        let turn = turns::ask_again(&mut tx, shop.id, thread, (question, asked.lang)).await.unwrap().unwrap();
        let evidence = sure_of("returns", 0.7);
        let new = NewDecision {
            turn,
            expected_version: 0,
            draft: Some(draft),
            citations,
            evidence: &evidence,
            decision: &decide_rehearsed(&evidence),
            policy,
            draw: 0.5,
            record: &json!({}),
        };
        turns::record_decision(&mut tx, shop.id, &new).await.unwrap().unwrap();
        assert!(questions::set_answered(&mut tx, shop.id, id, (turn, 40)).await.unwrap());
        questions::go_on(&mut tx, shop.id, rehearsal).await.unwrap();
        tx.commit().await.unwrap();
        (rehearsal, id)
    }

    /// Makes a revision the one that answers, with these texts as its chunks, as the ingesting job does.
    pub async fn index(&self, shop: &TestShop, revision: RevisionId, texts: &[&str]) {
        let chunk = |(ordinal, text): (u32, &&str)| Chunk {
            ordinal,
            text: (*text).to_owned(),
            span: Span { start: 0, end: text.len() },
            n_tokens: 1,
            heading_path: vec!["Returns".into()],
            page: Some(ordinal + 1),
        };
        let chunks: Vec<_> = (0..).zip(texts).map(chunk).map(|chunk| (chunk, vec![1.0])).collect();
        let text = texts.join("\n");
        let parsed =
            Parsed { format: Format::Text, n_pages: None, text, blocks: vec![], faq: vec![], warnings: vec![] };
        let mut tx = self.state.db.begin().await.unwrap();
        revisions::store_parsed(&mut tx, shop.id, revision, &parsed).await.unwrap();
        let new = NewIndex { model_id: "m", chunks: &chunks };
        indexing::activate_revision(&mut tx, shop.id, revision, &new).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Sends an answer without a person, as the answering job does.
    pub async fn auto_send(&self, shop: &TestShop, turn: TurnId, text: &str) {
        let evidence = sure_of("returns", 0.95);
        let policy = policies::current(&self.state.db, shop.id).await.unwrap().id;
        let decision = NewDecision {
            turn,
            expected_version: 0,
            draft: Some(text),
            citations: &[],
            evidence: &evidence,
            decision: &Decision::AutoSend { audit: false },
            policy,
            draw: 0.5,
            record: &json!({}),
        };
        let author = Author::Assistant;
        let reply = NewReply { turn, expected_version: 1, author, account: None, text, citations: &[] };
        let mut tx = self.state.db.begin().await.unwrap();
        turns::record_decision(&mut tx, shop.id, &decision).await.unwrap().unwrap();
        turns::reply(&mut tx, shop.id, &reply).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    /// Everything that a stream of events says until it ends.
    pub async fn hear(&self, caller: &Caller, path: &str) -> String {
        self.get(caller, path).await.expect(200).text()
    }

    /// Opens a stream of events.
    pub async fn listen(&self, caller: &Caller, path: &str, last_event_id: Option<&str>) -> EventReader {
        let mut request = request(Method::GET, path, caller, None);
        if let Some(id) = last_event_id {
            request.headers_mut().insert("last-event-id", id.parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        EventReader { body: response.into_body().into_data_stream(), read: String::new() }
    }
}

/// Evidence that no rule holds.
fn sure_of(topic: &str, confidence: f64) -> Evidence {
    let confidence = Confidence::new(confidence).unwrap();
    Evidence { escalations: vec![], holds: vec![], grounded_share: 1.0, confidence, topic: topic.into(), about: None }
}

pub fn request(method: Method, path: &str, caller: &Caller, body: Option<Value>) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path).header(header::HOST, "kefu.test");
    let cookie = |token: &str| format!("kefu_session={token}");
    builder = match caller {
        Caller::Nobody => builder,
        Caller::Bearer(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
        Caller::Browser(token) => builder.header(header::COOKIE, cookie(token)).header("sec-fetch-site", "same-origin"),
        Caller::ForeignPage(token) => {
            builder.header(header::COOKIE, cookie(token)).header("sec-fetch-site", "cross-site")
        }
        Caller::CookieAlone(token) => builder.header(header::COOKIE, cookie(token)),
    };
    match body {
        None => builder.body(Body::empty()).unwrap(),
        Some(body) => {
            builder.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
        }
    }
}

/// Reads a stream event by event.
pub struct EventReader {
    body: axum::body::BodyDataStream,
    read: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardEvent {
    pub name: String,
    pub id: Option<String>,
    pub data: Value,
}

impl EventReader {
    /// The next event that has a name; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<HeardEvent> {
        loop {
            while let Some((block, rest)) = self.read.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.read = rest;
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
                    line.map(|value| value.trim().to_owned())
                };
                if let Some(name) = field("event") {
                    let data = serde_json::from_str(&field("data").unwrap_or_default()).unwrap_or(Value::Null);
                    return Some(HeardEvent { name, id: field("id"), data });
                }
            }
            let piece = self.body.next().await?.unwrap();
            self.read.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next event of this name; others are passed over.
    pub async fn next_named(&mut self, name: &str) -> HeardEvent {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == name {
                return event;
            }
        }
    }
}
