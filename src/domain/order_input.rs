//! What is told of an order or a product from outside, before it is believed.
//!
//! The API, the webhooks and the sheets all end here, so that one rule decides what may become a record.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::DAY_MS;
use crate::domain::money::{Money, NoAmount};
use crate::domain::order::{Dated, Line, Node, Order, OrderKey, Parcel, Platform, Stage};
use crate::domain::product::Product;
use crate::domain::text::Lang;

/// Clocks of two systems may differ by this much; what lies further ahead would outrank every event to come.
const AHEAD_MS: i64 = 10 * 60 * 1000;
/// 2000-01-01: nothing that is older is an order of today's shops.
const EPOCH_MS: i64 = 946_684_800_000;
/// A promised day may lie so far ahead.
const PROMISE_MS: i64 = 366 * DAY_MS;
const MAX_NUMBER_CHARS: usize = 64;
const MAX_TEXT_CHARS: usize = 300;
const MAX_LINES: usize = 200;
const MAX_NODES: usize = 100;

/// Why a row, or an item of a request, is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowProblem {
    /// There is no order number, or product number.
    NumberMissing,
    /// The number has characters that no number has, or is too long.
    NumberInvalid,
    /// A spreadsheet has rounded the number: `6.90123E+17`.
    NumberRounded,
    /// The same again in the same file.
    Duplicate,
    /// A date that no calendar has, or that cannot be read.
    DateInvalid,
    /// A time in the future, or before 2000.
    DateImplausible,
    /// Less than nothing.
    AmountNegative,
    /// No amount.
    AmountInvalid,
    /// No currency.
    CurrencyInvalid,
    /// A quantity that is no whole number above zero.
    QuantityInvalid,
    /// A status that we do not know.
    StatusUnknown,
    /// A platform that we do not know.
    PlatformUnknown,
    /// The row is another shop's.
    OtherShop,
    /// Fewer than four digits.
    PhoneInvalid,
    /// There is no title.
    TitleMissing,
    /// A text that is too long, or more of something than an order can have.
    TooMuch,
    /// Another row of the same order was refused: half an order is no record.
    OrderIncomplete,
}

impl RowProblem {
    /// In words, for whoever has to mend the sheet.
    pub fn sentence(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::NumberMissing => ("缺少编号", "The number is missing"),
            Self::NumberInvalid => {
                ("编号含有不允许的字符或过长", "The number has characters that no number has, or is too long")
            }
            Self::NumberRounded => (
                "编号被表格软件改成了科学计数法，请将该列设为文本后重新导出",
                "The spreadsheet rounded the number; format the column as text and export again",
            ),
            Self::Duplicate => ("与文件中前面的行重复", "The same as a row above"),
            Self::DateInvalid => ("日期无法识别", "This is not a date that can be read"),
            Self::DateImplausible => ("日期在未来或过早", "The date lies in the future or too far back"),
            Self::AmountNegative => ("金额不能为负数", "An amount cannot be negative"),
            Self::AmountInvalid => ("金额无法识别", "This is not an amount"),
            Self::CurrencyInvalid => ("币种无法识别", "This is not a currency"),
            Self::QuantityInvalid => ("数量必须是大于零的整数", "A quantity is a whole number above zero"),
            Self::StatusUnknown => ("订单状态无法识别", "This status is not known"),
            Self::PlatformUnknown => ("平台无法识别", "This platform is not known"),
            Self::OtherShop => ("该行属于其他店铺", "This row belongs to another shop"),
            Self::PhoneInvalid => ("手机号不足四位数字", "A phone number has at least four digits"),
            Self::TitleMissing => ("缺少商品名称", "The title is missing"),
            Self::TooMuch => ("内容过长或过多", "Too long, or too many"),
            Self::OrderIncomplete => {
                ("同一订单的另一行有误，整单未导入", "Another row of this order was refused, so the order was left out")
            }
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// A problem and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// What is wrong.
    pub problem: RowProblem,
    /// In which field.
    pub field: String,
}

/// Refuses a field.
pub fn refuse<T>(problem: RowProblem, field: &str) -> Result<T, Refusal> {
    Err(Refusal { problem, field: field.to_owned() })
}

/// One position, as told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LineInput {
    /// The shop's number of the product.
    pub sku: Option<String>,
    /// What it is called.
    pub title: String,
    /// How many; 1 if left out.
    pub quantity: Option<u32>,
    /// What all of them cost, in minor units of the order's currency.
    pub amount_minor: Option<i64>,
    /// The product's kind.
    pub category: Option<String>,
}

