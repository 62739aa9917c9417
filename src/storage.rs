//! SQL is the truth: everything that must survive a restart is a row.
//!
//! Reading order: [`Db`] and [`Tx`] here, then one file a noun. Reads take a `&Db` and see what is committed; writes
//! take a `&mut Tx` and become visible together, at [`Tx::commit`]. Whatever a shop owns is asked for with its
//! [`ShopId`](crate::domain::ids::ShopId) as the first argument after that, and no query crosses from one to another.
//! A row that is not there is `None`, or `false` from an update; the caller decides what that means.
//!
//! # Why
//!
//! **`sqlx::Any` and not a macro over two pools.** The house rules first asked for `on_db!`, which expands every
//! expression once for each driver. With `Any` each statement is one text and one piece of Rust, and the promises are
//! tested on both engines instead of type-checked for both. The price is a small common ground, and we stay on it:
//! 64-bit integers, doubles, texts, bytes and NULL (see `columns`), placeholders `$1` …, `returning`, partial indexes.
//! Where the engines differ (the job claim, the opening of a transaction) there is a `match` on [`Dialect`].
//! Three traps of the `Any` driver in sqlx 0.9 shape the code:
//! - `Option::<f64>::None` is announced to Postgres as a 32-bit float, which poisons the prepared statement for the
//!   next double. No statement binds an optional double; a missing one is a column left out.
//! - `QueryBuilder` writes `?`, which Postgres does not know. Lists of placeholders are written by `placeholders`.
//! - `sum` and `avg` are `numeric` in Postgres, which `Any` cannot read. Sums are counted with `count(*) filter`, or
//!   in Rust.
//!
//! **One writer connection on SQLite.** SQLite has one writer at a time anyway. A pool of one queues fairly inside the
//! process, where a busy loop would starve somebody; `begin immediate` and a busy timeout settle it with other
//! processes, such as a command line next to the server.

pub mod accounts;
pub mod agents;
pub mod api_tokens;
pub mod assignments;
pub mod audit;
pub mod bases;
pub mod bulk;
pub mod buyers;
pub mod canned;
pub mod certificates;
pub mod check;
pub mod chunks;
mod columns;
pub mod commitments;
pub mod companion;
pub mod conversations;
pub mod documents;
pub mod epochs;
mod error;
pub mod feedback;
pub mod files;
pub mod golden;
pub mod handovers;
pub mod imports;
pub mod inbox;
pub mod inbox_rules;
pub mod inbox_views;
pub mod indexing;
pub mod jobs;
pub mod labels;
pub mod looks;
pub mod lookups;
pub mod mappings;
pub mod messages;
pub mod ops;
pub mod order_filters;
pub mod orders;
pub mod policies;
pub mod presence;
pub mod products;
pub mod promise_checks;
pub mod promise_signals;
pub mod promise_tries;
pub mod quarantine;
pub mod reasked;
pub mod rehearsals;
pub mod retention;
pub mod revisions;
pub mod room;
pub mod rules;
mod schema;
pub mod seal;
pub mod second_factor;
pub mod secrets;
pub mod sessions;
pub mod shifts;
pub mod shops;
pub mod snapshot;
pub mod tags;
pub mod tallies;
pub mod tasks;
#[cfg(test)]
mod testing;
pub mod turns;
pub mod uploads;
#[cfg(test)]
mod walls;
pub mod widgets;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyConnection, AnyPool, Connection};
use uuid::Uuid;

use crate::clock::{SharedClock, new_uuid};
pub use error::StorageError;

/// Readers on SQLite: a few, since each is a thread and reads are short.
const SQLITE_READERS: u32 = 4;
/// Connections to Postgres, for reads and writes.
const POSTGRES_CONNECTIONS: u32 = 10;
/// How long a caller waits for a connection before it is told [`StorageError::Busy`].
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// What every SQLite connection is told first. `synchronous = full` in WAL means that a commit that returned is on
/// the disk, also after a power cut.
const SQLITE_PRAGMAS: [&str; 5] = [
    "pragma journal_mode = wal",
    // What is deleted is overwritten: to forget a buyer means that no byte is left.
    "pragma secure_delete = on",
    "pragma synchronous = full",
    "pragma foreign_keys = on",
    "pragma busy_timeout = 5000",
];

/// Which SQL we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A file of our own.
    Sqlite,
    /// A server.
    Postgres,
}

/// The database. Cloning gives another handle to the same pools.
#[derive(Clone)]
pub struct Db {
    readers: AnyPool,
    writer: AnyPool,
    dialect: Dialect,
    clock: SharedClock,
    /// None of them until [`Db::unlock`]: secrets can be neither written nor read before.
    keys: Arc<seal::Keyring>,
}

