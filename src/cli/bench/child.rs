//! Programs that are measured beside us: their output and the most memory they ever held.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;

/// How often a running program is asked how much memory it holds. The kernel keeps the maximum, so only what happens
/// between the last question and the end is missed.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What a program left behind.
pub struct Finished {
    /// What it printed.
    pub stdout: String,
    /// What it said beside.
    pub stderr: String,
    /// Most memory it held at a time, mapped weights included.
    pub peak_bytes: u64,
}

/// Runs a program to its end, which must be a good one.
pub async fn run(program: &Path, args: &[String]) -> anyhow::Result<Finished> {
    let name = program.display();
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().with_context(|| format!("`{name}` cannot be started"))?;
    let pid = child.id().unwrap_or_default();
    let mut output = std::pin::pin!(child.wait_with_output());
    let mut peak_bytes = 0;
    let output = loop {
        tokio::select! {
            output = &mut output => break output?,
            () = tokio::time::sleep(ASK_EVERY) => peak_bytes = peak_bytes_of(pid).unwrap_or(0).max(peak_bytes),
        }
    };
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
    if !output.status.success() {
        let last: Vec<&str> = stderr.lines().rev().take(3).collect();
        bail!("`{name}` ended with {}: {}", output.status, last.into_iter().rev().collect::<Vec<_>>().join(" / "));
    }
    Ok(Finished { stdout, stderr, peak_bytes })
}

/// The most memory a process ever held: `VmHWM`, which counts mapped files as far as they were touched.
pub fn peak_bytes_of(pid: u32) -> Option<u64> {
    peak_in(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn peak_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read_in_bytes() {
        assert_eq!(peak_in("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"), Some(2048 * 1024));
        assert_eq!(peak_in("Name:\tx\n"), None, "a process that has ended holds nothing");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_an_error_with_its_last_words() {
        let shell = Path::new("/bin/sh");
        let args = |script: &str| ["-c".to_owned(), script.to_owned()];
        assert_eq!(run(shell, &args("echo 5")).await.unwrap().stdout, "5\n");
        let error = run(shell, &args("echo no such file >&2; exit 3")).await.err().unwrap();
        assert!(error.to_string().contains("no such file"), "{error}");
    }
}
