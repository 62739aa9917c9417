//! Reads XLSX and CSV: question-and-answer sheets become FAQ entries, everything else tables with a header row.
//!
//! # Why
//! The same sheet may come as a workbook or as CSV, so both are first brought to rows of text, and one set of rules
//! looks at those. A question with its answer is worth more than a row: it is found by the question a buyer asks.

use std::io::Cursor;

use calamine::{Data, Range, Reader, SheetVisible, Xlsx, XlsxError};

use crate::domain::document::Format;
use crate::ingest::draft::{Draft, RawKind, join_cells};
use crate::ingest::parse::ParseError;
use crate::ingest::parse_text::{decode, warn_of_undecodable};

/// Rows of text, top to bottom.
type Rows = Vec<Vec<String>>;

/// Rows of text, each with its number in the file, from 1.
pub type NumberedRows = Vec<(u32, Vec<String>)>;

/// The header row is looked for in this many rows; a title may stand above it.
const MAX_ROWS_ABOVE_HEADER: usize = 6;

/// Header cells over questions, without spaces, case and language.
pub(super) const QUESTION_HEADERS: [&str; 12] =
    ["问题", "问", "提问", "标准问题", "标准问", "常见问题", "客户问题", "問題", "q", "question", "questions", "query"];
/// Header cells over answers.
pub(super) const ANSWER_HEADERS: [&str; 14] = [
    "答案",
    "答",
    "回答",
    "回复",
    "解答",
    "标准答案",
    "参考答案",
    "答覆",
    "回覆",
    "a",
    "answer",
    "answers",
    "reply",
    "response",
];
/// Header cells over what groups questions.
const GROUP_HEADERS: [&str; 8] = ["分类", "类别", "类目", "主题", "分類", "category", "topic", "section"];

/// Parses a workbook.
pub fn parse_xlsx(bytes: &[u8]) -> Result<Draft, ParseError> {
    let mut workbook = open_xlsx(bytes)?;
    let mut draft = Draft::new(Format::Xlsx);
    let sheets = workbook.sheets_metadata().to_vec();
    for sheet in &sheets {
        if sheet.visible != SheetVisible::Visible {
            draft.warn("hidden_sheet_skipped", sheet.name.clone());
            continue;
        }
        let range = match workbook.worksheet_range(&sheet.name) {
            Ok(range) => range,
            Err(XlsxError::WorksheetNotFound(_)) => continue,
            Err(error) => {
                draft.warn("sheet_unreadable", format!("{}: {error}", sheet.name));
                continue;
            }
        };
        let rows = texts(&range);
        if sheets.len() > 1 || !is_default_name(&sheet.name) {
            draft.push(RawKind::Heading(1), sheet.name.clone());
        }
        add_rows(&mut draft, rows);
    }
    let has_rows = draft.blocks.iter().any(|block| !matches!(block.kind, RawKind::Heading(_)));
    match draft.warnings.iter().find(|warning| warning.code == "sheet_unreadable") {
        Some(warning) if !has_rows => Err(ParseError::Corrupt { detail: warning.detail.clone() }),
        _ if !has_rows => Err(ParseError::Empty),
        _ => Ok(draft),
    }
}

/// Parses values separated by commas, tabs, semicolons or bars, in any encoding.
pub fn parse_csv(bytes: &[u8]) -> Draft {
    let decoded = decode(bytes);
    let mut draft = Draft::new(Format::Csv);
    warn_of_undecodable(&mut draft, &decoded);
    add_rows(&mut draft, csv_rows(&decoded.text).into_iter().map(|(_, row)| row).collect());
    draft
}

/// The rows of values separated by commas, tabs, semicolons or bars, each with the line it begins on, from 1.
pub fn csv_rows(text: &str) -> NumberedRows {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter_of(text))
        .from_reader(text.as_bytes());
    let rows = reader.records().flatten().map(|record| {
        let line = record.position().map_or(0, csv::Position::line);
        (u32::try_from(line).unwrap_or(u32::MAX), record.iter().map(str::to_owned).collect())
    });
    rows.collect()
}

/// The rows of each visible sheet of a workbook that can be read, each row with its number, from 1.
pub fn xlsx_rows(bytes: &[u8]) -> Result<Vec<NumberedRows>, ParseError> {
    let mut workbook = open_xlsx(bytes)?;
    let mut sheets = Vec::new();
    for sheet in workbook.sheets_metadata().to_vec() {
        if sheet.visible != SheetVisible::Visible {
            continue;
        }
        let Ok(range) = workbook.worksheet_range(&sheet.name) else { continue };
        let first = range.start().map_or(1, |(row, _)| row + 1);
        sheets.push((first..).zip(texts(&range)).collect());
    }
    Ok(sheets)
}

