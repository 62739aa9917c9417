//! What a message is about, coarsely: ops set bars and modes by topic.

use std::sync::LazyLock;

use regex::RegexSet;

use crate::retrieve::query::fold;

/// Topics with their patterns; the first that matches is it.
const TOPICS: &[(&str, &str)] = &[
    ("returns", r"退货|退款|换货|退换|退掉|保修|维修|返修|售后|\b(return|refund|exchange|warrant|repair|replacement)"),
    (
        "delivery",
        r"快递|物流|发货|配送|送货|到货|包邮|运费|邮费|签收|\b(shipping|ship|deliver|parcel|courier|postage|dispatch)",
    ),
    (
        "payment",
        r"付款|支付|发票|账单|分期|优惠券|折扣|价格|多少钱|\b(pay|paid|invoice|receipt|price|cost|discount|coupon|voucher|billing)",
    ),
    ("size", r"尺码|尺寸|码数|多大|偏大|偏小|身高|体重|\b(size|sizing|fit|measurement|length|width)\b"),
    (
        "account",
        r"账号|帐号|账户|帐户|密码|登录|注册|会员|积分|\b(account|password|log ?in|sign ?(in|up)|register|member|points)\b",
    ),
];

static RULES: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new(TOPICS.iter().map(|(_, pattern)| pattern)).expect("constant patterns that the tests run")
});

/// Everything that is about none of the shop's routines is about a product.
const PRODUCT: &str = "product";

/// The topic of a message: a stable code.
pub fn topic(message: &str) -> &'static str {
    RULES.matches(&fold(message)).iter().next().map_or(PRODUCT, |first| TOPICS[first].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routines_of_a_shop_are_told_apart() {
        for (message, expected) in [
            ("怎么退货？运费谁出", "returns"),
            ("How long does shipping take?", "delivery"),
            ("可以开发票吗", "payment"),
            ("身高175穿什么码数", "size"),
            ("I forgot my password", "account"),
            ("怎么连接蓝牙音箱", "product"),
            ("Does it support HDMI?", "product"),
        ] {
            assert_eq!(topic(message), expected, "{message}");
        }
    }
}
