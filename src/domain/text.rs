//! Language and span of a text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language we answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Chinese, any script.
    Zh,
    /// English, and whatever is not Chinese.
    En,
}

impl Lang {
    /// Chinese if Han characters are at least 15 % of the letters.
    pub fn of(text: &str) -> Self {
        let (mut han, mut letters) = (0usize, 0usize);
        for c in text.chars() {
            han += usize::from(is_han(c));
            letters += usize::from(c.is_alphanumeric());
        }
        if han > 0 && han * 100 >= letters * 15 { Self::Zh } else { Self::En }
    }

    /// `"zh"` or `"en"`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

/// Whether `c` is a Chinese character.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

/// Lower case, with full-width letters, digits and spaces made narrow.
pub fn fold(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{3000}' | '\u{a0}' => ' ',
            other => other,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

/// A byte range into a text; `start <= end`, both on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The part of `text` it covers; empty where it does not fit.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_question_with_latin_names_is_chinese() {
        assert_eq!(Lang::of("ACC 怎么开启？"), Lang::Zh);
        assert_eq!(Lang::of("How do I return it?"), Lang::En);
        assert_eq!(Lang::of("🙂"), Lang::En);
    }
}
