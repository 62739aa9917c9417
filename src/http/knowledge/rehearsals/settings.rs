//! `GET`, `PUT /v1/knowledge/rehearsal-settings`: read by every person of the shop, changed by owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::error::ApiResult;
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::shops;

/// How past questions are kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub struct SettingsView {
    /// Phones, addresses, accounts and the like are replaced before a question is kept. Files that were read before stay
    /// as they are.
    mask_personal_data: bool,
}

pub async fn show(State(state): State<AppState>, member: Member) -> ApiResult<Json<SettingsView>> {
    Ok(Json(SettingsView { mask_personal_data: shops::masks_imports(&state.db, member.shop()).await? }))
}

pub async fn set(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<SettingsView>,
) -> ApiResult<Json<SettingsView>> {
    let mut tx = state.db.begin().await?;
    shops::set_masks_imports(&mut tx, member.shop(), body.mask_personal_data).await?;
    let detail = json!({ "mask_personal_data": body.mask_personal_data });
    note(&mut tx, &member, "rehearsal_masking_set", (&member.shop().to_string(), detail)).await?;
    tx.commit().await?;
    Ok(Json(body))
}
