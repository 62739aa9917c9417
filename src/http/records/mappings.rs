//! `/v1/records/mappings`: ops, owners. The tables by which platforms' events become ours.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::records::mapping::Mapping;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::mappings;

/// A name stands in an address.
const MAX_NAME_CHARS: usize = 32;

#[derive(Serialize, JsonSchema)]
pub struct MappingView {
    /// Events go to `POST /v1/hooks/{shop_id}/{name}`.
    name: String,
    table: Mapping,
}

#[derive(Serialize, JsonSchema)]
pub struct MappingsAnswer {
    mappings: Vec<MappingView>,
}

pub async fn list_mappings(State(state): State<AppState>, member: Member) -> ApiResult<Json<MappingsAnswer>> {
    let found = mappings::list(&state.db, member.shop()).await?;
    let view = |(name, body)| Ok(MappingView { name, table: serde_json::from_value(body).map_err(ApiError::bug)? });
    Ok(Json(MappingsAnswer { mappings: found.into_iter().map(view).collect::<ApiResult<_>>()? }))
}

pub async fn put_mapping(
    State(state): State<AppState>,
    member: Member,
    Path(name): Path<String>,
    Json(table): Json<Mapping>,
) -> ApiResult<StatusCode> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > MAX_NAME_CHARS || !name.chars().all(is_plain) {
        return Err(ApiError::field("name", "1 to 32 of a-z, 0-9 and `-`"));
    }
    table.validate().map_err(|error| ApiError::field("table", error.to_string()))?;
    let body = serde_json::to_value(&table).map_err(ApiError::bug)?;
    let mut tx = state.db.begin().await?;
    mappings::put(&mut tx, member.shop(), (&name, &body)).await?;
    note(&mut tx, &member, "order_mapping_set", (&name, json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn remove_mapping(
    State(state): State<AppState>,
    member: Member,
    Path(name): Path<String>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !mappings::remove(&mut tx, member.shop(), &name).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "order_mapping_removed", (&name, json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
