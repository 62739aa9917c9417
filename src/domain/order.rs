//! Orders: what the shop's other systems say of them, put together in whatever order it comes in.
//!
//! # Why
//! Events arrive late, twice and out of order, and a sheet may tell the same again. So an order is a set of facts, each
//! with the time it was true at, and two accounts of an order are put together fact by fact: **the fact with the later
//! time stays; of two of the same time the further stage, or else the greater value, stays.** That makes putting
//! together commutative, associative and idempotent, and a test says so: what stands in the end does not depend on what
//! came first.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::money::Money;

/// Nodes that are kept of a parcel, the newest.
const MAX_NODES: usize = 100;

/// Where it was bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// 淘宝.
    Taobao,
    /// 天猫.
    Tmall,
    /// 拼多多.
    Pdd,
    /// 京东.
    Jd,
    /// 抖音.
    Douyin,
    /// 快手.
    Kuaishou,
    /// 唯品会.
    Vip,
    /// The shop's own site.
    #[default]
    Own,
    /// Anywhere else.
    Other,
}

impl Platform {
    /// The platform of a name as sheets write it.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name.trim().to_lowercase().as_str() {
            "taobao" | "淘宝" | "淘宝网" => Self::Taobao,
            "tmall" | "天猫" => Self::Tmall,
            "pdd" | "pinduoduo" | "拼多多" => Self::Pdd,
            "jd" | "jingdong" | "京东" => Self::Jd,
            "douyin" | "抖音" | "抖店" => Self::Douyin,
            "kuaishou" | "快手" => Self::Kuaishou,
            "vip" | "vipshop" | "唯品会" => Self::Vip,
            "own" | "自营" | "官网" | "商城" => Self::Own,
            "other" | "其他" => Self::Other,
            _ => return None,
        })
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Taobao => "taobao",
            Self::Tmall => "tmall",
            Self::Pdd => "pdd",
            Self::Jd => "jd",
            Self::Douyin => "douyin",
            Self::Kuaishou => "kuaishou",
            Self::Vip => "vip",
            Self::Own => "own",
            Self::Other => "other",
        }
    }
}

/// Whether what is said for these platforms holds on this one. None named means all; where it is not known on which the
/// buyer is, everything holds.
pub fn holds_on(named: &[Platform], here: Option<Platform>) -> bool {
    named.is_empty() || here.is_none_or(|here| named.contains(&here))
}

/// How far an order has come; later ones are further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Placed, not paid.
    Created,
    /// Paid, not shipped.
    Paid,
    /// On its way.
    Shipped,
    /// The buyer has it.
    Signed,
    /// It will not be fulfilled.
    Cancelled,
    /// The money went back.
    Refunded,
}

impl Stage {
    /// The stage of a status as sheets write it.
    pub fn of(text: &str) -> Option<Self> {
        Some(match text.trim().to_lowercase().as_str() {
            "created" | "unpaid" | "pending payment" | "待付款" | "等待买家付款" | "未付款" | "待支付" => {
                Self::Created
            }
            "paid"
            | "to ship"
            | "待发货"
            | "已付款"
            | "买家已付款"
            | "等待卖家发货"
            | "买家已付款,等待卖家发货"
            | "买家已付款，等待卖家发货" => Self::Paid,
            "shipped"
            | "in transit"
            | "已发货"
            | "卖家已发货"
            | "运输中"
            | "待收货"
            | "等待买家确认收货"
            | "卖家已发货,等待买家确认"
            | "卖家已发货，等待买家确认" => Self::Shipped,
            "signed" | "delivered" | "completed" | "已签收" | "交易成功" | "已完成" | "已收货" => {
                Self::Signed
            }
            "cancelled" | "canceled" | "closed" | "已取消" | "交易关闭" | "已关闭" => Self::Cancelled,
            "refunded" | "已退款" | "退款成功" => Self::Refunded,
            _ => return None,
        })
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Signed => "signed",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }
}

/// A fact with the time it was true at. The later one is the greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dated<T> {
    /// When it was true.
    pub at_ms: i64,
    /// What.
    pub value: T,
}

/// One position of an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The shop's number of the product, if it is told.
    pub sku: Option<String>,
    /// What it is called.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// What all of them cost, if it is told.
    pub amount: Option<Money>,
    /// The product's kind, for the rules of returns.
    #[serde(default)]
    pub category: Option<String>,
}

/// A place that a parcel came by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// When.
    pub at_ms: i64,
    /// Where, if it is told.
    #[serde(default)]
    pub place: Option<String>,
    /// What the carrier says.
    pub text: String,
}

/// Who carries it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Parcel {
    /// 顺丰, DHL.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking: Option<String>,
}

/// What an order is known by, within a shop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// Where it was bought.
    pub platform: Platform,
    /// Its number there.
    pub number: String,
}

/// What is known of an order: all of it, or what one event tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What it is known by.
    pub key: OrderKey,
    /// The shop's own id of the buyer.
    pub buyer: Option<Dated<String>>,
    /// The last four digits of the phone number on the parcel. More of it is never kept.
    pub phone_last4: Option<Dated<String>>,
    /// What was bought.
    pub lines: Option<Dated<Vec<Line>>>,
    /// What it costs.
    pub total: Option<Dated<Money>>,
    /// Who carries it.
    pub parcel: Option<Dated<Parcel>>,
    /// Until when the shop has promised to ship it.
    pub promised_ship_at_ms: Option<Dated<i64>>,
    /// What the buyer or the shop noted on it.
    pub remark: Option<Dated<String>>,
    /// How far it had come when somebody looked, without saying since when.
    pub status: Option<Dated<Stage>>,
    /// When each stage was reached, as last told.
    pub stages: BTreeMap<Stage, i64>,
    /// Where the parcel came by, oldest first.
    pub nodes: BTreeSet<Node>,
    /// The newest time at which anything of this was true.
    pub as_of_ms: i64,
}

