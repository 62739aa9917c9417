//! The agents' room: what waits, the conversations, and what becomes of drafts.

mod accept_draft;
mod agents;
mod assign;
mod audits;
mod bulk;
mod conflict;
mod edit_draft;
mod hand_over;
mod items;
mod list_conversations;
mod list_queue;
mod open_conversation;
mod open_turn;
mod reject_draft;
mod rules;
mod save_golden;
mod send_reply;
mod show_source;
mod stream_events;
mod views;
mod watch;
mod write_message;

use serde_json::{Value, json};

pub use edit_draft::check_text;
pub use send_reply::SECOND_LOOKS;

use crate::domain::inbox::InboxRules;
use crate::http::knowledge::golden::Proposal;
use crate::http::permission::Permission::{Drafts, People, ReadDrafts};
use crate::http::routes::{Route, Routes};
use crate::http::sources::SourceView;
use crate::http::views::TurnView;

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    routes.with(reading_routes).with(draft_routes).with(conversation_routes).with(hands_routes).with(desk_routes)
}

fn reading_routes(routes: Routes) -> Routes {
    let queue = Route::get("/v1/console/queue", ReadDrafts, "What waits for an agent, the longest waiting first")
        .returns::<list_queue::QueueAnswer>(200);
    let list = Route::get("/v1/console/conversations", ReadDrafts, "A page of the inbox, whoever waits most first")
        .query::<list_conversations::ConversationsQuery>()
        .returns::<list_conversations::ConversationsAnswer>(200);
    let open = Route::get("/v1/console/conversations/{id}", ReadDrafts, "One conversation with its messages and turns")
        .returns::<open_conversation::ConversationAnswer>(200);
    let turn =
        Route::get("/v1/console/turns/{id}", ReadDrafts, "One turn: the draft, its sources, how sure the assistant is")
            .returns::<TurnView>(200);
    let source =
        Route::get("/v1/console/sources/{turn_id}/{number}", ReadDrafts, "What a citation of a draft leads to")
            .returns::<SourceView>(200);
    let events = Route::get("/v1/console/events", ReadDrafts, "What changes, as it changes").streams(
        "`queue` {turn_id, conversation_id, state} · `message` {conversation_id, seq} · `draft` {turn_id, text} (a piece) · \
         `conversation` {conversation_id} · `watching` {conversation_id, account_id, name, doing} · `task` {task_id, conversation_id} · `records` {} · `resync` {} (read everything anew) · `bye` {} (come back)",
    );
    routes
        .add(queue, list_queue::list_queue)
        .add(list, list_conversations::list_conversations)
        .add(open, open_conversation::open_conversation)
        .add(turn, open_turn::open_turn)
        .add(source, show_source::show_source)
        .add(events, stream_events::stream_events)
}

fn draft_routes(routes: Routes) -> Routes {
    let sent = json!({ "message": {
        "id": "01890a5d-ac96-774b-bcce-b302099a8062", "seq": 2, "author": "reviewed", "author_name": "小林",
        "text": "Within 7 days [1].", "thumbs": null, "created_at_ms": 1_767_225_660_000_i64,
        "citations": [{ "number": 1, "document": "returns.md", "heading_path": ["Returns"], "quote": "within 7 days" }],
    } });
    let accept = Route::post("/v1/console/turns/{id}/accept", Drafts, "Send a draft as it is")
        .takes::<accept_draft::AcceptBody>()
        .returns::<send_reply::ReplyAnswer>(200)
        .example(json!({ "version": 1 }), sent.clone());
    let edit = Route::post("/v1/console/turns/{id}/edit", Drafts, "Send a draft after a change")
        .takes::<edit_draft::EditBody>()
        .returns::<send_reply::ReplyAnswer>(200)
        .example(json!({ "version": 1, "text": "Within 7 days [1]." }), sent);
    let reject =
        Route::post("/v1/console/turns/{id}/reject", Drafts, "Refuse a draft; the buyer still waits for a reply")
            .takes::<reject_draft::RejectBody>()
            .returns::<TurnView>(200)
            .example(json!({ "version": 1, "reason": "wrong", "note": "the period is 14 days" }), Value::Null);
    let golden = Route::post(
        "/v1/console/turns/{id}/golden",
        Drafts,
        "Propose what a turn was answered with as a golden answer; staff approve it",
    )
    .takes::<Proposal>()
    .returns::<save_golden::GoldenSaved>(201);
    routes
        .add(golden, save_golden::save_golden)
        .add(accept, accept_draft::accept_draft)
        .add(edit, edit_draft::edit_draft)
        .add(reject, reject_draft::reject_draft)
        .with(label_routes)
}

