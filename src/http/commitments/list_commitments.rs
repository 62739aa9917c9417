//! `GET /v1/commitments`, `GET /v1/commitments/counts`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ConversationId;
use crate::http::commitments::{CommitmentView, view_commitments};
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::tasks::PersonView;
use crate::learn::commitments::clock_of;
use crate::storage::commitments::{self, CommitmentQuery, OpenCounts};
use crate::storage::{StorageError, accounts};

/// More of them are read by filter.
const MAX_LISTED: u32 = 200;

/// Which part of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Show {
    /// Open, due until the end of the shop's day, what is overdue apart.
    Today,
    /// Open, due before now.
    Overdue,
    /// Open, the reader's own, or put before them as the lead.
    Mine,
    /// All that are open.
    #[default]
    All,
    /// Kept and dismissed.
    Over,
}

#[derive(Deserialize, JsonSchema)]
pub struct CommitmentsQuery {
    #[serde(default)]
    show: Show,
    #[serde(default)]
    conversation_id: Option<ConversationId>,
}

#[derive(Serialize, JsonSchema)]
pub struct CommitmentsAnswer {
    commitments: Vec<CommitmentView>,
    counts: OpenCounts,
    /// Whom one can be given to.
    people: Vec<PersonView>,
}

async fn day_ends_ms(state: &AppState, member: &Member) -> Result<i64, StorageError> {
    let clock = clock_of(&state.db, member.shop()).await?;
    Ok(clock.at(clock.day(state.now_ms()), 24 * 60 - 1))
}

pub async fn list_commitments(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<CommitmentsQuery>,
) -> ApiResult<Json<CommitmentsAnswer>> {
    let (shop, now_ms) = (member.shop(), state.now_ms());
    let day_ends_ms = day_ends_ms(&state, &member).await?;
    let (due_from_ms, due_until_ms) = match query.show {
        Show::Today => (Some(now_ms), Some(day_ends_ms + 1)),
        Show::Overdue => (None, Some(now_ms)),
        Show::Mine | Show::All | Show::Over => (None, None),
    };
    let wanted = CommitmentQuery {
        over: query.show == Show::Over,
        due_from_ms,
        due_until_ms,
        concerns: (query.show == Show::Mine).then(|| member.id()),
        conversation: query.conversation_id,
        limit: MAX_LISTED,
    };
    let found = commitments::list(&state.db, shop, &wanted).await?;
    let people = accounts::list(&state.db, shop).await?.into_iter().filter(|person| !person.disabled);
    Ok(Json(CommitmentsAnswer {
        commitments: view_commitments(&state, shop, found).await?,
        counts: commitments::counts(&state.db, shop, member.id(), day_ends_ms).await?,
        people: people.map(|person| PersonView::new(person.id, person.name)).collect(),
    }))
}

pub async fn count_commitments(State(state): State<AppState>, member: Member) -> ApiResult<Json<OpenCounts>> {
    let day_ends_ms = day_ends_ms(&state, &member).await?;
    Ok(Json(commitments::counts(&state.db, member.shop(), member.id(), day_ends_ms).await?))
}
