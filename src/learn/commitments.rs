//! What a reply commits the shop to becomes rows, in the transaction of the reply.
//!
//! # Why
//! A commitment that nobody wrote down is the one that is forgotten. Nobody has to press anything: the reply is heard
//! when it is sent, and an entry that is none is dismissed with one key.

use crate::domain::commitment::due::ShopClock;
use crate::domain::commitment::{CommitmentEvidence, CommitmentRules, hear};
use crate::domain::conversation::Author;
use crate::domain::decision::Reason;
use crate::domain::ids::{CommitmentId, OrderId, ShopId, TaskId};
use crate::domain::record::AnswerRecord;
use crate::domain::rules::RecordRules;
use crate::storage::commitments::{self, NewCommitment};
use crate::storage::messages::Message;
use crate::storage::turns::Turn;
use crate::storage::{Db, StorageError, Tx, rules};

/// The clock by which a shop's commitments are due.
pub fn shop_clock(records: &RecordRules, rules: &CommitmentRules) -> ShopClock {
    ShopClock { utc_offset_min: records.utc_offset_min, day_ends_min: rules.day_ends_min }
}

/// The same, read anew.
pub async fn clock_of(db: &Db, shop: ShopId) -> Result<ShopClock, StorageError> {
    Ok(shop_clock(&rules::current(db, shop).await?, &commitments::rules(db, shop).await?))
}

/// What a reply rests on besides its words.
#[derive(Debug, Clone, Copy, Default)]
pub struct RestsOn {
    /// The order that was looked up for it.
    pub order: Option<OrderId>,
    /// The task that was made of the request.
    pub task: Option<TaskId>,
}

impl RestsOn {
    /// What the draft of a turn rested on.
    pub fn turn(turn: &Turn) -> Self {
        let record = turn.record.clone().and_then(|record| serde_json::from_value::<AnswerRecord>(record).ok());
        Self { order: record.and_then(|record| record.order).and_then(|look| look.order), task: None }
    }
}

/// Keeps what `message` commits the shop to; a message of the buyer, or a notice, commits nobody.
pub async fn keep(
    tx: &mut Tx,
    shop: ShopId,
    (message, rests_on): (&Message, RestsOn),
) -> Result<Vec<CommitmentId>, StorageError> {
    match message.author {
        Author::Assistant | Author::Reviewed | Author::Agent => {}
        Author::Buyer | Author::Notice => return Ok(vec![]),
    }
    let settled = commitments::rules_in(tx, shop).await?;
    let clock = shop_clock(&rules::of(tx, shop).await?, &settled);
    let said_at_ms = message.created_at_ms;
    let proposed = rests_on.task.map(|task| CommitmentEvidence::Task { task });
    let mut kept = Vec::new();
    for (ordinal, heard) in hear(&message.text, said_at_ms, clock).into_iter().enumerate() {
        let new = NewCommitment {
            conversation: message.conversation,
            message: message.id,
            ordinal,
            kind: heard.kind,
            department: heard.department,
            what: heard.span.of(&message.text),
            author: message.account,
            order: rests_on.order,
            due_at_ms: heard.due_at_ms.unwrap_or_else(|| settled.usual_due_ms(heard.kind, said_at_ms)),
            due_was_said: heard.due_at_ms.is_some(),
            proposed: proposed.as_ref(),
        };
        kept.extend(commitments::create(tx, shop, &new).await?);
    }
    Ok(kept)
}

/// The reason that holds a draft of the assistant which commits the shop to something. No document knows what "tomorrow"
/// is, and who approved a golden answer does not do what it says: only a record holds a commitment, and what is told
/// from records does not come here.
pub fn unrecorded(draft: &str) -> Option<Reason> {
    let clock = ShopClock { utc_offset_min: 0, day_ends_min: 24 * 60 - 1 };
    (!hear(draft, 0, clock).is_empty()).then_some(Reason::UnrecordedCommitment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_commits_the_shop_is_held_and_one_that_tells_a_rule_is_not() {
        assert_eq!(unrecorded("您好，明天给您发货。"), Some(Reason::UnrecordedCommitment));
        assert_eq!(unrecorded("I will check with the warehouse."), Some(Reason::UnrecordedCommitment));
        assert_eq!(unrecorded("签收后7天内可以退货，运费由买家承担。"), None);
    }
}
