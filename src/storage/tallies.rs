//! What days of service are counted from, and what they came to.

use std::collections::{BTreeMap, HashMap};

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::ops::Period;
use super::{Db, StorageError};
use crate::domain::conversation::Simulated;
use crate::domain::figure_rules::FigureRules;
use crate::domain::ids::{ConversationId, ShopId};
use crate::domain::order::Order;
use crate::domain::outcome::Outcome;
use crate::domain::tally::{AutoSent, Bought, DayTally, DraftUse, LATE_MS, Said, Thread};
use crate::domain::turn::Verdict;
use crate::storage::Tx;

/// The conversations in which a buyer wrote in the period, of which `$1` to `$3` say whose and when.
macro_rules! of_period {
    () => {
        "(select m.conversation_id from messages m where m.shop_id = $1 and m.created_at_ms >= $2 \
         and m.created_at_ms < $3 and m.author = 'buyer')"
    };
}

const THREADS: &str = concat!(
    "select c.id, c.simulated, c.buyer_id, (select min(n.created_at_ms) from messages n \
     where n.conversation_id = c.id and n.author = 'buyer' and n.created_at_ms >= $3) as next_ms \
     from conversations c where c.shop_id = $1 and c.kind = 'buyer' and c.id in ",
    of_period!()
);

const SAID: &str = "select m.conversation_id, m.author, m.author_id, m.created_at_ms, m.thumbs from messages m \
     where m.shop_id = $1 and m.created_at_ms >= $2 and m.created_at_ms < $3 \
     and (m.author <> 'agent' or m.client_key is null or m.client_key not like 'bulk:%') order by m.created_at_ms, m.seq";

const TURNS: &str = "select t.conversation_id, t.topic, t.decision, t.draft, f.verdict, f.final_text, l.outcome \
     from turns t \
     left join feedback f on f.id = (select max(n.id) from feedback n where n.turn_id = t.id) \
     left join labels l on l.id = (select max(n.id) from labels n where n.turn_id = t.id and n.withdrawn_at_ms is null) \
     where t.shop_id = $1 and t.created_at_ms >= $2 and t.created_at_ms < $3 order by t.created_at_ms, t.id";

const ORDERS: &str = concat!(
    "select o.buyer_id, o.body from orders o where o.shop_id = $1 and o.buyer_id in \
     (select c.buyer_id from conversations c where c.shop_id = $1 and c.buyer_id is not null and c.id in ",
    of_period!(),
    ")"
);

/// The conversations that a day is counted from.
pub async fn threads(db: &Db, shop: ShopId, day: Period) -> Result<Vec<Thread>, StorageError> {
    let mut threads: HashMap<ConversationId, (Option<String>, Thread)> = HashMap::new();
    for row in fetch(db, shop, (THREADS, day)).await? {
        let thread = begin(&row)?;
        threads.insert(thread.conversation, (row.col("buyer_id")?, thread));
    }
    for row in fetch(db, shop, (SAID, Period { until_ms: day.until_ms + LATE_MS, ..day })).await? {
        let conversation: ConversationId = row.col("conversation_id")?;
        if let Some((_, thread)) = threads.get_mut(&conversation) {
            thread.said.push(Said {
                author: row.col("author")?,
                account: row.col("author_id")?,
                at_ms: row.col("created_at_ms")?,
                thumbs: row.col::<Option<i64>>("thumbs")?.map(|thumbs| thumbs != 0),
            });
        }
    }
    for row in fetch(db, shop, (TURNS, day)).await? {
        if let Some((_, thread)) = threads.get_mut(&row.col("conversation_id")?) {
            add_turn(thread, &row)?;
        }
    }
    let mut bought: BTreeMap<String, Vec<Bought>> = BTreeMap::new();
    for row in fetch(db, shop, (ORDERS, day)).await? {
        let order: Order = row.json("body")?;
        bought.entry(row.col("buyer_id")?).or_default().extend(Bought::of(&order));
    }
    let finish = |(buyer, thread): (Option<String>, Thread)| {
        let bought = buyer.and_then(|buyer| bought.get(&buyer)).cloned().unwrap_or_default();
        Thread { bought, ..thread }
    };
    let mut threads: Vec<Thread> = threads.into_values().map(finish).collect();
    threads.sort_by_key(|thread| thread.conversation);
    Ok(threads)
}

