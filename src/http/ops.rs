//! The room of ops: what is sent by itself, how well that goes, and who works here.

mod accounts;
mod audit;
mod buyers;
mod change_policy;
mod checks;
mod dial;
mod dial_views;
mod evidence;
mod keys;
mod links;
mod numbers;
mod preview_policy;
mod show_policy;
mod sign_in;
mod turns;
mod widgets;

use serde_json::{Value, json};

pub use dial::TARGETS;
pub use dial_views::USUAL_DIAL;

use crate::http::permission::Permission::{Bars, BuyerData, People, ReadBars};
use crate::http::routes::{Route, Routes};

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    routes
        .with(policy_routes)
        .with(dial_routes)
        .with(plot_routes)
        .with(people_routes)
        .with(widget_routes)
        .with(key_routes)
        .with(sign_in_routes)
        .with(buyer_routes)
}

fn policy_routes(routes: Routes) -> Routes {
    let show = Route::get("/v1/ops/policy", ReadBars, "The policy in force, and the newest 50 before it")
        .returns::<show_policy::PolicyAnswer>(200);
    let set = Route::post("/v1/ops/policy", Bars, "Put another policy in force")
        .asks_password()
        .takes::<change_policy::PolicyBody>()
        .returns::<show_policy::PolicyAnswer>(200)
        .example(json!({ "policy": example_policy(), "note": "returns are safe by now", "based_on": 3 }), Value::Null);
    let stop = Route::post("/v1/ops/kill-switch", Bars, "Stop or resume all auto-sending")
        .takes::<change_policy::KillSwitchBody>()
        .returns::<show_policy::PolicyAnswer>(200)
        .example(json!({ "on": true, "note": "wrong prices since noon" }), Value::Null);
    let preview =
        Route::post("/v1/ops/preview", ReadBars, "Try a policy on the turns of the last days; changes nothing")
            .takes::<preview_policy::PreviewBody>()
            .returns::<crate::learn::replay::Preview>(200)
            .example(json!({ "policy": example_policy(), "days": 30 }), Value::Null);
    let numbers = Route::get("/v1/ops/numbers", ReadBars, "What happened, day by day")
        .query::<numbers::NumbersQuery>()
        .returns::<numbers::NumbersAnswer>(200);
    let turns = Route::get("/v1/ops/turns", ReadBars, "The newest decided turns")
        .query::<turns::TurnsQuery>()
        .returns::<turns::TurnsAnswer>(200);
    routes
        .add(show, show_policy::show_policy)
        .add(set, change_policy::set_policy)
        .add(stop, change_policy::set_kill_switch)
        .add(preview, preview_policy::preview_policy)
        .add(numbers, numbers::show_numbers)
        .add(turns, turns::list_turns)
}

fn dial_routes(routes: Routes) -> Routes {
    let show = Route::get("/v1/ops/dial", ReadBars, "What is promised about wrong answers, and whether it is proven")
        .returns::<dial::DialAnswer>(200);
    let turn = Route::put("/v1/ops/dial", Bars, "Promise something about wrong answers, or take a promise back")
        .asks_password()
        .takes::<dial::DialBody>()
        .returns::<dial::DialAnswer>(200)
        .example(
            json!({
                "scope": "shop", "dial": { "target_error": 0.05, "certainty": 0.95, "audit_rate": 0.05 },
                "mode": "auto", "note": "the first promise", "based_on": 3,
            }),
            Value::Null,
        );
    let certify = Route::post("/v1/ops/dial/certify", Bars, "Prove a promise from what is labelled by now")
        .asks_password()
        .takes::<dial::ScopeBody>()
        .returns::<dial::DialAnswer>(200)
        .example(json!({ "scope": "shop", "note": "a hundred more reviews" }), Value::Null);
    let list = Route::get("/v1/ops/certificates", ReadBars, "The proofs so far, newest first")
        .query::<dial_views::CertificatesQuery>()
        .returns::<dial_views::CertificatesAnswer>(200);
    let void = Route::post("/v1/ops/certificates/{id}/void", Bars, "End a proof: drafts only from now on")
        .takes::<dial::NoteBody>()
        .returns::<dial::DialAnswer>(200);
    let verify =
        Route::post("/v1/ops/documents/{id}/verified", Bars, "Let answers that cite a changed document be sent again")
            .asks_password()
            .takes::<dial::NoteBody>()
            .returns::<dial::DialAnswer>(200);
    let checks =
        Route::get("/v1/ops/dial/checks", ReadBars, "What the server found when it looked at a promise by itself")
            .query::<checks::ChecksQuery>()
            .returns::<checks::ChecksAnswer>(200);
    routes
        .add(checks, checks::list_checks)
        .add(show, dial::show_dial)
        .add(turn, dial::turn_dial)
        .add(certify, dial::certify)
        .add(list, dial_views::list_certificates)
        .add(void, dial::void_certificate)
        .add(verify, dial::verify_document)
}

