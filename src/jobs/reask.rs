//! The job that asks judged questions again of the machinery in use, see [`crate::learn::probation`].
//!
//! A few at a time, in the bulk lane: no buyer waits for it, and neither does an upload for long. What was asked is not
//! asked again, so the job may end anywhere; the schedule queues the next as long as something is left.

use tracing::{info, warn};

use super::{JobError, Runner};
use crate::answer::{Answered, Ask};
use crate::domain::fault::Fault;
use crate::domain::ids::{ShopId, TurnId};
use crate::domain::job::Lane;
use crate::domain::order::Platform;
use crate::learn::probation;
use crate::retrieve::Scope;
use crate::storage::reasked::{self, NewReasked};
use crate::storage::turns;

/// Questions of one job.
const BATCH: usize = 10;

impl Runner {
    /// Asks some of the questions that are left.
    pub(super) async fn reask(&self, shop: ShopId) -> Result<(), JobError> {
        let open = probation::open(&self.db, shop, &self.fingerprint, BATCH).await?;
        for turn in open {
            if !self.reask_one(shop, turn).await? {
                // The generator is not there: what it would have said is not known, and is asked another time.
                info!("the questions of the last proof wait for the generator");
                return Ok(());
            }
        }
        Ok(())
    }

    /// False if the machinery was not whole: its answer would say nothing.
    async fn reask_one(&self, shop: ShopId, id: TurnId) -> Result<bool, JobError> {
        let Some(turn) = turns::get(&self.db, shop, id).await? else { return Ok(true) };
        let pipeline = self.fingerprint.key();
        let previous = self.previous(shop, &turn).await?;
        let scope = Scope { shop, buyers_only: true, sku: None, platform: Some(Platform::Own), lane: Lane::Bulk };
        let ask = Ask { scope, message: turn.question.clone(), previous };
        let answer = tokio::time::timeout(self.options.answer_timeout, self.answering.answer(&ask, None));
        let mut answered = match answer.await {
            Ok(Ok(answered)) if answered.generator_failure.is_some() => return Ok(false),
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) if matches!(error.fault(), Fault::Transient | Fault::Overloaded) => return Err(error.into()),
            // A question that the machinery breaks on, or takes for ever over, has no answer; it is not asked again.
            broken => {
                warn!(turn.id = %id, error = ?broken.err(), "a judged question could not be asked again");
                return self.keep(shop, unanswered(id, &pipeline)).await;
            }
        };
        answered.evidence.holds.extend(self.foreign_link(shop, &answered.draft).await?);
        self.keep(shop, new(id, &answered, &pipeline)).await
    }

    async fn keep(&self, shop: ShopId, answer: NewReasked<'_>) -> Result<bool, JobError> {
        let mut tx = self.db.begin().await?;
        reasked::insert(&mut tx, shop, &answer).await?;
        tx.commit().await?;
        Ok(true)
    }
}

fn unanswered(turn: TurnId, pipeline: &str) -> NewReasked<'_> {
    NewReasked { turn, pipeline, draft: None, confidence: 0.0, grounded_share: 0.0, is_held: true }
}

fn new<'a>(turn: TurnId, answered: &'a Answered, pipeline: &'a str) -> NewReasked<'a> {
    let seen = &answered.evidence;
    NewReasked {
        turn,
        pipeline,
        draft: Some(answered.draft.as_str()).filter(|_| !answered.abstained),
        confidence: seen.confidence.value(),
        grounded_share: seen.grounded_share,
        is_held: !seen.escalations.is_empty() || !seen.holds.is_empty(),
    }
}
