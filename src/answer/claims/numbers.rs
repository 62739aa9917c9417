//! Numbers with their units, in digits and in words of both languages: `1,299 元`, `三年`, `5–8 days`, `two hours`.

use std::sync::LazyLock;

use regex::Regex;

use super::number_words::{MICRO, decimal, english_value, han_value, multiplier};
use super::text::Plain;
use super::units::{self, Unit};

/// Which side of a number is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// At least so much.
    Low,
    /// At most so much.
    High,
}

/// A number as it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The number as written, in millionths.
    pub raw: i128,
    /// The same in thousandths of millionths of the base unit.
    pub scaled: i128,
    /// What is counted.
    pub unit: Unit,
    /// What the words around it say.
    pub bound: Option<Bound>,
    /// It begins a range: `5` in `5–8 days`.
    pub begins_range: bool,
}

/// A quantity with its place in the plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it says.
    pub quantity: Quantity,
}

static DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:百分之|第)?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?:百分之|第)?\d+(?:\.\d+)?").expect("a constant pattern")
});

static HAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:百分之|第)?[零〇一二两兩三四五六七八九十百千万萬半]+(?:点[零〇一二三四五六七八九]+)?")
        .expect("a constant pattern")
});

static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?-u:\b)(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|eighteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred)(?-u:\b)",
    )
    .expect("a constant pattern")
});

static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:-|–|—|~|～|〜|至|到|to|or|and|和|或|、|/|×|x|\*)\s*$").expect("a constant pattern")
});

/// Measure words of what is listed, not sold.
const COUNTERS: [char; 7] = ['个', '個', '种', '種', '项', '項', '位'];

/// Words before and after a number that make it a bound.
const BEFORE_LOW: &[&str] = &[
    "至少",
    "不少于",
    "不低于",
    "不小于",
    "超过",
    "大于",
    "高于",
    "多于",
    "at least",
    "more than",
    "over",
    "above",
    "minimum",
    "minimum of",
    "exceeds",
];
const BEFORE_HIGH: &[&str] = &[
    "至多",
    "最多",
    "不超过",
    "不多于",
    "不高于",
    "不大于",
    "少于",
    "小于",
    "低于",
    "within",
    "less than",
    "under",
    "up to",
    "at most",
    "maximum",
    "maximum of",
    "below",
    "no more than",
    "not exceed",
    "not more than",
];
const AFTER_LOW: &[&str] = &["以上", "起", "or more", "or longer", "or above"];
const AFTER_HIGH: &[&str] = &["以内", "以下", "之内", "内", "or less", "or fewer", "or below"];

/// Counts an entry of a list: `2.` after the end of a sentence and before a word.
static LIST_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[.!?;:。！？；：)）\n>])\s*(\d{1,2})[.)、]\s*(?:$|[\p{Alphabetic}“])")
        .expect("a constant pattern")
});

/// The quantities of a text, in order; they are blanked out.
pub fn take(plain: &mut Plain) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let text = plain.text.clone();
    let list_numbers: Vec<usize> =
        LIST_NUMBER.captures_iter(&text).filter_map(|captures| captures.get(1)).map(|number| number.start()).collect();
    for number in DIGITS.find_iter(&text).filter(|number| !list_numbers.contains(&number.start())) {
        // `AF-500` was taken as a code before; what is left glued to letters before it is a part of a word.
        if let Some(one) = in_digits(&text, number.start(), number.end()) {
            found.push(one);
        }
    }
    for number in HAN.find_iter(&text) {
        found.extend(in_han(&text, number.start(), number.end()));
    }
    for number in ENGLISH.find_iter(&text) {
        found.extend(in_english(&text, number.start(), number.end()));
    }
    found.sort_by_key(|one| (one.start, one.end));
    found.dedup_by(|later, earlier| later.start < earlier.end);
    join_ranges(&text, &mut found);
    for one in &mut found {
        one.quantity.bound = bound(&text, one.start, one.end);
        plain.blank(one.start, one.end);
    }
    found
}

