//! The demo server as the outside world sees it: buyers, agents and the shop's other systems, through the public API
//! alone.
//!
//! # Why
//! A simulated day that wrote to tables would show a product that nobody has. Here every buyer brings a signed identity,
//! every event a signature, every agent a session, and what the API refuses does not happen.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::app::data_dir::ServerInfo;
use crate::app::demo::Demo;
use crate::domain::conversation::Simulated;
use crate::domain::encoding::{BASE64, BASE64_URL};
use crate::domain::text::Lang;
use crate::storage::accounts::Role;

/// A signed identity is good for this long.
const IDENTITY_S: i64 = 45 * 60;

/// What came of a request.
#[derive(Debug)]
pub enum Reply {
    Done(Value),
    /// Too many at once: the same again after so many seconds.
    Later(u64),
    /// Not now, and not later: somebody else was faster, or the record is not there any more.
    Refused(String),
}

/// A buyer's side of a conversation.
#[derive(Debug, Clone)]
pub struct OpenChat {
    pub id: String,
    token: String,
}

/// The server, and everybody who speaks to it.
pub struct Shopfront {
    agent: ureq::Agent,
    url: String,
    demo: Demo,
    sessions: HashMap<&'static str, String>,
    keys: Keys,
}

#[derive(Default)]
struct Keys {
    webhook: (String, String),
    identity: (String, String),
}

