use std::io::{Cursor, Write};

use super::*;
use crate::domain::text::Lang;

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn each_file_of_an_archive_is_read_or_refused_by_itself() {
    let inner = zip_of(&[("deep.txt", b"deep")]);
    let bytes = zip_of(&[
        ("policy/退货.md", "# 退货\n\n七天内可退。".as_bytes()),
        ("../evil.txt", b"evil"),
        ("inner.zip", &inner),
        ("photo.png", b"\x89PNG\r\n"),
        ("empty.txt", b""),
    ]);
    let ParsedFile::Archive(files) = parse_bytes("all.zip", &bytes, &ParseLimits::default()).unwrap() else {
        panic!("not read as an archive")
    };
    let found: Vec<(&str, Result<&str, &str>)> = files
        .iter()
        .map(|file| (file.name.as_str(), file.parsed.as_ref().map(|p| p.text.as_str()).map_err(ParseError::code)))
        .collect();
    assert_eq!(
        found,
        [
            ("policy/退货.md", Ok("退货\n\n七天内可退。")),
            ("../evil.txt", Err("unsafe_name")),
            ("inner.zip", Err("nested_archive")),
            ("photo.png", Err("unsupported")),
            ("empty.txt", Err("empty")),
        ]
    );
}

#[test]
fn text_over_the_limit_is_refused_not_cut() {
    let limits = ParseLimits { output_bytes: 10, ..ParseLimits::default() };
    let error = parse_bytes("a.txt", b"more than ten bytes", &limits).unwrap_err();
    assert_eq!(error.code(), "too_much_text");
}

#[test]
fn the_report_has_the_published_fields() {
    let outcome = parse_bytes("a.md", b"# A\n\ntext", &ParseLimits::default());
    let report = serde_json::to_value(parse_report(&outcome)).unwrap();
    assert_eq!(report["format"], "markdown");
    assert_eq!(report["blocks"][1]["kind"], "paragraph");
    assert_eq!(report["blocks"][1]["heading_path"][0], "A");
    assert_eq!(report["blocks"][1]["span"]["start"], 3);
    assert!(report["error"].is_null() && report.get("files").is_none());
    let report = serde_json::to_value(parse_report(&parse_bytes("a.txt", b"", &ParseLimits::default()))).unwrap();
    assert_eq!(report["error"]["code"], "empty");
}

#[test]
fn every_error_has_one_code_in_json_and_in_code() {
    for error in [ParseError::Encrypted, ParseError::NoText { n_pages: 3 }, ParseError::TimedOut { after_ms: 5 }] {
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(json["code"], error.code());
        assert_eq!(serde_json::from_value::<ParseError>(json).unwrap(), error);
        assert!(!error.message(Lang::Zh).is_empty() && !error.message(Lang::En).is_empty());
    }
}
