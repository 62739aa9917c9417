//! Brings the schema up to date. Migrations go forward only and are never edited once released.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlSafeStr};

use super::{Dialect, StorageError};

/// One migration: the same version and name in both folders.
struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const STEPS: [Step; 15] = [
    Step {
        version: 1,
        name: "foundations",
        sqlite: include_str!("migrations/sqlite/0001_foundations.sql"),
        postgres: include_str!("migrations/postgres/0001_foundations.sql"),
    },
    Step {
        version: 2,
        name: "promises",
        sqlite: include_str!("migrations/sqlite/0002_promises.sql"),
        postgres: include_str!("migrations/postgres/0002_promises.sql"),
    },
    Step {
        version: 3,
        name: "golden_answers",
        sqlite: include_str!("migrations/sqlite/0003_golden_answers.sql"),
        postgres: include_str!("migrations/postgres/0003_golden_answers.sql"),
    },
    Step {
        version: 5,
        name: "security",
        sqlite: include_str!("migrations/sqlite/0005_security.sql"),
        postgres: include_str!("migrations/postgres/0005_security.sql"),
    },
    Step {
        version: 6,
        name: "rehearsal",
        sqlite: include_str!("migrations/sqlite/0006_rehearsal.sql"),
        postgres: include_str!("migrations/postgres/0006_rehearsal.sql"),
    },
    Step {
        version: 7,
        name: "watch",
        sqlite: include_str!("migrations/sqlite/0007_watch.sql"),
        postgres: include_str!("migrations/postgres/0007_watch.sql"),
    },
    Step {
        version: 8,
        name: "trust",
        sqlite: include_str!("migrations/sqlite/0008_trust.sql"),
        postgres: include_str!("migrations/postgres/0008_trust.sql"),
    },
    Step {
        version: 9,
        name: "orders",
        sqlite: include_str!("migrations/sqlite/0009_orders.sql"),
        postgres: include_str!("migrations/postgres/0009_orders.sql"),
    },
    Step {
        version: 10,
        name: "identity",
        sqlite: include_str!("migrations/sqlite/0010_identity.sql"),
        postgres: include_str!("migrations/postgres/0010_identity.sql"),
    },
    Step {
        version: 11,
        name: "tries",
        sqlite: include_str!("migrations/sqlite/0011_tries.sql"),
        postgres: include_str!("migrations/postgres/0011_tries.sql"),
    },
    Step {
        version: 12,
        name: "leftovers",
        sqlite: include_str!("migrations/sqlite/0012_leftovers.sql"),
        postgres: include_str!("migrations/postgres/0012_leftovers.sql"),
    },
    Step {
        version: 13,
        name: "inbox",
        sqlite: include_str!("migrations/sqlite/0013_inbox.sql"),
        postgres: include_str!("migrations/postgres/0013_inbox.sql"),
    },
    Step {
        version: 14,
        name: "drafts",
        sqlite: include_str!("migrations/sqlite/0014_drafts.sql"),
        postgres: include_str!("migrations/postgres/0014_drafts.sql"),
    },
    Step {
        version: 15,
        name: "commitments",
        sqlite: include_str!("migrations/sqlite/0015_commitments.sql"),
        postgres: include_str!("migrations/postgres/0015_commitments.sql"),
    },
    Step {
        version: 16,
        name: "shop_day",
        sqlite: include_str!("migrations/sqlite/0016_shop_day.sql"),
        postgres: include_str!("migrations/postgres/0016_shop_day.sql"),
    },
];

/// Runs what is missing. Two processes that start at once wait for each other on Postgres; a SQLite file has one.
pub(super) async fn migrate(pool: &AnyPool, dialect: Dialect) -> Result<(), StorageError> {
    let steps = STEPS.iter().map(|step| {
        let sql = match dialect {
            Dialect::Sqlite => step.sqlite,
            Dialect::Postgres => step.postgres,
        };
        let name = Cow::Borrowed(step.name);
        Migration::new(step.version, name, MigrationType::Simple, sql.into_sql_str(), false)
    });
    let known = STEPS.iter().map(|step| step.version).max().unwrap_or_default();
    Migrator::with_migrations(steps.collect()).run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => StorageError::NewerSchema { found, known },
        MigrateError::VersionMismatch(version) => StorageError::ForeignSchema { version },
        MigrateError::Execute(error) => error.into(),
        source => StorageError::Migration { source },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::testing::{Scratch, scratches};
    use super::*;

    #[test]
    fn both_folders_hold_the_migrations_that_are_carried() {
        let carried: Vec<_> = STEPS.iter().map(|step| format!("{:04}_{}.sql", step.version, step.name)).collect();
        for dialect in ["sqlite", "postgres"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/migrations").join(dialect);
            let files = std::fs::read_dir(folder).unwrap();
            let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            assert_eq!(names, carried, "{dialect}");
        }
    }

    #[tokio::test]
    async fn a_second_start_changes_nothing() {
        for Scratch { db, .. } in scratches().await {
            migrate(&db.writer, db.dialect).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused_in_a_sentence() {
        for Scratch { db, .. } in scratches().await {
            let future = Migration::new(
                99,
                Cow::Borrowed("future"),
                MigrationType::Simple,
                "create table future (id text primary key)".into_sql_str(),
                false,
            );
            let mut migrator = Migrator::with_migrations(vec![future]);
            migrator.set_ignore_missing(true);
            migrator.run(&db.writer).await.unwrap();
            let error = migrate(&db.writer, db.dialect).await.unwrap_err();
            let newest = STEPS.iter().map(|step| step.version).max().unwrap();
            assert!(matches!(error, StorageError::NewerSchema { found: 99, known } if known == newest), "{error:?}");
            assert!(error.to_string().contains("used by a newer version"), "{error}");
        }
    }
}
