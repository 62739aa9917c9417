//! `kefu sbom`: what this program is made of, as a CycloneDX document: crates with their hashes, models with theirs.
//!
//! # Why
//!
//! It is made from the lock file and the model manifest that were compiled in: it cannot speak of another build than
//! this one, and there is no file that somebody forgets to write anew. The lock file knows all platforms and the crates
//! of the tests, so more is listed than is linked; nothing that is linked is missing.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, output};
use crate::inference::weights::{Manifest, ModelEntry};

const LOCK: &str = include_str!("../../Cargo.lock");

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Package {
    fn reference(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

pub fn run() -> Outcome {
    output::print_json(&document()?)?;
    Ok(())
}

fn document() -> anyhow::Result<Value> {
    let lock: Lock = toml::from_str(LOCK).context("the lock file that was compiled in cannot be read")?;
    let own = env!("CARGO_PKG_NAME");
    let (ours, others): (Vec<&Package>, Vec<&Package>) = lock.package.iter().partition(|package| package.name == own);
    let ours = ours.first().context("the lock file that was compiled in is another program's")?;
    let models = Manifest::built_in().models;
    let components = others.iter().map(|package| library(package)).chain(models.iter().map(model));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours.reference(),
                "name": ours.name,
                "version": ours.version,
                "purl": ours.reference(),
                "licenses": [{ "license": { "id": env!("CARGO_PKG_LICENSE") } }],
            },
        },
        "components": components.collect::<Vec<_>>(),
        "dependencies": dependencies(&lock)?,
    }))
}

fn library(package: &Package) -> Value {
    json!({
        "type": "library",
        "bom-ref": package.reference(),
        "name": package.name,
        "version": package.version,
        "purl": package.reference(),
        "hashes": hashes(package.checksum.as_deref()),
    })
}

fn model(model: &ModelEntry) -> Value {
    let file = |file: &crate::inference::weights::ModelFile| json!({ "type": "file", "name": file.name, "hashes": hashes(file.sha256.as_deref()) });
    json!({
        "type": "machine-learning-model",
        "bom-ref": format!("model:{}", model.id),
        "name": model.id,
        "version": model.hub.as_ref().map_or("", |hub| &hub.revision),
        "licenses": [{ "expression": model.licence }],
        "components": model.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn hashes(sha256: Option<&str>) -> Vec<Value> {
    sha256.map(|content| json!({ "alg": "SHA-256", "content": content })).into_iter().collect()
}

/// Who needs whom. The lock file names a crate by its name alone where there is one version of it.
fn dependencies(lock: &Lock) -> anyhow::Result<Vec<Value>> {
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in &lock.package {
        by_name.entry(&package.name).or_default().push(package);
    }
    let reference = |needed: &String| {
        let mut words = needed.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        let known = by_name.get(name).into_iter().flatten();
        let mut fitting = known.filter(|package| version.is_none_or(|version| package.version == version));
        fitting.next().map(|package| package.reference()).with_context(|| format!("`{needed}` is not in the lock file"))
    };
    let of = |package: &Package| {
        let needed = package.dependencies.iter().map(reference).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(json!({ "ref": package.reference(), "dependsOn": needed }))
    };
    lock.package.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everything_is_listed_once_and_every_reference_leads_somewhere() {
        let document = document().unwrap();
        let own = document["metadata"]["component"]["bom-ref"].as_str().unwrap();
        let components = document["components"].as_array().unwrap();
        let mut known: BTreeSet<&str> = components.iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(known.len(), components.len());
        known.insert(own);
        let dependencies = document["dependencies"].as_array().unwrap();
        for one in dependencies {
            assert!(known.contains(one["ref"].as_str().unwrap()), "{one}");
            assert!(
                one["dependsOn"].as_array().unwrap().iter().all(|to| known.contains(to.as_str().unwrap())),
                "{one}"
            );
        }
        let ours = dependencies.iter().find(|one| one["ref"] == own).unwrap();
        let manifest: toml::Table = toml::from_str(include_str!("../../Cargo.toml")).unwrap();
        for name in manifest["dependencies"].as_table().unwrap().keys() {
            let start = format!("pkg:cargo/{name}@");
            let is_there =
                ours["dependsOn"].as_array().unwrap().iter().any(|to| to.as_str().unwrap().starts_with(&start));
            assert!(is_there, "{name} is not among what we need");
        }
    }

    #[test]
    fn crates_and_models_come_with_their_hashes() {
        let document = document().unwrap();
        for component in document["components"].as_array().unwrap() {
            let files = component["components"].as_array().cloned().unwrap_or_else(|| vec![component.clone()]);
            if component["type"] == "library" {
                assert_eq!(files[0]["hashes"][0]["content"].as_str().unwrap().len(), 64, "{component}");
            } else {
                assert_eq!(component["type"], "machine-learning-model");
                assert!(!files.is_empty() && component["licenses"][0]["expression"].is_string(), "{component}");
            }
        }
    }
}
