//! What the pages listen to: an in-process bus.
//!
//! An event is a hint, never the truth: it says where to look again. A listener that falls behind is told so and
//! reads the state anew from SQL, so that nothing depends on an event having arrived.

use tokio::sync::broadcast;

use crate::domain::ids::{ConversationId, DocumentId, RevisionId, ShopId, TurnId};

/// Events that a slow listener may fall behind before it has to read everything anew.
const BACKLOG: usize = 1024;

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message was added to a conversation.
    MessageAdded {
        /// The thread.
        conversation: ConversationId,
        /// Its number in the thread.
        seq: i64,
    },
    /// The assistant began or ceased to work on an answer.
    Typing {
        /// The thread.
        conversation: ConversationId,
        /// Whether it works now.
        is_typing: bool,
    },
    /// A turn, or the conversation around it, changed state.
    TurnChanged {
        /// The thread.
        conversation: ConversationId,
        /// The turn.
        turn: TurnId,
    },
    /// A conversation was taken over, handed back, closed or reopened.
    ConversationChanged {
        /// The thread.
        conversation: ConversationId,
    },
    /// A piece of a draft, for agents only.
    DraftToken {
        /// The turn it is written for.
        turn: TurnId,
        /// What was added.
        text: String,
    },
    /// A revision moved on.
    RevisionChanged {
        /// The document.
        document: DocumentId,
        /// The revision.
        revision: RevisionId,
    },
    /// A new policy is in force.
    PolicyChanged,
}

/// Where events are published and heard. Cloning gives another handle to the same bus.
#[derive(Debug, Clone)]
pub struct Bus {
    sender: broadcast::Sender<(ShopId, Event)>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0 }
    }
}

impl Bus {
    /// Tells everybody who listens; nobody listening is fine.
    pub fn publish(&self, shop: ShopId, event: Event) {
        let _ = self.sender.send((shop, event));
    }

    /// Hears everything that is published from now on, of every shop: the listener filters by its own.
    pub fn subscribe(&self) -> broadcast::Receiver<(ShopId, Event)> {
        self.sender.subscribe()
    }
}
