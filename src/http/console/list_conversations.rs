//! `GET /v1/console/conversations`: agents, ops, owners. A page of the inbox, and how much there is in each tab.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::text::Lang;
use crate::http::console::items::{ConversationItem, Shown, cursor_of, read_cursor};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::inbox::{self, InboxQuery, SEARCHED, Search, Show, Whose};
use crate::storage::inbox_rules;

/// Which conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tab {
    /// Those that a person has to look at.
    Review,
    /// Those not done with that are the reader's.
    Mine,
    /// Those in which a buyer waits.
    Waiting,
    /// Those not done with.
    #[default]
    Open,
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
    /// Only those in which somebody said this, about the order of this number, or of the colleague of this name.
    q: Option<String>,
    /// Only those with this tag.
    tag: Option<String>,
    /// Only those that somebody has marked.
    #[serde(default)]
    marked: bool,
    /// Only those in this language.
    lang: Option<Lang>,
    /// Only those of the person with this id, or of `nobody`.
    whose: Option<String>,
    /// At most so many; 50 if left out, 200 at most.
    limit: Option<u32>,
    /// Only those behind: `next` of the page before.
    after: Option<String>,
}

/// How many there are in each tab, for the badges; 10000 stands for at least as many.
#[derive(Serialize, JsonSchema)]
pub struct Counts {
    review: u32,
    mine: u32,
    waiting: u32,
    open: u32,
    all: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct ConversationsAnswer {
    /// Whoever waits most first; then the others, last changed first.
    conversations: Vec<ConversationItem>,
    /// Where the next page begins; null on the last one.
    next: Option<String>,
    counts: Counts,
    /// Words were looked for in so many conversations; null where there were no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    searched: Option<u32>,
    /// The server's clock, so that waits are counted alike on every screen.
    now_ms: i64,
}

pub async fn list_conversations(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<ConversationsQuery>,
) -> ApiResult<Json<ConversationsAnswer>> {
    let shop = member.shop();
    let names = Names::of(&state.db, shop).await?;
    let text = query.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let people = text.map(|text| names.matching(text)).unwrap_or_default();
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let page = InboxQuery {
        show: match query.tab {
            Tab::Review => Show::Review,
            Tab::Mine => Show::Mine(member.id()),
            Tab::Waiting => Show::Waiting,
            Tab::Open => Show::Open,
            Tab::Auto => Show::Auto,
            Tab::Closed => Show::Closed,
            Tab::All => Show::All,
        },
        search: text.map(|text| Search { text, people: &people }),
        tag: query.tag.as_deref().filter(|tag| !tag.is_empty()),
        marked: query.marked,
        lang: query.lang,
        whose: query.whose.as_deref().filter(|whose| !whose.is_empty()).map(read_whose).transpose()?,
        after: query.after.as_deref().map(read_cursor).transpose()?,
        // One more tells whether there is a next page.
        limit: limit + 1,
    };
    let mut rows = inbox::list(&state.db, shop, &page).await?;
    let is_last = rows.len() <= limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| !is_last).map(cursor_of);
    let counts = inbox::counts(&state.db, shop, member.id()).await?;
    let shown = Shown { names: &names, rules: &inbox_rules::current(&state.db, shop).await? };
    Ok(Json(ConversationsAnswer {
        conversations: rows.into_iter().map(|row| shown.item(row)).collect(),
        next,
        searched: text.filter(|_| counts.all > SEARCHED).map(|_| SEARCHED),
        counts: Counts {
            review: counts.review,
            mine: counts.mine,
            waiting: counts.waiting,
            open: counts.open,
            all: counts.all,
        },
        now_ms: state.now_ms(),
    }))
}

/// Whose a conversation has to be, as it stands in an address.
pub fn read_whose(text: &str) -> ApiResult<Whose> {
    if text == "nobody" {
        return Ok(Whose::Nobodys);
    }
    let account: Result<AccountId, _> = text.parse();
    account.map(Whose::Of).map_err(|_| ApiError::from(Code::QueryInvalid))
}
