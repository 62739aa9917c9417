//! `GET /v1/records/imports/{id}/report`: the refused rows, as a sheet that opens in a spreadsheet.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::domain::csv;
use crate::domain::ids::ImportId;
use crate::domain::text::Lang;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Locale, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::imports::{self, RefusedRow};

pub async fn show_report(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<ImportId>,
) -> ApiResult<Response> {
    let import = imports::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"refused-rows.csv\""),
        (header::CONTENT_LANGUAGE, lang.code()),
    ];
    Ok((headers, report(&import.refused, lang)).into_response())
}

fn report(refused: &[RefusedRow], lang: Lang) -> String {
    let head = match lang {
        Lang::Zh => ["行号", "编号", "问题", "列", "内容"],
        Lang::En => ["Row", "Number", "Problem", "Column", "Value"],
    };
    let mut sheet = csv::BYTE_ORDER_MARK.to_owned();
    sheet.push_str(&csv::row(head));
    for row in refused {
        let number = row.row.to_string();
        let cells = [number.as_str(), &row.number, row.problem.sentence(lang), &row.column, &row.value];
        sheet.push_str(&csv::row(cells));
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order_input::RowProblem;

    #[test]
    fn a_report_speaks_the_readers_language_and_runs_no_formula() {
        let row = RefusedRow {
            row: 4,
            number: "=cmd()".into(),
            problem: RowProblem::AmountNegative,
            column: "金额".into(),
            value: "-5".into(),
        };
        let zh = report(std::slice::from_ref(&row), Lang::Zh);
        assert!(zh.ends_with("4,'=cmd(),金额不能为负数,金额,'-5\r\n"), "{zh}");
        assert!(report(&[row], Lang::En).contains("An amount cannot be negative"));
    }
}
