//! What a buyer is told of an order: only what the record confirms, as a card and as a text.
//!
//! # Why
//! Nothing here is generated. The card is a copy of the record at the moment of answering and is stored with the reply,
//! so that what was said can be checked a year later. It holds nothing by which somebody else could be found: no name,
//! no address, no phone number, no amount.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{told_day, told_moment};
use crate::domain::ids::OrderId;
use crate::domain::order::{Node, Order, Platform, Stage};
use crate::domain::text::Lang;

/// A product on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardItem {
    /// What it is called.
    pub title: String,
    /// How many.
    pub quantity: u32,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// The buyer pays.
    Payment,
    /// The shop ships it.
    Shipping,
    /// The carrier delivers it.
    Delivery,
    /// Nothing.
    Nothing,
}

/// An order as a buyer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCard {
    /// Which order.
    pub order: OrderId,
    /// Where it was bought.
    pub platform: Platform,
    /// Its number there.
    pub number: String,
    /// How far it has come.
    pub stage: Stage,
    /// When it got there, where the record says so.
    pub stage_ms: Option<i64>,
    /// What was bought, at most three positions.
    pub items: Vec<CardItem>,
    /// How many positions more.
    pub n_more_items: usize,
    /// Where the parcel was last seen.
    pub last: Option<Node>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking: Option<String>,
    /// Until when it is promised to be shipped, while it is not.
    pub promised_ship_at_ms: Option<i64>,
    /// What comes next.
    pub next: NextStep,
    /// How old all this is.
    pub as_of_ms: i64,
    /// In which language the text is.
    pub lang: Lang,
    /// The shop's clock, in minutes east of UTC.
    pub utc_offset_min: i64,
}

const MAX_ITEMS: usize = 3;

impl OrderCard {
    /// The card of an order; `None` if the record does not say how far it has come.
    pub fn of(id: OrderId, order: &Order, (lang, utc_offset_min): (Lang, i64)) -> Option<Self> {
        let stage = order.stage()?;
        let is_under_way = matches!(stage, Stage::Shipped | Stage::Signed);
        let parcel = order.parcel.as_ref().map(|dated| &dated.value).filter(|_| is_under_way);
        let items = order.lines().iter().take(MAX_ITEMS);
        Some(Self {
            order: id,
            platform: order.key.platform,
            number: order.key.number.clone(),
            stage,
            stage_ms: order.reached_ms(stage),
            items: items.map(|line| CardItem { title: line.title.clone(), quantity: line.quantity }).collect(),
            n_more_items: order.lines().len().saturating_sub(MAX_ITEMS),
            last: order.nodes.last().filter(|_| is_under_way).cloned(),
            carrier: parcel.and_then(|parcel| parcel.carrier.clone()),
            tracking: parcel.and_then(|parcel| parcel.tracking.clone()),
            promised_ship_at_ms: order
                .promised_ship_at_ms
                .as_ref()
                .map(|dated| dated.value)
                .filter(|_| stage == Stage::Paid),
            next: match stage {
                Stage::Created => NextStep::Payment,
                Stage::Paid => NextStep::Shipping,
                Stage::Shipped => NextStep::Delivery,
                Stage::Signed | Stage::Cancelled | Stage::Refunded => NextStep::Nothing,
            },
            as_of_ms: order.as_of_ms,
            lang,
            utc_offset_min,
        })
    }

    /// The same as a text, for whoever sees no card.
    pub fn to_text(&self) -> String {
        let mut lines = vec![self.headline()];
        let names: Vec<String> = self.items.iter().map(|item| format!("{} ×{}", item.title, item.quantity)).collect();
        if !names.is_empty() {
            lines.push(names.join(if self.lang == Lang::Zh { "、" } else { ", " }));
        }
        if let Some(last) = &self.last {
            let at = self.moment(last.at_ms);
            let place = last.place.as_deref().unwrap_or_default();
            lines.push(match (self.lang, place) {
                (Lang::Zh, "") => format!("最新物流（{at}）：{}", last.text),
                (Lang::Zh, place) => format!("最新物流（{at}，{place}）：{}", last.text),
                (Lang::En, "") => format!("Last seen ({at}): {}", last.text),
                (Lang::En, place) => format!("Last seen ({at}, {place}): {}", last.text),
            });
        }
        lines.extend(self.parcel_line());
        lines.extend(self.next_line());
        let at = self.moment(self.as_of_ms);
        lines.push(match self.lang {
            Lang::Zh => format!("以上为{at}的记录。"),
            Lang::En => format!("This is what the record says as of {at}."),
        });
        lines.join("\n")
    }

    fn moment(&self, at_ms: i64) -> String {
        told_moment(at_ms, self.utc_offset_min, self.lang)
    }

