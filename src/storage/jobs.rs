//! Jobs: slow work as rows. A job is enqueued in the transaction that makes it necessary, claimed by one worker under a
//! lease, and settled only by whoever still holds that lease.
//!
//! **Order**: within a lane, the shop with the fewest running jobs goes first, then the one whose last job was finished
//! longest ago: a shop that uploads a hundred files does not hold up one that uploads one.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, Dialect, StorageError, Tx};
use crate::domain::ids::{JobId, ShopId};
use crate::domain::job::JobKind;
pub use crate::domain::job::Lane;

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waits for its time and for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Done.
    Done,
    /// Given up.
    Dead,
}

/// A job under lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    /// Identity.
    pub id: JobId,
    /// For whom.
    pub shop: ShopId,
    /// What is to be done.
    pub kind: JobKind,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// How many tries it gets.
    pub max_attempts: u32,
    /// Proves that the job is still ours: another claim has another token.
    pub lease_token: String,
}

/// A job that was given up because its workers died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadJob {
    /// Identity.
    pub id: JobId,
    /// For whom.
    pub shop: ShopId,
    /// What was to be done.
    pub kind: JobKind,
}

/// What became of a job whose attempt did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It will be tried again.
    Queued,
    /// That was its last attempt.
    Dead,
    /// Somebody else holds it by now: nothing was written.
    LeaseLost,
}

/// How many jobs there are of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCount {
    /// In which lane.
    pub lane: Lane,
    /// In which state.
    pub state: JobState,
    /// So many.
    pub n_jobs: u32,
    /// The earliest of them was to run at.
    pub oldest_run_at_ms: i64,
}

/// No job is put off for longer. One that seems to be was put off before the clock was set back, and is due; so is one
/// that was to run when it was made. Otherwise a buyer would wait for as long as the clock was wrong.
const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;

/// A person waits for an answer, so it is given up early and a person takes the turn; a document waits out an outage.
fn max_attempts(kind: &JobKind) -> u32 {
    match kind {
        JobKind::AnswerTurn { .. } => 3,
        JobKind::IngestRevision { .. } | JobKind::ImportRecords { .. } | JobKind::ReadRehearsal { .. } => 5,
        // Nobody waits: it waits out a busy hour, and holds up the other questions for no longer than minutes.
        JobKind::AnswerRehearsed { .. } => 8,
        JobKind::RefreshDocument { .. }
        | JobKind::RemoveRevision { .. }
        | JobKind::EmbedGolden { .. }
        | JobKind::CheckPromises { .. }
        | JobKind::ReadSignals { .. }
        | JobKind::ReaskQuestions { .. }
        | JobKind::MindCommitments { .. }
        | JobKind::HandOver { .. }
        | JobKind::RemoveDocument { .. } => 20,
    }
}

/// Queues a job; `None` if one with the same key is not finished yet, which will do.
pub async fn enqueue(
    tx: &mut Tx,
    shop: ShopId,
    kind: JobKind,
    lane: Lane,
    run_at_ms: i64,
) -> Result<Option<JobId>, StorageError> {
    let (id, now_ms) = (JobId(tx.new_id()), tx.now_ms());
    let done = sqlx::query(
        "insert into jobs (id, shop_id, kind, key, payload, lane, state, max_attempts, run_at_ms, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         on conflict (key) where state in ('queued', 'running') do nothing",
    )
    .bind(id)
    .bind(shop)
    .bind(kind.name())
    .bind(kind.key())
    .bind(Json(kind))
    .bind(lane)
    .bind(JobState::Queued)
    .bind(i64::from(max_attempts(&kind)))
    .bind(run_at_ms)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

/// The claim, with what keeps two workers from the same row: nothing on SQLite, which has one writer.
macro_rules! claim_sql {
    ($lock:literal) => {
        concat!(
            "update jobs set state = 'running', attempt = attempt + 1, lease_token = $3, lease_until_ms = $4 ",
            "where id = (select j.id from jobs j ",
            "where j.state = 'queued' and j.lane = $1 ",
            "and (j.run_at_ms <= $2 or j.run_at_ms <= j.created_at_ms or j.run_at_ms > $5) order by ",
            "(select count(*) from jobs r where r.state = 'running' and r.lane = $1 and r.shop_id = j.shop_id), ",
            "coalesce((select max(f.finished_at_ms) from jobs f where f.shop_id = j.shop_id and f.lane = $1), 0), ",
            "j.run_at_ms, j.id limit 1",
            $lock,
            ") returning id, shop_id, payload, attempt, max_attempts"
        )
    };
}

/// Takes the next job whose time has come, for `lease_ms`. `worker` names the process: it is how its leases are found
/// after a crash.
pub async fn claim(db: &Db, lane: Lane, worker: &str, lease_ms: i64) -> Result<Option<ClaimedJob>, StorageError> {
    let sql = match db.dialect {
        Dialect::Sqlite => claim_sql!(""),
        Dialect::Postgres => claim_sql!(" for update of j skip locked"),
    };
    let now_ms = db.now_ms();
    let lease_token = format!("{worker}/{}", crate::clock::new_uuid(db.clock.as_ref()));
    let row = sqlx::query(sql)
        .bind(lane)
        .bind(now_ms)
        .bind(&lease_token)
        .bind(now_ms.saturating_add(lease_ms))
        .bind(now_ms.saturating_add(MAX_AHEAD_MS))
        .fetch_optional(&db.writer)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(ClaimedJob {
        id: row.col("id")?,
        shop: row.col("shop_id")?,
        kind: row.json("payload")?,
        attempt: row.number("attempt")?,
        max_attempts: row.number("max_attempts")?,
        lease_token,
    }))
}

