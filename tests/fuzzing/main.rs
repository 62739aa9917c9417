//! Real files, damaged at random: whatever is in them, they are read or refused. A case that broke something stays below
//! as a test of its own.
//!
//! What is only text is read in this process, where a panic is caught; PDF and office files are read as uploads are, by
//! a child with limits: a child that crashed or panicked is a failure, one that ran out of its memory or time is not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod mutate;

use std::io::{Cursor, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use kefu::inference::e5::container::E5Container;
use kefu::inference::e5::safetensors::SafetensorsBert;
use kefu::inference::engine::gguf::GgufFile;
use kefu::ingest::parse::{ParseError, ParseLimits, parse_bytes, parse_in_child};
use proptest::prelude::*;
use proptest::sample::Index;

use mutate::{Mutation, apply, fuzz, mutations};

/// Sample documents with these endings, and fixtures.
fn samples(endings: &[&str]) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["knowledge/samples", "tests/fixtures"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let bytes = std::fs::read(&path).unwrap_or_default();
            if endings.iter().any(|ending| name.ends_with(ending)) && !bytes.is_empty() {
                found.push((name, bytes));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "there are samples of {endings:?}");
    found
}

fn hex(bytes: &[u8]) -> String {
    kefu::domain::encoding::HEX.encode(bytes)
}

/// Fails with the bytes, if `read` panics.
fn survives(what: &str, bytes: &[u8], read: impl FnOnce()) -> Result<(), TestCaseError> {
    let survived = catch_unwind(AssertUnwindSafe(read)).is_ok();
    prop_assert!(survived, "{} breaks on {} bytes: {}", what, bytes.len(), hex(bytes));
    Ok(())
}

#[test]
fn damaged_texts_tables_and_pages_are_read_or_refused() {
    let samples = samples(&[".md", ".html", ".csv", ".txt"]);
    // Every parser of text gets every text: a name may lie.
    let names = ["a.md", "a.html", "a.csv", "a.tsv", "a.txt"];
    let limits = ParseLimits::default();
    fuzz(1, (any::<Index>(), any::<Index>(), mutations()), |(sample, name, mutations)| {
        let bytes = apply(&samples[sample.index(samples.len())].1, &mutations);
        let name = names[name.index(names.len())];
        survives(name, &bytes, || drop(parse_bytes(name, &bytes, &limits)))
    });
}

/// Reads as an upload is read.
fn read_in_child(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let limits = ParseLimits { timeout_ms: 20_000, ..ParseLimits::default() };
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_kefu"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = runtime.block_on(parse_in_child(&exe, name, bytes, &limits));
    let broke = matches!(read, Err(ParseError::Crashed { .. } | ParseError::ReaderUnavailable { .. }));
    prop_assert!(!broke, "{}: {:?} on {} bytes: {}", name, read, bytes.len(), hex(bytes));
    Ok(())
}

#[test]
fn damaged_pdfs_are_read_or_refused() {
    let samples = samples(&[".pdf"]);
    fuzz(20, (any::<Index>(), mutations()), |(sample, mutations)| {
        let (name, bytes) = &samples[sample.index(samples.len())];
        read_in_child(name, &apply(bytes, &mutations))
    });
}

/// The archive with one of its parts damaged: a damaged archive alone would be refused by its checksums.
fn with_damaged_part(archive: &[u8], part: &Index, mutations: &[Mutation]) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let damaged = part.index(zip.len());
    for idx in 0..zip.len() {
        let mut entry = zip.by_index(idx).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if idx == damaged {
            bytes = apply(&bytes, mutations);
        }
        let name = entry.name().unwrap().into_owned();
        out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(&bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

#[test]
fn damaged_office_files_and_archives_are_read_or_refused() {
    let mut samples = samples(&[".docx", ".xlsx"]);
    samples.retain(|(_, bytes)| bytes.starts_with(b"PK"));
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("a/b.md", "# Title\n\nText."), ("c.csv", "question,answer\na,b\n"), ("d.html", "<p>x</p>")] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes.as_bytes()).unwrap();
    }
    samples.push(("all.zip".into(), archive.finish().unwrap().into_inner()));
    let cases = (any::<Index>(), any::<Index>(), mutations(), proptest::bool::weighted(0.8));
    fuzz(20, cases, |(sample, part, mutations, is_inside)| {
        let (name, bytes) = &samples[sample.index(samples.len())];
        let damaged = if is_inside { with_damaged_part(bytes, &part, &mutations) } else { apply(bytes, &mutations) };
        read_in_child(name, &damaged)
    });
}

