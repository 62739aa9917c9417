use proptest::prelude::*;

use super::*;
use crate::domain::document::Format;
use crate::ingest::draft::{Draft, RawKind};
use crate::ingest::normalize::normalize;
use crate::ingest::parse_markdown::parse_markdown;

/// A Han character is a token; a Latin word is one per four letters; plus two special tokens, like a real tokenizer.
fn count(text: &str) -> usize {
    let mut n_tokens = 2;
    for word in text.split_whitespace() {
        let n_ascii = word.chars().filter(char::is_ascii).count();
        n_tokens += word.chars().count() - n_ascii + n_ascii.div_ceil(4);
    }
    n_tokens
}

fn cut(parsed: &Parsed, options: ChunkOptions) -> Vec<Chunk> {
    chunk(parsed, &options, &count)
}

fn small() -> ChunkOptions {
    ChunkOptions { max_tokens: 64, whole_section_tokens: 40, target_tokens: 32 }
}

#[test]
fn a_section_that_fits_stays_whole_and_sections_do_not_mix() {
    let parsed = normalize(parse_markdown("# A\n\none\n\n- two\n\n## B\n\nthree\n\n# C\n\nfour"));
    let chunks = cut(&parsed, ChunkOptions::default());
    let found: Vec<(Vec<String>, &str)> = chunks.iter().map(|c| (c.heading_path.clone(), c.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (vec!["A".to_owned()], "one\n\n- two"),
            (vec!["A".to_owned(), "B".to_owned()], "three"),
            (vec!["C".to_owned()], "four")
        ]
    );
}

#[test]
fn a_heading_without_text_is_not_lost() {
    let parsed = normalize(parse_markdown("# M\n\n## Hot surface\n\n## Warning\n\nDo not touch.\n\n## The end"));
    let chunks = cut(&parsed, ChunkOptions::default());
    assert_eq!(chunks[0].text, "Hot surface\n\nWarning\n\nDo not touch.");
    assert_eq!(chunks[0].heading_path, ["M", "Warning"]);
    assert_eq!(chunks[1].text, "The end");
}

#[test]
fn a_list_stays_with_the_sentence_that_introduces_it() {
    let filler = "This is a sentence of some words. ".repeat(6);
    let items = "- press the button for three seconds\n".repeat(8);
    let parsed = normalize(parse_markdown(&format!("{filler}To reset it:\n\n{items}")));
    let chunks = cut(&parsed, small());
    assert!(chunks.len() > 2);
    assert!(chunks.iter().any(|c| c.text.contains("To reset it:\n\n- press")), "{chunks:#?}");
    assert!(chunks.iter().all(|c| !c.text.ends_with("To reset it:")));
}

#[test]
fn every_later_piece_of_a_table_begins_with_its_header_row() {
    let rows: Vec<String> = (0..40).map(|n| format!("AF-{n} | {n} cm | black")).collect();
    let mut draft = Draft::new(Format::Csv);
    draft.push(RawKind::Table, format!("SKU | Width | Color\n{}", rows.join("\n")));
    let parsed = normalize(draft);
    let chunks = cut(&parsed, small());
    assert!(chunks.len() > 3);
    for chunk in &chunks {
        assert!(chunk.text.starts_with("SKU | Width | Color\nAF-"));
        assert!(chunk.text.lines().skip(1).all(|line| rows.iter().any(|row| row == line)), "{}", chunk.text);
    }
    assert!(!chunks[1].span.of(&parsed.text).contains("SKU"));
}

#[test]
fn each_faq_entry_is_a_chunk_and_a_long_answer_repeats_its_question() {
    let mut draft = Draft::new(Format::Csv);
    draft.push(RawKind::Faq { answer: "Seven days.".into() }, "How long can I return it?");
    draft.push(RawKind::Faq { answer: "We ship by sea and by air. ".repeat(20) }, "How do you ship?");
    let chunks = cut(&normalize(draft), small());
    assert_eq!(chunks[0].text, "How long can I return it?\nSeven days.");
    assert!(chunks.len() > 3);
    assert!(chunks[1..].iter().all(|chunk| chunk.text.starts_with("How do you ship?\nWe ship")));
}