fn in_digits(text: &str, start: usize, end: usize) -> Option<Found> {
    let number = &text[start..end];
    let is_percent = number.starts_with("百分之");
    let digits = number.trim_start_matches("百分之").trim_start_matches('第').replace(',', "");
    let (mut raw, mut end) = (decimal(&digits)?, end);
    // A minus belongs to the number unless it joins two: `-5 °C`, but `3-5`.
    let before = &text[..start];
    let is_negative = before.ends_with('-')
        && !before[..before.len() - 1].ends_with(|c: char| c.is_alphanumeric() || c == ' ')
        || before.ends_with(" -");
    let start = if is_negative { start - 1 } else { start };
    if is_negative {
        raw = -raw;
    }
    let (factor, len) = multiplier(&text[end..]);
    raw = raw.checked_mul(factor)?;
    end += len;
    let sign = units::sign_at_end(&text[..start]);
    let start = start - sign.map_or(0, |sign| sign.len_bytes);
    let gap = text[end..].len() - text[end..].trim_start_matches([' ', '-']).len();
    let gap = if gap <= 1 { gap } else { 0 };
    let named = units::at_start(&text[end + gap..]);
    let (unit, thousandths, end) = match (sign, named, is_percent) {
        (_, _, true) => (Unit::Percent, 1000, end),
        (Some(sign), Some(named), _) if named.unit.is_money() => (sign.unit, 1000, end + gap + named.len_bytes),
        (Some(sign), _, _) => (sign.unit, 1000, end),
        (None, Some(named), _) => (named.unit, named.thousandths, end + gap + named.len_bytes),
        (None, None, _) => (Unit::Count, 1000, end),
    };
    Some(Found {
        start,
        end,
        quantity: Quantity { raw, scaled: raw.checked_mul(thousandths)?, unit, bound: None, begins_range: false },
    })
}

/// A number in Han characters counts only with a unit: `一般` is none.
fn in_han(text: &str, start: usize, end: usize) -> Option<Found> {
    let number = &text[start..end];
    let (is_percent, is_nth) = (number.starts_with("百分之"), number.starts_with('第'));
    let words = number.trim_start_matches("百分之").trim_start_matches('第');
    let raw = han_value(words)?;
    let rest = &text[end..];
    let gap = rest.len() - rest.trim_start_matches(' ').len();
    let named = units::at_start(&rest[gap..]);
    let (unit, thousandths, mut end) = match named {
        _ if is_percent => (Unit::Percent, 1000, end),
        Some(named) => (named.unit, named.thousandths, end + gap + named.len_bytes),
        None if is_nth => (Unit::Count, 1000, end),
        None => return None,
    };
    // `一个` is an article rather than a claim, and `三种` counts what the source lists.
    if unit == Unit::Count && !is_nth && (raw == MICRO || rest[gap..].starts_with(COUNTERS)) {
        return None;
    }
    let mut scaled = raw.checked_mul(thousandths)?;
    if text[end..].starts_with('半') {
        // `一年半`.
        scaled = scaled.checked_add(thousandths * MICRO / 2)?;
        end += '半'.len_utf8();
    }
    Some(Found { start, end, quantity: Quantity { raw, scaled, unit, bound: None, begins_range: false } })
}

/// A number in English counts only with a unit, `one` only with a unit that is more than a measure word.
fn in_english(text: &str, start: usize, end: usize) -> Option<Found> {
    let word = &text[start..end];
    let raw = english_value(word)?;
    let rest = &text[end..];
    let gap = rest.len() - rest.trim_start_matches([' ', '-']).len();
    let named = units::at_start(&rest[gap..]).filter(|_| gap > 0);
    if raw == MICRO && named.is_none_or(|named| matches!(named.unit, Unit::Count | Unit::Times)) {
        return None;
    }
    let (unit, thousandths, end) = match named {
        Some(named) => (named.unit, named.thousandths, end + gap + named.len_bytes),
        None => (Unit::Count, 1000, end),
    };
    Some(Found {
        start,
        end,
        quantity: Quantity { raw, scaled: raw.checked_mul(thousandths)?, unit, bound: None, begins_range: false },
    })
}

/// In `5–8 days` the 5 is days, too, and begins a range; in `3 or 6 months` the 3 is months.
fn join_ranges(text: &str, found: &mut [Found]) {
    for at in (0..found.len().saturating_sub(1)).rev() {
        let next = found[at + 1].clone();
        let between = &text[found[at].end..next.start];
        let between = units::sign_at_end(between).map_or(between, |sign| &between[..between.len() - sign.len_bytes]);
        if !RANGE.is_match(between) {
            continue;
        }
        let joins = between.trim();
        let this = &mut found[at].quantity;
        if this.unit == Unit::Count && next.quantity.unit != Unit::Count && next.quantity.raw != 0 {
            this.unit = next.quantity.unit;
            let thousandths = next.quantity.scaled / next.quantity.raw;
            this.scaled = this.raw.saturating_mul(thousandths);
        }
        this.begins_range = this.unit == next.quantity.unit
            && matches!(joins, "-" | "–" | "—" | "~" | "～" | "〜" | "至" | "到" | "to");
    }
}

