//! What is over and goes by itself, and what stays until somebody takes it away. [`TABLES`] names every table there is;
//! a test holds it against the schema, so that none grows for ever unnoticed.
//!
//! # Why
//! A done job says nothing that its work does not say better, but the queue is claimed from the same table. What people
//! wrote, decided and proved is kept: a promise rests on it, and the audit log is a chain.

use serde::{Deserialize, Serialize};

use super::audit::{NewAuditEntry, append};
use super::columns::Columns;
use super::{Db, StorageError, buyers};
use crate::domain::calendar::{DAY_MS, HOUR_MS};
use crate::domain::ids::{ConversationId, ShopId};

/// Rows that one transaction takes away: the only writer of SQLite is not held for long.
const BATCH: i64 = 500;
/// Threads that one transaction takes away, each with all that hangs on it.
const THREADS: i64 = 20;
/// Wrong guesses count for a day.
const GUESSES_MS: i64 = 2 * 24 * HOUR_MS;

/// How long what is over is kept, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Work that was done.
    pub done_jobs_days: u32,
    /// Work that was given up: somebody may ask why.
    pub dead_jobs_days: u32,
    /// Keys of scripts that have ended.
    pub ended_keys_days: u32,
    /// Sheets of records that were read in, with their refused rows.
    pub imports_days: u32,
    /// What was told of orders, and by whom; events are known again by their ids for as long.
    pub order_events_days: u32,
    /// What named buyers looked at.
    pub views_days: u32,
    /// Threads of buyers in which nothing was said since, with all that hangs on them. 0: until they are deleted.
    pub conversations_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            done_jobs_days: 30,
            dead_jobs_days: 180,
            ended_keys_days: 90,
            imports_days: 180,
            order_events_days: 400,
            views_days: 90,
            conversations_days: 0,
        }
    }
}

impl Retention {
    /// A proof is in force for 30 days and is watched with what was reviewed before it: those labels go with the threads.
    pub const MIN_CONVERSATIONS_DAYS: u32 = 60;

    /// The setting that is too small, if one is: an event may be sent again for minutes, and people look for days.
    pub fn too_small(&self) -> Option<&'static str> {
        let least_one = [
            ("retention.done_jobs_days", self.done_jobs_days),
            ("retention.dead_jobs_days", self.dead_jobs_days),
            ("retention.ended_keys_days", self.ended_keys_days),
            ("retention.imports_days", self.imports_days),
            ("retention.order_events_days", self.order_events_days),
            ("retention.views_days", self.views_days),
        ];
        least_one.into_iter().find(|(_, days)| *days == 0).map(|(key, _)| key)
    }
}

