//! Settings: read once at the start, checked, and handed on in pieces. No module receives the whole.
//!
//! Order: `default.toml` (compiled in, the same text that `config print` shows), the file, the environment
//! (`KEFU_SECTION__KEY`), flags. A bad value stops the process and names its key.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Profile, Provider};
use serde::{Deserialize, Serialize};

use crate::ingest::chunk::ChunkOptions;
use crate::ingest::parse::ParseLimits;
use crate::storage::retention::Retention;

/// Defaults with the comments that users read.
const DEFAULTS: &str = include_str!("config/default.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: ServerConfig,
    pub storage: StorageConfig,
    pub vectors: VectorsConfig,
    pub models: ModelsConfig,
    pub ingest: IngestConfig,
    pub answer: AnswerConfig,
    pub retention: Retention,
    pub telemetry: TelemetryConfig,
}

/// `[server]`; see `default.toml` for every key's meaning and unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    pub public_url: String,
    pub session_idle_minutes: u32,
    pub session_max_hours: u32,
    pub confirm_minutes: u32,
    pub max_upload_bytes: usize,
    pub max_connections: usize,
}

/// `[storage]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    pub url: String,
    pub secret_keys: String,
    pub min_free_bytes: u64,
}

/// Which vector store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorEngine {
    Edge,
    Server,
}

/// `[vectors]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorsConfig {
    pub engine: VectorEngine,
    pub url: String,
    pub api_key: String,
    pub collection: String,
}

/// `[models]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsConfig {
    pub dir: String,
    pub embedder: String,
    pub generator: String,
    pub hub_endpoint: String,
    pub threads: usize,
    pub openai_url: String,
    pub openai_model: String,
    pub openai_api_key: String,
    pub stand_ins: bool,
    pub stand_in_answer_ms: u64,
}

/// `[ingest]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestConfig {
    pub parse_timeout_ms: u64,
    pub parse_memory_bytes: u64,
    pub max_pages: u32,
    pub chunk_tokens: u32,
}

/// `[answer]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerConfig {
    pub interactive_workers: usize,
    pub bulk_workers: usize,
    pub max_waiting_turns: usize,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// `[telemetry]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    pub log: String,
    pub format: LogFormat,
}

/// A setting that stops the start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read at all: a wrong type, an unknown key, a broken file.
    #[error("{0}")]
    Unreadable(#[from] Box<figment::Error>),
    /// The given file is not there.
    #[error("there is no configuration file `{}`", .0.display())]
    NoFile(PathBuf),
    /// It reads well and makes no sense.
    #[error("{key}: {problem}\nhint: {hint}")]
    Senseless { key: &'static str, problem: String, hint: &'static str },
}

impl Config {
    /// Reads all layers and checks them. Without `file`, `kefu.toml` in the data directory counts if it is there.
    pub fn load(data_dir: &Path, file: Option<&Path>, flags: &Flags) -> Result<Self, ConfigError> {
        if let Some(file) = file.filter(|file| !file.is_file()) {
            return Err(ConfigError::NoFile(file.to_owned()));
        }
        let file = file.map_or_else(|| data_dir.join("kefu.toml"), Path::to_owned);
        let config: Self = Figment::from(Toml::string(DEFAULTS))
            .merge(Toml::file(file))
            .merge(Environment)
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(Box::new)?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let senseless = |key, problem: String, hint| Err(ConfigError::Senseless { key, problem, hint });
        if self.vectors.engine == VectorEngine::Server && self.vectors.url.is_empty() {
            return senseless(
                "vectors.url",
                "empty, but `vectors.engine` is `server`".into(),
                "name the Qdrant server",
            );
        }
        if !(16..=65_536).contains(&self.server.max_connections) {
            let problem = format!("outside 16 to 65536: {}", self.server.max_connections);
            return senseless("server.max_connections", problem, "every open chat holds a connection");
        }
        if self.models.stand_ins && !self.server.listen.ip().is_loopback() {
            let problem = "set, but `server.listen` is not this machine alone".into();
            return senseless("models.stand_ins", problem, "they are for tests of this program; buyers need models");
        }
        if self.server.session_idle_minutes == 0 || self.server.session_max_hours == 0 {
            let problem = "0, which nobody could work with".into();
            return senseless("server.session_idle_minutes", problem, "30 minutes and 12 hours are common");
        }
        if !(32..=480).contains(&self.ingest.chunk_tokens) {
            let problem = format!("outside 32 to 480: {}", self.ingest.chunk_tokens);
            return senseless("ingest.chunk_tokens", problem, "the embedder reads 512 tokens, titles included");
        }
        if self.answer.interactive_workers == 0 || self.answer.bulk_workers == 0 {
            return senseless("answer", "each lane needs a worker".into(), "set both worker counts to 1 or more");
        }
        if let Some(key) = self.retention.too_small() {
            let hint = "1 or more; only threads may be kept until they are deleted";
            return senseless(key, "0, which keeps nothing".into(), hint);
        }
        let thread_days = self.retention.conversations_days;
        if (1..Retention::MIN_CONVERSATIONS_DAYS).contains(&thread_days) {
            let problem = format!("{thread_days}, less than a promise rests on");
            return senseless(
                "retention.conversations_days",
                problem,
                "60 or more, or 0 to keep threads until they are deleted",
            );
        }
        if !self.models.openai_url.is_empty() && self.models.openai_model.is_empty() {
            let problem = "empty, but `models.openai_url` is set".into();
            return senseless("models.openai_model", problem, "name the model that the endpoint serves");
        }
        Ok(())
    }

