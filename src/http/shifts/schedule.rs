//! `GET /v1/shifts`: agents, ops, owners. `PUT /v1/shifts`: ops, owners.

use std::collections::BTreeSet;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::{ShiftId, ShopId};
use crate::domain::shift::{Shift, Watch};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::tasks::PersonView;
use crate::http::trail::note;
use crate::learn::commitments::clock_of;
use crate::storage::{StorageError, accounts, rules, shifts};

/// A shop with more has several schedules.
const MAX_SHIFTS: usize = 24;

/// A shift, with who works in it.
#[derive(Serialize, JsonSchema)]
pub struct ShiftView {
    id: ShiftId,
    name: String,
    /// 0 for Monday to 6 for Sunday.
    weekdays: Vec<u8>,
    from_min: i64,
    until_min: i64,
    agents: Vec<PersonView>,
    /// Since when it is on now, and until when; null while it is not.
    now: Option<Watch>,
}

#[derive(Serialize, JsonSchema)]
pub struct ScheduleAnswer {
    shifts: Vec<ShiftView>,
    /// The shop's clock, in minutes east of UTC.
    utc_offset_min: i64,
    /// Whom a shift can be given to.
    people: Vec<PersonView>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleBody {
    /// All of them, each with a name of its own.
    shifts: Vec<Shift>,
}

async fn read(state: &AppState, shop: ShopId) -> Result<ScheduleAnswer, StorageError> {
    let clock = clock_of(&state.db, shop).await?;
    let people = accounts::list(&state.db, shop).await?;
    let person = |id| {
        let known = people.iter().find(|person| person.id == id && !person.disabled)?;
        Some(PersonView::new(known.id, known.name.clone()))
    };
    let rows = shifts::list(&state.db, shop).await?;
    let view = |row: shifts::ShiftRow| ShiftView {
        now: row.shift.now(state.now_ms(), clock),
        id: row.id,
        name: row.shift.name,
        weekdays: row.shift.weekdays,
        from_min: row.shift.from_min,
        until_min: row.shift.until_min,
        agents: row.shift.agents.into_iter().filter_map(person).collect(),
    };
    let views = rows.into_iter().map(view).collect();
    let all = people.iter().filter(|person| !person.disabled);
    Ok(ScheduleAnswer {
        shifts: views,
        utc_offset_min: rules::current(&state.db, shop).await?.utc_offset_min,
        people: all.map(|person| PersonView::new(person.id, person.name.clone())).collect(),
    })
}

pub async fn show_schedule(State(state): State<AppState>, member: Member) -> ApiResult<Json<ScheduleAnswer>> {
    Ok(Json(read(&state, member.shop()).await?))
}

pub async fn set_schedule(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<ScheduleBody>,
) -> ApiResult<Json<ScheduleAnswer>> {
    let shop = member.shop();
    if body.shifts.len() > MAX_SHIFTS {
        return Err(ApiError::field("shifts", format!("at most {MAX_SHIFTS}")));
    }
    let mut names = BTreeSet::new();
    for shift in &body.shifts {
        shift.validate().map_err(|field| ApiError::field(field, "outside its range"))?;
        if !names.insert(shift.name.trim()) {
            return Err(ApiError::field("name", "each shift has a name of its own"));
        }
        for agent in &shift.agents {
            accounts::get(&state.db, shop, *agent).await?.ok_or(Code::NotFound)?;
        }
    }
    let mut tx = state.db.begin().await?;
    shifts::replace(&mut tx, shop, &body.shifts).await?;
    note(&mut tx, &member, "schedule_set", ("shifts", json!({ "n_shifts": body.shifts.len() }))).await?;
    tx.commit().await?;
    Ok(Json(read(&state, shop).await?))
}
