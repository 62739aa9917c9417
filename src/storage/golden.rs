//! Golden answers, the ways to ask for them, and the embeddings of these.
//!
//! Every change takes the shop's next version number, so that the highest one tells a reader whether what it holds in
//! memory is still true. A golden answer that was taken from a sheet answers only while the very version of the sheet
//! answers that staff have seen.

mod live;
mod sheets;

use std::collections::HashMap;

use sqlx::any::AnyRow;

pub use live::{LiveGolden, LivePhrasing, Pending, count_pending, live, pending, put_embedding, version};
pub use sheets::{SheetEntry, Taken, take_sheet};

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::document::Audience;
use crate::domain::golden::{GoldenOrigin, GoldenState};
use crate::domain::ids::{AccountId, DocumentId, GoldenId, PhrasingId, RevisionId, ShopId, TurnId};
use crate::domain::order::Platform;
use crate::domain::text::Lang;

/// What staff decide about a golden answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenForm {
    /// The question, then other ways to ask it.
    pub phrasings: Vec<String>,
    /// What is said, in so many words.
    pub answer: String,
    /// The product it is about; `None` if it is about all.
    pub sku: Option<String>,
    /// Who may be told.
    pub audience: Audience,
    /// The platforms that it holds on; empty for all.
    pub platforms: Vec<Platform>,
    /// True from this moment.
    pub effective_from_ms: Option<i64>,
    /// No longer true from this moment.
    pub effective_until_ms: Option<i64>,
    /// Whether it answers.
    pub state: GoldenState,
}

/// Where a golden answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoldenSource {
    /// In one word.
    pub origin: GoldenOrigin,
    /// The sheet, in the version that was seen.
    pub sheet: Option<(DocumentId, RevisionId)>,
    /// The turn whose reply it was.
    pub turn: Option<TurnId>,
    /// Who proposed or wrote it.
    pub author: Option<AccountId>,
}

/// A golden answer as staff see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// Identity.
    pub id: GoldenId,
    /// What was decided about it.
    pub form: GoldenForm,
    /// Where it comes from.
    pub source: GoldenSource,
    /// The language of the answer.
    pub lang: Lang,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it was changed last.
    pub updated_at_ms: i64,
}

const COLUMNS: &str = "id, answer, lang, sku, audience, platforms, effective_from_ms, effective_until_ms, state, origin, document_id, \
    revision_id, turn_id, author_id, created_at_ms, updated_at_ms";

fn read(row: &AnyRow, phrasings: Vec<String>) -> Result<Golden, StorageError> {
    let document: Option<DocumentId> = row.col("document_id")?;
    let revision: Option<RevisionId> = row.col("revision_id")?;
    Ok(Golden {
        id: row.col("id")?,
        form: GoldenForm {
            phrasings,
            answer: row.col("answer")?,
            sku: row.col("sku")?,
            audience: row.col("audience")?,
            platforms: row.json("platforms")?,
            effective_from_ms: row.col("effective_from_ms")?,
            effective_until_ms: row.col("effective_until_ms")?,
            state: row.col("state")?,
        },
        source: GoldenSource {
            origin: row.col("origin")?,
            sheet: document.zip(revision),
            turn: row.col("turn_id")?,
            author: row.col("author_id")?,
        },
        lang: row.col("lang")?,
        created_at_ms: row.col("created_at_ms")?,
        updated_at_ms: row.col("updated_at_ms")?,
    })
}

/// All that were not removed, last changed first.
pub async fn list(db: &Db, shop: ShopId) -> Result<Vec<Golden>, StorageError> {
    let sql = format!(
        "select {COLUMNS} from golden_answers where shop_id = $1 and removed_at_ms is null order by version desc, id"
    );
    // Only constant columns were added.
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(shop).fetch_all(&db.readers).await?;
    let said =
        sqlx::query("select golden_id, text from golden_phrasings where shop_id = $1 order by golden_id, ordinal")
            .bind(shop)
            .fetch_all(&db.readers)
            .await?;
    let mut phrasings: HashMap<GoldenId, Vec<String>> = HashMap::new();
    for row in &said {
        phrasings.entry(row.col("golden_id")?).or_default().push(row.col("text")?);
    }
    let golden = |row: &AnyRow| {
        let id: GoldenId = row.col("id")?;
        read(row, phrasings.remove(&id).unwrap_or_default())
    };
    rows.iter().map(golden).collect()
}

/// One that was not removed.
pub async fn get(db: &Db, shop: ShopId, golden: GoldenId) -> Result<Option<Golden>, StorageError> {
    let sql = format!("select {COLUMNS} from golden_answers where shop_id = $1 and id = $2 and removed_at_ms is null");
    // Only constant columns were added.
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(shop).bind(golden);
    let Some(row) = query.fetch_optional(&db.readers).await? else { return Ok(None) };
    let said = sqlx::query("select text from golden_phrasings where shop_id = $1 and golden_id = $2 order by ordinal")
        .bind(shop)
        .bind(golden)
        .fetch_all(&db.readers)
        .await?;
    let phrasings = said.iter().map(|row| row.col("text")).collect::<Result<_, _>>()?;
    read(&row, phrasings).map(Some)
}

