//! `GET /v1/figures/conversations`: agents, ops, owners. A figure that cannot be opened is a rumour.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ConversationId;
use crate::domain::tally::{Counts, Inquiry};
use crate::http::day::DAY_MS;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Query};
use crate::http::figures::query::{Asked, FiguresQuery};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::learn::tallies;

/// Conversations in one answer.
const MAX_LISTED: usize = 100;

/// Something that is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    #[default]
    Inquiries,
    Received,
    Lost,
    AssistantAlone,
    /// With a round that was answered after the shorter window, or not at all.
    SlowShort,
    /// The longer one.
    SlowLong,
    Named,
    WonSameDay,
    Won,
    Confirmed,
    Assumed,
    Reopened,
    AutoSent,
    AutoWrong,
}

/// All parameters, for the description: the two halves are read one by one.
#[derive(Serialize, JsonSchema)]
pub struct BehindQuery {
    #[serde(flatten)]
    figures: FiguresQuery,
    #[serde(flatten)]
    of: FigureQuery,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FigureQuery {
    /// Which figure; all inquiries if left out.
    #[serde(default)]
    figure: Figure,
    /// Of which row; of all if left out.
    row: Option<String>,
}

/// A conversation behind a figure.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Behind {
    conversation_id: ConversationId,
    /// When the inquiry began.
    at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct BehindAnswer {
    /// Newest first; 100 at most.
    conversations: Vec<Behind>,
    /// Whether there are more.
    has_more: bool,
}

pub async fn list_behind(
    State(state): State<AppState>,
    member: Member,
    Query(figures): Query<FiguresQuery>,
    Query(query): Query<FigureQuery>,
) -> ApiResult<Json<BehindAnswer>> {
    let asked = figures.understand(&state, &member).await?;
    if query.row.as_deref().is_some_and(|row| !asked.may_see(&member, row)) {
        return Err(Code::NotAllowed.into());
    }
    let mut conversations = Vec::new();
    let mut day_ms = asked.period.until_ms - DAY_MS;
    while day_ms >= asked.period.from_ms && conversations.len() <= MAX_LISTED {
        let inquiries = tallies::inquiries(&state.db, member.shop(), day_ms, asked.rules.counts_automatic).await?;
        let counted =
            inquiries.iter().filter(|inquiry| is_counted(inquiry, &asked, (query.figure, &query.row), day_ms));
        conversations
            .extend(counted.map(|inquiry| Behind { conversation_id: inquiry.conversation, at_ms: inquiry.at_ms }));
        day_ms -= DAY_MS;
    }
    let has_more = conversations.len() > MAX_LISTED;
    conversations.truncate(MAX_LISTED);
    Ok(Json(BehindAnswer { conversations, has_more }))
}

/// Whether an inquiry adds something to the figure of the row.
fn is_counted(inquiry: &Inquiry, asked: &Asked, (figure, row): (Figure, &Option<String>), day_ms: i64) -> bool {
    let in_row = |key| row.as_deref().is_none_or(|row| asked.row_of(key, day_ms).as_deref() == Some(row));
    let cells = inquiry.cells.iter().filter(|cell| asked.wants(&cell.key) && in_row(&cell.key));
    cells.into_iter().any(|cell| adds(&cell.counts, asked, figure))
}

fn adds(counts: &Counts, asked: &Asked, figure: Figure) -> bool {
    let slow = |seconds| counts.n_unanswered + counts.rounds.n() - counts.rounds.within(seconds);
    let n = match figure {
        Figure::Inquiries => counts.n_inquiries,
        Figure::Received => counts.n_received,
        Figure::Lost => counts.n_lost,
        Figure::AssistantAlone => counts.n_assistant_alone,
        Figure::SlowShort => slow(asked.rules.short_s),
        Figure::SlowLong => slow(asked.rules.long_s),
        Figure::Named => counts.n_named,
        Figure::WonSameDay => counts.n_won_same_day,
        Figure::Won => counts.n_won,
        Figure::Confirmed => counts.n_confirmed,
        Figure::Assumed => counts.n_assumed,
        Figure::Reopened => counts.n_reopened,
        Figure::AutoSent => counts.n_auto_sent,
        Figure::AutoWrong => counts.n_auto_wrong,
    };
    n > 0
}
