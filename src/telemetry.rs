//! Log lines. Ids, lengths and hashes go into them; the words of buyers and documents never do.
//!
//! Should a library put such words into an error all the same, personal data is masked before the line is written.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::domain::personal;

/// Rules that hold whatever the settings say.
const QUIET: [&str; 1] = ["qdrant_edge=error"];

/// Starts logging to the standard error stream, so that results on standard output stay clean. A second call does
/// nothing: the first one counts.
pub fn start(filter: &str, as_json: bool) {
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

/// Writes whole lines, without the personal data in them.
struct Masked<W>(W);

impl<W: Write> Write for Masked<W> {
    /// The subscriber hands over one finished line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(personal::mask(&String::from_utf8_lossy(line)).as_bytes())?;
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
}
