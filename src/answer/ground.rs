//! Claims of a draft against the chunks it cites.
//!
//! # Why
//! A wrong number is the costliest mistake and the easiest to catch: whatever looks like a hard claim (a number, a
//! price, a date, a link, a code, a phone number) must stand in a cited chunk, letter by letter. Softer support is a
//! share: how many of the draft's sentences are made of what the chunks say.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::text::Span;
use crate::retrieve::items::items;
use crate::retrieve::query::{fold, terms};

/// Share of a sentence's terms that must stand in the chunks for it to count as supported.
const SUPPORTED_SHARE: f64 = 0.75;

/// What a check of a draft found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grounding {
    /// Share of the draft's sentences that the chunks support, 0 to 1; 0 for an empty draft.
    pub grounded_share: f64,
    /// Hard claims that stand in no chunk, as spans of the draft.
    pub unsupported: Vec<Unsupported>,
}

/// A hard claim without support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsupported {
    /// Where it stands in the draft.
    pub span: Span,
    /// What it says.
    pub text: String,
}

/// Links, mail addresses, codes such as `AB-1234`, and numbers with what belongs to them.
static CLAIM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"https?://[^\s，。；）)]+|[\w.+-]+@[\w-]+\.[\w.]+|",
        r"[A-Za-z]+-?\d[\w-]*|",
        r"\d+(?:[.,:/\-–]\d+)*"
    ))
    .expect("the pattern is a constant and its tests run it")
});

/// A number that only counts list entries: `1.` at the start of a line.
static LIST_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*\d{1,2}[.、)）]\s").expect("a constant pattern"));

/// Checks `draft` against the texts of the chunks it cites.
pub fn ground(draft: &str, cited: &[&str]) -> Grounding {
    let evidence = fold(&cited.join("\n"));
    let known: HashSet<String> = claims(&evidence).into_iter().map(|(_, claim)| claim).collect();
    let unsupported = claims(draft)
        .into_iter()
        .filter(|(_, claim)| !known.contains(claim) && !parts_are_known(claim, &known))
        .map(|(span, _)| Unsupported { span, text: span.of(draft).to_owned() })
        .collect();
    Grounding { grounded_share: grounded_share(draft, &evidence), unsupported }
}

/// Hard claims with their canonical form.
fn claims(text: &str) -> Vec<(Span, String)> {
    let list_numbers: Vec<Span> =
        LIST_NUMBER.find_iter(text).map(|found| Span { start: found.start(), end: found.end() }).collect();
    CLAIM
        .find_iter(text)
        .filter(|found| !list_numbers.iter().any(|span| span.start <= found.start() && found.end() <= span.end))
        .map(|found| (Span { start: found.start(), end: found.end() }, canonical(found.as_str())))
        .collect()
}

/// `1,299` and `1299` are the same number; `05` and `5` are.
fn canonical(claim: &str) -> String {
    let folded = fold(claim);
    let folded = folded.trim_end_matches(['.', ',', ':', '-', '/']);
    let is_number = folded.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.'));
    if !is_number {
        return folded.to_owned();
    }
    let plain = folded.replace(',', "");
    let trimmed = plain.trim_start_matches('0');
    if trimmed.is_empty() || trimmed.starts_with('.') { format!("0{trimmed}") } else { trimmed.to_owned() }
}

/// A range or date of which each number is known: `4-15` where the chunk has `4 - 15`.
fn parts_are_known(claim: &str, known: &HashSet<String>) -> bool {
    let parts: Vec<&str> = claim.split(['-', '–', '/', ':']).collect();
    parts.len() > 1
        && parts
            .iter()
            .all(|part| part.chars().all(|c| c.is_ascii_digit() || c == '.') && known.contains(&canonical(part)))
}

fn grounded_share(draft: &str, evidence: &str) -> f64 {
    let known: HashSet<String> = terms(evidence).into_iter().collect();
    let shares: Vec<f64> = items(draft)
        .iter()
        .map(|item| terms(&item.text))
        .filter(|terms| !terms.is_empty())
        .map(|terms| terms.iter().filter(|term| known.contains(*term)).count() as f64 / terms.len() as f64)
        .collect();
    if shares.is_empty() {
        return 0.0;
    }
    shares.iter().filter(|share| **share >= SUPPORTED_SHARE).count() as f64 / shares.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unsupported(draft: &str, chunk: &str) -> Vec<String> {
        ground(draft, &[chunk]).unsupported.into_iter().map(|claim| claim.text).collect()
    }

    #[test]
    fn a_changed_number_is_caught() {
        assert_eq!(unsupported("Returns within 14 days cost $6.90.", "Return it within 30 days. Fee: $6.90."), ["14"]);
        assert_eq!(unsupported("七天内可退，运费12元。", "7天内可退，运费 10 元。"), ["12"]);
    }

    #[test]
    fn the_same_number_in_another_notation_is_no_change() {
        assert!(unsupported("The TV costs 1,299.", "Price: 1299").is_empty());
        assert!(unsupported("车速 4-15 km/h", "车速处于 4 - 15 km/h 范围内").is_empty());
        assert!(unsupported("步骤５", "步骤 5").is_empty());
    }

    #[test]
    fn links_mails_codes_and_phones_must_be_in_the_chunk() {
        let chunk = "Call 400-601-0101 or see https://shop.example/help, model AB-1200.";
        assert!(unsupported("Model AB-1200: call 400-601-0101, https://shop.example/help", chunk).is_empty());
        assert_eq!(unsupported("https://evil.example/help", chunk), ["https://evil.example/help"]);
        assert_eq!(unsupported("Model AB-1300", chunk), ["AB-1300"]);
        assert_eq!(unsupported("mail me@evil.example", chunk), ["me@evil.example"]);
    }

    #[test]
    fn numbers_of_a_list_are_no_claims() {
        assert!(unsupported("1. Press OK\n2. Wait", "Press OK, then wait").is_empty());
    }

    #[test]
    fn grounding_is_a_share_of_sentences() {
        let chunk = "Press the power button for five seconds. The light turns green.";
        assert_eq!(ground("Press the power button. The light turns green.", &[chunk]).grounded_share, 1.0);
        assert_eq!(ground("Press the power button. Bananas grow on tall trees.", &[chunk]).grounded_share, 0.5);
        assert_eq!(ground("", &[chunk]).grounded_share, 0.0);
        assert_eq!(ground("长按电源键五秒。", &["长按电源键五秒，指示灯变绿。"]).grounded_share, 1.0);
    }

    proptest! {
        #[test]
        fn a_quote_is_always_supported(text in "[a-z0-9 .,\\-年月日按键]{0,80}") {
            prop_assert!(ground(&text, &[&text]).unsupported.is_empty());
        }
    }
}
