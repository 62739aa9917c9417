//! `GET /v1/figures`: agents, ops, owners.

use std::collections::BTreeMap;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::figure_rules::FigureRules;
use crate::domain::ids::AccountId;
use crate::domain::tally::{Counts, DraftUse};
use crate::http::error::ApiResult;
use crate::http::extract::{Json, Query};
use crate::http::figures::query::{Asked, FiguresQuery, Group, Place};
use crate::http::figures::views::Figures;
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::learn::tallies::{self, Day};

/// A row of figures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// What it is about: an agent's id, a topic, an hour.
    pub key: String,
    /// The agent's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// What people did with the drafts of a topic. Not told by person, to anybody: nobody is to be paid for agreeing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DraftRow {
    topic: String,
    #[serde(flatten)]
    drafts: DraftUse,
}

#[derive(Serialize, JsonSchema)]
pub struct FiguresAnswer {
    /// The first day.
    pub from: String,
    /// The last day.
    pub until: String,
    /// How it was counted.
    pub counted: FigureRules,
    /// What the shop has settled.
    settled: FigureRules,
    /// The whole team.
    pub total: Figures,
    /// By what was asked for.
    pub rows: Vec<Row>,
    /// By the hour of the day; all 24.
    hours: Vec<Row>,
    drafts: Vec<DraftRow>,
    /// Inquiries of simulated days among them.
    n_simulated: u32,
}

pub async fn show_figures(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<FiguresQuery>,
) -> ApiResult<Json<FiguresAnswer>> {
    let asked = query.understand(&state, &member).await?;
    Ok(Json(figures(&state, &member, &asked).await?))
}

/// The figures that are asked for, as much of them as `member` may see.
pub async fn figures(state: &AppState, member: &Member, asked: &Asked) -> ApiResult<FiguresAnswer> {
    let days = tallies::days(&state.db, member.shop(), asked.period).await?;
    let names = Names::of(&state.db, member.shop()).await?;
    let (mut total, mut n_simulated) = (Counts::default(), 0);
    let mut rows: BTreeMap<String, Counts> = BTreeMap::new();
    let mut hours = vec![Counts::default(); 24];
    for day in &days {
        for cell in asked.cells(&day.tally) {
            total.add(&cell.counts);
            hours[usize::from(cell.key.hour).min(23)].add(&cell.counts);
            n_simulated += if cell.key.is_simulated { cell.counts.n_inquiries } else { 0 };
            if let Some(row) = asked.row_of(&cell.key, day.from_ms) {
                rows.entry(row).or_default().add(&cell.counts);
            }
        }
    }
    let name =
        |key: &str| key.parse().ok().filter(|_| asked.by == Group::Agent).map(|id: AccountId| names.of_account(id));
    let view =
        |(key, counts): (String, Counts)| Row { name: name(&key), figures: Figures::new(&counts, &asked.rules), key };
    Ok(FiguresAnswer {
        from: asked.day(asked.period.from_ms),
        until: asked.day(asked.period.until_ms - 1),
        counted: asked.rules,
        settled: asked.settled,
        total: Figures::new(&total, &asked.rules),
        rows: rows.into_iter().filter(|(key, _)| asked.may_see(member, key)).map(view).collect(),
        hours: (0..24).map(|hour| format!("{hour:02}")).zip(hours).map(view).collect(),
        drafts: drafts(&days, asked),
        n_simulated,
    })
}

fn drafts(days: &[Day], asked: &Asked) -> Vec<DraftRow> {
    let mut topics: BTreeMap<&str, DraftUse> = BTreeMap::new();
    for one in days.iter().flat_map(|day| &day.tally.drafts) {
        let place = if one.is_simulated { Place::Simulated } else { Place::Own };
        if asked.wants_of(place, &one.topic) {
            topics.entry(&one.topic).or_default().add(&one.drafts);
        }
    }
    topics.into_iter().map(|(topic, drafts)| DraftRow { topic: topic.to_owned(), drafts }).collect()
}
