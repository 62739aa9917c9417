//! Identifiers. Each is a UUID in its own type, so that a turn can never be passed for a document.
//!
//! New ones are version 7 and come from [`crate::clock`]; a chunk's is derived, see [`ChunkId::derive`].

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A shop: the wall no query crosses.
    ShopId,
    /// What staff uploaded.
    DocumentId,
    /// One immutable version of a document.
    RevisionId,
    /// A retrieval unit.
    ChunkId,
    /// A thread between a buyer and the shop.
    ConversationId,
    /// One utterance.
    MessageId,
    /// One buyer message through one decision.
    TurnId,
    /// A queued row of slow work.
    JobId,
    /// A person of the shop.
    AccountId,
    /// A storefront's entry to the chat.
    WidgetId,
    /// A version of the rules for `decide`.
    PolicyId,
    /// What an agent did with a draft.
    FeedbackId,
    /// What a person made of an answer.
    LabelId,
    /// An answer that somebody is to look at, blind.
    LookId,
    /// A proof of a promise.
    CertificateId,
    /// A file of past questions that are answered to nobody.
    RehearsalId,
    /// One question of it.
    RehearsedId,
    /// A look that the server takes at a promise.
    CheckId,
    /// A try at a proof.
    TryId,
    /// An answer to a judged question that was asked again.
    ReaskedId,
    /// A golden answer.
    GoldenId,
    /// One way to ask for a golden answer.
    PhrasingId,
    /// A signed-in browser or script; its name, not its secret.
    SessionId,
    /// A key of a script.
    ApiTokenId,
    /// What a shop signs its buyers' identity with.
    BuyerKeyId,
    /// What a shop sells.
    ProductId,
    /// What a buyer bought at once.
    OrderId,
    /// A sheet of records that was uploaded.
    ImportId,
    /// Something a person of the shop has to do for a buyer.
    TaskId,
    /// That a conversation was given to somebody.
    TransferId,
    /// A search that an agent has kept.
    ViewId,
    /// A reply that is used again and again.
    CannedId,
    /// What the shop told a buyer that it will do.
    CommitmentId,
    /// A part of the day in which the same people work.
    ShiftId,
    /// What one shift leaves to the next.
    HandoverId,
}

impl ChunkId {
    /// The same revision and ordinal always give the same id, so that a repeated job overwrites itself.
    pub fn derive(revision: RevisionId, ordinal: u32) -> Self {
        let mut hash = Sha256::new();
        hash.update(revision.0.as_bytes());
        hash.update(ordinal.to_be_bytes());
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}
