//! Amounts of money: whole minor units with their currency, never a fraction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nobody sells for more; beyond it somebody has typed a number of another column.
pub const MAX_MINOR: i64 = 100_000_000_000;

/// An amount.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// In the smallest unit of the currency: fen, cents.
    pub minor: i64,
    /// ISO 4217, such as `CNY`.
    pub currency: String,
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAmount {
    /// Less than nothing.
    Negative,
    /// No number, or with more digits behind the point than the currency has.
    Unreadable,
    /// More than [`MAX_MINOR`].
    TooLarge,
    /// Not three capital letters.
    Currency,
}

/// Digits behind the point.
fn n_decimals(currency: &str) -> usize {
    if matches!(currency, "JPY" | "KRW" | "VND" | "CLP") { 0 } else { 2 }
}

/// `cny`, `RMB`, `人民币` and `CNY` are one currency.
pub fn currency_of(text: &str) -> Option<String> {
    let upper = text.trim().to_uppercase();
    match upper.as_str() {
        "RMB" | "人民币" | "元" | "¥" | "￥" => Some("CNY".into()),
        "$" | "美元" => Some("USD".into()),
        "€" | "欧元" => Some("EUR".into()),
        _ if upper.len() == 3 && upper.bytes().all(|byte| byte.is_ascii_uppercase()) => Some(upper),
        _ => None,
    }
}

impl Money {
    /// An amount in minor units.
    pub fn new(minor: i64, currency: &str) -> Result<Self, NoAmount> {
        let currency = currency_of(currency).ok_or(NoAmount::Currency)?;
        match minor {
            ..0 => Err(NoAmount::Negative),
            0..=MAX_MINOR => Ok(Self { minor, currency }),
            _ => Err(NoAmount::TooLarge),
        }
    }

    /// Reads `1,299.00`, `¥399`, `399元`.
    pub fn parse(text: &str, currency: &str) -> Result<Self, NoAmount> {
        let currency = currency_of(currency).ok_or(NoAmount::Currency)?;
        let bare: String = text.trim().chars().filter(|c| !"¥￥$€元 ,，".contains(*c)).collect();
        if bare.starts_with(['-', '−', '(']) {
            return Err(NoAmount::Negative);
        }
        // Before the split below, which cuts by bytes and would panic inside a character: `12.5万`.
        if !bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(NoAmount::Unreadable);
        }
        let (whole, fraction) = bare.split_once('.').unwrap_or((&bare, ""));
        let decimals = n_decimals(&currency);
        let (kept, rest) = fraction.split_at(fraction.len().min(decimals));
        let is_number = !whole.is_empty()
            && whole.len() <= 12
            && kept.bytes().all(|byte| byte.is_ascii_digit())
            && rest.bytes().all(|byte| byte == b'0');
        if !is_number {
            return Err(NoAmount::Unreadable);
        }
        let digits = format!("{whole}{kept:0<decimals$}");
        let minor = digits.parse().map_err(|_| NoAmount::Unreadable)?;
        Self::new(minor, &currency)
    }

    /// `399.00`, without the currency.
    pub fn amount(&self) -> String {
        match n_decimals(&self.currency) {
            0 => self.minor.to_string(),
            _ => format!("{}.{:02}", self.minor / 100, self.minor % 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_sheets_write_them() {
        for (text, minor) in [("399", 39_900), ("¥1,299.5", 129_950), ("0.01", 1), ("12元", 1200), ("7.100", 710)] {
            assert_eq!(Money::parse(text, "RMB").map(|money| money.minor), Ok(minor), "{text}");
        }
        assert_eq!(Money::parse("399", "JPY").map(|money| money.amount()), Ok("399".to_owned()));
        assert_eq!(Money::parse("399.5", "cny").map(|money| money.amount()), Ok("399.50".to_owned()));
    }

    #[test]
    fn what_is_no_amount_is_told_apart() {
        assert_eq!(Money::parse("-5", "CNY"), Err(NoAmount::Negative));
        assert_eq!(Money::new(-1, "CNY"), Err(NoAmount::Negative));
        for text in ["", "free", "1.2.3", "1.234", ".5", "1e5", "９９", "12.5万", "12.5块", "1.５0", "1..5"] {
            assert_eq!(Money::parse(text, "CNY"), Err(NoAmount::Unreadable), "{text}");
        }
        assert_eq!(Money::parse("99999999999", "CNY"), Err(NoAmount::TooLarge));
        assert_eq!(Money::parse("5", "gold"), Err(NoAmount::Currency));
    }
}
