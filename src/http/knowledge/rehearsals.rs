//! The first day: `/v1/knowledge/rehearsals…`. Past questions are brought in a file, answered to nobody, judged, and
//! come to a proof or to the next step towards one.
//!
//! Brought and stopped by staff, ops, owners; judged by agents, staff, owners; read by every person of the shop.

mod bring;
mod judge;
mod report;
mod result;
mod settings;
mod show;
mod steer;

use serde_json::{Value, json};

use crate::http::permission::Permission::{BuyerData, Judge, ReadKnowledge, Rehearse};
use crate::http::routes::{Route, Routes};

/// Logs of some thousand chats are smaller.
const MAX_FILE_BYTES: usize = 60 * 1024 * 1024;

/// Adds the routes.
pub fn routes(routes: Routes) -> Routes {
    routes.with(file_routes).with(judging_routes)
}

fn file_routes(routes: Routes) -> Routes {
    let bring = Route::post(
        "/v1/knowledge/rehearsals",
        Rehearse,
        "Bring a file of past questions (CSV, XLSX, JSON, JSONL, TXT); they are answered to nobody",
    )
    .takes_files::<bring::RehearsalForm>(MAX_FILE_BYTES)
    .returns::<show::RehearsalView>(202);
    let list = Route::get("/v1/knowledge/rehearsals", ReadKnowledge, "The newest files of past questions")
        .returns::<show::RehearsalsAnswer>(200);
    let show = Route::get("/v1/knowledge/rehearsals/{id}", ReadKnowledge, "How far one of them has come")
        .returns::<show::RehearsalView>(200);
    let pause = Route::post("/v1/knowledge/rehearsals/{id}/pause", Rehearse, "Stop answering for now")
        .returns::<show::RehearsalView>(200);
    let resume = Route::post("/v1/knowledge/rehearsals/{id}/resume", Rehearse, "Go on answering")
        .returns::<show::RehearsalView>(200);
    let cancel = Route::post("/v1/knowledge/rehearsals/{id}/cancel", Rehearse, "Stop answering for good")
        .returns::<show::RehearsalView>(200);
    let refused = Route::get("/v1/knowledge/rehearsals/{id}/refused", ReadKnowledge, "The rows that were not taken")
        .query::<report::ReportQuery>()
        .returns_bytes("text/csv; charset=utf-8");
    let settings = Route::get("/v1/knowledge/rehearsal-settings", ReadKnowledge, "How past questions are kept")
        .returns::<settings::SettingsView>(200);
    let set = Route::put("/v1/knowledge/rehearsal-settings", BuyerData, "Mask personal data in them, or do not")
        .asks_password()
        .takes::<settings::SettingsView>()
        .returns::<settings::SettingsView>(200)
        .example(json!({ "mask_personal_data": true }), json!({ "mask_personal_data": true }));
    routes
        .add(bring, bring::bring)
        .add(list, show::list)
        .add(show, show::show)
        .add(pause, steer::pause)
        .add(resume, steer::resume)
        .add(cancel, steer::cancel)
        .add(refused, report::refused_rows)
        .add(settings, settings::show)
        .add(set, settings::set)
}

fn judging_routes(routes: Routes) -> Routes {
    let open = Route::get("/v1/knowledge/rehearsed", ReadKnowledge, "Answers to be judged, the surest first")
        .query::<judge::OpenQuery>()
        .returns::<judge::OpenAnswer>(200);
    let judge = Route::put("/v1/knowledge/rehearsed/{id}/label", Judge, "Judge an answer")
        .takes::<judge::JudgeBody>()
        .returns::<judge::JudgedAnswer>(200)
        .example(json!({ "outcome": "accept" }), Value::Null);
    let take_back = Route::delete("/v1/knowledge/rehearsed/{id}/label", Judge, "Take one's own judgement back")
        .returns::<judge::JudgedAnswer>(200);
    let source =
        Route::get("/v1/knowledge/rehearsed/{id}/sources/{number}", ReadKnowledge, "The passage that an answer cites")
            .returns::<crate::http::sources::SourceView>(200);
    let result = Route::get(
        "/v1/knowledge/rehearsal-result",
        ReadKnowledge,
        "Whether the promise is proven, for which share, or what to do next",
    )
    .query::<result::ResultQuery>()
    .returns::<result::ResultAnswer>(200);
    routes
        .add(open, judge::list_open)
        .add(judge, judge::judge)
        .add(take_back, judge::take_back)
        .add(source, judge::show_source)
        .add(result, result::show_result)
}
