//! Sheets of records that were uploaded: which file, how far, and which rows were refused and why.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::columns::{Columns, Json, to_i64};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{AccountId, ImportId, ShopId};
use crate::domain::order_input::RowProblem;

/// What a sheet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportKind {
    /// Orders.
    Orders,
    /// Products.
    Products,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportState {
    /// A job will read it.
    Queued,
    /// It was read; what was refused is listed.
    Done,
    /// None of it could be read; `error` says why.
    Failed,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RefusedRow {
    /// As a spreadsheet counts, the header is 1.
    pub row: usize,
    /// Its order or product number, as it stands there.
    pub number: String,
    /// What is wrong.
    pub problem: RowProblem,
    /// In which column, as it is headed there.
    pub column: String,
    /// What stands there.
    pub value: String,
}

/// A file to be read in.
#[derive(Debug, Clone, Copy)]
pub struct NewImport<'a> {
    /// Who brought it.
    pub account: AccountId,
    /// What it holds.
    pub kind: ImportKind,
    /// What it is called.
    pub file_name: &'a str,
    /// Its bytes.
    pub sha256: &'a str,
}

/// A file that was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Identity.
    pub id: ImportId,
    /// Who brought it.
    pub account: AccountId,
    /// What it holds.
    pub kind: ImportKind,
    /// What it is called.
    pub file_name: String,
    /// Its bytes.
    pub sha256: String,
    /// How far it is.
    pub state: ImportState,
    /// Why none of it could be read: a code.
    pub error: Option<String>,
    /// Rows below the header.
    pub n_rows: u32,
    /// Rows that are records now.
    pub n_taken: u32,
    /// The others.
    pub refused: Vec<RefusedRow>,
    /// When it was brought.
    pub created_at_ms: i64,
    /// When it was read.
    pub finished_at_ms: Option<i64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was read.
    Done {
        /// Rows below the header.
        n_rows: usize,
        /// Rows that are records now.
        n_taken: usize,
        /// The others.
        refused: Vec<RefusedRow>,
    },
    /// None of it could be read.
    Failed {
        /// A code.
        error: String,
    },
}

/// Selects imports.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, account_id, kind, file_name, sha256, state, error, n_rows, n_taken, refused, created_at_ms, ",
            "finished_at_ms from imports ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Import, StorageError> {
    Ok(Import {
        id: row.col("id")?,
        account: row.col("account_id")?,
        kind: row.col("kind")?,
        file_name: row.col("file_name")?,
        sha256: row.col("sha256")?,
        state: row.col("state")?,
        error: row.col("error")?,
        n_rows: row.number("n_rows")?,
        n_taken: row.number("n_taken")?,
        refused: row.json("refused")?,
        created_at_ms: row.col("created_at_ms")?,
        finished_at_ms: row.col("finished_at_ms")?,
    })
}

/// Notes a file that is to be read in.
pub async fn create(tx: &mut Tx, shop: ShopId, new: &NewImport<'_>) -> Result<ImportId, StorageError> {
    let (id, now_ms) = (ImportId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "insert into imports (id, shop_id, account_id, kind, file_name, sha256, state, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, 'queued', $7)",
    )
    .bind(id)
    .bind(shop)
    .bind(new.account)
    .bind(new.kind)
    .bind(new.file_name)
    .bind(new.sha256)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(id)
}

/// Says what came of it, once; `false` if that was said before.
pub async fn finish(tx: &mut Tx, shop: ShopId, import: ImportId, outcome: &Outcome) -> Result<bool, StorageError> {
    let now_ms = tx.now_ms();
    let (state, error, (n_rows, n_taken), refused): (_, _, _, &[RefusedRow]) = match outcome {
        Outcome::Done { n_rows, n_taken, refused } => (ImportState::Done, None, (*n_rows, *n_taken), refused),
        Outcome::Failed { error } => (ImportState::Failed, Some(error), (0, 0), &[]),
    };
    let done = sqlx::query(
        "update imports set state = $3, error = $4, n_rows = $5, n_taken = $6, refused = $7, finished_at_ms = $8 \
         where shop_id = $1 and id = $2 and state = 'queued'",
    )
    .bind(shop)
    .bind(import)
    .bind(state)
    .bind(error)
    .bind(to_i64(n_rows))
    .bind(to_i64(n_taken))
    .bind(Json(refused))
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One import.
pub async fn get(db: &Db, shop: ShopId, import: ImportId) -> Result<Option<Import>, StorageError> {
    let row = sqlx::query(select!("where shop_id = $1 and id = $2"))
        .bind(shop)
        .bind(import)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The last imports, newest first.
pub async fn list(db: &Db, shop: ShopId, limit: u32) -> Result<Vec<Import>, StorageError> {
    let rows = sqlx::query(select!("where shop_id = $1 order by created_at_ms desc, id desc limit $2"))
        .bind(shop)
        .bind(i64::from(limit))
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn an_import_ends_once_and_says_what_was_refused() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let account = AccountId(Uuid::from_u128(1));
            let new = NewImport { account, kind: ImportKind::Orders, file_name: "订单.xlsx", sha256: "ab" };
            let mut tx = db.begin().await.unwrap();
            let id = create(&mut tx, mine, &new).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(get(&db, mine, id).await.unwrap().unwrap().state, ImportState::Queued);
            let problem = RowProblem::AmountNegative;
            let row = RefusedRow { row: 3, number: "1".into(), problem, column: "金额".into(), value: "-5".into() };
            let outcome = Outcome::Done { n_rows: 4, n_taken: 3, refused: vec![row.clone()] };
            let mut tx = db.begin().await.unwrap();
            assert!(!finish(&mut tx, other, id, &outcome).await.unwrap());
            assert!(finish(&mut tx, mine, id, &outcome).await.unwrap());
            assert!(!finish(&mut tx, mine, id, &Outcome::Failed { error: "x".into() }).await.unwrap());
            tx.commit().await.unwrap();
            let import = get(&db, mine, id).await.unwrap().unwrap();
            assert_eq!((import.state, import.n_rows, import.n_taken), (ImportState::Done, 4, 3));
            assert_eq!(import.refused, [row]);
            assert_eq!(get(&db, other, id).await.unwrap(), None);
            assert_eq!((list(&db, mine, 9).await.unwrap().len(), list(&db, other, 9).await.unwrap().len()), (1, 0));
        }
    }
}
