//! Orders: every account of one is joined to what is known, whatever order they come in.
//!
//! # Why
//! The rule by which accounts are put together is [`Order::join`], and the row is held while it is applied: two events at
//! once are joined one after the other, and it does not matter which came first.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{OrderId, ShopId};
use crate::domain::order::{Order, OrderKey, Platform, Stage};

/// Who told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A script, with its key.
    Api,
    /// A sheet that was uploaded.
    Sheet,
    /// Another system, with its signature.
    Webhook,
}

/// An account of an order.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Who tells it.
    pub source: Source,
    /// What happened: `order.shipped`, `row`.
    pub kind: &'a str,
    /// The sender's id of the event: the same again is not told again.
    pub event_id: Option<&'a str>,
    /// What it says.
    pub order: &'a Order,
}

/// What an account changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The order was not known.
    New,
    /// Something is known of it that was not.
    Changed,
    /// All of it was known.
    Same,
    /// The event had been told before.
    Repeated,
}

/// An order as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// Identity.
    pub id: OrderId,
    /// What is known of it.
    pub order: Order,
    /// When it was first heard of.
    pub created_at_ms: i64,
    /// When something of it changed.
    pub updated_at_ms: i64,
}

/// What was told of an order, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEvent {
    /// Who told it.
    pub source: Source,
    /// What happened.
    pub kind: String,
    /// When it happened.
    pub at_ms: i64,
    /// When we heard of it.
    pub received_at_ms: i64,
}

/// Which orders are listed.
#[derive(Debug, Clone, Copy)]
pub struct OrderQuery<'a> {
    /// Of this buyer.
    pub buyer: Option<&'a str>,
    /// That have come just so far.
    pub stage: Option<Stage>,
    /// Whose number begins so.
    pub number: Option<&'a str>,
    /// Bought there.
    pub platform: Option<Platform>,
    /// With this product among them.
    pub sku: Option<&'a str>,
    /// That were last true before.
    pub before_ms: i64,
    /// At most so many.
    pub limit: u32,
}

/// Selects orders `o`.
macro_rules! select {
    ($rest:literal) => {
        concat!("select o.id, o.body, o.created_at_ms, o.updated_at_ms from orders o ", $rest)
    };
}

fn read(row: &AnyRow) -> Result<OrderRow, StorageError> {
    Ok(OrderRow {
        id: row.col("id")?,
        order: row.json("body")?,
        created_at_ms: row.col("created_at_ms")?,
        updated_at_ms: row.col("updated_at_ms")?,
    })
}

/// Joins an account to what is known; says which order it is, and what it changed. An event that was told before
/// changes nothing, and its order is `None`.
pub async fn tell(tx: &mut Tx, shop: ShopId, account: &Account<'_>) -> Result<(Option<OrderId>, Change), StorageError> {
    let (event, now_ms) = (OrderId(tx.new_id()), tx.now_ms());
    let noted = sqlx::query(
        "insert into order_events (id, shop_id, event_id, source, kind, at_ms, received_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (shop_id, event_id) do nothing",
    )
    .bind(event)
    .bind(shop)
    .bind(account.event_id)
    .bind(account.source)
    .bind(account.kind)
    .bind(account.order.as_of_ms)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    if noted.rows_affected() == 0 {
        return Ok((None, Change::Repeated));
    }
    let (id, change, joined) = join(tx, shop, account.order).await?;
    sqlx::query("update order_events set order_id = $2 where id = $1 and shop_id = $3")
        .bind(event)
        .bind(id)
        .bind(shop)
        .execute(tx.connection())
        .await?;
    if let Some(buyer) = &account.order.buyer {
        super::products::see_buyer(tx, shop, &buyer.value).await?;
    }
    if change != Change::Same {
        super::commitments::propose_for_order(tx, shop, (id, &joined)).await?;
    }
    Ok((Some(id), change))
}

async fn join(tx: &mut Tx, shop: ShopId, told: &Order) -> Result<(OrderId, Change, Order), StorageError> {
    let (id, now_ms) = (OrderId(tx.new_id()), tx.now_ms());
    let OrderKey { platform, number } = &told.key;
    let added = sqlx::query(
        "insert into orders (id, shop_id, platform, number, body, as_of_ms, created_at_ms, updated_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict (shop_id, platform, number) do nothing",
    )
    .bind(id)
    .bind(shop)
    .bind(*platform)
    .bind(number)
    .bind(Json(told))
    .bind(told.as_of_ms)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    let is_new = added.rows_affected() == 1;
    // Held until the end of the transaction: whoever comes at the same time joins to what we leave.
    let row = sqlx::query(
        "update orders set number = number where shop_id = $1 and platform = $2 and number = $3 returning id, body",
    )
    .bind(shop)
    .bind(*platform)
    .bind(number)
    .fetch_one(tx.connection())
    .await?;
    let (id, known): (OrderId, Order) = (row.col("id")?, row.json("body")?);
    let joined = known.clone().join(told.clone());
    if joined == known && !is_new {
        return Ok((id, Change::Same, joined));
    }
    write(tx, shop, (id, &joined)).await?;
    Ok((id, if is_new { Change::New } else { Change::Changed }, joined))
}

