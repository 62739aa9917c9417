//! What commands print: JSON results on standard output, sentences on standard error.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

/// Prints a result as indented JSON.
pub fn print_json(result: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, result)?;
    writeln!(out)?;
    Ok(())
}

/// Prints text as it is.
pub fn print_text(text: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Says a sentence to the person at the terminal.
pub fn say(sentence: &str) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "{sentence}");
}

/// Says what went wrong and gives the exit code.
pub fn complain(reason: &str, code: u8) -> ExitCode {
    say(&format!("kefu: {reason}"));
    ExitCode::from(code)
}