fn bound(text: &str, start: usize, end: usize) -> Option<Bound> {
    let before = text[..start].trim_end();
    let after = text[end..].trim_start();
    let ends = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
    let begins = |words: &[&str]| words.iter().any(|word| after.starts_with(word));
    // Longer phrases first: `不少于` ends with `少于`, `no more than` with `more than`.
    if ends(&["不少于", "不低于", "不小于"]) {
        Some(Bound::Low)
    } else if ends(&["不超过", "不多于", "不高于", "不大于", "no more than", "not more than"]) {
        Some(Bound::High)
    } else if ends(BEFORE_LOW) || begins(AFTER_LOW) {
        Some(Bound::Low)
    } else if ends(BEFORE_HIGH) || begins(AFTER_HIGH) {
        Some(Bound::High)
    } else {
        None
    }
}

impl Quantity {
    /// Whether both say the same amount of the same thing.
    pub fn is_same(&self, other: &Self) -> bool {
        self.unit == other.unit && self.scaled == other.scaled
    }

    /// Whether a source that says `source` says this, too. `names_unit` tells whether the source names the unit
    /// elsewhere, as a table does in its header.
    pub fn follows_from(&self, source: &Self, names_unit: bool) -> bool {
        let is_same = match (self.unit, source.unit) {
            (mine, theirs) if mine == theirs => self.scaled == source.scaled,
            (Unit::Count, _) => self.raw == source.raw,
            (_, Unit::Count) => self.raw == source.raw && names_unit,
            _ => false,
        };
        let contradicts = matches!(
            (self.bound, source.bound),
            (Some(Bound::Low), Some(Bound::High)) | (Some(Bound::High), Some(Bound::Low))
        );
        // Of `5–8 days` it is false to say `5 days`.
        is_same && !contradicts && (!source.begins_range || self.begins_range || self.bound == Some(Bound::Low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(i128, Unit)> {
        take(&mut Plain::of(text))
            .into_iter()
            .map(|found| (found.quantity.scaled / 1_000_000, found.quantity.unit))
            .collect()
    }

    fn follows(draft: &str, source: &str) -> bool {
        let of = |text: &str| take(&mut Plain::of(text)).remove(0).quantity;
        of(draft).follows_from(&of(source), false)
    }

    #[test]
    fn numbers_are_read_in_every_notation() {
        assert_eq!(read("1,299 元"), [(1_299_000, Unit::Cny)]);
        assert_eq!(read("￥１２.５"), [(12_500, Unit::Cny)]);
        assert_eq!(read("三年"), read("3 years"));
        assert_eq!(read("36 months"), read("三年"));
        assert_eq!(read("十五天内，两个工作日"), [(15_000, Unit::Day), (2_000, Unit::WorkingDay)]);
        assert_eq!(read("一年半"), [(18_000, Unit::Month)]);
        assert_eq!(read("百分之五"), read("5%"));
        assert_eq!(read("-5 °C"), [(-5_000, Unit::Degree)]);
        assert_eq!(read("two hours"), read("120 分钟"));
        assert_eq!(read("3万元"), [(30_000_000, Unit::Cny)]);
        assert_eq!(read("一般来说一个人"), []);
    }

    #[test]
    fn a_range_shares_its_unit() {
        assert_eq!(read("1–3 个工作日"), [(1_000, Unit::WorkingDay), (3_000, Unit::WorkingDay)]);
        assert_eq!(read("5 to 8 days"), [(5_000, Unit::Day), (8_000, Unit::Day)]);
        assert!(!follows("5 days", "5-8 days") && follows("5-8 days", "5 to 8 days"));
    }

    #[test]
    fn another_unit_is_another_claim() {
        assert!(!follows("7 hours", "7 days") && !follows("7天", "7个工作日") && follows("7", "7 days"));
        assert!(!follows("¥99", "$99") && follows("¥99", "99 元"));
    }

    #[test]
    fn numbers_beyond_all_measure_are_no_numbers() {
        assert_eq!(read(&format!("{}年 {}年", "九".repeat(90), "1".repeat(90))), []);
        assert_eq!(read(&format!("一{}年", "万".repeat(40))), []);
    }

    #[test]
    fn at_least_is_not_at_most() {
        assert!(!follows("至少 7 天", "不超过 7 天") && follows("7 天", "不超过 7 天"));
        assert!(!follows("within 7 days", "more than 7 days"));
    }
}