/// Holds the job for `lease_ms` from now; `false` if somebody else holds it by now: stop working on it.
pub async fn renew(db: &Db, job: &ClaimedJob, lease_ms: i64) -> Result<bool, StorageError> {
    let done =
        sqlx::query("update jobs set lease_until_ms = $3 where id = $1 and lease_token = $2 and state = 'running'")
            .bind(job.id)
            .bind(&job.lease_token)
            .bind(db.now_ms().saturating_add(lease_ms))
            .execute(&db.writer)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Settles a job as done. `false` if the lease was lost: roll back, another worker does the same work.
pub async fn finish(tx: &mut Tx, job: &ClaimedJob) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update jobs set state = 'done', finished_at_ms = $3, error = null, lease_token = null, \
         lease_until_ms = null where id = $1 and lease_token = $2 and state = 'running'",
    )
    .bind(job.id)
    .bind(&job.lease_token)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts a job back until `run_at_ms`, or gives it up if that was its last attempt.
pub async fn retry_later(tx: &mut Tx, job: &ClaimedJob, run_at_ms: i64, error: &str) -> Result<Settled, StorageError> {
    if job.attempt >= job.max_attempts {
        return fail(tx, job, error).await;
    }
    let done = sqlx::query(
        "update jobs set state = 'queued', run_at_ms = $3, error = $4, lease_token = null, lease_until_ms = null \
         where id = $1 and lease_token = $2 and state = 'running'",
    )
    .bind(job.id)
    .bind(&job.lease_token)
    .bind(run_at_ms)
    .bind(error)
    .execute(tx.connection())
    .await?;
    Ok(if done.rows_affected() == 1 { Settled::Queued } else { Settled::LeaseLost })
}

/// Gives a job up.
pub async fn fail(tx: &mut Tx, job: &ClaimedJob, error: &str) -> Result<Settled, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update jobs set state = 'dead', finished_at_ms = $3, error = $4, lease_token = null, lease_until_ms = null \
         where id = $1 and lease_token = $2 and state = 'running'",
    )
    .bind(job.id)
    .bind(&job.lease_token)
    .bind(now_ms)
    .bind(error)
    .execute(tx.connection())
    .await?;
    Ok(if done.rows_affected() == 1 { Settled::Dead } else { Settled::LeaseLost })
}

/// Gives back a job until `run_at_ms`, as if it had never been claimed: nothing was done about it, and that was not its
/// fault.
pub async fn unclaim(tx: &mut Tx, job: &ClaimedJob, run_at_ms: i64) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update jobs set state = 'queued', attempt = attempt - 1, run_at_ms = $3, lease_token = null, \
         lease_until_ms = null where id = $1 and lease_token = $2 and state = 'running'",
    )
    .bind(job.id)
    .bind(&job.lease_token)
    .bind(run_at_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Queues the jobs whose lease ran out, and gives up those that had all their attempts: a job that kills its worker
/// must not do so forever. Returns what was given up, for somebody to say so.
pub async fn requeue_expired(tx: &mut Tx) -> Result<Vec<DeadJob>, StorageError> {
    let now_ms = tx.now_ms();
    let dead = sqlx::query(
        "update jobs set state = 'dead', finished_at_ms = $1, error = 'its worker died', lease_token = null, \
         lease_until_ms = null where state = 'running' and lease_until_ms <= $1 and attempt >= max_attempts \
         returning id, shop_id, payload",
    )
    .bind(now_ms)
    .fetch_all(tx.connection())
    .await?;
    sqlx::query(
        "update jobs set state = 'queued', run_at_ms = $1, error = 'its worker died', lease_token = null, \
         lease_until_ms = null where state = 'running' and lease_until_ms <= $1",
    )
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    dead.iter().map(read_dead).collect()
}

/// Lets the leases that a former process of this name left behind run out now; says how many. For the start, before
/// the first claim; [`requeue_expired`] then does the rest.
pub async fn expire_leases_of(tx: &mut Tx, worker: &str) -> Result<u64, StorageError> {
    let now_ms = tx.now_ms();
    let done = sqlx::query(
        "update jobs set lease_until_ms = $1 where state = 'running' and lease_until_ms > $1 \
         and substr(lease_token, 1, length($2)) = $2",
    )
    .bind(now_ms)
    .bind(format!("{worker}/"))
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// How many jobs there are in each lane and state, of all shops.
pub async fn counts(db: &Db) -> Result<Vec<JobCount>, StorageError> {
    let rows = sqlx::query(
        "select lane, state, count(*) as n, min(run_at_ms) as oldest from jobs group by lane, state \
         order by lane, state",
    )
    .fetch_all(&db.readers)
    .await?;
    let read = |row: &AnyRow| {
        Ok(JobCount {
            lane: row.col("lane")?,
            state: row.col("state")?,
            n_jobs: row.number("n")?,
            oldest_run_at_ms: row.col("oldest")?,
        })
    };
    rows.iter().map(read).collect()
}

/// When the next job of the lane is due; `None` if none waits.
pub async fn next_run_at_ms(db: &Db, lane: Lane) -> Result<Option<i64>, StorageError> {
    let row = sqlx::query("select min(run_at_ms) as due from jobs where state = 'queued' and lane = $1")
        .bind(lane)
        .fetch_one(&db.readers)
        .await?;
    row.col("due")
}

fn read_dead(row: &AnyRow) -> Result<DeadJob, StorageError> {
    Ok(DeadJob { id: row.col("id")?, shop: row.col("shop_id")?, kind: row.json("payload")? })
}

#[cfg(test)]
mod tests;
