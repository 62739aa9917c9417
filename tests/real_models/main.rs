//! The whole product on real weights: `kefu demo` as a newcomer starts it, spoken to over HTTP.
//!
//! Runs with `--features model-tests`; the weights must be in the cache (`kefu models fetch`).
#![cfg(feature = "model-tests")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Models load, documents are embedded and answers are written on two slow cores.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// A demo that is stopped when the test ends, however it ends.
struct Demo {
    process: Child,
    url: String,
    notes: Value,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Demo {
    fn start(data_dir: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kefu"))
            .args(["demo", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, seen) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("demo: {line}");
                let _ = sender.send(line);
            }
        });
        let url = loop {
            let line = seen.recv_timeout(PATIENCE).expect("the demo prints its addresses");
            if let Some(at) = line.find("http://127.0.0.1:").filter(|_| line.ends_with("/shop")) {
                break line[at..].trim_end_matches("/shop").to_owned();
            }
        };
        let notes = serde_json::from_slice(&std::fs::read(data_dir.join("demo.json")).unwrap()).unwrap();
        Self { process, url, notes }
    }

    fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Value {
        let mut request = ureq::post(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        request.send_json(body).unwrap_or_else(|error| panic!("POST {path}: {error}")).body_mut().read_json().unwrap()
    }

    fn get(&self, path: &str, token: &str) -> Value {
        let request = ureq::get(format!("{}{path}", self.url)).header("authorization", &format!("Bearer {token}"));
        request.call().unwrap_or_else(|error| panic!("GET {path}: {error}")).body_mut().read_json().unwrap()
    }

    fn login(&self, role: &str) -> String {
        let accounts = self.notes["accounts"].as_array().unwrap();
        let account = accounts.iter().find(|account| account["role"] == role).unwrap();
        let body = json!({ "email": account["email"], "password": account["password"] });
        self.post("/v1/login", None, &body)["token"].as_str().unwrap().to_owned()
    }

    fn upload(&self, token: &str, name: &str, text: &str) {
        let body = format!(
            "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--cut--\r\n"
        );
        let answer: Value = ureq::post(format!("{}/v1/knowledge/documents", self.url))
            .header("authorization", &format!("Bearer {token}"))
            .header("content-type", "multipart/form-data; boundary=cut")
            .send(body.as_bytes())
            .unwrap()
            .body_mut()
            .read_json()
            .unwrap();
        assert_eq!(answer["results"][0]["status"], "queued", "{answer}");
        wait("the document is indexed", || {
            let documents = self.get("/v1/knowledge/documents", token);
            let document =
                documents["documents"].as_array().unwrap().iter().find(|document| document["name"] == name).unwrap();
            let state = document["newest"]["state"].as_str().unwrap();
            assert_ne!(state, "failed", "{document}");
            (state == "indexed").then_some(())
        });
    }

    /// Asks as a buyer; the turn as an agent sees it once it is decided.
    fn ask(&self, agent: &str, lang: &str, text: &str) -> Value {
        let widget = self.notes["widget"].as_str().unwrap();
        let started = self.post(&format!("/v1/widgets/{widget}/conversations"), None, &json!({ "lang": lang }));
        let conversation = started["conversation_id"].as_str().unwrap();
        let token = started["token"].as_str().unwrap();
        let path = format!("/v1/chat/{conversation}/messages");
        let sent = self.post(&path, Some(token), &json!({ "text": text, "client_key": "1" }));
        let turn = sent["turn_id"].as_str().unwrap().to_owned();
        let turn = wait("the turn is decided", || {
            let turn = self.get(&format!("/v1/console/turns/{turn}"), agent);
            (turn["state"] != "asked").then_some(turn)
        });
        // Sent by itself or held, the buyer is never left without a word.
        let messages = self.get(&format!("{path}?after=0"), token);
        let authors: Vec<_> = messages["messages"].as_array().unwrap().iter().map(|m| m["author"].clone()).collect();
        let expected = if turn["decision"] == "auto_send" { "assistant" } else { "notice" };
        assert!(authors.contains(&json!(expected)), "{authors:?} {turn}");
        turn
    }
}

fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        #[expect(clippy::disallowed_methods, reason = "a real process is waited for, in real time")]
        std::thread::sleep(LOOK_EVERY);
    }
}

fn assert_cited(turn: &Value, fact: &str, document: &str) {
    let draft = turn["draft"].as_str().unwrap_or_default();
    assert!(draft.contains(fact), "the draft holds {fact}: {turn}");
    let cited: Vec<_> =
        turn["citations"].as_array().unwrap().iter().map(|citation| citation["document"].clone()).collect();
    assert!(cited.contains(&json!(document)), "{cited:?}");
}

#[test]
fn real_models_a_newcomer_uploads_a_manual_and_gets_cited_answers_in_both_languages() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Demo::start(dir.path());
    let (staff, agent) = (demo.login("staff"), demo.login("agent"));
    let manual = "# 云鹤 Y7 加湿器说明书\n\n## 清洗水箱\n\n每周清洗一次水箱。先拔下电源，倒掉余水，加入 20 毫升白醋浸泡 15 分钟，\
                  再用清水冲洗两遍。\n\n## 雾量调节\n\n长按“雾量”键 3 秒切换自动模式，指示灯变为蓝色。\n";
    demo.upload(&staff, "云鹤Y7加湿器.md", manual);
    let english = "# Cloudcrane Y7 humidifier\n\n## Cleaning the tank\n\nClean the tank once a week. Unplug the device, empty \
                   the tank, soak it with 20 ml of white vinegar for 15 minutes and rinse it twice.\n\n## Warranty\n\n\
                   The warranty of the Y7 humidifier lasts 18 months from delivery.\n";
    demo.upload(&staff, "cloudcrane-y7.md", english);
    let turn = demo.ask(&agent, "zh", "云鹤Y7加湿器的水箱怎么清洗？");
    assert_cited(&turn, "15 分钟", "云鹤Y7加湿器.md");
    let turn = demo.ask(&agent, "en", "How long is the warranty of the Y7 humidifier?");
    assert_cited(&turn, "18 months", "cloudcrane-y7.md");
    let turn = demo.ask(&agent, "zh", "我要转人工");
    assert_eq!(turn["decision"], "escalate");
}
