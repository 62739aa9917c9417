//! What a day of service came to: counted from what was said, by rules that anybody can do by hand.
//!
//! # The rules
//! - An **inquiry** is a conversation in which the buyer wrote on that day. It belongs to who answered it first.
//! - A **round** is what the buyer wrote until somebody answered: from its first message to the answer is its response
//!   time. A reply belongs to the question before it, also past midnight.
//! - Notices of the system ("a person will answer") are never answers. Replies of the assistant alone are, or are not, as
//!   the reader of the figures chooses; where they are not, what the assistant answered is taken off the people's
//!   shoulders, and counts neither as received nor as lost.
//! - An order is **won** by an inquiry of the same buyer before it: on the same day, or within three days and paid, and
//!   neither cancelled nor refunded.
//!
//! # Why
//! Days are kept as counts (a million messages are some hundred rows then), so what is counted must be addable: sums,
//! never averages. Response times are kept by whole seconds, which makes every window a shop may ask for exact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::calendar::{DAY_MS, HOUR_MS};
use crate::domain::conversation::{Author, Simulated};
use crate::domain::ids::{AccountId, ConversationId};
use crate::domain::order::{Order, Stage};

/// A reply that comes later than this after the day has ended is no answer to it any more.
pub const LATE_MS: i64 = 12 * HOUR_MS;
/// Who writes again within this has not been helped; an order within this was won.
pub const AFTERMATH_MS: i64 = 3 * DAY_MS;
/// Silence of this length after an answer is taken for agreement.
pub const SILENCE_MS: i64 = DAY_MS;
/// Of two texts, more than this share of neighbouring letters differs: the edit was heavy.
const HEAVY_SHARE: f64 = 0.4;

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Nobody.
    Nobody,
    /// The assistant, unseen by a person.
    Assistant,
    /// A person, with a draft.
    Draft,
    /// A person, in own words.
    Person,
}

/// Something that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// By whom.
    pub author: Author,
    /// By which person of the shop.
    pub account: Option<AccountId>,
    /// When.
    pub at_ms: i64,
    /// What the buyer made of it.
    pub thumbs: Option<bool>,
}

/// A buyer's conversation, as much of it as belongs to a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// Which.
    pub conversation: ConversationId,
    /// Whether anybody was there.
    pub simulated: Option<Simulated>,
    /// What the first question of the day is about.
    pub topic: String,
    /// Whether the shop has named the buyer.
    pub is_named: bool,
    /// What was said from the day's beginning until [`LATE_MS`] after its end, in order.
    pub said: Vec<Said>,
    /// When the buyer wrote next, after the day.
    pub next_ms: Option<i64>,
    /// What the buyer has bought, and when.
    pub bought: Vec<Bought>,
    /// What became of what the assistant sent by itself.
    pub sent: AutoSent,
    /// What became of its drafts.
    pub drafts: DraftUse,
}

/// An order, as far as figures care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    /// When it was placed.
    pub at_ms: i64,
    /// Whether it was paid, and neither cancelled nor refunded.
    pub is_kept: bool,
}

impl Bought {
    /// Of an order; `None` if nobody said when it was placed or paid.
    pub fn of(order: &Order) -> Option<Self> {
        let at_ms = order.reached_ms(Stage::Created).or(order.reached_ms(Stage::Paid))?;
        let is_kept = matches!(order.stage(), Some(Stage::Paid | Stage::Shipped | Stage::Signed));
        Some(Self { at_ms, is_kept })
    }
}

/// Answers that were sent without a person, and what people who looked at some of them found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AutoSent {
    /// All.
    pub n_sent: u32,
    /// Looked at.
    pub n_judged: u32,
    /// And found wrong.
    pub n_wrong: u32,
}

/// What people did with drafts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DraftUse {
    /// Sent as they were.
    pub n_as_is: u32,
    /// Sent after a small change.
    pub n_light: u32,
    /// Sent after a large one.
    pub n_heavy: u32,
    /// Refused.
    pub n_rejected: u32,
}

