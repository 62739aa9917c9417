//! `POST /v1/console/turns/{id}/golden`: agents, owners. Proposes what was answered as a golden answer; staff approve
//! it. An agent in a hurry teaches nobody anything.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::document::Audience;
use crate::domain::golden::{GoldenOrigin, GoldenState};
use crate::domain::ids::{GoldenId, TurnId};
use crate::domain::turn::TurnState;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::knowledge::golden::{Proposal, check_answer, check_phrasings, queue_embedding};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::golden::{self, GoldenForm, GoldenSource};
use crate::storage::turns;

#[derive(Serialize, JsonSchema)]
pub struct GoldenSaved {
    id: GoldenId,
    /// Until staff approve it, it answers nobody.
    state: GoldenState,
}

pub async fn save_golden(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
    Json(body): Json<Proposal>,
) -> ApiResult<(StatusCode, Json<GoldenSaved>)> {
    let shop = member.shop();
    let turn = turns::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    // What the buyer was not told is no answer yet.
    if turn.state != TurnState::Replied {
        return Err(Code::NotAnswered.into());
    }
    let form = GoldenForm {
        phrasings: check_phrasings(&body.question, &[])?,
        answer: check_answer(&body.answer)?,
        sku: None,
        audience: Audience::Buyers,
        platforms: vec![],
        effective_from_ms: None,
        effective_until_ms: None,
        state: GoldenState::Proposed,
    };
    let source = GoldenSource { origin: GoldenOrigin::Console, sheet: None, turn: Some(id), author: Some(member.id()) };
    let mut tx = state.db.begin().await?;
    let golden = golden::create(&mut tx, shop, &form, &source).await?;
    queue_embedding(&mut tx, shop, golden).await?;
    note(&mut tx, &member, "golden_proposed", (&golden.to_string(), json!({ "turn": id }))).await?;
    tx.commit().await?;
    (state.wake_workers)();
    Ok((StatusCode::CREATED, Json(GoldenSaved { id: golden, state: GoldenState::Proposed })))
}