fn plot_routes(routes: Routes) -> Routes {
    let evidence =
        Route::get("/v1/ops/dial/evidence", ReadBars, "Error against coverage, reliability, turns near the bar")
            .query::<evidence::EvidenceQuery>()
            .returns::<evidence::EvidenceAnswer>(200);
    let weeks =
        Route::get("/v1/ops/dial/weeks", ReadBars, "Week by week: sent, audited, and the bet against the proof")
            .query::<evidence::WeeksQuery>()
            .returns::<evidence::WeeksAnswer>(200);
    let topics = Route::get("/v1/ops/dial/topics", ReadBars, "Topic by topic: whose promise, and how well it is kept")
        .query::<evidence::TopicsQuery>()
        .returns::<evidence::TopicsAnswer>(200);
    routes.add(evidence, evidence::show_evidence).add(weeks, evidence::show_weeks).add(topics, evidence::show_topics)
}

fn people_routes(routes: Routes) -> Routes {
    let list =
        Route::get("/v1/ops/accounts", People, "The people of the shop").returns::<accounts::AccountsAnswer>(200);
    let invite = Route::post("/v1/ops/accounts", People, "Invite somebody; the link is shown once")
        .asks_password()
        .takes::<accounts::InviteBody>()
        .returns::<accounts::Invitation>(201)
        .example(json!({ "email": "new@shop.example", "name": "小王", "role": "agent" }), Value::Null);
    let change = Route::patch("/v1/ops/accounts/{id}", People, "Change a role or a name, lock out or let in again")
        .asks_password()
        .takes::<accounts::AccountPatch>()
        .returns::<accounts::AccountView>(200);
    let reset = Route::post("/v1/ops/accounts/{id}/reset-password", People, "Make a link that sets a new password")
        .asks_password()
        .returns::<accounts::ResetAnswer>(200);
    let log = Route::get("/v1/ops/audit", People, "Who changed what, newest first")
        .query::<audit::AuditQuery>()
        .returns::<audit::AuditAnswer>(200);
    let end_sessions =
        Route::post("/v1/ops/accounts/{id}/end-sessions", People, "Sign somebody out everywhere").asks_password();
    let reset_factor =
        Route::post("/v1/ops/accounts/{id}/reset-second-factor", People, "Take a lost second factor away")
            .asks_password();
    let verify = Route::get("/v1/ops/audit/verify", People, "Whether the log still holds together")
        .returns::<crate::storage::audit::Verified>(200);
    let routes = routes
        .add(end_sessions, accounts::end_sessions)
        .add(reset_factor, accounts::reset_second_factor)
        .add(verify, audit::verify_audit);
    routes
        .add(list, accounts::list_accounts)
        .add(invite, accounts::invite)
        .add(change, accounts::change_account)
        .add(reset, accounts::reset_password)
        .add(log, audit::list_audit)
}

fn widget_routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/ops/widgets", People, "The widgets of the shop").returns::<widgets::WidgetsAnswer>(200);
    let add = Route::post("/v1/ops/widgets", People, "Make a widget")
        .takes::<widgets::WidgetBody>()
        .returns::<widgets::WidgetView>(201)
        .example(json!({ "name": "main shop", "allowed_origins": ["https://shop.example"] }), Value::Null);
    let change = Route::patch("/v1/ops/widgets/{id}", People, "Change a widget")
        .takes::<widgets::WidgetPatch>()
        .returns::<widgets::WidgetView>(200);
    routes.add(list, widgets::list_widgets).add(add, widgets::add_widget).add(change, widgets::change_widget).add(
        Route::delete("/v1/ops/widgets/{id}", People, "Take a widget away; its conversations stay"),
        widgets::remove_widget,
    )
}

