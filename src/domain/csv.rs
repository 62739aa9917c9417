//! Rows for a spreadsheet.
//!
//! # Why
//! What a buyer wrote may begin with `=`, and a spreadsheet would run it as a formula of whoever opens the file. Such a
//! cell is preceded by an apostrophe, which spreadsheets show as text.

/// A spreadsheet takes the file for what it is only with this mark before it.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One cell: no formula, quoted where it has to be.
pub fn cell(text: &str) -> String {
    let is_formula = text
        .trim_start_matches([' ', '\u{3000}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
        || text.starts_with('\n');
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', '\t', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// One row with its end.
pub fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-2", "@sum", "\t=1", " =1", "＝1", "\n=1"] {
            let safe = cell(text);
            assert!(safe.trim_start_matches('"').starts_with('\''), "{safe}");
        }
        assert_eq!(cell("a=1"), "a=1");
    }

    #[test]
    fn quotes_and_commas_survive() {
        assert_eq!(row(["a", "b,c", "say \"hi\"", "两\n行"]), "a,\"b,c\",\"say \"\"hi\"\"\",\"两\n行\"\r\n");
    }
}
