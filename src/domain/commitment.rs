//! Commitments (承诺): what the shop tells a buyer that it will do, by whose mouth ever.
//!
//! A **commitment** is made to a buyer, in a sentence, and somebody has to keep it. It is not a *promise*: that word
//! means, everywhere in this code, the share of wrong answers that ops allow, which a proof stands behind (see
//! [`dial`](crate::domain::dial)).
//!
//! Reading order: this file says what one is, [`hear`](mod@hear) finds them in a reply, [`due`] reads until when.

pub mod due;
pub mod hear;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use hear::{Heard, hear};

use crate::domain::calendar::{HOUR_MS, told_moment};
use crate::domain::ids::{ConversationId, MessageId, OrderId, TaskId};
use crate::domain::order::Stage;
use crate::domain::text::Lang;

/// What was committed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommitmentKind {
    /// Hand the parcel to the carrier: 发货.
    Ship,
    /// The parcel is with the buyer by then: 送到.
    Deliver,
    /// Send again, or another one: 补发.
    Resend,
    /// Give the money back: 退款.
    Refund,
    /// Make up for it: 补偿.
    Compensate,
    /// Write an invoice: 开发票.
    Invoice,
    /// Change the order: 改地址.
    Change,
    /// Press somebody: 催.
    Urge,
    /// Find something out: 核实.
    Check,
    /// Come back to the buyer: 回复.
    Reply,
    /// Anything else; only people write these.
    Other,
}

impl CommitmentKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Ship,
        Self::Deliver,
        Self::Resend,
        Self::Refund,
        Self::Compensate,
        Self::Invoice,
        Self::Change,
        Self::Urge,
        Self::Check,
        Self::Reply,
        Self::Other,
    ];

    /// Whether an order that has come to `stage` shows that it was kept. Somebody still looks: the stage may be that of
    /// another order of the same buyer.
    pub fn is_shown_by(self, stage: Stage) -> bool {
        match self {
            Self::Ship | Self::Urge => matches!(stage, Stage::Shipped | Stage::Signed),
            Self::Deliver => stage == Stage::Signed,
            Self::Refund => stage == Stage::Refunded,
            Self::Resend
            | Self::Compensate
            | Self::Invoice
            | Self::Change
            | Self::Check
            | Self::Reply
            | Self::Other => false,
        }
    }
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommitmentState {
    /// It is still to be kept.
    Open,
    /// It was kept; the evidence says how that is known.
    Kept,
    /// It was none, or nobody waits for it any more.
    Dismissed,
}

/// How it is known that a commitment was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CommitmentEvidence {
    /// The buyer was told so.
    Message {
        /// In which conversation.
        conversation: ConversationId,
        /// In which message.
        message: MessageId,
    },
    /// The order has come that far.
    Order {
        /// Which one.
        order: OrderId,
        /// How far.
        stage: Stage,
        /// Since when.
        at_ms: i64,
    },
    /// The task was done.
    Task {
        /// Which one.
        task: TaskId,
    },
    /// In somebody's words: a tracking number, a name.
    Note {
        /// The words.
        text: String,
    },
}

/// What a shop has settled about its commitments. The shop's clock is that of its records, see
/// [`RecordRules`](crate::domain::rules::RecordRules).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CommitmentRules {
    /// When "today" ends for a buyer who was told so, in minutes after midnight where the shop is; 60 to 1439.
    pub day_ends_min: i64,
    /// So long before it is due its owner is reminded, in minutes; 0 to 2880.
    pub remind_before_min: i64,
    /// So long after it was due the lead is told, in minutes; 0 to 2880.
    pub escalate_after_min: i64,
    /// When the day is summed up, in minutes after midnight where the shop is; 0 to 1439.
    pub nightly_at_min: i64,
    /// Until when, where nobody said it, in hours; 1 to 720. A kind that is left out has its usual time.
    pub due_hours: BTreeMap<CommitmentKind, u32>,
    /// Who is told of what is overdue; where nobody is named a lead, or else an owner.
    pub lead: Option<crate::domain::ids::AccountId>,
    /// What is proposed to be told to the buyer, in Chinese. `{what}`, `{due}`, `{order}` and `{kind}` are filled in.
    pub message_zh: Option<String>,
    /// The same in English.
    pub message_en: Option<String>,
}

impl Default for CommitmentRules {
    fn default() -> Self {
        Self {
            day_ends_min: 21 * 60,
            remind_before_min: 60,
            escalate_after_min: 0,
            nightly_at_min: 21 * 60,
            due_hours: BTreeMap::new(),
            lead: None,
            message_zh: None,
            message_en: None,
        }
    }
}