    fn headline(&self) -> String {
        let number = &self.number;
        let since = self.stage_ms.map(|at_ms| self.moment(at_ms));
        match self.lang {
            Lang::Zh => {
                let stage = match self.stage {
                    Stage::Created => "已下单，待付款",
                    Stage::Paid => "已付款，待发货",
                    Stage::Shipped => "已发货，运输中",
                    Stage::Signed => "已签收",
                    Stage::Cancelled => "已取消",
                    Stage::Refunded => "已退款",
                };
                format!("订单 {number}：{stage}{}", since.map(|at| format!("（{at}）")).unwrap_or_default())
            }
            Lang::En => {
                let stage = match self.stage {
                    Stage::Created => "placed, waiting for payment",
                    Stage::Paid => "paid, waiting to be shipped",
                    Stage::Shipped => "shipped, on its way",
                    Stage::Signed => "delivered",
                    Stage::Cancelled => "cancelled",
                    Stage::Refunded => "refunded",
                };
                format!("Order {number}: {stage}{}", since.map(|at| format!(" ({at})")).unwrap_or_default())
            }
        }
    }

    fn parcel_line(&self) -> Option<String> {
        let parts: Vec<&str> = [&self.carrier, &self.tracking].into_iter().flatten().map(String::as_str).collect();
        let (zh, en) = ("快递：", "Carrier: ");
        let label = if self.lang == Lang::Zh { zh } else { en };
        (!parts.is_empty()).then(|| format!("{label}{}", parts.join(" ")))
    }

    fn next_line(&self) -> Option<String> {
        let promised = self.promised_ship_at_ms.map(|at_ms| told_day(at_ms, self.utc_offset_min, self.lang));
        Some(match (self.next, self.lang, promised) {
            (NextStep::Nothing, _, _) => return None,
            (NextStep::Payment, Lang::Zh, _) => "下一步：付款。".into(),
            (NextStep::Payment, Lang::En, _) => "Next: payment.".into(),
            (NextStep::Shipping, Lang::Zh, Some(day)) => format!("下一步：发货，订单记录的最晚发货日为{day}。"),
            (NextStep::Shipping, Lang::Zh, None) => "下一步：发货。".into(),
            (NextStep::Shipping, Lang::En, Some(day)) => format!("Next: shipping; the order says by {day}."),
            (NextStep::Shipping, Lang::En, None) => "Next: shipping.".into(),
            (NextStep::Delivery, Lang::Zh, _) => "下一步：派送签收。".into(),
            (NextStep::Delivery, Lang::En, _) => "Next: delivery.".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::domain::order::tests::key;
    use crate::domain::order::{Dated, Parcel};

    const AT_MS: i64 = 1_767_225_600_000;
    const ID: OrderId = OrderId(Uuid::nil());

    fn shipped() -> Order {
        let parcel = Parcel { carrier: Some("顺丰".into()), tracking: Some("SF123".into()) };
        let node =
            Node { at_ms: AT_MS + 3_600_000, place: Some("杭州".into()), text: "已到达杭州转运中心".into() };
        Order {
            stages: BTreeMap::from([(Stage::Paid, AT_MS - 5), (Stage::Shipped, AT_MS)]),
            nodes: [node].into(),
            parcel: Some(Dated { at_ms: AT_MS, value: parcel }),
            phone_last4: Some(Dated { at_ms: AT_MS, value: "8000".into() }),
            promised_ship_at_ms: Some(Dated { at_ms: AT_MS, value: AT_MS }),
            ..Order::unknown(key(), AT_MS + 3_600_000)
        }
    }

    #[test]
    fn a_card_says_what_the_record_says_and_nothing_else() {
        let card = OrderCard::of(ID, &shipped(), (Lang::Zh, 480)).unwrap();
        let text = card.to_text();
        assert_eq!(
            text,
            "订单 20261123001：已发货，运输中（1月1日 08:00）\n最新物流（1月1日 09:00，杭州）：已到达杭州转运中心\n\
             快递：顺丰 SF123\n下一步：派送签收。\n以上为1月1日 09:00的记录。"
        );
        assert!(!serde_json::to_string(&card).unwrap().contains("8000"), "nothing to find a buyer by");
    }

    #[test]
    fn before_it_is_shipped_the_promised_day_is_told_and_no_parcel() {
        let mut order = shipped();
        order.stages.remove(&Stage::Shipped);
        let card = OrderCard::of(ID, &order, (Lang::En, 0)).unwrap();
        assert_eq!((card.last.as_ref(), card.carrier.as_ref()), (None, None));
        assert!(card.to_text().contains("Next: shipping; the order says by 1 Jan."), "{}", card.to_text());
    }

    #[test]
    fn a_record_that_does_not_say_how_far_it_is_makes_no_card() {
        assert_eq!(OrderCard::of(ID, &Order::unknown(key(), AT_MS), (Lang::En, 0)), None);
    }
}
