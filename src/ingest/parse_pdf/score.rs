//! How good the text of a page is, without knowing what it should say.

use unicode_normalization::UnicodeNormalization;

use crate::domain::text::is_han;

/// Above these shares a page is read again with the second engine.
const SUSPECT_BAD: f64 = 0.01;
const SUSPECT_TORN: f64 = 0.05;
/// Above this share of bad characters a page is gibberish.
const GARBLED_BAD: f64 = 0.25;
/// Letters that are needed before their statistics mean anything.
const MIN_LETTERS: usize = 120;

/// The commonest characters of Chinese, simplified and traditional; a tenth to a quarter of any running text.
const COMMON_HAN: &str = "的一是不了在有人我他这這个個上们們来來到时時大地为為子中你说說生国國年就出会會可也后後要以用能下过過对對自之行\
                          本及或其由所此与與于於并並应應按使请請可如无無将將品产產电電机機开開关關保期日月金公司";

/// The amount of sane text, less what is torn: comparable between two readings of one page.
pub fn score(text: &str) -> f64 {
    let n_sane = text.chars().filter(|c| !c.is_whitespace() && !is_bad(*c)).count();
    n_sane as f64 * (1.0 - bad_share(text)) * (1.0 - torn_share(text))
}

/// Whether another engine might do better.
pub fn is_suspect(text: &str) -> bool {
    text.trim().is_empty() || bad_share(text) > SUSPECT_BAD || torn_share(text) > SUSPECT_TORN
}

/// Whether the characters mean nothing: a font without a map to Unicode, or with a false one.
pub fn is_garbled(text: &str) -> bool {
    bad_share(text) > GARBLED_BAD || is_gibberish_latin(text) || is_gibberish_han(text)
}

fn is_bad(c: char) -> bool {
    c == char::REPLACEMENT_CHARACTER
        || (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

fn bad_share(text: &str) -> f64 {
    let visible = text.chars().filter(|c| !c.is_whitespace());
    let (n_bad, n_all) = visible.fold((0usize, 0usize), |(bad, all), c| (bad + usize::from(is_bad(c)), all + 1));
    n_bad as f64 / n_all.max(1) as f64
}

/// Share of lines that begin with a mark no line may begin with: the sign of lines torn where the font changes.
fn torn_share(text: &str) -> f64 {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_torn =
        |line: &&&str| line.starts_with(['，', '。', '；', '：', '、', '）', '！', '？', '”', '」', ')', ',', ';']);
    lines.iter().filter(is_torn).count() as f64 / lines.len().max(1) as f64
}

/// The letters `etaoin` are half of any text in a language of western Europe, and a quarter of one whose letters are
/// mapped wrongly. Many letters of the upper half of Latin-1 are another encoding read as Latin-1.
fn is_gibberish_latin(text: &str) -> bool {
    let n_visible = text.chars().filter(|c| !c.is_whitespace()).count();
    let n_upper_half = text.chars().filter(|c| matches!(c, '\u{a1}'..='\u{ff}')).count();
    let n_lower = text.chars().filter(char::is_ascii_lowercase).count();
    let n_common = text.chars().filter(|c| "etaoin".contains(*c)).count();
    let is_mismapped = n_lower >= MIN_LETTERS && n_lower * 2 > n_visible && n_common * 100 < n_lower * 30;
    let is_misread = n_visible >= MIN_LETTERS && n_upper_half * 100 > n_visible * 40;
    is_mismapped || is_misread
}

fn is_gibberish_han(text: &str) -> bool {
    let han: Vec<char> = text.nfc().filter(|c| is_han(*c)).collect();
    let n_common = han.iter().filter(|c| COMMON_HAN.contains(**c)).count();
    han.len() >= MIN_LETTERS && n_common * 100 < han.len() * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHINESE: &str =
        "本产品自购买之日起保修十二个月，请保留发票。如果机器不能开机，请先检查电源是否接好，然后按住开关三秒。";
    const ENGLISH: &str = "Press and hold the power button for three seconds until the indicator turns blue. If the headphones do \
                           not turn on, charge them with the supplied cable for at least ten minutes and try again.";

    #[test]
    fn running_text_is_not_garbled() {
        assert!(!is_garbled(&CHINESE.repeat(4)));
        assert!(!is_garbled(ENGLISH));
        assert!(!is_garbled("SKU AF-500 XK-22 TZ-90"));
    }

    #[test]
    fn false_maps_of_letters_are_garbled() {
        let shifted: String =
            ENGLISH.chars().map(|c| if c.is_ascii_lowercase() { (c as u8 + 3) as char } else { c }).collect();
        assert!(is_garbled(&shifted), "{shifted}");
        let rare: String = CHINESE.repeat(4).chars().map(|c| char::from_u32(c as u32 + 0x1700).unwrap_or(c)).collect();
        assert!(is_garbled(&rare), "{rare}");
        let (bytes, _, _) = encoding_rs::GBK.encode(CHINESE);
        let (mojibake, _, _) = encoding_rs::WINDOWS_1252.decode(&bytes);
        assert!(is_garbled(&mojibake.repeat(3)));
        assert!(is_garbled("\u{e001}\u{e002}\u{e003} a"));
    }

    #[test]
    fn torn_lines_lose_against_whole_ones() {
        let whole = "采用 MP1584EN 电源芯片，支持 12-24V 电源输入，最大输出电流可达 2.5A；";
        let torn = "采用\nMP1584EN\n电源芯片\n，支持\n12-24V 电源输入\n，最大输出电流可达\n2.5A\n；";
        assert!(is_suspect(torn) && !is_suspect(whole));
        assert!(score(whole) > 1.1 * score(torn));
    }
}
