//! Reads a file in a process of its own, so that no file can take the service down.
//!
//! # Why
//! Limits that parsers promise to keep are promises; limits that the kernel keeps are limits. The child gives up the
//! right to open anything (files, sockets) before it looks at the first byte, and has nothing in its environment.
//! Request: a line of JSON, then the file, on stdin. Response: JSON on stdout.

use std::io::{BufRead, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::{ArchivedFile, Content, ParseError, ParseLimits, ParsedFile, parse_entry, parse_whole, read_rows};
use crate::domain::document::Parsed;
use crate::domain::rehearsal::PastQuestions;
use crate::ingest::parse_table::NumberedRow;
use crate::ingest::questions::read_questions;

/// The hidden subcommand that runs [`run_parse_child`].
const SUBCOMMAND: &str = "parse-child";
/// How much of the child's last words is kept.
const STDERR_TAIL_BYTES: usize = 4096;
/// The response is JSON: text may double by escaping, and blocks carry their text besides the whole text.
const RESPONSE_FACTOR: u64 = 6;
/// Standard input, output and error, and nothing else.
const OPEN_FILES: u64 = 3;
/// What the kernel sends when processor time is used up.
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;

/// What the child is asked.
#[derive(Serialize, Deserialize)]
struct Request {
    file_name: String,
    wanted: Wanted,
    limits: ParseLimits,
}

/// What is wanted of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    /// What it says, or what is in it.
    Whole,
    /// One file of an archive.
    Entry(usize, String),
    /// The questions of the past that it lists.
    Questions,
    /// The rows of a sheet, and not what they mean.
    Rows,
}

/// What the child answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Found {
    File(Content),
    Questions(PastQuestions),
    Rows(Vec<NumberedRow>),
}

/// Reads a file, each document in a process of its own started from `exe`.
///
/// **Errors**: whatever the child dies of is a [`ParseError`]; an archive fails as a whole only if it cannot be listed.
/// **Cancel**: dropping the future kills the child.
pub async fn parse_in_child(
    exe: &Path,
    file_name: &str,
    bytes: &[u8],
    limits: &ParseLimits,
) -> Result<ParsedFile, ParseError> {
    let mut request = Request { file_name: file_name.to_owned(), wanted: Wanted::Whole, limits: limits.clone() };
    let names = match ask(exe, &request, bytes).await? {
        Found::File(Content::Document(parsed)) => return Ok(ParsedFile::Document(parsed)),
        Found::File(Content::Listing(names)) => names,
        Found::Questions(_) | Found::Rows(_) => return Err(unasked()),
    };
    let mut files = Vec::with_capacity(names.len());
    for (idx, name) in names {
        request.wanted = Wanted::Entry(idx, name.clone());
        let parsed = ask(exe, &request, bytes).await.and_then(document_of);
        files.push(ArchivedFile { name, parsed });
    }
    Ok(ParsedFile::Archive(files))
}

fn document_of(found: Found) -> Result<Parsed, ParseError> {
    match found {
        Found::File(Content::Document(parsed)) => Ok(parsed),
        Found::File(Content::Listing(_)) => Err(ParseError::NestedArchive),
        Found::Questions(_) | Found::Rows(_) => Err(unasked()),
    }
}

/// Reads the rows of a sheet, each with its number from 1, in a process of its own as above.
pub async fn rows_in_child(
    exe: &Path,
    file_name: &str,
    bytes: &[u8],
    limits: &ParseLimits,
) -> Result<Vec<NumberedRow>, ParseError> {
    let request = Request { file_name: file_name.to_owned(), wanted: Wanted::Rows, limits: limits.clone() };
    match ask(exe, &request, bytes).await? {
        Found::Rows(rows) => Ok(rows),
        Found::File(_) | Found::Questions(_) => Err(unasked()),
    }
}

/// Reads the questions of a file, in a process of its own as above.
pub async fn read_questions_in_child(
    exe: &Path,
    file_name: &str,
    bytes: &[u8],
    limits: &ParseLimits,
) -> Result<PastQuestions, ParseError> {
    let request = Request { file_name: file_name.to_owned(), wanted: Wanted::Questions, limits: limits.clone() };
    match ask(exe, &request, bytes).await? {
        Found::Questions(found) => Ok(found),
        Found::File(_) | Found::Rows(_) => Err(unasked()),
    }
}

/// The child is our own program: it answers what it was asked, unless it was replaced meanwhile.
fn unasked() -> ParseError {
    ParseError::Crashed { detail: "the reader answered another question".into() }
}

