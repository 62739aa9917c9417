//! Jobs of a rehearsal: read the file, then answer its questions one after the other, to nobody.
//!
//! Each answer, where it stands, and the job for the next question are written in one transaction; whatever dies in
//! between is done again from the last answer.

use serde_json::json;
use tracing::{info, warn};

use super::answer_turn::Drafted;
use super::{JobError, Runner};
use crate::answer::{AnswerError, Ask};
use crate::domain::decision::{LabelChance, decide_rehearsed};
use crate::domain::ids::{ChunkId, RehearsalId, RehearsedId, ShopId};
use crate::domain::job::Lane;
use crate::domain::personal::mask;
use crate::domain::rehearsal::{PastQuestion, PastQuestions, RefusedRow, RehearsalState, RowProblem, plain};
use crate::events::Event;
use crate::inference::GenerateError;
use crate::learn::commitments;
use crate::retrieve::Scope;
use crate::storage::bases::{self, NewBasis};
use crate::storage::rehearsals::questions::{self, Rehearsed};
use crate::storage::rehearsals::{self, Rehearsal};
use crate::storage::turns::{self, NewDecision};
use crate::storage::{StorageError, epochs, policies, shops};

/// Every answer of a rehearsal that could be sent is judged before one that is less sure.
const JUDGED: LabelChance = LabelChance { of_all: 1.0, own: 1.0 };

impl Runner {
    /// Reads a file that is still to be read; any other is left alone, but for its bytes.
    pub(super) async fn read_rehearsal(&self, shop: ShopId, id: RehearsalId) -> Result<(), JobError> {
        let Some(rehearsal) = rehearsals::get(&self.db, shop, id).await? else { return Ok(()) };
        let Some(sha256) = rehearsal.sha256.clone() else { return Ok(()) };
        if rehearsal.state == RehearsalState::Reading {
            match self.ingestion.read_questions(&rehearsal.file_name, &sha256).await? {
                Ok(found) => self.keep_questions(shop, &rehearsal, found).await?,
                Err(refusal) => self.refuse_rehearsal(shop, id, refusal.code()).await?,
            }
        }
        self.forget_log(shop, id, &sha256).await
    }

    async fn keep_questions(
        &self,
        shop: ShopId,
        rehearsal: &Rehearsal,
        found: PastQuestions,
    ) -> Result<(), StorageError> {
        let found = if shops::masks_imports(&self.db, shop).await? { masked(found) } else { found };
        let before = rehearsals::answered(&self.db, shop, &self.fingerprint.key()).await?;
        let found = without(found, |question| before.contains(&plain(question)));
        let mut tx = self.db.begin().await?;
        let is_kept = rehearsals::fill(&mut tx, shop, rehearsal.id, &found).await?;
        tx.commit().await?;
        self.tell_of_rehearsal(shop, rehearsal.id);
        self.wake.notify_waiters();
        let (n_asked, n_refused) = (found.asked.len(), found.refused.len());
        info!(rehearsal.id = %rehearsal.id, n_asked, n_refused, is_kept, "rehearsal.file.read");
        Ok(())
    }

    /// Says on the rehearsal why there is nothing to answer.
    pub(super) async fn refuse_rehearsal(&self, shop: ShopId, id: RehearsalId, why: &str) -> Result<(), StorageError> {
        let mut tx = self.db.begin().await?;
        rehearsals::fail(&mut tx, shop, id, why).await?;
        tx.commit().await?;
        self.tell_of_rehearsal(shop, id);
        Ok(())
    }

    /// The log holds what buyers wrote, unmasked: its bytes go as soon as they are read.
    async fn forget_log(&self, shop: ShopId, id: RehearsalId, sha256: &str) -> Result<(), JobError> {
        let mut tx = self.db.begin().await?;
        rehearsals::forget_file(&mut tx, shop, id).await?;
        let is_needed = rehearsals::is_file_needed(&mut tx, sha256).await?;
        tx.commit().await?;
        if !is_needed {
            self.ingestion.forget_files(&[sha256.to_owned()]).await;
        }
        Ok(())
    }

