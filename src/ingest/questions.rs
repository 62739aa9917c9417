//! Reads the questions of the past out of a file: a sheet of questions, or logs of chats.
//!
//! `bytes → rows or JSON values → utterances of chats, questions → checked questions`
//!
//! # Why
//! Such files come out of other people's systems: nobody can be asked to mend them by hand before. So a row that cannot
//! be used is refused by itself, with its place and its reason, and the rest goes in. Everything here is pure; like all
//! reading of files it runs in a process of its own, see [`super::parse`].

mod chat;
mod columns;
mod json;

use std::collections::HashSet;

use crate::domain::document::Format;
use crate::domain::rehearsal::{MAX_QUESTION_CHARS, PastQuestion, PastQuestions, RefusedRow, RowProblem, plain};
use crate::ingest::archive::Archive;
use crate::ingest::parse::{ParseError, ParseLimits};
use crate::ingest::parse_table::xlsx_rows;
use crate::ingest::parse_text::{decode, wide_encoding};
use crate::ingest::sniff::sniff;

/// Rows or messages that are looked at.
const MAX_ROWS: usize = 50_000;
/// Questions that are taken; a rehearsal of more would take days.
const MAX_QUESTIONS: usize = 2_000;
/// Refused rows that are kept with their reasons.
const MAX_REFUSED: usize = 5_000;
/// So much of a refused row is kept to find it by.
const SHOWN_CHARS: usize = 80;
/// What decoders put in the place of bytes that mean nothing.
const UNDECODABLE: char = '\u{fffd}';

/// Reads a file of questions. **Blocking**: for tests and for the reading process.
pub fn read_questions(file_name: &str, bytes: &[u8], limits: &ParseLimits) -> Result<PastQuestions, ParseError> {
    let mut found = Collector::default();
    match sniff(file_name, bytes, limits)? {
        Format::Xlsx => {
            Archive::open(bytes, limits)?.verify_sizes()?;
            for sheet in xlsx_rows(bytes)? {
                columns::read_rows(&sheet, &mut found);
            }
        }
        Format::Csv => columns::read_csv(&decode_rows(bytes), &mut found),
        Format::Text => read_text(file_name, &decode_rows(bytes), &mut found),
        other => return Err(ParseError::Unsupported { found: format!("{other:?}") }),
    }
    if found.found.asked.is_empty() && found.found.refused.is_empty() {
        return Err(ParseError::Empty);
    }
    Ok(found.found)
}

/// The text of a file. One whose lines are UTF-8 but for a few that were cut or mixed in is not taken for another
/// encoding, in which no line would mean anything: only those few lose characters.
fn decode_rows(bytes: &[u8]) -> String {
    if wide_encoding(bytes).is_none() && std::str::from_utf8(bytes).is_err() {
        let lines = || bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii());
        let n_lines = lines().count();
        let n_utf8 = lines().filter(|line| std::str::from_utf8(line).is_ok()).count();
        if n_utf8 * 2 > n_lines {
            return String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').to_owned();
        }
    }
    decode(bytes).text
}

/// A text is JSON if it says so, or looks like it; otherwise each line is a question.
fn read_text(file_name: &str, text: &str, found: &mut Collector) {
    let name = file_name.to_lowercase();
    let says_json = [".json", ".jsonl", ".ndjson"].iter().any(|ending| name.ends_with(ending));
    if says_json || text.trim_start().starts_with(['{', '[']) {
        return json::read_json(text, found);
    }
    for (line, text) in (1..).zip(text.lines()) {
        if !text.trim().is_empty() {
            found.question(line, Candidate { question: text, ..Candidate::default() });
        }
    }
}

/// What may become a question.
#[derive(Debug, Clone, Copy, Default)]
struct Candidate<'a> {
    question: &'a str,
    previous: Option<&'a str>,
    person_said: Option<&'a str>,
    /// The chat it is from; a question of a sheet stands alone.
    thread: Option<u32>,
}

/// Takes questions and refuses rows, in the order of the file.
#[derive(Debug, Default)]
struct Collector {
    found: PastQuestions,
    known: HashSet<String>,
    n_rows: usize,
    n_threads: u32,
    is_full: bool,
}

impl Collector {
    /// Whether another row may be read. The first that may not is refused in the name of all that follow.
    fn has_room(&mut self, line: u32) -> bool {
        self.n_rows += 1;
        if self.n_rows <= MAX_ROWS && self.found.asked.len() < MAX_QUESTIONS {
            return true;
        }
        if !std::mem::replace(&mut self.is_full, true) {
            self.found.refused.push(RefusedRow { line, problem: RowProblem::TooMany, text: String::new() });
        }
        false
    }

    fn refuse(&mut self, line: u32, problem: RowProblem, text: &str) {
        if self.found.refused.len() < MAX_REFUSED {
            let text = text.trim().chars().take(SHOWN_CHARS).collect();
            self.found.refused.push(RefusedRow { line, problem, text });
        }
    }

    fn skip(&mut self) {
        self.found.n_skipped += 1;
    }

    /// A chat of its own.
    fn new_thread(&mut self) -> u32 {
        self.n_threads += 1;
        self.n_threads
    }

    fn question(&mut self, line: u32, candidate: Candidate<'_>) {
        if !self.has_room(line) {
            return;
        }
        let question = candidate.question.trim();
        let problem = match () {
            () if question.contains(UNDECODABLE) => Some(RowProblem::Unreadable),
            () if plain(question).is_empty() => Some(RowProblem::Empty),
            () if question.chars().count() > MAX_QUESTION_CHARS => Some(RowProblem::TooLong),
            () if !self.known.insert(plain(question)) => Some(RowProblem::Duplicate),
            () => None,
        };
        if let Some(problem) = problem {
            return self.refuse(line, problem, question);
        }
        let beside = |text: Option<&str>| {
            let text: String = text?.trim().chars().take(MAX_QUESTION_CHARS).collect();
            Some(text).filter(|text| !text.is_empty())
        };
        let thread = candidate.thread.unwrap_or_else(|| self.new_thread());
        self.found.asked.push(PastQuestion {
            line,
            thread,
            question: question.to_owned(),
            previous: beside(candidate.previous),
            person_said: beside(candidate.person_said),
        });
    }
}

#[cfg(test)]
mod tests;
