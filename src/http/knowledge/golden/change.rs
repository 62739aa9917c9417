//! `PATCH` and `DELETE /v1/knowledge/golden/{id}`, `POST /v1/knowledge/golden/states`: staff, owners.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::document::Audience;
use crate::domain::golden::GoldenState;
use crate::domain::ids::GoldenId;
use crate::domain::order::Platform;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::knowledge::change_document::{given, in_order};
use crate::http::knowledge::golden::{GoldenView, check_answer, check_phrasings, queue_embedding, read_golden};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::golden::{self, GoldenForm};

/// One request may change this many.
const MAX_AT_ONCE: usize = 2_000;

/// What is left out stays; null takes away.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GoldenPatch {
    question: Option<String>,
    /// Other ways to ask it: all of them.
    phrasings: Option<Vec<String>>,
    answer: Option<String>,
    state: Option<GoldenState>,
    #[serde(deserialize_with = "given")]
    sku: Option<Option<String>>,
    audience: Option<Audience>,
    /// The platforms that it holds on; empty for all.
    platforms: Option<Vec<Platform>>,
    #[serde(deserialize_with = "given")]
    effective_from_ms: Option<Option<i64>>,
    #[serde(deserialize_with = "given")]
    effective_until_ms: Option<Option<i64>>,
}

pub async fn change_golden(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<GoldenId>,
    Json(patch): Json<GoldenPatch>,
) -> ApiResult<Json<GoldenView>> {
    let shop = member.shop();
    let old = golden::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let form = patch.over(old.form)?;
    let mut tx = state.db.begin().await?;
    if !golden::update(&mut tx, shop, id, &form).await? {
        return Err(Code::NotFound.into());
    }
    queue_embedding(&mut tx, shop, id).await?;
    note(&mut tx, &member, "golden_changed", (&id.to_string(), json!({ "state": form.state }))).await?;
    tx.commit().await?;
    (state.wake_workers)();
    Ok(Json(read_golden(&state, shop, id).await?))
}

impl GoldenPatch {
    fn over(self, old: GoldenForm) -> ApiResult<GoldenForm> {
        let (question, others) = old.phrasings.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
        let phrasings =
            check_phrasings(self.question.as_deref().unwrap_or(question), self.phrasings.as_deref().unwrap_or(others))?;
        let sku = self.sku.unwrap_or(old.sku).map(|sku| sku.trim().to_owned()).filter(|sku| !sku.is_empty());
        Ok(GoldenForm {
            phrasings,
            answer: self.answer.as_deref().map(check_answer).transpose()?.unwrap_or(old.answer),
            sku,
            audience: self.audience.unwrap_or(old.audience),
            platforms: self.platforms.map_or(old.platforms, in_order),
            effective_from_ms: self.effective_from_ms.unwrap_or(old.effective_from_ms),
            effective_until_ms: self.effective_until_ms.unwrap_or(old.effective_until_ms),
            state: self.state.unwrap_or(old.state),
        })
    }
}

pub async fn remove_golden(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<GoldenId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !golden::remove(&mut tx, member.shop(), id).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "golden_removed", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatesBody {
    ids: Vec<GoldenId>,
    state: GoldenState,
}

#[derive(Serialize, JsonSchema)]
pub struct StatesAnswer {
    /// How many were there to be changed.
    n_changed: usize,
}

pub async fn set_states(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<StatesBody>,
) -> ApiResult<Json<StatesAnswer>> {
    if body.ids.len() > MAX_AT_ONCE {
        return Err(ApiError::field("ids", format!("more than {MAX_AT_ONCE}")));
    }
    let mut n_changed = 0;
    let mut tx = state.db.begin().await?;
    for id in &body.ids {
        n_changed += usize::from(golden::set_state(&mut tx, member.shop(), *id, body.state).await?);
    }
    let detail = json!({ "state": body.state, "n_changed": n_changed });
    note(&mut tx, &member, "golden_states_changed", ("golden", detail)).await?;
    tx.commit().await?;
    Ok(Json(StatesAnswer { n_changed }))
}