    /// The address that people type, without a slash at the end.
    pub fn public_url(&self) -> String {
        match self.server.public_url.trim_end_matches('/') {
            "" => format!("http://{}", self.server.listen),
            url => url.to_owned(),
        }
    }

    /// The database's address.
    pub fn storage_url(&self, data_dir: &Path) -> String {
        match self.storage.url.as_str() {
            "" => format!("sqlite://{}", data_dir.join("kefu.db").display()),
            url => url.to_owned(),
        }
    }

    /// Where weights are kept.
    pub fn models_dir(&self) -> PathBuf {
        match self.models.dir.as_str() {
            "" => user_cache_dir().join("kefu").join("models"),
            dir => PathBuf::from(dir),
        }
    }

    /// The model hub, if another than its own address is wanted.
    pub fn hub_endpoint(&self) -> Option<String> {
        let chosen = Some(self.models.hub_endpoint.clone()).filter(|url| !url.is_empty());
        chosen.or_else(|| variable("HF_ENDPOINT"))
    }

    /// What reading one file may cost.
    pub fn parse_limits(&self) -> ParseLimits {
        ParseLimits {
            timeout_ms: self.ingest.parse_timeout_ms,
            memory_bytes: self.ingest.parse_memory_bytes,
            input_bytes: self.server.max_upload_bytes as u64,
            max_pages: self.ingest.max_pages,
            ..ParseLimits::default()
        }
    }

    /// How large chunks should be.
    pub fn chunking(&self) -> ChunkOptions {
        let target_tokens = self.ingest.chunk_tokens;
        let default = ChunkOptions::default();
        ChunkOptions { target_tokens, whole_section_tokens: default.whole_section_tokens.max(target_tokens), ..default }
    }

    /// The commented defaults with the values in force; secrets are masked.
    pub fn print(&self) -> String {
        let values = toml::Value::try_from(self).unwrap_or(toml::Value::Table(toml::Table::new()));
        let mut section = "";
        let mut lines = Vec::new();
        for line in DEFAULTS.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name;
            }
            let value = line.split_once(" = ").and_then(|(key, _)| Some((key, values.get(section)?.get(key)?)));
            lines.push(match value {
                Some((key, toml::Value::String(text))) if is_secret(key) && !text.is_empty() => {
                    format!("{key} = \"***\"")
                }
                Some((key, value)) => format!("{key} = {value}"),
                None => line.to_owned(),
            });
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Settings given by the environment. What a variable means is decided by its setting, not by how it looks: a key of
/// nothing but digits is a text all the same, and keeps its zeros.
struct Environment;

impl Provider for Environment {
    fn metadata(&self) -> figment::Metadata {
        self.variables().metadata()
    }

