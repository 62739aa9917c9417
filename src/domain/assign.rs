//! Who gets a conversation: the agent whom the buyer knows, else by what it takes and how much everybody has to do.

use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::text::Lang;

/// Somebody on duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub account: AccountId,
    /// Topics they know; none stands for all.
    pub topics: Vec<String>,
    /// Languages they write; none stands for all.
    pub langs: Vec<Lang>,
    /// Conversations of theirs in which somebody waits.
    pub n_waiting: u32,
    /// While so many wait for them they are given no other.
    pub max_waiting: u32,
    /// When they were last given one.
    pub last_given_ms: i64,
}

/// What a conversation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need<'a> {
    /// The buyer's language.
    pub lang: Lang,
    /// What it is about.
    pub topic: &'a str,
    /// The agent who answered this buyer last.
    pub known: Option<AccountId>,
}

/// How a conversation came to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransferKind {
    /// It was nobody's.
    Assigned,
    /// It was somebody's.
    Transferred,
    /// It was passed to a lead.
    Escalated,
}

/// Who of those on duty gets it. `None` if all have as much as they may have: it stays in the line for everybody.
///
/// **Order**: whom the buyer knows; then those who write the language, then those who know the topic (one who lacks
/// either is still better than nobody), then the least part of what one may have, then who was given nothing for longest.
pub fn choose(candidates: &[Candidate], need: &Need<'_>) -> Option<AccountId> {
    let lacks = |has: bool| u8::from(!has);
    let rank = |one: &Candidate| {
        let writes = one.langs.is_empty() || one.langs.contains(&need.lang);
        let knows = one.topics.is_empty() || one.topics.iter().any(|topic| topic == need.topic);
        let share = u64::from(one.n_waiting) * 1_000_000 / u64::from(one.max_waiting.max(1));
        (lacks(need.known == Some(one.account)), lacks(writes), lacks(knows), share, one.last_given_ms, one.account)
    };
    candidates.iter().filter(|one| one.n_waiting < one.max_waiting).min_by_key(|one| rank(one)).map(|one| one.account)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(number: u128, n_waiting: u32) -> Candidate {
        Candidate {
            account: AccountId(uuid::Uuid::from_u128(number)),
            topics: vec![],
            langs: vec![],
            n_waiting,
            max_waiting: 10,
            last_given_ms: 0,
        }
    }

    #[test]
    fn known_then_language_then_topic_then_load_then_rest() {
        let need = Need { lang: Lang::Zh, topic: "returns", known: None };
        let english = Candidate { langs: vec![Lang::En], ..agent(1, 0) };
        let sizes = Candidate { topics: vec!["size".into()], ..agent(2, 0) };
        let returns = Candidate { topics: vec!["returns".into()], ..agent(3, 8) };
        let busy = Candidate { last_given_ms: 5, ..agent(4, 8) };
        let full = agent(5, 10);
        let all = [english, sizes, busy, returns, full.clone()];
        assert_eq!(choose(&all, &need), Some(all[3].account), "given nothing for longer than the one who has as much");
        assert_eq!(choose(&all, &Need { known: Some(all[0].account), ..need }), Some(all[0].account), "known");
        assert_eq!(choose(&all, &Need { known: Some(full.account), ..need }), Some(all[3].account), "known, but full");
        assert_eq!(choose(&all[..1], &need), Some(all[0].account), "better than nobody");
        assert_eq!(choose(&[full], &need), None);
    }
}
