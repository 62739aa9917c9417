//! What is known of a draft, by name: the input of every calibration, stored with the turn.
//!
//! A feature that was not computed is absent, never zero.

use super::draft::Draft;
use super::ground::Grounding;
use crate::domain::calibration::Features;
use crate::domain::text::Lang;
use crate::retrieve::query::{count_words, terms};
use crate::retrieve::{Passage, Retrieved};

/// The features of a draft.
pub fn features(retrieved: &Retrieved, draft: &Draft, grounding: &Grounding, lang: Lang) -> Features {
    let mut features = Features::default();
    if let Some(best) = retrieved.passages.first() {
        add_signals(best, &retrieved.passages, &mut features);
    }
    features.set("search_agreement", f64::from(retrieved.agreement));
    features.set("n_question_terms", retrieved.question_terms.len() as f64);
    features.set("is_chinese", if lang == Lang::Zh { 1.0 } else { 0.0 });
    features.set("draft_words", count_words(&draft.text) as f64);
    features.set("draft_coverage", draft_coverage(retrieved, &draft.text));
    features.set("grounded_share", grounding.grounded_share);
    features.set("n_unsupported", grounding.unsupported.len() as f64);
    if let Some(top) = draft.quotes.iter().map(|quote| quote.chance).reduce(f32::max) {
        features.set("best_quote_chance", f64::from(top));
        let mean = draft.quotes.iter().map(|quote| quote.chance).sum::<f32>() / draft.quotes.len() as f32;
        features.set("mean_quote_chance", f64::from(mean));
    }
    if let Some(pick) = &draft.pick {
        features.set("pick_none_logprob", f64::from(pick.none_logprob));
        features.set("pick_mean_logprob", f64::from(pick.mean_logprob));
        features.set("n_picked", pick.n_picked as f64);
    }
    features
}

fn add_signals(best: &Passage, passages: &[Passage], features: &mut Features) {
    let signals = &best.signals;
    features.set("similarity", f64::from(signals.similarity));
    features.set("lexical_of_ideal", f64::from(signals.lexical_of_ideal));
    features.set("item_similarity", f64::from(signals.item_similarity));
    features.set("coverage", f64::from(signals.coverage));
    features.set("title_in_question", f64::from(signals.title_in_question));
    features.set("preference", f64::from(best.preference));
    let best_item = passages.iter().map(|passage| passage.signals.item_similarity).fold(-1.0, f32::max);
    features.set("best_item_similarity", f64::from(best_item));
}

/// Share of the question's distinct terms that the draft has.
fn draft_coverage(retrieved: &Retrieved, draft: &str) -> f64 {
    let draft: std::collections::HashSet<String> = terms(draft).into_iter().collect();
    let wanted: std::collections::BTreeSet<&String> = retrieved.question_terms.iter().collect();
    if wanted.is_empty() {
        return 0.0;
    }
    wanted.iter().filter(|term| draft.contains(**term)).count() as f64 / wanted.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::ground::ground;
    use crate::retrieve::testing::passage;

    fn of(draft: &Draft, passages: Vec<Passage>) -> Features {
        let retrieved = Retrieved { question_terms: terms("reset the router"), passages, ..Retrieved::default() };
        features(&retrieved, draft, &ground(&draft.text, &[]), Lang::En)
    }

    fn draft(text: &str) -> Draft {
        Draft { text: text.to_owned(), quotes: vec![], pick: None, failure: None }
    }

    #[test]
    fn what_was_not_computed_is_absent() {
        let features = of(&draft(""), vec![]);
        for name in ["similarity", "preference", "pick_none_logprob", "best_quote_chance"] {
            assert_eq!(features.get(name), None, "{name}");
        }
    }

    #[test]
    fn a_draft_about_the_question_covers_it() {
        let passages = vec![passage("reset the router", "Reset the router with a pin.", 1.0)];
        let features = of(&draft("Reset the router with a pin."), passages);
        assert_eq!(features.get("draft_coverage"), Some(1.0));
        assert_eq!(features.get("preference"), Some(1.0));
        assert!(features.0.values().all(|value| value.is_finite()));
    }
}
