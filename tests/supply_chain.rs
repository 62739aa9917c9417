//! What comes into the program: the lists of `.deny.toml`, checked on the crates that are really there.
//!
//! `cargo deny` reads the same file and knows advisories, too. It takes longer to build than the whole program, so what
//! needs no network is checked here.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its lists fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn rules() -> toml::Table {
    toml::from_str(&read(".deny.toml")).unwrap()
}

fn texts(value: &toml::Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// What `cargo metadata` says of the crates of this platform: those of others are not on this machine.
fn crates() -> Vec<Value> {
    let version = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether an SPDX expression can be met with `allowed`; a slash is an old way to write `OR`.
fn is_allowed(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let is_met = any_of(&mut words, allowed);
    is_met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut is_met = all_of(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        is_met |= all_of(words, allowed);
    }
    is_met
}

fn all_of(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut is_met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        is_met &= one(words, allowed);
    }
    is_met
}

fn one(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    match words.next() {
        Some("(") => {
            let is_met = any_of(words, allowed);
            is_met && words.next() == Some(")")
        }
        Some(licence) if words.next_if_eq(&"WITH").is_some() => {
            words.next().is_some_and(|exception| allowed(&format!("{licence} WITH {exception}")))
        }
        Some(licence) => allowed(licence),
        None => false,
    }
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed = |licence: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&licence);
    for (expression, is_met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("MIT AND (GPL-3.0 OR AGPL-3.0)", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("Apache-2.0", false),
        ("", false),
        ("MIT MIT", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), is_met, "{expression}");
    }
}

#[test]
fn every_licence_is_one_that_we_may_ship() {
    let rules = rules();
    let allow = texts(&rules["licenses"]["allow"]);
    let mut exceptions = BTreeMap::new();
    for exception in rules["licenses"]["exceptions"].as_array().unwrap() {
        exceptions.insert(exception["crate"].as_str().unwrap(), texts(&exception["allow"]));
    }
    let (mut wrong, mut unused) = (Vec::new(), exceptions.keys().copied().collect::<BTreeSet<_>>());
    let crates = crates();
    for krate in &crates {
        let (name, licence) = (krate["name"].as_str().unwrap(), krate["license"].as_str().unwrap_or_default());
        if is_allowed(licence, &|one| allow.contains(one)) {
            continue;
        }
        let exception = exceptions.get(name);
        if exception.is_some_and(|more| is_allowed(licence, &|one| allow.contains(one) || more.contains(one))) {
            unused.remove(name);
        } else {
            wrong.push(format!("{name} {}: `{licence}`", krate["version"]));
        }
    }
    println!("{} crates", crates.len());
    assert!(crates.len() > 100, "the crates were listed");
    assert!(wrong.is_empty(), "licences that `.deny.toml` does not allow:\n{}", wrong.join("\n"));
    assert!(unused.is_empty(), "exceptions that nothing needs: {unused:?}");
}

/// Of every platform: the lock file knows them all.
#[test]
fn everything_comes_from_one_place_with_its_hash_and_nothing_banned_does() {
    let lock: toml::Table = toml::from_str(&read("Cargo.lock")).unwrap();
    let packages = lock["package"].as_array().unwrap();
    let (mut sources, mut versions) = (BTreeSet::new(), BTreeMap::<&str, usize>::new());
    for package in packages {
        let name = package["name"].as_str().unwrap();
        *versions.entry(name).or_default() += 1;
        let Some(source) = package.get("source").and_then(toml::Value::as_str) else {
            assert_eq!(name, "kefu", "a crate from a folder");
            continue;
        };
        sources.insert(source);
        let hash = package.get("checksum").and_then(toml::Value::as_str).unwrap_or_default();
        assert_eq!(hash.len(), 64, "{name} has no hash");
    }
    assert!(sources.len() == 1 && sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
    let rules = rules();
    for ban in rules["bans"]["deny"].as_array().unwrap() {
        let name = ban["crate"].as_str().unwrap();
        let found = versions.get(name).copied().unwrap_or(0);
        match ban.get("deny-multiple-versions").and_then(toml::Value::as_bool) {
            Some(true) => assert_eq!(found, 1, "{name} is there in so many versions"),
            _ => assert_eq!(found, 0, "{name} is banned"),
        }
    }
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    for section in ["dependencies", "dev-dependencies"] {
        for (name, wanted) in manifest[section].as_table().unwrap() {
            let version = wanted.get("version").unwrap_or(wanted).as_str();
            assert!(version.is_some_and(|version| version != "*"), "{name} takes any version");
        }
    }
}