/// Adds one.
pub async fn create(
    tx: &mut Tx,
    shop: ShopId,
    form: &GoldenForm,
    source: &GoldenSource,
) -> Result<GoldenId, StorageError> {
    let (id, now_ms, version) = (GoldenId(tx.new_id()), tx.now_ms(), next_version(tx, shop).await?);
    sqlx::query(
        "insert into golden_answers (id, shop_id, answer, lang, sku, audience, effective_from_ms, effective_until_ms, \
         state, origin, document_id, revision_id, turn_id, author_id, version, created_at_ms, updated_at_ms, platforms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17)",
    )
    .bind(id)
    .bind(shop)
    .bind(&form.answer)
    .bind(Lang::of(&form.answer))
    .bind(form.sku.as_deref())
    .bind(form.audience)
    .bind(form.effective_from_ms)
    .bind(form.effective_until_ms)
    .bind(form.state)
    .bind(source.origin)
    .bind(source.sheet.map(|(document, _)| document))
    .bind(source.sheet.map(|(_, revision)| revision))
    .bind(source.turn)
    .bind(source.author)
    .bind(version)
    .bind(now_ms)
    .bind(Json(&form.platforms))
    .execute(tx.connection())
    .await?;
    put_phrasings(tx, shop, id, &form.phrasings).await?;
    Ok(id)
}

/// Changes one; false if the shop has no such golden answer.
pub async fn update(tx: &mut Tx, shop: ShopId, golden: GoldenId, form: &GoldenForm) -> Result<bool, StorageError> {
    let (now_ms, version) = (tx.now_ms(), next_version(tx, shop).await?);
    let done = sqlx::query(
        "update golden_answers set answer = $3, lang = $4, sku = $5, audience = $6, effective_from_ms = $7, \
         effective_until_ms = $8, state = $9, version = $10, updated_at_ms = $11, platforms = $12 \
         where shop_id = $1 and id = $2 and removed_at_ms is null",
    )
    .bind(shop)
    .bind(golden)
    .bind(&form.answer)
    .bind(Lang::of(&form.answer))
    .bind(form.sku.as_deref())
    .bind(form.audience)
    .bind(form.effective_from_ms)
    .bind(form.effective_until_ms)
    .bind(form.state)
    .bind(version)
    .bind(now_ms)
    .bind(Json(&form.platforms))
    .execute(tx.connection())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    put_phrasings(tx, shop, golden, &form.phrasings).await?;
    Ok(true)
}

/// Approves or switches off; false if the shop has no such golden answer.
pub async fn set_state(tx: &mut Tx, shop: ShopId, golden: GoldenId, state: GoldenState) -> Result<bool, StorageError> {
    let (now_ms, version) = (tx.now_ms(), next_version(tx, shop).await?);
    let done = sqlx::query(
        "update golden_answers set state = $3, version = $4, updated_at_ms = $5 \
         where shop_id = $1 and id = $2 and removed_at_ms is null",
    )
    .bind(shop)
    .bind(golden)
    .bind(state)
    .bind(version)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes one away; false if the shop has no such golden answer.
pub async fn remove(tx: &mut Tx, shop: ShopId, golden: GoldenId) -> Result<bool, StorageError> {
    let (now_ms, version) = (tx.now_ms(), next_version(tx, shop).await?);
    let done = sqlx::query(
        "update golden_answers set removed_at_ms = $3, version = $4 \
         where shop_id = $1 and id = $2 and removed_at_ms is null",
    )
    .bind(shop)
    .bind(golden)
    .bind(now_ms)
    .bind(version)
    .execute(tx.connection())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    forget_phrasings(tx, shop, golden).await?;
    Ok(true)
}

async fn next_version(tx: &mut Tx, shop: ShopId) -> Result<i64, StorageError> {
    // Holds the shop until the end of the transaction: two changes at once must not take the same number.
    sqlx::query("update shops set name = name where id = $1").bind(shop).execute(tx.connection()).await?;
    let row = sqlx::query("select coalesce(max(version), 0) + 1 as version from golden_answers where shop_id = $1")
        .bind(shop)
        .fetch_one(tx.connection())
        .await?;
    row.col("version")
}

async fn forget_phrasings(tx: &mut Tx, shop: ShopId, golden: GoldenId) -> Result<(), StorageError> {
    for sql in [
        "delete from golden_embeddings where phrasing_id in \
         (select id from golden_phrasings where shop_id = $1 and golden_id = $2)",
        "delete from golden_phrasings where shop_id = $1 and golden_id = $2",
    ] {
        sqlx::query(sql).bind(shop).bind(golden).execute(tx.connection()).await?;
    }
    Ok(())
}

/// Replaces the phrasings; if none changed, they keep their embeddings.
async fn put_phrasings(tx: &mut Tx, shop: ShopId, golden: GoldenId, texts: &[String]) -> Result<(), StorageError> {
    let rows = sqlx::query("select text from golden_phrasings where shop_id = $1 and golden_id = $2 order by ordinal")
        .bind(shop)
        .bind(golden)
        .fetch_all(tx.connection())
        .await?;
    let known: Vec<String> = rows.iter().map(|row| row.col("text")).collect::<Result<_, _>>()?;
    if known == texts {
        return Ok(());
    }
    forget_phrasings(tx, shop, golden).await?;
    for (ordinal, text) in (0i64..).zip(texts) {
        sqlx::query("insert into golden_phrasings (id, shop_id, golden_id, ordinal, text) values ($1, $2, $3, $4, $5)")
            .bind(PhrasingId(tx.new_id()))
            .bind(shop)
            .bind(golden)
            .bind(ordinal)
            .bind(text)
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
