//! `GET /v1/console/sources/{turn_id}/{number}`: agents, ops, owners. Documents for agents only are shown, too.

use axum::extract::State;

use crate::domain::ids::TurnId;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::sources::{self, Reader, SourceView};
use crate::http::state::AppState;
use crate::storage::turns;

pub async fn show_source(
    State(state): State<AppState>,
    member: Member,
    Path((turn, number)): Path<(TurnId, u32)>,
) -> ApiResult<Json<SourceView>> {
    let turn = turns::get(&state.db, member.shop(), turn).await?.ok_or(Code::NotFound)?;
    let citation = turn.citations.into_iter().find(|citation| citation.number == number).ok_or(Code::NotFound)?;
    Ok(Json(sources::show(&state.db, member.shop(), citation, Reader::Member).await?))
}
