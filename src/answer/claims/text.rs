//! A text to look for claims in: narrow, lower case, one character for each of the original.

use crate::domain::text::Span;

/// A text whose characters stand one to one for those of another.
#[derive(Debug, Clone)]
pub struct Plain {
    /// Narrow and lower case.
    pub text: String,
    /// For each byte of `text` that begins a character, where that character begins in the original.
    origin: Vec<usize>,
}

impl Plain {
    /// `original` in plain letters.
    pub fn of(original: &str) -> Self {
        let (mut text, mut origin) = (String::with_capacity(original.len()), Vec::new());
        for (at, c) in original.char_indices() {
            let plain = plain_char(c);
            text.push(plain);
            origin.extend(std::iter::repeat_n(at, plain.len_utf8()));
        }
        origin.push(original.len());
        Self { text, origin }
    }

    /// Where a byte range of `text` stands in the original.
    pub fn span(&self, start: usize, end: usize) -> Span {
        Span { start: self.origin[start], end: self.origin[end] }
    }

    /// The text without what was read already: same length, so that places stay.
    pub fn blank(&mut self, start: usize, end: usize) {
        let read: String = self.text[start..end].bytes().map(|_| READ).collect();
        self.text.replace_range(start..end, &read);
    }
}

/// Stands where something was read already.
const READ: char = '\u{1}';

/// Narrow and lower case; a letter whose lower case is longer stays as it is.
pub fn plain_char(c: char) -> char {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' | '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        '−' | '﹣' => '-',
        '‘' | '’' => '\'',
        other => other,
    };
    let mut lower = narrow.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => narrow,
    }
}

/// Letters and digits only.
pub fn letters(text: &str) -> String {
    text.chars().map(plain_char).filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_back_to_the_original() {
        let original = "价格：￥１２İ 元";
        let plain = Plain::of(original);
        let at = plain.text.find("12").unwrap();
        assert_eq!(plain.span(at, at + 2).of(original), "１２");
        assert_eq!(plain.span(0, plain.text.len()).of(original), original);
    }

    #[test]
    fn what_was_read_keeps_its_room() {
        let mut plain = Plain::of("见 http://a.cn 页");
        let len = plain.text.len();
        plain.blank(4, 15);
        assert_eq!((plain.text.len(), plain.text.contains("http")), (len, false));
    }
}