#[test]
fn pieces_of_a_long_section_are_of_even_length() {
    let text = "The lid must be closed before you press the start button. ".repeat(60);
    let chunks = cut(&normalize(parse_markdown(&text)), ChunkOptions::default());
    let (least, most) = chunks.iter().fold((u32::MAX, 0), |(a, b), c| (a.min(c.n_tokens), b.max(c.n_tokens)));
    assert!(most < least * 2, "{least} to {most}");
    assert!(chunks.iter().all(|c| c.text.starts_with("The lid") && c.text.ends_with("button.")));
}

#[test]
fn titles_never_crowd_out_the_text() {
    let mut draft = Draft::new(Format::Markdown);
    for level in 1..=6 {
        draft.push(RawKind::Heading(level), format!("{level} {}", "长标题".repeat(6)));
    }
    draft.push(RawKind::Paragraph, "内容。".repeat(200));
    let chunks = cut(&normalize(draft), ChunkOptions { max_tokens: 128, ..small() });
    assert!(chunks.iter().all(|c| c.n_tokens <= 128 && c.heading_path.len() == 1));
}

fn any_line() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z]{1,9}[ .,:!?]{0,2}",
        4 => "[\u{4e00}-\u{4e40}。，：！？]{1,12}",
        1 => "\\PC{1,12}",
        1 => "[👍🏽👨‍👩‍👧e\u{301}]{1,6}",
        1 => "[a-z]{200,500}",
    ];
    proptest::collection::vec(part, 1..24).prop_map(|parts| parts.join(" "))
}

fn any_draft() -> impl Strategy<Value = Draft> {
    let kind = prop_oneof![
        2 => (1u8..5).prop_map(RawKind::Heading),
        4 => Just(RawKind::Paragraph),
        2 => Just(RawKind::List),
        2 => Just(RawKind::Table),
        1 => Just(RawKind::Code),
        1 => any_line().prop_map(|answer| RawKind::Faq { answer }),
    ];
    let lines = proptest::collection::vec(any_line(), 1..8).prop_map(|lines| lines.join("\n"));
    proptest::collection::vec((kind, lines), 0..12).prop_map(|blocks| {
        let mut draft = Draft::new(Format::Text);
        for (kind, text) in blocks {
            draft.push(kind, text);
        }
        draft
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn chunks_cover_the_text_in_order_within_the_budget(draft in any_draft(), max_tokens in 48u32..300) {
        let parsed = normalize(draft);
        let options = ChunkOptions { max_tokens, whole_section_tokens: max_tokens * 3 / 4, target_tokens: max_tokens / 2 };
        let chunks = chunk(&parsed, &options, &count);
        let mut end = 0;
        for (idx, chunk) in chunks.iter().enumerate() {
            prop_assert_eq!(chunk.ordinal as usize, idx);
            prop_assert!(chunk.span.start >= end && chunk.span.end > chunk.span.start);
            end = chunk.span.end;
            prop_assert!(chunk.text.ends_with(chunk.span.of(&parsed.text)) && !chunk.span.of(&parsed.text).is_empty());
            prop_assert_eq!(chunk.n_tokens as usize, count(&chunk.indexed_text()));
            prop_assert!(chunk.n_tokens <= max_tokens, "{} > {}", chunk.n_tokens, max_tokens);
        }
        for block in parsed.blocks.iter().filter(|block| block.kind != BlockKind::Heading) {
            for (at, c) in block.text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
                let at = block.span.start + at;
                prop_assert!(chunks.iter().any(|k| k.span.start <= at && at < k.span.end), "{c:?} at {at} is lost");
            }
        }
    }

    #[test]
    fn a_row_that_fits_is_never_cut(cells in proptest::collection::vec("[a-z]{1,12} \\| [\u{4e00}-\u{4e40}]{1,12}", 2..40)) {
        let mut draft = Draft::new(Format::Csv);
        draft.push(RawKind::Table, cells.join("\n"));
        let parsed = normalize(draft);
        for chunk in cut(&parsed, small()) {
            for line in chunk.text.lines() {
                prop_assert!(cells.iter().any(|row| row == line), "{line}");
            }
        }
    }
}
