//! `POST /v1/drafts/{id}/outcome`: agents, owners, and scripts with their key. What an agent made of a draft teaches as
//! much as at the desk: the same feedback, the same label.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::ids::TurnId;
use crate::domain::outcome::EditKind;
use crate::domain::turn::RejectReason;
use crate::http::companion::views::{DraftView, read_draft};
use crate::http::console::{Judgement, Rejection, Reply, already_resolved, check_text, reject, seen_draft, send};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::companion;
use crate::storage::turns::Turn;

#[derive(Deserialize, JsonSchema)]
pub struct OutcomeBody {
    /// The version of the draft that was read.
    version: i64,
    #[serde(flatten)]
    said: Said,
}

/// What became of the draft.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Said {
    /// Used as it was.
    Used,
    /// This was used instead. Without a draft these are the agent's own words.
    Edited {
        text: String,
        /// What was changed, in the agent's eyes; without it the server's proposal counts.
        kind: Option<EditKind>,
    },
    /// Not usable.
    Rejected {
        reason: RejectReason,
        /// For those who keep the knowledge; stands in the audit log.
        #[serde(default)]
        note: String,
    },
}

pub async fn settle_draft(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
    Json(body): Json<OutcomeBody>,
) -> ApiResult<Json<DraftView>> {
    let shop = member.shop();
    let (turn, _) = companion::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    if turn.version != body.version {
        return Err(already_resolved(&state, shop, id).await);
    }
    match &body.said {
        Said::Used => {
            let text = seen_draft(&turn)?;
            send(&state, &member, &Reply { turn: &turn, text, judgement: Some(Judgement::accepted()) }).await?;
        }
        Said::Edited { text, kind } => {
            let text = check_text(text)?;
            let judgement = judged(&turn, text, *kind);
            send(&state, &member, &Reply { turn: &turn, text, judgement }).await?;
        }
        Said::Rejected { reason, note } => {
            let rejection = Rejection { version: body.version, reason: *reason, note: note.trim() };
            reject(&state, &member, &turn, &rejection).await?;
        }
    }
    Ok(Json(read_draft(&state, shop, id).await?))
}

/// What the agent's text says about the draft; nothing where none was shown.
fn judged(turn: &Turn, text: &str, kind: Option<EditKind>) -> Option<Judgement> {
    let draft = seen_draft(turn).ok()?;
    Some(if text == draft.trim() { Judgement::accepted() } else { Judgement::edited((draft, text), kind) })
}