/// An order, as told. What is left out stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrderInput {
    /// Where it was bought; `own` if left out.
    pub platform: Platform,
    /// Its number there.
    pub number: String,
    /// When all this was so. If left out, the latest moment that it names, as for a row of a sheet: one that is sent
    /// again gets no younger. Now if it names none. Of two accounts the later one counts.
    pub at_ms: Option<i64>,
    /// The shop's own id of the buyer, as it signs it.
    pub buyer: Option<String>,
    /// The phone number on the parcel; only its last four digits are kept.
    pub phone: Option<String>,
    /// How far it has come.
    pub status: Option<Stage>,
    /// When it reached each stage.
    pub reached_ms: BTreeMap<Stage, i64>,
    /// What it costs, in minor units.
    pub total_minor: Option<i64>,
    /// ISO 4217; `CNY` if left out.
    pub currency: Option<String>,
    /// What was bought; all positions.
    pub lines: Vec<LineInput>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking: Option<String>,
    /// Until when it is promised to be shipped.
    pub promised_ship_at_ms: Option<i64>,
    /// What was noted on it.
    pub remark: Option<String>,
    /// Where the parcel came by; added to what is known.
    pub nodes: Vec<Node>,
}

/// A product, as told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProductInput {
    /// Where it is sold; `own` if left out.
    pub platform: Platform,
    /// The shop's number of it.
    pub sku: String,
    /// What it is called.
    pub title: String,
    /// What it costs, in minor units.
    pub price_minor: Option<i64>,
    /// ISO 4217; `CNY` if left out.
    pub currency: Option<String>,
    /// Its kind, for the rules of returns.
    pub category: Option<String>,
    /// Its page; `https` only.
    pub url: Option<String>,
}

/// A number as it identifies something.
pub fn check_number(number: &str, field: &str) -> Result<String, Refusal> {
    let number = number.trim().trim_start_matches('\'').trim();
    if number.is_empty() {
        return refuse(RowProblem::NumberMissing, field);
    }
    let is_rounded = number.contains("E+") || number.contains("e+");
    if is_rounded {
        return refuse(RowProblem::NumberRounded, field);
    }
    let is_plain = |c: char| c.is_alphanumeric() || "-_./#".contains(c);
    if number.chars().count() > MAX_NUMBER_CHARS || !number.chars().all(is_plain) {
        return refuse(RowProblem::NumberInvalid, field);
    }
    Ok(number.to_owned())
}

/// The last four digits of a phone number.
pub fn last_four(phone: &str) -> Option<String> {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= 4).then(|| digits[digits.len() - 4..].iter().collect())
}

fn short_text(text: &str, field: &str) -> Result<Option<String>, Refusal> {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    match clean.trim() {
        "" => Ok(None),
        text if text.chars().count() > MAX_TEXT_CHARS => refuse(RowProblem::TooMuch, field),
        text => Ok(Some(text.to_owned())),
    }
}

fn optional(text: Option<&String>, field: &str) -> Result<Option<String>, Refusal> {
    text.map_or(Ok(None), |text| short_text(text, field))
}

fn money(minor: i64, currency: &str, field: &str) -> Result<Money, Refusal> {
    Money::new(minor, currency).or_else(|why| refuse(amount_problem(why), field))
}

/// What a wrong amount is called here.
pub fn amount_problem(why: NoAmount) -> RowProblem {
    match why {
        NoAmount::Negative => RowProblem::AmountNegative,
        NoAmount::Unreadable | NoAmount::TooLarge => RowProblem::AmountInvalid,
        NoAmount::Currency => RowProblem::CurrencyInvalid,
    }
}