impl DraftUse {
    /// Counts an edit.
    pub fn edited(&mut self, draft: &str, sent: &str) {
        if changed_share(draft, sent) > HEAVY_SHARE { self.n_heavy += 1 } else { self.n_light += 1 }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.n_as_is += other.n_as_is;
        self.n_light += other.n_light;
        self.n_heavy += other.n_heavy;
        self.n_rejected += other.n_rejected;
    }
}

/// The share of neighbouring letters that only one of two texts has.
fn changed_share(before: &str, after: &str) -> f64 {
    let pairs = |text: &str| {
        let letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let mut counts: BTreeMap<(char, char), u32> = BTreeMap::new();
        letters.windows(2).for_each(|pair| *counts.entry((pair[0], pair[1])).or_default() += 1);
        counts
    };
    let (before, after) = (pairs(before), pairs(after));
    let all: u32 = before.values().chain(after.values()).sum();
    let shared: u32 = before.iter().map(|(pair, n)| (*n).min(after.get(pair).copied().unwrap_or(0))).sum();
    if all == 0 { 0.0 } else { 1.0 - 2.0 * f64::from(shared) / f64::from(all) }
}

/// Response times: how many took how many whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Times {
    /// All of them together.
    pub sum_ms: i64,
    /// By seconds, rounded up.
    pub by_second: BTreeMap<u32, u32>,
}

impl Times {
    fn push(&mut self, took_ms: i64) {
        let took_ms = took_ms.max(0);
        self.sum_ms += took_ms;
        let seconds = u32::try_from((took_ms + 999) / 1000).unwrap_or(u32::MAX);
        *self.by_second.entry(seconds).or_default() += 1;
    }

    /// How many.
    pub fn n(&self) -> u32 {
        self.by_second.values().sum()
    }

    /// How many took no longer than this.
    pub fn within(&self, seconds: u32) -> u32 {
        self.by_second.range(..=seconds).map(|(_, n)| n).sum()
    }

    /// The average, in milliseconds.
    pub fn mean_ms(&self) -> Option<i64> {
        let n = i64::from(self.n());
        (n > 0).then(|| self.sum_ms / n)
    }

    fn add(&mut self, other: &Self) {
        self.sum_ms += other.sum_ms;
        for (seconds, n) in &other.by_second {
            *self.by_second.entry(*seconds).or_default() += n;
        }
    }
}

/// What is counted. All of it can be added.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Conversations in which the buyer wrote.
    pub n_inquiries: u32,
    /// Answered by somebody who counts.
    pub n_received: u32,
    /// Answered by nobody.
    pub n_lost: u32,
    /// Answered by the assistant alone, where its replies do not count.
    pub n_assistant_alone: u32,
    /// What buyers wrote.
    pub n_asked: u32,
    /// Replies that count.
    pub n_said: u32,
    /// Rounds that nobody answered.
    pub n_unanswered: u32,
    /// Of each received inquiry, its first round.
    pub first: Times,
    /// Of all rounds that were answered.
    pub rounds: Times,
    /// Inquiries of buyers whom the shop has named.
    pub n_named: u32,
    /// Of them: with an order on the same day.
    pub n_won_same_day: u32,
    /// Of them: with an order within three days that was kept.
    pub n_won: u32,
    /// The buyer liked the last answer, and did not come back.
    pub n_confirmed: u32,
    /// The buyer said no more for a day.
    pub n_assumed: u32,
    /// The buyer came back within three days.
    pub n_reopened: u32,
    /// Sent without a person.
    pub n_auto_sent: u32,
    /// Of these: looked at by a person.
    pub n_auto_judged: u32,
    /// Of these: found wrong.
    pub n_auto_wrong: u32,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        for (mine, its) in [
            (&mut self.n_inquiries, other.n_inquiries),
            (&mut self.n_received, other.n_received),
            (&mut self.n_lost, other.n_lost),
            (&mut self.n_assistant_alone, other.n_assistant_alone),
            (&mut self.n_asked, other.n_asked),
            (&mut self.n_said, other.n_said),
            (&mut self.n_unanswered, other.n_unanswered),
            (&mut self.n_named, other.n_named),
            (&mut self.n_won_same_day, other.n_won_same_day),
            (&mut self.n_won, other.n_won),
            (&mut self.n_confirmed, other.n_confirmed),
            (&mut self.n_assumed, other.n_assumed),
            (&mut self.n_reopened, other.n_reopened),
            (&mut self.n_auto_sent, other.n_auto_sent),
            (&mut self.n_auto_judged, other.n_auto_judged),
            (&mut self.n_auto_wrong, other.n_auto_wrong),
        ] {
            *mine += its;
        }
        self.first.add(&other.first);
        self.rounds.add(&other.rounds);
    }
}

