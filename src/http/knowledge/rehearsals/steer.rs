//! `POST /v1/knowledge/rehearsals/{id}/pause`, `…/resume`, `…/cancel`: staff, ops, owners.

use axum::extract::State;
use serde_json::Value;

use crate::domain::ids::RehearsalId;
use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::rehearsals::show::{RehearsalView, view};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::{Tx, rehearsals};

pub async fn pause(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<RehearsalId>,
) -> ApiResult<Json<RehearsalView>> {
    let mut tx = begin(&state, &member, id).await?;
    let is_moved = rehearsals::pause(&mut tx, member.shop(), id).await?;
    finish((&state, &member, lang), tx, (id, is_moved, "rehearsal_paused")).await
}

pub async fn resume(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<RehearsalId>,
) -> ApiResult<Json<RehearsalView>> {
    let mut tx = begin(&state, &member, id).await?;
    let is_moved = rehearsals::resume(&mut tx, member.shop(), id).await?;
    finish((&state, &member, lang), tx, (id, is_moved, "rehearsal_resumed")).await
}

pub async fn cancel(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<RehearsalId>,
) -> ApiResult<Json<RehearsalView>> {
    let mut tx = begin(&state, &member, id).await?;
    let is_moved = rehearsals::cancel(&mut tx, member.shop(), id).await?;
    finish((&state, &member, lang), tx, (id, is_moved, "rehearsal_cancelled")).await
}

async fn begin(state: &AppState, member: &Member, id: RehearsalId) -> ApiResult<Tx> {
    let mut tx = state.db.begin().await?;
    rehearsals::hold(&mut tx, member.shop(), id).await?.ok_or(Code::NotFound)?;
    Ok(tx)
}

/// What cannot be done now was done by somebody else, or has ended by itself: the page reads it anew.
async fn finish(
    (state, member, lang): (&AppState, &Member, Lang),
    mut tx: Tx,
    (id, is_moved, action): (RehearsalId, bool, &str),
) -> ApiResult<Json<RehearsalView>> {
    if !is_moved {
        return Err(Code::RehearsalMoved.into());
    }
    note(&mut tx, member, action, (&id.to_string(), Value::Null)).await?;
    tx.commit().await?;
    (state.wake_workers)();
    state.bus.publish(member.shop(), Event::RehearsalMoved { rehearsal: id });
    Ok(Json(view(state, member.shop(), id, lang).await?))
}
