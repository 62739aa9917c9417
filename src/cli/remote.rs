//! Speaks to the server that owns the data directory, for commands that find one there.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::data_dir::ServerInfo;

/// A server and a session with it.
pub struct Remote {
    agent: ureq::Agent,
    info: ServerInfo,
}

impl Remote {
    /// The server that owns `data_dir`, if there is one.
    pub fn of(data_dir: &Path) -> Option<Self> {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(300)));
        Some(Self { agent: config.build().new_agent(), info: ServerInfo::of(data_dir)? })
    }

    pub fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let response = self.agent.get(self.url(path)).header("authorization", &self.bearer()).call();
        Self::read(response)
    }

    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let response = self.agent.post(self.url(path)).header("authorization", &self.bearer()).send_json(body);
        Self::read(response)
    }

    /// Uploads one file as multipart.
    pub fn upload<T: DeserializeOwned>(&self, path: &str, file_name: &str, bytes: &[u8]) -> anyhow::Result<T> {
        const BOUNDARY: &str = "kefu-8c1f2b7e5d";
        let name = file_name.replace('"', "%22").replace(['\r', '\n'], " ");
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        let request = self.agent.post(self.url(path)).header("authorization", &self.bearer());
        let response =
            request.header("content-type", &format!("multipart/form-data; boundary={BOUNDARY}")).send(&body[..]);
        Self::read(response)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.info.url)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.info.token)
    }

    fn read<T: DeserializeOwned>(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<T> {
        let mut response = response.context("the server does not answer")?;
        let status = response.status();
        let body: Value = response.body_mut().read_json().unwrap_or(Value::Null);
        if !status.is_success() {
            let detail = body["detail"].as_str().map(str::to_owned).unwrap_or_else(|| status.to_string());
            match body["hint"].as_str() {
                Some(hint) => bail!("{detail}\nhint: {hint}"),
                None => bail!("{detail}"),
            }
        }
        serde_json::from_value(body).map_err(|error| anyhow!("the server's answer was not understood: {error}"))
    }
}
