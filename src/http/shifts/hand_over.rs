//! `/v1/shifts/handovers`, `/v1/shifts/now`: agents, ops, owners.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::{HandoverId, ShopId};
use crate::domain::shift::ShiftNumbers;
use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::shifts::markdown::to_markdown;
use crate::http::shifts::views::{HandoverView, view};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::learn::commitments::clock_of;
use crate::learn::hand_over::{current, leave, read};
use crate::storage::handovers::{self, Handover};

/// Longer is no note but a letter.
const MAX_NOTE_CHARS: usize = 2000;
/// A month of three shifts a day.
const MAX_LISTED: u32 = 100;

/// What a hand-over is called that no shift is scheduled for.
fn nobodys_name(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "未排班",
        Lang::En => "No shift",
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverBody {
    /// What is to be said besides.
    #[serde(default)]
    note: String,
}

/// A hand-over as a line.
#[derive(Serialize, JsonSchema)]
pub struct HandoverLine {
    id: HandoverId,
    shift_name: String,
    /// Who wrote it; null where the server did, when the shift was over.
    author: Option<String>,
    began_at_ms: i64,
    ended_at_ms: i64,
    numbers: ShiftNumbers,
    n_waiting: usize,
    n_due: usize,
    n_angry: usize,
}

#[derive(Serialize, JsonSchema)]
pub struct HandoversAnswer {
    handovers: Vec<HandoverLine>,
}

pub async fn list_handovers(State(state): State<AppState>, member: Member) -> ApiResult<Json<HandoversAnswer>> {
    let names = Names::of(&state.db, member.shop()).await?;
    let found = handovers::list(&state.db, member.shop(), MAX_LISTED).await?.into_iter();
    let line = |one: Handover| HandoverLine {
        id: one.id,
        shift_name: one.shift_name,
        author: one.author.map(|author| names.of_account(author)),
        began_at_ms: one.began_at_ms,
        ended_at_ms: one.ended_at_ms,
        numbers: one.digest.numbers,
        n_waiting: one.digest.waiting.len(),
        n_due: one.digest.due.len(),
        n_angry: one.digest.angry.len(),
    };
    Ok(Json(HandoversAnswer { handovers: found.map(line).collect() }))
}

pub async fn show_now(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
) -> ApiResult<Json<HandoverView>> {
    let shop = member.shop();
    let over = current(&state.db, shop, nobodys_name(lang)).await?;
    let one = Handover {
        id: HandoverId(uuid::Uuid::nil()),
        shift: over.shift,
        shift_name: over.name.clone(),
        author: None,
        began_at_ms: over.began_at_ms,
        ended_at_ms: over.ended_at_ms,
        note: String::new(),
        digest: read(&state.db, shop, &over).await?,
    };
    Ok(Json(view(&state, shop, one).await?.of_now()))
}

pub async fn hand_over(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Json(body): Json<HandoverBody>,
) -> ApiResult<(StatusCode, Json<HandoverView>)> {
    let (shop, text) = (member.shop(), body.note.trim());
    if text.chars().count() > MAX_NOTE_CHARS {
        return Err(ApiError::field("note", format!("at most {MAX_NOTE_CHARS} characters")));
    }
    let over = current(&state.db, shop, nobodys_name(lang)).await?;
    let id = leave(&state.db, shop, &over, (Some(member.id()), text)).await?.ok_or(Code::TryAgain)?;
    let mut tx = state.db.begin().await?;
    note(&mut tx, &member, "handed_over", (&id.to_string(), json!({ "shift": over.shift }))).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::HandedOver);
    Ok((StatusCode::CREATED, Json(find(&state, shop, id).await?)))
}

async fn find(state: &AppState, shop: ShopId, id: HandoverId) -> ApiResult<HandoverView> {
    let one = handovers::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    Ok(view(state, shop, one).await?)
}

pub async fn show_handover(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<HandoverId>,
) -> ApiResult<Json<HandoverView>> {
    Ok(Json(find(&state, member.shop(), id).await?))
}

pub async fn export_handover(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<HandoverId>,
) -> ApiResult<impl IntoResponse> {
    let one = find(&state, member.shop(), id).await?;
    let offset_min = clock_of(&state.db, member.shop()).await?.utc_offset_min;
    let kind = (header::CONTENT_TYPE, "text/markdown; charset=utf-8".to_owned());
    let name = (header::CONTENT_DISPOSITION, format!("attachment; filename=\"handover-{id}.md\""));
    Ok(([kind, name], to_markdown(&one, lang, offset_min)))
}
