//! What every fault needs: a seed that is printed, a shop, a server to harm, and the promises to check afterwards.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kefu::app::App;
use kefu::clock::{SharedClock, SystemClock};
use kefu::config::{Config, Flags};
use kefu::domain::ids::{ConversationId, ShopId, WidgetId};
use kefu::domain::policy::{Mode, Policy};
use kefu::domain::text::Lang;
use kefu::http::password::{hash_token, new_token};
use kefu::lifecycle::Lifecycle;
use kefu::storage::accounts::{self, NewAccount, Role};
use kefu::storage::conversations::{self, ConversationKind, NewConversation};
use kefu::storage::policies::{self, NewPolicy};
use kefu::storage::widgets::{self, WidgetForm, WidgetSettings};
use kefu::storage::{Db, check, sessions, shops};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// A setting of a test run; what may be set stands in the documentation of the binary.
#[expect(clippy::disallowed_methods, reason = "a test reads its own settings")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A number of rounds, connections, chunks: from the environment, or small enough for everyday runs.
pub fn count(name: &str, everyday: usize) -> usize {
    setting(name).map_or(everyday, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// An empty schema on the Postgres that `KEFU_TEST_POSTGRES_URL` names.
pub async fn schema_of_its_own() -> Option<String> {
    let url = setting("KEFU_TEST_POSTGRES_URL")?;
    sqlx::any::install_default_drivers();
    let schema = format!("t{}", uuid::Uuid::from_u128(rand::random()).simple());
    let admin = sqlx::AnyPool::connect(&url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("create schema {schema}"))).execute(&admin).await.unwrap();
    admin.close().await;
    let separator = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{separator}options[search_path]={schema}"))
}

/// Randomness that can be had again: `KEFU_TEST_SEED` with the number that is printed.
pub fn random(test: &str) -> StdRng {
    let seed = setting("KEFU_TEST_SEED").map_or_else(
        || {
            let mut bytes = [0; 8];
            kefu::clock::secure_random(&mut bytes);
            u64::from_le_bytes(bytes)
        },
        |value| value.parse().expect("KEFU_TEST_SEED is a number"),
    );
    eprintln!("{test}: KEFU_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// Lets another process go on. Nothing is concluded from how long it took.
#[expect(clippy::disallowed_methods, reason = "another process keeps its own time")]
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Looks until it is so. What takes five minutes does not happen any more.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(300), "still not: {what}");
        pause(Duration::from_millis(20));
    }
}

/// Sends the threads of a scope home, also when the test fails: a scope waits for them before it hands a panic on.
pub struct Closing<'a>(pub &'a [&'a AtomicBool]);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|is_over| is_over.store(true, Ordering::Relaxed));
    }
}

/// Every promise of [`kefu::invariants`] that the rows can show. The index is compared by [`assert_index`].
#[track_caller]
pub fn assert_kept(violations: &[check::Violation]) {
    assert!(violations.is_empty(), "a promise is broken: {violations:#?}");
}

/// I1 to I4, I7 and I8, of everything in a database.
pub async fn assert_invariants(db: &Db) {
    assert_kept(&check::violations(db).await.unwrap());
}

/// I5: the index of every shop is what SQL says it is.
pub async fn assert_index(app: &App) {
    for shop in shops::list(&app.db).await.unwrap() {
        assert!(app.ingestion.is_in_step(shop.id).await.unwrap(), "I5: the index of {} is not in step", shop.name);
    }
}

/// A shop that sends whatever it can by itself.
#[derive(Debug, Clone)]
pub struct Shop {
    pub id: ShopId,
    pub widget: WidgetId,
    pub people: Vec<(Role, String)>,
}

impl Shop {
    pub async fn open(db: &Db, name: &str) -> Self {
        let mut tx = db.begin().await.unwrap();
        let shop = shops::create(&mut tx, name, Lang::Zh).await.unwrap();
        let mut people = Vec::new();
        for role in [Role::Agent, Role::Staff, Role::Ops, Role::Owner] {
            let email = format!("{role:?}@{name}.example");
            let new = NewAccount { email: &email, name: &email, role, password_hash: "!" };
            let account = accounts::create(&mut tx, shop.id, &new).await.unwrap();
            let token = new_token();
            sessions::create(&mut tx, account.id, &hash_token(&token), 1_000_000_000).await.unwrap();
            people.push((role, token));
        }
        let form = WidgetForm { name: "main".into(), allowed_origins: vec![], settings: WidgetSettings::default() };
        let widget = widgets::create(&mut tx, shop.id, form).await.unwrap().id;
        let policy = Policy { bar: 0.0, mode: Mode::Auto, audit_rate: 0.0, ..Policy::review_everything() };
        let new = NewPolicy { policy: &policy, author: None, note: "a test", based_on: None };
        policies::append(&mut tx, shop.id, &new).await.unwrap();
        tx.commit().await.unwrap();
        Self { id: shop.id, widget, people }
    }