impl Order {
    /// Nothing is known but that it exists.
    pub fn unknown(key: OrderKey, as_of_ms: i64) -> Self {
        Self {
            key,
            buyer: None,
            phone_last4: None,
            lines: None,
            total: None,
            parcel: None,
            promised_ship_at_ms: None,
            remark: None,
            status: None,
            stages: BTreeMap::new(),
            nodes: BTreeSet::new(),
            as_of_ms,
        }
    }

    /// Puts two accounts of an order together, by the rule above.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        for (stage, at_ms) in other.stages {
            let known = self.stages.entry(stage).or_insert(at_ms);
            *known = at_ms.max(*known);
        }
        self.nodes.extend(other.nodes);
        while self.nodes.len() > MAX_NODES {
            self.nodes.pop_first();
        }
        Self {
            buyer: self.buyer.max(other.buyer),
            phone_last4: self.phone_last4.max(other.phone_last4),
            lines: self.lines.max(other.lines),
            total: self.total.max(other.total),
            parcel: self.parcel.max(other.parcel),
            promised_ship_at_ms: self.promised_ship_at_ms.max(other.promised_ship_at_ms),
            remark: self.remark.max(other.remark),
            status: self.status.max(other.status),
            as_of_ms: self.as_of_ms.max(other.as_of_ms),
            ..self
        }
    }

    /// How far it has come: the stage with the newest time, the further one of two of the same time.
    pub fn stage(&self) -> Option<Stage> {
        let reached = self.stages.iter().map(|(stage, at_ms)| (*at_ms, *stage));
        let seen = self.status.iter().map(|dated| (dated.at_ms, dated.value));
        reached.chain(seen).max().map(|(_, stage)| stage)
    }

    /// When it reached a stage; `None` also where only somebody saw it there later.
    pub fn reached_ms(&self, stage: Stage) -> Option<i64> {
        self.stages.get(&stage).copied()
    }

    /// The positions; none where nothing was told of them.
    pub fn lines(&self) -> &[Line] {
        self.lines.as_ref().map_or(&[], |dated| &dated.value)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn key() -> OrderKey {
        OrderKey { platform: Platform::Taobao, number: "20261123001".into() }
    }

    fn any_order() -> impl Strategy<Value = Order> {
        let stage = proptest::sample::select(vec![Stage::Created, Stage::Paid, Stage::Shipped, Stage::Signed]);
        let node = (0..9i64, "[a-c]").prop_map(|(at_ms, text)| Node { at_ms, place: None, text });
        let parcel = (0..9i64, "[x-z]")
            .prop_map(|(at_ms, name)| Dated { at_ms, value: Parcel { carrier: Some(name), tracking: None } });
        let facts = (
            proptest::option::of((0..9i64, stage.clone()).prop_map(|(at_ms, value)| Dated { at_ms, value })),
            proptest::collection::btree_map(stage, 0..9i64, 0..3),
            proptest::collection::btree_set(node, 0..3),
            proptest::option::of(parcel),
            0..9i64,
        );
        facts.prop_map(|(status, stages, nodes, parcel, as_of_ms)| Order {
            status,
            stages,
            nodes,
            parcel,
            ..Order::unknown(key(), as_of_ms)
        })
    }

    proptest! {
        #[test]
        fn what_stands_in_the_end_does_not_depend_on_what_came_first(
            events in proptest::collection::vec(any_order(), 1..6),
            turn in 0usize..6,
        ) {
            let all = |events: &[Order]| events.iter().cloned().reduce(Order::join).unwrap();
            let mut shuffled = events.clone();
            shuffled.rotate_left(turn % events.len());
            shuffled.reverse();
            prop_assert_eq!(all(&shuffled), all(&events));
            let twice: Vec<Order> = events.iter().chain(&events).cloned().collect();
            prop_assert_eq!(all(&twice), all(&events), "told twice is told once");
        }
    }

    #[test]
    fn an_older_event_that_comes_late_turns_nothing_back() {
        let at = |stage, at_ms| Order { stages: BTreeMap::from([(stage, at_ms)]), ..Order::unknown(key(), at_ms) };
        let signed = at(Stage::Shipped, 20).join(at(Stage::Signed, 30));
        let late = signed.clone().join(at(Stage::Paid, 10));
        assert_eq!((late.stage(), late.as_of_ms, late.reached_ms(Stage::Paid)), (Some(Stage::Signed), 30, Some(10)));
        assert_eq!(at(Stage::Signed, 30).join(at(Stage::Shipped, 30)).stage(), Some(Stage::Signed), "the further one");
        assert_eq!(Order::unknown(key(), 1).stage(), None);
    }

    #[test]
    fn only_the_newest_nodes_are_kept() {
        let node = |at_ms| Node { at_ms, place: None, text: "x".into() };
        let many = Order { nodes: (0..300).map(node).collect(), ..Order::unknown(key(), 1) };
        let joined = many.clone().join(many);
        assert_eq!((joined.nodes.len(), joined.nodes.first().map(|node| node.at_ms)), (MAX_NODES, Some(200)));
    }
}
