//! A look at a promise that the server takes by itself: when it is due, and what it came to.
//!
//! Pure: the time comes in, a night goes out. A night that the server slept through is made up for when it wakes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ShopId;
use crate::domain::text::Lang;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Checks begin at two in the morning.
const BEGIN_MS: i64 = 2 * HOUR_MS;
/// And are spread over three hours, or all shops of a server would be checked in the same minute.
const SPREAD_MS: i64 = 3 * HOUR_MS;

/// So many new labels are worth a look before the night.
pub const MANY_LABELS: u32 = 50;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The proof is in force, and there are too few new labels for another.
    StillHolds,
    /// It was proven anew, with the same bar or another.
    Renewed,
    /// There was no proof in force, and now there is.
    Proven,
    /// There was a proof in force, and now there is none.
    Lost,
    /// There was none, and there is none.
    NotProven,
}

impl Finding {
    /// Whether there is a proof in force after it.
    pub fn is_in_force(self) -> bool {
        match self {
            Self::StillHolds | Self::Renewed | Self::Proven => true,
            Self::Lost | Self::NotProven => false,
        }
    }
}

/// Why there is no proof in force any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Model, prompts, scorer or retrieval were changed.
    PipelineChanged,
    /// Too many audited answers were wrong.
    Alarm,
    /// Ops ended it.
    ByHand,
    /// Its time is over, or it was used for as many answers as it was good for.
    Expired,
    /// Something else is promised now, or more is.
    OtherPromise,
    /// With many more labels it cannot be proven any more.
    NotProvenAgain,
}

/// What a check found, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Details {
    /// The bar before.
    pub bar_from: Option<f64>,
    /// The bar now.
    pub bar_to: Option<f64>,
    /// Why it was lost.
    pub because: Option<Because>,
    /// Labelled answers that count.
    pub n_rows: u32,
    /// How many there were at the last attempt at a proof.
    pub n_rows_tried: u32,
    /// So many more are needed: for another proof where one is in force, else for the first, without a loss among them.
    pub n_more: Option<u32>,
    /// Of drafts that score at least this.
    pub above: Option<f64>,
}

/// The day whose night check is due last, in days since 1970 where the shop is. `offset_ms` is how far its clocks are
/// ahead of UTC.
pub fn night(now_ms: i64, offset_ms: i64, shop: ShopId) -> i64 {
    (now_ms + offset_ms - BEGIN_MS - lot_ms(shop)).div_euclid(DAY_MS)
}

/// Where in the night a shop has its turn: always the same.
fn lot_ms(shop: ShopId) -> i64 {
    // The low half of the id is random, and the remainder fits.
    (shop.0.as_u128() as u64 % SPREAD_MS.unsigned_abs()) as i64
}

/// How far a shop's clocks are ahead of UTC, by the language of its people, until somebody says where it is: China, or
/// Greenwich. It only decides when the server looks.
pub fn usual_offset_ms(locale: Lang) -> i64 {
    match locale {
        Lang::Zh => 8 * HOUR_MS,
        Lang::En => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn shop(id: u128) -> ShopId {
        ShopId(Uuid::from_u128(id))
    }

    #[test]
    fn the_night_begins_at_two_where_the_shop_is() {
        let two = 10 * DAY_MS + 2 * HOUR_MS;
        assert_eq!((night(two - 1, 0, shop(0)), night(two, 0, shop(0))), (9, 10));
        let in_china = two - 8 * HOUR_MS;
        assert_eq!((night(in_china - 1, 8 * HOUR_MS, shop(0)), night(in_china, 8 * HOUR_MS, shop(0))), (9, 10));
    }

    proptest! {
        #[test]
        fn every_shop_has_one_check_a_day_within_three_hours(id: u128, day in 0i64..50_000) {
            let (before, after) = (day * DAY_MS + BEGIN_MS, day * DAY_MS + BEGIN_MS + SPREAD_MS);
            prop_assert!(night(before - 1, 0, shop(id)) == day - 1);
            prop_assert!(night(after, 0, shop(id)) == day);
            prop_assert!(night(after + DAY_MS, 0, shop(id)) == day + 1);
        }
    }
}