/// Runs one child to its end.
async fn ask(exe: &Path, request: &Request, bytes: &[u8]) -> Result<Found, ParseError> {
    let limits = &request.limits;
    let mut head = serde_json::to_vec(request).map_err(|error| unavailable(&error))?;
    head.push(b'\n');
    let mut child = spawn(exe).map_err(|error| unavailable(&error))?;
    let max_response = limits.output_bytes.saturating_mul(RESPONSE_FACTOR).saturating_add(1 << 20);
    let conversation = converse(&mut child, &head, bytes, max_response);
    match tokio::time::timeout(Duration::from_millis(limits.timeout_ms), conversation).await {
        Err(_elapsed) => {
            // The child is ours and alive; if killing it fails it has just ended.
            let _ = child.kill().await;
            Err(ParseError::TimedOut { after_ms: limits.timeout_ms })
        }
        Ok(Err(error)) => Err(unavailable(&error)),
        Ok(Ok(said)) if said.response.len() as u64 > max_response => {
            let _ = child.kill().await;
            Err(ParseError::TooMuchText { limit_bytes: limits.output_bytes })
        }
        Ok(Ok(said)) => {
            let status = child.wait().await.map_err(|error| unavailable(&error))?;
            outcome(status, &said, limits)
        }
    }
}

fn spawn(exe: &Path) -> std::io::Result<Child> {
    Command::new(exe)
        .arg(SUBCOMMAND)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// What a child said before it ended.
struct Said {
    response: Vec<u8>,
    last_words: String,
}

/// Writes the request and reads both streams at once; none may fill up while we wait for another.
async fn converse(child: &mut Child, head: &[u8], bytes: &[u8], max_response: u64) -> std::io::Result<Said> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let writing = async {
        if let Some(mut stdin) = stdin {
            // A child that ends early closes the pipe; its status says why.
            let _ = stdin.write_all(head).await;
            let _ = stdin.write_all(bytes).await;
        }
    };
    let reading = async {
        let mut response = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(max_response + 1).read_to_end(&mut response).await?;
        }
        Ok::<_, std::io::Error>(response)
    };
    let listening = async {
        match stderr {
            Some(stderr) => read_tail(stderr).await,
            None => Ok(String::new()),
        }
    };
    let ((), response, last_words) = tokio::join!(writing, reading, listening);
    Ok(Said { response: response?, last_words: last_words? })
}

async fn read_tail(mut stream: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let mut tail = Vec::new();
    let mut piece = [0u8; STDERR_TAIL_BYTES];
    loop {
        let n_read = stream.read(&mut piece).await?;
        if n_read == 0 {
            return Ok(String::from_utf8_lossy(&tail).into_owned());
        }
        tail.extend_from_slice(&piece[..n_read]);
        tail.drain(..tail.len().saturating_sub(STDERR_TAIL_BYTES));
    }
}

fn outcome(status: ExitStatus, said: &Said, limits: &ParseLimits) -> Result<Found, ParseError> {
    if status.success()
        && let Ok(response) = serde_json::from_slice::<Result<Found, ParseError>>(&said.response)
    {
        return response;
    }
    let words = &said.last_words;
    if words.contains("memory allocation of") || words.contains("out of memory") {
        return Err(ParseError::OutOfMemory { limit_bytes: limits.memory_bytes });
    }
    if matches!(status.signal(), Some(SIGXCPU | SIGKILL)) {
        return Err(ParseError::TimedOut { after_ms: limits.timeout_ms });
    }
    let cause = if words.contains("overflowed its stack") { "stack overflow".to_owned() } else { status.to_string() };
    Err(ParseError::Crashed { detail: cause })
}

fn unavailable(error: &impl ToString) -> ParseError {
    ParseError::ReaderUnavailable { detail: error.to_string() }
}

/// The child's side: gives up its rights, reads the request, answers. The caller exits with the returned code.
pub fn run_parse_child() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent reads our stderr; there is no one else to tell.
            let _ = writeln!(std::io::stderr(), "parse-child: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> std::io::Result<()> {
    let mut stdin = std::io::stdin().lock();
    let mut head = String::new();
    stdin.read_line(&mut head)?;
    let request: Request = serde_json::from_str(&head)?;
    limit_self(&request.limits)?;
    let mut bytes = Vec::new();
    stdin.take(request.limits.input_bytes + 1).read_to_end(&mut bytes)?;
    let read = || match &request.wanted {
        Wanted::Whole => parse_whole(&request.file_name, &bytes, &request.limits).map(Found::File),
        Wanted::Entry(idx, name) => {
            parse_entry(*idx, name, &bytes, &request.limits).map(|parsed| Found::File(Content::Document(parsed)))
        }
        Wanted::Questions => read_questions(&request.file_name, &bytes, &request.limits).map(Found::Questions),
        Wanted::Rows => read_rows(&request.file_name, &bytes, &request.limits).map(Found::Rows),
    };
    // A panic is an answer, too: the parent need not guess from a dead process.
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParseError::Crashed { detail: "the parser panicked".into() }));
    serde_json::to_writer(std::io::stdout().lock(), &outcome)?;
    Ok(())
}

fn limit_self(limits: &ParseLimits) -> std::io::Result<()> {
    let cpu_seconds = limits.timeout_ms.div_ceil(1000) + 1;
    let fixed = [
        (Resource::As, limits.memory_bytes),
        (Resource::Cpu, cpu_seconds),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, OPEN_FILES),
    ];
    for (resource, value) in fixed {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?;
    }
    Ok(())
}
