//! What the pages listen to: an in-process bus.
//!
//! An event is a hint, never the truth: it says where to look again. A listener that falls behind is told so and
//! reads the state anew from SQL, so that nothing depends on an event having arrived.
//!
//! # Why
//!
//! A buyer's page hears of its own conversation alone. If it heard of all, every message would wake every open chat:
//! with ten thousand of them that is more work than answering.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::domain::ids::{
    AccountId, CommitmentId, ConversationId, DocumentId, RehearsalId, RevisionId, ShopId, TaskId, TurnId,
};

/// Events that a slow listener may fall behind before it has to read everything anew.
const BACKLOG: usize = 1024;

/// The same for a listener to one conversation, in which little happens at once.
const CHAT_BACKLOG: usize = 16;

/// What an agent does in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// Reads it.
    Looking,
    /// Writes in it.
    Typing,
    /// Has gone.
    Left,
}

/// What is new of a commitment to a buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitmentNews {
    /// It was just heard in a reply, or written down.
    Heard,
    /// A person changed it, or an order seems to show that it was kept.
    Changed,
    /// It is due soon.
    DueSoon,
    /// It is overdue, and was put before the lead.
    Overdue,
}

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
    /// An agent looks at a conversation, or writes in it. Nothing of it is kept: whoever hears of another's arrival
    /// and is there, too, says so again.
    Watching {
        /// The thread.
        conversation: ConversationId,
        /// Who.
        account: AccountId,
        /// What colleagues call them.
        name: String,
        /// What they do there.
        doing: Doing,
    },
    /// A revision moved on.
    RevisionChanged {
        /// The document.
        document: DocumentId,
        /// The revision.
        revision: RevisionId,
    },
    /// A rehearsal has come further, or was stopped.
    RehearsalMoved {
        /// Which one.
        rehearsal: RehearsalId,
    },
    /// A new policy is in force.
    PolicyChanged,
    /// An order, a product or an import of them changed.
    RecordsChanged,
    /// What the shop told a buyer was heard, changed, or is due.
    CommitmentChanged {
        /// The commitment.
        commitment: CommitmentId,
        /// Where it was said.
        conversation: ConversationId,
        /// What of it is new.
        news: CommitmentNews,
    },
    /// A shop's day was summed up.
    DaySummedUp,
    /// A shift left word to the next.
    HandedOver,
    /// A task was added or changed.
    TaskChanged {
        /// The task.
        task: TaskId,
        /// Where it was asked for.
        conversation: Option<ConversationId>,
    },
}

impl Event {
    /// The thread it is about, if a buyer may hear of it.
    fn chat(&self) -> Option<ConversationId> {
        match self {
            Self::MessageAdded { conversation, .. }
            | Self::Typing { conversation, .. }
            | Self::ConversationChanged { conversation } => Some(*conversation),
            Self::TurnChanged { .. }
            | Self::DraftToken { .. }
            | Self::Watching { .. }
            | Self::RevisionChanged { .. }
            | Self::RehearsalMoved { .. }
            | Self::PolicyChanged
            | Self::RecordsChanged
            | Self::CommitmentChanged { .. }
            | Self::DaySummedUp
            | Self::HandedOver
            | Self::TaskChanged { .. } => None,
        }
    }
}

type Sender = broadcast::Sender<(ShopId, Event)>;

/// Where events are published and heard. Cloning gives another handle to the same bus.
#[derive(Debug, Clone)]
pub struct Bus {
    sender: Sender,
    chats: Arc<Mutex<Chats>>,
}

/// Who listens to one conversation only.
#[derive(Debug, Default)]
struct Chats {
    senders: HashMap<ConversationId, Sender>,
    /// At this many it is time to forget those that nobody listens to any more.
    sweep_at: usize,
}

impl Default for Bus {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, chats: Arc::default() }
    }
}

impl Bus {
    /// Tells everybody who listens; nobody listening is fine.
    pub fn publish(&self, shop: ShopId, event: Event) {
        if let Some(chat) = event.chat() {
            let mut chats = self.chats();
            let nobody = chats.senders.get(&chat).is_some_and(|sender| sender.send((shop, event.clone())).is_err());
            if nobody {
                chats.senders.remove(&chat);
            }
        }
        let _ = self.sender.send((shop, event));
    }

    /// Hears everything that is published from now on, of every shop: the listener filters by its own.
    pub fn subscribe(&self) -> broadcast::Receiver<(ShopId, Event)> {
        self.sender.subscribe()
    }

    /// Hears what a buyer may hear of one conversation, from now on.
    pub fn subscribe_to(&self, chat: ConversationId) -> broadcast::Receiver<(ShopId, Event)> {
        let mut chats = self.chats();
        if chats.senders.len() >= chats.sweep_at {
            chats.senders.retain(|_, sender| sender.receiver_count() > 0);
            chats.sweep_at = (2 * chats.senders.len()).max(BACKLOG);
        }
        chats.senders.entry(chat).or_insert_with(|| broadcast::channel(CHAT_BACKLOG).0).subscribe()
    }

    /// No panic can leave it half-changed: each change is one call into the map.
    fn chats(&self) -> MutexGuard<'_, Chats> {
        self.chats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_page_hears_of_its_own_conversation_alone_and_is_forgotten_when_it_leaves() {
        let (bus, shop) = (Bus::default(), ShopId(Uuid::nil()));
        let chat = |number| ConversationId(Uuid::from_u128(number));
        let (mut mine, mut desk) = (bus.subscribe_to(chat(1)), bus.subscribe());
        let other = Event::MessageAdded { conversation: chat(2), seq: 1 };
        let own = Event::MessageAdded { conversation: chat(1), seq: 1 };
        bus.publish(shop, other.clone());
        bus.publish(shop, own.clone());
        assert_eq!(mine.recv().await, Ok((shop, own.clone())));
        assert_eq!(desk.recv().await, Ok((shop, other)));
        drop(mine);
        bus.publish(shop, own);
        assert!(bus.chats().senders.is_empty());
        for number in 0..10_000 {
            drop(bus.subscribe_to(chat(number)));
        }
        assert!(bus.chats().senders.len() <= BACKLOG, "pages that left in silence are forgotten, too");
    }
}