async fn fetch(db: &Db, shop: ShopId, (sql, period): (&'static str, Period)) -> Result<Vec<AnyRow>, StorageError> {
    let rows = sqlx::query(sql).bind(shop).bind(period.from_ms).bind(period.until_ms).fetch_all(&db.readers).await?;
    Ok(rows)
}

fn begin(row: &AnyRow) -> Result<Thread, StorageError> {
    Ok(Thread {
        conversation: row.col("id")?,
        simulated: row.col::<Option<Simulated>>("simulated")?,
        topic: String::new(),
        is_named: row.col::<Option<&str>>("buyer_id")?.is_some(),
        said: vec![],
        next_ms: row.col("next_ms")?,
        bought: vec![],
        sent: AutoSent::default(),
        drafts: DraftUse::default(),
    })
}

fn add_turn(thread: &mut Thread, row: &AnyRow) -> Result<(), StorageError> {
    if thread.topic.is_empty() {
        thread.topic = row.col("topic")?;
    }
    if row.col::<Option<&str>>("decision")? == Some("auto_send") {
        let outcome: Option<Outcome> = row.col("outcome")?;
        thread.sent.n_sent += 1;
        thread.sent.n_judged += u32::from(outcome.is_some());
        thread.sent.n_wrong += u32::from(outcome.is_some_and(Outcome::is_loss));
        return Ok(());
    }
    let texts = (row.col::<Option<&str>>("draft")?, row.col::<Option<&str>>("final_text")?);
    match (row.col::<Option<Verdict>>("verdict")?, texts) {
        (Some(Verdict::Accepted), _) => thread.drafts.n_as_is += 1,
        (Some(Verdict::Edited), (Some(draft), Some(sent))) => thread.drafts.edited(draft, sent),
        // Nobody knows any more how much was changed.
        (Some(Verdict::Edited), _) => thread.drafts.n_heavy += 1,
        (Some(Verdict::Rejected), _) => thread.drafts.n_rejected += 1,
        (None, _) => {}
    }
    Ok(())
}

/// A day as it was counted, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptDay {
    /// Its first millisecond.
    pub day_ms: i64,
    /// What it came to.
    pub tally: DayTally,
    /// When it was counted.
    pub made_at_ms: i64,
}

/// The days of a period that were counted.
pub async fn kept(db: &Db, shop: ShopId, period: Period) -> Result<Vec<KeptDay>, StorageError> {
    let rows = sqlx::query(
        "select day_ms, body, made_at_ms from figure_days where shop_id = $1 and day_ms >= $2 and day_ms < $3 \
         order by day_ms",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .fetch_all(&db.readers)
    .await?;
    let read = |row: &AnyRow| {
        Ok(KeptDay { day_ms: row.col("day_ms")?, tally: row.json("body")?, made_at_ms: row.col("made_at_ms")? })
    };
    rows.iter().map(read).collect()
}

/// Keeps what a day came to, in the place of what it came to before.
pub async fn keep(tx: &mut Tx, shop: ShopId, day_ms: i64, tally: &DayTally) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "insert into figure_days (shop_id, day_ms, body, made_at_ms) values ($1, $2, $3, $4) \
         on conflict (shop_id, day_ms) do update set body = excluded.body, made_at_ms = excluded.made_at_ms",
    )
    .bind(shop)
    .bind(day_ms)
    .bind(Json(tally))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What the shop has settled about its figures; the usual where it has settled nothing.
pub async fn rules(db: &Db, shop: ShopId) -> Result<FigureRules, StorageError> {
    let row =
        sqlx::query("select body from figure_rules where shop_id = $1").bind(shop).fetch_optional(&db.readers).await?;
    row.map_or_else(|| Ok(FigureRules::default()), |row| row.json("body"))
}

