//! `GET /v1/knowledge/rehearsals/{id}/refused`: every person of the shop. The rows that were not taken, as a sheet.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::ids::RehearsalId;
use crate::domain::rehearsal::{RefusedRow, RowProblem};
use crate::domain::text::Lang;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Locale, Path, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::rehearsals;

#[derive(Deserialize, JsonSchema)]
pub struct ReportQuery {
    /// In which language; that of the request if left out. A link cannot say it otherwise.
    lang: Option<Lang>,
}

pub async fn refused_rows(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<RehearsalId>,
    Query(query): Query<ReportQuery>,
) -> ApiResult<Response> {
    rehearsals::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    let rows = rehearsals::refused(&state.db, member.shop(), id).await?;
    let mut response = sheet(&rows, query.lang.unwrap_or(lang)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"refused-rows.csv\""));
    Ok(response)
}

/// CSV with a byte-order mark: spreadsheet programs take it for the local encoding without.
fn sheet(rows: &[RefusedRow], lang: Lang) -> String {
    let head = match lang {
        Lang::Zh => ["行", "原因", "内容"],
        Lang::En => ["row", "reason", "text"],
    };
    let mut text = format!("\u{feff}{}\r\n", head.map(cell).join(","));
    for row in rows {
        let cells = [row.line.to_string(), sentence(row.problem, lang).to_owned(), row.text.clone()];
        text.push_str(&cells.each_ref().map(|value| cell(value)).join(","));
        text.push_str("\r\n");
    }
    text
}

/// Quoted, and without its power: a spreadsheet runs a text that begins like a formula.
fn cell(value: &str) -> String {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", value.replace('"', "\"\""))
}

fn sentence(problem: RowProblem, lang: Lang) -> &'static str {
    let (en, zh) = match problem {
        RowProblem::Empty => ("there is no question in this row", "此行没有问题内容"),
        RowProblem::TooLong => ("the question is longer than 2,000 characters", "问题超过 2000 个字符"),
        RowProblem::WrongColumns => (
            "its columns do not fit the first row; put texts with commas in quotes, and name a column `question`",
            "列与表头不符；含逗号的内容请加引号，并把一列命名为“问题”",
        ),
        RowProblem::Duplicate => ("the same question stands further up", "与前面的问题重复"),
        RowProblem::AnsweredBefore => (
            "it was answered in an earlier rehearsal; other questions say more",
            "此问题在之前的演练中已回答过，请换用其他问题",
        ),
        RowProblem::Unreadable => {
            ("some characters cannot be read; save the file as UTF-8", "部分字符无法识别，请将文件另存为 UTF-8 编码")
        }
        RowProblem::NotUnderstood => (
            "it is no JSON with a question, or with messages that say who wrote what",
            "不是含有问题，或含有发送方和内容的 JSON",
        ),
        RowProblem::UnknownSender => {
            ("who wrote it is neither buyer nor agent; write `buyer` or `agent`", "发送方不明，请写“买家”或“客服”")
        }
        RowProblem::TooMany => (
            "the file holds more than is taken at once; nothing from here on was read",
            "文件内容超过一次导入的上限，从此行起未读取",
        ),
    };
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(problem: RowProblem, text: &str) -> RefusedRow {
        RefusedRow { line: 7, problem, text: text.into() }
    }

    #[test]
    fn a_report_is_a_sheet_in_the_readers_language() {
        let told = sheet(&[row(RowProblem::Duplicate, "say \"hi\", twice")], Lang::Zh);
        assert_eq!(
            told,
            "\u{feff}\"行\",\"原因\",\"内容\"\r\n\"7\",\"与前面的问题重复\",\"say \"\"hi\"\", twice\"\r\n"
        );
        assert!(sheet(&[row(RowProblem::Empty, "")], Lang::En).contains("no question in this row"));
    }

    #[test]
    fn a_buyers_text_never_becomes_a_formula() {
        for text in ["=HYPERLINK(\"http://x\")", "+1", "-1", "@sum", "\tx"] {
            assert!(sheet(&[row(RowProblem::TooLong, text)], Lang::En).contains("\"'"), "{text}");
        }
    }
}
