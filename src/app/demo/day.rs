//! A day of the demo shop, planned: who looks, buys, asks and complains when, and what agents make of the drafts.
//!
//! # Why
//! The plan is a pure function of a seed, so that the same seed is the same day on every machine, and a day that shows a
//! fault can be played again. Whoever plays it (`kefu demo --traffic`) adds nothing but the clock and the network.

mod said;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub use said::{own_words, politeness};

use crate::domain::conversation::Simulated;
use crate::domain::order::Stage;
use crate::domain::text::Lang;
use crate::domain::turn::RejectReason;

/// The shop is open from 9 to 21.
pub const OPENS_S: u32 = 9 * HOUR_S;
/// One past its last second.
pub const CLOSES_S: u32 = 21 * HOUR_S;
const HOUR_S: u32 = 60 * 60;
const MINUTE_S: u32 = 60;

/// How busy each hour from 9 on is, beside the others: a peak before noon, one after dinner.
const BUSY: [u32; 12] = [4, 7, 10, 8, 5, 6, 8, 7, 6, 7, 11, 9];

/// A thing of the shop: number, title, price in fen, category.
pub struct Thing {
    pub sku: &'static str,
    pub title: &'static str,
    pub price_minor: i64,
    pub category: &'static str,
}

/// What the shop sells, as `knowledge/samples` knows it.
pub const THINGS: [Thing; 6] = [
    Thing { sku: "AF-500-BK", title: "空气炸锅 AF-500 黑色", price_minor: 39_900, category: "kitchen" },
    Thing { sku: "AF-500-WH", title: "空气炸锅 AF-500 白色", price_minor: 40_900, category: "kitchen" },
    Thing { sku: "HP-20-BK", title: "降噪耳机 Quiet 20 黑色", price_minor: 59_900, category: "audio" },
    Thing { sku: "HP-20-SV", title: "降噪耳机 Quiet 20 银色", price_minor: 59_900, category: "audio" },
    Thing { sku: "PB-10-BK", title: "充电宝 PB-10 黑色", price_minor: 12_900, category: "power" },
    Thing { sku: "CB-01", title: "USB-C 编织线 1 米", price_minor: 2_900, category: "power" },
];

/// How large a day is.
#[derive(Debug, Clone, Copy)]
pub struct DayOptions {
    /// The same is the same day.
    pub seed: u64,
    /// Buyers who ask something.
    pub n_chats: usize,
    /// Of these, how many the real model answers.
    pub n_by_model: usize,
}

/// What somebody asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Product,
    Shop,
    SmallTalk,
    Angry,
    Order,
    Return,
    /// Something that no document of the shop answers.
    Unknown,
}

/// What an agent makes of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    Accept,
    EditLightly,
    EditHeavily,
    Reject(RejectReason),
}

/// A buyer's conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Whose; each buyer asks once a day.
    pub buyer: usize,
    pub lang: Lang,
    pub theme: Theme,
    pub sku: &'static str,
    pub answered_by: Simulated,
    /// What an agent makes of a draft that is held, and how many seconds of the day that takes.
    pub review: Review,
    pub review_s: u32,
}

/// An order, and the buyer who placed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// Two days with other seeds have other numbers.
    pub number: String,
    pub buyer: usize,
    pub thing: usize,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A buyer looks at a thing.
    View { buyer: usize, sku: &'static str },
    /// An order reaches a stage.
    Reach { order: usize, stage: Stage },
    /// Its parcel comes by somewhere.
    Node { order: usize, nth: u32, place: &'static str, text: &'static str },
    /// A buyer writes.
    Say { chat: usize, text: String },
    /// A buyer likes the last answer, or does not.
    Thumbs { chat: usize, is_up: bool },
}

/// Something that happens at a time of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Seconds after midnight.
    pub at_s: u32,
    pub what: What,
}

/// A whole day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    pub chats: Vec<Chat>,
    pub orders: Vec<Purchase>,
    /// In the order of time.
    pub acts: Vec<Act>,
}

