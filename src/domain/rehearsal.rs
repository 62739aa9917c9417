//! The rehearsal: past questions of a shop, answered to nobody, so that its people can say how good the answers are
//! before the first buyer asks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longer questions are no questions; a buyer's message is cut here, too.
pub const MAX_QUESTION_CHARS: usize = 2_000;

/// How far a rehearsal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RehearsalState {
    /// The file is being read.
    Reading,
    /// Its questions are being answered.
    Answering,
    /// Somebody stopped that for now.
    Paused,
    /// Somebody stopped it for good; what was answered stays.
    Cancelled,
    /// All are answered.
    Answered,
    /// The file could not be read.
    Failed,
}

/// A question of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastQuestion {
    /// Where it stands in the file: row, line, or number of the chat, from 1.
    pub line: u32,
    /// In which chat of the file.
    pub thread: u32,
    /// What was asked.
    pub question: String,
    /// What the buyer said just before.
    pub previous: Option<String>,
    /// What a person answered then.
    pub person_said: Option<String>,
}

/// Why a row was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowProblem {
    /// There is no question in it.
    Empty,
    /// The question is longer than a buyer's message may be.
    TooLong,
    /// It does not have the columns that the first row names.
    WrongColumns,
    /// The question stands in the file before.
    Duplicate,
    /// The question was judged in an earlier rehearsal of the same assistant.
    AnsweredBefore,
    /// Some of its characters mean nothing in the encoding of the file.
    Unreadable,
    /// It is no JSON, or none that holds a question or a chat.
    NotUnderstood,
    /// Who said it is neither buyer nor agent.
    UnknownSender,
    /// The file holds more than is taken; nothing from here on was read.
    TooMany,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedRow {
    /// Where it stands in the file, from 1.
    pub line: u32,
    /// Why.
    pub problem: RowProblem,
    /// How it begins.
    pub text: String,
}

/// What a file of questions held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastQuestions {
    /// In the order of the file, no two alike.
    pub asked: Vec<PastQuestion>,
    /// What was not taken.
    pub refused: Vec<RefusedRow>,
    /// Messages of chats that ask nothing.
    pub n_skipped: u32,
}

/// A question without what does not change its meaning: two with the same are the same question.
pub fn plain(question: &str) -> String {
    question.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
