//! Numbers that belong to a person. A number is taken whole: no digit stands before or after it.

use std::sync::LazyLock;

use regex::Regex;

use super::compile;
use crate::domain::text::Span;

/// Bytes before a number in which a word says what it is.
const CONTEXT_BYTES: usize = 32;

static ID_CARD: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"[1-9]\d{5}[ -]?(?:18|19|20)\d{2}[ -]?(?:0[1-9]|1[0-2])[ -]?(?:0[1-9]|[12]\d|3[01])[ -]?\d{3}[\dXx]")
});
static CARD: LazyLock<Regex> = LazyLock::new(|| compile(r"[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{3,4}(?:[ -]?\d{1,3})?"));
static MOBILE: LazyLock<Regex> = LazyLock::new(|| compile(r"(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"));
static LANDLINE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?:\(0\d{2,3}\)[ -]?|0\d{2,3}[ -]?)[2-9]\d{2,3}[ -]?\d{4}(?:-\d{1,5})?"));
static INTERNATIONAL: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?:\+|00)[1-9]\d{0,2}[ .\-]?(?:\(\d{1,4}\)[ .\-]?)?\d{1,4}(?:[ .\-]?\d{2,4}){1,4}"));
static AMERICAN: LazyLock<Regex> = LazyLock::new(|| compile(r"(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-.])[2-9]\d{2}[-.]\d{4}"));
/// Numbers of things, not of people.
static NUMBER_OF_A_THING: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)(?:订单|单号|运单|快递|物流|编号|货号|条码|流水号|交易号|发票|序列号|order|parcel|track\w*|shipment|invoice|sku|ean|isbn|serial)(?:\s*(?:号码?|编号|no|number|id))?[^0-9a-z]{0,8}(?:[a-z]{0,4})$",
    )
});
static NUMBER_OF_A_CARD: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?i)(?:卡号|银行卡|储蓄卡|信用卡|账号|帐号|card|account)[^0-9]{0,16}$"));

/// The 18 digits of an identity card, with a province, a date and the check digit of ISO 7064.
pub(super) fn id_cards(text: &str) -> Vec<Span> {
    whole(&ID_CARD, text).filter(|span| is_id_card(&digits(span.of(text)))).collect()
}

fn is_id_card(number: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let province = number.get(..2).unwrap_or_default();
    let is_province = matches!(
        province.as_bytes(),
        [b'1', b'1'..=b'5']
            | [b'2', b'1'..=b'3']
            | [b'3', b'1'..=b'7']
            | [b'4', b'1'..=b'6']
            | [b'5', b'0'..=b'4']
            | [b'6', b'1'..=b'5']
            | [b'7', b'1']
            | [b'8', b'1'..=b'3']
    );
    let sum: u32 = number.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = CHECKS[(sum % 11) as usize];
    is_province && has_a_date(number) && number.bytes().last().is_some_and(|last| last.to_ascii_uppercase() == check)
}

fn has_a_date(number: &str) -> bool {
    let part = |from: usize, to: usize| number.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    let (year, month, day) = (part(6, 10), part(10, 12), part(12, 14));
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=days).contains(&day)
}

/// Card numbers by Luhn. Long numbers of orders pass it one time in ten: a word before the number decides, and without
/// one only the lengths and beginnings that cards have.
pub(super) fn bank_cards(text: &str) -> Vec<Span> {
    let is_card = |span: &Span| {
        let number = digits(span.of(text));
        let before = before(text, span.start);
        let looks_like_one = match number.as_bytes() {
            [b'6', b'2', ..] => (16..=19).contains(&number.len()),
            [b'4', ..] | [b'5', b'1'..=b'5', ..] | [b'2', b'2'..=b'7', ..] => number.len() == 16,
            _ => false,
        };
        let is_named = NUMBER_OF_A_CARD.is_match(before);
        (16..=19).contains(&number.len())
            && is_luhn(&number)
            && !NUMBER_OF_A_THING.is_match(before)
            && (is_named || looks_like_one)
    };
    whole(&CARD, text).filter(is_card).collect()
}

fn is_luhn(number: &str) -> bool {
    let double = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let values = number.bytes().rev().map(|digit| u32::from(digit - b'0')).enumerate();
    values.map(|(nth, digit)| if nth % 2 == 1 { double(digit) } else { digit }).sum::<u32>().is_multiple_of(10)
}

/// Mobile and landline numbers of China, American ones, and international ones with their prefix. Hotlines belong to
/// nobody.
pub(super) fn phones(text: &str) -> Vec<Span> {
    let rules: [&Regex; 4] = [&MOBILE, &INTERNATIONAL, &LANDLINE, &AMERICAN];
    let mut found: Vec<Span> = Vec::new();
    for rule in rules {
        for span in whole(rule, text) {
            let number = digits(span.of(text));
            let is_hotline = number.len() == 10 && (number.starts_with("400") || number.starts_with("800"));
            let n_digits = number.len();
            let is_new = found.iter().all(|known| known.end <= span.start || span.end <= known.start);
            if is_new
                && !is_hotline
                && (8..=17).contains(&n_digits)
                && !NUMBER_OF_A_THING.is_match(before(text, span.start))
            {
                found.push(span);
            }
        }
    }
    found
}

/// Matches that no digit, letter or joining sign continues on either side.
fn whole<'a>(rule: &'a Regex, text: &'a str) -> impl Iterator<Item = Span> + 'a {
    let joins = |c: char| c.is_ascii_alphanumeric();
    rule.find_iter(text)
        .filter(move |hit| {
            let (before, after) = (&text[..hit.start()], &text[hit.end()..]);
            let mut left = before.chars().rev();
            let (last, before_last) = (left.next(), left.next());
            let mut right = after.chars();
            let (next, after_next) = (right.next(), right.next());
            let is_sign = |c: Option<char>| c.is_some_and(|c| matches!(c, '-' | '.' | '_' | '/'));
            let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            let goes_on = last.is_some_and(joins)
                || next.is_some_and(joins)
                || (is_sign(last) && is_digit(before_last))
                || (is_sign(next) && is_digit(after_next));
            !goes_on
        })
        .map(|hit| Span { start: hit.start(), end: hit.end() })
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn before(text: &str, at: usize) -> &str {
    let from = (at.saturating_sub(CONTEXT_BYTES)..=at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
    &text[from..at]
}
