//! Guesses what comes next from what was said before.
//!
//! # Why
//! An answer from a manual copies from it. Checking three guesses together with the next token costs little more than
//! the token alone, because the weights are read once; every guess that the model would have made itself is a step
//! saved. A guess that is wrong costs its row, so a text that cannot be guessed is soon left alone.

/// Guesses checked at a time: with the token before them they fill half a tile of the kernels.
pub const MAX_GUESSES: usize = 3;

/// What must have occurred before, longest first.
const PATTERNS: [usize; 2] = [3, 2];
/// Share of right guesses below which guessing pauses.
const WORTH_IT: f32 = 0.4;
/// Tokens of a pause.
const PAUSE: u32 = 24;

/// Guesses for one text, and how well they went.
pub struct Lookup {
    right: f32,
    pause: u32,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { right: 0.6, pause: 0 }
    }
}

impl Lookup {
    /// Up to [`MAX_GUESSES`] tokens that followed the last occurrence of what `text` ends with.
    pub fn guess(&self, text: &[u32]) -> Vec<u32> {
        if self.pause > 0 {
            return Vec::new();
        }
        PATTERNS.iter().find_map(|n| follow(text, *n)).unwrap_or_default()
    }

    /// So many of `n` guesses were right. Called for every token written, with 0 guesses too.
    pub fn learn(&mut self, n: usize, n_right: usize) {
        self.pause = self.pause.saturating_sub(1);
        if n > 0 {
            self.right += (n_right as f32 / n as f32 - self.right) * 0.3;
            if self.right < WORTH_IT {
                (self.right, self.pause) = (0.6, PAUSE);
            }
        }
    }
}

fn follow(text: &[u32], n: usize) -> Option<Vec<u32>> {
    let (before, pattern) = text.split_at(text.len().checked_sub(n)?);
    // What ends where the text ends is the pattern itself.
    let searched = &text[..text.len() - 1];
    let at = searched.windows(n).rposition(|window| window == pattern)?;
    debug_assert!(at < before.len());
    Some(text[at + n..].iter().take(MAX_GUESSES).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_the_last_occurrence_is_guessed() {
        let lookup = Lookup::default();
        assert_eq!(lookup.guess(&[1, 2, 3, 4, 5, 6, 9, 1, 2, 3]), [4, 5, 6]);
        assert_eq!(lookup.guess(&[7, 2, 3, 4, 8, 2, 3, 5, 1, 2, 3]), [5, 1, 2], "two tokens are enough, the last wins");
        assert_eq!(lookup.guess(&[5, 5, 5]), [5]);
        assert!(lookup.guess(&[1, 2, 3, 4]).is_empty());
        assert!(lookup.guess(&[1]).is_empty());
        assert!(lookup.guess(&[]).is_empty());
    }

    #[test]
    fn guessing_pauses_when_it_goes_wrong_and_is_tried_again() {
        let mut lookup = Lookup::default();
        let text = [1, 2, 3, 1, 2];
        let mut n_guessed = 0;
        for _ in 0..100 {
            let n = lookup.guess(&text).len();
            n_guessed += usize::from(n > 0);
            lookup.learn(n, 0);
        }
        assert!((4..20).contains(&n_guessed), "{n_guessed}");
        for _ in 0..PAUSE {
            lookup.learn(0, 0);
        }
        for _ in 0..50 {
            assert!(!lookup.guess(&text).is_empty(), "what goes well goes on");
            lookup.learn(3, 3);
        }
    }
}