/// Plans a day.
pub fn plan(options: &DayOptions) -> Day {
    let mut dice = StdRng::seed_from_u64(options.seed);
    let mut day = Day { chats: vec![], orders: vec![], acts: vec![] };
    // Spread over the day, not the first ones: a visitor who stays for a minute meets one.
    let by_model_every = options.n_chats.checked_div(options.n_by_model).unwrap_or(usize::MAX);
    for n in 0..options.n_chats {
        let is_by_model =
            by_model_every != usize::MAX && n % by_model_every == 0 && n / by_model_every < options.n_by_model;
        let answered_by = if is_by_model { Simulated::Model } else { Simulated::Scripted };
        visit(&mut day, &mut dice, (options.seed, answered_by));
    }
    day.acts.sort_by_key(|act| act.at_s);
    day
}

/// One buyer's day: looks, asks, perhaps buys, perhaps comes back.
fn visit(day: &mut Day, dice: &mut StdRng, (seed, answered_by): (u64, Simulated)) {
    let buyer = day.chats.len();
    let at_s = moment(dice);
    let thing = dice.random_range(0..THINGS.len());
    let sku = THINGS[thing].sku;
    let theme = theme(dice);
    let lang = if dice.random_bool(0.2) { Lang::En } else { Lang::Zh };
    let mut act = |at_s: u32, what: What| day.acts.push(Act { at_s: at_s.min(CLOSES_S - 1), what });
    act(at_s.saturating_sub(2 * MINUTE_S), What::View { buyer, sku });
    let has_order = matches!(theme, Theme::Order | Theme::Return);
    let buys = has_order || (matches!(theme, Theme::Product | Theme::Shop) && dice.random_bool(0.45));
    let order = buys.then_some(day.orders.len());
    if let Some(order) = order {
        let bought_s = if has_order { at_s.saturating_sub(90 * MINUTE_S).max(OPENS_S) } else { at_s + 8 * MINUTE_S };
        let comes_back = theme == Theme::Return && dice.random_bool(0.5);
        for (after_s, what) in fate(order, (comes_back, theme == Theme::Return), dice) {
            act(bought_s + after_s, what);
        }
    }
    let pick = |dice: &mut StdRng, theme| {
        let lines = said::lines(theme, lang);
        lines[dice.random_range(0..lines.len())]
    };
    let number = order.map(|order| format!("SIM{:04}{:04}", seed % 10_000, order + 1)).unwrap_or_default();
    let chat = buyer;
    if theme != Theme::SmallTalk && dice.random_bool(0.15) {
        act(at_s, What::Say { chat, text: pick(dice, Theme::SmallTalk).to_owned() });
    }
    act(at_s + 40, What::Say { chat, text: pick(dice, theme).replace("{order}", &number) });
    if dice.random_bool(0.3) {
        let follow = if theme == Theme::Product { Theme::Shop } else { theme };
        let later_s = at_s + dice.random_range(4..20) * MINUTE_S;
        act(later_s, What::Say { chat, text: pick(dice, follow).replace("{order}", &number) });
    }
    if dice.random_bool(0.35) {
        act(at_s + 30 * MINUTE_S, What::Thumbs { chat, is_up: theme != Theme::Angry && dice.random_bool(0.85) });
    }
    day.chats.push(Chat { buyer, lang, theme, sku, answered_by, review: review(dice), review_s: patience(dice) });
    day.orders.extend(order.map(|_| Purchase { number, buyer, thing }));
}

/// A time of the day, busy hours more often.
fn moment(dice: &mut StdRng) -> u32 {
    let mut left = dice.random_range(0..BUSY.iter().sum::<u32>());
    let hour = BUSY.iter().position(|&weight| {
        let is_here = left < weight;
        left = left.saturating_sub(weight);
        is_here
    });
    let hour = u32::try_from(hour.unwrap_or(0)).unwrap_or(0);
    OPENS_S + hour * HOUR_S + dice.random_range(0..HOUR_S)
}

fn theme(dice: &mut StdRng) -> Theme {
    match dice.random_range(0..100) {
        0..34 => Theme::Product,
        34..56 => Theme::Shop,
        56..61 => Theme::SmallTalk,
        61..66 => Theme::Angry,
        66..82 => Theme::Order,
        82..93 => Theme::Return,
        _ => Theme::Unknown,
    }
}