/// Longest wording of a message that a shop may settle.
const MAX_MESSAGE_CHARS: usize = 500;

impl CommitmentRules {
    /// Refuses numbers outside their range; names the field.
    pub fn validate(&self) -> Result<(), &'static str> {
        let is_short = |text: &Option<String>| {
            text.as_ref().is_none_or(|text| (1..=MAX_MESSAGE_CHARS).contains(&text.trim().chars().count()))
        };
        let checks = [
            ((60..=1439).contains(&self.day_ends_min), "day_ends_min"),
            ((0..=2880).contains(&self.remind_before_min), "remind_before_min"),
            ((0..=2880).contains(&self.escalate_after_min), "escalate_after_min"),
            ((0..=1439).contains(&self.nightly_at_min), "nightly_at_min"),
            (self.due_hours.values().all(|hours| (1..=720).contains(hours)), "due_hours"),
            (is_short(&self.message_zh), "message_zh"),
            (is_short(&self.message_en), "message_en"),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, field)| Err(field))
    }

    /// When something is due that was said at `said_at_ms` without a time.
    pub fn usual_due_ms(&self, kind: CommitmentKind, said_at_ms: i64) -> i64 {
        let hours = self.due_hours.get(&kind).copied().unwrap_or(match kind {
            CommitmentKind::Urge | CommitmentKind::Check | CommitmentKind::Reply | CommitmentKind::Change => 4,
            CommitmentKind::Ship | CommitmentKind::Invoice | CommitmentKind::Resend | CommitmentKind::Other => 24,
            CommitmentKind::Compensate => 24,
            CommitmentKind::Refund | CommitmentKind::Deliver => 72,
        });
        said_at_ms + i64::from(hours) * HOUR_MS
    }

    /// What could be told to the buyer about it, for a person to read, change and send. It commits the shop to nothing
    /// new: a test says so of the usual wording.
    pub fn message(&self, about: &About<'_>, utc_offset_min: i64, now_ms: i64) -> String {
        let own = match about.lang {
            Lang::Zh => self.message_zh.as_deref(),
            Lang::En => self.message_en.as_deref(),
        };
        let text = own.unwrap_or_else(|| usual_message(about, now_ms));
        let order = match (about.order, about.lang) {
            (Some(number), Lang::Zh) => format!("（订单 {number}）"),
            (Some(number), Lang::En) => format!(" (order {number})"),
            (None, _) => String::new(),
        };
        text.replace("{kind}", kind_text(about.kind, about.lang))
            .replace("{due}", &told_moment(about.due_at_ms, utc_offset_min, about.lang))
            .replace("{order}", &order)
            // Last, so that nothing in a buyer's or an agent's words is taken for a variable.
            .replace("{what}", about.what.trim_end_matches(['。', '.', '！', '!']))
    }
}

/// What a message to the buyer is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// What was committed to.
    pub kind: CommitmentKind,
    /// In which words.
    pub what: &'a str,
    /// Until when.
    pub due_at_ms: i64,
    /// The number of the order.
    pub order: Option<&'a str>,
    /// The buyer's language.
    pub lang: Lang,
}

fn usual_message(about: &About<'_>, now_ms: i64) -> &'static str {
    match (about.lang, about.due_at_ms < now_ms) {
        (Lang::Zh, false) => "您好，之前答应您的“{what}”{order}，我们一直在跟，目前的进展是：",
        (Lang::Zh, true) => "您好，非常抱歉，之前答应您的“{what}”{order}没有在{due}前办好，让您久等了。目前的情况是：",
        (Lang::En, false) => "Hello, about what we told you (\"{what}\"){order}: here is where we are so far: ",
        (Lang::En, true) => {
            "Hello, we are very sorry: what we told you (\"{what}\"){order} was not done by {due}. Here is where we are: "
        }
    }
}

/// A kind in words, for a sentence.
pub fn kind_text(kind: CommitmentKind, lang: Lang) -> &'static str {
    let (zh, en) = match kind {
        CommitmentKind::Ship => ("发货", "shipping"),
        CommitmentKind::Deliver => ("送达", "delivery"),
        CommitmentKind::Resend => ("补发", "the replacement"),
        CommitmentKind::Refund => ("退款", "the refund"),
        CommitmentKind::Compensate => ("补偿", "the compensation"),
        CommitmentKind::Invoice => ("发票", "the invoice"),
        CommitmentKind::Change => ("修改订单", "the change of your order"),
        CommitmentKind::Urge => ("催促", "pressing for it"),
        CommitmentKind::Check => ("核实", "the inquiry"),
        CommitmentKind::Reply => ("回复", "our reply"),
        CommitmentKind::Other => ("其他事项", "your request"),
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}