    /// Answers a question that is still open; any other is left alone. One that was queued before the rehearsal was
    /// paused is answered all the same: else a resume that comes between would wait for a job that does nothing.
    pub(super) async fn answer_rehearsed(&self, shop: ShopId, id: RehearsedId) -> Result<(), JobError> {
        let Some(asked) = questions::get(&self.db, shop, id).await? else { return Ok(()) };
        let is_open = asked.turn.is_none() && !asked.is_failed;
        let rehearsal = rehearsals::get(&self.db, shop, asked.rehearsal).await?;
        if !is_open || rehearsal.is_none_or(|rehearsal| rehearsal.state == RehearsalState::Cancelled) {
            return Ok(());
        }
        let started_ms = self.clock.now_ms();
        let scope = Scope { shop, buyers_only: true, sku: None, platform: None, lane: Lane::Bulk };
        let ask = Ask { scope, message: asked.question.clone(), previous: asked.previous.clone() };
        let answer = tokio::time::timeout(self.options.answer_timeout, self.answering.answer(&ask, None)).await;
        let Ok(answered) = answer else {
            warn!(rehearsed.id = %id, "answering took too long");
            return Ok(self.skip_rehearsed(shop, id).await?);
        };
        let mut answered = answered?;
        answered.evidence.holds.extend(self.foreign_link(shop, &answered.draft).await?);
        answered.evidence.holds.extend(commitments::unrecorded(&answered.draft).filter(|_| !answered.abstained));
        if let Some(reason) = answered.generator_failure {
            // A buyer's question would be held now; one of the past can wait until the generator is there.
            return Err(AnswerError::Generate(GenerateError::Unavailable { reason }).into());
        }
        let took_ms = self.clock.now_ms() - started_ms;
        Ok(self.keep_answer(shop, &asked, (answered.into(), took_ms)).await?)
    }

    async fn keep_answer(
        &self,
        shop: ShopId,
        asked: &Rehearsed,
        (answered, took_ms): (Drafted, i64),
    ) -> Result<(), StorageError> {
        let policy = policies::current(&self.db, shop).await?;
        let chunks: Vec<ChunkId> = answered.citations.iter().map(|citation| citation.chunk).collect();
        let cited = epochs::of_chunks(&self.db, shop, &chunks).await?;
        let decision = decide_rehearsed(&answered.evidence);
        let record = serde_json::to_value(&answered.record).unwrap_or_else(|_| json!({}));
        let mut tx = self.db.begin().await?;
        rehearsals::hold(&mut tx, shop, asked.rehearsal).await?;
        if !questions::is_open(&mut tx, shop, asked.id).await? {
            return Ok(());
        }
        let thread = questions::thread_of(&mut tx, shop, asked).await?;
        let question = (asked.question.as_str(), asked.lang);
        let Some(turn) = turns::ask_again(&mut tx, shop, thread, question).await? else { return Ok(()) };
        let new = NewDecision {
            turn,
            expected_version: 0,
            draft: answered.draft.as_deref(),
            citations: &answered.citations,
            evidence: &answered.evidence,
            decision: &decision,
            policy: policy.id,
            draw: (self.draw)(),
            record: &record,
        };
        turns::record_decision(&mut tx, shop, &new).await?;
        let sources = cited.iter().map(|cited| (cited.document, cited.epoch)).collect();
        let pipeline = self.fingerprint.key();
        let basis = NewBasis { certificate: None, pipeline: &pipeline, chance: JUDGED, sources: &sources };
        bases::insert(&mut tx, shop, turn, &basis).await?;
        questions::set_answered(&mut tx, shop, asked.id, (turn, took_ms)).await?;
        questions::go_on(&mut tx, shop, asked.rehearsal).await?;
        tx.commit().await?;
        self.tell_of_rehearsal(shop, asked.rehearsal);
        self.wake.notify_waiters();
        Ok(())
    }

