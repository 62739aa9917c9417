//! Shifts: the schedule, who is on, and what one shift leaves to the next: `/v1/shifts`.

mod compare_answers;
mod hand_over;
mod markdown;
mod plan_load;
mod schedule;
mod views;

use serde_json::{Value, json};

use crate::http::permission::Permission::{Bars, Tasks};
use crate::http::routes::{Route, Routes};

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    let show =
        Route::get("/v1/shifts", Tasks, "The schedule, and who is on now").returns::<schedule::ScheduleAnswer>(200);
    let set = Route::put("/v1/shifts", Bars, "Write the schedule anew")
        .takes::<schedule::ScheduleBody>()
        .returns::<schedule::ScheduleAnswer>(200)
        .example(
            json!({ "shifts": [
                { "name": "早班", "weekdays": [0, 1, 2, 3, 4], "from_min": 480, "until_min": 960, "agents": [] },
            ] }),
            Value::Null,
        );
    let now = Route::get("/v1/shifts/now", Tasks, "What the shift that is on would leave to the next")
        .returns::<views::HandoverView>(200);
    let list = Route::get("/v1/shifts/handovers", Tasks, "What shifts have left, the last first")
        .returns::<hand_over::HandoversAnswer>(200);
    let leave = Route::post("/v1/shifts/handovers", Tasks, "Hand over now")
        .takes::<hand_over::HandoverBody>()
        .returns::<views::HandoverView>(201)
        .example(json!({ "note": "The courier strikes in Hangzhou." }), Value::Null);
    let one =
        Route::get("/v1/shifts/handovers/{id}", Tasks, "What a shift has left").returns::<views::HandoverView>(200);
    let text =
        Route::get("/v1/shifts/handovers/{id}/markdown", Tasks, "The same as Markdown, in the reader's language")
            .returns_bytes("text/markdown");
    let alike =
        Route::get("/v1/shifts/alike", Tasks, "The share of equal questions that were answered alike on every shift")
            .returns::<compare_answers::AlikeAnswer>(200);
    let load =
        Route::get("/v1/shifts/load-plan", Tasks, "How many machines like this one so many inquiries an hour need")
            .query::<plan_load::LoadQuery>()
            .returns::<plan_load::LoadAnswer>(200);
    routes
        .add(load, plan_load::plan_load)
        .add(show, schedule::show_schedule)
        .add(set, schedule::set_schedule)
        .add(now, hand_over::show_now)
        .add(list, hand_over::list_handovers)
        .add(leave, hand_over::hand_over)
        .add(one, hand_over::show_handover)
        .add(text, hand_over::export_handover)
        .add(alike, compare_answers::compare_answers)
}
