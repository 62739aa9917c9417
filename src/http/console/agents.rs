//! Who answers: `GET /v1/console/agents` shows them, `PUT /v1/console/duty` is everybody's own switch, and ops say with
//! `PUT /v1/ops/agents/{id}` who is a lead and who knows what.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::{AccountId, ShopId};
use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::agents::{self, Agent, Profile};
use crate::storage::inbox::{self, InboxQuery, Show, Whose};
use crate::storage::{assignments, tags};

/// Conversations that change hands when somebody comes or goes.
const MOVED_AT_ONCE: u32 = 50;

/// Somebody who may answer.
#[derive(Serialize, JsonSchema)]
pub struct AgentLine {
    id: AccountId,
    name: String,
    on_duty: bool,
    /// Since when; null if they never switched it.
    since_ms: Option<i64>,
    /// Conversations of theirs in which somebody waits.
    n_waiting: u32,
    #[serde(flatten)]
    profile: ProfileBody,
}

/// What somebody knows and may be given.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ProfileBody {
    /// Whether what is too hard for others is passed to them.
    #[serde(default)]
    is_lead: bool,
    /// Codes of the topics they know; empty for all.
    #[serde(default)]
    topics: Vec<String>,
    /// Languages they write; empty for all.
    #[serde(default)]
    langs: Vec<Lang>,
    /// While so many wait for them they are given no other; 1 to 200.
    max_waiting: u32,
}

impl From<Agent> for AgentLine {
    fn from(agent: Agent) -> Self {
        let Profile { is_lead, topics, langs, max_waiting } = agent.profile;
        Self {
            id: agent.account,
            name: agent.name,
            on_duty: agent.on_duty,
            since_ms: agent.since_ms,
            n_waiting: agent.n_waiting,
            profile: ProfileBody { is_lead, topics, langs, max_waiting },
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct AgentsAnswer {
    /// By name.
    agents: Vec<AgentLine>,
    /// Tags that the shop has.
    tags: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
pub struct DutyBody {
    on_duty: bool,
}

pub async fn list_agents(State(state): State<AppState>, member: Member) -> ApiResult<Json<AgentsAnswer>> {
    let agents = agents::list(&state.db, member.shop()).await?.into_iter().map(AgentLine::from).collect();
    Ok(Json(AgentsAnswer { agents, tags: tags::all(&state.db, member.shop()).await? }))
}

pub async fn set_duty(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<DutyBody>,
) -> ApiResult<StatusCode> {
    let (shop, me) = (member.shop(), member.id());
    let mut tx = state.db.begin().await?;
    if !agents::set_on_duty(&mut tx, shop, me, body.on_duty).await? {
        return Err(Code::NotAllowed.into());
    }
    tx.commit().await?;
    // Who comes is given what waits for nobody; what waited for one who goes is given to colleagues who are there.
    let moved = if body.on_duty { (Show::Review, Some(Whose::Nobodys)) } else { (Show::Mine(me), None) };
    spread(&state, shop, moved).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn spread(state: &AppState, shop: ShopId, (show, whose): (Show, Option<Whose>)) -> ApiResult<()> {
    let query = InboxQuery { whose, ..InboxQuery::first(show, MOVED_AT_ONCE) };
    for row in inbox::list(&state.db, shop, &query).await? {
        if row.newest_turn.is_none_or(|turn| !turn.state.needs_person()) {
            continue;
        }
        let conversation = row.conversation.id;
        let mut tx = state.db.begin().await?;
        let given = assignments::give_waiting(&mut tx, shop, conversation).await?;
        tx.commit().await?;
        if given.is_some() {
            state.bus.publish(shop, Event::ConversationChanged { conversation });
        }
    }
    Ok(())
}

pub async fn set_profile(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<AccountId>,
    Json(body): Json<ProfileBody>,
) -> ApiResult<StatusCode> {
    let is_code = |topic: &String| (1..=40).contains(&topic.chars().count());
    if body.topics.len() > 20 || !body.topics.iter().all(is_code) {
        return Err(ApiError::field("topics", "at most 20 codes"));
    }
    if !(1..=200).contains(&body.max_waiting) {
        return Err(ApiError::field("max_waiting", "1 to 200"));
    }
    let ProfileBody { is_lead, topics, langs, max_waiting } = body;
    let profile = Profile { is_lead, topics, langs, max_waiting };
    let mut tx = state.db.begin().await?;
    if !agents::set_profile(&mut tx, member.shop(), id, &profile).await? {
        return Err(Code::NotFound.into());
    }
    let detail = json!({ "is_lead": profile.is_lead, "topics": profile.topics, "max_waiting": profile.max_waiting });
    note(&mut tx, &member, "agent_profile_set", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
