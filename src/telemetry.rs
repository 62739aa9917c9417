//! Log lines. Ids, lengths and hashes go into them; the words of buyers and documents never do.

use tracing_subscriber::EnvFilter;

/// Rules that hold whatever the settings say.
const QUIET: [&str; 1] = ["qdrant_edge=error"];

/// Starts logging to the standard error stream, so that results on standard output stay clean. A second call does
/// nothing: the first one counts.
pub fn start(filter: &str, as_json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // The engine warns of switches of its own server that nobody here can set.
    let filter = QUIET.iter().filter_map(|rule| rule.parse().ok()).fold(filter, EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = if as_json { lines.json().try_init() } else { lines.compact().with_target(false).try_init() };
}