impl OrderInput {
    /// What it says of the order, or the first thing that is wrong with it.
    pub fn check(&self, now_ms: i64) -> Result<Order, Refusal> {
        let past = |at_ms: i64, field: &str| match at_ms {
            EPOCH_MS.. if at_ms <= now_ms + AHEAD_MS => Ok(at_ms),
            _ => refuse(RowProblem::DateImplausible, field),
        };
        let at_ms = past(self.at_ms.or_else(|| self.newest_named_ms()).unwrap_or(now_ms), "at_ms")?;
        let key =
            OrderKey { platform: self.platform, number: check_number(&self.number, "number")?.to_ascii_uppercase() };
        let mut order = Order::unknown(key, at_ms);
        for (stage, reached_ms) in &self.reached_ms {
            order.stages.insert(*stage, past(*reached_ms, "reached_ms")?);
        }
        order.status = self.status.map(|value| Dated { at_ms, value });
        for node in self.nodes.iter().take(MAX_NODES + 1) {
            let at_ms = past(node.at_ms, "nodes")?;
            let Some(text) = short_text(&node.text, "nodes")? else { continue };
            order.nodes.insert(Node { at_ms, place: optional(node.place.as_ref(), "nodes")?, text });
        }
        if self.nodes.len() > MAX_NODES || self.lines.len() > MAX_LINES {
            return refuse(RowProblem::TooMuch, "lines");
        }
        self.add_facts(&mut order, (at_ms, now_ms))?;
        let newest = order.stages.values().chain(order.nodes.iter().map(|node| &node.at_ms)).copied().max();
        order.as_of_ms = newest.map_or(at_ms, |newest| newest.max(at_ms));
        Ok(order)
    }

    /// The latest moment at which something is said to have happened.
    fn newest_named_ms(&self) -> Option<i64> {
        self.reached_ms.values().chain(self.nodes.iter().map(|node| &node.at_ms)).copied().max()
    }

    fn add_facts(&self, order: &mut Order, (at_ms, now_ms): (i64, i64)) -> Result<(), Refusal> {
        let currency = self.currency.as_deref().unwrap_or("CNY");
        order.buyer = optional(self.buyer.as_ref(), "buyer")?.map(|value| Dated { at_ms, value });
        order.remark = optional(self.remark.as_ref(), "remark")?.map(|value| Dated { at_ms, value });
        if let Some(phone) = self.phone.as_deref().filter(|phone| !phone.trim().is_empty()) {
            let Some(value) = last_four(phone) else { return refuse(RowProblem::PhoneInvalid, "phone") };
            order.phone_last4 = Some(Dated { at_ms, value });
        }
        if let Some(minor) = self.total_minor {
            order.total = Some(Dated { at_ms, value: money(minor, currency, "total_minor")? });
        }
        if !self.lines.is_empty() {
            let lines: Result<Vec<Line>, Refusal> = self.lines.iter().map(|line| line.check(currency)).collect();
            order.lines = Some(Dated { at_ms, value: lines? });
        }
        let (carrier, tracking) =
            (optional(self.carrier.as_ref(), "carrier")?, optional(self.tracking.as_ref(), "tracking")?);
        if carrier.is_some() || tracking.is_some() {
            order.parcel = Some(Dated { at_ms, value: Parcel { carrier, tracking } });
        }
        if let Some(value) = self.promised_ship_at_ms {
            if !(EPOCH_MS..=now_ms + PROMISE_MS).contains(&value) {
                return refuse(RowProblem::DateImplausible, "promised_ship_at_ms");
            }
            order.promised_ship_at_ms = Some(Dated { at_ms, value });
        }
        Ok(())
    }
}

impl LineInput {
    fn check(&self, currency: &str) -> Result<Line, Refusal> {
        let Some(title) = short_text(&self.title, "title")? else {
            return refuse(RowProblem::TitleMissing, "title");
        };
        let quantity = self.quantity.unwrap_or(1);
        if quantity == 0 {
            return refuse(RowProblem::QuantityInvalid, "quantity");
        }
        let sku = match self.sku.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(sku) => Some(check_number(sku, "sku")?),
        };
        let amount = self.amount_minor.map(|minor| money(minor, currency, "amount_minor")).transpose()?;
        Ok(Line { sku, title, quantity, amount, category: optional(self.category.as_ref(), "category")? })
    }
}

