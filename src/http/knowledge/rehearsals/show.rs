//! `GET /v1/knowledge/rehearsals`, `…/{id}`: every person of the shop. How far answering has come.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::{RehearsalId, ShopId};
use crate::domain::rehearsal::RehearsalState;
use crate::domain::text::Lang;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::sentences;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::rehearsals::questions::{self, Progress};
use crate::storage::rehearsals::{self, Rehearsal};

/// Files in one list.
const MAX_REHEARSALS: u32 = 50;

/// Why a file was given up.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RehearsalProblem {
    /// Stable.
    code: String,
    /// In the reader's language.
    message: String,
}

/// A file of past questions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RehearsalView {
    id: RehearsalId,
    file_name: String,
    state: RehearsalState,
    /// Why it failed; null if it did not.
    problem: Option<RehearsalProblem>,
    brought_by: String,
    created_at_ms: i64,
    n_questions: u32,
    n_answered: u32,
    /// Questions that could not be answered.
    n_failed: u32,
    n_judged: u32,
    /// Messages of chats that ask nothing.
    n_skipped: u32,
    /// Rows that were not taken.
    n_refused: u32,
    /// Until all are answered; null if nothing is being answered, or nothing was yet.
    eta_ms: Option<i64>,
}

impl RehearsalView {
    fn new(rehearsal: Rehearsal, progress: Progress, (names, lang): (&Names, Lang)) -> Self {
        let n_left = progress.n_questions - progress.n_answered - progress.n_failed;
        let is_running = rehearsal.state == RehearsalState::Answering;
        let message = |code: String| RehearsalProblem { message: sentences::of_error(&code, "", lang), code };
        Self {
            id: rehearsal.id,
            file_name: rehearsal.file_name,
            state: rehearsal.state,
            problem: rehearsal.problem.map(message),
            brought_by: names.of_account(rehearsal.account),
            created_at_ms: rehearsal.created_at_ms,
            n_questions: progress.n_questions,
            n_answered: progress.n_answered,
            n_failed: progress.n_failed,
            n_judged: progress.n_judged,
            n_skipped: rehearsal.n_skipped,
            n_refused: rehearsal.n_refused,
            eta_ms: progress.mean_ms.filter(|_| is_running).map(|mean_ms| mean_ms * i64::from(n_left)),
        }
    }
}

/// One rehearsal, or 404.
pub async fn view(state: &AppState, shop: ShopId, id: RehearsalId, lang: Lang) -> ApiResult<RehearsalView> {
    let rehearsal = rehearsals::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let names = Names::of(&state.db, shop).await?;
    Ok(RehearsalView::new(rehearsal, questions::progress(&state.db, shop, id).await?, (&names, lang)))
}

#[derive(Serialize, JsonSchema)]
pub struct RehearsalsAnswer {
    /// The newest first.
    rehearsals: Vec<RehearsalView>,
}

pub async fn list(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
) -> ApiResult<Json<RehearsalsAnswer>> {
    let shop = member.shop();
    let names = Names::of(&state.db, shop).await?;
    let mut views = Vec::new();
    for rehearsal in rehearsals::list(&state.db, shop, MAX_REHEARSALS).await? {
        let progress = questions::progress(&state.db, shop, rehearsal.id).await?;
        views.push(RehearsalView::new(rehearsal, progress, (&names, lang)));
    }
    Ok(Json(RehearsalsAnswer { rehearsals: views }))
}

pub async fn show(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<RehearsalId>,
) -> ApiResult<Json<RehearsalView>> {
    Ok(Json(view(&state, member.shop(), id, lang).await?))
}
