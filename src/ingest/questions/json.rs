//! JSON and JSON Lines: questions, messages of a chat, or whole chats, as exports have them.

use serde_json::{Map, Value};

use super::chat::{Chats, Utterance, read_chat, speaker};
use super::columns::{CHAT_NAMES, SENDER_NAMES, TEXT_NAMES};
use super::{Candidate, Collector};
use crate::domain::rehearsal::RowProblem;
use crate::ingest::parse_table::{ANSWER_HEADERS, QUESTION_HEADERS, plain_name};

/// Fields that hold the messages of a chat.
const CHAT_FIELDS: [&str; 10] =
    ["messages", "conversation", "conversations", "dialog", "dialogue", "turns", "chat", "history", "消息", "对话"];
/// Fields that hold everything.
const LIST_FIELDS: [&str; 7] = ["data", "items", "conversations", "chats", "sessions", "records", "rows"];

/// Takes the questions of a JSON document, or of one a line.
pub(super) fn read_json(text: &str, found: &mut Collector) {
    if let Ok(whole) = serde_json::from_str::<Value>(text) {
        let entries = entries_of(whole);
        return read_entries((1..).zip(entries.into_iter().map(Some)), text, found);
    }
    let lines: Vec<(u32, &str)> = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).collect();
    let values = lines.iter().map(|(nth, line)| (*nth, serde_json::from_str(line).ok()));
    read_entries(values, text, found);
}

/// A list, or the list inside a wrapping object, or the one thing there is.
fn entries_of(whole: Value) -> Vec<Value> {
    match whole {
        // A list of messages is one chat, not as many questions.
        Value::Array(list) if is_chat(&list) => vec![Value::Array(list)],
        Value::Array(list) => list,
        Value::Object(mut object) => {
            let list = LIST_FIELDS
                .iter()
                .find(|field| object.get(**field).and_then(Value::as_array).is_some_and(|list| !is_chat(list)));
            match list.and_then(|field| object.remove(*field)) {
                Some(Value::Array(list)) => list,
                _ => vec![Value::Object(object)],
            }
        }
        other => vec![other],
    }
}

fn is_chat(list: &[Value]) -> bool {
    let is_message = |value: &Value| {
        let object = value.as_object();
        object.is_some_and(|object| {
            field(object, &SENDER_NAMES).is_some()
                && field(object, &TEXT_NAMES).is_some()
                && field(object, &CHAT_NAMES).is_none()
        })
    };
    !list.is_empty() && list.iter().all(is_message)
}

/// Messages that stand alone are gathered by the chat they name, and read at the end.
fn read_entries(entries: impl Iterator<Item = (u32, Option<Value>)>, text: &str, found: &mut Collector) {
    let mut chats = Chats::default();
    for (line, value) in entries {
        match value {
            None => {
                if found.has_room(line) {
                    let shown = text.lines().nth(line as usize - 1).unwrap_or_default();
                    found.refuse(line, RowProblem::NotUnderstood, shown);
                }
            }
            Some(Value::String(question)) => {
                found.question(line, Candidate { question: &question, ..Candidate::default() });
            }
            Some(Value::Array(messages)) => read_messages(line, &messages, found),
            Some(Value::Object(object)) => read_object(line, &object, (&mut chats, &mut *found)),
            Some(other) => found.refuse(line, RowProblem::NotUnderstood, &other.to_string()),
        }
    }
    chats.read(found);
}

fn read_object(line: u32, object: &Map<String, Value>, (chats, found): (&mut Chats, &mut Collector)) {
    let messages = CHAT_FIELDS.iter().find_map(|name| object.get(*name).and_then(Value::as_array));
    if let Some(messages) = messages {
        return read_messages(line, messages, found);
    }
    if let Some(said) = utterance(line, object) {
        if !found.has_room(line) {
            return;
        }
        chats.add(field(object, &CHAT_NAMES).map(text_of).unwrap_or_default(), said);
        return;
    }
    match field(object, &QUESTION_HEADERS).and_then(Value::as_str) {
        Some(question) => {
            let person_said = field(object, &ANSWER_HEADERS).and_then(Value::as_str);
            found.question(line, Candidate { question, person_said, ..Candidate::default() });
        }
        None => found.refuse(line, RowProblem::NotUnderstood, &Value::Object(object.clone()).to_string()),
    }
}

fn read_messages(line: u32, messages: &[Value], found: &mut Collector) {
    let mut said = Vec::new();
    for message in messages {
        if !found.has_room(line) {
            break;
        }
        match message.as_object().and_then(|object| utterance(line, object)) {
            Some(utterance) => said.push(utterance),
            None => found.refuse(line, RowProblem::NotUnderstood, &message.to_string()),
        }
    }
    read_chat(&said, found);
}

fn utterance(line: u32, object: &Map<String, Value>) -> Option<Utterance> {
    let (sender, text) = (field(object, &SENDER_NAMES)?, field(object, &TEXT_NAMES)?.as_str()?);
    Some(Utterance { line, speaker: speaker(&text_of(sender)), text: text.to_owned() })
}

fn field<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    object.iter().find(|(name, _)| names.contains(&plain_name(name).as_str())).map(|(_, value)| value)
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
