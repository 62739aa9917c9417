//! `GET /v1/drafts/{id}`: agents, ops, owners, and scripts with their key.

use std::time::Duration;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;

use crate::domain::ids::{ShopId, TurnId};
use crate::domain::turn::TurnState;
use crate::events::Event;
use crate::http::companion::views::{DraftView, read_draft};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::{StorageError, turns};

/// Proxies cut what stays silent for longer.
const MAX_WAIT_S: u64 = 30;

#[derive(Deserialize, JsonSchema)]
pub struct WaitQuery {
    /// Seconds to wait for a draft that is being written; 0 to 30. It is no error if it takes longer: ask again.
    #[serde(default)]
    wait_s: u64,
}

pub async fn show_draft(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
    Query(query): Query<WaitQuery>,
) -> ApiResult<Json<DraftView>> {
    if query.wait_s > MAX_WAIT_S {
        return Err(ApiError::field("wait_s", format!("0 to {MAX_WAIT_S}")));
    }
    let shop = member.shop();
    if query.wait_s > 0 {
        let decided = until_decided(&state, shop, id);
        tokio::select! {
            decided = tokio::time::timeout(Duration::from_secs(query.wait_s), decided) => {
                // Late is no failure: what there is by now is told below.
                if let Ok(outcome) = decided {
                    outcome?;
                }
            }
            () = state.stopping.cancelled() => return Err(Code::TryAgain.into()),
        }
    }
    Ok(Json(read_draft(&state, shop, id).await?))
}

/// Returns once the turn is not asked any more. The bus only says when to look: SQL is looked at after subscribing.
async fn until_decided(state: &AppState, shop: ShopId, id: TurnId) -> Result<(), StorageError> {
    let mut news = state.bus.subscribe();
    loop {
        let turn = turns::get(&state.db, shop, id).await?;
        if turn.is_none_or(|turn| turn.state != TurnState::Asked) {
            return Ok(());
        }
        loop {
            match news.recv().await {
                Ok((_, Event::TurnChanged { turn, .. })) if turn == id => break,
                Err(RecvError::Lagged(_)) => break,
                Ok(_) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}
