//! What a person of the shop has to do for a buyer, outside of the conversation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Ship on another day.
    ShipDate,
    /// Send it elsewhere.
    Address,
    /// Note something on the order.
    Remark,
    /// Write an invoice.
    Invoice,
    /// Ship sooner.
    UrgeShipping,
    /// Cancel the order.
    Cancel,
    /// Take something back.
    Return,
    /// Anything else.
    Other,
}

impl TaskKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::ShipDate,
        Self::Address,
        Self::Remark,
        Self::Invoice,
        Self::UrgeShipping,
        Self::Cancel,
        Self::Return,
        Self::Other,
    ];
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Department {
    /// Where parcels are packed.
    Warehouse,
    /// Where money is paid and invoices are written.
    Finance,
    /// The agents themselves.
    Service,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Nobody has begun.
    Open,
    /// Somebody is at it.
    Doing,
    /// It is done; the evidence says how that is known.
    Done,
    /// It will not be done; the evidence says why.
    Dropped,
}

impl TaskState {
    /// Whether nothing is left to do.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Dropped)
    }
}
