//! Answers from the shop's records: where an order is, and what is done with a request to change it.
//!
//! # Why
//! No model is asked. What is told of an order is copied from its record; whose order it is was proven first, by the
//! shop's signature, for as long as it holds, or by the number together with the phone. Everything that is missing, old or doubtful ends with a
//! person, and nothing is sent unless ops allowed it for this very topic: see [`crate::domain::decision`].

use sha2::{Digest, Sha256};

use super::guard::{Intent, guard};
use super::phrases;
use super::wishes::{Named, Wish, change, is_only_codes, named, wish};
use crate::domain::decision::{Evidence, ORDER_REQUEST, ORDER_STATUS, Reason};
use crate::domain::encoding::HEX;
use crate::domain::ids::{ConversationId, ShopId};
use crate::domain::order::{Platform, Stage};
use crate::domain::order_card::OrderCard;
use crate::domain::record::{LookedUpBy, OrderLook};
use crate::domain::rules::RecordRules;
use crate::domain::score::Confidence;
use crate::domain::task::TaskKind;
use crate::domain::text::Lang;
use crate::storage::orders::{self, OrderRow};
use crate::storage::{Db, StorageError, buyers, lookups, rules};

/// Orders of a buyer that are looked at.
const MAX_ORDERS: u32 = 20;
/// Numbers that a buyer is asked to choose from.
const MAX_CHOICES: usize = 5;

/// A message that may be about an order.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Whose shop.
    pub shop: ShopId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// What the buyer wrote.
    pub message: &'a str,
    /// What the buyer had written before.
    pub previous: Option<&'a str>,
    /// The order that an agent vouches for, and the platform it was placed on.
    pub vouched: Option<(Platform, &'a str)>,
}

/// What the records say to a message.
#[derive(Debug, Clone, PartialEq)]
pub struct FromRecord {
    /// What the buyer would be told; none where a person has to.
    pub draft: Option<String>,
    /// What is shown beside it.
    pub card: Option<OrderCard>,
    /// What `decide` looks at.
    pub evidence: Evidence,
    /// What it rests on.
    pub look: OrderLook,
}

/// What was found of an order.
enum Found {
    /// The buyer's own.
    One(Box<OrderRow>, LookedUpBy),
    /// The buyer has several under way.
    Several(Vec<String>),
    /// Number or phone are missing.
    NotNamed,
    /// No order has both.
    NoMatch,
    /// Nothing is known, or there were too many wrong tries.
    Person,
}

/// Answers from the records; `None` if the message is not about them.
pub async fn answer(db: &Db, asked: &Asked<'_>) -> Result<Option<FromRecord>, StorageError> {
    let Some(wish) = wish_of(asked) else { return Ok(None) };
    let rules = rules::current(db, asked.shop).await?;
    let lang = language(asked);
    match wish {
        Wish::Change(kind) => Ok(Some(passed_on(find(db, asked).await?, kind, lang, &rules))),
        Wish::Status => Ok(Some(told(find(db, asked).await?, lang, &rules, db.now_ms()))),
    }
}

/// Numbers speak no language: an answer to our question for them is told in that of its other words, or of the question.
fn language(asked: &Asked<'_>) -> Lang {
    let words = |text: &str| text.chars().filter(|c| !c.is_numeric()).collect::<String>();
    let (now, before) = (words(asked.message), asked.previous.map(words).unwrap_or_default());
    Lang::of(if now.chars().any(char::is_alphabetic) { &now } else { &before })
}

/// A wish, if the guard has nothing against hearing it. Number and phone alone are the answer to our question for them;
/// with other words beside them (`那2000瓦的呢`) they are no order's.
fn wish_of(asked: &Asked<'_>) -> Option<Wish> {
    let status_before = || {
        let previous = asked.previous?;
        let was_status = guard(previous).intent == Intent::OwnOrder && wish(previous) == Some(Wish::Status);
        (is_only_codes(asked.message) && (was_status || is_only_codes(previous))).then_some(Wish::Status)
    };
    match guard(asked.message).intent {
        Intent::OwnOrder => wish(asked.message).or_else(status_before),
        Intent::Question => change(asked.message).map(Wish::Change).or_else(status_before),
        Intent::Greeting
        | Intent::Thanks
        | Intent::Goodbye
        | Intent::AsksForPerson
        | Intent::ReviewOnly(_)
        | Intent::Suspicious
        | Intent::Empty
        | Intent::EmojiOnly => None,
    }
}

async fn find(db: &Db, asked: &Asked<'_>) -> Result<Found, StorageError> {
    if let Some(vouched) = asked.vouched {
        return by_agent(db, asked.shop, vouched).await;
    }
    let now = named(asked.message);
    let before = asked.previous.map(named).unwrap_or_default();
    let wanted = Named { number: now.number.or(before.number), last_four: now.last_four.or(before.last_four) };
    if let Some(buyer) = buyers::present_buyer_of(db, asked.shop, asked.conversation).await? {
        let own = orders::of_buyer(db, asked.shop, &buyer, MAX_ORDERS).await?;
        let by_number = wanted.number.as_deref().and_then(|number| own.iter().find(|row| is_number(row, number)));
        if let Some(row) = by_number {
            return Ok(Found::One(Box::new(row.clone()), LookedUpBy::Buyer));
        }
        if wanted.number.is_none() {
            return Ok(choose(own));
        }
    }
    match (wanted.number, wanted.last_four) {
        (Some(number), Some(last_four)) => by_phone(db, asked, (&number, &last_four)).await,
        _ => Ok(Found::NotNamed),
    }
}

