//! `GET /v1/knowledge/rehearsal-result`: every person of the shop. What the rehearsal comes to, and the next step.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::dial::{Dial, Scope};
use crate::domain::ids::{DocumentId, RehearsedId};
use crate::domain::outcome::Outcome;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{Json, Query};
use crate::http::guard::Member;
use crate::http::ops::{TARGETS, USUAL_DIAL};
use crate::http::state::AppState;
use crate::http::work::off_the_async_threads;
use crate::learn::assess::{Assessment, OnTrial, assess, attempt};
use crate::learn::charts::{HistogramBin, histogram};
use crate::learn::proving::{gather, past_tries};
use crate::learn::rehearsal::{Rehearsed, Step, Tally, next_step};
use crate::learn::split::Split;
use crate::learn::tries;
use crate::storage::ops::ReplayRow;
use crate::storage::policies;
use crate::storage::promise_tries::Try;
use crate::storage::rehearsals::questions;

/// Wrong answers that are shown, the surest first: those are the ones to be mended.
const MAX_WRONG: usize = 30;

#[derive(Deserialize, JsonSchema)]
pub struct ResultQuery {
    /// Another promise to look at: the largest share of wrong answers. The shop's if left out, or else 5 %.
    target: Option<f64>,
}

/// What a promise would need.
#[derive(Serialize, JsonSchema)]
pub struct Prospect {
    target_error: f64,
    /// What can be proven now, or what is missing.
    assessment: Assessment,
    /// What to do next.
    step: Step,
    /// Of all rehearsed questions, the share that would be sent without a person; null without a proof.
    share: Option<f64>,
}

/// An answer that must not have been sent.
#[derive(Serialize, JsonSchema)]
pub struct WrongAnswer {
    id: RehearsedId,
    question: String,
    outcome: Outcome,
    /// What it rests on: the place to mend it.
    document_ids: Vec<DocumentId>,
}

#[derive(Serialize, JsonSchema)]
pub struct ResultAnswer {
    tally: Tally,
    /// How certain a promise is.
    certainty: f64,
    /// The promise that was asked for.
    chosen: Prospect,
    /// Other promises worth a look, the strictest first.
    others: Vec<Prospect>,
    histogram: Vec<HistogramBin>,
    /// The surest first.
    wrong: Vec<WrongAnswer>,
}

pub async fn show_result(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<ResultQuery>,
) -> ApiResult<Json<ResultAnswer>> {
    let shop = member.shop();
    let policy = policies::current(&state.db, shop).await?.policy;
    let usual = policy.dial.unwrap_or(USUAL_DIAL);
    let dial = Dial { target_error: query.target.unwrap_or(usual.target_error), ..usual };
    if let Some((field, _)) = dial.out_of_range() {
        return Err(ApiError::field("target", format!("{field} is out of range")));
    }
    let evidence = gather(&state.db, shop, (&policy, &Scope::Shop), &state.fingerprint).await?;
    let rehearsed = Rehearsed::read(&state.db, shop, &policy, &state.fingerprint).await?;
    let mut wrong = Vec::new();
    for row in rehearsed.wrong().into_iter().take(MAX_WRONG) {
        wrong.extend(questions::of_turn(&state.db, shop, row.turn).await?.and_then(|asked| wrong_answer(asked, row)));
    }
    let past = past_tries(&state.db, shop, &Scope::Shop, &state.fingerprint).await?;
    let answer = off_the_async_threads(move || tell((&rehearsed, &evidence.split), (dial, &past), wrong)).await?;
    Ok(Json(answer))
}

fn wrong_answer(asked: questions::Rehearsed, row: &ReplayRow) -> Option<WrongAnswer> {
    Some(WrongAnswer {
        id: asked.id,
        question: asked.question,
        outcome: row.label?.outcome,
        document_ids: row.basis.iter().flat_map(|basis| basis.sources.keys().copied()).collect(),
    })
}

fn tell(
    (rehearsed, split): (&Rehearsed, &Split),
    (dial, past): (Dial, &[Try]),
    wrong: Vec<WrongAnswer>,
) -> ResultAnswer {
    let tally = rehearsed.tally();
    let prospect = |target_error: f64| {
        let dial = Dial { target_error, ..dial };
        let place = tries::place(past, tries::evidence(split, &dial, 1), tries::stretch(split.certify.len(), &dial));
        let assessment = assess(split, &dial, &attempt(&OnTrial { split, dial, part: tries::part(place.nth) }));
        Prospect {
            target_error,
            step: next_step(&tally, &assessment, &dial),
            share: assessment.bar.and_then(|bar| rehearsed.share_above(bar)),
            assessment,
        }
    };
    let others = TARGETS.into_iter().filter(|target| (target - dial.target_error).abs() > 1e-9);
    ResultAnswer {
        tally,
        certainty: dial.certainty,
        chosen: prospect(dial.target_error),
        others: others.map(prospect).collect(),
        histogram: histogram(rehearsed.sendable()),
        wrong,
    }
}
