//! `/v1/ops/sign-in`: ops, owners. Whether those who set the rules must have a second factor.
//!
//! Whoever has none is let in as far as to set one up: see [`crate::http::guard`].

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::error::ApiResult;
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::{second_factor, shops};

#[derive(Deserialize, JsonSchema)]
pub struct SignInBody {
    /// Of ops and owners.
    needs_second_factor: bool,
}

#[derive(Serialize, JsonSchema)]
pub struct SignInAnswer {
    /// Of ops and owners.
    needs_second_factor: bool,
    /// Ops and owners who have none; they set one up when they come next.
    n_without: u32,
}

pub async fn show_sign_in(State(state): State<AppState>, member: Member) -> ApiResult<Json<SignInAnswer>> {
    Ok(Json(SignInAnswer {
        needs_second_factor: shops::needs_second_factor(&state.db, member.shop()).await?,
        n_without: second_factor::n_without(&state.db, member.shop()).await?,
    }))
}

pub async fn set_sign_in(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<SignInBody>,
) -> ApiResult<Json<SignInAnswer>> {
    let needs = body.needs_second_factor;
    let mut tx = state.db.begin().await?;
    shops::set_needs_second_factor(&mut tx, member.shop(), needs).await?;
    let detail = json!({ "needs_second_factor": needs });
    note(&mut tx, &member, "sign_in_rule_changed", (&member.shop().to_string(), detail)).await?;
    tx.commit().await?;
    show_sign_in(State(state), member).await
}
