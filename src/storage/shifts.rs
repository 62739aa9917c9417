//! The schedule of a shop: its shifts, written as a whole.

use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{ShiftId, ShopId};
use crate::domain::shift::Shift;

/// A shift as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShiftRow {
    /// Identity; a schedule that is written anew keeps the id of a shift with the same name.
    pub id: ShiftId,
    /// When it is, and whose.
    pub shift: Shift,
}

fn read(row: &AnyRow) -> Result<ShiftRow, StorageError> {
    let shift = Shift {
        name: row.col("name")?,
        weekdays: Shift::days_of(row.col("weekdays")?),
        from_min: row.col("from_min")?,
        until_min: row.col("until_min")?,
        agents: row.json("agents")?,
    };
    Ok(ShiftRow { id: row.col("id")?, shift })
}

/// The schedule, by the hour.
pub async fn list(db: &Db, shop: ShopId) -> Result<Vec<ShiftRow>, StorageError> {
    let rows = sqlx::query(
        "select id, name, weekdays, from_min, until_min, agents from shifts where shop_id = $1 \
         order by from_min, name, id",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Writes the schedule anew. Names are given once; the caller has seen to it.
pub async fn replace(tx: &mut Tx, shop: ShopId, shifts: &[Shift]) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    let rows = sqlx::query("delete from shifts where shop_id = $1 returning id, name")
        .bind(shop)
        .fetch_all(tx.connection())
        .await?;
    let mut known: Vec<(String, ShiftId)> = Vec::new();
    for row in &rows {
        known.push((row.col("name")?, row.col("id")?));
    }
    for shift in shifts {
        let same = known.iter().find(|(name, _)| *name == shift.name).map(|(_, id)| *id);
        let id = same.unwrap_or_else(|| ShiftId(tx.new_id()));
        sqlx::query(
            "insert into shifts (id, shop_id, name, weekdays, from_min, until_min, agents, created_at_ms) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id)
        .bind(shop)
        .bind(&shift.name)
        .bind(shift.mask())
        .bind(shift.from_min)
        .bind(shift.until_min)
        .bind(Json(&shift.agents))
        .bind(now_ms)
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn a_schedule_is_written_as_a_whole_and_a_name_keeps_its_id() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let early =
                Shift { name: "早班".into(), weekdays: vec![0, 6], from_min: 480, until_min: 960, agents: vec![] };
            let late = Shift { name: "晚班".into(), from_min: 960, until_min: 0, ..early.clone() };
            let mut tx = db.begin().await.unwrap();
            replace(&mut tx, mine, &[late.clone(), early.clone()]).await.unwrap();
            tx.commit().await.unwrap();
            let before = list(&db, mine).await.unwrap();
            assert_eq!(before.iter().map(|row| &row.shift).collect::<Vec<_>>(), [&early, &late]);
            assert_eq!(list(&db, other).await.unwrap(), []);
            let mut tx = db.begin().await.unwrap();
            replace(&mut tx, other, &[]).await.unwrap();
            replace(&mut tx, mine, &[Shift { from_min: 420, ..early }]).await.unwrap();
            tx.commit().await.unwrap();
            let after = list(&db, mine).await.unwrap();
            assert_eq!((after.len(), after[0].id, after[0].shift.from_min), (1, before[0].id, 420));
        }
    }
}
