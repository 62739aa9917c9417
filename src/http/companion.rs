//! Drafts for buyers on other platforms: `/v1/drafts…`, for the companion panel and for scripts.
//!
//! # Why
//! The agents of a shop sit at the desk of a marketplace, where nothing of ours may run. They bring a message here and
//! carry the reply back; what they made of the draft they tell with one key. Nothing is ever sent from here.

mod ask_draft;
mod list_drafts;
mod settle_draft;
mod show_draft;
mod views;

use serde_json::{Value, json};

use crate::http::permission::Permission::{Drafts, ReadDrafts};
use crate::http::routes::{Route, Routes};

/// Adds the routes.
pub fn routes(routes: Routes) -> Routes {
    let ask = Route::post("/v1/drafts", Drafts, "Have an answer drafted for a buyer on any platform; it is never sent")
        .takes::<ask_draft::DraftBody>()
        .returns::<views::DraftView>(202)
        .example(
            json!({ "text": "几天能到？", "platform": "pdd", "earlier": [{ "author": "buyer", "text": "在吗" }] }),
            Value::Null,
        );
    let list = Route::get("/v1/drafts", ReadDrafts, "What the caller has brought last, newest first")
        .query::<list_drafts::DraftsQuery>()
        .returns::<list_drafts::DraftsAnswer>(200);
    let figures = Route::get("/v1/drafts/figures", ReadDrafts, "What came of the drafts, by platform")
        .query::<list_drafts::FiguresQuery>()
        .returns::<list_drafts::FiguresAnswer>(200);
    let show = Route::get("/v1/drafts/{id}", ReadDrafts, "One draft; `wait_s` waits until it is decided")
        .query::<show_draft::WaitQuery>()
        .returns::<views::DraftView>(200);
    let settle =
        Route::post("/v1/drafts/{id}/outcome", Drafts, "Say what became of a draft: `used`, `edited` or `rejected`")
            .takes::<settle_draft::OutcomeBody>()
            .returns::<views::DraftView>(200)
            .example(json!({ "outcome": "edited", "version": 1, "text": "一般2到3天到哦～" }), Value::Null);
    routes
        .add(ask, ask_draft::ask_draft)
        .add(list, list_drafts::list_drafts)
        .add(figures, list_drafts::show_figures)
        .add(show, show_draft::show_draft)
        .add(settle, settle_draft::settle_draft)
}
