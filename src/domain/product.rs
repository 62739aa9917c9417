//! What a shop sells, as far as a conversation needs to know.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::money::Money;
use crate::domain::order::Platform;

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// Where it is sold.
    pub platform: Platform,
    /// The shop's number of it.
    pub sku: String,
    /// What it is called.
    pub title: String,
    /// What it costs.
    pub price: Option<Money>,
    /// Its kind, for the rules of returns.
    pub category: Option<String>,
    /// Its page.
    pub url: Option<String>,
}