impl Db {
    /// Opens `sqlite:PATH` (made if it is not there, with its folder) or `postgres://…`, and brings the schema up to
    /// date. Refuses a database that a newer version of us has changed.
    pub async fn open(url: &str, clock: SharedClock) -> Result<Self, StorageError> {
        sqlx::any::install_default_drivers();
        let db = match url.split_once(':') {
            Some(("sqlite", rest)) => Self::open_sqlite(rest, clock).await?,
            Some(("postgres" | "postgresql", _)) => Self::open_postgres(url, clock).await?,
            _ => return Err(StorageError::BadUrl { reason: "it begins with neither `sqlite:` nor `postgres:`" }),
        };
        schema::migrate(&db.writer, db.dialect).await?;
        Ok(db)
    }

    async fn open_sqlite(rest: &str, clock: SharedClock) -> Result<Self, StorageError> {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.contains(":memory:") || path.contains('?') {
            return Err(StorageError::BadUrl { reason: "`sqlite:` is followed by the path of a file, nothing else" });
        }
        if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|source| not_reached(sqlx::Error::Io(source)))?;
        }
        // A damaged file must not be written to: what can still be read of it may be needed.
        if Path::new(path).is_file() {
            snapshot::check_file(Path::new(path)).await?;
        }
        let url = format!("{}?mode=rwc", sqlite_url(path));
        let writer = sqlite_pool(1, false).connect(&url).await.map_err(not_reached)?;
        let readers = sqlite_pool(SQLITE_READERS, true).connect(&url).await.map_err(not_reached)?;
        Ok(Self { readers, writer, dialect: Dialect::Sqlite, clock, keys: Arc::default() })
    }

    async fn open_postgres(url: &str, clock: SharedClock) -> Result<Self, StorageError> {
        let options = AnyPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
        let pool = options.connect(url).await.map_err(not_reached)?;
        Ok(Self { readers: pool.clone(), writer: pool, dialect: Dialect::Postgres, clock, keys: Arc::default() })
    }

    /// Which SQL it speaks: one process owns a SQLite file, many may share a Postgres.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Milliseconds since 1970, by the clock that stamps the rows.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Starts a unit of work. Dropping it without [`Tx::commit`] undoes it.
    ///
    /// **Blocking**: on SQLite it waits its turn for the one writer. Keep models, files and the network out of it, and
    /// whatever else takes the writer: a second `begin`, `jobs::claim`, `jobs::renew` and `sessions::lookup` would wait
    /// for this one in vain.
    pub async fn begin(&self) -> Result<Tx, StorageError> {
        let inner = match self.dialect {
            // Taken at once: a transaction that reads first and writes later would fail when another process wrote
            // in between.
            Dialect::Sqlite => self.writer.begin_with("begin immediate").await?,
            Dialect::Postgres => self.writer.begin().await?,
        };
        Ok(Tx { inner, dialect: self.dialect, clock: self.clock.clone(), keys: self.keys.clone() })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query("select 1 as one").fetch_one(&self.readers).await?;
        Ok(())
    }

    /// Waits for the connections in use, then closes all; SQLite folds its log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Whatever goes wrong while connecting, a wrong password and a timeout too: there is no database yet. But a damaged
/// file is one, also if it is so damaged that it cannot be opened.
fn not_reached(source: sqlx::Error) -> StorageError {
    if error::is_corrupt(&source) { source.into() } else { StorageError::Unavailable { source } }
}

fn sqlite_url(path: &str) -> String {
    format!("sqlite:{}", path.replace('%', "%25").replace('#', "%23"))
}

