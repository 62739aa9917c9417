//! The agents' inbox: the order of the line, and the clocks on it.
//!
//! # Why
//! Agents are to see first who has waited long, and among those who have waited alike the one whose draft is least
//! sure: it takes a person the longest. A product of both would change with every second and could not be indexed. So
//! doubt counts as time: a draft without any confidence stands where a buyer who came [`DOUBT_MS`] earlier stands. That
//! place never changes by itself, so a page of the inbox is one walk along an index, however many wait.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The head start of a draft that nothing is known of, or that there is none.
pub const DOUBT_MS: i64 = 10 * 60 * 1000;

/// The head start of what was passed to a lead.
pub const ESCALATED_MS: i64 = 60 * 60 * 1000;

/// The head start of a buyer who is angry: half an hour of silence would make it worse.
pub const ANGRY_MS: i64 = 30 * 60 * 1000;

/// Those who do not wait stand behind this minus their time: the last changed first, behind all who wait.
const REST_MS: i64 = 10_000_000_000_000;

/// A smaller place is that of somebody who waits; there is time until 2128.
pub const WAITING_BELOW_MS: i64 = REST_MS / 2;

/// What a place depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Since when somebody has been waiting; `None` if nobody does, or it is done with.
    pub since_ms: Option<i64>,
    /// How sure the least sure draft is that a person has to look at, 0 to 1; 0 where there is no draft.
    pub surety: Option<f64>,
    /// Whether it was passed to a lead.
    pub is_escalated: bool,
    /// Whether a message that waits for a person sounds angry.
    pub is_angry: bool,
    /// When something was last said.
    pub updated_at_ms: i64,
}

/// The place in the line: a smaller one is nearer to the front.
pub fn place(standing: &Standing) -> i64 {
    let Some(since_ms) = standing.since_ms else { return REST_MS - standing.updated_at_ms };
    let doubt = standing.surety.map_or(0.0, |surety| 1.0 - surety.clamp(0.0, 1.0));
    // Within 0 and `DOUBT_MS`.
    let doubt_ms = (doubt * DOUBT_MS as f64) as i64;
    let escalated_ms = if standing.is_escalated { ESCALATED_MS } else { 0 };
    let angry_ms = if standing.is_angry { ANGRY_MS } else { 0 };
    since_ms - doubt_ms - escalated_ms - angry_ms
}

/// How fast buyers are to be answered, and who gives conversations to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InboxRules {
    /// The first reply is to be there within so many seconds; 5 to 86400.
    pub first_reply_s: u32,
    /// Every further one; 5 to 86400.
    pub next_reply_s: u32,
    /// The clock turns amber when so much of the time is gone; 10 to 95 percent.
    pub amber_percent: u32,
    /// Whether the server gives what a person is needed for to somebody on duty.
    pub assigns: bool,
}

impl Default for InboxRules {
    fn default() -> Self {
        Self { first_reply_s: 120, next_reply_s: 300, amber_percent: 60, assigns: true }
    }
}

/// A field outside its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is outside its range")]
pub struct InboxRulesError(pub &'static str);

/// Which promise a clock is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReplyKind {
    /// Nobody of the shop's side has said anything yet.
    First,
    /// It is a further one.
    Next,
}

/// Until when a reply is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReplyClock {
    /// Which promise it is.
    pub kind: ReplyKind,
    /// From here on it is getting late.
    pub amber_at_ms: i64,
    /// From here on it is late.
    pub due_at_ms: i64,
}

impl InboxRules {
    /// The clock of a buyer who has been waiting since then.
    pub fn clock(&self, since_ms: i64, kind: ReplyKind) -> ReplyClock {
        let seconds = match kind {
            ReplyKind::First => self.first_reply_s,
            ReplyKind::Next => self.next_reply_s,
        };
        let target_ms = i64::from(seconds) * 1000;
        ReplyClock {
            kind,
            amber_at_ms: since_ms + target_ms * i64::from(self.amber_percent) / 100,
            due_at_ms: since_ms + target_ms,
        }
    }

    /// Refuses numbers outside their range.
    pub fn validate(&self) -> Result<(), InboxRulesError> {
        let checks = [
            ((5..=86_400).contains(&self.first_reply_s), "first_reply_s"),
            ((5..=86_400).contains(&self.next_reply_s), "next_reply_s"),
            ((10..=95).contains(&self.amber_percent), "amber_percent"),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, field)| Err(InboxRulesError(field)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_767_225_600_000;

    #[test]
    fn the_line_is_ordered_by_wait_and_doubt_and_those_who_do_not_wait_stand_behind() {
        let wait = |minutes: i64, surety| Standing {
            since_ms: Some(NOW_MS - minutes * 60_000),
            surety,
            is_escalated: false,
            is_angry: false,
            updated_at_ms: NOW_MS,
        };
        let rest = |updated_at_ms| Standing { since_ms: None, surety: None, updated_at_ms, ..wait(0, None) };
        let line = [
            Standing { is_escalated: true, ..wait(0, Some(0.9)) },
            Standing { is_angry: true, ..wait(0, Some(0.9)) },
            wait(6, Some(0.0)),
            wait(12, None),
            wait(6, Some(0.9)),
            wait(0, Some(0.5)),
            rest(NOW_MS),
            rest(NOW_MS - 1),
        ];
        let places = line.map(|standing| place(&standing));
        assert!(places.is_sorted(), "{places:?}");
        assert!(places[..6].iter().all(|place| *place < WAITING_BELOW_MS) && places[6] >= WAITING_BELOW_MS);
    }

    #[test]
    fn a_clock_is_amber_before_it_is_late() {
        let rules = InboxRules { amber_percent: 50, ..InboxRules::default() };
        let clock = rules.clock(1_000, ReplyKind::First);
        assert_eq!((clock.amber_at_ms, clock.due_at_ms), (61_000, 121_000));
        assert_eq!(InboxRules { next_reply_s: 4, ..rules }.validate(), Err(InboxRulesError("next_reply_s")));
    }
}
