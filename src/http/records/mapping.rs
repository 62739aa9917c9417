//! The seam for shop platforms: a table that says how a platform calls things, and what they are to us.
//!
//! # Why
//! Every way in ends at the same contract: the API, sheets and webhooks all become [`OrderInput`] or a [`HookEvent`], and
//! one rule decides what may become a record. A platform differs from ours in names, units and the way it writes a time,
//! which is data and not code: a shop's table of a few lines turns its events into ours, and a new platform needs no new
//! release. What a table cannot say (a signature of the platform's own, a call for details) belongs to a small relay of
//! the shop, which signs what it passes on.
//!
//! [`OrderInput`]: crate::domain::order_input::OrderInput
//! [`HookEvent`]: super::hooks::HookEvent

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::calendar::parse_moment;
use crate::domain::money::Money;
use crate::domain::order::Platform;

/// How a platform writes times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// Seconds since 1970.
    UnixS,
    /// Milliseconds since 1970.
    UnixMs,
    /// `2026-01-31 13:05:00`, where the shop is.
    Text,
}

/// How a platform writes amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Amounts {
    /// `12900`: cents, fen.
    Minor,
    /// `129.00`: dollars, yuan.
    Major,
}

/// A field of ours that a platform may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Number,
    Buyer,
    Phone,
    /// An amount.
    Total,
    Currency,
    Carrier,
    Tracking,
    /// A time.
    PromisedShipAt,
    Remark,
    /// Of a look at a product.
    Sku,
}

/// Where the positions of an order are; the paths inside begin at a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// The list.
    list: String,
    /// What it is called.
    title: String,
    #[serde(default)]
    sku: Option<String>,
    #[serde(default)]
    quantity: Option<String>,
    #[serde(default)]
    amount: Option<String>,
}

/// How a platform's events become ours. Paths are JSON pointers: `/content/tid`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    platform: Platform,
    /// Where an event says what happened.
    event: String,
    /// What the platform's events are to us: `order.paid`. Others are taken note of and change nothing.
    kinds: BTreeMap<String, Kind>,
    /// Where an event says when it happened.
    at: String,
    times: Times,
    amounts: Amounts,
    /// Where our fields are.
    fields: BTreeMap<Field, String>,
    #[serde(default)]
    lines: Option<Lines>,
}

/// What happens to orders and products, as [`super::hooks::HookEvent`] calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    #[serde(rename = "product.viewed")]
    ProductViewed,
    #[serde(rename = "order.created")]
    Created,
    #[serde(rename = "order.paid")]
    Paid,
    #[serde(rename = "order.shipped")]
    Shipped,
    #[serde(rename = "order.node")]
    Node,
    #[serde(rename = "order.signed")]
    Signed,
    #[serde(rename = "order.cancelled")]
    Cancelled,
    #[serde(rename = "order.refunded")]
    Refunded,
}

/// What an event, or a table, lacks. Told to the shop's developer, who has to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error("`{0}` is no path: it begins with `/`")]
    NoPath(String),
    #[error("the table does not say where `{0}` is")]
    NotMapped(&'static str),
    #[error("the event has nothing, or nothing readable, at `{0}`")]
    Unreadable(String),
}

impl Mapping {
    /// Fails for a table that no event could pass.
    pub fn validate(&self) -> Result<(), MappingError> {
        let lines = self.lines.iter().flat_map(|lines| {
            [Some(&lines.list), Some(&lines.title), lines.sku.as_ref(), lines.quantity.as_ref(), lines.amount.as_ref()]
        });
        let paths = [Some(&self.event), Some(&self.at)].into_iter().chain(self.fields.values().map(Some)).chain(lines);
        if let Some(path) = paths.flatten().find(|path| !path.starts_with('/')) {
            return Err(MappingError::NoPath(path.clone()));
        }
        match self.fields.contains_key(&Field::Number) {
            true => Ok(()),
            false => Err(MappingError::NotMapped("number")),
        }
    }

