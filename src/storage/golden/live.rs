//! What answers now, with its embeddings; and what still lacks them.

use std::collections::HashMap;

use crate::domain::document::Audience;
use crate::domain::ids::{GoldenId, PhrasingId, ShopId};
use crate::domain::order::Platform;
use crate::domain::text::Lang;
use crate::storage::columns::{Columns, Json, embedding_from_bytes, embedding_to_bytes};
use crate::storage::{Db, StorageError, Tx};

/// A golden answer that answers, if the moment and the asker are right.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveGolden {
    /// Identity.
    pub id: GoldenId,
    /// What is said.
    pub answer: String,
    /// Its language.
    pub lang: Lang,
    /// The product it is about.
    pub sku: Option<String>,
    /// Who may be told.
    pub audience: Audience,
    /// The platforms that it holds on; empty for all.
    pub platforms: Vec<Platform>,
    /// True from this moment.
    pub effective_from_ms: Option<i64>,
    /// No longer true from this moment.
    pub effective_until_ms: Option<i64>,
    /// The ways to ask for it that are embedded; the question first.
    pub phrasings: Vec<LivePhrasing>,
}

/// One way to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct LivePhrasing {
    /// In words.
    pub text: String,
    /// As the embedder sees it.
    pub embedding: Vec<f32>,
}

/// A phrasing without an embedding of the model in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Which one.
    pub phrasing: PhrasingId,
    /// In words.
    pub text: String,
}

