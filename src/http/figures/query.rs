//! What figures are asked for: which days, counted how, kept apart by what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::figure_rules::FigureRules;
use crate::domain::tally::{By, Cell, DayTally, Key};
use crate::http::day::{DAY_MS, day_after_ms, day_of, day_start_ms};
use crate::http::error::{ApiError, ApiResult};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::learn::tallies;
use crate::storage::accounts::Role;
use crate::storage::ops::Period;
use crate::storage::tallies::rules;

/// The longest period.
const MAX_DAYS: i64 = 92;
/// The usual one, today included.
const USUAL_DAYS: i64 = 7;

/// What figures are kept apart by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Each agent.
    #[default]
    Agent,
    /// Who answered first: the assistant, a person with a draft, a person in own words, nobody.
    Answered,
    /// Where: the shop itself, or a simulated day.
    Platform,
    /// What was asked about.
    Topic,
    /// The hour of the day.
    Hour,
    /// Each day.
    Day,
}

/// Where a conversation took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The shop's own chat.
    Own,
    /// A simulated day: nobody was there.
    Simulated,
}

impl Place {
    /// Of a key.
    pub fn of(key: &Key) -> Self {
        if key.is_simulated { Self::Simulated } else { Self::Own }
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Simulated => "simulated",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FiguresQuery {
    /// The first day, `YYYY-MM-DD` where the shop is; six days ago if left out.
    from: Option<String>,
    /// The last day; today if left out. 92 days at most.
    until: Option<String>,
    /// What the rows are; agents if left out.
    #[serde(default)]
    by: Group,
    /// Whether the assistant's own replies count as answers; as the shop has settled it if left out.
    automatic: Option<bool>,
    /// The shorter window in seconds, likewise.
    short_s: Option<u32>,
    /// The longer window in seconds, likewise.
    long_s: Option<u32>,
    /// Only from there.
    place: Option<Place>,
    /// Only about this.
    topic: Option<String>,
}

/// A query, understood.
pub struct Asked {
    pub period: Period,
    /// What to add to a time to read it where the shop is.
    pub offset_ms: i64,
    pub by: Group,
    /// The shop's rules, with windows and counting as the reader wants them.
    pub rules: FigureRules,
    /// The rules as the shop has settled them.
    pub settled: FigureRules,
    place: Option<Place>,
    topic: Option<String>,
}

impl FiguresQuery {
    /// Fails for what is no day, too long, or no window.
    pub async fn understand(self, state: &AppState, member: &Member) -> ApiResult<Asked> {
        let shop = member.shop();
        let settled = rules(&state.db, shop).await?;
        let offset_ms = tallies::offset_ms(&state.db, shop).await?;
        let no_day = |field: &str| ApiError::field(field, "a day as `2026-01-31`");
        let local = |utc_ms: i64| utc_ms - offset_ms;
        let until_ms = match &self.until {
            Some(day) => local(day_after_ms(day).ok_or_else(|| no_day("until"))?),
            None => local((state.now_ms() + offset_ms).div_euclid(DAY_MS) * DAY_MS + DAY_MS),
        };
        let from_ms = match &self.from {
            Some(day) => local(day_start_ms(day).ok_or_else(|| no_day("from"))?),
            None => until_ms - USUAL_DAYS * DAY_MS,
        };
        if !(1..=MAX_DAYS).contains(&((until_ms - from_ms) / DAY_MS)) {
            return Err(ApiError::field("from", format!("at most {MAX_DAYS} days, the first not after the last")));
        }
        let rules = FigureRules {
            short_s: self.short_s.unwrap_or(settled.short_s),
            long_s: self.long_s.unwrap_or(settled.long_s),
            counts_automatic: self.automatic.unwrap_or(settled.counts_automatic),
            ..settled
        };
        rules.validate().map_err(|field| ApiError::field(field, "1 to 3600 seconds, the longer one not shorter"))?;
        let period = Period { from_ms, until_ms };
        let topic = self.topic.filter(|topic| !topic.is_empty());
        Ok(Asked { period, offset_ms, by: self.by, rules, settled, place: self.place, topic })
    }
}

impl Asked {
    /// The cells of a day that are asked for.
    pub fn cells<'a>(&'a self, tally: &'a DayTally) -> impl Iterator<Item = &'a Cell> {
        let cells = if self.rules.counts_automatic { &tally.with_automatic } else { &tally.people_only };
        cells.iter().filter(|cell| self.wants(&cell.key))
    }

    /// Whether it is asked for.
    pub fn wants(&self, key: &Key) -> bool {
        self.wants_of(Place::of(key), &key.topic)
    }

    /// The same of drafts.
    pub fn wants_of(&self, place: Place, topic: &str) -> bool {
        self.place.is_none_or(|wanted| wanted == place) && self.topic.as_deref().is_none_or(|wanted| wanted == topic)
    }

    /// Which row a cell of a day belongs to; none for what no agent did, where rows are agents.
    pub fn row_of(&self, key: &Key, day_ms: i64) -> Option<String> {
        Some(match self.by {
            Group::Agent => key.account?.to_string(),
            Group::Answered => code_of(key.by).to_owned(),
            Group::Platform => Place::of(key).code().to_owned(),
            Group::Topic => key.topic.clone(),
            Group::Hour => format!("{:02}", key.hour),
            Group::Day => self.day(day_ms),
        })
    }

    /// A day as the shop writes it.
    pub fn day(&self, day_ms: i64) -> String {
        day_of(day_ms + self.offset_ms)
    }

    /// Whether `member` may see this row: of agents, an agent sees one, if the shop lets them.
    pub fn may_see(&self, member: &Member, row: &str) -> bool {
        let is_own = || self.settled.agents_see_own && row == member.id().to_string();
        self.by != Group::Agent || member.account.role != Role::Agent || is_own()
    }
}

/// The code of who answered.
fn code_of(by: By) -> &'static str {
    match by {
        By::Nobody => "nobody",
        By::Assistant => "assistant",
        By::Draft => "draft",
        By::Person => "person",
    }
}
