//! Files of JSON lines.

use std::path::Path;

use anyhow::Context;
use serde::de::DeserializeOwned;

/// A value for each line that is not blank.
pub fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(idx, line)| {
            serde_json::from_str(line).with_context(|| format!("line {} of `{}`", idx + 1, path.display()))
        })
        .collect()
}
