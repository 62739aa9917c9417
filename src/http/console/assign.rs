//! `POST /v1/console/conversations/{id}/assign`, `escalate`: agents, owners. A conversation goes to a colleague.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::ids::{AccountId, ConversationId};
use crate::events::Event;
use crate::http::console::items::{ConversationItem, read_item};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::assignments::{self, Gift, Given};
use crate::storage::inbox;

/// A reason is a sentence, not a report.
const MAX_REASON_CHARS: usize = 500;

#[derive(Deserialize, JsonSchema)]
pub struct AssignBody {
    /// To whom; left out, the server chooses by what it takes and how much everybody has to do.
    account_id: Option<AccountId>,
    /// Why, for colleagues. Needed where it is somebody else's.
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct EscalateBody {
    /// Why, for the lead.
    #[serde(default)]
    reason: String,
}

pub async fn assign(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
    Json(body): Json<AssignBody>,
) -> ApiResult<Json<ConversationItem>> {
    give_one(&state, &member, id, (body.account_id, &body.reason)).await?;
    Ok(Json(read_item(&state, member.shop(), id).await?))
}

/// Gives one conversation to a colleague, alone or among several.
pub async fn give_one(
    state: &AppState,
    member: &Member,
    id: ConversationId,
    (to, reason): (Option<AccountId>, &str),
) -> ApiResult<()> {
    let shop = member.shop();
    let reason = check_reason(reason)?;
    let now = inbox::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let is_others = now.assignee.is_some_and(|assignee| assignee != member.id());
    if is_others && reason.is_empty() && now.assignee != to {
        return Err(ApiError::field("reason", "it is a colleague's: say why it changes hands"));
    }
    let mut tx = state.db.begin().await?;
    let to = match to {
        Some(to) => to,
        None => assignments::best(&mut tx, shop, id, false).await?.ok_or(Code::NobodyFree)?,
    };
    let gift = Gift { conversation: id, by: Some(member.id()), to, is_escalation: false, reason };
    let given = assignments::give(&mut tx, shop, &gift).await?;
    if given == Given::Missing {
        return Err(ApiError::field("account_id", "nobody of the shop who may answer"));
    }
    tx.commit().await?;
    state.bus.publish(shop, Event::ConversationChanged { conversation: id });
    Ok(())
}

pub async fn escalate(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ConversationId>,
    Json(body): Json<EscalateBody>,
) -> ApiResult<Json<ConversationItem>> {
    let shop = member.shop();
    let reason = check_reason(&body.reason)?;
    let now = inbox::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    // One who presses the key twice has asked once.
    if !now.is_escalated {
        let mut tx = state.db.begin().await?;
        let to = assignments::best(&mut tx, shop, id, true).await?.ok_or(Code::NoLead)?;
        let gift = Gift { conversation: id, by: Some(member.id()), to, is_escalation: true, reason };
        assignments::give(&mut tx, shop, &gift).await?;
        tx.commit().await?;
        state.bus.publish(shop, Event::ConversationChanged { conversation: id });
    }
    Ok(Json(read_item(&state, shop, id).await?))
}

fn check_reason(reason: &str) -> ApiResult<&str> {
    let reason = reason.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(ApiError::field("reason", format!("at most {MAX_REASON_CHARS} characters")));
    }
    Ok(reason)
}
