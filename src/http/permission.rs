//! Who may do what: the whole matrix, on one screen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::storage::accounts::Role;

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Nothing: anybody may call.
    Public,
    /// The token of the very conversation in the path.
    Chat,
    /// Any person of the shop.
    SignedIn,
    /// Deciding about drafts, talking to buyers.
    Drafts,
    /// Seeing drafts and conversations.
    ReadDrafts,
    /// Changing documents.
    Knowledge,
    /// Seeing documents.
    ReadKnowledge,
    /// Bringing questions of the past, and stopping their answering.
    Rehearse,
    /// Judging answers to questions of the past.
    Judge,
    /// Changing what is sent by itself.
    Bars,
    /// Seeing what is sent by itself, and how well.
    ReadBars,
    /// Accounts, widgets, the log of what people did.
    People,
    /// Telling what is known of orders and products.
    Records,
    /// Seeing orders and products.
    ReadRecords,
    /// Seeing, writing and doing what people have to do for buyers.
    Tasks,
    /// Handing over or deleting everything that is kept of a buyer.
    BuyerData,
}

impl Permission {
    /// Whether a person of the shop in `role` has it. `Public` needs nobody, and no role opens a buyer's chat.
    pub fn is_held_by(self, role: Role) -> bool {
        use Role::{Agent, Ops, Owner, Staff};
        match self {
            Self::Public | Self::SignedIn | Self::ReadKnowledge | Self::ReadRecords => true,
            Self::Chat => false,
            Self::Drafts => matches!(role, Agent | Owner),
            Self::ReadDrafts | Self::ReadBars | Self::Tasks => matches!(role, Agent | Ops | Owner),
            Self::Knowledge => matches!(role, Staff | Owner),
            Self::Rehearse => matches!(role, Staff | Ops | Owner),
            Self::Judge => matches!(role, Agent | Staff | Owner),
            Self::Bars | Self::People => matches!(role, Ops | Owner),
            Self::Records => matches!(role, Staff | Ops | Owner),
            Self::BuyerData => role == Owner,
        }
    }

    /// Whether the key of a script may have it.
    pub fn is_scope(self) -> bool {
        matches!(
            self,
            Self::Drafts
                | Self::ReadDrafts
                | Self::Knowledge
                | Self::ReadKnowledge
                | Self::Rehearse
                | Self::Judge
                | Self::Bars
                | Self::ReadBars
                | Self::Records
                | Self::ReadRecords
                | Self::Tasks
        )
    }

    /// Its name in `/openapi.json`, and as a scope.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Chat => "chat",
            Self::SignedIn => "signed_in",
            Self::Drafts => "drafts",
            Self::ReadDrafts => "read_drafts",
            Self::Knowledge => "knowledge",
            Self::ReadKnowledge => "read_knowledge",
            Self::Rehearse => "rehearse",
            Self::Judge => "judge",
            Self::Bars => "bars",
            Self::ReadBars => "read_bars",
            Self::People => "people",
            Self::Records => "records",
            Self::ReadRecords => "read_records",
            Self::Tasks => "tasks",
            Self::BuyerData => "buyer_data",
        }
    }
}
