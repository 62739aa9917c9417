//! What a number is worth, in digits, in Han characters, in English words. In millionths, so that values are compared
//! exactly.

/// Millionths in one.
pub const MICRO: i128 = 1_000_000;

const ENGLISH_VALUES: &[(&str, i128)] = &[
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("eighteen", 18),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("hundred", 100),
];

/// A number in an English word.
pub fn english_value(word: &str) -> Option<i128> {
    ENGLISH_VALUES.iter().find(|(known, _)| *known == word).map(|(_, value)| value * MICRO)
}

/// Thousands and so on, directly after a number: the factor, and the length of its name in bytes.
pub fn multiplier(rest: &str) -> (i128, usize) {
    let known: [(&str, i128); 9] = [
        ("千万", 10_000_000),
        ("百万", 1_000_000),
        (" million", 1_000_000),
        (" thousand", 1000),
        ("万", 10_000),
        ("萬", 10_000),
        ("亿", 100_000_000),
        ("億", 100_000_000),
        ("百", 100),
    ];
    known.into_iter().find(|(name, _)| rest.starts_with(name)).map_or((1, 0), |(name, factor)| (factor, name.len()))
}

/// A number in digits, without separators.
pub fn decimal(digits: &str) -> Option<i128> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    if whole.len() > 24 {
        return None;
    }
    Some(whole.parse::<i128>().ok()?.checked_mul(MICRO)? + fraction.parse::<i128>().ok()?)
}

/// A number in Han characters: `一百二十`, `二〇二四`, `半`, `三点五`.
pub fn han_value(words: &str) -> Option<i128> {
    let (whole, fraction) = words.split_once('点').unwrap_or((words, ""));
    let digit = |c: char| {
        "零一二三四五六七八九".chars().position(|known| known == c).or(match c {
            '〇' => Some(0),
            '两' | '兩' => Some(2),
            _ => None,
        })
    };
    if whole == "半" {
        return Some(MICRO / 2);
    }
    let mut value: i128 = 0;
    let (mut section, mut last): (i128, Option<i128>) = (0, None);
    for c in whole.chars() {
        let factor = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            '万' | '萬' => 10_000,
            _ => {
                // `二〇二四`: digits in a row.
                let next = digit(c)? as i128;
                last = Some(last.unwrap_or(0).checked_mul(10)?.checked_add(next)?);
                continue;
            }
        };
        if factor == 10_000 {
            value = value.checked_add(section)?.checked_add(last.take().unwrap_or(0))?.max(1).checked_mul(factor)?;
            section = 0;
        } else {
            section = section.checked_add(last.take().unwrap_or(1).checked_mul(factor)?)?;
        }
    }
    value = value.checked_add(section)?.checked_add(last.unwrap_or(0))?;
    let mut micros = value.checked_mul(MICRO)?;
    let mut place = MICRO / 10;
    for c in fraction.chars() {
        micros += digit(c)? as i128 * place;
        place /= 10;
    }
    Some(micros)
}