    pub fn token(&self, role: Role) -> &str {
        &self.people.iter().find(|(known, _)| *known == role).unwrap().1
    }

    /// So many conversations, each with its buyer's token.
    pub async fn conversations(&self, db: &Db, n: usize) -> Vec<(ConversationId, String)> {
        let mut opened = Vec::with_capacity(n);
        let mut tx = db.begin().await.unwrap();
        for _ in 0..n {
            let token = new_token();
            let hash = hash_token(&token);
            let new = NewConversation {
                kind: ConversationKind::Buyer,
                widget: Some(self.widget),
                buyer_hash: &hash,
                lang: Lang::En,
                sku: None,
            };
            let conversation = conversations::create(&mut tx, self.id, &new).await.unwrap();
            opened.push((conversation.id, token));
        }
        tx.commit().await.unwrap();
        opened
    }
}

/// A data directory of a shop, and of nobody else.
pub struct Home {
    pub dir: PathBuf,
    pub shop: Shop,
    _folder: tempfile::TempDir,
}

impl Home {
    /// In a directory that is thrown away. `extra` are lines of the settings.
    pub fn new(extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("data");
        Self::at(dir, extra, folder)
    }

    pub fn at(dir: PathBuf, extra: &str, folder: tempfile::TempDir) -> Self {
        std::fs::create_dir_all(&dir).unwrap();
        // Dotted keys, so that `extra` may set others of the same sections.
        let settings =
            format!("server.listen = \"127.0.0.1:0\"\nmodels.stand_ins = true\nvectors.engine = \"edge\"\n{extra}\n");
        std::fs::write(dir.join("kefu.toml"), settings).unwrap();
        let shop = block_on(async {
            let db = open_db(&dir).await;
            let shop = Shop::open(&db, "teahouse").await;
            db.close().await;
            shop
        });
        Self { dir, shop, _folder: folder }
    }

    pub fn config(&self) -> Config {
        Config::load(&self.dir, None, &Flags::default()).unwrap()
    }

    /// The database, while no server runs or beside one.
    pub fn with_db<T>(&self, work: impl AsyncFnOnce(&Db) -> T) -> T {
        block_on(async {
            let db = open_db(&self.dir).await;
            let done = work(&db).await;
            db.close().await;
            done
        })
    }

    /// Everything but the HTTP side, in this process, while no server runs.
    pub fn with_app<T>(&self, work: impl AsyncFnOnce(&App) -> T) -> T {
        block_on(async {
            let app = App::open(&self.config(), &self.dir, Lifecycle::default()).await.unwrap();
            let done = work(&app).await;
            app.engines.vectors.close().await.unwrap();
            app.db.close().await;
            done
        })
    }

    /// All promises, after the server has ended.
    pub fn assert_sound(&self) {
        self.with_app(async |app| {
            assert_invariants(&app.db).await;
            assert_index(app).await;
        });
    }
}

pub async fn open_db(dir: &Path) -> Db {
    let clock: SharedClock = Arc::new(SystemClock);
    Db::open(&format!("sqlite://{}", dir.join("kefu.db").display()), clock).await.unwrap()
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// `kefu` with a data directory.
pub fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kefu"));
    command.args(args).arg("--data-dir").arg(dir);
    command
}

/// The real server, in a process of its own.
pub struct Server {
    child: Child,
    pub client: Client,
    dir: PathBuf,
}

