//! Where sentences, clauses and words end, in Chinese and in Latin scripts.

use std::ops::Range;

/// Abbreviations whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 13] =
    ["e.g", "i.e", "etc", "no", "nr", "fig", "mr", "mrs", "ms", "dr", "vs", "approx", "max"];

/// Sentences of `text`, trimmed, as byte ranges. A line break ends one, too. Nothing but whitespace lies between them.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    split_after(text, |before, c, after| {
        let ends = match c {
            '\n' => true,
            '。' | '！' | '？' | '；' | '…' | '!' | '?' => !after.starts_with(is_sentence_mark),
            '.' => after.starts_with(char::is_whitespace) && !is_abbreviation(before) && !starts_low(after),
            _ => false,
        };
        ends.then(|| closing_len(after))
    })
}

/// Parts of a sentence that is too long to stay whole.
pub fn clauses(text: &str) -> Vec<Range<usize>> {
    split_after(text, |_, c, after| {
        let ends = match c {
            '，' | '、' | '：' | '。' | '；' | '\n' => true,
            ',' | ';' | ':' => after.starts_with(char::is_whitespace),
            '|' => true,
            _ => false,
        };
        ends.then_some(0)
    })
}

/// Words of a clause that is too long to stay whole.
pub fn words(text: &str) -> Vec<Range<usize>> {
    split_after(text, |_, _, after| after.starts_with(char::is_whitespace).then_some(0))
}

/// Cuts `text` after each character for which `cut(text before it, it, text after it)` says how many more bytes to take.
fn split_after(text: &str, cut: impl Fn(&str, char, &str) -> Option<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if at < start {
            continue;
        }
        if let Some(more) = cut(&text[start..at], c, &text[next..]) {
            push_trimmed(&mut parts, text, start..next + more);
            start = next + more;
        }
    }
    push_trimmed(&mut parts, text, start..text.len());
    parts
}

fn push_trimmed(parts: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    let end = start + part.trim().len();
    if start < end {
        parts.push(start..end);
    }
}

fn is_sentence_mark(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '…' | '!' | '?')
}

/// Bytes of the closing quotes and brackets that still belong to the sentence.
fn closing_len(after: &str) -> usize {
    let rest = after.trim_start_matches(['”', '’', '」', '』', '）', ')', '】', '》', '"']);
    after.len() - rest.len()
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default().trim_start_matches(['(', '"']);
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    is_initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

fn starts_low(after: &str) -> bool {
    after.trim_start().starts_with(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn chinese_sentences_end_at_their_marks() {
        assert_eq!(split("七天无理由退货。真的吗？！“是的。”好"), ["七天无理由退货。", "真的吗？！", "“是的。”", "好"]);
    }

    #[test]
    fn a_full_stop_inside_a_number_or_an_abbreviation_ends_nothing() {
        assert_eq!(
            split("It weighs 1.5 kg, e.g. the AF-500. See Fig. 3. then stop. Next one."),
            ["It weighs 1.5 kg, e.g. the AF-500.", "See Fig. 3. then stop.", "Next one."]
        );
    }

    #[test]
    fn a_line_break_ends_a_sentence() {
        assert_eq!(split("警告！\n请勿触摸\n高温表面"), ["警告！", "请勿触摸", "高温表面"]);
    }
}
