//! `PATCH /v1/commitments/{id}`: agents, ops, owners. Of two who change one at once, one is told that it was changed.
//!
//! What is said to have been kept must show how that is known, and what shows it must be there: a message of the shop's
//! side in the same conversation, an order that has come so far, a task that was done, or a note.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::domain::commitment::{CommitmentEvidence, CommitmentKind, CommitmentState};
use crate::domain::conversation::Author;
use crate::domain::ids::{AccountId, CommitmentId, ShopId};
use crate::domain::task::TaskState;
use crate::events::{CommitmentNews, Event};
use crate::http::commitments::write_commitment::check_what;
use crate::http::commitments::{CommitmentView, read_commitment};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::commitments::{self, Commitment};
use crate::storage::{accounts, messages, orders, tasks};

/// Longer is no note.
const MAX_NOTE_CHARS: usize = 500;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitmentPatch {
    /// The version that was seen.
    version: i64,
    #[serde(default)]
    state: Option<CommitmentState>,
    /// How it is known that it was kept; needed for that.
    #[serde(default)]
    evidence: Option<CommitmentEvidence>,
    /// What seemed to show that it was kept does not.
    #[serde(default)]
    refuse_proposed: bool,
    #[serde(default)]
    owner_id: Option<AccountId>,
    #[serde(default)]
    due_at_ms: Option<i64>,
    #[serde(default)]
    kind: Option<CommitmentKind>,
    /// What the buyer was told, in better words.
    #[serde(default)]
    what: Option<String>,
}

pub async fn change_commitment(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<CommitmentId>,
    Json(patch): Json<CommitmentPatch>,
) -> ApiResult<Json<CommitmentView>> {
    let shop = member.shop();
    let known = commitments::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    if let Some(owner) = patch.owner_id {
        accounts::get(&state.db, shop, owner).await?.ok_or(Code::NotFound)?;
    }
    if let Some(evidence) = &patch.evidence {
        check_evidence(&state, shop, (&known, evidence)).await?;
    }
    let one = changed(&known, &patch)?;
    let mut tx = state.db.begin().await?;
    if !commitments::update(&mut tx, shop, &one).await? {
        return Err(Code::CommitmentChanged.into());
    }
    let detail = json!({ "from": known.state, "to": one.state, "owner": one.owner, "due_at_ms": one.due_at_ms });
    note(&mut tx, &member, "commitment_changed", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    let news = CommitmentNews::Changed;
    state.bus.publish(shop, Event::CommitmentChanged { commitment: id, conversation: one.conversation, news });
    Ok(Json(read_commitment(&state, shop, id).await?))
}

fn changed(known: &Commitment, patch: &CommitmentPatch) -> ApiResult<Commitment> {
    let mut one = Commitment { version: patch.version, ..known.clone() };
    one.owner = patch.owner_id.or(known.owner);
    one.due_at_ms = patch.due_at_ms.unwrap_or(known.due_at_ms);
    one.kind = patch.kind.unwrap_or(known.kind);
    if let Some(what) = &patch.what {
        one.what = check_what(what)?.to_owned();
    }
    if patch.refuse_proposed {
        one.proposed = None;
    }
    if let Some(state) = patch.state {
        one.state = state;
        one.evidence = match state {
            CommitmentState::Kept => {
                Some(patch.evidence.clone().ok_or_else(|| ApiError::field("evidence", "what shows that it was kept"))?)
            }
            CommitmentState::Open | CommitmentState::Dismissed => None,
        };
    }
    Ok(one)
}

async fn check_evidence(
    state: &AppState,
    shop: ShopId,
    (known, evidence): (&Commitment, &CommitmentEvidence),
) -> ApiResult<()> {
    let (is_there, missing) = match evidence {
        CommitmentEvidence::Message { conversation, message } => {
            let said = messages::get(&state.db, shop, *message).await?;
            let shows = said.is_some_and(|said| {
                said.conversation == known.conversation
                    && *conversation == known.conversation
                    && !matches!(said.author, Author::Buyer | Author::Notice)
            });
            (shows, "a message of the shop's side in the same conversation")
        }
        CommitmentEvidence::Order { order, stage, .. } => {
            let row = orders::get(&state.db, shop, *order).await?;
            let shows =
                row.is_some_and(|row| row.order.stage() >= Some(*stage) || row.order.reached_ms(*stage).is_some());
            (shows, "an order that has come so far")
        }
        CommitmentEvidence::Task { task } => {
            let task = tasks::get(&state.db, shop, *task).await?;
            (task.is_some_and(|task| task.state == TaskState::Done), "a task that was done")
        }
        CommitmentEvidence::Note { text } => {
            ((1..=MAX_NOTE_CHARS).contains(&text.trim().chars().count()), "between 1 and 500 characters")
        }
    };
    if is_there { Ok(()) } else { Err(ApiError::field("evidence", missing)) }
}
