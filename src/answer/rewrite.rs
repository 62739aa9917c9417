//! A follow-up becomes a question that can be searched by itself.
//!
//! # Why
//! "And in red?" finds nothing. Joining it with what was asked before is crude, cannot invent anything, and costs
//! nothing; a generated rewrite can change what the buyer asked.

use std::sync::LazyLock;

use regex::RegexSet;

use crate::domain::text::Lang;
use crate::retrieve::query::{count_words, fold, terms};

/// Points back: pronouns, "and …", "what about …".
static POINTS_BACK: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"^(and|but|so|or|then|also|what about|how about|what if)\b",
        r"\b(it|its|they|them|their|that one|this one|those|these|the same|the other( one)?)\b",
        r"^(那|那么|还有|另外|然后|如果是|要是|换成|而)",
        r"(它|它们|这个|那个|这种|那种|这款|那款|其他的|另一个|上面|刚才|刚刚|前者|后者)",
        r"呢[？?]?$",
    ])
    .expect("constant patterns")
});

/// Fewer terms than this say too little by themselves.
const FEW_TERMS: usize = 2;
/// A question of more words (Han characters) than this stands alone, whatever it points at.
const LONG_EN: usize = 14;
const LONG_ZH: usize = 22;

/// What to search for: the question, or the question after the buyer's previous one if it leans on it.
pub fn rewrite(question: &str, previous: Option<&str>) -> String {
    match previous {
        Some(previous) if leans_on_previous(question) => format!("{} {}", previous.trim(), question.trim()),
        _ => question.trim().to_owned(),
    }
}

fn leans_on_previous(question: &str) -> bool {
    let folded = fold(question);
    let folded = folded.trim();
    let long = match Lang::of(folded) {
        Lang::En => LONG_EN,
        Lang::Zh => LONG_ZH,
    };
    if count_words(folded) > long {
        return false;
    }
    // Bigrams repeat the words, so only the words count.
    let n_words = terms(folded).iter().filter(|term| !term.starts_with('#')).count();
    n_words < FEW_TERMS || POINTS_BACK.is_match(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follow_up_is_asked_after_what_came_before() {
        let previous = Some("Does the blue jacket come in XL?");
        assert_eq!(rewrite("And in red?", previous), "Does the blue jacket come in XL? And in red?");
        assert!(rewrite("How do I wash it?", previous).starts_with("Does the blue"));
        assert!(rewrite("那红色的呢？", Some("蓝色外套有XL吗？")).starts_with("蓝色外套"));
        assert!(rewrite("它怎么洗？", Some("蓝色外套有XL吗？")).starts_with("蓝色外套"));
        assert!(rewrite("price?", previous).starts_with("Does the blue"));
    }

    #[test]
    fn a_question_of_its_own_stays_alone() {
        let previous = Some("Does the blue jacket come in XL?");
        assert_eq!(
            rewrite("How long does delivery to Norway take?", previous),
            "How long does delivery to Norway take?"
        );
        assert_eq!(rewrite("退货运费由谁承担？", Some("有XL吗？")), "退货运费由谁承担？");
        assert_eq!(rewrite("And in red?", None), "And in red?");
    }
}