async fn write(tx: &mut Tx, shop: ShopId, (id, order): (OrderId, &Order)) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    sqlx::query(
        "update orders set body = $3, buyer_id = $4, phone_last4 = $5, stage = $6, as_of_ms = $7, updated_at_ms = $8 \
         where shop_id = $1 and id = $2",
    )
    .bind(shop)
    .bind(id)
    .bind(Json(order))
    .bind(order.buyer.as_ref().map(|dated| dated.value.as_str()))
    .bind(order.phone_last4.as_ref().map(|dated| dated.value.as_str()))
    .bind(order.stage())
    .bind(order.as_of_ms)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One order.
pub async fn get(db: &Db, shop: ShopId, order: OrderId) -> Result<Option<OrderRow>, StorageError> {
    let row = sqlx::query(select!("where o.shop_id = $1 and o.id = $2"))
        .bind(shop)
        .bind(order)
        .fetch_optional(&db.readers)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The orders with this number; two platforms may have given the same one.
pub async fn by_number(db: &Db, shop: ShopId, number: &str) -> Result<Vec<OrderRow>, StorageError> {
    let rows = sqlx::query(select!("where o.shop_id = $1 and o.number = $2 order by o.as_of_ms desc, o.id"))
        .bind(shop)
        .bind(number)
        .fetch_all(&db.readers)
        .await?;
    rows.iter().map(read).collect()
}

/// The orders of a buyer, last changed first.
pub async fn of_buyer(db: &Db, shop: ShopId, buyer: &str, limit: u32) -> Result<Vec<OrderRow>, StorageError> {
    let any =
        OrderQuery { buyer: None, stage: None, number: None, platform: None, sku: None, before_ms: i64::MAX, limit };
    let query = OrderQuery { buyer: Some(buyer), ..any };
    list(db, shop, &query).await
}

/// Orders, last changed first.
pub async fn list(db: &Db, shop: ShopId, query: &OrderQuery<'_>) -> Result<Vec<OrderRow>, StorageError> {
    let plain = |text: &str| text.replace('"', "").replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let begins = query.number.map(|number| format!("{}%", plain(number)));
    // How a product stands in the JSON text.
    let has_sku = query.sku.map(|sku| format!("%\"sku\":\"{}\"%", plain(sku)));
    let rows = sqlx::query(select!(
        "where o.shop_id = $1 and ($2 is null or o.buyer_id = $2) and ($3 is null or o.stage = $3) \
         and ($4 is null or o.number like $4 escape '!') and o.as_of_ms < $5 \
         and ($7 is null or o.platform = $7) and ($8 is null or o.body like $8 escape '!') \
         order by o.as_of_ms desc, o.id limit $6"
    ))
    .bind(shop)
    .bind(query.buyer)
    .bind(query.stage)
    .bind(begins)
    .bind(query.before_ms)
    .bind(i64::from(query.limit))
    .bind(query.platform)
    .bind(has_sku)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// What was told of an order, first heard first.
pub async fn events(db: &Db, shop: ShopId, order: OrderId) -> Result<Vec<OrderEvent>, StorageError> {
    let rows = sqlx::query(
        "select source, kind, at_ms, received_at_ms from order_events where shop_id = $1 and order_id = $2 \
         order by received_at_ms, id",
    )
    .bind(shop)
    .bind(order)
    .fetch_all(&db.readers)
    .await?;
    let event = |row: &AnyRow| {
        Ok(OrderEvent {
            source: row.col("source")?,
            kind: row.col("kind")?,
            at_ms: row.col("at_ms")?,
            received_at_ms: row.col("received_at_ms")?,
        })
    };
    rows.iter().map(event).collect()
}

/// Cuts a buyer's orders loose: they stay, for the shop's books, and nobody's name or phone is on them, nor where the
/// parcel went: carriers write streets and who signed for it there. Says how many.
pub async fn forget_buyer(tx: &mut Tx, shop: ShopId, buyer: &str) -> Result<u64, StorageError> {
    let rows = sqlx::query(
        "update orders set number = number where shop_id = $1 and buyer_id = $2 \
         returning id, body, created_at_ms, updated_at_ms",
    )
    .bind(shop)
    .bind(buyer)
    .fetch_all(tx.connection())
    .await?;
    for row in &rows {
        let OrderRow { id, order, .. } = read(row)?;
        let loose = Order { buyer: None, phone_last4: None, remark: None, nodes: BTreeSet::new(), ..order };
        write(tx, shop, (id, &loose)).await?;
    }
    Ok(rows.len() as u64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::testing::{START_MS, Scratch, scratches, shop};
    use super::*;
    use crate::domain::order::{Dated, Node, Platform};

    fn order(number: &str, stage: Stage, at_ms: i64) -> Order {
        let key = OrderKey { platform: Platform::Jd, number: number.into() };
        Order {
            buyer: Some(Dated { at_ms, value: "b-1".into() }),
            phone_last4: Some(Dated { at_ms, value: "8000".into() }),
            nodes: BTreeSet::from([Node { at_ms, place: None, text: "已由门卫签收".into() }]),
            stages: BTreeMap::from([(stage, at_ms)]),
            ..Order::unknown(key, at_ms)
        }
    }

    async fn told(db: &Db, shop: ShopId, event_id: Option<&str>, order: &Order) -> (Option<OrderId>, Change) {
        let mut tx = db.begin().await.unwrap();
        let account = Account { source: Source::Webhook, kind: "order.x", event_id, order };
        let told = tell(&mut tx, shop, &account).await.unwrap();
        tx.commit().await.unwrap();
        told
    }

    #[tokio::test]
    async fn events_in_any_order_end_in_the_same_record() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let stages =
                [(Stage::Signed, START_MS + 30), (Stage::Paid, START_MS + 10), (Stage::Shipped, START_MS + 20)];
            let mut ids = vec![];
            for (stage, at_ms) in stages {
                ids.push(told(&db, mine, None, &order("1", stage, at_ms)).await);
            }
            assert_eq!((ids[0].1, ids[1].1), (Change::New, Change::Changed));
            let id = ids[0].0.unwrap();
            let row = get(&db, mine, id).await.unwrap().unwrap();
            assert_eq!((row.order.stage(), row.order.as_of_ms), (Some(Stage::Signed), START_MS + 30));
            assert_eq!(told(&db, mine, None, &order("1", Stage::Paid, START_MS + 10)).await, (Some(id), Change::Same));
            assert_eq!(get(&db, other, id).await.unwrap(), None);
            assert_eq!(by_number(&db, other, "1").await.unwrap(), []);
            assert_eq!(events(&db, mine, id).await.unwrap().len(), 4);
            assert_eq!(events(&db, other, id).await.unwrap(), []);
        }
    }

    #[tokio::test]
    async fn an_event_is_taken_once_and_each_shop_has_its_own() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let first = told(&db, mine, Some("e-1"), &order("1", Stage::Paid, START_MS)).await;
            assert_eq!(first.1, Change::New);
            let again = told(&db, mine, Some("e-1"), &order("1", Stage::Signed, START_MS + 9)).await;
            assert_eq!(again, (None, Change::Repeated));
            assert_eq!(told(&db, other, Some("e-1"), &order("1", Stage::Paid, START_MS)).await.1, Change::New);
            let row = get(&db, mine, first.0.unwrap()).await.unwrap().unwrap();
            assert_eq!(row.order.stage(), Some(Stage::Paid));
        }
    }

    #[tokio::test]
    async fn orders_are_found_by_buyer_stage_and_number_and_cut_loose_from_who_is_forgotten() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            for (number, stage, at_ms) in [("10", Stage::Paid, 1), ("11", Stage::Shipped, 2), ("20", Stage::Paid, 3)] {
                told(&db, mine, None, &order(number, stage, START_MS + at_ms)).await;
            }
            let any = OrderQuery {
                buyer: None,
                stage: None,
                number: None,
                platform: None,
                sku: None,
                before_ms: i64::MAX,
                limit: 10,
            };
            let numbers = async |shop, query: OrderQuery<'_>| {
                let rows = list(&db, shop, &query).await.unwrap();
                rows.into_iter().map(|row| row.order.key.number).collect::<Vec<_>>()
            };
            assert_eq!(numbers(mine, any).await, ["20", "11", "10"]);
            assert_eq!(numbers(mine, OrderQuery { stage: Some(Stage::Paid), ..any }).await, ["20", "10"]);
            assert_eq!(numbers(mine, OrderQuery { number: Some("1"), ..any }).await, ["11", "10"]);
            for sign in ["1%", "1_", "!"] {
                let none = numbers(mine, OrderQuery { number: Some(sign), ..any }).await;
                assert_eq!(none, Vec::<String>::new(), "{sign} is a sign like any other");
            }
            assert_eq!(numbers(mine, OrderQuery { buyer: Some("b-2"), ..any }).await, Vec::<String>::new());
            assert_eq!(numbers(other, any).await, Vec::<String>::new());
            let mut tx = db.begin().await.unwrap();
            assert_eq!(forget_buyer(&mut tx, other, "b-1").await.unwrap(), 0);
            assert_eq!(forget_buyer(&mut tx, mine, "b-1").await.unwrap(), 3);
            tx.commit().await.unwrap();
            assert_eq!(of_buyer(&db, mine, "b-1", 10).await.unwrap(), []);
            let row = &by_number(&db, mine, "10").await.unwrap()[0];
            assert_eq!((&row.order.buyer, &row.order.phone_last4), (&None, &None));
            assert!(row.order.nodes.is_empty(), "nobody's street");
        }
    }
}