    fn data(&self) -> Result<figment::value::Map<Profile, Dict>, figment::Error> {
        let named = self.variables().iter().map(|(name, text)| (name.into_string(), text)).collect();
        Ok(Profile::Default.collect(sections_of(named)))
    }
}

impl Environment {
    /// `KEFU_SECTION__KEY` as `section.key`; `KEFU_DATA_DIR` and the like are not settings.
    fn variables(&self) -> Env {
        Env::prefixed("KEFU_").split("__").filter(|key| key.as_str().contains('.'))
    }
}

/// The settings that variables of these names mean.
fn sections_of(variables: Vec<(String, String)>) -> Dict {
    let defaults: toml::Table = toml::from_str(DEFAULTS).expect("the defaults are compiled in, and are tested");
    let mut sections = Dict::new();
    for (name, text) in variables {
        let Some((section, key)) = name.split_once('.') else { continue };
        let is_text = defaults.get(section).and_then(|section| section.get(key)).is_some_and(toml::Value::is_str);
        let looks_like: Value = text.parse().unwrap_or_else(|never: Infallible| match never {});
        // Quotes around a text are taken off, as they are elsewhere.
        let value = if is_text && looks_like.as_str().is_none() { Value::from(text) } else { looks_like };
        let mut known = sections.remove(section).and_then(Value::into_dict).unwrap_or_default();
        known.insert(key.to_owned(), value);
        sections.insert(section.to_owned(), Value::from(known));
    }
    sections
}

/// Settings given on the command line.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Flags {
    /// `[server]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerFlags>,
}

/// `[server]` settings given on the command line.
#[derive(Debug, Clone, Serialize)]
pub struct ServerFlags {
    /// `--listen`.
    pub listen: SocketAddr,
}

fn is_secret(key: &str) -> bool {
    key.ends_with("api_key") || key == "secret_keys"
}

#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the system keeps what can be fetched again.
fn user_cache_dir() -> PathBuf {
    let home = || variable("HOME").or_else(|| variable("USERPROFILE")).map_or_else(std::env::temp_dir, PathBuf::from);
    variable("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("kefu.toml"), toml).unwrap();
        Config::load(dir.path(), None, &Flags::default())
    }

    #[test]
    fn what_is_printed_is_what_is_in_force() {
        let config = load("[server]\nlisten = \"0.0.0.0:9000\"\n[vectors]\napi_key = \"geheim\"").unwrap();
        let printed = config.print();
        assert!(!printed.contains("geheim"));
        let again = load(&printed.replace("***", "geheim")).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn every_variable_of_the_compose_file_is_a_setting() {
        let known = toml::from_str::<toml::Table>(DEFAULTS).unwrap();
        let compose = include_str!("../docker-compose.yml");
        let names = compose.lines().filter_map(|line| line.trim().strip_prefix("KEFU_")?.split(':').next());
        let (mut n_checked, flags) = (0, ["DATA_DIR"]);
        for name in names.filter(|name| !flags.contains(name)) {
            let (section, key) = name.split_once("__").unwrap_or_else(|| panic!("KEFU_{name} names no section"));
            let section = known.get(&section.to_lowercase()).unwrap_or_else(|| panic!("no section for KEFU_{name}"));
            assert!(section.get(key.to_lowercase()).is_some(), "KEFU_{name} is no setting");
            n_checked += 1;
        }
        assert!(n_checked >= 6, "the compose file was read");
    }

    #[test]
    fn a_secret_of_digits_in_the_environment_is_a_text() {
        let given = [
            ("models.openai_api_key", "0123456"),
            ("vectors.api_key", "true"),
            ("models.openai_model", "[1, 2]"),
            ("vectors.collection", "\"17\""),
            ("server.max_connections", "99"),
            ("storage.url", ""),
        ];
        let given = given.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        let sections = Profile::Default.collect(sections_of(given));
        let config: Config = Figment::from(Toml::string(DEFAULTS))
            .merge(Serialized::defaults(&sections[&Profile::Default]))
            .extract()
            .unwrap();
        let seen = (config.models.openai_api_key, config.vectors.api_key, config.models.openai_model);
        assert_eq!(seen, ("0123456".into(), "true".into(), "[1, 2]".into()));
        assert_eq!((config.vectors.collection, config.server.max_connections), ("17".into(), 99));
        assert_eq!(config.storage.url, "");
    }

    #[test]
    fn stand_ins_for_models_never_meet_buyers() {
        assert!(load("[models]\nstand_ins = true").is_ok());
        let error = load("[models]\nstand_ins = true\n[server]\nlisten = \"0.0.0.0:1\"").unwrap_err().to_string();
        assert!(error.contains("models.stand_ins"), "{error}");
    }

    #[test]
    fn an_unknown_key_stops_the_start_and_is_named() {
        let error = load("[server]\nlitsen = \"0.0.0.0:1\"").unwrap_err().to_string();
        assert!(error.contains("litsen"), "{error}");
    }

    #[test]
    fn a_senseless_value_is_named_with_what_to_do() {
        let error = load("[ingest]\nchunk_tokens = 9000").unwrap_err().to_string();
        assert!(error.contains("ingest.chunk_tokens") && error.contains("hint:"), "{error}");
    }
}
