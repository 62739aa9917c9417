//! How far a draft rests on the passages it cites.
//!
//! # Why
//! Hard claims are checked one by one, see [`claims`]. Softer support is a share: how many of the
//! draft's sentences are made of what the passages say.

use std::collections::HashSet;

use super::claims::{self, Cited};
use crate::domain::record::Unsupported;
use crate::retrieve::items::items;
use crate::retrieve::query::terms;

/// Share of a sentence's terms that must stand in the passages for it to count as supported.
const SUPPORTED_SHARE: f64 = 0.75;

/// What a check of a draft found.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounding {
    /// Share of the draft's sentences that the passages support, 0 to 1; 0 for an empty draft.
    pub grounded_share: f64,
    /// Claims that do not follow from the passages.
    pub unsupported: Vec<Unsupported>,
}

/// Checks `draft` against the passages it cites.
pub fn ground(draft: &str, cited: &[Cited<'_>]) -> Grounding {
    let evidence: Vec<&str> = cited.iter().map(|passage| passage.text).collect();
    Grounding { grounded_share: grounded_share(draft, &evidence.join("\n")), unsupported: claims::check(draft, cited) }
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

    fn grounded(draft: &str, chunk: &str) -> Grounding {
        ground(draft, &[Cited { titles: "", text: chunk }])
    }

    #[test]
    fn grounding_is_a_share_of_sentences() {
        let chunk = "Press the power button for five seconds. The light turns green.";
        let share = |draft, chunk| grounded(draft, chunk).grounded_share;
        assert_eq!(share("Press the power button. The light turns green.", chunk), 1.0);
        assert_eq!(share("Press the power button. Bananas grow on tall trees.", chunk), 0.5);
        assert_eq!(share("", chunk), 0.0);
        assert_eq!(share("长按电源键五秒。", "长按电源键五秒，指示灯变绿。"), 1.0);
    }

    proptest! {
        #[test]
        fn a_quote_is_always_supported(text in "[a-z0-9 .,\\-年月日按键不]{0,80}") {
            prop_assert!(grounded(&text, &text).unsupported.is_empty());
        }
    }
}