fn key_routes(routes: Routes) -> Routes {
    let tokens = Route::get("/v1/ops/tokens", People, "Keys of scripts").returns::<keys::TokensAnswer>(200);
    let add_token = Route::post("/v1/ops/tokens", People, "Make a key for a script; it is shown once")
        .asks_password()
        .takes::<keys::TokenBody>()
        .returns::<keys::NewTokenAnswer>(201)
        .example(json!({ "name": "nightly report", "scopes": ["read_bars"], "days": 90 }), Value::Null);
    let remove_token = Route::delete("/v1/ops/tokens/{token_id}", People, "Take the key of a script away");
    let buyer_keys = Route::get("/v1/ops/buyer-keys", People, "Keys that the shop signs its buyers' identity with")
        .returns::<keys::BuyerKeysAnswer>(200);
    let add_buyer_key = Route::post("/v1/ops/buyer-keys", People, "Make a signing key, two at most; it is shown once")
        .asks_password()
        .returns::<keys::NewBuyerKeyAnswer>(201);
    let remove_buyer_key =
        Route::delete("/v1/ops/buyer-keys/{key_id}", People, "Take a signing key away").asks_password();
    let links = Route::get("/v1/ops/link-hosts", ReadBars, "Sites that answers may lead to")
        .returns::<links::LinkHostsAnswer>(200);
    let set_links = Route::post("/v1/ops/link-hosts", Bars, "List other sites that answers may lead to")
        .asks_password()
        .takes::<links::LinkHostsBody>()
        .returns::<links::LinkHostsAnswer>(200)
        .example(json!({ "hosts": ["help.shop.example"] }), Value::Null);
    routes
        .add(tokens, keys::list_tokens)
        .add(add_token, keys::add_token)
        .add(remove_token, keys::remove_token)
        .add(buyer_keys, keys::list_buyer_keys)
        .add(add_buyer_key, keys::add_buyer_key)
        .add(remove_buyer_key, keys::remove_buyer_key)
        .add(links, links::show_link_hosts)
        .add(set_links, links::set_link_hosts)
}

fn sign_in_routes(routes: Routes) -> Routes {
    let show = Route::get("/v1/ops/sign-in", People, "What the shop asks of people who sign in")
        .returns::<sign_in::SignInAnswer>(200);
    let set = Route::post("/v1/ops/sign-in", People, "Demand a second factor of ops and owners, or do not")
        .asks_password()
        .takes::<sign_in::SignInBody>()
        .returns::<sign_in::SignInAnswer>(200)
        .example(json!({ "needs_second_factor": true }), Value::Null);
    routes.add(show, sign_in::show_sign_in).add(set, sign_in::set_sign_in)
}

fn buyer_routes(routes: Routes) -> Routes {
    let export = Route::post("/v1/ops/buyers/export", BuyerData, "Everything that is kept of a buyer")
        .asks_password()
        .takes::<buyers::BuyerBody>()
        .returns::<buyers::ExportAnswer>(200)
        .example(json!({ "buyer_id": "customer-1024" }), Value::Null);
    let erase = Route::post("/v1/ops/buyers/erase", BuyerData, "Delete everything that is kept of a buyer")
        .asks_password()
        .takes::<buyers::BuyerBody>()
        .returns::<buyers::Receipt>(200)
        .example(json!({ "buyer_id": "customer-1024" }), Value::Null);
    routes.add(export, buyers::export).add(erase, buyers::erase)
}

fn example_policy() -> Value {
    json!({
        "bar": 0.85, "mode": "auto", "min_grounded_share": 0.5, "audit_rate": 0.2, "kill_switch": false,
        "topics": { "complaint": { "mode": "assist", "bar": null } },
    })
}
