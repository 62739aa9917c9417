//! `POST /v1/ops/policy`, `POST /v1/ops/kill-switch`: ops, owners.
//!
//! A policy is based on the one its author saw: of two people who change it at once, the second is told.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::domain::policy::Policy;
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::ops::show_policy::{PolicyAnswer, read_policy};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::policies::{self, NewPolicy};

#[derive(Deserialize, JsonSchema)]
pub struct PolicyBody {
    policy: Policy,
    /// Why, for those who read the history.
    #[serde(default)]
    note: String,
    /// Number of the version that was changed.
    based_on: u32,
}

#[derive(Deserialize, JsonSchema)]
pub struct KillSwitchBody {
    /// True stops all auto-sending.
    on: bool,
    /// Why.
    #[serde(default)]
    note: String,
}

pub async fn set_policy(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<PolicyBody>,
) -> ApiResult<Json<PolicyAnswer>> {
    body.policy.validate().map_err(|error| ApiError::field(error.field, &error))?;
    let new = NewPolicy {
        policy: &body.policy,
        author: Some(member.id()),
        note: body.note.trim(),
        based_on: Some(body.based_on),
    };
    put_in_force(&state, &member, ("policy_changed", &new)).await
}

/// The switch must work in a hurry: it is thrown on whatever is in force now.
pub async fn set_kill_switch(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<KillSwitchBody>,
) -> ApiResult<Json<PolicyAnswer>> {
    if !body.on {
        // To stop is safe, to go on is not.
        member.check_confirmed()?;
    }
    let current = policies::current(&state.db, member.shop()).await?;
    let policy = Policy { kill_switch: body.on, ..current.policy };
    let new = NewPolicy {
        policy: &policy,
        author: Some(member.id()),
        note: body.note.trim(),
        based_on: Some(current.number),
    };
    put_in_force(&state, &member, ("kill_switch", &new)).await
}

async fn put_in_force(
    state: &AppState,
    member: &Member,
    (action, new): (&str, &NewPolicy<'_>),
) -> ApiResult<Json<PolicyAnswer>> {
    let mut tx = state.db.begin().await?;
    let appended = policies::append(&mut tx, member.shop(), new).await;
    let version = match appended {
        Err(error) if error.conflicts_with("policies_number") => None,
        other => other?,
    };
    let version = version.ok_or(Code::PolicyChanged)?;
    let detail = json!({ "policy": new.policy, "note": new.note });
    note(&mut tx, member, action, (&version.number.to_string(), detail)).await?;
    tx.commit().await?;
    state.bus.publish(member.shop(), Event::PolicyChanged);
    Ok(Json(read_policy(state, member.shop()).await?))
}