/// What counts are kept apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Of the day where the shop is, 0 to 23.
    pub hour: u8,
    /// Whether anybody was there.
    pub is_simulated: bool,
    /// What was asked about.
    pub topic: String,
    /// Who answered.
    pub by: By,
    /// Which person.
    pub account: Option<AccountId>,
}

/// Counts of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Of what.
    pub key: Key,
    /// How many.
    pub counts: Counts,
}

/// What people did with the drafts of one topic. There is no person in it: nobody is to be paid for agreeing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicDrafts {
    /// Which topic.
    pub topic: String,
    /// Whether anybody was there.
    pub is_simulated: bool,
    /// What they did.
    pub drafts: DraftUse,
}

/// A day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DayTally {
    /// With the assistant's own replies counted as answers.
    pub with_automatic: Vec<Cell>,
    /// Without them.
    pub people_only: Vec<Cell>,
    /// What became of drafts.
    pub drafts: Vec<TopicDrafts>,
}

/// The day that is counted, and the time at which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first millisecond.
    pub from_ms: i64,
    /// One past its last.
    pub until_ms: i64,
    /// What is known is known until now.
    pub now_ms: i64,
}

/// What one inquiry adds to the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Its first word.
    pub at_ms: i64,
    /// What it adds to which counts; the first is that of the inquiry itself, the others of rounds.
    pub cells: Vec<Cell>,
}

/// Counts a day.
pub fn tally(threads: &[Thread], window: Window) -> DayTally {
    let cells = |counts_automatic| {
        let mut cells: BTreeMap<Key, Counts> = BTreeMap::new();
        for inquiry in threads.iter().filter_map(|thread| read(thread, window, counts_automatic)) {
            for cell in inquiry.cells {
                cells.entry(cell.key).or_default().add(&cell.counts);
            }
        }
        cells.into_iter().map(|(key, counts)| Cell { key, counts }).collect()
    };
    let mut drafts: BTreeMap<(String, bool), DraftUse> = BTreeMap::new();
    for thread in threads.iter().filter(|thread| thread.drafts != DraftUse::default()) {
        drafts.entry((thread.topic.clone(), thread.simulated.is_some())).or_default().add(&thread.drafts);
    }
    let topic = |((topic, is_simulated), drafts)| TopicDrafts { topic, is_simulated, drafts };
    DayTally { with_automatic: cells(true), people_only: cells(false), drafts: drafts.into_iter().map(topic).collect() }
}

/// A round that is over, or not.
#[derive(Debug, Clone, Copy)]
struct Round {
    began_ms: i64,
    n_asked: u32,
    /// By whom, which person, when.
    answer: Option<(By, Option<AccountId>, i64)>,
}

