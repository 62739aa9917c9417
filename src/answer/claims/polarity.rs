//! What a sentence denies, and what it promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::domain::text::{Span, is_han};

/// What a sentence says about its predicates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polarity {
    /// Denied, with the places (bytes of the plain sentence) of the denials.
    pub denied: Vec<Denial>,
    /// Everything that is said without a denial, and how often.
    pub affirmed: BTreeMap<String, usize>,
}

impl Polarity {
    /// How often `predicate` is denied.
    pub fn n_denied(&self, predicate: &String) -> usize {
        self.denied.iter().filter(|denial| denial.predicates.contains(predicate)).count()
    }

    /// How often `predicate` is said without a denial.
    pub fn n_affirmed(&self, predicate: &String) -> usize {
        self.affirmed.get(predicate).copied().unwrap_or(0)
    }
}

/// A denial with what it may be about, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// First byte of the denying word.
    pub start: usize,
    /// One past the last byte of what is denied.
    pub end: usize,
    /// What is denied: the next word, and the next that is no auxiliary.
    pub predicates: Vec<String>,
    /// Said of what should not happen (`避免`), not of what is not so.
    pub is_soft: bool,
}

/// Words that only look like a denial are read first and mean nothing here.
static HAN_DENIAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        "不同|不仅|不但|不过|不论|不管|不断|不久|不锈钢|不良|不足|不一定|不得不|无论|无线|无人机|无级|未来|非常|是否|能否|可否|否则|特别|类别|级别|分别|识别|区别|个别|没事|要不要|能不能|是不是|可不可以|会不会|會不會|有没有|有沒有|有无|有無|能否|可否|无效|\
         (没有|沒有|无法|無法|禁止|严禁|嚴禁|请勿|切勿|避免|防止|以免|不|没|沒|未|无|無|勿|非)",
    )
    .expect("a constant pattern")
});

static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[a-z]+(?:'[a-z]+)?").expect("a constant pattern"));

const DENIALS: &[&str] = &["not", "no", "never", "cannot", "without", "unable", "neither", "nor", "none", "avoid"];
/// Between a denial and what it denies.
const AUXILIARIES: &[&str] = &[
    "be", "been", "being", "to", "a", "an", "the", "any", "have", "has", "had", "is", "are", "was", "can", "could",
    "will", "would", "also", "yet", "it", "longer", "do", "does", "did", "may", "must", "should", "you", "your",
];
const HAN_AUXILIARIES: &str = "能可以会會得应應该該须須再予被要";
/// Words that a denial may reach over.
const REACH: usize = 4;

/// Reads a plain sentence.
pub fn read(text: &str) -> Polarity {
    let mut polarity = Polarity::default();
    read_han(text, &mut polarity);
    read_english(text, &mut polarity);
    polarity
}

fn read_han(text: &str, polarity: &mut Polarity) {
    let mut denied_at = BTreeSet::new();
    for captures in HAN_DENIAL.captures_iter(text) {
        let Some(denial) = captures.get(1) else { continue };
        let rest = &text[denial.end()..];
        let direct = leading_han(rest);
        let skipped = rest.trim_start_matches(|c| HAN_AUXILIARIES.contains(c));
        let reached = leading_han(skipped);
        let (mut predicates, mut end) = (Vec::new(), denial.end());
        for (predicate, offset) in [(direct, 0), (reached, rest.len() - skipped.len())] {
            if !predicate.is_empty() && !predicates.contains(&predicate) {
                denied_at.insert(denial.end() + offset);
                end = end.max(denial.end() + offset + predicate.len());
                predicates.push(predicate);
            }
        }
        if !predicates.is_empty() {
            let is_soft = matches!(denial.as_str(), "避免" | "防止" | "以免");
            polarity.denied.push(Denial { start: denial.start(), end, predicates, is_soft });
        }
    }
    let chars: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| is_han(*c)).collect();
    for pair in chars.windows(2) {
        let is_adjacent = pair[0].0 + pair[0].1.len_utf8() == pair[1].0;
        if is_adjacent && !denied_at.contains(&pair[0].0) {
            *polarity.affirmed.entry(format!("{}{}", pair[0].1, pair[1].1)).or_default() += 1;
        }
    }
}

/// The first two Han characters, if the text begins with Han.
fn leading_han(text: &str) -> String {
    text.chars().take_while(|c| is_han(*c)).take(2).collect()
}

