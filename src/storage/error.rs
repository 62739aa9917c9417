//! What can go wrong with the database, and whose fault it is.

use sqlx::error::{DatabaseError, ErrorKind};

use crate::domain::fault::Fault;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Something that exists once exists already. The name is that of the index, see [`StorageError::conflicts_with`].
    #[error("`{constraint}` refuses a second one")]
    Conflict {
        /// What it is called.
        constraint: String,
    },
    /// A row that is referred to does not exist, or is still referred to.
    #[error("`{constraint}` refuses a reference to nothing")]
    Dangling {
        /// What the engine calls it.
        constraint: String,
    },
    /// Somebody else holds what is needed; the same work may succeed at once.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached, or its file cannot be opened.
    #[error("the database cannot be reached: {source}")]
    Unavailable {
        /// What the driver says.
        source: sqlx::Error,
    },
    /// The disk has no room left.
    #[error("the database has no room on its disk: {source}")]
    Full {
        /// What the driver says.
        source: sqlx::Error,
    },
    /// The file of the database is not as it was written.
    #[error("the database file is damaged: {reason}")]
    Corrupt {
        /// What the driver says.
        reason: String,
    },
    /// The schema was made by a newer version.
    #[error(
        "the database has migration {found}, this version knows {known}: it was used by a newer version; hint: run that version, or restore the backup from before it"
    )]
    NewerSchema {
        /// The migration we do not know.
        found: i64,
        /// The last one we know.
        known: i64,
    },
    /// A migration that ran is not the one we carry.
    #[error("migration {version} of the database is not the one this version carries")]
    ForeignSchema {
        /// Its version.
        version: i64,
    },
    /// A migration failed; the database is as before it.
    #[error("the schema could not be brought up to date: {source}")]
    Migration {
        /// What the driver says.
        source: sqlx::migrate::MigrateError,
    },
    /// The address of the database cannot be used.
    #[error("the database url cannot be used: {reason}")]
    BadUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A row holds what we never write.
    #[error("the database holds something it should not: {what}")]
    Damaged {
        /// Which row or column, without its content where that is a buyer's.
        what: String,
    },
    /// The database was opened without keys; see [`super::Db::unlock`].
    #[error("there is no key to encrypt a secret with")]
    NoKey,
    /// Secrets are encrypted with a key that is not among those at hand.
    #[error("secrets in the database are encrypted with key `{id}`, which is not here")]
    KeyLost {
        /// Its fingerprint.
        id: String,
    },
    /// A statement of ours is wrong.
    #[error("a statement failed: {0}")]
    Statement(#[source] sqlx::Error),
}

impl StorageError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Conflict { .. } | Self::Dangling { .. } | Self::BadUrl { .. } => Fault::Caller,
            Self::NewerSchema { .. } | Self::ForeignSchema { .. } => Fault::Caller,
            Self::Busy | Self::Unavailable { .. } | Self::Full { .. } => Fault::Transient,
            Self::NoKey | Self::KeyLost { .. } => Fault::Bug,
            Self::Migration { .. } | Self::Damaged { .. } | Self::Corrupt { .. } | Self::Statement(_) => Fault::Bug,
        }
    }

    /// Whether it is the conflict of this name: `accounts_email`, `messages_client_key`, `messages_reply_once`,
    /// `jobs_one_unfinished`, `policies_number`, `promise_tries_nth`.
    pub fn conflicts_with(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }
}

/// What SQLite says (table and columns), what Postgres says (name of the index), what we say.
const CONFLICTS: [(&str, &str, &str); 6] = [
    ("accounts.email", "accounts_email_key", "accounts_email"),
    ("messages.conversation_id, messages.client_key", "messages_conversation_id_client_key_key", "messages_client_key"),
    ("messages.turn_id", "messages_reply_once", "messages_reply_once"),
    ("jobs.key", "jobs_one_unfinished", "jobs_one_unfinished"),
    ("policies.shop_id, policies.number", "policies_shop_id_number_key", "policies_number"),
    (
        "promise_tries.shop_id, promise_tries.scope, promise_tries.pipeline, promise_tries.era_ms, promise_tries.nth",
        "promise_tries_shop_id_scope_pipeline_era_ms_nth_key",
        "promise_tries_nth",
    ),
];

fn constraint_name(error: &dyn DatabaseError) -> String {
    let said = error.constraint().unwrap_or_else(|| {
        let message = error.message();
        message.rsplit_once("constraint failed: ").map_or(message, |(_, columns)| columns)
    });
    let known = CONFLICTS.iter().find(|(sqlite, postgres, _)| [*sqlite, *postgres].contains(&said));
    known.map_or(said, |(_, _, ours)| ours).to_owned()
}

/// SQLite: busy and locked, whatever the extended code. Postgres: serialization failure, deadlock, lock timeout.
fn is_busy(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else { return false };
    match code.parse::<u32>() {
        Ok(code) if code < 10_000 => matches!(code & 0xff, 5 | 6),
        _ => matches!(code.as_ref(), "40001" | "40P01" | "55P03"),
    }
}

/// SQLite: cannot open, input/output. Postgres: shutting down, starting up, too many clients.
fn is_unavailable(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else { return false };
    match code.parse::<u32>() {
        Ok(code) if code < 10_000 => matches!(code & 0xff, 10 | 14),
        _ => matches!(code.as_ref(), "57P01" | "57P02" | "57P03" | "53300"),
    }
}

/// SQLite: disk full. Postgres: the same.
fn is_full(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else { return false };
    match code.parse::<u32>() {
        Ok(code) if code < 10_000 => code & 0xff == 13,
        _ => code.as_ref() == "53100",
    }
}

/// SQLite: a malformed page, or not a database at all.
pub(super) fn is_corrupt(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code < 10_000 && matches!(code & 0xff, 11 | 26))
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if is_corrupt(&error) => {
                Self::Corrupt { reason: database.message().to_owned() }
            }
            sqlx::Error::Database(database) => match database.kind() {
                ErrorKind::UniqueViolation => Self::Conflict { constraint: constraint_name(database.as_ref()) },
                ErrorKind::ForeignKeyViolation => Self::Dangling { constraint: constraint_name(database.as_ref()) },
                _ if is_busy(database.as_ref()) => Self::Busy,
                _ if is_full(database.as_ref()) => Self::Full { source: error },
                _ if is_unavailable(database.as_ref()) => Self::Unavailable { source: error },
                _ => Self::Statement(error),
            },
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unavailable { source: error }
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged { what: error.to_string() },
            _ => Self::Statement(error),
        }
    }
}
