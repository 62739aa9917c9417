//! Shifts: who works when, and what one shift leaves to the next.
//!
//! Pure: the time comes in; who is on, and which shift ended last, goes out. A shift that ends at or before the minute it
//! begins ends on the next day.

pub mod alike;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::commitment::due::{ShopClock, weekday};
use crate::domain::ids::{AccountId, CommitmentId, ConversationId, DocumentId, TurnId};

/// Minutes of a day.
const DAY_MIN: i64 = 24 * 60;

/// A part of the day in which the same people work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// What people call it: 早班.
    pub name: String,
    /// On which days it begins, 0 for Monday to 6 for Sunday.
    pub weekdays: Vec<u8>,
    /// When it begins, in minutes after midnight where the shop is; 0 to 1439.
    pub from_min: i64,
    /// When it ends, in minutes after midnight; 0 to 1439, or the next day's where that is not later.
    pub until_min: i64,
    /// Who works in it.
    pub agents: Vec<AccountId>,
}

/// One shift on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Watch {
    /// Its first millisecond.
    pub began_at_ms: i64,
    /// One past its last.
    pub ends_at_ms: i64,
}

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 40;

impl Shift {
    /// Refuses what is outside its range; names the field.
    pub fn validate(&self) -> Result<(), &'static str> {
        let is_minute = |minute: i64| (0..DAY_MIN).contains(&minute);
        let checks = [
            ((1..=MAX_NAME_CHARS).contains(&self.name.trim().chars().count()), "name"),
            (!self.weekdays.is_empty() && self.weekdays.iter().all(|day| *day < 7), "weekdays"),
            (is_minute(self.from_min), "from_min"),
            (is_minute(self.until_min), "until_min"),
            (self.agents.len() <= 100, "agents"),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, field)| Err(field))
    }

    /// The days it begins on, as one number: 1 for Monday, 2 for Tuesday … 64 for Sunday.
    pub fn mask(&self) -> i64 {
        self.weekdays.iter().fold(0, |mask, day| mask | 1 << day)
    }

    /// The days of such a number.
    pub fn days_of(mask: i64) -> Vec<u8> {
        (0..7).filter(|day| mask >> day & 1 == 1).collect()
    }

    fn on(&self, day: i64, clock: ShopClock) -> Option<Watch> {
        let begins_then = self.weekdays.iter().any(|known| i64::from(*known) == weekday(day));
        let until_min = if self.until_min > self.from_min { self.until_min } else { self.until_min + DAY_MIN };
        begins_then.then(|| Watch { began_at_ms: clock.at(day, self.from_min), ends_at_ms: clock.at(day, until_min) })
    }

    /// The watch that is on at `at_ms`, if one is.
    pub fn now(&self, at_ms: i64, clock: ShopClock) -> Option<Watch> {
        let today = clock.day(at_ms);
        let watches = [today - 1, today].into_iter().filter_map(|day| self.on(day, clock));
        watches.into_iter().find(|watch| (watch.began_at_ms..watch.ends_at_ms).contains(&at_ms))
    }

    /// The watch that ended last, if one did within a week.
    pub fn last_ended(&self, at_ms: i64, clock: ShopClock) -> Option<Watch> {
        let today = clock.day(at_ms);
        let mut days = (0..=8).map(|back| today - back);
        days.find_map(|day| self.on(day, clock).filter(|watch| watch.ends_at_ms <= at_ms))
    }
}

/// The shift that was on at `at_ms`, by its place; of two the one that began last.
pub fn who_was_on(shifts: &[Shift], at_ms: i64, clock: ShopClock) -> Option<usize> {
    let on = shifts.iter().enumerate().filter_map(|(nth, shift)| Some((shift.now(at_ms, clock)?.began_at_ms, nth)));
    on.max().map(|(_, nth)| nth)
}

/// What a shift leaves to the next: where to look, without anybody's words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Digest {
    /// Conversations in which a buyer waits, the longest waiting first.
    pub waiting: Vec<Waiting>,
    /// Commitments that are open: overdue, or due before the next shift is over; by due time.
    pub due: Vec<CommitmentId>,
    /// Conversations in which a buyer was angry.
    pub angry: Vec<Angry>,
    /// Questions that the assistant had no sure answer to, and that nobody had asked since the last shift but one.
    pub new_questions: Vec<NewQuestion>,
    /// Documents with another version in force.
    pub documents: Vec<DocumentId>,
    /// Versions of the rules, by their number.
    pub policies: Vec<u32>,
    /// What the shift came to.
    pub numbers: ShiftNumbers,
}