/// The number of the shop's last change; 0 before the first. Documents count, too: one that is replaced or removed
/// takes its golden answers with it.
pub async fn version(db: &Db, shop: ShopId) -> Result<(i64, String), StorageError> {
    let row = sqlx::query("select coalesce(max(version), 0) as version from golden_answers where shop_id = $1")
        .bind(shop)
        .fetch_one(&db.readers)
        .await?;
    let sheets = sqlx::query(
        "select distinct d.id, d.active_revision, d.audience, d.platforms, d.sku, d.effective_from_ms, d.effective_until_ms \
         from golden_answers g join documents d on d.id = g.document_id \
         where g.shop_id = $1 and g.removed_at_ms is null and d.removed_at_ms is null order by d.id",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    let mut seen = String::new();
    for sheet in &sheets {
        let revision: Option<String> = sheet.col("active_revision")?;
        let audience: String = sheet.col("audience")?;
        let platforms: String = sheet.col("platforms")?;
        let sku: Option<String> = sheet.col("sku")?;
        let from: Option<i64> = sheet.col("effective_from_ms")?;
        let until: Option<i64> = sheet.col("effective_until_ms")?;
        seen.push_str(&format!("{revision:?} {audience} {platforms} {sku:?} {from:?} {until:?}\n"));
    }
    Ok((row.col("version")?, seen))
}

/// Every approved golden answer of the shop with the embeddings of `model_id`. Of a sheet that was replaced, removed or
/// limited since, none.
pub async fn live(db: &Db, shop: ShopId, model_id: &str) -> Result<Vec<LiveGolden>, StorageError> {
    let rows = sqlx::query(
        "select g.id, g.answer, g.lang, g.sku, g.audience, g.platforms, g.effective_from_ms, g.effective_until_ms, \
         d.sku as sheet_sku, d.audience as sheet_audience, d.platforms as sheet_platforms, d.effective_from_ms as sheet_from_ms, \
         d.effective_until_ms as sheet_until_ms, p.text, e.embedding \
         from golden_answers g join golden_phrasings p on p.golden_id = g.id \
         join golden_embeddings e on e.phrasing_id = p.id and e.model_id = $2 \
         left join documents d on d.id = g.document_id and d.shop_id = g.shop_id \
         where g.shop_id = $1 and g.state = 'approved' and g.removed_at_ms is null \
         and (g.document_id is null or (d.removed_at_ms is null and d.active_revision = g.revision_id)) \
         order by g.id, p.ordinal",
    )
    .bind(shop)
    .bind(model_id)
    .fetch_all(&db.readers)
    .await?;
    let mut live: Vec<LiveGolden> = Vec::new();
    let mut at: HashMap<GoldenId, usize> = HashMap::new();
    for row in &rows {
        let id: GoldenId = row.col("id")?;
        let bytes: Vec<u8> = row.col("embedding")?;
        let phrasing = LivePhrasing { text: row.col("text")?, embedding: embedding_from_bytes(&bytes)? };
        if let Some(known) = at.get(&id) {
            live[*known].phrasings.push(phrasing);
            continue;
        }
        let sheet_audience: Option<Audience> = row.col("sheet_audience")?;
        let audience: Audience = row.col("audience")?;
        let (from, sheet_from): (Option<i64>, Option<i64>) = (row.col("effective_from_ms")?, row.col("sheet_from_ms")?);
        let (until, sheet_until): (Option<i64>, Option<i64>) =
            (row.col("effective_until_ms")?, row.col("sheet_until_ms")?);
        let sku: Option<String> = row.col("sku")?;
        let platforms: Vec<Platform> = row.json("platforms")?;
        let of_sheet =
            row.col::<Option<Json<Vec<Platform>>>>("sheet_platforms")?.map(|json| json.0).unwrap_or_default();
        at.insert(id, live.len());
        live.push(LiveGolden {
            id,
            answer: row.col("answer")?,
            lang: row.col("lang")?,
            sku: sku.or(row.col("sheet_sku")?),
            audience: if sheet_audience == Some(Audience::Agents) { Audience::Agents } else { audience },
            platforms: if platforms.is_empty() { of_sheet } else { platforms },
            effective_from_ms: from.max(sheet_from),
            // Missing means for ever, so the earlier of two ends is the least that is there.
            effective_until_ms: until.into_iter().chain(sheet_until).min(),
            phrasings: vec![phrasing],
        });
    }
    Ok(live)
}

/// Up to `limit` phrasings of the shop that `model_id` has not embedded.
pub async fn pending(db: &Db, shop: ShopId, model_id: &str, limit: u32) -> Result<Vec<Pending>, StorageError> {
    let rows = sqlx::query(
        "select p.id, p.text from golden_phrasings p where p.shop_id = $1 \
         and not exists (select 1 from golden_embeddings e where e.phrasing_id = p.id and e.model_id = $2) \
         order by p.id limit $3",
    )
    .bind(shop)
    .bind(model_id)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(|row| Ok(Pending { phrasing: row.col("id")?, text: row.col("text")? })).collect()
}

/// How many phrasings of the shop `model_id` has not embedded.
pub async fn count_pending(db: &Db, shop: ShopId, model_id: &str) -> Result<u32, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from golden_phrasings p where p.shop_id = $1 \
         and not exists (select 1 from golden_embeddings e where e.phrasing_id = p.id and e.model_id = $2)",
    )
    .bind(shop)
    .bind(model_id)
    .fetch_one(&db.readers)
    .await?;
    row.number("n")
}

/// Keeps an embedding; false if the phrasing is not there any more. The golden answer counts as changed: it can be
/// met now.
pub async fn put_embedding(
    tx: &mut Tx,
    shop: ShopId,
    phrasing: PhrasingId,
    (model_id, embedding): (&str, &[f32]),
) -> Result<bool, StorageError> {
    let version = super::next_version(tx, shop).await?;
    let done = sqlx::query(
        "update golden_answers set version = $3 where shop_id = $1 \
         and id = (select golden_id from golden_phrasings where shop_id = $1 and id = $2)",
    )
    .bind(shop)
    .bind(phrasing)
    .bind(version)
    .execute(tx.connection())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "insert into golden_embeddings (phrasing_id, model_id, embedding) values ($1, $2, $3) \
         on conflict (phrasing_id, model_id) do update set embedding = excluded.embedding",
    )
    .bind(phrasing)
    .bind(model_id)
    .bind(embedding_to_bytes(embedding))
    .execute(tx.connection())
    .await?;
    Ok(true)
}