    /// The event as one of ours, in the JSON of [`super::hooks::HookEvent`]; `None` if the table leaves this kind out.
    pub fn translate(&self, event: &Value, utc_offset_min: i64) -> Result<Option<Value>, MappingError> {
        let name = self.text(event, &self.event)?.ok_or_else(|| MappingError::Unreadable(self.event.clone()))?;
        let Some(kind) = self.kinds.get(&name) else { return Ok(None) };
        let at_ms = self.time(event, &self.at, utc_offset_min)?;
        let at_ms = at_ms.ok_or_else(|| MappingError::Unreadable(self.at.clone()))?;
        let field = |field: Field| self.fields.get(&field).map(|path| self.text(event, path)).transpose();
        if *kind == Kind::ProductViewed {
            let need = |got: Option<Option<String>>, name| got.flatten().ok_or(MappingError::NotMapped(name));
            let (buyer, sku) = (need(field(Field::Buyer)?, "buyer")?, need(field(Field::Sku)?, "sku")?);
            return Ok(Some(json!({ "type": kind, "at_ms": at_ms, "buyer": buyer, "sku": sku })));
        }
        let mut order = Map::from_iter([("platform".to_owned(), json!(self.platform))]);
        for (field, path) in &self.fields {
            let (name, value) = match field {
                Field::Sku => continue,
                Field::Total => ("total_minor", self.amount(event, path)?.map(Value::from)),
                Field::PromisedShipAt => {
                    ("promised_ship_at_ms", self.time(event, path, utc_offset_min)?.map(Value::from))
                }
                Field::Number => ("number", self.text(event, path)?.map(Value::from)),
                Field::Buyer => ("buyer", self.text(event, path)?.map(Value::from)),
                Field::Phone => ("phone", self.text(event, path)?.map(Value::from)),
                Field::Currency => ("currency", self.text(event, path)?.map(Value::from)),
                Field::Carrier => ("carrier", self.text(event, path)?.map(Value::from)),
                Field::Tracking => ("tracking", self.text(event, path)?.map(Value::from)),
                Field::Remark => ("remark", self.text(event, path)?.map(Value::from)),
            };
            order.extend(value.map(|value| (name.to_owned(), value)));
        }
        if let Some(lines) = self.lines(event)? {
            order.insert("lines".to_owned(), lines);
        }
        Ok(Some(json!({ "type": kind, "at_ms": at_ms, "order": order })))
    }

    fn lines(&self, event: &Value) -> Result<Option<Value>, MappingError> {
        let Some(lines) = &self.lines else { return Ok(None) };
        let Some(list) = event.pointer(&lines.list).filter(|list| !list.is_null()) else { return Ok(None) };
        let list = list.as_array().ok_or_else(|| MappingError::Unreadable(lines.list.clone()))?;
        let optional = |line: &Value, path: &Option<String>| match path {
            Some(path) => self.text(line, path),
            None => Ok(None),
        };
        let line = |line: &Value| {
            let mut told = Map::from_iter([("title".to_owned(), json!(self.text(line, &lines.title)?))]);
            told.extend(optional(line, &lines.sku)?.map(|sku| ("sku".to_owned(), json!(sku))));
            if let Some(path) = &lines.quantity {
                let quantity = self.text(line, path)?;
                let number = quantity.map(|text| text.parse::<u32>());
                let number = number.transpose().map_err(|_| MappingError::Unreadable(path.clone()))?;
                told.extend(number.map(|number| ("quantity".to_owned(), json!(number))));
            }
            if let Some(path) = &lines.amount {
                told.extend(self.amount(line, path)?.map(|minor| ("amount_minor".to_owned(), json!(minor))));
            }
            Ok(Value::Object(told))
        };
        list.iter().map(line).collect::<Result<Vec<_>, _>>().map(|lines| Some(Value::Array(lines)))
    }

    /// What stands at a path, as a text. A number stays as it is written: the number of an order may be one.
    fn text(&self, event: &Value, path: &str) -> Result<Option<String>, MappingError> {
        match event.pointer(path) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(MappingError::Unreadable(path.to_owned())),
        }
    }

    fn time(&self, event: &Value, path: &str, utc_offset_min: i64) -> Result<Option<i64>, MappingError> {
        let Some(text) = self.text(event, path)? else { return Ok(None) };
        let at_ms = match self.times {
            Times::UnixS => text.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1000)),
            Times::UnixMs => text.parse().ok(),
            Times::Text => parse_moment(&text, utc_offset_min),
        };
        at_ms.map(Some).ok_or_else(|| MappingError::Unreadable(path.to_owned()))
    }

    fn amount(&self, event: &Value, path: &str) -> Result<Option<i64>, MappingError> {
        let Some(text) = self.text(event, path)? else { return Ok(None) };
        let minor = match self.amounts {
            Amounts::Minor => text.parse().ok(),
            Amounts::Major => {
                let currency = self.fields.get(&Field::Currency).map(|path| self.text(event, path)).transpose()?;
                let currency = currency.flatten().unwrap_or_else(|| "CNY".to_owned());
                Money::parse(&text, &currency).ok().map(|money| money.minor)
            }
        };
        minor.map(Some).ok_or_else(|| MappingError::Unreadable(path.to_owned()))
    }
}

/// A table for the trade messages of Taobao and Tmall, to begin with.
pub fn example() -> Value {
    json!({
        "platform": "taobao",
        "event": "/topic",
        "kinds": {
            "taobao_trade_TradeCreate": "order.created",
            "taobao_trade_TradeBuyerPay": "order.paid",
            "taobao_trade_TradeSellerShip": "order.shipped",
            "taobao_trade_TradeSuccess": "order.signed",
            "taobao_trade_TradeClose": "order.cancelled",
            "taobao_refund_RefundSuccess": "order.refunded",
        },
        "at": "/pub_time",
        "times": "text",
        "amounts": "major",
        "fields": { "number": "/content/tid", "buyer": "/content/buyer_open_uid", "total": "/content/payment" },
        "lines": { "list": "/content/orders", "title": "/title", "sku": "/outer_sku_id", "quantity": "/num",
            "amount": "/payment" },
    })
}

#[cfg(test)]
mod tests;
