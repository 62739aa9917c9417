//! One buyer message through one decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a turn has come. Only forward, except that a crash repeats the work of the same state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TurnState {
    /// Acknowledged to the buyer, work not finished.
    Asked,
    /// Decided, held for an agent.
    Review,
    /// Decided, an agent answers without a draft.
    Escalated,
    /// The buyer has a reply: auto-sent, accepted, edited or written freely.
    Replied,
    /// An agent rejected the draft and sent nothing yet.
    Rejected,
    /// A newer message of the same conversation took its place.
    Superseded,
}

impl TurnState {
    /// Whether nothing happens in it until a person does something.
    pub fn needs_person(self) -> bool {
        match self {
            Self::Review | Self::Escalated | Self::Rejected => true,
            Self::Asked | Self::Replied | Self::Superseded => false,
        }
    }
}

/// What an agent did with a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Sent as it was.
    Accepted,
    /// Sent after a change.
    Edited,
    /// Not sent.
    Rejected,
}

/// Why a draft was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// A fact is wrong.
    Wrong,
    /// A person should have answered.
    ShouldNotAnswer,
    /// Right, but not how the shop speaks.
    Tone,
    /// Something else.
    Other,
}
