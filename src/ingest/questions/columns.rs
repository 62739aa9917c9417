//! Sheets: a column of questions with or without answers, or one message a row.

use super::chat::{Chats, Utterance, speaker};
use super::{Candidate, Collector};
use crate::domain::rehearsal::RowProblem;
use crate::ingest::parse_table::{
    ANSWER_HEADERS, DELIMITERS, NumberedRow, QUESTION_HEADERS, csv_rows, csv_rows_at, plain_name,
};

/// A title may stand above the header row.
const MAX_ROWS_ABOVE_HEADER: usize = 6;

/// Header cells over who said it.
pub(super) const SENDER_NAMES: [&str; 15] = [
    "role",
    "sender",
    "from",
    "author",
    "speaker",
    "sendertype",
    "fromtype",
    "usertype",
    "角色",
    "发送者",
    "发送方",
    "发言人",
    "身份",
    "发言方",
    "消息来源",
];
/// Header cells over what was said.
pub(super) const TEXT_NAMES: [&str; 13] = [
    "text",
    "content",
    "message",
    "msg",
    "body",
    "utterance",
    "内容",
    "消息",
    "文本",
    "消息内容",
    "聊天内容",
    "对话内容",
    "发言",
];
/// Header cells over which chat it was said in.
pub(super) const CHAT_NAMES: [&str; 17] = [
    "conversation",
    "conversationid",
    "chatid",
    "chat",
    "session",
    "sessionid",
    "dialogid",
    "dialogueid",
    "threadid",
    "ticketid",
    "会话",
    "会话id",
    "会话编号",
    "对话id",
    "对话编号",
    "聊天id",
    "会话号",
];

/// What the columns of a sheet are.
enum Columns {
    Questions { question: usize, answer: Option<usize> },
    Messages { sender: usize, text: usize, chat: Option<usize> },
}

impl Columns {
    fn of(header: &[String]) -> Option<Self> {
        let names: Vec<String> = header.iter().map(|cell| plain_name(cell)).collect();
        let find = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        if let (Some(sender), Some(text)) = (find(&SENDER_NAMES), find(&TEXT_NAMES)) {
            return Some(Self::Messages { sender, text, chat: find(&CHAT_NAMES) });
        }
        let question = find(&QUESTION_HEADERS)?;
        Some(Self::Questions { question, answer: find(&ANSWER_HEADERS) })
    }
}

/// Takes the questions of separated values. What separates them is told by the names of the columns, where there are
/// any: the texts below hold every other mark, too.
pub(super) fn read_csv(text: &str, found: &mut Collector) {
    let names = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let has_columns =
        |delimiter: &u8| csv_rows_at(*delimiter, names).iter().any(|(_, cells)| Columns::of(cells).is_some());
    // One column of that name fits them all; the most usual comes first.
    match DELIMITERS.into_iter().rev().find(has_columns) {
        Some(delimiter) => read_rows(&csv_rows_at(delimiter, text), found),
        None => read_rows(&csv_rows(text), found),
    }
}

/// Takes the questions of a sheet.
pub(super) fn read_rows(rows: &[NumberedRow], found: &mut Collector) {
    let header = rows.iter().take(MAX_ROWS_ABOVE_HEADER).position(|(_, cells)| Columns::of(cells).is_some());
    let Some(header) = header else { return read_without_header(rows, found) };
    let (_, names) = &rows[header];
    let rows = &rows[header + 1..];
    match Columns::of(names) {
        Some(Columns::Questions { question, answer }) => {
            for (line, cells) in rows {
                read_question((*line, cells), (names.len(), question, answer), found);
            }
        }
        Some(Columns::Messages { sender, text, chat }) => read_messages(rows, (sender, text, chat), found),
        None => {}
    }
}

/// One column of texts needs no name; of several nobody knows which one holds the questions.
fn read_without_header(rows: &[NumberedRow], found: &mut Collector) {
    for (line, cells) in rows {
        let mut filled = cells.iter().filter(|cell| !cell.trim().is_empty());
        match (filled.next(), filled.next()) {
            (Some(only), None) => found.question(*line, Candidate { question: only, ..Candidate::default() }),
            (Some(first), Some(_)) if found.has_room(*line) => found.refuse(*line, RowProblem::WrongColumns, first),
            (Some(_), Some(_)) | (None, _) => {}
        }
    }
}

fn read_question(
    (line, cells): (u32, &[String]),
    (n_columns, question, answer): (usize, usize, Option<usize>),
    found: &mut Collector,
) {
    let Some(first) = cells.iter().find(|cell| !cell.trim().is_empty()) else { return };
    let is_spilled = cells.iter().skip(n_columns).any(|cell| !cell.trim().is_empty());
    if is_spilled || cells.len() <= question {
        // A comma that was not quoted moves everything after it into the wrong column.
        return found.refuse(line, RowProblem::WrongColumns, first);
    }
    let person_said = answer.and_then(|answer| cells.get(answer)).map(String::as_str);
    found.question(line, Candidate { question: &cells[question], person_said, ..Candidate::default() });
}

/// Messages of one chat stand together, or are told apart by a column; without one the sheet is one chat.
fn read_messages(rows: &[NumberedRow], (sender, text, chat): (usize, usize, Option<usize>), found: &mut Collector) {
    let mut chats = Chats::default();
    for (line, cells) in rows {
        let Some(first) = cells.iter().find(|cell| !cell.trim().is_empty()) else { continue };
        if cells.len() <= sender.max(text) {
            found.refuse(*line, RowProblem::WrongColumns, first);
            continue;
        }
        if !found.has_room(*line) {
            break;
        }
        let name = chat.and_then(|chat| cells.get(chat)).map(|cell| cell.trim()).unwrap_or_default();
        let said = Utterance { line: *line, speaker: speaker(&cells[sender]), text: cells[text].clone() };
        chats.add(name.to_owned(), said);
    }
    chats.read(found);
}