/// The rows of the first visible sheet that has any, for records: a number of more digits than a spreadsheet keeps is
/// written as one that was rounded, so that nobody takes it for the order's.
pub fn record_rows(bytes: &[u8]) -> Result<NumberedRows, ParseError> {
    let record_text = |cell: &Data| match cell {
        Data::Float(number) if number.abs() >= 1e15 => format!("{number:E}").replace('E', "E+"),
        other => text_of(other),
    };
    let mut workbook = open_xlsx(bytes)?;
    for sheet in workbook.sheets_metadata().to_vec() {
        if sheet.visible != SheetVisible::Visible {
            continue;
        }
        let range = workbook.worksheet_range(&sheet.name).map_err(unreadable)?;
        let first = range.start().map_or(1, |(row, _)| row + 1);
        let texts = range.rows().map(|row| row.iter().map(record_text).collect());
        let rows: NumberedRows = (first..).zip(texts).collect();
        if rows.iter().flat_map(|(_, row)| row).any(|cell| !cell.trim().is_empty()) {
            return Ok(rows);
        }
    }
    Err(ParseError::Empty)
}

fn open_xlsx(bytes: &[u8]) -> Result<Xlsx<Cursor<&[u8]>>, ParseError> {
    Xlsx::new(Cursor::new(bytes)).map_err(unreadable)
}

fn texts(range: &Range<Data>) -> Rows {
    range.rows().map(|row| row.iter().map(text_of).collect()).collect()
}

fn unreadable(error: XlsxError) -> ParseError {
    match error {
        XlsxError::Password => ParseError::Encrypted,
        error => ParseError::Corrupt { detail: error.to_string() },
    }
}

/// The candidate that splits most of the first lines into the same number of cells, more than one.
fn delimiter_of(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(20).collect();
    let score = |delimiter: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| count_outside_quotes(line, delimiter)).collect();
        let usual = counts.iter().copied().filter(|n| *n > 0).min().unwrap_or(0);
        counts.iter().filter(|n| usual > 0 && **n == usual).count()
    };
    // The last of equals wins in `max_by_key`, so the most usual one stands last.
    [b'|', b';', b'\t', b','].into_iter().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}

fn count_outside_quotes(line: &str, delimiter: u8) -> usize {
    let mut is_quoted = false;
    line.bytes().fold(0, |n, byte| {
        is_quoted ^= byte == b'"';
        n + usize::from(!is_quoted && byte == delimiter)
    })
}

fn add_rows(draft: &mut Draft, mut rows: Rows) {
    rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    drop_empty_columns(&mut rows);
    let header_idx = rows.iter().take(MAX_ROWS_ABOVE_HEADER).position(|row| n_filled(row) > 1);
    let Some(header_idx) = header_idx else {
        for row in &rows {
            draft.push(RawKind::Paragraph, row.join("\n"));
        }
        return;
    };
    for row in &rows[..header_idx] {
        draft.push(RawKind::Paragraph, row.join(" "));
    }
    let table = &rows[header_idx..];
    match FaqColumns::of(&table[0]) {
        Some(columns) => columns.add_entries(draft, &table[1..]),
        None => draft.push(RawKind::Table, table.iter().map(|row| join_cells(row)).collect::<Vec<_>>().join("\n")),
    }
}

fn n_filled(row: &[String]) -> usize {
    row.iter().filter(|cell| !cell.trim().is_empty()).count()
}

fn drop_empty_columns(rows: &mut Rows) {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let is_used: Vec<bool> = (0..n_columns)
        .map(|column| rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.trim().is_empty())))
        .collect();
    for row in rows {
        let mut column = 0;
        row.retain(|_| {
            column += 1;
            is_used[column - 1]
        });
    }
}

/// Which columns hold questions, their answers, and what groups them.
struct FaqColumns {
    pairs: Vec<(usize, usize)>,
    group: Option<usize>,
}

impl FaqColumns {
    /// The columns, if the header row has at least one question with an answer. Several pairs (one a language) are
    /// matched in order.
    fn of(header: &[String]) -> Option<Self> {
        let names: Vec<String> = header.iter().map(|cell| plain_name(cell)).collect();
        let columns = |known: &[&str]| -> Vec<usize> {
            (0..names.len()).filter(|column| known.contains(&names[*column].as_str())).collect()
        };
        let pairs: Vec<_> = columns(&QUESTION_HEADERS).into_iter().zip(columns(&ANSWER_HEADERS)).collect();
        let group = columns(&GROUP_HEADERS).first().copied();
        (!pairs.is_empty()).then_some(Self { pairs, group })
    }