/// Settles it anew.
pub async fn set_rules(tx: &mut Tx, shop: ShopId, rules: &FigureRules) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "insert into figure_rules (shop_id, body, updated_at_ms) values ($1, $2, $3) \
         on conflict (shop_id) do update set body = excluded.body, updated_at_ms = excluded.updated_at_ms",
    )
    .bind(shop)
    .bind(Json(rules))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::conversations;
    use super::super::messages::{self, NewMessage};
    use super::super::testing::{self, START_MS, Scratch, scratches, shop};
    use super::super::turns::tests::{ask_one, auto_send, decide, decided_reply};
    use super::*;
    use crate::domain::calendar::DAY_MS;
    use crate::domain::conversation::Author;

    const DAY: Period = Period { from_ms: START_MS, until_ms: START_MS + DAY_MS };

    #[tokio::test]
    async fn a_day_is_counted_from_the_own_conversations_with_late_replies() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let sent = ask_one(&db, mine, "when is it shipped?").await;
            let version = decide(&db, mine, &sent, &auto_send()).await.unwrap();
            decided_reply(&db, mine, &sent, (version, Author::Assistant)).await.unwrap();
            clock.advance(DAY_MS + 5);
            let new = NewMessage {
                author: Author::Buyer,
                account: None,
                text: "and now?",
                citations: &[],
                turn: None,
                client_key: None,
            };
            let mut tx = db.begin().await.unwrap();
            messages::add(&mut tx, mine, sent.message.conversation, &new).await.unwrap();
            tx.commit().await.unwrap();
            let [thread] = threads(&db, mine, DAY).await.unwrap().try_into().unwrap();
            assert_eq!(thread.conversation, sent.message.conversation);
            assert_eq!(thread.next_ms, Some(START_MS + DAY_MS + 5));
            assert_eq!(thread.said.len(), 3, "what was said soon after the day is read, too");
            assert_eq!((thread.sent.n_sent, thread.is_named, thread.simulated), (1, false, None));
            assert_eq!(threads(&db, other, DAY).await.unwrap(), []);
            let mut tx = db.begin().await.unwrap();
            keep(&mut tx, mine, DAY.from_ms, &DayTally::default()).await.unwrap();
            keep(&mut tx, mine, DAY.from_ms, &DayTally::default()).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(kept(&db, mine, DAY).await.unwrap().len(), 1);
            assert_eq!(kept(&db, other, DAY).await.unwrap(), []);
        }
    }

    #[tokio::test]
    async fn nothing_of_a_simulated_conversation_becomes_a_label_or_a_proof() {
        use super::super::{labels, looks, ops};
        use crate::domain::ids::AccountId;
        use crate::domain::outcome::LabelSource;
        for Scratch { db, .. } in scratches().await {
            let mine = shop(&db).await;
            let thread = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            assert!(conversations::mark_simulated(&mut tx, mine, thread, Simulated::Scripted).await.unwrap());
            let question =
                super::super::turns::NewQuestion { text: "?", client_key: None, lang: crate::domain::text::Lang::En };
            let asked = super::super::turns::ask(&mut tx, mine, thread, &question).await.unwrap().unwrap();
            assert!(!conversations::mark_simulated(&mut tx, mine, thread, Simulated::Model).await.unwrap(), "too late");
            tx.commit().await.unwrap();
            decide(&db, mine, &asked, &auto_send()).await.unwrap();
            let (turn, account) = (asked.turn, AccountId(uuid::Uuid::from_u128(3)));
            let source = LabelSource::Review;
            let label = labels::NewLabel { turn, account, outcome: Outcome::Accept, source, propensity: 1.0 };
            let look = looks::NewLook { turn, source: LabelSource::Audit, propensity: 1.0, not_by: None };
            let mut tx = db.begin().await.unwrap();
            assert_eq!(labels::insert(&mut tx, mine, &label).await.unwrap(), None);
            assert!(!looks::queue(&mut tx, mine, &look).await.unwrap());
            tx.commit().await.unwrap();
            let whole = Period { from_ms: 0, until_ms: i64::MAX };
            assert_eq!(ops::replay_rows(&db, mine, whole).await.unwrap().len(), 1, "people may look at it");
            assert_eq!(ops::proof_rows(&db, mine, whole).await.unwrap(), [], "no proof does");
        }
    }

    #[tokio::test]
    async fn a_day_is_found_by_its_time_and_not_by_reading_everything() {
        // Kept whole: its folder must outlive the pools.
        let scratch = testing::sqlite().await;
        let db = &scratch.db;
        for sql in [THREADS, SAID, TURNS, ORDERS] {
            let explained = format!("explain query plan {sql}");
            let rows = sqlx::query(sqlx::AssertSqlSafe(explained))
                .bind("shop")
                .bind(0i64)
                .bind(1i64)
                .fetch_all(&db.readers)
                .await
                .unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.col("detail").unwrap()).collect();
            let is_scan = |step: &&String| step.starts_with("SCAN ") && !step.contains("SUBQUERY");
            assert_eq!(steps.iter().find(is_scan), None, "{sql}\n{}", steps.join("\n"));
            assert!(steps.iter().any(|step| step.contains("created_at_ms>")), "{}", steps.join("\n"));
        }
    }
}
