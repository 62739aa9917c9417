//! A chromedriver of the test's own, and the little of the WebDriver protocol (W3C) that the test speaks.
//!
//! # Why
//! The client libraries turn on features of crates that we share with them, so that every dependency would be built
//! twice, once for the program and once for its tests. Eight requests over the HTTP client we have cost less.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Pages answer within this time, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The key under which the protocol names elements and frames.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser. It ends with the test.
pub struct Browser {
    process: Child,
    agent: ureq::Agent,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// `None` where no chromedriver is named.
    #[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
    pub fn start() -> Option<Self> {
        let path = std::env::var_os("KEFU_TEST_CHROMEDRIVER")?;
        let mut process =
            Command::new(path).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port =
            lines.find_map(|line| Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned()));
        let driver = format!("http://127.0.0.1:{}/session", port.expect("chromedriver says its port"));
        let profile = tempfile::tempdir().unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut browser = Self { process, agent, session: driver, _profile: profile };
        let directory = format!("--user-data-dir={}", browser._profile.path().display());
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1440,900",
            "--hide-scrollbars",
            &directory,
        ];
        let wanted = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "SEVERE" },
        });
        let made = browser.post("", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = format!("{}/{}", browser.session, made["sessionId"].as_str().expect("a session"));
        Some(browser)
    }

    pub fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Makes the window as wide as a screen; below 500 pixels it is a phone.
    pub fn resize(&self, width: u32, height: u32) {
        let is_phone = width < 500;
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// The keyboard's next stop.
    pub fn press_tab(&self) {
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
            self.devtools("Input.dispatchKeyEvent", &key);
        }
    }

    /// A command of the browser's own protocol, for what WebDriver has no word for.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What the pages said to be an error since the last call: exceptions, refused files, failed requests.
    pub fn errors(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({ "type": "browser" }));
        entries.as_array().into_iter().flatten().map(|entry| entry["message"].to_string()).collect()
    }

    /// Clicks on a control, by its test id.
    pub fn click(&self, id: &str) {
        self.act(id, "click", &json!({}));
    }

    /// Types into a control, by its test id.
    pub fn write(&self, id: &str, text: &str) {
        self.act(id, "value", &json!({ "text": text }));
    }

    /// Gives a file to a file field, by its test id. Pages hide the field behind a button.
    pub fn choose_file(&self, id: &str, path: &str) {
        let element = self.wait_for(&format!("[data-testid=\"{id}\"]"));
        self.post(&format!("/element/{element}/value"), &json!({ "text": path }));
    }

    /// Does something with a control as a person would: again, if the page has just drawn it anew.
    fn act(&self, id: &str, verb: &str, body: &Value) {
        let selector = format!("[data-testid=\"{id}\"]");
        let done = self.wait(|| {
            let element = self.wait_for(&selector);
            self.try_post(&format!("/element/{element}/{verb}"), body).ok()
        });
        done.unwrap_or_else(|| panic!("{id} cannot be used: {verb}"));
    }

    /// Goes into the frame that a selector finds, or back to the page.
    pub fn enter_frame(&self, selector: Option<&str>) {
        let frame = selector.map(|selector| json!({ ELEMENT: self.wait_for(selector) }));
        self.post("/frame", &json!({ "id": frame }));
    }

    pub fn forget_cookies(&self) {
        let url = format!("{}/cookie", self.session);
        self.agent.delete(&url).call().unwrap();
    }

    pub fn count(&self, selector: &str) -> u64 {
        self.run("return document.querySelectorAll(arguments[0]).length", &[selector]).as_u64().unwrap_or(0)
    }

    /// Waits until something that the selector finds holds the text.
    pub fn wait_for_text(&self, selector: &str, text: &str) {
        let script =
            "return [...document.querySelectorAll(arguments[0])].some(n => n.textContent.includes(arguments[1]))";
        let found = self.wait(|| (self.run(script, &[selector, text]) == true).then_some(()));
        let page = || self.run("return document.body.innerText", &[]);
        found.unwrap_or_else(|| panic!("`{text}` does not appear in {selector}: {}", page()));
    }

    fn wait_for(&self, selector: &str) -> String {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.wait(|| Some(self.try_post("/element", &query).ok()?[ELEMENT].as_str()?.to_owned()));
        found.unwrap_or_else(|| panic!("{selector} is not there: {}", self.run("return document.body.innerText", &[])))
    }

    fn wait<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(found) = look() {
                return Some(found);
            }
            #[expect(clippy::disallowed_methods, reason = "a real browser is waited for, in real time")]
            std::thread::sleep(LOOK_EVERY);
        }
        None
    }

    /// Runs a script in the page.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.try_post(path, body).unwrap_or_else(|problem| panic!("{path}: {problem}"))
    }

    fn try_post(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let mut response = self.agent.post(format!("{}{path}", self.session)).send_json(body).unwrap();
        let is_fine = response.status().is_success();
        let answer: Value = response.body_mut().read_json().unwrap();
        if is_fine { Ok(answer["value"].clone()) } else { Err(answer["value"].clone()) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