/// The order of the number on the platform. Where none is, the only one of that number: 淘宝 and 天猫 share a desk.
async fn by_agent(db: &Db, shop: ShopId, (platform, number): (Platform, &str)) -> Result<Found, StorageError> {
    let mut rows = orders::by_number(db, shop, number).await?;
    let here = rows.iter().position(|row| row.order.key.platform == platform);
    let at = here.or((rows.len() == 1).then_some(0));
    let found = at.map(|at| rows.swap_remove(at));
    Ok(found.map_or(Found::Person, |row| Found::One(Box::new(row), LookedUpBy::Agent)))
}

fn is_number(row: &OrderRow, number: &str) -> bool {
    row.order.key.number.eq_ignore_ascii_case(number)
}

/// Of a buyer's orders the only one under way; if none is, the last one.
fn choose(own: Vec<OrderRow>) -> Found {
    let is_over =
        |row: &OrderRow| matches!(row.order.stage(), Some(Stage::Signed | Stage::Cancelled | Stage::Refunded));
    let open: Vec<&OrderRow> = own.iter().filter(|row| !is_over(row)).collect();
    match (open.as_slice(), own.first()) {
        ([], None) => Found::Person,
        ([], Some(last)) => Found::One(Box::new(last.clone()), LookedUpBy::Buyer),
        ([only], _) => Found::One(Box::new((*only).clone()), LookedUpBy::Buyer),
        (several, _) => {
            Found::Several(several.iter().take(MAX_CHOICES).map(|row| row.order.key.number.clone()).collect())
        }
    }
}

/// Looks for an order whose number and phone both fit. A wrong try is counted before anybody hears of it.
async fn by_phone(db: &Db, asked: &Asked<'_>, (number, last_four): (&str, &str)) -> Result<Found, StorageError> {
    let hash = HEX.encode(&Sha256::digest(number.as_bytes()));
    let tried = (asked.conversation, hash.as_str());
    if lookups::is_too_often(db, asked.shop, tried).await? {
        return Ok(Found::Person);
    }
    let fits = |row: &OrderRow| row.order.phone_last4.as_ref().is_some_and(|known| known.value == last_four);
    // Numbers are compared as they were told; most have no letters, and those that have are written in capitals.
    if let Some(row) = orders::by_number(db, asked.shop, number).await?.into_iter().find(fits) {
        return Ok(Found::One(Box::new(row), LookedUpBy::NumberAndPhone));
    }
    let mut tx = db.begin().await?;
    lookups::count(&mut tx, asked.shop, tried).await?;
    tx.commit().await?;
    Ok(Found::NoMatch)
}

fn look(rules: &RecordRules, by: LookedUpBy) -> OrderLook {
    OrderLook { order: None, by, as_of_ms: None, stale_after_hours: rules.stale_after_hours, request: None }
}

fn sure(topic: &str) -> Evidence {
    Evidence {
        escalations: vec![],
        holds: vec![],
        grounded_share: 1.0,
        // A copy of the record, or words that people wrote: there is nothing in it to be wrong about.
        confidence: Confidence::new(1.0).expect("1 lies between 0 and 1"),
        topic: topic.to_owned(),
        about: None,
    }
}

fn person(reason: Reason, look: OrderLook) -> FromRecord {
    let evidence =
        Evidence { escalations: vec![reason], grounded_share: 0.0, confidence: Confidence::NONE, ..sure(ORDER_STATUS) };
    FromRecord { draft: None, card: None, evidence, look }
}

/// What a buyer is told who asks how far an order is.
fn told(found: Found, lang: Lang, rules: &RecordRules, now_ms: i64) -> FromRecord {
    let say = |draft: String| FromRecord {
        draft: Some(draft),
        card: None,
        evidence: sure(ORDER_STATUS),
        look: look(rules, LookedUpBy::Nothing),
    };
    let (row, by) = match found {
        Found::One(row, by) => (row, by),
        Found::Several(numbers) => return say(phrases::ask_which_of(lang, &numbers)),
        Found::NotNamed => return say(phrases::ask_which_order(lang).to_owned()),
        Found::NoMatch => return say(phrases::no_such_order(lang).to_owned()),
        Found::Person => return person(Reason::OwnOrder, look(rules, LookedUpBy::Nothing)),
    };
    let as_of_ms = row.order.as_of_ms;
    let look = OrderLook { order: Some(row.id), as_of_ms: Some(as_of_ms), ..look(rules, by) };
    if rules.is_stale(as_of_ms, now_ms) && !is_final(&row) {
        return person(Reason::OrderStale, look);
    }
    match OrderCard::of(row.id, &row.order, (lang, rules.utc_offset_min)) {
        None => person(Reason::OwnOrder, look),
        Some(card) => FromRecord { draft: Some(card.to_text()), card: Some(card), evidence: sure(ORDER_STATUS), look },
    }
}

/// Nothing more will be heard of it, so that its record does not grow old.
fn is_final(row: &OrderRow) -> bool {
    matches!(row.order.stage(), Some(Stage::Signed | Stage::Cancelled | Stage::Refunded))
}

/// A request is passed on, for the order that is known to be the buyer's, or for none.
fn passed_on(found: Found, kind: TaskKind, lang: Lang, rules: &RecordRules) -> FromRecord {
    let (order, by, as_of_ms) = match found {
        Found::One(row, by) => (Some(row.id), by, Some(row.order.as_of_ms)),
        Found::Several(_) | Found::NotNamed | Found::NoMatch | Found::Person => (None, LookedUpBy::Nothing, None),
    };
    FromRecord {
        draft: Some(phrases::passed_on(lang).to_owned()),
        card: None,
        evidence: sure(ORDER_REQUEST),
        look: OrderLook { order, as_of_ms, request: Some(kind), ..look(rules, by) },
    }
}
