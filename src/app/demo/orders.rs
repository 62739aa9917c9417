//! A few orders of the demo shop, as its warehouse would have told them today: one on its way, one that arrived, one
//! that waits to be shipped.

use std::collections::BTreeMap;

use anyhow::anyhow;

use crate::domain::ids::ShopId;
use crate::domain::order::{Node, Order, Stage};
use crate::domain::order_input::{LineInput, OrderInput};
use crate::storage::Tx;
use crate::storage::orders::{self, Account, Source};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// The phone number of whoever tries the demo; the storefront names its last four digits.
const PHONE: &str = "13900008000";

/// A thing that was bought, and for how much (in fen).
type Bought = (&'static str, &'static str, i64);
const FRYER: Bought = ("AF-500-WH", "空气炸锅 AF-500 白色", 39_900);
const HEADPHONES: Bought = ("HP-20-BK", "降噪耳机 Quiet 20 黑色", 59_900);
const POWER_BANK: Bought = ("PB-10-PK", "充电宝 PB-10 粉色", 12_900);

/// Tells the orders to the shop's records.
pub(super) async fn tell(tx: &mut Tx, shop: ShopId) -> anyhow::Result<()> {
    for order in orders(tx.now_ms())? {
        let account = Account { source: Source::Api, kind: "told", event_id: None, order: &order };
        orders::tell(tx, shop, &account).await?;
    }
    Ok(())
}

fn orders(now_ms: i64) -> anyhow::Result<Vec<Order>> {
    let ago = |hours: i64| now_ms - hours * HOUR_MS;
    let node = |hours: i64, place: &str, text: &str| Node {
        at_ms: ago(hours),
        place: Some(place.to_owned()),
        text: text.to_owned(),
    };
    let way = [
        node(20, "杭州", "已揽收"),
        node(12, "杭州转运中心", "已发出，下一站上海转运中心"),
        node(3, "上海转运中心", "已到达"),
    ];
    let home = [node(80, "杭州", "已揽收"), node(30, "上海浦东网点", "已签收，签收人：本人")];
    let inputs = [
        OrderInput {
            nodes: way.to_vec(),
            ..order("SZ2026001", Stage::Shipped, &[(Stage::Paid, ago(26)), (Stage::Shipped, ago(20))], HEADPHONES)
        },
        OrderInput {
            nodes: home.to_vec(),
            ..order("SZ2026002", Stage::Signed, &[(Stage::Shipped, ago(80)), (Stage::Signed, ago(30))], FRYER)
        },
        OrderInput {
            promised_ship_at_ms: Some(now_ms + 20 * HOUR_MS),
            ..order("SZ2026003", Stage::Paid, &[(Stage::Paid, ago(2))], POWER_BANK)
        },
    ];
    inputs.iter().map(|input| input.check(now_ms).map_err(|refusal| anyhow!("a demo order: {refusal:?}"))).collect()
}

fn order(number: &str, status: Stage, reached: &[(Stage, i64)], (sku, title, amount): Bought) -> OrderInput {
    let (sku, title) = (Some(sku.to_owned()), title.to_owned());
    let has_left = status != Stage::Paid;
    OrderInput {
        number: number.to_owned(),
        phone: Some(PHONE.to_owned()),
        status: Some(status),
        reached_ms: BTreeMap::from_iter(reached.iter().copied()),
        total_minor: Some(amount),
        lines: vec![LineInput { sku, title, amount_minor: Some(amount), ..LineInput::default() }],
        carrier: has_left.then(|| "顺丰速运".to_owned()),
        tracking: has_left.then(|| format!("SF{}", number.trim_start_matches("SZ"))),
        ..OrderInput::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_the_demo_is_one_that_a_shop_could_tell() {
        let stages: Vec<_> = orders(1_767_225_600_000).unwrap().iter().map(Order::stage).collect();
        assert_eq!(stages, [Some(Stage::Shipped), Some(Stage::Signed), Some(Stage::Paid)]);
    }
}
