//! What ops look at: decisions that can be replayed under other rules, and what every day came to.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::conversations::ConversationKind;
use super::turns::read_decision;
use super::{Db, StorageError};
use crate::domain::conversation::Author;
use crate::domain::decision::{Decision, Evidence};
use crate::domain::golden;
use crate::domain::ids::{AccountId, CertificateId, ConversationId, DocumentId, ShopId, TurnId};
use crate::domain::outcome::{LabelSource, Outcome};
use crate::domain::turn::{RejectReason, Verdict};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A period: from, until. The end is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first millisecond.
    pub from_ms: i64,
    /// One past its last.
    pub until_ms: i64,
}

/// A decided turn, as much of it as `decide` looks at, and what people made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayRow {
    /// Which turn.
    pub turn: TurnId,
    /// Its thread.
    pub conversation: ConversationId,
    /// What was asked.
    pub question: String,
    /// What was decided on, with confidence and topic.
    pub evidence: Evidence,
    /// With which random draw.
    pub draw: f64,
    /// What was decided.
    pub decision: Decision,
    /// The last judgement, if there is one.
    pub verdict: Option<Verdict>,
    /// Why it was rejected.
    pub reason: Option<RejectReason>,
    /// What the buyer made of the reply: up is `true`.
    pub thumbs: Option<bool>,
    /// When it was asked.
    pub created_at_ms: i64,
    /// The last label, if there is one.
    pub label: Option<PastLabel>,
    /// Whether there was a draft that rested on sources, or that was a golden answer.
    pub has_sourced_draft: bool,
    /// Whether an agent answered in own words instead.
    pub is_replaced: bool,
    /// What it was decided under; none for turns of older versions.
    pub basis: Option<Basis>,
    /// Whether it is a question of the past that was asked again.
    pub is_rehearsed: bool,
}

/// What a turn was labelled as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastLabel {
    /// What it was.
    pub outcome: Outcome,
    /// How it came about.
    pub source: LabelSource,
    /// By whom.
    pub account: AccountId,
}

/// What a turn was decided under.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// The proof whose bar counted.
    pub certificate: Option<CertificateId>,
    /// Which machinery made the answer.
    pub pipeline: String,
    /// The chance with which any answer of its time was labelled.
    pub chance_of_all: f64,
    /// The cited documents, each with its epoch.
    pub sources: BTreeMap<DocumentId, i64>,
}

/// Selects decided turns of conversations `c` that are so.
macro_rules! select_decided {
    ($which:literal) => {
        concat!(
            "select t.id, t.conversation_id, t.question, t.evidence, t.draw, t.decision, t.audit, t.reasons, ",
            "t.created_at_ms, t.draft, t.citations, f.verdict, f.reason, m.thumbs, m.author, l.outcome, l.source, ",
            "l.account_id, b.certificate_id, b.pipeline, b.chance_of_all, b.sources, c.kind from turns t ",
            "join conversations c on c.id = t.conversation_id and ",
            $which,
            " left join feedback f on f.id = (select max(l.id) from feedback l where l.turn_id = t.id) ",
            "left join labels l on l.id = (select max(n.id) from labels n ",
            "where n.turn_id = t.id and n.withdrawn_at_ms is null) ",
            "left join bases b on b.turn_id = t.id ",
            "left join messages m on m.turn_id = t.id and m.author in ('assistant', 'reviewed', 'agent') ",
            "where t.shop_id = $1 and t.created_at_ms >= $2 and t.created_at_ms < $3 and t.evidence is not null ",
            "order by t.created_at_ms, t.id"
        )
    };
}

/// Everything that was decided of what was asked in the period, oldest first. Test questions of staff and rehearsals are
/// left out, here and in [`days`]: they are not what buyers ask.
pub async fn replay_rows(db: &Db, shop: ShopId, period: Period) -> Result<Vec<ReplayRow>, StorageError> {
    read_decided(db, shop, (select_decided!("c.kind = 'buyer'"), period)).await
}

/// What buyers asked, and nobody of a simulated day, with what was rehearsed: a proof may rest on both.
pub async fn proof_rows(db: &Db, shop: ShopId, period: Period) -> Result<Vec<ReplayRow>, StorageError> {
    read_decided(db, shop, (select_decided!("c.kind in ('buyer', 'rehearsal') and c.simulated is null"), period)).await
}

/// What was rehearsed alone.
pub async fn rehearsed_rows(db: &Db, shop: ShopId, period: Period) -> Result<Vec<ReplayRow>, StorageError> {
    read_decided(db, shop, (select_decided!("c.kind = 'rehearsal'"), period)).await
}

