//! Bars in the terminal. Where standard error is no terminal, a line a stage.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A group of bars, one a stage.
#[derive(Debug, Clone)]
pub struct Bars {
    group: MultiProgress,
}

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Things,
}

impl Default for Bars {
    fn default() -> Self {
        Self { group: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()) }
    }
}

impl Bars {
    /// A bar that stands until it is finished; a total of 0 is not known yet.
    pub fn stage(&self, name: &str, unit: Unit, total: u64) -> ProgressBar {
        let counts = match unit {
            Unit::Bytes => "{bytes}/{total_bytes} {binary_bytes_per_sec} ETA {eta}",
            Unit::Things => "{pos}/{len} {per_sec} ETA {eta}",
        };
        let template = format!("{{msg:32!}} {{wide_bar:.cyan/dim}} {counts}");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.group.add(ProgressBar::new(total).with_style(style));
        bar.set_message(name.to_owned());
        if bar.is_hidden() {
            super::output::say(name);
        }
        bar
    }

    /// A sentence above the bars.
    pub fn say(&self, sentence: &str) {
        if self.group.is_hidden() || self.group.println(sentence).is_err() {
            super::output::say(sentence);
        }
    }
}
