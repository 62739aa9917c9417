//! `GET /v1/figures/sheet`: agents, ops, owners. The same rows, and how they were counted.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::domain::csv;
use crate::domain::text::Lang;
use crate::http::error::ApiResult;
use crate::http::extract::{Locale, Query};
use crate::http::figures::query::FiguresQuery;
use crate::http::figures::show::{FiguresAnswer, figures};
use crate::http::figures::views::HEADS;
use crate::http::guard::Member;
use crate::http::state::AppState;

pub async fn show_sheet(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Query(query): Query<FiguresQuery>,
) -> ApiResult<Response> {
    let asked = query.understand(&state, &member).await?;
    let answer = figures(&state, &member, &asked).await?;
    let name = format!("attachment; filename=\"figures-{}-{}.csv\"", answer.from, answer.until);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CONTENT_LANGUAGE, lang.code().to_owned()),
    ];
    Ok((headers, sheet(&answer, lang)).into_response())
}

fn sheet(answer: &FiguresAnswer, lang: Lang) -> String {
    let pick = |(zh, en): (&'static str, &'static str)| if lang == Lang::Zh { zh } else { en };
    let counted = &answer.counted;
    let head = |head| {
        pick(head).replace("{short}", &counted.short_s.to_string()).replace("{long}", &counted.long_s.to_string())
    };
    let mut heads = vec![format!("{} – {}", answer.from, answer.until)];
    heads.extend(HEADS.into_iter().map(head));
    let mut rows = vec![heads];
    for row in &answer.rows {
        let mut cells = vec![row.name.clone().unwrap_or_else(|| row.key.clone())];
        cells.extend(row.figures.cells());
        rows.push(cells);
    }
    let mut total = vec![pick(("合计", "Team")).to_owned()];
    total.extend(answer.total.cells());
    rows.push(total);
    let counts = if counted.counts_automatic {
        ("自动回复计入", "Automatic replies count as answers")
    } else {
        ("自动回复不计入", "Automatic replies do not count as answers")
    };
    rows.push(vec![pick(counts).to_owned()]);
    let lines = rows.iter().map(|cells| csv::row(cells.iter().map(String::as_str)));
    std::iter::once(csv::BYTE_ORDER_MARK.to_owned()).chain(lines).collect()
}