async fn read_decided(
    db: &Db,
    shop: ShopId,
    (sql, period): (&'static str, Period),
) -> Result<Vec<ReplayRow>, StorageError> {
    let rows = sqlx::query(sql).bind(shop).bind(period.from_ms).bind(period.until_ms).fetch_all(&db.readers).await?;
    rows.iter().map(read_replay).collect()
}

fn read_replay(row: &AnyRow) -> Result<ReplayRow, StorageError> {
    let decision = read_decision(row)?;
    let draft: Option<&str> = row.col("draft")?;
    let author: Option<Author> = row.col("author")?;
    let evidence = row.col::<Json<Evidence>>("evidence")?.0;
    let has_source = row.col::<&str>("citations")? != "[]" || evidence.topic == golden::TOPIC;
    Ok(ReplayRow {
        turn: row.col("id")?,
        conversation: row.col("conversation_id")?,
        question: row.col("question")?,
        evidence,
        draw: row.col("draw")?,
        decision: decision.ok_or_else(|| StorageError::Damaged { what: "evidence without a decision".into() })?,
        verdict: row.col("verdict")?,
        reason: row.col("reason")?,
        thumbs: row.col::<Option<i64>>("thumbs")?.map(|thumbs| thumbs != 0),
        created_at_ms: row.col("created_at_ms")?,
        label: read_label(row)?,
        has_sourced_draft: draft.is_some() && has_source,
        is_replaced: author == Some(Author::Agent),
        basis: read_basis(row)?,
        is_rehearsed: row.col::<ConversationKind>("kind")? == ConversationKind::Rehearsal,
    })
}

fn read_label(row: &AnyRow) -> Result<Option<PastLabel>, StorageError> {
    let Some(outcome) = row.col("outcome")? else { return Ok(None) };
    Ok(Some(PastLabel { outcome, source: row.col("source")?, account: row.col("account_id")? }))
}

fn read_basis(row: &AnyRow) -> Result<Option<Basis>, StorageError> {
    let Some(pipeline) = row.col("pipeline")? else { return Ok(None) };
    Ok(Some(Basis {
        certificate: row.col("certificate_id")?,
        pipeline,
        chance_of_all: row.col("chance_of_all")?,
        sources: row.json("sources")?,
    }))
}

/// What a day came to, by when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Day {
    /// Its first millisecond.
    pub from_ms: i64,
    /// Questions asked.
    pub n_turns: u32,
    /// Decided to be sent without a person.
    pub n_auto_sent: u32,
    /// Decided to be held for an agent.
    pub n_review: u32,
    /// Decided to be escalated.
    pub n_escalated: u32,
    /// Last judged as right.
    pub n_accepted: u32,
    /// Last judged as right after a change.
    pub n_edited: u32,
    /// Last judged as wrong.
    pub n_rejected: u32,
    /// Replies the buyer liked.
    pub n_thumbs_up: u32,
    /// Replies the buyer did not like.
    pub n_thumbs_down: u32,
    /// Median time from question to reply, of those that have one.
    pub median_reply_ms: Option<i64>,
}