impl Shopfront {
    /// Signs agents and the owner in, and makes the keys that events and identities are signed with.
    pub fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let demo = Demo::load(data_dir)?.context("this data directory holds no demo; no other shop is played with")?;
        let info = ServerInfo::of(data_dir).context("the demo does not run")?;
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        let agent = config.build().new_agent();
        let mut front = Self { agent, url: info.url, demo, sessions: HashMap::new(), keys: Keys::default() };
        for role in [Role::Agent, Role::Owner] {
            let token = front.log_in(role)?;
            front.sessions.insert(role.code(), token);
        }
        front.keys.webhook = front.key("/v1/records/keys")?;
        front.keys.identity = front.key("/v1/ops/buyer-keys")?;
        Ok(front)
    }

    /// Takes the keys away again and signs out; a day that was cut short must not leave a way in.
    pub fn close(&mut self) {
        // A password counts for a quarter of an hour, and the day may have been longer.
        if let Ok(token) = self.log_in(Role::Owner) {
            self.sessions.insert(Role::Owner.code(), token);
        }
        for (path, (id, _)) in [("/v1/records/keys", &self.keys.webhook), ("/v1/ops/buyer-keys", &self.keys.identity)] {
            let request = self.agent.delete(self.at(&format!("{path}/{id}")));
            let _ = request.header("authorization", &self.bearer(Role::Owner)).call();
        }
        for role in [Role::Agent, Role::Owner] {
            let request = self.agent.post(self.at("/v1/logout")).header("authorization", &self.bearer(role));
            // It ends by itself, too.
            let _ = request.send_empty();
        }
    }

    fn log_in(&self, role: Role) -> anyhow::Result<String> {
        let account = self.demo.accounts.iter().find(|account| account.role == role);
        let account = account.with_context(|| format!("the demo has no {}", role.code()))?;
        let body = json!({ "email": account.email, "password": account.password });
        let answer = done(self.send("/v1/login", None, &body)?)
            .with_context(|| format!("{} cannot sign in; was the password changed?", account.email))?;
        text(&answer["token"])
    }

    fn key(&self, path: &str) -> anyhow::Result<(String, String)> {
        let made = done(self.send(path, Some(&self.bearer(Role::Owner)), &json!({}))?);
        let made = made.context("the demo's shop signs with two keys already; remove one under /ops or /records")?;
        Ok((text(&made["key"]["id"])?, text(&made["secret"])?))
    }

    /// Tells what the shop sells.
    pub fn tell_products(&self, products: &Value) -> anyhow::Result<Reply> {
        self.send("/v1/records/products", Some(&self.bearer(Role::Owner)), &json!({ "products": products }))
    }

    /// Sends an event as the shop's other systems do.
    pub fn event(&self, id: &str, now_ms: i64, event: &Value) -> anyhow::Result<Reply> {
        let (time, body) = ((now_ms / 1000).to_string(), event.to_string());
        let signature = BASE64.encode(&sign(&self.keys.webhook.1, &format!("{id}.{time}.{body}")));
        let request = self
            .agent
            .post(self.at(&format!("/v1/hooks/{}", self.demo.shop)))
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", &time)
            .header("webhook-signature", &format!("v1,{signature}"));
        read(request.send(body.as_bytes()))
    }

    /// Opens a conversation of a buyer whom the shop names.
    pub fn start_chat(
        &self,
        buyer: &str,
        now_ms: i64,
        (lang, sku, simulated): (Lang, &str, Simulated),
    ) -> anyhow::Result<Result<OpenChat, Reply>> {
        let claims = json!({ "sub": buyer, "aud": self.demo.widget, "exp": now_ms / 1000 + IDENTITY_S });
        let head = json!({ "alg": "HS256", "kid": self.keys.identity.0 });
        let part = |value: &Value| BASE64_URL.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&head), part(&claims));
        let identity = format!("{signed}.{}", BASE64_URL.encode(&sign(&self.keys.identity.1, &signed)));
        let body = json!({ "lang": lang, "sku": sku, "identity": identity, "simulated": simulated });
        match self.send(&format!("/v1/widgets/{}/conversations", self.demo.widget), None, &body)? {
            Reply::Done(made) => Ok(Ok(OpenChat { id: text(&made["conversation_id"])?, token: text(&made["token"])? })),
            other => Ok(Err(other)),
        }
    }

    /// A buyer writes.
    pub fn say(&self, chat: &OpenChat, words: &str, client_key: &str) -> anyhow::Result<Reply> {
        let body = json!({ "text": words, "client_key": client_key });
        self.send(&format!("/v1/chat/{}/messages", chat.id), Some(&format!("Bearer {}", chat.token)), &body)
    }

    /// A buyer likes the shop's last answer, or does not; nothing if there is none yet.
    pub fn thumbs(&self, chat: &OpenChat, is_up: bool) -> anyhow::Result<Option<Reply>> {
        let bearer = format!("Bearer {}", chat.token);
        let said = self.get(&format!("/v1/chat/{}/messages", chat.id), &bearer)?;
        let is_answer =
            |message: &&Value| ["assistant", "reviewed", "agent"].iter().any(|who| message["author"] == *who);
        let messages = said["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(answer) = messages.iter().rev().find(is_answer) else { return Ok(None) };
        let path = format!("/v1/chat/{}/messages/{}/thumbs", chat.id, text(&answer["id"])?);
        let request = self.agent.post(self.at(&path)).header("authorization", &bearer);
        read(request.send_json(json!({ "thumbs": if is_up { 1 } else { -1 } }))).map(Some)
    }

    /// What waits for an agent.
    pub fn queue(&self) -> anyhow::Result<Vec<Value>> {
        let mut answer = self.get("/v1/console/queue", &self.bearer(Role::Agent))?;
        Ok(answer["turns"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// An agent does something about a turn: `accept`, `edit`, `reject`.
    pub fn judge(&self, turn: &str, verb: &str, body: &Value) -> anyhow::Result<Reply> {
        self.send(&format!("/v1/console/turns/{turn}/{verb}"), Some(&self.bearer(Role::Agent)), body)
    }

    /// An agent answers a turn in own words.
    pub fn write(&self, conversation: &str, turn: &str, words: &str) -> anyhow::Result<Reply> {
        let body = json!({ "text": words, "client_key": format!("day-{turn}"), "turn_id": turn });
        let path = format!("/v1/console/conversations/{conversation}/messages");
        self.send(&path, Some(&self.bearer(Role::Agent)), &body)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn bearer(&self, role: Role) -> String {
        format!("Bearer {}", self.sessions.get(role.code()).map(String::as_str).unwrap_or_default())
    }

    fn send(&self, path: &str, bearer: Option<&str>, body: &Value) -> anyhow::Result<Reply> {
        let mut request = self.agent.post(self.at(path));
        if let Some(bearer) = bearer {
            request = request.header("authorization", bearer);
        }
        read(request.send_json(body))
    }

    fn get(&self, path: &str, bearer: &str) -> anyhow::Result<Value> {
        done(read(self.agent.get(self.at(path)).header("authorization", bearer).call())?)
    }
}

/// What a reply brought, where nothing else will do.
pub fn done(reply: Reply) -> anyhow::Result<Value> {
    match reply {
        Reply::Done(value) => Ok(value),
        Reply::Later(seconds) => bail!("the server asks to come again in {seconds} s"),
        Reply::Refused(why) => bail!(why),
    }
}

fn read(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<Reply> {
    let mut response = response.context("the server does not answer")?;
    let status = response.status();
    let later = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let body: Value = response.body_mut().read_json().unwrap_or(Value::Null);
    Ok(match (status.as_u16(), later) {
        (200..300, _) => Reply::Done(body),
        (429 | 503, later) => Reply::Later(later.unwrap_or(1)),
        _ => Reply::Refused(body["detail"].as_str().map_or_else(|| status.to_string(), str::to_owned)),
    })
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| anyhow!("the server's answer was not understood"))
}

fn sign(secret: &str, signed: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
