//! Reads plain text, and tells the encoding of any text.
//!
//! # Why
//! Shops send files saved by Excel and Notepad in GBK, Big5 and UTF-16. A byte-order mark is believed, then valid
//! UTF-8, then the pattern of zero bytes, and only then a statistical guess. Titles are recognised only in the shapes
//! that Chinese regulations and manuals use for them (`第三章 保修`, `二、退货流程`); anything cleverer guesses wrong.

use std::borrow::Cow;
use std::sync::LazyLock;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use regex::Regex;

use crate::domain::document::Format;
use crate::ingest::draft::{Draft, RawKind};

/// A text with what is known of its encoding.
#[derive(Debug)]
pub struct Decoded {
    /// The text, without byte-order mark.
    pub text: String,
    /// Name of the encoding.
    pub encoding: &'static str,
    /// Bytes that meant nothing in that encoding.
    pub n_undecodable: usize,
}

/// Encodings with more than one byte a character, in which zero bytes are usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WideEncoding {
    /// UTF-16.
    Utf16 { big_endian: bool },
    /// UTF-32.
    Utf32 { big_endian: bool },
}

/// Decodes text of unknown encoding.
pub fn decode(bytes: &[u8]) -> Decoded {
    match wide_encoding(bytes) {
        Some(WideEncoding::Utf32 { big_endian }) => return decode_utf32(bytes, big_endian),
        Some(WideEncoding::Utf16 { big_endian }) => {
            return decode_with(if big_endian { UTF_16BE } else { UTF_16LE }, bytes);
        }
        None => {}
    }
    if std::str::from_utf8(bytes).is_ok() {
        return decode_with(UTF_8, bytes);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    decode_with(detector.guess(None, Utf8Detection::Allow), bytes)
}

/// UTF-16 or UTF-32, by byte-order mark or by where the zero bytes are.
pub fn wide_encoding(bytes: &[u8]) -> Option<WideEncoding> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => return Some(WideEncoding::Utf32 { big_endian: false }),
        [0, 0, 0xfe, 0xff, ..] => return Some(WideEncoding::Utf32 { big_endian: true }),
        [0xff, 0xfe, ..] => return Some(WideEncoding::Utf16 { big_endian: false }),
        [0xfe, 0xff, ..] => return Some(WideEncoding::Utf16 { big_endian: true }),
        _ => {}
    }
    let head = &bytes[..bytes.len().min(4096) & !3];
    let zeros = |residue: usize| head.iter().skip(residue).step_by(4).filter(|byte| **byte == 0).count() * 4;
    let [first, second, third, fourth] = [zeros(0), zeros(1), zeros(2), zeros(3)];
    let most = head.len() * 9 / 10;
    match () {
        () if head.is_empty() => None,
        () if first > most && second > most && fourth < most => Some(WideEncoding::Utf32 { big_endian: true }),
        () if third > most && fourth > most && first < most => Some(WideEncoding::Utf32 { big_endian: false }),
        () if second + fourth > head.len() / 2 && first + third == 0 => Some(WideEncoding::Utf16 { big_endian: false }),
        () if first + third > head.len() / 2 && second + fourth == 0 => Some(WideEncoding::Utf16 { big_endian: true }),
        () => None,
    }
}

fn decode_with(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, encoding, _) = encoding.decode(bytes);
    let n_undecodable = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
    Decoded { text: text.into_owned(), encoding: encoding.name(), n_undecodable }
}