/// A small model file with everything in it that the reader asks for.
fn gguf() -> Vec<u8> {
    let texts = Value::Array(["a", "b"].map(|text| Value::String(text.into())).to_vec());
    let architecture = Value::String("llama".into());
    let (count, alignment, epsilon) = (Value::U32(2), Value::U32(32), Value::F32(1e-5));
    let metadata = [
        ("general.architecture", &architecture),
        ("general.alignment", &alignment),
        ("llama.block_count", &count),
        ("llama.attention.layer_norm_rms_epsilon", &epsilon),
        ("tokenizer.ggml.tokens", &texts),
    ];
    let tensor = |shape: (usize, usize), dtype| {
        QTensor::quantize(&Tensor::ones(shape, candle_core::DType::F32, &Device::Cpu).unwrap(), dtype).unwrap()
    };
    let (table, linear) = (tensor((4, 32), GgmlDType::Q8_0), tensor((32, 32), GgmlDType::Q5_0));
    let norm = Tensor::ones(32, candle_core::DType::F32, &Device::Cpu).unwrap();
    let norm = QTensor::quantize(&norm, GgmlDType::F32).unwrap();
    let mut out = Cursor::new(Vec::new());
    gguf_file::write(&mut out, &metadata, &[("embd", &table), ("l.weight", &linear), ("norm", &norm)]).unwrap();
    out.into_inner()
}

fn read_gguf(path: &Path) {
    let Ok(file) = GgufFile::open(path) else { return };
    let _ = (file.number("block_count"), file.float_or("attention.layer_norm_rms_epsilon", 1.0));
    let _ = file.linear("l", 32, 32);
    let _ = file.norm("norm", 32, 1e-5);
    for width in [32, 0] {
        if let Ok(table) = file.table("embd", width) {
            let _ = table.gather(&[0, 3, 4]);
        }
    }
}

#[test]
fn a_damaged_model_file_is_read_or_refused() {
    let (folder, whole) = (tempfile::tempdir().unwrap(), gguf());
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(GgufFile::open(&path).unwrap().number("block_count").unwrap(), 2, "the whole file is read");
    fuzz(1, mutations(), |mutations| {
        let bytes = apply(&whole, &mutations);
        std::fs::write(&path, &bytes).unwrap();
        survives("the GGUF reader", &bytes, || read_gguf(&path))
    });
}

#[test]
fn a_damaged_embedder_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [container, weights, config, tokenizer] =
        ["e5.bin", "model.safetensors", "config.json", "tokenizer.json"].map(|name| folder.path().join(name));
    let numbers: Vec<u8> = [1u32, 8, 1, 1, 16, 4, 16, 2, 1, 3, 6].iter().flat_map(|n| n.to_le_bytes()).collect();
    let e5 = [b"E5S1".as_slice(), &numbers, &[0; 200]].concat();
    let header = br#"{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
    let tensors = [&(header.len() as u64).to_le_bytes(), header.as_slice(), &[0; 16]].concat();
    let settings = br#"{"model_type":"bert","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":1,
        "intermediate_size":16,"vocab_size":4,"max_position_embeddings":16,"layer_norm_eps":1e-12}"#;
    std::fs::write(&tokenizer, "{}").unwrap();
    fuzz(1, (any::<Index>(), mutations()), |(which, mutations)| {
        let mut files = [e5.clone(), tensors.clone(), settings.to_vec()];
        let which = which.index(files.len());
        files[which] = apply(&files[which], &mutations);
        for (path, bytes) in [&container, &weights, &config].into_iter().zip(&files) {
            std::fs::write(path, bytes).unwrap();
        }
        survives("a reader of embedders", &files[which], || {
            drop(E5Container::open(&container));
            drop(SafetensorsBert::open(&weights, &config, &tokenizer));
        })
    });
}
