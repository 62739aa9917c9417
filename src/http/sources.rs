//! What a citation leads to: the chunk with what stands around it, and the quoted words marked.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::conversation::Citation;
use crate::domain::document::Audience;
use crate::domain::ids::{DocumentId, ShopId};
use crate::domain::text::Span;
use crate::storage::chunks::{self, ChunkRow};
use crate::storage::{Db, StorageError};

/// Chunks shown above and below the cited one.
const AROUND: (u32, u32) = (1, 1);

/// Between chunks.
const GAP: &str = "\n\n";

/// A marked stretch, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mark {
    start: usize,
    /// One past the last.
    end: usize,
}

/// What a citation leads to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceView {
    document: String,
    heading_path: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    /// The chunk with what stands around it; the quote alone if the document does not answer any more.
    text: String,
    quote: String,
    /// Where the quote stands in `text`.
    marks: Vec<Mark>,
    /// For people of the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<DocumentId>,
    /// For people of the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_url: Option<String>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Sees what buyers may be told, and no file.
    Buyer,
    /// Sees everything.
    Member,
}

/// What `citation` leads to.
pub async fn show(db: &Db, shop: ShopId, citation: Citation, reader: Reader) -> Result<SourceView, StorageError> {
    let found = match reader {
        // What may not be said now is not shown either: replaced, removed, out of date.
        Reader::Buyer => chunks::by_ids(db, shop, &[citation.chunk]).await?.into_iter().next(),
        Reader::Member => chunks::get(db, shop, citation.chunk).await?,
    };
    let is_visible = |chunk: &ChunkRow| reader == Reader::Member || chunk.audience == Audience::Buyers;
    let Some(chunk) = found.filter(is_visible) else { return Ok(quote_alone(citation)) };
    let around = chunks::neighbours(db, shop, &chunk, AROUND).await?;
    let (text, marks) = lay_out(&chunk, &around, &citation);
    let is_member = reader == Reader::Member;
    Ok(SourceView {
        file_url: is_member.then(|| file_url(&chunk)),
        document_id: is_member.then_some(chunk.document_id),
        document: chunk.document_name,
        heading_path: chunk.heading_path,
        page: chunk.page,
        text,
        quote: citation.quote,
        marks,
    })
}

fn quote_alone(citation: Citation) -> SourceView {
    SourceView {
        document: citation.document,
        heading_path: citation.heading_path,
        page: citation.page,
        marks: vec![Mark { start: 0, end: citation.quote.chars().count() }],
        text: citation.quote.clone(),
        quote: citation.quote,
        document_id: None,
        file_url: None,
    }
}

/// The file as it was when the chunk was read; a PDF opens at its page.
fn file_url(chunk: &ChunkRow) -> String {
    let page = chunk.page.map(|page| format!("#page={page}")).unwrap_or_default();
    format!("/v1/knowledge/documents/{}/file?revision={}{page}", chunk.document_id, chunk.revision_id)
}

fn lay_out(chunk: &ChunkRow, around: &[ChunkRow], citation: &Citation) -> (String, Vec<Mark>) {
    let (before, after): (Vec<_>, Vec<_>) = around.iter().partition(|other| other.ordinal < chunk.ordinal);
    let mut text: String = before.iter().flat_map(|other| [other.text.as_str(), GAP]).collect();
    let offset = text.chars().count();
    text.push_str(&chunk.text);
    text.extend(after.iter().flat_map(|other| [GAP, other.text.as_str()]));
    let n_chars = |end: usize| chunk.text[..end].chars().count();
    let mark = |part: Span| Mark { start: offset + n_chars(part.start), end: offset + n_chars(part.end) };
    (text, quoted_parts(chunk, citation).into_iter().map(mark).collect())
}

/// What is marked of a chunk: the places that the citation names, if the chunk still says there what was quoted; else
/// the quoted lines where they are found; else all of it, since all of it was cited.
fn quoted_parts(chunk: &ChunkRow, citation: &Citation) -> Vec<Span> {
    let placed: Option<Vec<Span>> = citation.parts.iter().map(|place| chunk.part_at(*place)).collect();
    let says_so = |parts: &Vec<Span>| {
        let said: Vec<&str> = parts.iter().map(|part| part.of(&chunk.text)).collect();
        !parts.is_empty() && said.join("\n") == citation.quote
    };
    let found = || {
        let lines = citation.quote.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| chunk.text.find(line).map(|start| Span { start, end: start + line.len() })).collect()
    };
    placed
        .filter(says_so)
        .or_else(found)
        .filter(|parts| !parts.is_empty())
        .unwrap_or_else(|| vec![Span { start: 0, end: chunk.text.len() }])
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{ChunkId, RevisionId};

    fn chunk(ordinal: u32, text: &str) -> ChunkRow {
        ChunkRow {
            id: ChunkId(Uuid::nil()),
            document_id: DocumentId(Uuid::nil()),
            revision_id: RevisionId(Uuid::nil()),
            document_name: "退货.md".into(),
            sku: None,
            audience: Audience::Buyers,
            platforms: vec![],
            text: text.into(),
            heading_path: vec![],
            page: Some(3),
            span: Span { start: 0, end: text.len() },
            n_tokens: 1,
            ordinal,
            disabled: false,
            edited: false,
        }
    }

    fn citation(quote: &str, parts: &[(usize, usize)]) -> Citation {
        Citation {
            number: 1,
            chunk: ChunkId(Uuid::nil()),
            document: "退货.md".into(),
            heading_path: vec![],
            page: None,
            quote: quote.into(),
            span: None,
            parts: parts.iter().map(|(start, end)| Span { start: *start, end: *end }).collect(),
        }
    }

    fn marked(text: &str, mark: Mark) -> String {
        text.chars().skip(mark.start).take(mark.end - mark.start).collect()
    }

    #[test]
    fn the_quote_is_marked_between_its_neighbours() {
        let (text, marks) =
            lay_out(&chunk(1, "七天内可退货。"), &[chunk(0, "上一段"), chunk(2, "下一段")], &citation("可退货", &[]));
        assert_eq!(text, "上一段\n\n七天内可退货。\n\n下一段");
        assert_eq!(marked(&text, marks[0]), "可退货");
    }

    #[test]
    fn a_quote_that_is_not_there_marks_the_chunk() {
        let (text, marks) = lay_out(&chunk(1, "seven days"), &[chunk(0, "above")], &citation("8 days", &[]));
        assert_eq!(marked(&text, marks[0]), "seven days");
        assert!(file_url(&chunk(1, "")).ends_with("#page=3"));
    }

    #[test]
    fn each_quoted_sentence_is_marked_where_it_stands() {
        let mut cited = chunk(1, "Wash it. Dry it. Wash it.");
        cited.span = Span { start: 100, end: 125 };
        let (text, marks) = lay_out(&cited, &[], &citation("Dry it.\nWash it.", &[(109, 116), (117, 125)]));
        let got: Vec<_> = marks.iter().map(|mark| (mark.start, marked(&text, *mark))).collect();
        assert_eq!(got, [(9, "Dry it.".to_owned()), (17, "Wash it.".to_owned())], "not the first of its like");
        cited.edited = true;
        let (_, marks) = lay_out(&cited, &[], &citation("Dry it.", &[(109, 116)]));
        assert_eq!((marks[0].start, marks[0].end), (9, 16), "an edited chunk is searched for the words");
    }
}