/// How long a kind of row is kept, and the statement that takes it away.
type Term = (fn(&Retention) -> i64, &'static str);

/// When rows of a table go.
enum Keep {
    /// With what they belong to, or when a person takes them away: the reason stands beside each.
    Kept,
    /// When they are older than this. A statement takes away at most `$2` rows from before `$1`.
    For(&'static [Term]),
    /// With a thread that is older than the shop wants, by [`forget_threads`]; or when a person takes them away.
    AsThreads,
}
use Keep::{AsThreads, For, Kept};

fn days(days: u32) -> i64 {
    i64::from(days) * DAY_MS
}

/// Every table, and when its rows go.
const TABLES: &[(&str, Keep)] = &[
    ("accounts", Kept), // locked, never deleted: what they did keeps their name
    ("agents", Kept),   // one an account
    (
        "api_tokens",
        For(&[(
            |keep| days(keep.ended_keys_days),
            "delete from api_tokens where id in (select id from api_tokens where expires_at_ms < $1 limit $2)",
        )]),
    ),
    ("audit_heads", Kept),       // one a shop
    ("audit_log", Kept),         // a chain that lacks its beginning proves nothing
    ("bases", Kept),             // with its turn
    ("bulk_messages", Kept),     // one row for each, without its words
    ("buyer_keys", Kept),        // two a shop
    ("buyers", Kept),            // until the buyer is forgotten
    ("canned_replies", Kept),    // until somebody removes it
    ("certificates", Kept),      // what was promised, and on what evidence
    ("chunks", Kept),            // with its revision
    ("commitment_days", Kept),   // one a day: how it ended
    ("commitment_rules", Kept),  // one a shop
    ("commitments", Kept),       // with its thread
    ("conversation_tags", Kept), // with its thread
    ("conversations", AsThreads),
    ("documents", Kept),         // until staff remove it
    ("embeddings", Kept),        // with its chunk
    ("feedback", Kept),          // with its turn
    ("figure_days", Kept),       // one a day: what it came to
    ("figure_rules", Kept),      // one a shop
    ("golden_answers", Kept),    // one small row, for the highest version
    ("golden_embeddings", Kept), // with its golden answer
    ("golden_phrasings", Kept),  // with its golden answer
    ("handovers", Kept),         // one a shift, without a buyer's words
    (
        "imports",
        For(&[(
            |keep| days(keep.imports_days),
            "delete from imports where id in (select id from imports where state <> 'queued' \
             and finished_at_ms < $1 limit $2)",
        )]),
    ),
    ("inbox_rules", Kept), // one a shop
    ("inbox_views", Kept), // until its agent removes it
    (
        "jobs",
        For(&[
            (
                |keep| days(keep.done_jobs_days),
                "delete from jobs where id in (select id from jobs where state = 'done' and finished_at_ms < $1 limit $2)",
            ),
            (
                |keep| days(keep.dead_jobs_days),
                "delete from jobs where id in (select id from jobs where state = 'dead' and finished_at_ms < $1 limit $2)",
            ),
        ]),
    ),
    ("labels", Kept), // with its turn: promises rest on it
    ("looks", Kept),  // with its turn
    ("messages", AsThreads),
    (
        "order_events",
        For(&[(
            |keep| days(keep.order_events_days),
            "delete from order_events where id in (select id from order_events where received_at_ms < $1 limit $2)",
        )]),
    ),
    ("order_filters", Kept), // until its person removes it
    (
        "order_lookups",
        For(&[(
            |_| GUESSES_MS,
            "delete from order_lookups where id in (select id from order_lookups where tried_at_ms < $1 limit $2)",
        )]),
    ),
    ("order_mappings", Kept), // one a platform
    ("orders", Kept),         // the shop's books; who bought is forgotten with the buyer
    (
        "password_tokens",
        For(&[(
            |_| 0,
            "delete from password_tokens where token_hash in \
             (select token_hash from password_tokens where expires_at_ms <= $1 limit $2)",
        )]),
    ),
    ("policies", Kept), // every decision names one
    (
        "product_views",
        For(&[(
            |keep| days(keep.views_days),
            "delete from product_views where (shop_id, buyer_id, sku) in \
             (select shop_id, buyer_id, sku from product_views where viewed_at_ms < $1 limit $2)",
        )]),
    ),
    ("products", Kept),        // one for each thing that is sold
    ("promise_checks", Kept),  // one a night: why a promise held, or no longer did
    ("promise_signals", Kept), // one for each proof
    ("promise_tries", Kept),   // their number is part of a proof
    ("reasked", Kept),         // with its turn: a proof after a change rests on it
    ("record_rules", Kept),    // one a shop
    ("recovery_codes", Kept),  // ten an account
    ("rehearsals", Kept),      // labels of a rehearsal are evidence
    ("rehearsed", Kept),       // with its rehearsal
    ("revisions", Kept),       // with its document: replies cite them
    ("secret_keys", Kept),     // one for each key in use
    (
        "sessions",
        For(&[(
            |_| 0,
            "delete from sessions where token_hash in (select token_hash from sessions \
             where expires_at_ms <= $1 or seen_at_ms + idle_ms <= $1 limit $2)",
        )]),
    ),
    ("shifts", Kept), // until somebody removes it
    ("shops", Kept),  // few
    ("tasks", AsThreads),
    ("transfers", Kept), // with its thread
    ("turns", AsThreads),
    ("widgets", Kept), // until ops remove it
];

/// Rows that went, and from where.
pub type Gone = Vec<(&'static str, u64)>;

/// Takes away what is over, in transactions of a few rows. Stopping in between, or two at once, is harmless.
pub async fn sweep(db: &Db, keep: &Retention) -> Result<Gone, StorageError> {
    let mut gone = Gone::new();
    for (table, rule) in TABLES {
        let For(statements) = rule else { continue };
        for (age_ms, sql) in *statements {
            let n_rows = delete_before(db, sql, db.now_ms().saturating_sub(age_ms(keep))).await?;
            if n_rows > 0 {
                gone.push((table, n_rows));
            }
        }
    }
    if keep.conversations_days > 0 {
        let n_threads = forget_threads(db, db.now_ms().saturating_sub(days(keep.conversations_days))).await?;
        if n_threads > 0 {
            gone.push(("conversations", n_threads));
        }
    }
    Ok(gone)
}

async fn delete_before(db: &Db, sql: &'static str, before_ms: i64) -> Result<u64, StorageError> {
    let mut n_rows = 0;
    loop {
        let done = sqlx::query(sql).bind(before_ms).bind(BATCH).execute(&db.writer).await?.rows_affected();
        n_rows += done;
        if i64::try_from(done).unwrap_or(i64::MAX) < BATCH {
            return Ok(n_rows);
        }
    }
}

/// Forgets old threads as ops would forget their buyers, and says so in each shop's log.
async fn forget_threads(db: &Db, before_ms: i64) -> Result<u64, StorageError> {
    let mut n_threads = 0;
    loop {
        let old = old_threads(db, before_ms).await?;
        let Some(&(shop, _)) = old.first() else { break };
        let threads: Vec<ConversationId> = old.iter().filter(|one| one.0 == shop).map(|one| one.1).collect();
        let mut tx = db.begin().await?;
        let deleted = buyers::erase(&mut tx, shop, &threads).await?;
        let detail = serde_json::json!({ "deleted": deleted, "before_ms": before_ms });
        let entry = NewAuditEntry { account: None, action: "threads_expired", subject: "retention", detail: &detail };
        append(&mut tx, shop, &entry).await?;
        tx.commit().await?;
        n_threads += deleted.n_conversations;
        if deleted.n_conversations == 0 {
            break; // Somebody else was faster; the next round looks again.
        }
    }
    if n_threads > 0 {
        buyers::settle_log(db).await?;
    }
    Ok(n_threads)
}

/// Those in which somebody still has something to do are not over, however old they are.
async fn old_threads(db: &Db, before_ms: i64) -> Result<Vec<(ShopId, ConversationId)>, StorageError> {
    let rows = sqlx::query(
        "select c.shop_id, c.id from conversations c where c.kind in ('buyer', 'companion') and c.updated_at_ms < $1 \
         and not exists (select 1 from turns t where t.conversation_id = c.id \
         and t.state in ('asked', 'review', 'escalated', 'rejected')) \
         and not exists (select 1 from tasks k where k.conversation_id = c.id and k.state in ('open', 'doing')) \
         and not exists (select 1 from commitments m where m.conversation_id = c.id and m.state = 'open') \
         order by c.shop_id, c.id limit $2",
    )
    .bind(before_ms)
    .bind(THREADS)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(|row| Ok((row.col("shop_id")?, row.col("id")?))).collect()
}

#[cfg(test)]
mod tests;
