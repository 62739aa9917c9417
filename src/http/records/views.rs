//! Orders as people of the shop see them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::{Line, Node, Parcel, Platform, Stage};
use crate::storage::orders::OrderRow;

/// An order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderView {
    id: OrderId,
    platform: Platform,
    number: String,
    /// The shop's own id of the buyer.
    buyer: Option<String>,
    phone_last4: Option<String>,
    stage: Option<Stage>,
    /// When it reached each stage, where that was told.
    reached_ms: BTreeMap<Stage, i64>,
    lines: Vec<Line>,
    total: Option<Money>,
    parcel: Option<Parcel>,
    promised_ship_at_ms: Option<i64>,
    remark: Option<String>,
    /// Oldest first.
    nodes: Vec<Node>,
    /// The newest time at which anything of this was true.
    as_of_ms: i64,
    updated_at_ms: i64,
}

impl From<OrderRow> for OrderView {
    fn from(row: OrderRow) -> Self {
        let OrderRow { id, order, updated_at_ms, .. } = row;
        Self {
            id,
            platform: order.key.platform,
            stage: order.stage(),
            number: order.key.number,
            buyer: order.buyer.map(|dated| dated.value),
            phone_last4: order.phone_last4.map(|dated| dated.value),
            reached_ms: order.stages,
            lines: order.lines.map(|dated| dated.value).unwrap_or_default(),
            total: order.total.map(|dated| dated.value),
            parcel: order.parcel.map(|dated| dated.value),
            promised_ship_at_ms: order.promised_ship_at_ms.map(|dated| dated.value),
            remark: order.remark.map(|dated| dated.value),
            nodes: order.nodes.into_iter().collect(),
            as_of_ms: order.as_of_ms,
            updated_at_ms,
        }
    }
}