/// As agents of a shop do: most drafts go as they are, some get a greeting, few are wrong.
fn review(dice: &mut StdRng) -> Review {
    match dice.random_range(0..100) {
        0..62 => Review::Accept,
        62..78 => Review::EditLightly,
        78..88 => Review::EditHeavily,
        88..94 => Review::Reject(RejectReason::Wrong),
        94..97 => Review::Reject(RejectReason::ShouldNotAnswer),
        _ => Review::Reject(RejectReason::Tone),
    }
}

/// Seconds until an agent gets to a draft: mostly soon, now and then too late.
fn patience(dice: &mut StdRng) -> u32 {
    match dice.random_range(0..100) {
        0..70 => dice.random_range(20..150),
        70..92 => dice.random_range(150..420),
        _ => dice.random_range(420..1_800),
    }
}

/// What becomes of an order, in seconds after it was placed.
fn fate(order: usize, (comes_back, has_arrived): (bool, bool), dice: &mut StdRng) -> Vec<(u32, What)> {
    let reach = |stage| What::Reach { order, stage };
    let node = |nth, place, text| What::Node { order, nth, place, text };
    let mut acts = vec![(0, reach(Stage::Created))];
    if dice.random_bool(0.1) {
        return acts;
    }
    acts.push((3 * MINUTE_S, reach(Stage::Paid)));
    if has_arrived || dice.random_bool(0.7) {
        acts.push((30 * MINUTE_S, reach(Stage::Shipped)));
        acts.push((40 * MINUTE_S, node(1, "杭州", "已揽收")));
        acts.push((60 * MINUTE_S, node(2, "杭州转运中心", "已发出，下一站上海转运中心")));
    }
    if has_arrived || dice.random_bool(0.3) {
        acts.push((80 * MINUTE_S, reach(Stage::Signed)));
    }
    if comes_back {
        acts.push((170 * MINUTE_S, reach(Stage::Refunded)));
    }
    acts
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: DayOptions = DayOptions { seed: 7, n_chats: 80, n_by_model: 6 };

    #[test]
    fn the_same_seed_is_the_same_day_and_another_is_another() {
        assert_eq!(plan(&OPTIONS), plan(&OPTIONS));
        assert_ne!(plan(&OPTIONS), plan(&DayOptions { seed: 8, ..OPTIONS }));
    }

    #[test]
    fn a_day_has_everything_a_shop_has_and_happens_in_order() {
        let day = plan(&OPTIONS);
        assert!(day.acts.is_sorted_by_key(|act| act.at_s));
        assert!(day.acts.iter().all(|act| (OPENS_S - 2 * MINUTE_S..CLOSES_S).contains(&act.at_s)));
        assert_eq!(day.chats.len(), 80);
        assert_eq!(day.chats.iter().filter(|chat| chat.answered_by == Simulated::Model).count(), 6);
        for theme in
            [Theme::Product, Theme::Shop, Theme::SmallTalk, Theme::Angry, Theme::Order, Theme::Return, Theme::Unknown]
        {
            assert!(day.chats.iter().any(|chat| chat.theme == theme), "{theme:?}");
        }
        for stage in [Stage::Created, Stage::Paid, Stage::Shipped, Stage::Signed, Stage::Refunded] {
            let is_reached = |act: &Act| matches!(act.what, What::Reach { stage: reached, .. } if reached == stage);
            assert!(day.acts.iter().any(is_reached), "{stage:?}");
        }
    }

    #[test]
    fn a_buyer_asks_about_an_order_that_exists() {
        let day = plan(&OPTIONS);
        for act in &day.acts {
            let What::Say { chat, text } = &act.what else { continue };
            assert!(!text.contains('{'), "{text}");
            if text.contains("SIM") {
                let order = day.orders.iter().find(|order| text.contains(&order.number)).unwrap();
                assert_eq!(order.buyer, day.chats[*chat].buyer);
            }
        }
    }
}