    /// Gives one question up and goes on with the next.
    pub(super) async fn skip_rehearsed(&self, shop: ShopId, id: RehearsedId) -> Result<(), StorageError> {
        let Some(asked) = questions::get(&self.db, shop, id).await? else { return Ok(()) };
        let mut tx = self.db.begin().await?;
        rehearsals::hold(&mut tx, shop, asked.rehearsal).await?;
        questions::give_up(&mut tx, shop, id).await?;
        questions::go_on(&mut tx, shop, asked.rehearsal).await?;
        tx.commit().await?;
        self.tell_of_rehearsal(shop, asked.rehearsal);
        self.wake.notify_waiters();
        Ok(())
    }

    /// Says where people look that a job of a rehearsal will not be done.
    pub(super) async fn give_up_rehearsal(&self, shop: ShopId, id: RehearsalId) -> Result<(), JobError> {
        self.refuse_rehearsal(shop, id, "internal").await?;
        match rehearsals::get(&self.db, shop, id).await? {
            Some(Rehearsal { sha256: Some(sha256), .. }) => self.forget_log(shop, id, &sha256).await,
            Some(_) | None => Ok(()),
        }
    }

    fn tell_of_rehearsal(&self, shop: ShopId, rehearsal: RehearsalId) {
        self.bus.publish(shop, Event::RehearsalMoved { rehearsal });
    }
}

/// Without who the buyers were: in questions, in what stands beside them, and in what was refused.
fn masked(found: PastQuestions) -> PastQuestions {
    let beside = |text: Option<String>| text.map(|text| mask(&text));
    let asked = found.asked.into_iter().map(|asked| PastQuestion {
        question: mask(&asked.question),
        previous: beside(asked.previous),
        person_said: beside(asked.person_said),
        ..asked
    });
    let refused = found.refused.into_iter().map(|row| RefusedRow { text: mask(&row.text), ..row });
    PastQuestions { asked: asked.collect(), refused: refused.collect(), n_skipped: found.n_skipped }
}

/// Without the questions that were answered before, each of which is refused.
fn without(found: PastQuestions, is_known: impl Fn(&str) -> bool) -> PastQuestions {
    let (known, asked): (Vec<_>, Vec<_>) = found.asked.into_iter().partition(|asked| is_known(&asked.question));
    let refused = known.into_iter().map(|asked| RefusedRow {
        line: asked.line,
        problem: RowProblem::AnsweredBefore,
        text: asked.question,
    });
    let mut refused: Vec<_> = found.refused.into_iter().chain(refused).collect();
    refused.sort_by_key(|row| row.line);
    PastQuestions { asked, refused, n_skipped: found.n_skipped }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: u32, question: &str) -> PastQuestion {
        PastQuestion { line, thread: 1, question: question.into(), previous: None, person_said: None }
    }

    #[test]
    fn nothing_of_a_buyer_is_left_in_what_is_kept() {
        let found = PastQuestions {
            asked: vec![PastQuestion {
                previous: Some("我的微信 wxid_lin88".into()),
                person_said: Some("已发到 lin@shop.example.com".into()),
                ..asked(1, "电话13812345678能改吗")
            }],
            refused: vec![RefusedRow { line: 2, problem: RowProblem::TooLong, text: "13812345678".into() }],
            n_skipped: 3,
        };
        let masked = masked(found);
        let kept = format!("{masked:?}");
        assert!(!kept.contains("13812345678") && !kept.contains("wxid") && !kept.contains("lin@"), "{kept}");
        assert_eq!((masked.asked[0].question.as_str(), masked.n_skipped), ("电话[电话]能改吗", 3));
    }

    #[test]
    fn what_was_answered_before_is_refused_in_its_place() {
        let refused = RefusedRow { line: 5, problem: RowProblem::Empty, text: String::new() };
        let found =
            PastQuestions { asked: vec![asked(2, "old"), asked(3, "new")], refused: vec![refused], n_skipped: 0 };
        let left = without(found, |question| question == "old");
        assert_eq!(left.asked.len(), 1);
        let told: Vec<_> = left.refused.iter().map(|row| (row.line, row.problem)).collect();
        assert_eq!(told, [(2, RowProblem::AnsweredBefore), (5, RowProblem::Empty)]);
    }
}
