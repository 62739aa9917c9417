//! What a shop has settled about its figures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest window: an hour.
const MAX_WINDOW_S: u32 = 3_600;

/// What a shop has settled about its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FigureRules {
    /// The shorter window, in seconds: three minutes on most platforms.
    pub short_s: u32,
    /// The longer window, in seconds: five minutes on some.
    pub long_s: u32,
    /// Whether replies that the assistant sends by itself count as answers, where the reader does not say.
    pub counts_automatic: bool,
    /// Whether agents see their own figures beside those of the team.
    pub agents_see_own: bool,
}

impl Default for FigureRules {
    fn default() -> Self {
        Self { short_s: 180, long_s: 300, counts_automatic: true, agents_see_own: true }
    }
}

impl FigureRules {
    /// Fails with the name of a field that is out of its range.
    pub fn validate(&self) -> Result<(), &'static str> {
        if !(1..=MAX_WINDOW_S).contains(&self.short_s) {
            return Err("short_s");
        }
        if !(self.short_s..=MAX_WINDOW_S).contains(&self.long_s) {
            return Err("long_s");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_window_is_the_longer_one() {
        assert_eq!(FigureRules::default().validate(), Ok(()));
        assert_eq!(FigureRules { short_s: 0, ..Default::default() }.validate(), Err("short_s"));
        assert_eq!(FigureRules { long_s: 60, ..Default::default() }.validate(), Err("long_s"));
    }
}
