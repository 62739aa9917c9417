//! `POST /v1/console/turns/{id}/reject`: agents, owners. Nothing is sent: the buyer waits for an agent's own words.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::domain::ids::TurnId;
use crate::domain::outcome::LabelSource;
use crate::domain::turn::{RejectReason, Verdict};
use crate::events::Event;
use crate::http::console::conflict::already_resolved;
use crate::http::console::open_turn::read_turn;
use crate::http::console::send_reply::hold;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::http::views::TurnView;
use crate::storage::assignments::Words;
use crate::storage::feedback::{self, NewFeedback};
use crate::storage::labels::{self, NewLabel};
use crate::storage::turns::{self, Turn};

#[derive(Deserialize, JsonSchema)]
pub struct RejectBody {
    /// The version of the turn that was read.
    version: i64,
    reason: RejectReason,
    /// For those who keep the knowledge; stands in the audit log.
    #[serde(default)]
    note: String,
}

pub async fn reject_draft(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
    Json(body): Json<RejectBody>,
) -> ApiResult<Json<TurnView>> {
    let shop = member.shop();
    let turn = turns::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let rejection = Rejection { version: body.version, reason: body.reason, note: body.note.trim() };
    reject(&state, &member, &turn, &rejection).await?;
    Ok(Json(read_turn(&state, shop, id).await?))
}

/// Why a draft is refused.
pub struct Rejection<'a> {
    /// The version that was read.
    pub version: i64,
    /// In one word.
    pub reason: RejectReason,
    /// In more words, for those who keep the knowledge.
    pub note: &'a str,
}

/// Refuses it, or tells who was first.
pub async fn reject(state: &AppState, member: &Member, turn: &Turn, rejection: &Rejection<'_>) -> ApiResult<()> {
    let (shop, id) = (member.shop(), turn.id);
    let mut tx = state.db.begin().await?;
    hold(&mut tx, (state, member), (turn.conversation, Words::ToQuestion)).await?;
    if turns::reject(&mut tx, shop, id, rejection.version).await?.is_none() {
        drop(tx);
        return Err(already_resolved(state, shop, id).await);
    }
    let (account, reason) = (member.id(), Some(rejection.reason));
    let verdict = Verdict::Rejected;
    let judgement = NewFeedback { turn: id, account, verdict, reason, final_text: None, difference: None };
    feedback::insert(&mut tx, shop, &judgement).await?;
    let outcome = rejection.reason.into();
    let label = NewLabel { turn: id, account, outcome, source: LabelSource::Review, propensity: 1.0 };
    labels::insert(&mut tx, shop, &label).await?;
    let detail = json!({ "reason": rejection.reason, "note": rejection.note });
    note(&mut tx, member, "draft_rejected", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::TurnChanged { conversation: turn.conversation, turn: id });
    Ok(())
}
