//! `GET /v1/console/turns/{id}`: agents, ops, owners.

use axum::extract::State;

use crate::domain::ids::{ShopId, TurnId};
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::views::{TurnView, view_turns};
use crate::storage::turns;

pub async fn open_turn(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
) -> ApiResult<Json<TurnView>> {
    Ok(Json(read_turn(&state, member.shop(), id).await?))
}

/// One turn, or 404.
pub async fn read_turn(state: &AppState, shop: ShopId, id: TurnId) -> ApiResult<TurnView> {
    let turn = turns::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let views = view_turns(&state.db, shop, vec![turn]).await?;
    Ok(views.into_iter().next().ok_or(Code::NotFound)?)
}
