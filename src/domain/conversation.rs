//! Threads and utterances.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ChunkId;
use crate::domain::text::Span;

/// Who answers in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Handler {
    /// The assistant drafts and, above the bar, sends.
    Assistant,
    /// An agent has taken over; the assistant is silent.
    Agent,
}

/// What makes the answers of a conversation that no buyer is in.
///
/// A demo's server plays whole days of a shop. Such a conversation looks like any other and is marked everywhere; what
/// people make of its answers never counts for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Simulated {
    /// A script points at the lines; no model is asked.
    Scripted,
    /// The generator, as for a buyer.
    Model,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// The shopper.
    Buyer,
    /// Our software, unseen by a person.
    Assistant,
    /// A person, with a draft of ours: accepted or edited.
    Reviewed,
    /// A person, in own words.
    Agent,
    /// A notice of the system: a person will answer, the conversation was closed.
    Notice,
}

/// Where a statement comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// The mark in the text, from 1.
    pub number: u32,
    /// The chunk.
    pub chunk: ChunkId,
    /// Name of its document.
    pub document: String,
    /// Titles above it.
    pub heading_path: Vec<String>,
    /// 1-based page.
    pub page: Option<u32>,
    /// The quoted passage.
    pub quote: String,
    /// From the first quoted word in the document's text to the last; `None` if a part is not quoted word for word.
    pub span: Option<Span>,
    /// Each quoted sentence in the document's text; empty where `span` is `None`.
    #[serde(default)]
    pub parts: Vec<Span>,
}

impl Citation {
    /// Adds a sentence to the quote. One whose place is not known leaves the whole quote without places: a part of it
    /// marked would look like all of it.
    pub fn add(&mut self, sentence: &str, place: Option<Span>) {
        let is_placed = self.quote.is_empty() || self.span.is_some();
        if !self.quote.is_empty() {
            self.quote.push('\n');
        }
        self.quote.push_str(sentence);
        match place.filter(|_| is_placed) {
            Some(place) => {
                let whole = self.span.unwrap_or(place);
                self.span = Some(Span { start: whole.start.min(place.start), end: whole.end.max(place.end) });
                self.parts.push(place);
            }
            None => {
                self.span = None;
                self.parts.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_quote_has_a_place_only_if_all_of_it_has_one() {
        let nowhere = Citation {
            number: 1,
            chunk: ChunkId(Uuid::nil()),
            document: "care.md".to_owned(),
            heading_path: vec![],
            page: None,
            quote: String::new(),
            span: None,
            parts: vec![],
        };
        let place = |start, end| Some(Span { start, end });
        let mut citation = nowhere.clone();
        citation.add("Wash it.", place(10, 18));
        citation.add("Dry it.", place(30, 37));
        assert_eq!((citation.quote.as_str(), citation.span), ("Wash it.\nDry it.", place(10, 37)));
        assert_eq!(citation.parts.len(), 2);
        citation.add("Made up.", None);
        citation.add("Iron it.", place(40, 48));
        assert_eq!((citation.span, citation.parts.len()), (None, 0));
    }
}