/// The days of the period on which something was asked, oldest first. A day begins at midnight UTC, less `offset_ms`:
/// 8 hours for China. Turns that a newer question took the place of count as asked, and as nothing else.
pub async fn days(db: &Db, shop: ShopId, period: Period, offset_ms: i64) -> Result<Vec<Day>, StorageError> {
    let rows = sqlx::query(
        "select t.created_at_ms, t.replied_at_ms, t.decision, f.verdict, m.thumbs from turns t \
         join conversations c on c.id = t.conversation_id and c.kind = 'buyer' \
         left join feedback f on f.id = (select max(l.id) from feedback l where l.turn_id = t.id) \
         left join messages m on m.turn_id = t.id and m.author in ('assistant', 'reviewed', 'agent') \
         where t.shop_id = $1 and t.created_at_ms >= $2 and t.created_at_ms < $3",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .fetch_all(&db.readers)
    .await?;
    let mut days: BTreeMap<i64, (Day, Vec<i64>)> = BTreeMap::new();
    for row in &rows {
        let asked_at_ms: i64 = row.col("created_at_ms")?;
        let from_ms = (asked_at_ms + offset_ms).div_euclid(DAY_MS) * DAY_MS - offset_ms;
        let (day, reply_times) = days.entry(from_ms).or_default();
        count(day, row)?;
        reply_times.extend(row.col::<Option<i64>>("replied_at_ms")?.map(|at_ms| at_ms - asked_at_ms));
    }
    let finish = |(from_ms, (day, reply_times))| Day { from_ms, median_reply_ms: median(reply_times), ..day };
    Ok(days.into_iter().map(finish).collect())
}

fn count(day: &mut Day, row: &AnyRow) -> Result<(), StorageError> {
    day.n_turns += 1;
    match row.col::<Option<&str>>("decision")? {
        Some("auto_send") => day.n_auto_sent += 1,
        Some("review") => day.n_review += 1,
        Some("escalate") => day.n_escalated += 1,
        _ => {}
    }
    match row.col::<Option<Verdict>>("verdict")? {
        Some(Verdict::Accepted) => day.n_accepted += 1,
        Some(Verdict::Edited) => day.n_edited += 1,
        Some(Verdict::Rejected) => day.n_rejected += 1,
        None => {}
    }
    match row.col::<Option<i64>>("thumbs")? {
        Some(0) => day.n_thumbs_down += 1,
        Some(_) => day.n_thumbs_up += 1,
        None => {}
    }
    Ok(())
}

/// The middle one; of two in the middle, the lower.
fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// How long it took from question to decided draft, in the middle, of what was asked since `since_ms`; `None` if
/// nothing was drafted.
pub async fn median_decision_ms(db: &Db, shop: ShopId, since_ms: i64) -> Result<Option<i64>, StorageError> {
    let rows = sqlx::query(
        "select t.decided_at_ms - t.created_at_ms as took_ms from turns t \
         join conversations c on c.id = t.conversation_id and c.kind = 'buyer' \
         where t.shop_id = $1 and t.created_at_ms >= $2 and t.decided_at_ms is not null \
         and t.draft is not null",
    )
    .bind(shop)
    .bind(since_ms)
    .fetch_all(&db.readers)
    .await?;
    let times = rows.iter().map(|row| row.col("took_ms")).collect::<Result<Vec<i64>, _>>()?;
    Ok(median(times))
}

#[cfg(test)]
mod tests {
    use super::super::feedback::{self, NewFeedback};
    use super::super::testing::{START_MS, Scratch, scratches, shop};
    use super::super::turns::tests::{ask_one, auto_send, decide, decided_reply, evidence, review};
    use super::super::{messages, turns};
    use super::*;

    const LIN: AccountId = AccountId(uuid::Uuid::from_u128(3));
    const WHOLE: Period = Period { from_ms: 0, until_ms: i64::MAX };

    fn judged(turn: TurnId, verdict: Verdict) -> NewFeedback<'static> {
        NewFeedback { turn, account: LIN, verdict, reason: None, final_text: None, difference: None }
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![5]), Some(5));
        assert_eq!(median(vec![9, 1]), Some(1));
        assert_eq!(median(vec![9, 1, 4]), Some(4));
    }

    #[tokio::test]
    async fn every_decision_can_be_replayed_with_its_last_verdict() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let held = ask_one(&db, mine, "held").await;
            decide(&db, mine, &held, &review()).await.unwrap();
            ask_one(&db, mine, "undecided").await;
            let mut tx = db.begin().await.unwrap();
            let first = NewFeedback { reason: Some(RejectReason::Tone), ..judged(held.turn, Verdict::Rejected) };
            feedback::insert(&mut tx, mine, &first).await.unwrap().unwrap();
            assert_eq!(feedback::insert(&mut tx, other, &first).await.unwrap(), None, "not their turn");
            clock.advance(1);
            feedback::insert(&mut tx, mine, &judged(held.turn, Verdict::Accepted)).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            let [row] = replay_rows(&db, mine, WHOLE).await.unwrap().try_into().unwrap();
            assert_eq!((row.turn, row.draw, &row.evidence), (held.turn, 0.25, &evidence()));
            assert_eq!((row.decision, row.verdict, row.reason), (review(), Some(Verdict::Accepted), None));
            assert_eq!(replay_rows(&db, other, WHOLE).await.unwrap(), []);
            let later = Period { from_ms: START_MS + 1, ..WHOLE };
            assert_eq!(replay_rows(&db, mine, later).await.unwrap(), []);
            let list = feedback::list(&db, mine, i64::MAX, 1).await.unwrap();
            assert_eq!((list.len(), list[0].verdict), (1, Verdict::Accepted), "the newest first");
            assert_eq!(feedback::of_turn(&db, mine, held.turn).await.unwrap().len(), 2);
            assert_eq!(feedback::list(&db, other, i64::MAX, 9).await.unwrap(), []);
        }
    }

    #[tokio::test]
    async fn a_day_is_counted_where_the_shop_is() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let sent = ask_one(&db, mine, "sent").await;
            let version = decide(&db, mine, &sent, &auto_send()).await.unwrap();
            clock.advance(700);
            let reply = decided_reply(&db, mine, &sent, (version, Author::Assistant)).await.unwrap();
            let mut tx = db.begin().await.unwrap();
            messages::set_thumbs(&mut tx, mine, reply.conversation, reply.id, Some(true)).await.unwrap();
            tx.commit().await.unwrap();
            clock.advance(DAY_MS - 701);
            let held = ask_one(&db, mine, "held").await;
            decide(&db, mine, &held, &review()).await.unwrap();
            let mut tx = db.begin().await.unwrap();
            feedback::insert(&mut tx, mine, &judged(held.turn, Verdict::Edited)).await.unwrap().unwrap();
            tx.commit().await.unwrap();

            let [day] = days(&db, mine, WHOLE, 0).await.unwrap().try_into().unwrap();
            let want = Day {
                from_ms: START_MS,
                n_turns: 2,
                n_auto_sent: 1,
                n_review: 1,
                n_edited: 1,
                n_thumbs_up: 1,
                median_reply_ms: Some(700),
                ..Day::default()
            };
            assert_eq!(day, want);
            let in_china = days(&db, mine, WHOLE, 8 * 60 * 60 * 1000).await.unwrap();
            assert_eq!(in_china.iter().map(|day| day.n_turns).collect::<Vec<_>>(), [1, 1]);
            assert_eq!(days(&db, other, WHOLE, 0).await.unwrap(), []);
            assert_eq!(turns::queue(&db, mine, 10).await.unwrap().len(), 1);
        }
    }
}
