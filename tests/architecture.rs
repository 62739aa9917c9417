//! The import law and the size budget, executable. A failure prints the edge, the rule, and why it is one.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the source fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// Longest file we accept, in lines before its tests.
const MAX_LINES: usize = 500;

/// What each module may import of ours. `base` is clock, telemetry, lifecycle and events.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &["domain"]),
    ("events", &["domain"]),
    ("lifecycle", &["domain"]),
    ("telemetry", &["domain"]),
    ("storage", &["domain", "clock", "events", "lifecycle"]),
    ("vectors", &["domain", "clock", "lifecycle"]),
    ("inference", &["domain", "clock", "lifecycle"]),
    ("prompts", &["domain"]),
    ("ingest", &["domain", "clock", "events", "lifecycle", "storage", "vectors", "inference", "retrieve"]),
    ("retrieve", &["domain", "clock", "events", "storage", "vectors", "inference"]),
    ("learn", &["domain", "clock", "events", "storage"]),
    ("answer", &["domain", "clock", "events", "storage", "retrieve", "prompts", "inference", "learn"]),
    (
        "jobs",
        &[
            "domain",
            "clock",
            "events",
            "lifecycle",
            "telemetry",
            "storage",
            "vectors",
            "inference",
            "ingest",
            "retrieve",
            "answer",
            "learn",
        ],
    ),
    ("http", &["domain", "clock", "events", "lifecycle", "telemetry", "storage", "learn", "retrieve"]),
];

/// Children of a contract that only `app`, `cli` and the contract itself may name.
const ENGINES: &[(&str, &[&str])] = &[
    ("vectors", &["edge", "memory", "server"]),
    (
        "inference",
        &["device", "e5", "embedder", "engine", "fake", "generator", "tokenizer", "weights", "bench", "openai"],
    ),
];

/// Heavy crates and their one owner, with the reason.
const OWNERS: &[(&str, &str)] = &[
    ("sqlx::", "storage"),
    ("ring::", "storage"),
    ("qdrant_edge::", "vectors"),
    ("qdrant_client::", "vectors"),
    ("candle_core::", "inference"),
    ("candle_nn::", "inference"),
    ("candle_transformers::", "inference"),
    ("tokenizers::", "inference"),
    ("hf_hub::", "inference"),
    ("minijinja::", "prompts"),
    ("pdf_extract::", "ingest"),
    ("pdf_oxide::", "ingest"),
    ("calamine::", "ingest"),
    ("axum::", "http"),
    ("tower_http::", "http"),
    ("indicatif::", "cli"),
];

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// The path below `src`, and the code without comments and without tests, at the end or in a file of their own.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (path.strip_prefix(&root).unwrap().display().to_string(), code.join("\n"))
    };
    rust_files(&root).into_iter().filter(|path| !path.ends_with("tests.rs")).map(read).collect()
}

fn module_of(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or_default()
}

/// Names after `crate::` in `code`, with the one after it: `crate::vectors::edge` gives (`vectors`, `edge`).
fn imports(code: &str) -> Vec<(String, String)> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let pair = |(at, _): (usize, &str)| {
        let rest = &code[at + "crate::".len()..];
        let first = word(rest);
        let second = rest[first.len()..].strip_prefix("::").map(word).unwrap_or_default();
        (first, second)
    };
    code.match_indices("crate::").map(pair).collect()
}

#[test]
fn modules_import_only_what_the_law_allows() {
    let mut broken = Vec::new();
    for (path, code) in sources() {
        let module = module_of(&path);
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else { continue };
        for (target, child) in imports(&code) {
            if target == module || target.is_empty() {
                continue;
            }
            if !allowed.contains(&target.as_str()) {
                broken.push(format!(
                    "{path}: {module} imports {target}; it may import {allowed:?}: dependencies point inwards"
                ));
            }
            if ENGINES.iter().any(|(owner, children)| *owner == target && children.contains(&child.as_str())) {
                broken.push(format!("{path}: names the engine {target}::{child}; only `app` and `cli` choose engines"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn each_heavy_crate_has_one_owner() {
    let mut broken = Vec::new();
    for (path, code) in sources() {
        for (krate, owner) in OWNERS {
            let named = code
                .match_indices(krate)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            if named && module_of(&path) != *owner {
                broken.push(format!("{path}: uses {krate} which belongs to {owner}: one heavy dependency, one owner"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<_> =
        sources().into_iter().filter(|(_, code)| code.lines().count() > MAX_LINES).map(|(path, _)| path).collect();
    assert!(long.is_empty(), "over {MAX_LINES} lines: {long:?}");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |dialect: &str| {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/migrations").join(dialect);
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}