fn decode_utf32(bytes: &[u8], big_endian: bool) -> Decoded {
    let (units, rest) = bytes.as_chunks::<4>();
    let mut n_undecodable = usize::from(!rest.is_empty());
    let mut text = String::with_capacity(units.len());
    for unit in units {
        let code = if big_endian { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
        match char::from_u32(code) {
            Some('\u{feff}') => {}
            Some(c) => text.push(c),
            None => {
                n_undecodable += 1;
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    Decoded { text, encoding: if big_endian { "UTF-32BE" } else { "UTF-32LE" }, n_undecodable }
}

/// The text of a page of HTML, whose own declaration of its encoding comes before any guess.
pub fn decode_html(bytes: &[u8]) -> Decoded {
    static CHARSET: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?i)<meta[^>]*charset\s*=\s*["']?([\w-]+)"#).expect("a constant pattern"));
    if wide_encoding(bytes).is_none() && std::str::from_utf8(bytes).is_err() {
        let head: Cow<'_, str> = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
        let declared = CHARSET.captures(&head).and_then(|found| Encoding::for_label(found[1].as_bytes()));
        if let Some(decoded) = declared.map(|encoding| decode_with(encoding, bytes))
            && decoded.n_undecodable == 0
        {
            return decoded;
        }
    }
    decode(bytes)
}

/// Notes bytes that meant nothing.
pub fn warn_of_undecodable(draft: &mut Draft, decoded: &Decoded) {
    if decoded.n_undecodable > 0 {
        draft.warn("undecodable_characters", format!("{} ({})", decoded.n_undecodable, decoded.encoding));
    }
}

/// Parses plain text: blank lines separate blocks.
pub fn parse_text(text: &str) -> Draft {
    let mut draft = Draft::new(Format::Text);
    let mut lines: Vec<&str> = Vec::new();
    let mut is_list = false;
    for line in text.lines() {
        let bulleted = starts_item(line);
        let level = heading_level(line);
        let ends_block =
            line.trim().is_empty() || level.is_some() || (bulleted != is_list && !is_continued(line, is_list));
        if ends_block {
            push_lines(&mut draft, &mut lines, is_list);
        }
        match level {
            Some(level) => draft.push(RawKind::Heading(level), line),
            None => {
                if lines.is_empty() {
                    is_list = bulleted;
                }
                lines.push(line);
            }
        }
    }
    push_lines(&mut draft, &mut lines, is_list);
    draft
}

fn push_lines(draft: &mut Draft, lines: &mut Vec<&str>, is_list: bool) {
    draft.push(if is_list { RawKind::List } else { RawKind::Paragraph }, lines.join("\n"));
    lines.clear();
}

/// An indented line after a list item belongs to it.
fn is_continued(line: &str, is_list: bool) -> bool {
    is_list && line.starts_with([' ', '\t', '　'])
}

fn starts_item(line: &str) -> bool {
    static ITEM: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*(?:[-*•·●■□▪◆]\s*\S|\d{1,2}[.)、）]\s*\D|[（(]\d{1,2}[)）])").expect("a constant pattern")
    });
    ITEM.is_match(line)
}

/// Level of a Chinese chapter or section title.
pub fn heading_level(line: &str) -> Option<u8> {
    static CHAPTER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*第[一二三四五六七八九十百零〇\d]{1,5}([编篇部]|章|节)(?:[\s　：:].{0,40})?$")
            .expect("a constant pattern")
    });
    static ORDINAL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*[一二三四五六七八九十]{1,3}、[^。；，,;]{1,30}$").expect("a constant pattern")
    });
    let line = line.trim_end();
    match CHAPTER.captures(line).as_ref().and_then(|found| found.get(1)).map(|kind| kind.as_str()) {
        Some("章") => Some(2),
        Some("节") => Some(3),
        Some(_) => Some(1),
        None => ORDINAL.is_match(line).then_some(4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::BlockKind;
    use crate::ingest::normalize::normalize;

    const TEXT: &str = "第三章 保修\n本店商品保修期为十二个月。人为损坏不在保修范围之内。";

    #[test]
    fn encodings_of_chinese_text_are_told_apart() {
        for encoding in [encoding_rs::GBK, encoding_rs::GB18030, UTF_8] {
            let (bytes, _, _) = encoding.encode(TEXT);
            assert_eq!(decode(&bytes).text, TEXT, "{}", encoding.name());
        }
        let traditional = "第三章 保固\n本店商品保固期為十二個月，人為損壞不在保固範圍之內。請保留發票。";
        let (bytes, _, _) = encoding_rs::BIG5.encode(traditional);
        assert_eq!(decode(&bytes).text, traditional);
        let utf16: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&[&[0xff, 0xfe], utf16.as_slice()].concat()).text, TEXT);
        let utf32: Vec<u8> = TEXT.chars().flat_map(|c| (c as u32).to_be_bytes()).collect();
        let decoded = decode(&[&[0, 0, 0xfe, 0xff], utf32.as_slice()].concat());
        assert_eq!((decoded.text.as_str(), decoded.encoding), (TEXT, "UTF-32BE"));
    }

    #[test]
    fn zero_bytes_tell_wide_encodings_without_a_mark() {
        let utf16: Vec<u8> = "Returns within 7 days".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&utf16).text, "Returns within 7 days");
        let utf32: Vec<u8> = "Returns".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(decode(&utf32).text, "Returns");
        assert_eq!(wide_encoding(b"plain text"), None);
    }

    #[test]
    fn a_page_says_its_own_encoding() {
        let (bytes, _, _) = encoding_rs::GBK.encode("<meta charset=\"gb2312\"><p>运费</p>");
        assert!(decode_html(&bytes).text.contains("运费"));
    }

    #[test]
    fn chinese_titles_become_headings_and_articles_do_not() {
        let parsed = normalize(parse_text(
            "第三章 保修\n第十条 保修期为一年。\n\n二、流程\n1. 提交申请\n2. 寄回商品\n\n一、这是一句话，不是标题。",
        ));
        let found: Vec<(BlockKind, &str)> =
            parsed.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect();
        assert_eq!(
            found,
            [
                (BlockKind::Heading, "第三章 保修"),
                (BlockKind::Paragraph, "第十条 保修期为一年。"),
                (BlockKind::Heading, "二、流程"),
                (BlockKind::List, "1. 提交申请\n2. 寄回商品"),
                (BlockKind::Paragraph, "一、这是一句话，不是标题。"),
            ]
        );
    }
}
