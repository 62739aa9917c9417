//! `/v1/ops/dial`: what is promised, whether it is proven, and what is missing. Read by agents, ops, owners; changed by
//! ops and owners.
//!
//! The dial is part of the policy: its history is that of the policy, and so is the way back.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::certificate::VoidReason;
use crate::domain::dial::{Dial, Scope};
use crate::domain::ids::{CertificateId, DocumentId, ShopId};
use crate::domain::policy::{Mode, Policy, TopicRule};
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::ops::dial_views::{ScopeView, USUAL_DIAL, view_scope};
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::learn::proving::{Asked, Proved, cases, prove};
use crate::storage::policies::{self, NewPolicy, PolicyVersion};
use crate::storage::{certificates, epochs};

/// What the page offers; any other target in range is fine.
pub const TARGETS: [f64; 4] = [0.01, 0.02, 0.05, 0.1];

#[derive(Serialize, JsonSchema)]
pub struct DialAnswer {
    /// The version to base a change on.
    policy_number: u32,
    kill_switch: bool,
    /// The shop first, then every topic with a dial of its own.
    scopes: Vec<ScopeView>,
    /// Targets worth offering.
    targets: Vec<f64>,
}

#[derive(Deserialize, JsonSchema)]
pub struct DialBody {
    scope: Scope,
    /// Null turns the dial off: the bar set by hand counts again.
    dial: Option<Dial>,
    /// How much the scope may do by itself; as it was if left out.
    mode: Option<Mode>,
    /// Why, for those who read the history.
    #[serde(default)]
    note: String,
    /// Number of the version that was changed.
    based_on: u32,
}

#[derive(Deserialize, JsonSchema)]
pub struct ScopeBody {
    scope: Scope,
    /// Number of the policy that was seen: what is proven must be what is promised now.
    based_on: u32,
    /// Why.
    #[serde(default)]
    note: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct NoteBody {
    /// Why.
    #[serde(default)]
    note: String,
}

pub async fn show_dial(State(state): State<AppState>, member: Member) -> ApiResult<Json<DialAnswer>> {
    Ok(Json(read_dial(&state, member.shop()).await?))
}

async fn read_dial(state: &AppState, shop: ShopId) -> ApiResult<DialAnswer> {
    let PolicyVersion { policy, number, .. } = policies::current(&state.db, shop).await?;
    let names = Names::of(&state.db, shop).await?;
    let mut cases = cases(&state.db, shop, (&policy, Some(USUAL_DIAL)), &state.fingerprint).await?;
    cases.sort_by(|a, b| a.scope.cmp(&b.scope));
    let mut scopes = Vec::new();
    for case in cases {
        scopes.push(view_scope(state, shop, (&policy, case), &names).await?);
    }
    Ok(DialAnswer { policy_number: number, kill_switch: policy.kill_switch, scopes, targets: TARGETS.to_vec() })
}

/// Turning it tries to prove it at once, from what is labelled already. If somebody changes something in that moment, the
/// dial is turned and nothing is proven yet: the page says so.
pub async fn turn_dial(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<DialBody>,
) -> ApiResult<Json<DialAnswer>> {
    let shop = member.shop();
    let current = policies::current(&state.db, shop).await?;
    let policy = turned(current.policy, &body);
    policy.validate().map_err(|error| ApiError::field(error.field, &error))?;
    let note_text = body.note.trim();
    let new = NewPolicy { policy: &policy, author: Some(member.id()), note: note_text, based_on: Some(body.based_on) };
    let mut tx = state.db.begin().await?;
    let version = match policies::append(&mut tx, shop, &new).await {
        Err(error) if error.conflicts_with("policies_number") => None,
        other => other?,
    };
    let version = version.ok_or(Code::PolicyChanged)?;
    let detail = json!({ "scope": body.scope, "dial": body.dial, "mode": body.mode, "note": note_text });
    note(&mut tx, &member, "dial_turned", (&version.number.to_string(), detail)).await?;
    tx.commit().await?;
    // All of them: promises share the doubt, so one more or less changes what the others need.
    let asked = Asked { by: Some(member.id()), note: note_text };
    prove(&state.db, shop, (&version, &policy.promised_scopes()), (&state.fingerprint, asked)).await?;
    state.bus.publish(shop, Event::PolicyChanged);
    Ok(Json(read_dial(&state, shop).await?))
}

fn turned(mut policy: Policy, body: &DialBody) -> Policy {
    match &body.scope {
        Scope::Shop => {
            policy.dial = body.dial;
            policy.mode = body.mode.unwrap_or(policy.mode);
        }
        Scope::Topic(topic) => {
            let as_shop = TopicRule { mode: policy.mode, bar: None, dial: None };
            let rule = policy.topics.entry(topic.clone()).or_insert(as_shop);
            rule.dial = body.dial;
            rule.mode = body.mode.unwrap_or(rule.mode);
        }
    }
    policy
}

pub async fn certify(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<ScopeBody>,
) -> ApiResult<Json<DialAnswer>> {
    let shop = member.shop();
    let version = policies::current(&state.db, shop).await?;
    if version.number != body.based_on {
        return Err(Code::PromiseChanged.into());
    }
    if version.policy.dial_of(&body.scope).is_none() {
        return Err(Code::DialOff.into());
    }
    let asked = Asked { by: Some(member.id()), note: body.note.trim() };
    match prove(&state.db, shop, (&version, &[body.scope]), (&state.fingerprint, asked)).await? {
        Proved::New => state.bus.publish(shop, Event::PolicyChanged),
        Proved::Nothing => {}
        Proved::Overtaken => return Err(Code::PromiseChanged.into()),
    }
    Ok(Json(read_dial(&state, shop).await?))
}

pub async fn void_certificate(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<CertificateId>,
    Json(body): Json<NoteBody>,
) -> ApiResult<Json<DialAnswer>> {
    let shop = member.shop();
    certificates::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let mut tx = state.db.begin().await?;
    if certificates::void(&mut tx, shop, id, (VoidReason::ByHand, Some(member.id()))).await? {
        let detail = json!({ "why": VoidReason::ByHand, "note": body.note.trim() });
        note(&mut tx, &member, "certificate_voided", (&id.to_string(), detail)).await?;
    }
    tx.commit().await?;
    state.bus.publish(shop, Event::PolicyChanged);
    Ok(Json(read_dial(&state, shop).await?))
}

/// `POST /v1/ops/documents/{id}/verified`: lifts the hold on answers that cite a changed document.
pub async fn verify_document(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<DocumentId>,
    Json(body): Json<NoteBody>,
) -> ApiResult<Json<DialAnswer>> {
    let shop = member.shop();
    let mut tx = state.db.begin().await?;
    if !epochs::verify(&mut tx, shop, id).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "document_verified", (&id.to_string(), json!({ "note": body.note.trim() }))).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::PolicyChanged);
    Ok(Json(read_dial(&state, shop).await?))
}
