//! Terms of a text, for the lexical half of retrieval and for every overlap that is counted later.
//!
//! # Why
//! Chinese gets both words and character bigrams: words carry meaning, bigrams survive a segmentation that differs
//! between question and chunk. English gets a light stem, enough for plurals and verb endings; a full stemmer would
//! merge names of products with ordinary words.

use std::sync::LazyLock;

use jieba_rs::Jieba;
use regex::Regex;

pub use crate::domain::text::fold;
use crate::domain::text::is_han;

static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

static RUN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\u{3400}-\u{9fff}]+|[\p{L}\p{N}&&[^\u{3400}-\u{9fff}]]+(?:[.\-][\p{L}\p{N}&&[^\u{3400}-\u{9fff}]]+)*")
        .expect("the pattern is a constant and its tests run it")
});

/// Words that say nothing about the topic of a question.
const STOP_EN: &str = " a an the of to in on at for and or is are was were be been it its this that these those you your i my \
    me can could will would shall should do does did how what when where which who why with by from as if not no so than \
    then there here have has had may might must about into also any some ";
const STOP_ZH: &str = " 的 了 是 在 和 与 或 有 我 你 您 他 它 这 那 吗 呢 吧 啊 呀 什么 怎么 如何 怎样 哪些 哪个 哪 为什么 多少 几 可以 能 \
    能够 会 要 请 请问 应该 需要 如果 时 后 前 中 上 下 里 对 把 被 将 为 以 及 等 一下 一个 进行 通过 使用 就 都 也 还 不 没有 情况 下列 时候 \
    怎么办 以下 ";

fn is_stop(list: &str, word: &str) -> bool {
    list.match_indices(word).any(|(at, _)| list[..at].ends_with(' ') && list[at + word.len()..].starts_with(' '))
}

/// The terms of `text`, in order and with repetitions. Chinese bigrams carry a `#`, so that they never meet a word.
pub fn terms(text: &str) -> Vec<String> {
    let text = fold(text);
    let mut out = Vec::new();
    for run in RUN.find_iter(&text) {
        let run = run.as_str();
        if run.starts_with(is_han) { push_han(run, &mut out) } else { push_word(run, &mut out) }
    }
    out
}

/// The Chinese nouns of a text with their first bytes; single characters are left out.
pub fn nouns(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut out = Vec::new();
    for tag in JIEBA.tag(text, true) {
        if tag.tag.starts_with('n') && tag.word.chars().nth(1).is_some() {
            out.push((at, tag.word));
        }
        at += tag.word.len();
    }
    out
}

/// Length of a text as people feel it: Han characters and words of other scripts.
pub fn count_words(text: &str) -> usize {
    let mut n = 0;
    let mut in_word = false;
    for c in text.chars() {
        let is_word = c.is_alphanumeric() && !is_han(c);
        n += usize::from(is_han(c)) + usize::from(is_word && !in_word);
        in_word = is_word;
    }
    n
}

fn push_han(run: &str, out: &mut Vec<String>) {
    out.extend(JIEBA.cut(run, true).into_iter().filter(|word| !is_stop(STOP_ZH, word)).map(str::to_owned));
    let chars: Vec<char> = run.chars().collect();
    if chars.len() == 1 {
        out.push(format!("#{run}"));
    }
    out.extend(chars.windows(2).map(|pair| format!("#{}{}", pair[0], pair[1])));
}

fn push_word(run: &str, out: &mut Vec<String>) {
    if is_stop(STOP_EN, run) {
        return;
    }
    out.push(stem(run));
    if run.contains('-') {
        // `wi-fi` is found by `wi-fi`, and `high-speed` also by `speed`.
        out.extend(run.split('-').filter(|part| !part.is_empty() && !is_stop(STOP_EN, part)).map(stem));
    }
}

/// Strips plural, `-ing`, `-ed` and a final `e`. Words with anything but ASCII letters and digits stay as they are.
fn stem(word: &str) -> String {
    if !word.is_ascii() {
        return word.to_owned();
    }
    let mut stem = word.to_owned();
    if stem.len() > 4 {
        if stem.ends_with("ies") {
            stem.truncate(stem.len() - 3);
            stem.push('y');
        } else if stem.ends_with("sses") {
            stem.truncate(stem.len() - 2);
        } else if stem.ends_with('s') && !["ss", "us", "is"].iter().any(|end| stem.ends_with(end)) {
            stem.pop();
        }
    }
    // `string` and `speed` carry no ending.
    let has_vowel = |rest: &str| rest.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    let ending = ["ing", "ed"].into_iter().find(|end| stem.ends_with(end)).unwrap_or_default();
    let rest = &stem[..stem.len() - ending.len()];
    if !ending.is_empty() && rest.len() > 2 && has_vowel(rest) && !rest.ends_with('e') {
        stem.truncate(rest.len());
        let bytes = stem.as_bytes();
        let doubled = bytes.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
        // `stopp` is `stop`, but `install` and `press` are whole.
        if doubled && !matches!(bytes[bytes.len() - 1], b'l' | b's' | b'z') {
            stem.pop();
        }
    }
    if stem.len() > 4 && stem.ends_with('e') {
        stem.pop();
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflected_english_words_meet_in_one_term() {
        assert_eq!(terms("Connecting the connected cables"), ["connect", "connect", "cabl"]);
        assert_eq!(terms("stopped, stopping; batteries"), ["stop", "stop", "battery"]);
        assert_eq!(terms("status class string speed"), ["status", "class", "string", "speed"]);
    }

    #[test]
    fn a_hyphenated_word_is_found_whole_and_by_its_parts() {
        assert_eq!(terms("high-speed HDMI"), ["high-speed", "high", "speed", "hdmi"]);
    }

    #[test]
    fn chinese_gives_words_and_bigrams_without_stop_words() {
        let got = terms("如何退货？");
        assert!(got.contains(&"退货".to_owned()), "{got:?}");
        assert!(got.contains(&"#退货".to_owned()), "{got:?}");
        assert!(!got.contains(&"如何".to_owned()), "{got:?}");
    }

    #[test]
    fn full_width_letters_are_the_same_letters() {
        assert_eq!(terms("ＡＣＣ　１２"), terms("acc 12"));
    }

    #[test]
    fn mixed_text_keeps_model_names_whole() {
        assert!(terms("型号ABC-12怎么充电").contains(&"abc-12".to_owned()));
        assert_eq!(terms("2.4 GHz"), ["2.4", "ghz"]);
    }

    #[test]
    fn length_counts_han_characters_and_words() {
        assert_eq!(count_words("按 OK 键 3 秒"), 5);
        assert_eq!(count_words("Press the button, please."), 4);
        assert_eq!(count_words(" 🙂 "), 0);
    }

    #[test]
    fn nothing_comes_of_punctuation_and_emoji() {
        assert!(terms("？！ 🙂 …").is_empty());
    }
}
