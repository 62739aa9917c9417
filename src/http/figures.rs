//! `/v1/figures`: what service came to, by agent, topic and hour; every figure leads to its conversations.
//!
//! How they are counted is written in [`crate::domain::tally`], and on the page beside them.

mod conversations;
mod query;
mod rules;
mod sheet;
mod show;
mod views;

use serde_json::Value;

use crate::domain::figure_rules::FigureRules;
use crate::http::permission::Permission::{Bars, ReadDrafts};
use crate::http::routes::{Route, Routes};

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    let show = Route::get(
        "/v1/figures",
        ReadDrafts,
        "What service came to in some days; agents see the team and, where the shop lets them, themselves",
    )
    .query::<query::FiguresQuery>()
    .returns::<show::FiguresAnswer>(200);
    let sheet = Route::get("/v1/figures/sheet", ReadDrafts, "The same as a sheet, in the reader's language")
        .query::<query::FiguresQuery>()
        .returns_bytes("text/csv; charset=utf-8");
    let behind = Route::get("/v1/figures/conversations", ReadDrafts, "The conversations that a figure counts")
        .query::<conversations::BehindQuery>()
        .returns::<conversations::BehindAnswer>(200);
    let set = Route::put("/v1/figures/rules", Bars, "Settle windows, what counts as an answer, and what agents see")
        .takes::<FigureRules>()
        .returns::<FigureRules>(200)
        .example(serde_json::to_value(FigureRules::default()).unwrap_or(Value::Null), Value::Null);
    routes
        .add(show, show::show_figures)
        .add(sheet, sheet::show_sheet)
        .add(behind, conversations::list_behind)
        .add(set, rules::set_rules)
}
