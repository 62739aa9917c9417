//! What a buyer was told, and what a shift left: the furniture of both, and who is called about it.

use super::super::{Db, Tx, commitments, handovers, messages, shifts};
use crate::domain::commitment::CommitmentKind;
use crate::domain::ids::{CommitmentId, HandoverId, ShopId};
use crate::domain::task::Department;

/// What a buyer was told, and what a shift left.
pub(super) async fn commit(tx: &mut Tx, shop: ShopId, message: &messages::Message) -> (CommitmentId, HandoverId) {
    let new = commitments::NewCommitment {
        conversation: message.conversation,
        message: message.id,
        ordinal: 0,
        kind: CommitmentKind::Other,
        department: Department::Service,
        what: "?",
        author: None,
        order: None,
        due_at_ms: 1,
        due_was_said: true,
        proposed: None,
    };
    let commitment = commitments::create(tx, shop, &new).await.unwrap().unwrap();
    commitments::keep_day(tx, shop, (1, 0)).await.unwrap().unwrap();
    let shift =
        crate::domain::shift::Shift { name: "S".into(), weekdays: vec![0], from_min: 0, until_min: 1, agents: vec![] };
    shifts::replace(tx, shop, &[shift]).await.unwrap();
    let digest = crate::domain::shift::Digest::default();
    let left = handovers::NewHandover {
        shift: None,
        shift_name: "S",
        author: None,
        began_at_ms: 1,
        ended_at_ms: 2,
        note: "",
        digest: &digest,
    };
    (commitment, handovers::insert(tx, shop, &left).await.unwrap().unwrap())
}

/// How many commitments a shop calls its people about, undone.
pub(super) async fn called(db: &Db, shop: ShopId) -> (usize, usize) {
    let hour = commitments::Hour { remind_until_ms: i64::MAX, overdue_before_ms: i64::MAX };
    let mut tx = db.begin().await.unwrap();
    let escalated = commitments::escalate(&mut tx, shop, hour, None).await.unwrap();
    (escalated.len(), commitments::call_owners(&mut tx, shop, hour).await.unwrap().len())
}