fn read_english(text: &str, polarity: &mut Polarity) {
    let words: Vec<regex::Match<'_>> = WORD.find_iter(text).collect();
    let mut denied = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let is_denial = DENIALS.contains(&word.as_str()) || word.as_str().ends_with("n't");
        if !is_denial || words.get(at + 1).is_some_and(|next| next.as_str() == "matter") {
            continue;
        }
        let reached =
            words.iter().enumerate().skip(at + 1).take(REACH).find(|(_, next)| !AUXILIARIES.contains(&next.as_str()));
        let Some((nth, predicate)) =
            reached.filter(|(_, next)| !text[word.end()..next.start()].contains(['.', ';', ',']))
        else {
            continue;
        };
        denied.insert(nth);
        polarity.denied.push(Denial {
            start: word.start(),
            end: predicate.end(),
            predicates: vec![stem(predicate.as_str())],
            is_soft: word.as_str() == "avoid",
        });
    }
    let affirmed = words.iter().enumerate().filter(|(nth, word)| !denied.contains(nth) && word.len() > 2);
    for (_, word) in affirmed {
        *polarity.affirmed.entry(stem(word.as_str())).or_default() += 1;
    }
}

/// Enough that `returned` and `return` are one.
fn stem(word: &str) -> String {
    let ending =
        ["ing", "ed", "es", "s"].into_iter().find(|ending| word.len() > ending.len() + 3 && word.ends_with(ending));
    word[..word.len() - ending.map_or(0, str::len)].trim_end_matches('e').to_owned()
}

/// What shops may be held to, by meaning.
const PROMISES: &[(&str, &str)] = &[
    ("refund", r"退款|退钱|退錢|全额退|返还货款|(?-u:\b)refund(?:s|ed|ing)?(?-u:\b)|(?-u:\b)money back(?-u:\b)"),
    ("compensation", r"赔偿|賠償|赔付|補償|补偿|理赔|假一赔|包赔|(?-u:\b)compensat\w+|(?-u:\b)reimburs\w+"),
    (
        "free_shipping",
        r"包邮|包郵|免邮|免运费|免運費|运费由我们承担|运费我们承担|(?-u:\b)free (?:shipping|delivery|return shipping)(?-u:\b)|(?-u:\b)ship(?:ped|s)? (?:for )?free(?-u:\b)",
    ),
    (
        "free",
        r"免费|免費|免单|赠送|贈送|送您|(?-u:\b)free of charge(?-u:\b)|(?-u:\b)for free(?-u:\b)|(?-u:\b)at no (?:extra )?(?:cost|charge)(?-u:\b)|(?-u:\b)complimentary(?-u:\b)",
    ),
    ("guarantee", r"保证|保證|承诺|承諾|担保|(?-u:\b)guarantee\w*|(?-u:\b)we promise(?-u:\b)"),
    ("warranty", r"保修|质保|質保|终身保|(?-u:\b)warrant(?:y|ies)(?-u:\b)"),
    ("replacement", r"换新|換新|包换|包換|(?-u:\b)replace(?:ment)? (?:it )?(?:for you|free)(?-u:\b)"),
    (
        "full",
        r"全额|全額|无条件|無條件|终身|永久|(?-u:\b)full refund(?-u:\b)|(?-u:\b)lifetime(?-u:\b)|(?-u:\b)unconditional\w*",
    ),
    (
        "discount",
        r"优惠券|折扣|打折|返现|立减|(?-u:\b)discount\w*|(?-u:\b)coupon\w*|(?-u:\b)voucher\w*|(?-u:\b)cashback(?-u:\b)",
    ),
];

static PROMISE: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let compile = |(name, pattern): &(&'static str, &str)| (*name, Regex::new(pattern).expect("a constant pattern"));
    PROMISES.iter().map(compile).collect()
});

/// The promises of a plain sentence: what kind, and where.
pub fn promises(text: &str) -> Vec<(&'static str, Span)> {
    let found = |(name, pattern): &'static (&'static str, Regex)| {
        pattern.find_iter(text).map(|one| (*name, Span { start: one.start(), end: one.end() })).collect::<Vec<_>>()
    };
    PROMISE.iter().flat_map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(text: &str) -> Vec<String> {
        read(text).denied.into_iter().flat_map(|denial| denial.predicates).collect()
    }

    #[test]
    fn denials_are_tied_to_what_they_deny() {
        assert_eq!(denied("本店不支持货到付款"), ["支持"]);
        assert_eq!(denied("拆封后不能退货"), ["能退", "退货"]);
        assert_eq!(denied("items cannot be returned"), ["return"]);
        assert_eq!(denied("it doesn't support hdmi"), ["support"]);
        assert_eq!(denied("不仅支持无线充电"), [] as [&str; 0]);
        assert_eq!(denied("not only that"), ["only"]);
        assert!(
            read("本店支持货到付款").affirmed.contains_key("支持") && !read("不支持").affirmed.contains_key("支持")
        );
    }

    #[test]
    fn promises_are_heard_in_both_languages() {
        let kinds = |text| promises(text).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        assert_eq!(kinds("我们会全额退款"), ["refund", "full"]);
        assert_eq!(kinds("we will refund you"), ["refund"]);
        assert_eq!(kinds("全场包邮"), ["free_shipping"]);
        assert_eq!(kinds("打开盖板"), [] as [&str; 0]);
    }
}