    fn add_entries(&self, draft: &mut Draft, rows: &[Vec<String>]) {
        let mut open_group = String::new();
        for row in rows {
            let cell = |column: usize| row.get(column).map(|cell| cell.trim()).unwrap_or_default();
            let group = self.group.map(cell).unwrap_or_default();
            if !group.is_empty() && group != open_group {
                draft.push(RawKind::Heading(2), group);
                open_group = group.to_owned();
            }
            for (question, answer) in &self.pairs {
                match (cell(*question), cell(*answer)) {
                    ("", answer) => draft.push(RawKind::Paragraph, answer),
                    (question, "") => draft.warn("question_without_answer", question),
                    (question, answer) => draft.push(RawKind::Faq { answer: answer.to_owned() }, question),
                }
            }
        }
    }
}

/// `Question (EN)` and `问题_中文` are both plain questions.
pub(super) fn plain_name(cell: &str) -> String {
    let name: String = cell.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let suffixes = ["zh", "cn", "en", "中文", "英文", "chinese", "english"];
    let bare = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix).filter(|bare| !bare.is_empty()));
    bare.unwrap_or(&name).to_owned()
}

fn is_default_name(name: &str) -> bool {
    ["sheet", "工作表", "csv"].iter().any(|usual| name.to_lowercase().starts_with(usual))
}

/// A cell as it reads on screen, as far as that can be told without its number format.
fn text_of(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number_text(*number),
        Data::Bool(is_true) => if *is_true { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, ..) = time.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute) == (0, 0) { date } else { format!("{date} {hour:02}:{minute:02}") }
        }
        Data::DateTime(duration) => number_text(duration.as_f64()),
        Data::Error(error) => format!("{error}"),
    }
}

/// Rounds off the noise of binary fractions: a sheet stores 0.3 as 0.30000000000000004.
fn number_text(number: f64) -> String {
    let exact = format!("{number}");
    let rounded: f64 = format!("{number:.12e}").parse().unwrap_or(number);
    let short = format!("{rounded}");
    if short.len() < exact.len() { short } else { exact }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::{BlockKind, Parsed};
    use crate::ingest::normalize::normalize;

    fn parse(text: &str) -> Parsed {
        normalize(parse_csv(text.as_bytes()))
    }

    #[test]
    fn a_sheet_of_questions_becomes_entries() {
        let parsed = parse(
            "分类,问题,答案\n售后,多久能退？,\"七天内，\n保持完好\"\n售后,谁付运费？,我们付\n配送,发什么快递？,顺丰\n",
        );
        assert_eq!(parsed.faq.len(), 3);
        assert_eq!(parsed.faq[0].question, "多久能退？");
        assert_eq!(parsed.faq[0].answer, "七天内，\n保持完好");
        let block = &parsed.blocks[parsed.faq[2].block_idx];
        assert_eq!((block.text.as_str(), block.heading_path[0].as_str()), ("发什么快递？\n顺丰", "配送"));
    }

    #[test]
    fn two_languages_side_by_side_are_two_entries_a_row() {
        let parsed = parse("问题_中文,答案_中文,Question (EN),Answer (EN)\n多久？,七天,How long?,Seven days\n");
        let questions: Vec<&str> = parsed.faq.iter().map(|entry| entry.question.as_str()).collect();
        assert_eq!(questions, ["多久？", "How long?"]);
    }

    #[test]
    fn any_other_sheet_is_a_table_below_its_title() {
        let parsed = parse("Prices 2026;;\n;;\nSKU;Color;Price\nAF-500;black;399\n;;\nAF-300;white;299\n");
        assert_eq!(parsed.blocks[0].text, "Prices 2026");
        assert_eq!(parsed.blocks[1].kind, BlockKind::Table);
        assert_eq!(parsed.blocks[1].text, "SKU | Color | Price\nAF-500 | black | 399\nAF-300 | white | 299");
    }

    #[test]
    fn excel_on_a_chinese_machine_saves_gbk_with_tabs() {
        let (bytes, _, _) = encoding_rs::GBK.encode("型号\t容量\t颜色\n空气炸锅\t5升\t黑色，哑光\n电饭煲\t4升\t白色\n");
        let parsed = normalize(parse_csv(&bytes));
        assert_eq!(parsed.text, "型号 | 容量 | 颜色\n空气炸锅 | 5升 | 黑色，哑光\n电饭煲 | 4升 | 白色");
    }

    #[test]
    fn a_question_without_an_answer_is_reported() {
        let parsed = parse("Q,A\nHow long?,\nWhere?,Here\n");
        assert_eq!(parsed.warnings[0].code, "question_without_answer");
        assert_eq!(parsed.faq.len(), 1);
    }

    #[test]
    fn numbers_lose_their_binary_noise() {
        assert_eq!(number_text(0.1 + 0.2), "0.3");
        assert_eq!(number_text(399.0), "399");
        assert_eq!(number_text(6_901_234_567_890.0), "6901234567890");
    }
}
