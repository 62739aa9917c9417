//! Tells what a file is: by its first bytes, then by what an archive holds, and only then by its name.
//!
//! # Why
//! Names lie, by accident (`.doc` that is HTML) and on purpose. A format that bytes can prove is proven; text formats
//! look alike, so there the name decides. What we cannot read is refused by name here, before any parser sees it.

use crate::domain::document::Format;
use crate::ingest::parse::{ParseError, ParseLimits};

/// How far into a file a PDF may begin; the specification's own tolerance.
const PDF_HEADER_WINDOW: usize = 1024;

/// First bytes of what we do not read, with the name that staff know it by.
const FOREIGN: [(&[u8], &str); 14] = [
    (b"{\\rtf", "RTF"),
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"BM", "BMP image"),
    (b"II*\0", "TIFF image"),
    (b"MM\0*", "TIFF image"),
    (b"RIFF", "media file"),
    (b"Rar!", "RAR archive"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"BZh", "bzip2 archive"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
];

/// The format of `bytes`, or why it is not one of ours.
pub fn sniff(file_name: &str, bytes: &[u8], limits: &ParseLimits) -> Result<Format, ParseError> {
    let size_bytes = bytes.len() as u64;
    if size_bytes > limits.input_bytes {
        return Err(ParseError::TooLarge { size_bytes, limit_bytes: limits.input_bytes });
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ParseError::Empty);
    }
    let extension = extension_of(file_name);
    if find(&bytes[..bytes.len().min(PDF_HEADER_WINDOW)], b"%PDF-").is_some() {
        return Ok(Format::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return sniff_archive(bytes, &extension);
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Err(sniff_compound(bytes));
    }
    // A byte-order mark or a text suffix beats short magic: a text may begin with `BM`.
    let foreign = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic));
    let reads_as_text = looks_like_text(bytes);
    match foreign {
        Some((magic, found)) if magic.len() > 2 || !reads_as_text => {
            Err(ParseError::Unsupported { found: (*found).to_owned() })
        }
        _ if !reads_as_text => Err(unreadable(&extension)),
        _ => text_format(bytes, &extension),
    }
}

/// Office files are archives with known parts. An archive whose directory is gone is judged by its name.
fn sniff_archive(bytes: &[u8], extension: &str) -> Result<Format, ParseError> {
    let Ok(archive) = zip::ZipArchive::new(std::io::Cursor::new(bytes)) else {
        return Err(ParseError::Corrupt { detail: "the archive's directory is missing or broken".into() });
    };
    let names: Vec<String> = archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let has = |start: &str| names.iter().any(|name| name.starts_with(start));
    if !has("[Content_Types].xml") {
        let is_office = matches!(extension, "docx" | "xlsx");
        let is_open_document = names.iter().any(|name| name == "mimetype") && has("META-INF/");
        return match (is_office, is_open_document) {
            (true, _) => Err(ParseError::Corrupt { detail: format!("no office document inside the {extension}") }),
            (_, true) => Err(ParseError::Unsupported { found: "OpenDocument or EPUB".into() }),
            _ => Ok(Format::Zip),
        };
    }
    match () {
        () if has("word/") => Ok(Format::Docx),
        () if has("xl/worksheets") || has("xl/workbook.xml") => Ok(Format::Xlsx),
        () if has("ppt/") => Err(ParseError::Unsupported { found: "PowerPoint".into() }),
        () if has("xl/") => Err(ParseError::Unsupported { found: "binary Excel (XLSB)".into() }),
        () => Err(ParseError::Corrupt { detail: "an office file without a document".into() }),
    }
}

/// Old Office files, and new ones with a password, are compound files.
fn sniff_compound(bytes: &[u8]) -> ParseError {
    let wide: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
    if find(bytes, &wide).is_some() {
        return ParseError::Encrypted;
    }
    ParseError::Unsupported { found: "old Office format (DOC, XLS, PPT)".into() }
}

/// Whether the bytes are characters in some encoding: no zero bytes but those of UTF-16 and UTF-32.
fn looks_like_text(bytes: &[u8]) -> bool {
    if super::parse_text::wide_encoding(bytes).is_some() {
        return true;
    }
    let head = &bytes[..bytes.len().min(1 << 16)];
    let n_control = head.iter().filter(|byte| matches!(byte, 1..=8 | 14..=26 | 28..=31 | 127)).count();
    n_control * 50 <= head.len() && !head.contains(&0)
}

fn unreadable(extension: &str) -> ParseError {
    match extension {
        "pdf" | "docx" | "xlsx" | "zip" => ParseError::Corrupt { detail: format!("not a {extension} file inside") },
        "" => ParseError::Unsupported { found: "binary data".into() },
        other => ParseError::Unsupported { found: other.to_uppercase() },
    }
}

fn text_format(bytes: &[u8], extension: &str) -> Result<Format, ParseError> {
    match extension {
        "md" | "markdown" | "mdown" => return Ok(Format::Markdown),
        "csv" | "tsv" => return Ok(Format::Csv),
        "html" | "htm" | "xhtml" => return Ok(Format::Html),
        _ => {}
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).trim_start_matches('\u{feff}').to_lowercase();
    let head = head.trim_start();
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        return Ok(Format::Html);
    }
    match extension {
        "pdf" | "docx" | "xlsx" | "zip" => Err(unreadable(extension)),
        "xml" | "svg" | "js" | "css" | "exe" | "sh" | "py" => {
            Err(ParseError::Unsupported { found: extension.to_uppercase() })
        }
        _ => Ok(Format::Text),
    }
}

fn extension_of(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, bytes: &[u8]) -> Result<Format, &'static str> {
        sniff(name, bytes, &ParseLimits::default()).map_err(|error| error.code())
    }

    #[test]
    fn bytes_beat_the_name_and_the_name_decides_among_texts() {
        assert_eq!(kind("notes.txt", b"\n%PDF-1.7 ..."), Ok(Format::Pdf));
        assert_eq!(kind("report.doc", b"<html><body>x"), Ok(Format::Html));
        assert_eq!(kind("a.md", b"<html> in markdown"), Ok(Format::Markdown));
        assert_eq!(kind("a.csv", b"a,b"), Ok(Format::Csv));
        assert_eq!(kind("BMW", b"BMW service plan"), Ok(Format::Text));
    }

    #[test]
    fn what_is_not_ours_is_refused_with_its_reason() {
        assert_eq!(kind("a.txt", b""), Err("empty"));
        assert_eq!(kind("a.txt", b" \n\t"), Err("empty"));
        assert_eq!(kind("a.pdf", b"just text"), Err("corrupt"));
        assert_eq!(kind("a.docx", b"PK\x03\x04 cut short"), Err("corrupt"));
        assert_eq!(kind("a.txt", b"\x89PNG\r\n"), Err("unsupported"));
        assert_eq!(kind("a.bin", b"ab\0\x01\x02\x03cd\0\0\x05"), Err("unsupported"));
        assert_eq!(kind("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...."), Err("unsupported"));
        let small = ParseLimits { input_bytes: 3, ..ParseLimits::default() };
        assert_eq!(sniff("a.txt", b"1234", &small).map_err(|error| error.code()), Err("too_large"));
    }
}
