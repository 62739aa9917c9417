//! Personal data in a text: phones, identity cards, bank cards, mail addresses, plates, accounts of messengers, postal
//! addresses.
//!
//! # Why
//! Whatever leaves the conversation (a log line, a prompt to somebody else's model) must not carry who the buyer is.
//! Numbers with a checksum are checked, so that the numbers a shop lives by (orders, parcels, articles) stay readable.
//! No recogniser that we could have taken knows the Chinese kinds.

mod address;
mod numbers;

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::text::{Lang, Span};

/// What kind of data it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Chinese resident identity card.
    IdCard,
    /// Bank card.
    BankCard,
    /// Mail address.
    Email,
    /// Mobile, landline, or international number.
    Phone,
    /// Number plate of a car.
    Plate,
    /// Account of WeChat or QQ.
    Messenger,
    /// Where somebody lives.
    Address,
}

impl Kind {
    /// What stands in its place.
    pub fn placeholder(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::IdCard => ("[身份证号]", "[id card]"),
            Self::BankCard => ("[银行卡号]", "[bank card]"),
            Self::Email => ("[邮箱]", "[e-mail]"),
            Self::Phone => ("[电话]", "[phone]"),
            Self::Plate => ("[车牌号]", "[plate]"),
            Self::Messenger => ("[社交账号]", "[messenger account]"),
            Self::Address => ("[地址]", "[address]"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// Something that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

static EMAIL: LazyLock<Regex> = LazyLock::new(|| compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+"));
static PLATE: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·• ]?\
         (?:[A-HJ-NP-Z0-9]{5,6}|[A-HJ-NP-Z0-9]{4}[挂学警港澳])",
    )
});
static MESSENGER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)(?:微信|wechat|weixin|\bwx|\bvx|[v微]信|qq|扣扣)(?:号码?|账号|id|\s*account)?\s*(?:是|为|is|[:：=])?\s*([a-z][a-z0-9_\-]{5,19}|[1-9][0-9]{4,10})",
    )
});

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns are constants and the tests run all of them")
}

/// What personal data there is, in order; nothing overlaps.
pub fn find(text: &str) -> Vec<Found> {
    let narrow = Narrow::new(text);
    let mut found: Vec<Found> = Vec::new();
    let mut add = |kind: Kind, span: Span| {
        let is_free = found.iter().all(|known| known.span.end <= span.start || span.end <= known.span.start);
        if is_free && span.start < span.end {
            found.push(Found { kind, span });
        }
    };
    // The surest first: what overlaps with it is something else.
    EMAIL.find_iter(&narrow.text).for_each(|hit| add(Kind::Email, span(hit.start(), hit.end())));
    numbers::id_cards(&narrow.text).into_iter().for_each(|hit| add(Kind::IdCard, hit));
    numbers::bank_cards(&narrow.text).into_iter().for_each(|hit| add(Kind::BankCard, hit));
    for hit in MESSENGER.captures_iter(&narrow.text).filter_map(|hit| hit.get(1)) {
        if !is_inside_a_word(&narrow.text, hit.end()) {
            add(Kind::Messenger, span(hit.start(), hit.end()));
        }
    }
    numbers::phones(&narrow.text).into_iter().for_each(|hit| add(Kind::Phone, hit));
    for hit in PLATE.find_iter(&narrow.text) {
        let has_digits = hit.as_str().bytes().filter(u8::is_ascii_digit).count() >= 2;
        if has_digits && !is_inside_a_word(&narrow.text, hit.end()) {
            add(Kind::Plate, span(hit.start(), hit.end()));
        }
    }
    address::addresses(&narrow.text).into_iter().for_each(|hit| add(Kind::Address, hit));
    found.sort_by_key(|one| one.span.start);
    found.iter().map(|one| Found { span: narrow.original(one.span), ..*one }).collect()
}

/// The text with a placeholder for each piece of personal data.
pub fn mask(text: &str) -> String {
    cover(text, &find(text))
}

/// The text with a placeholder for each piece that was `found` in it, or in a text of the same length.
pub fn cover(text: &str, found: &[Found]) -> String {
    let (lang, mut out, mut end) = (Lang::of(text), String::with_capacity(text.len()), 0);
    for one in found {
        out.push_str(&text[end..one.span.start]);
        out.push_str(one.kind.placeholder(lang));
        end = one.span.end;
    }
    out.push_str(&text[end..]);
    out
}

fn span(start: usize, end: usize) -> Span {
    Span { start, end }
}

fn is_inside_a_word(text: &str, end: usize) -> bool {
    text[end..].starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// A text with narrow letters and digits, which knows where each byte came from.
struct Narrow {
    text: String,
    origins: Vec<usize>,
}

impl Narrow {
    fn new(text: &str) -> Self {
        let (mut narrow, mut origins) = (String::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
        for (at, c) in text.char_indices() {
            let c = match c {
                '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
                '\u{3000}' | '\u{a0}' => ' ',
                '\u{2010}'..='\u{2014}' | '\u{2212}' => '-',
                other => other,
            };
            narrow.push(c);
            origins.resize(narrow.len(), at);
        }
        origins.push(text.len());
        Self { text: narrow, origins }
    }

    fn original(&self, span: Span) -> Span {
        Span { start: self.origins[span.start], end: self.origins[span.end] }
    }
}

#[cfg(test)]
mod generated;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_is_masked_where_it_stands() {
        assert_eq!(
            mask("我叫小林，电话１３８　１２３４　５６７８，寄到浙江省杭州市西湖区文三路138号3栋502室，谢谢"),
            "我叫小林，电话[电话]，寄到[地址]，谢谢"
        );
        assert_eq!(mask("mail me at lin.x@shop.example.com or +44 20 7946 0958"), "mail me at [e-mail] or [phone]");
        assert_eq!(
            mask("身份证11010519491231002X，车牌京A·12345，微信号：wxid_lin88"),
            "身份证[身份证号]，车牌[车牌号]，微信号：[社交账号]"
        );
        assert_eq!(mask("卡号 6222 0212 3456 7890 128 已绑定"), "卡号 [银行卡号] 已绑定");
    }

    #[test]
    fn what_a_shop_lives_by_stays_readable() {
        for text in [
            "订单号 13812345678 什么时候发货",
            "快递单号 SF1234567890123 到哪了",
            "订单 6222021234567890128 还没发货",
            "order no. 4111111111111111 is late",
            "7天无理由退货，满199减20，2026-01-31前有效",
            "请到3号门店2楼服务台，10号前领取",
            "型号 AF-500，净重 5.2kg，EAN 6901234567892",
            "客服热线 400-601-0101",
            "turn.id=01890a5d-ac96-774b-bcce-b302099a8057 at 1767225600000",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it_and_nothing_is_found_twice(text in "\\PC{0,60}") {
            let mut end = 0;
            for one in find(&text) {
                prop_assert!(one.span.start >= end && text.get(one.span.start..one.span.end).is_some());
                end = one.span.end;
            }
        }
    }
}
