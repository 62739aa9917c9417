//! What has to be mended for an agent's edit: how the shop speaks, a fact, a step that the source leaves out, or the
//! product that was meant. Pure; stored with the review, so that nobody has to fill in a form.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::edit::{ChangedClaim, ClaimKind, propose};
use crate::domain::outcome::{Difference, EditKind};

/// Added sentences that only greet, soothe or thank are no steps.
static COURTESY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"您好|你好|亲爱|抱歉|对不起|不好意思|谢谢|感谢|辛苦|祝您|祝你|愉快|理解您|理解你|放心|久等|随时|为您服务|帮到您|\b(?:hello|hi|dear|sorry|apologi[sz]e|thanks?|thank you|glad|happy to|welcome|understand|patience|let (?:me|us) know|feel free|any (?:other|more|further) questions|nice day)\b",
    )
    .expect("a constant pattern that the tests run")
});

/// Kind words that deny nothing, for all the little words in them.
static KIND_DENIALS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)非常|不便(?:之处)?|不好意思|不客气|不好的(?:体验|感受)|不愉快|别(?:着急|担心)|不(?:用|要|必)(?:着急|担心|客气)|没(?:关系|问题)|\b(?:no (?:problem|worries)|(?:don't|do not) (?:worry|hesitate)|not at all)\b",
    )
    .expect("a constant pattern that the tests run")
});

/// Marks of citations say nothing of their own.
static MARKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[\d+\]").expect("a constant pattern that the tests run"));

/// A shorter sentence is an interjection.
const MIN_STEP_CHARS: usize = 5;

/// What the change from the draft to what was sent has to be mended by. `said` is what the agent called it: a fact is one
/// although the texts do not show it, while nobody calls another number a matter of style unseen: then the rules count.
pub fn class((draft, sent): (&str, &str), said: Option<EditKind>) -> Difference {
    let meant = |text: &str| KIND_DENIALS.replace_all(&text.replace('’', "'"), " ").into_owned();
    let proposal = propose(&meant(draft), &meant(sent));
    let is_swapped = |changed: &ChangedClaim| {
        changed.kind == ClaimKind::Sku && !changed.before.is_empty() && !changed.after.is_empty()
    };
    if proposal.because.iter().any(is_swapped) {
        return Difference::WrongProduct;
    }
    let nothing_lost = proposal.because.iter().all(|changed| changed.before.is_empty());
    if nothing_lost && adds_a_step(draft, sent) {
        return Difference::MissingStep;
    }
    match (said, proposal.kind) {
        (Some(EditKind::Fact), _) | (None, EditKind::Fact) => Difference::Fact,
        (Some(EditKind::Style), _) | (None, EditKind::Style) => Difference::Tone,
    }
}

/// Every sentence of the draft is still there, and another one that says more than kind words.
fn adds_a_step(draft: &str, sent: &str) -> bool {
    let (before, after) = (sentences(draft), sentences(sent));
    let is_step = |sentence: &&String| sentence.chars().count() >= MIN_STEP_CHARS && !COURTESY.is_match(sentence);
    !before.is_empty() && before.is_subset(&after) && after.difference(&before).any(|added| is_step(&added))
}

/// Sentences and lines, folded; without marks and without the number of a list item, which moves when one is added.
fn sentences(text: &str) -> BTreeSet<String> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let folded = MARKS.replace_all(&folded, "");
    let is_end = |c: char| matches!(c, '。' | '!' | '?' | ';' | '\n');
    let parts = folded.split(is_end).flat_map(|part| part.split(". "));
    let plain = |part: &str| {
        let part = part.trim().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '、' | ')' | '-'));
        part.trim_matches(|c: char| c.is_whitespace() || c.is_ascii_punctuation() || matches!(c, '、' | '~')).to_owned()
    };
    parts.map(plain).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(draft: &str, sent: &str) -> Difference {
        class((draft, sent), None)
    }

    #[test]
    fn each_edit_says_what_has_to_be_mended() {
        use Difference::{Fact, MissingStep, Tone, WrongProduct};
        for (draft, sent, want) in [
            ("签收后7天内可退货。[1]", "亲，签收后7天内可退货哦～", Tone),
            ("签收后7天内可退货。", "您好，非常抱歉给您带来不便。签收后7天内可退货。感谢您的理解！", Tone),
            ("Within 7 days.", "Hello! Within 7 days. Let me know if you need more.", Tone),
            ("Press Reset.", "No problem! Press Reset, and don’t worry.", Tone),
            ("签收后7天内可退货。", "签收后15天内可退货。", Fact),
            ("签收后7天内可退货。", "不好意思，签收后不可退货。", Fact),
            ("可以机洗。", "不可以机洗。", Fact),
            ("长按电源键5秒。", "先拔掉充电线。长按电源键5秒。", MissingStep),
            ("1. Hold Home.\n2. Wait for green.", "1. Plug it in.\n2. Hold Home.\n3. Wait for green.", MissingStep),
            ("请上传凭证。", "请上传凭证。审核需要3天。", MissingStep),
            ("型号 AF-500 支持。", "型号 AF-600 支持。", WrongProduct),
            ("The PB-10 takes 2 hours.", "The PB-20 takes 3 hours.", WrongProduct),
        ] {
            assert_eq!(of(draft, sent), want, "{draft} → {sent}");
        }
    }

    #[test]
    fn what_the_agent_says_counts_where_the_texts_show_nothing() {
        let (draft, sent) = ("从北京发货。", "从上海发货。");
        assert_eq!(class((draft, sent), Some(EditKind::Fact)), Difference::Fact);
        assert_eq!(class((draft, sent), Some(EditKind::Style)), Difference::Tone);
    }
}
