//! What a turn was decided under: the proof, the machinery, the chance of a label, the documents as they were.

use std::collections::BTreeMap;

use super::columns::Json;
use super::{StorageError, Tx};
use crate::domain::decision::LabelChance;
use crate::domain::ids::{CertificateId, DocumentId, ShopId, TurnId};

/// What a turn was decided under.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBasis<'a> {
    /// The proof whose bar counted, if one did.
    pub certificate: Option<CertificateId>,
    /// Which machinery made the answer.
    pub pipeline: &'a str,
    /// How likely it was to be labelled.
    pub chance: LabelChance,
    /// The cited documents, each with its epoch.
    pub sources: &'a BTreeMap<DocumentId, i64>,
}

/// Keeps it, in the transaction of the decision; false if the shop has no such turn.
pub async fn insert(tx: &mut Tx, shop: ShopId, turn: TurnId, new: &NewBasis<'_>) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "insert into bases (turn_id, shop_id, certificate_id, pipeline, chance_of_all, chance_own, sources) \
         select t.id, t.shop_id, $3, $4, $5, $6, $7 from turns t where t.shop_id = $1 and t.id = $2",
    )
    .bind(shop)
    .bind(turn)
    .bind(new.certificate)
    .bind(new.pipeline)
    .bind(new.chance.of_all)
    .bind(new.chance.own)
    .bind(Json(new.sources))
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}
