//! `GET /v1/ops/policy`: agents, ops, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::ShopId;
use crate::domain::policy::Policy;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::policies::{self, PolicyVersion};

/// Older versions are in the database; a page has no use for them.
const MAX_HISTORY: usize = 50;

#[derive(Serialize, JsonSchema)]
pub struct VersionView {
    /// 1, 2, 3 …
    number: u32,
    policy: Policy,
    /// Who made it, by name; nobody for the first.
    author: Option<String>,
    note: String,
    created_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct PolicyAnswer {
    /// The version in force.
    #[serde(flatten)]
    current: VersionView,
    /// All versions, newest first, at most 50.
    history: Vec<VersionView>,
}

pub async fn show_policy(State(state): State<AppState>, member: Member) -> ApiResult<Json<PolicyAnswer>> {
    Ok(Json(read_policy(&state, member.shop()).await?))
}

/// The policy in force with its history.
pub async fn read_policy(state: &AppState, shop: ShopId) -> ApiResult<PolicyAnswer> {
    let names = Names::of(&state.db, shop).await?;
    let versions = policies::history(&state.db, shop).await?;
    let current = versions.first().ok_or_else(|| ApiError::bug(NoPolicy))?;
    let current = view(current, &names);
    let history = versions.iter().take(MAX_HISTORY).map(|version| view(version, &names)).collect();
    Ok(PolicyAnswer { current, history })
}

fn view(version: &PolicyVersion, names: &Names) -> VersionView {
    VersionView {
        number: version.number,
        policy: version.policy.clone(),
        author: version.author.map(|id| names.of_account(id)),
        note: version.note.clone(),
        created_at_ms: version.created_at_ms,
    }
}

/// A shop is made with a policy.
#[derive(Debug, thiserror::Error)]
#[error("a shop has no policy")]
struct NoPolicy;
