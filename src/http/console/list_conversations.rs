//! `GET /v1/console/conversations`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::console::items::ConversationItem;
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::inbox::{self, InboxQuery, Show};

/// Which conversations.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tab {
    /// Those not done with.
    #[default]
    Open,
    /// Those that the reader has taken over.
    Mine,
    /// Those in which the assistant has answered by itself last.
    Auto,
    /// Those done with.
    Closed,
    /// All.
    All,
}

#[derive(Deserialize, JsonSchema)]
pub struct ConversationsQuery {
    #[serde(default)]
    tab: Tab,
    /// Only those in which somebody said this.
    q: Option<String>,
    /// At most so many; 50 if left out, 200 at most.
    limit: Option<u32>,
    /// Only those last changed before: the way to the next page.
    before_ms: Option<i64>,
}

/// What waits, for the badges.
#[derive(Serialize, JsonSchema)]
pub struct Counts {
    review: u32,
    escalated: u32,
    open: u32,
    mine: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct ConversationsAnswer {
    conversations: Vec<ConversationItem>,
    counts: Counts,
}

pub async fn list_conversations(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<ConversationsQuery>,
) -> ApiResult<Json<ConversationsAnswer>> {
    let shop = member.shop();
    let inbox_query = InboxQuery {
        show: match query.tab {
            Tab::Open => Show::Open,
            Tab::Mine => Show::Mine(member.id()),
            Tab::Auto => Show::Auto,
            Tab::Closed => Show::Closed,
            Tab::All => Show::All,
        },
        search: query.q.as_deref().map(str::trim).filter(|text| !text.is_empty()),
        before_ms: query.before_ms.unwrap_or(i64::MAX),
        limit: query.limit.unwrap_or(50).min(200),
    };
    let rows = inbox::list(&state.db, shop, &inbox_query).await?;
    let counts = inbox::counts(&state.db, shop, member.id()).await?;
    let names = Names::of(&state.db, shop).await?;
    Ok(Json(ConversationsAnswer {
        conversations: rows.into_iter().map(|row| ConversationItem::new(row, &names)).collect(),
        counts: Counts { review: counts.review, escalated: counts.escalated, open: counts.open, mine: counts.mine },
    }))
}