fn sqlite_pool(size: u32, read_only: bool) -> sqlx::pool::PoolOptions<Any> {
    AnyPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for pragma in SQLITE_PRAGMAS {
                    sqlx::query(pragma).execute(&mut *connection).await?;
                }
                if read_only {
                    sqlx::query("pragma query_only = on").execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .after_release(|connection, _| {
            Box::pin(async move {
                // SQLite ends a transaction by itself when the disk is full, and the driver does not notice: it would
                // refuse to begin another one on this connection for ever. The ping lets a rollback under way pass.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
}

/// A unit of work: all of it happens, or none.
pub struct Tx {
    inner: sqlx::Transaction<'static, Any>,
    dialect: Dialect,
    clock: SharedClock,
    keys: Arc<seal::Keyring>,
}

impl Tx {
    /// Makes it all visible and durable at once.
    pub async fn commit(self) -> Result<(), StorageError> {
        Ok(self.inner.commit().await?)
    }

    /// Milliseconds since 1970, by the clock that stamps the rows.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn connection(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }

    fn new_id(&self) -> Uuid {
        new_uuid(self.clock.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Scratch, scratches};
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::fault::Fault;

    #[tokio::test]
    async fn what_is_not_committed_never_happened() {
        for Scratch { db, .. } in scratches().await {
            let mut tx = db.begin().await.unwrap();
            shops::create(&mut tx, "gone", crate::domain::text::Lang::En).await.unwrap();
            drop(tx);
            assert_eq!(shops::list(&db).await.unwrap(), []);
        }
    }

    #[tokio::test]
    async fn a_committed_row_is_there_after_reopening_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/a folder/ke#fu%20.db", folder.path().display());
        let clock = Arc::new(ManualClock::at(1));
        let db = Db::open(&url, clock.clone()).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let shop = shops::create(&mut tx, "kept", crate::domain::text::Lang::Zh).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
        let db = Db::open(&url, clock).await.unwrap();
        assert_eq!(shops::list(&db).await.unwrap(), [shop]);
        assert!(folder.path().join("a folder/ke#fu%20.db").exists());
    }

    #[tokio::test]
    async fn after_a_crash_what_was_committed_is_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let open = async |name: &str| {
            let url = format!("sqlite:{}", file(name).display());
            Db::open(&url, Arc::new(ManualClock::at(1))).await.unwrap()
        };
        let db = open("kefu.db").await;
        let mut tx = db.begin().await.unwrap();
        let kept = shops::create(&mut tx, "kept", crate::domain::text::Lang::Zh).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        shops::create(&mut tx, "unfinished", crate::domain::text::Lang::Zh).await.unwrap();
        // What the disk holds at this moment is what a killed process leaves behind.
        std::fs::copy(file("kefu.db"), file("left.db")).unwrap();
        std::fs::copy(file("kefu.db-wal"), file("left.db-wal")).unwrap();
        assert_eq!(shops::list(&open("left.db").await).await.unwrap(), [kept]);
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_said_to_be_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let url = format!("sqlite:{}/file/kefu.db", folder.path().display());
        let error = Db::open(&url, Arc::new(ManualClock::at(1))).await.err().unwrap();
        assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
        assert_eq!(error.fault(), Fault::Transient);
    }

    #[tokio::test]
    async fn the_pragmas_hold_on_writer_and_readers() {
        // Kept whole: its folder must outlive the pools.
        let scratch = testing::sqlite().await;
        let db = &scratch.db;
        for pool in [&db.writer, &db.readers] {
            for (pragma, want) in [("pragma synchronous", 2i64), ("pragma foreign_keys", 1)] {
                let got: i64 = sqlx::query_scalar(pragma).fetch_one(pool).await.unwrap();
                assert_eq!(got, want, "{pragma}");
            }
            let journal: String = sqlx::query_scalar("pragma journal_mode").fetch_one(pool).await.unwrap();
            assert_eq!(journal, "wal");
        }
        let refused = sqlx::query("delete from shops").execute(&db.readers).await;
        assert!(refused.is_err(), "a reader must not write");
    }

    #[tokio::test]
    async fn values_come_back_as_they_went_in() {
        for Scratch { db, .. } in scratches().await {
            let mut tx = db.begin().await.unwrap();
            sqlx::query("create table any_types (n bigint, x double precision, s text, b text)")
                .execute(tx.connection())
                .await
                .unwrap();
            let insert = "insert into any_types (n, x, s) values ($1, $2, $3) returning n, x, s, b";
            for (n, x, s) in [(None, 0.1f64, Some("呢")), (Some(i64::MAX), 2.0, None), (Some(i64::MIN), -0.0, Some(""))]
            {
                let row = sqlx::query(insert).bind(n).bind(x).bind(s).fetch_one(tx.connection()).await.unwrap();
                use sqlx::Row;
                assert_eq!(row.try_get::<Option<i64>, _>("n").unwrap(), n);
                assert_eq!(row.try_get::<Option<f64>, _>("x").unwrap(), Some(x));
                assert_eq!(row.try_get::<Option<String>, _>("s").unwrap().as_deref(), s);
                assert_eq!(row.try_get::<Option<String>, _>("b").unwrap(), None);
            }
        }
    }

    #[tokio::test]
    async fn a_wrong_url_is_the_callers_fault() {
        let clock: SharedClock = Arc::new(ManualClock::at(1));
        for url in ["mysql://x", "", "sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro"] {
            let error = Db::open(url, clock.clone()).await.err().unwrap();
            assert_eq!(error.fault(), Fault::Caller, "{url}");
        }
    }
}