fn label_routes(routes: Routes) -> Routes {
    let kind = Route::post("/v1/console/turns/{id}/edit-kind", Drafts, "What an edit seems to be, before it is sent")
        .takes::<edit_draft::EditedText>()
        .returns::<crate::learn::edit::Proposal>(200)
        .example(
            json!({ "text": "Within 14 days [1]." }),
            json!({ "kind": "fact", "because": [{ "kind": "number", "before": ["7days"], "after": ["14days"] }] }),
        );
    let list = Route::get("/v1/console/audits", Drafts, "Answers to be labelled blind, the longest waiting first")
        .query::<audits::AuditsQuery>()
        .returns::<audits::AuditsAnswer>(200);
    let label = Route::post("/v1/console/audits/{id}", Drafts, "Label an answer blind")
        .takes::<audits::AuditBody>()
        .returns::<audits::AuditedAnswer>(200)
        .example(json!({ "outcome": "reject_wrong", "note": "the period is 14 days" }), Value::Null);
    routes.add(kind, edit_draft::propose_kind).add(list, audits::list_audits).add(label, audits::label_audit)
}

fn conversation_routes(routes: Routes) -> Routes {
    let write = Route::post("/v1/console/conversations/{id}/messages", Drafts, "Write to a buyer in own words")
        .takes::<write_message::WriteBody>()
        .returns::<send_reply::ReplyAnswer>(200);
    let take = Route::post("/v1/console/conversations/{id}/take-over", Drafts, "Answer instead of the assistant");
    let back = Route::post("/v1/console/conversations/{id}/hand-back", Drafts, "Let the assistant answer again");
    let close = Route::post("/v1/console/conversations/{id}/close", Drafts, "Be done with a conversation");
    let reopen = Route::post("/v1/console/conversations/{id}/reopen", Drafts, "Take a conversation up again");
    routes
        .add(write, write_message::write_message)
        .add(take.returns::<items::ConversationItem>(200), hand_over::take_over)
        .add(back.returns::<items::ConversationItem>(200), hand_over::hand_back)
        .add(close.returns::<items::ConversationItem>(200), hand_over::close)
        .add(reopen.returns::<items::ConversationItem>(200), hand_over::reopen)
}

/// Conversations change hands.
fn hands_routes(routes: Routes) -> Routes {
    let assign = Route::post("/v1/console/conversations/{id}/assign", Drafts, "Give a conversation to a colleague")
        .takes::<assign::AssignBody>()
        .returns::<items::ConversationItem>(200)
        .example(json!({ "reason": "knows the warehouse" }), Value::Null);
    let escalate = Route::post("/v1/console/conversations/{id}/escalate", Drafts, "Pass a conversation to a lead")
        .takes::<assign::EscalateBody>()
        .returns::<items::ConversationItem>(200);
    let watch = Route::post("/v1/console/conversations/{id}/watch", Drafts, "Tell colleagues that one looks or writes")
        .takes::<watch::WatchBody>();
    let bulk = Route::post("/v1/console/bulk", Drafts, "Close, assign, mark or tag many conversations")
        .takes::<bulk::BulkBody>()
        .returns::<bulk::BulkAnswer>(200)
        .example(
            json!({ "ids": ["01890a5d-ac96-774b-bcce-b302099a8060"], "act": { "kind": "tag", "add": ["refund"] } }),
            json!({ "done": ["01890a5d-ac96-774b-bcce-b302099a8060"], "refused": [] }),
        );
    routes
        .add(assign, assign::assign)
        .add(escalate, assign::escalate)
        .add(watch, watch::watch)
        .add(bulk, bulk::act_on_many)
}

/// Who is there, and how the inbox is set up.
fn desk_routes(routes: Routes) -> Routes {
    let agents = Route::get("/v1/console/agents", ReadDrafts, "Who answers: who is there, who knows what")
        .returns::<agents::AgentsAnswer>(200);
    let duty = Route::put("/v1/console/duty", Drafts, "Say whether one is there").takes::<agents::DutyBody>();
    let profile = Route::put("/v1/ops/agents/{id}", People, "Say what somebody knows and may be given")
        .takes::<agents::ProfileBody>()
        .example(json!({ "is_lead": true, "topics": ["returns"], "langs": ["zh"], "max_waiting": 10 }), Value::Null);
    let rules =
        Route::get("/v1/console/rules", ReadDrafts, "How fast buyers are to be answered").returns::<InboxRules>(200);
    let settle = Route::put("/v1/ops/inbox", People, "Settle how fast buyers are to be answered")
        .takes::<InboxRules>()
        .returns::<InboxRules>(200)
        .example(
            json!({ "first_reply_s": 120, "next_reply_s": 300, "amber_percent": 60, "assigns": true }),
            Value::Null,
        );
    let views =
        Route::get("/v1/console/views", ReadDrafts, "The views that one has kept").returns::<views::ViewsAnswer>(200);
    let keep = Route::post("/v1/console/views", ReadDrafts, "Keep a view")
        .takes::<views::ViewBody>()
        .returns::<views::ViewsAnswer>(201);
    let forget = Route::delete("/v1/console/views/{id}", ReadDrafts, "Forget a view");
    routes
        .add(agents, agents::list_agents)
        .add(duty, agents::set_duty)
        .add(profile, agents::set_profile)
        .add(rules, rules::show_rules)
        .add(settle, rules::set_rules)
        .add(views, views::list_views)
        .add(keep, views::keep_view)
        .add(forget, views::remove_view)
}
