//! Log lines. Ids, lengths and hashes go into them; the words of buyers and documents never do.
//!
//! Should a library put such words into an error all the same, personal data is masked before the line is written. A
//! panic is a line like any other: what it says is often a piece of the text that it broke on.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::domain::personal;

/// Rules that hold whatever the settings say.
const QUIET: [&str; 1] = ["qdrant_edge=error"];

/// Starts logging to the standard error stream, so that results on standard output stay clean. A second call does
/// nothing: the first one counts.
pub fn start(filter: &str, as_json: bool) {
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        let place = panic.location().map(ToString::to_string);
        let thread = std::thread::current().name().map(str::to_owned);
        tracing::error!(place, thread, said = without_quotes(said), "a thread panicked");
    }));
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // The engine warns of switches of its own server that nobody here can set.
    let filter = QUIET.iter().filter_map(|rule| rule.parse().ok()).fold(filter, EnvFilter::add_directive);
    // A log that cannot be written, on a full disk, must not end the request it speaks of: complaining about it on the
    // same stream would panic.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Masked(io::stderr()))
        .log_internal_errors(false);
    let _ = if as_json { lines.json().try_init() } else { lines.compact().with_target(false).try_init() };
}

/// What a panic says, up to the text that it quotes.
fn without_quotes(said: &str) -> &str {
    said.split(['`', '"']).next().unwrap_or_default()
}

/// A line without the personal data in it. Line breaks inside of values stand as `\n` in it: with that letter before
/// it, a number would look like a part of a word.
fn masked(line: &str) -> String {
    let plain = [r"\n", r"\r", r"\t"].iter().fold(line.to_owned(), |line, escape| line.replace(escape, "  "));
    personal::cover(line, &personal::find(&plain))
}

/// Writes whole lines, without the personal data in them.
struct Masked<W>(W);

impl<W: Write> Write for Masked<W> {
    /// The subscriber hands over one finished line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(masked(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_without_personal_data_and_with_its_ids() {
        let mut out = Masked(Vec::new());
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        write!(out, "WARN refused reason=\"13812345678 lives at lin@shop.example\" turn.id={id} took_ms=13812")
            .unwrap();
        let line = String::from_utf8(out.0).unwrap();
        assert_eq!(line, format!("WARN refused reason=\"[phone] lives at [e-mail]\" turn.id={id} took_ms=13812"));
    }

    #[derive(Clone, Default)]
    struct Kept(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// As errors of libraries carry them, in both formats of the log, wherever they stand in a value.
    #[test]
    fn personal_data_is_found_beside_line_breaks_and_quotes_in_both_formats() {
        let data = [
            "13812345678",
            "lin@shop.example",
            "11010519491231002X",
            "6222021234567890128",
            "浙江省杭州市西湖区文三路138号3栋502室",
        ];
        // With one subscriber alone, a log statement that a thread of another test comes to first is off for all threads.
        let _second = tracing::Dispatch::new(tracing_subscriber::fmt().finish());
        for as_json in [false, true] {
            let kept = Kept::default();
            let writer = kept.clone();
            let lines = tracing_subscriber::fmt().with_writer(move || Masked(writer.clone()));
            let log = || {
                for one in data {
                    let reason = format!("first line\n{one}\n\"{one}\"\t{one}\r\n卡号 {one}");
                    tracing::warn!(reason, error = %reason, nested = ?[&reason], "refused: {one}");
                }
            };
            if as_json {
                tracing::subscriber::with_default(lines.json().finish(), log);
            } else {
                tracing::subscriber::with_default(lines.compact().finish(), log);
            }
            let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.matches("first line").count(), 3 * data.len(), "{text}");
            for one in data {
                assert!(!text.contains(one), "{one} in {text}");
            }
        }
    }

    #[test]
    fn a_panic_does_not_quote_what_it_broke_on() {
        let said = std::panic::catch_unwind(|| {
            let text = std::hint::black_box("我叫小林，13812345678");
            text[1..].len()
        });
        let said = said.unwrap_err();
        let said = said.downcast_ref::<String>().map(String::as_str).unwrap_or_default();
        assert!(
            said.contains("小林") && !without_quotes(said).is_empty() && !without_quotes(said).contains("小林"),
            "{said}"
        );
        assert_eq!(without_quotes("called `Option::unwrap()` on a `None` value"), "called ");
    }
}