impl ProductInput {
    /// The product, or the first thing that is wrong with it.
    pub fn check(&self) -> Result<Product, Refusal> {
        let sku = check_number(&self.sku, "sku")?;
        let Some(title) = short_text(&self.title, "title")? else {
            return refuse(RowProblem::TitleMissing, "title");
        };
        let currency = self.currency.as_deref().unwrap_or("CNY");
        let price = self.price_minor.map(|minor| money(minor, currency, "price_minor")).transpose()?;
        let url = optional(self.url.as_ref(), "url")?.filter(|url| url.starts_with("https://"));
        let category = optional(self.category.as_ref(), "category")?;
        Ok(Product { platform: self.platform, sku, title, price, category, url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_767_225_600_000;

    fn told() -> OrderInput {
        OrderInput { number: "20261123001".into(), ..OrderInput::default() }
    }

    #[track_caller]
    fn is_refused(input: &OrderInput, problem: RowProblem) {
        assert_eq!(input.check(NOW_MS).map_err(|refusal| refusal.problem), Err(problem));
    }

    #[test]
    fn of_a_phone_number_only_four_digits_are_kept() {
        let order = OrderInput { phone: Some("138-0013-8000".into()), ..told() }.check(NOW_MS).unwrap();
        assert_eq!(order.phone_last4.unwrap().value, "8000");
        is_refused(&OrderInput { phone: Some("12".into()), ..told() }, RowProblem::PhoneInvalid);
    }

    #[test]
    fn what_cannot_be_true_is_refused_by_name() {
        is_refused(&OrderInput { number: " ".into(), ..told() }, RowProblem::NumberMissing);
        is_refused(&OrderInput { number: "6.90123E+17".into(), ..told() }, RowProblem::NumberRounded);
        is_refused(&OrderInput { number: "1; drop table".into(), ..told() }, RowProblem::NumberInvalid);
        is_refused(&OrderInput { total_minor: Some(-1), ..told() }, RowProblem::AmountNegative);
        is_refused(&OrderInput { at_ms: Some(NOW_MS + DAY_MS), ..told() }, RowProblem::DateImplausible);
        is_refused(&OrderInput { at_ms: Some(0), ..told() }, RowProblem::DateImplausible);
        let line = LineInput { title: "锅".into(), quantity: Some(0), ..LineInput::default() };
        is_refused(&OrderInput { lines: vec![line], ..told() }, RowProblem::QuantityInvalid);
        is_refused(&OrderInput { lines: vec![LineInput::default()], ..told() }, RowProblem::TitleMissing);
    }

    #[test]
    fn a_status_says_since_when_only_if_it_was_told() {
        let input = OrderInput { status: Some(Stage::Signed), at_ms: Some(NOW_MS - 5), ..told() };
        let order = input.check(NOW_MS).unwrap();
        assert_eq!((order.stage(), order.as_of_ms), (Some(Stage::Signed), NOW_MS - 5));
        assert_eq!(order.reached_ms(Stage::Signed), None);
        let dated = OrderInput { reached_ms: BTreeMap::from([(Stage::Signed, NOW_MS - 9)]), ..input };
        assert_eq!(dated.check(NOW_MS).unwrap().reached_ms(Stage::Signed), Some(NOW_MS - 9));
    }

    #[test]
    fn an_account_that_is_sent_again_gets_no_younger() {
        let shipped_ms = NOW_MS - 9 * DAY_MS;
        let input = OrderInput { reached_ms: BTreeMap::from([(Stage::Shipped, shipped_ms)]), ..told() };
        assert_eq!(input.check(NOW_MS).unwrap().as_of_ms, shipped_ms);
        let passed = Node { at_ms: shipped_ms + 5, place: None, text: "At the hub".into() };
        assert_eq!(OrderInput { nodes: vec![passed], ..input.clone() }.check(NOW_MS).unwrap().as_of_ms, shipped_ms + 5);
        assert_eq!(OrderInput { at_ms: Some(NOW_MS), ..input }.check(NOW_MS).unwrap().as_of_ms, NOW_MS);
        assert_eq!(told().check(NOW_MS).unwrap().as_of_ms, NOW_MS, "it names no moment, so it is told of now");
        let future = OrderInput { reached_ms: BTreeMap::from([(Stage::Shipped, NOW_MS + DAY_MS)]), ..told() };
        is_refused(&future, RowProblem::DateImplausible);
    }

    #[test]
    fn only_safe_links_are_kept_of_a_product() {
        let product = |url: &str| {
            let input =
                ProductInput { sku: "AF".into(), title: "锅".into(), url: Some(url.into()), ..Default::default() };
            input.check().unwrap().url
        };
        assert_eq!(product("https://shop.example/af").as_deref(), Some("https://shop.example/af"));
        assert_eq!(product("javascript:alert(1)"), None);
    }
}
