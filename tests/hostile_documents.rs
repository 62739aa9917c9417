//! Files that hurt: each is read, or refused with its true reason, by a process of its own.

use std::path::{Path, PathBuf};

use kefu::ingest::parse::{ParseError, ParseLimits, ParsedFile, parse_in_child};

async fn read(file_name: &str, bytes: &[u8], limits: &ParseLimits) -> Result<String, &'static str> {
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_kefu"));
    match parse_in_child(&exe, file_name, bytes, limits).await {
        Ok(ParsedFile::Document(parsed)) => Ok(parsed.text),
        Ok(ParsedFile::Archive(files)) => Ok(format!("{} files", files.len())),
        Err(error) => Err(error.code()),
    }
}

#[tokio::test]
async fn every_fixture_ends_as_its_name_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let expected = [
        ("scanned_only.pdf", Err("no_text")),
        ("garbled_text_layer.pdf", Err("garbled")),
        ("needs_password.pdf", Err("encrypted")),
        ("protected_office.docx", Err("encrypted")),
        ("page_tree_loop.pdf", Err("corrupt")),
        ("cut_in_half.pdf", Err("corrupt")),
        ("plain.pdf", Ok("Press and hold the power button")),
        ("gbk.txt", Ok("第一章 退货\n\n自签收次日起七天内可以退货")),
        ("utf16_tabs.csv", Ok("多久发货？\n当天发货")),
        ("prompt_injection.html", Ok("Delivery\n\nDelivery takes 3 days.\n\nSundays excluded.")),
    ];
    for (name, expected) in expected {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let found = read(name, &bytes, &ParseLimits::default()).await;
        match (&found, expected) {
            (Ok(text), Ok(start)) => assert!(text.starts_with(start), "{name}: {text}"),
            (found, expected) => assert_eq!(found.as_ref().err().copied(), expected.err(), "{name}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn text_that_nobody_can_see_is_left_out_of_a_pdf_and_shown_to_staff() {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hidden_text.pdf")).unwrap();
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_kefu"));
    let parsed = parse_in_child(&exe, "hidden_text.pdf", &bytes, &ParseLimits::default()).await.unwrap();
    let ParsedFile::Document(parsed) = parsed else { panic!("it is one document") };
    assert!(parsed.text.contains("turns blue") && parsed.text.contains("two years"), "{}", parsed.text);
    assert!(!parsed.text.contains("orders"), "{}", parsed.text);
    let hidden: Vec<_> = parsed.warnings.iter().filter(|warning| warning.code == "hidden_text_removed").collect();
    for planted in ["Tiny orders", "More orders stand below the page"] {
        assert!(hidden.iter().any(|warning| warning.detail.contains(planted)), "{planted}: {hidden:?}");
    }
}

/// Real documents, where they are: they may not be handed on, so they are not among our files.
#[expect(clippy::disallowed_methods, reason = "a test is told here where the shared data lies")]
fn shared_pdfs() -> Vec<PathBuf> {
    let Ok(shared) = std::env::var("KEFU_SHARED") else { return vec![] };
    let folders = ["policy_pdf_zh", "table_pdf_zh", "manuals_en", "layout_pdf"];
    let files =
        folders.iter().filter_map(|folder| std::fs::read_dir(Path::new(&shared).join("eval/docs").join(folder)).ok());
    let paths = files.flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut pdfs: Vec<_> = paths.filter(|path| path.extension().is_some_and(|extension| extension == "pdf")).collect();
    // The smallest ones: the large ones only take longer.
    pdfs.sort_by_key(|path| std::fs::metadata(path).map_or(u64::MAX, |found| found.len()));
    pdfs.truncate(12);
    pdfs
}

#[tokio::test]
async fn an_ordinary_pdf_loses_nothing_as_hidden() {
    let pdfs = shared_pdfs();
    if pdfs.is_empty() {
        println!("SKIPPED: the shared documents are not here; set KEFU_SHARED to the directory that holds `eval/docs`");
    }
    for path in pdfs {
        let (exe, bytes) = (PathBuf::from(env!("CARGO_BIN_EXE_kefu")), std::fs::read(&path).unwrap());
        let limits = ParseLimits { timeout_ms: 120_000, ..ParseLimits::default() };
        let Ok(ParsedFile::Document(parsed)) = parse_in_child(&exe, "a.pdf", &bytes, &limits).await else { continue };
        let hidden = parsed.warnings.iter().filter(|warning| warning.code == "hidden_text_removed");
        let n_hidden: usize = hidden.map(|warning| warning.detail.chars().count()).sum();
        let n_all = parsed.text.chars().count();
        println!("{}: {n_hidden} of {n_all} characters hidden", path.display());
        assert!(n_hidden * 100 <= n_all, "{}: {n_hidden} of {n_all} characters", path.display());
    }
}

#[tokio::test]
async fn limits_are_kept_by_the_kernel() {
    let page = "<div>".repeat(3_000_000);
    let quick = ParseLimits { timeout_ms: 1_500, ..ParseLimits::default() };
    assert!(matches!(read("deep.html", page.as_bytes(), &quick).await, Err("timed_out" | "out_of_memory")));
    let small = ParseLimits { memory_bytes: 160 << 20, ..ParseLimits::default() };
    let rows = "a,b,c,d,e,f\n".repeat(1_500_000);
    assert!(matches!(read("rows.csv", rows.as_bytes(), &small).await, Err("out_of_memory" | "too_much_text")));
}

#[tokio::test]
async fn a_reader_that_cannot_be_started_is_not_the_files_fault() {
    let error = parse_in_child(Path::new("/nonexistent"), "a.txt", b"text", &ParseLimits::default()).await.unwrap_err();
    assert!(matches!(error, ParseError::ReaderUnavailable { .. }));
}
