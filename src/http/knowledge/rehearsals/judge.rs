//! `GET /v1/knowledge/rehearsed`, `PUT`, `DELETE …/{id}/label`, `GET …/{id}/sources/{number}`: seen by every person of
//! the shop, judged by agents, staff, owners.
//!
//! # Why
//! Who judges must not know how sure the assistant was: they would look for what they expect. They may see what a person
//! answered then; that is what the answer is held against.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::{RehearsedId, ShopId};
use crate::domain::outcome::{LabelSource, Outcome};
use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::console::SECOND_LOOKS;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path, Query};
use crate::http::guard::Member;
use crate::http::sources::{self, Reader, SourceView};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::http::views::MessageCitation;
use crate::learn::rehearsal::{Rehearsed, Tally};
use crate::storage::looks::{self, NewLook};
use crate::storage::rehearsals::questions;
use crate::storage::turns::Turn;
use crate::storage::{policies, turns};

/// More than anybody judges before reading again.
const MAX_OPEN: u32 = 50;

#[derive(Deserialize, JsonSchema)]
pub struct OpenQuery {
    /// At most so many; 10 if left out, 50 at most.
    limit: Option<u32>,
}

/// An answer to be judged.
#[derive(Serialize, JsonSchema)]
pub struct OpenItem {
    id: RehearsedId,
    question: String,
    /// What the buyer said just before.
    previous: Option<String>,
    answer: String,
    citations: Vec<MessageCitation>,
    /// What a person answered then.
    person_said: Option<String>,
    lang: Lang,
}

#[derive(Serialize, JsonSchema)]
pub struct OpenAnswer {
    tally: Tally,
    /// The surest first, which is the order in which they are to be judged.
    open: Vec<OpenItem>,
}

#[derive(Deserialize, JsonSchema)]
pub struct JudgeBody {
    outcome: Outcome,
}

#[derive(Serialize, JsonSchema)]
pub struct JudgedAnswer {
    /// With this judgement.
    tally: Tally,
}

pub async fn list_open(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<OpenQuery>,
) -> ApiResult<Json<OpenAnswer>> {
    let shop = member.shop();
    let rehearsed = read(&state, shop).await?;
    let limit = query.limit.unwrap_or(10).min(MAX_OPEN) as usize;
    let mut open = Vec::with_capacity(limit);
    for row in rehearsed.open().into_iter().take(limit) {
        let turn = turns::get(&state.db, shop, row.turn).await?;
        let asked = questions::of_turn(&state.db, shop, row.turn).await?;
        open.extend(turn.zip(asked).and_then(|(turn, asked)| item(turn, asked)));
    }
    Ok(Json(OpenAnswer { tally: rehearsed.tally(), open }))
}

fn item(turn: Turn, asked: questions::Rehearsed) -> Option<OpenItem> {
    Some(OpenItem {
        id: asked.id,
        question: asked.question,
        previous: asked.previous,
        answer: turn.draft?,
        citations: turn.citations.into_iter().map(MessageCitation::from).collect(),
        person_said: asked.person_said,
        lang: turn.lang,
    })
}

/// Everything the shop has rehearsed.
pub async fn read(state: &AppState, shop: ShopId) -> ApiResult<Rehearsed> {
    let policy = policies::current(&state.db, shop).await?.policy;
    Ok(Rehearsed::read(&state.db, shop, &policy, &state.fingerprint).await?)
}

pub async fn judge(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<RehearsedId>,
    Json(body): Json<JudgeBody>,
) -> ApiResult<Json<JudgedAnswer>> {
    let (shop, account, outcome) = (member.shop(), member.id(), body.outcome);
    let asked = questions::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let turn = asked.turn.ok_or(Code::NotAnswered)?;
    let mut tx = state.db.begin().await?;
    if questions::judge(&mut tx, shop, id, (account, outcome)).await?.is_none() {
        return Err(Code::AlreadyResolved.into());
    }
    if outcome == Outcome::Accept && (state.draw)() < SECOND_LOOKS {
        let look = NewLook { turn, source: LabelSource::SecondLook, propensity: SECOND_LOOKS, not_by: Some(account) };
        looks::queue(&mut tx, shop, &look).await?;
    }
    note(&mut tx, &member, "rehearsal_judged", (&turn.to_string(), json!({ "outcome": outcome }))).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::RehearsalMoved { rehearsal: asked.rehearsal });
    Ok(Json(JudgedAnswer { tally: read(&state, shop).await?.tally() }))
}

pub async fn take_back(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<RehearsedId>,
) -> ApiResult<Json<JudgedAnswer>> {
    let shop = member.shop();
    let asked = questions::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let mut tx = state.db.begin().await?;
    // Somebody else's judgement is not one's own to take back, and says so as if it were not there.
    if !questions::take_back(&mut tx, shop, id, member.id()).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "rehearsal_judgement_withdrawn", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::RehearsalMoved { rehearsal: asked.rehearsal });
    Ok(Json(JudgedAnswer { tally: read(&state, shop).await?.tally() }))
}

pub async fn show_source(
    State(state): State<AppState>,
    member: Member,
    Path((id, number)): Path<(RehearsedId, u32)>,
) -> ApiResult<Json<SourceView>> {
    let shop = member.shop();
    let asked = questions::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let turn = turns::get(&state.db, shop, asked.turn.ok_or(Code::NotFound)?).await?.ok_or(Code::NotFound)?;
    let citation = turn.citations.into_iter().find(|citation| citation.number == number).ok_or(Code::NotFound)?;
    Ok(Json(sources::show(&state.db, shop, citation, Reader::Member).await?))
}