/// A conversation in which a buyer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Which one.
    pub conversation: ConversationId,
    /// Since when.
    pub since_ms: i64,
    /// Who has taken it over.
    pub agent: Option<AccountId>,
}

/// Why a buyer is taken for angry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AngryBecause {
    /// A thumb pointed down.
    ThumbsDown,
    /// The message was about a complaint, damages or the law.
    Complaint,
    /// The buyer asked for a person.
    AskedForPerson,
}

/// A conversation in which a buyer was angry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Angry {
    /// Which one.
    pub conversation: ConversationId,
    /// Why that is thought.
    pub because: AngryBecause,
}

/// A question without a sure answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewQuestion {
    /// Who asked it first.
    pub turn: TurnId,
    /// What it is about.
    pub topic: String,
    /// How often it was asked in the shift.
    pub n_asked: u32,
}

/// A shift in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ShiftNumbers {
    /// Questions of buyers.
    pub asked: u32,
    /// Answered by the assistant alone.
    pub by_assistant: u32,
    /// Answered by a person, with a draft or without.
    pub by_people: u32,
    /// Still without a reply in the end.
    pub unanswered: u32,
    /// Commitments made.
    pub committed: u32,
    /// Commitments kept.
    pub kept: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{DAY_MS, HOUR_MS};

    const CHINA: ShopClock = ShopClock { utc_offset_min: 480, day_ends_min: 1260 };
    /// Tuesday, 2026-11-24, 10:00 in China.
    const TEN_MS: i64 = 1_795_485_600_000;

    fn shift(weekdays: &[u8], from_min: i64, until_min: i64) -> Shift {
        Shift { name: "早班".into(), weekdays: weekdays.to_vec(), from_min, until_min, agents: vec![] }
    }

    #[test]
    fn a_shift_is_on_by_the_clock_of_the_shop_on_its_days() {
        let early = shift(&[0, 1, 2, 3, 4], 8 * 60, 16 * 60);
        let watch = early.now(TEN_MS, CHINA).unwrap();
        assert_eq!((watch.began_at_ms, watch.ends_at_ms), (TEN_MS - 2 * HOUR_MS, TEN_MS + 6 * HOUR_MS));
        assert_eq!(early.now(watch.ends_at_ms, CHINA), None, "its end is not in it");
        assert_eq!(early.now(TEN_MS + 4 * DAY_MS, CHINA), None, "that is a Saturday");
        assert_eq!(early.last_ended(TEN_MS, CHINA).unwrap().ends_at_ms, TEN_MS - 18 * HOUR_MS);
        let on_sunday = TEN_MS + 5 * DAY_MS;
        assert_eq!(early.last_ended(on_sunday, CHINA).unwrap().ends_at_ms, TEN_MS + 3 * DAY_MS + 6 * HOUR_MS);
    }

    #[test]
    fn a_night_shift_belongs_to_the_day_it_began_on() {
        let night = shift(&[0], 22 * 60, 6 * 60);
        let two_in_the_morning = TEN_MS - 8 * HOUR_MS;
        let watch = night.now(two_in_the_morning, CHINA).unwrap();
        assert_eq!(watch.ends_at_ms - watch.began_at_ms, 8 * HOUR_MS);
        assert_eq!(night.now(two_in_the_morning + DAY_MS, CHINA), None, "it began on no Tuesday");
        assert_eq!(night.last_ended(TEN_MS, CHINA), Some(watch));
        let shifts = [night.clone(), shift(&[1], 60, 3 * 60)];
        assert_eq!(who_was_on(&shifts, two_in_the_morning, CHINA), Some(1), "who came last");
        assert_eq!(who_was_on(&shifts, TEN_MS, CHINA), None);
    }

    #[test]
    fn days_are_one_number_and_back_and_nonsense_is_refused() {
        let shift = shift(&[0, 6], 0, 60);
        assert_eq!((shift.mask(), Shift::days_of(65)), (65, vec![0, 6]));
        assert_eq!(shift.validate(), Ok(()));
        assert_eq!(Shift { weekdays: vec![7], ..shift.clone() }.validate(), Err("weekdays"));
        assert_eq!(Shift { until_min: 1440, ..shift }.validate(), Err("until_min"));
    }
}