/// What a conversation adds to the day; `None` if the buyer did not write.
pub fn read(thread: &Thread, window: Window, counts_automatic: bool) -> Option<Inquiry> {
    let is_today =
        |said: &&Said| said.author == Author::Buyer && (window.from_ms..window.until_ms).contains(&said.at_ms);
    let at_ms = thread.said.iter().find(is_today)?.at_ms;
    let (rounds, n_more) = rounds(thread, window, counts_automatic);
    let key = |began_ms: i64, by, account| Key {
        hour: u8::try_from((began_ms - window.from_ms).div_euclid(HOUR_MS).clamp(0, 23)).unwrap_or(0),
        is_simulated: thread.simulated.is_some(),
        topic: thread.topic.clone(),
        by,
        account,
    };
    let first = rounds.iter().find_map(|round| round.answer.map(|answer| (round.began_ms, answer)));
    let spoke = thread.said.iter().any(|said| said.author == Author::Assistant && said.at_ms >= at_ms);
    let (by, account) = first.map_or((By::Nobody, None), |(_, (by, account, _))| (by, account));
    let mut own = Counts { n_inquiries: 1, n_said: n_more, ..Counts::default() };
    match first {
        Some((began_ms, (_, _, answered_ms))) => {
            own.n_received = 1;
            own.first.push(answered_ms - began_ms);
        }
        None if spoke && !counts_automatic => own.n_assistant_alone = 1,
        None => own.n_lost = 1,
    }
    settle(&mut own, thread, (at_ms, window));
    own.n_auto_sent = thread.sent.n_sent;
    own.n_auto_judged = thread.sent.n_judged;
    own.n_auto_wrong = thread.sent.n_wrong;
    let by = if own.n_assistant_alone == 1 { By::Assistant } else { by };
    let mut cells = vec![Cell { key: key(at_ms, by, account), counts: own }];
    for round in rounds {
        let mut counts = Counts { n_asked: round.n_asked, ..Counts::default() };
        let (by, account) = match round.answer {
            Some((by, account, answered_ms)) => {
                counts.n_said = 1;
                counts.rounds.push(answered_ms - round.began_ms);
                (by, account)
            }
            None => {
                counts.n_unanswered = 1;
                (by, account)
            }
        };
        cells.push(Cell { key: key(round.began_ms, by, account), counts });
    }
    Some(Inquiry { conversation: thread.conversation, at_ms, cells })
}

/// The rounds of the day, and how many replies came on top of those that ended one.
fn rounds(thread: &Thread, window: Window, counts_automatic: bool) -> (Vec<Round>, u32) {
    let (mut rounds, mut open, mut n_more, mut has_begun) = (vec![], None::<Round>, 0, false);
    for said in thread.said.iter().filter(|said| said.at_ms >= window.from_ms) {
        let by = match said.author {
            Author::Buyer if said.at_ms >= window.until_ms => break,
            Author::Buyer => {
                has_begun = true;
                open.get_or_insert(Round { began_ms: said.at_ms, n_asked: 0, answer: None }).n_asked += 1;
                continue;
            }
            Author::Notice => continue,
            Author::Assistant => By::Assistant,
            Author::Reviewed => By::Draft,
            Author::Agent => By::Person,
        };
        // What answers yesterday's question was counted yesterday.
        if !has_begun {
            continue;
        }
        if by == By::Assistant && !counts_automatic {
            open = None;
            continue;
        }
        match open.take() {
            Some(round) => rounds.push(Round { answer: Some((by, said.account, said.at_ms)), ..round }),
            None => n_more += 1,
        }
    }
    rounds.extend(open);
    (rounds, n_more)
}

/// What came of the inquiry: whether the buyer was helped, and bought.
fn settle(own: &mut Counts, thread: &Thread, (at_ms, window): (i64, Window)) {
    let Window { until_ms, now_ms, .. } = window;
    let is_next = |said: &&Said| said.author == Author::Buyer && said.at_ms >= until_ms;
    let day = thread.said.iter().take_while(|said| !is_next(said)).filter(|said| said.author != Author::Notice);
    let day: Vec<&Said> = day.collect();
    let is_answered = own.n_received + own.n_assistant_alone == 1;
    let comes_back = thread.next_ms.is_some_and(|next_ms| next_ms < until_ms + AFTERMATH_MS);
    let thumbs = day.iter().rev().find_map(|said| said.thumbs);
    let is_silent = day.last().is_some_and(|last| last.author != Author::Buyer && now_ms - last.at_ms >= SILENCE_MS);
    if is_answered && comes_back {
        own.n_reopened = 1;
    } else if is_answered && thumbs == Some(true) {
        own.n_confirmed = 1;
    } else if is_answered && is_silent && thumbs != Some(false) {
        own.n_assumed = 1;
    }
    if thread.is_named {
        own.n_named = 1;
        let placed = |before_ms: i64| thread.bought.iter().filter(move |one| (at_ms..before_ms).contains(&one.at_ms));
        own.n_won_same_day = u32::from(placed(until_ms).next().is_some());
        own.n_won = u32::from(placed(at_ms + AFTERMATH_MS).any(|bought| bought.is_kept));
    }
}

#[cfg(test)]
mod tests;
