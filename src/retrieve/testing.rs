//! Builders for tests of retrieval and of answering.

use uuid::Uuid;

use super::items::items;
use super::query::terms;
use super::rarity::Rarity;
use super::rerank::Signals;
use super::{Hit, Passage, ScoredItem};
use crate::domain::document::Audience;
use crate::domain::ids::{ChunkId, DocumentId, RevisionId};
use crate::domain::text::Span;
use crate::storage::chunks::ChunkRow;

/// A hit of a manual that anybody may read.
pub fn hit(text: &str) -> Hit {
    Hit {
        row: ChunkRow {
            id: ChunkId(Uuid::nil()),
            document_id: DocumentId(Uuid::nil()),
            revision_id: RevisionId(Uuid::nil()),
            document_name: "Manual".to_owned(),
            sku: None,
            audience: Audience::Buyers,
            platforms: vec![],
            text: text.to_owned(),
            heading_path: vec![],
            page: None,
            span: Span { start: 0, end: text.len() },
            n_tokens: 10,
            ordinal: 0,
            disabled: false,
            edited: false,
        },
        similarity: None,
        lexical: None,
        fused: 1.0,
    }
}

/// A passage for a question: items are as similar to it as they cover it.
pub fn passage(question: &str, text: &str, preference: f32) -> Passage {
    let rarity = Rarity::of_chunks([text, "something else"]);
    let question = terms(question);
    let items: Vec<ScoredItem> = items(text)
        .into_iter()
        .map(|item| {
            let coverage = rarity.coverage(&question, &terms(&item.text));
            ScoredItem { item, similarity: coverage, coverage }
        })
        .collect();
    let coverage = rarity.coverage(&question, &terms(text));
    let signals = Signals {
        similarity: coverage,
        lexical: coverage,
        lexical_of_ideal: coverage,
        item_similarity: coverage,
        coverage,
        title_in_question: 0.0,
    };
    Passage { hit: hit(text), items, signals, preference }
}
