//! Rows of tables in an answer: those that are asked for, under the header that says what their cells mean.
//!
//! # Why
//! The rows of a specification table look alike to every score, so "how heavy is the PB-10?" would quote its
//! neighbours, too; and `PB-10 | 210 g | 129` alone tells a buyer nothing.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::extract::Quote;
use crate::retrieve::Passage;
use crate::retrieve::items::ItemKind;

static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*").expect("a constant pattern"));

/// Without the rows that are about something else: where the question names a product or an abbreviation and a row of
/// a passage begins with it, the passage's rows that lack it. (`Model | HP-20` is one line of what describes the HP-20;
/// the other lines describe it, too.)
pub fn asked_for(question: &str, candidates: Vec<Quote>, passages: &[Passage]) -> Vec<Quote> {
    let codes = codes(question);
    let is_body_row = |quote: &Quote| is_row(passages, quote) && header_of(passages, quote) != Some(quote.item);
    let text = |quote: &Quote| passages[quote.passage].items[quote.item].item.text.to_lowercase();
    let has_code = |text: &str| codes.iter().any(|code| text.contains(code));
    let begins_with_code = |quote: &&Quote| has_code(text(quote).split(" |").next().unwrap_or_default());
    let named: HashSet<usize> = candidates
        .iter()
        .filter(|quote| is_body_row(quote))
        .filter(begins_with_code)
        .map(|quote| quote.passage)
        .collect();
    let is_asked_for = |quote: &Quote| !is_body_row(quote) || !named.contains(&quote.passage) || has_code(&text(quote));
    candidates.into_iter().filter(is_asked_for).collect()
}

/// With the header of each table that a row is quoted from, before the row. A header that came alone is left out,
/// unless it is all there is. The quotes of a passage are in the order of the text.
pub fn with_headers(quotes: Vec<Quote>, passages: &[Passage]) -> Vec<Quote> {
    let mut quoted: HashSet<(usize, usize)> = quotes.iter().map(|quote| (quote.passage, quote.item)).collect();
    let header = |quote: &Quote| header_of(passages, quote).map(|item| (quote.passage, item));
    let is_header = |quote: &Quote| header(quote) == Some((quote.passage, quote.item));
    let explained: HashSet<_> = quotes.iter().filter(|quote| !is_header(quote)).filter_map(header).collect();
    let says_nothing = |quote: &Quote| is_header(quote) && !explained.contains(&(quote.passage, quote.item));
    let is_all_there_is = quotes.iter().all(says_nothing);
    let mut out = Vec::with_capacity(quotes.len());
    for quote in quotes.iter().filter(|quote| is_all_there_is || !says_nothing(quote)).cloned() {
        if let Some(item) = header_of(passages, &quote).filter(|item| quoted.insert((quote.passage, *item))) {
            out.push(Quote { item, ..quote.clone() });
        }
        out.push(quote);
    }
    out
}

/// What a question calls by a name of letters and digits or of capitals, in lower case: `PB-10`, `CMSR`.
fn codes(question: &str) -> Vec<String> {
    let is_code = |word: &str| {
        let n_capitals = word.chars().filter(char::is_ascii_uppercase).count();
        let has_digit = word.chars().any(|c| c.is_ascii_digit());
        n_capitals >= 2 || (has_digit && word.chars().any(|c| c.is_ascii_alphabetic()))
    };
    WORD.find_iter(question).map(|word| word.as_str()).filter(|word| is_code(word)).map(str::to_lowercase).collect()
}

fn is_row(passages: &[Passage], quote: &Quote) -> bool {
    passages[quote.passage].items[quote.item].item.kind == ItemKind::Row
}

/// The first row of a quoted row's table, if it names columns: as many cells, and no digit in them. Every piece of a
/// cut table begins with its header.
pub fn header_of(passages: &[Passage], quote: &Quote) -> Option<usize> {
    if !is_row(passages, quote) {
        return None;
    }
    let text = |item: usize| passages[quote.passage].items[item].item.text.as_str();
    let kind = |item: usize| passages[quote.passage].items[item].item.kind;
    let n_cells = |item: usize| text(item).split(" |").count();
    let first = (0..=quote.item).rev().take_while(|item| kind(*item) == ItemKind::Row).last()?;
    let names_columns = !text(first).contains(|c: char| c.is_ascii_digit()) && n_cells(first) == n_cells(quote.item);
    names_columns.then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrieve::testing::passage;

    const TABLE: &str =
        "These are our devices.\nModel | Weight | Price\nPB-10 | 210 g | 129\nHP-20 | 250 g | 399\nAll with warranty.";

    fn quotes(items: &[usize]) -> Vec<Quote> {
        items.iter().map(|item| Quote { passage: 0, item: *item, chance: 0.5 }).collect()
    }

    fn items(quotes: Vec<Quote>) -> Vec<usize> {
        quotes.into_iter().map(|quote| quote.item).collect()
    }

    #[test]
    fn rows_of_other_products_are_left_out() {
        for (question, expected) in [
            ("How heavy is the pb-10?", vec![0, 1, 2, 4]),
            ("PB-10多重？", vec![0, 1, 2, 4]),
            ("Compare PB-10 and HP-20", vec![0, 1, 2, 3, 4]),
            ("How heavy are they?", vec![0, 1, 2, 3, 4]),
            ("How heavy is the AF-500?", vec![0, 1, 2, 3, 4]),
        ] {
            let passages = [passage(question, TABLE, 1.0)];
            assert_eq!(items(asked_for(question, quotes(&[0, 1, 2, 3, 4]), &passages)), expected, "{question}");
        }
    }

    #[test]
    fn what_describes_one_product_is_not_torn_apart() {
        let sheet = "Item | Value\nModel | HP-20\nWeight | 250 g";
        let passages = [passage("?", sheet, 1.0)];
        assert_eq!(items(asked_for("How heavy is the HP-20?", quotes(&[0, 1, 2]), &passages)), [0, 1, 2]);
    }

    #[test]
    fn a_row_brings_its_header_once() {
        let passages = [passage("?", TABLE, 1.0)];
        assert_eq!(items(with_headers(quotes(&[0, 3]), &passages)), [0, 1, 3]);
        assert_eq!(items(with_headers(quotes(&[2, 3, 4]), &passages)), [1, 2, 3, 4]);
        assert_eq!(items(with_headers(quotes(&[1, 2]), &passages)), [1, 2]);
    }

    #[test]
    fn a_header_without_a_row_is_left_out() {
        let passages = [passage("?", TABLE, 1.0)];
        assert_eq!(items(with_headers(quotes(&[0, 1]), &passages)), [0]);
        assert_eq!(items(with_headers(quotes(&[1]), &passages)), [1], "it is all there is");
    }

    #[test]
    fn what_names_no_columns_is_no_header() {
        let of = |text: &str| items(with_headers(quotes(&[1]), &[passage("?", text, 1.0)]));
        assert_eq!(of("M | 50 | 60\nL | 52 | 62"), [1], "a first row with figures is a row");
        assert_eq!(of("Sizes | in cm\nL | 52 | 62"), [1], "a title of fewer cells is none, either");
    }
}