impl Server {
    /// Starts it and waits until it answers.
    pub fn start(home: &Home) -> Self {
        let mut server = Self { child: Self::spawn(home), client: Client::new(""), dir: home.dir.clone() };
        let info = home.dir.join("server.json");
        wait_until("the server announces itself", || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended at its start: {status}\n{}", log_of(&home.dir));
            }
            let said: Option<Value> = std::fs::read(&info).ok().and_then(|text| serde_json::from_slice(&text).ok());
            let Some(said) = said.filter(|said| said["pid"] == server.pid()) else { return false };
            server.client = Client::new(said["url"].as_str().unwrap());
            true
        });
        let client = server.client.clone();
        wait_until("the server answers", || client.get("/healthz", "").is_ok_and(|(status, _)| status == 200));
        server
    }

    /// Starts it and waits for nothing.
    pub fn spawn(home: &Home) -> Child {
        let log = File::options().create(true).append(true).open(home.dir.join("log.txt")).unwrap();
        let mut command = command(&home.dir, &["serve"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As the kernel or a power switch would: it can do nothing about it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As a service manager would.
    pub fn signal_stop(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Stops it in order; fails if it did not end well.
    #[track_caller]
    pub fn stop(self) {
        let dir = self.dir.clone();
        self.signal_stop();
        let status = self.wait();
        assert!(status.success(), "{status}\n{}", log_of(&dir));
    }

    /// Resident memory, in bytes; `None` where the system does not tell.
    pub fn memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    }

    /// Waits until nothing is queued and nothing runs.
    pub fn wait_until_idle(&self, shop: &Shop) {
        wait_until("all work is done", || {
            let Ok((200, status)) = self.client.get("/v1/status", shop.token(Role::Owner)) else { return false };
            status["queue"] == json!({ "interactive": 0, "bulk": 0 })
        });
    }
}

impl Drop for Server {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The last lines of the server's log.
pub fn log_of(dir: &Path) -> String {
    let text = std::fs::read_to_string(dir.join("log.txt")).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// Somebody who calls, and may get no answer.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    pub url: String,
}

pub type Answer = Result<(u16, Value), ureq::Error>;

impl Client {
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        // A connection each: one that the server closed in between would look like a fault of the server.
        let config = config.max_idle_connections(0).timeout_global(Some(Duration::from_secs(30))).build();
        Self { agent: config.new_agent(), url: url.to_owned() }
    }

    pub fn get(&self, path: &str, token: &str) -> Answer {
        let asked = self.agent.get(format!("{}{path}", self.url)).header("authorization", &format!("Bearer {token}"));
        read(asked.call()?)
    }

    pub fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let asked = self.agent.post(format!("{}{path}", self.url)).header("authorization", &format!("Bearer {token}"));
        read(asked.send_json(body)?)
    }

    /// Says something as the buyer of a conversation.
    pub fn say(&self, (conversation, token): &(ConversationId, String), key: &str, text: &str) -> Answer {
        let body = json!({ "text": text, "client_key": key });
        self.post(&format!("/v1/chat/{conversation}/messages"), token, &body)
    }

    /// Uploads one file as staff.
    pub fn upload(&self, token: &str, name: &str, bytes: &[u8]) -> Answer {
        let head = format!("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        let body = [head.as_bytes(), bytes, b"\r\n--B--\r\n"].concat();
        let asked = self.agent.post(format!("{}/v1/knowledge/documents", self.url));
        let asked = asked.header("authorization", &format!("Bearer {token}"));
        read(asked.header("content-type", "multipart/form-data; boundary=B").send(&body[..])?)
    }

    /// The numbers of the messages that a live stream tells after `last`, until it breaks off.
    pub fn listen(&self, (conversation, token): &(ConversationId, String), last: i64, mut hear: impl FnMut(i64)) {
        let agent = ureq::Agent::config_builder().timeout_connect(Some(Duration::from_secs(5))).build().new_agent();
        let asked = agent.get(format!("{}/v1/chat/{conversation}/events", self.url));
        let asked = asked.header("authorization", &format!("Bearer {token}")).header("last-event-id", last.to_string());
        let Ok(mut answer) = asked.call() else { return };
        let lines = BufReader::new(answer.body_mut().as_reader()).lines();
        for line in lines {
            let Ok(line) = line else { return };
            if let Some(seq) = line.strip_prefix("id:").and_then(|seq| seq.trim().parse().ok()) {
                hear(seq);
            }
        }
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Answer {
    let status = answer.status().as_u16();
    let mut text = String::new();
    answer.body_mut().as_reader().read_to_string(&mut text)?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}
