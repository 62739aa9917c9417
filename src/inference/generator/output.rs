//! The text of an output as it grows: complete characters only, nothing of a stop string.

use tokio::sync::mpsc;

use crate::inference::TokenScore;
use crate::inference::tokenizer::detokenize::Utf8Stream;

use super::sampling::Choice;

/// Collects tokens, streams text, finds stop strings.
pub struct Output {
    stop: Vec<String>,
    utf8: Utf8Stream,
    tokens: Vec<TokenScore>,
    /// All text so far, stop string included.
    text: String,
    /// How much of it has been sent.
    sent: usize,
    sink: Option<mpsc::Sender<String>>,
}

impl Output {
    /// Nothing written yet. Empty stop strings are ignored: they would stop at once.
    pub fn new(stop: Vec<String>, sink: Option<mpsc::Sender<String>>) -> Self {
        let stop = stop.into_iter().filter(|s| !s.is_empty()).collect();
        Self { stop, utf8: Utf8Stream::default(), tokens: Vec::new(), text: String::new(), sent: 0, sink }
    }

    /// How many tokens were written.
    pub fn n_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Adds a token. `true`: a stop string is complete.
    pub fn push(&mut self, choice: Choice, bytes: &[u8]) -> bool {
        let text = self.utf8.push(bytes);
        self.text.push_str(&text);
        self.tokens.push(TokenScore { text, logprob: choice.logprob, entropy: choice.entropy });
        let found = self.stop.iter().filter_map(|s| self.text.find(s.as_str())).min();
        match found {
            Some(end) => {
                self.cut(end);
                true
            }
            None => {
                self.send(self.text.len() - self.possible_stop());
                false
            }
        }
    }

    /// The whole text and its tokens.
    pub fn finish(mut self) -> (String, Vec<TokenScore>) {
        let rest = self.utf8.finish();
        if let Some(last) = self.tokens.last_mut() {
            last.text.push_str(&rest);
            self.text.push_str(&rest);
        }
        self.send(self.text.len());
        (self.text, self.tokens)
    }

    /// Length of the end of the text that may be the beginning of a stop string.
    fn possible_stop(&self) -> usize {
        let begins = |tail: &str| self.stop.iter().any(|s| s.starts_with(tail));
        self.text.char_indices().map(|(i, _)| &self.text[i..]).find(|tail| begins(tail)).map_or(0, str::len)
    }

    fn cut(&mut self, end: usize) {
        self.text.truncate(end);
        // Bytes held back belong to what was cut off.
        self.utf8 = Utf8Stream::default();
        let mut left = end;
        self.tokens.retain_mut(|token| {
            let is_kept = left > 0 || token.text.is_empty();
            token.text.truncate(left.min(token.text.len()));
            left -= token.text.len();
            is_kept
        });
        while left == 0 && self.tokens.last().is_some_and(|t| t.text.is_empty()) {
            self.tokens.pop();
        }
    }

    fn send(&mut self, end: usize) {
        if end <= self.sent {
            return;
        }
        let piece = self.text[self.sent..end].to_owned();
        self.sent = end;
        // A reader that is slow or gone must not hold up the engine; the whole text comes with the result.
        let is_closed =
            matches!(self.sink.as_ref().map(|s| s.try_send(piece)), Some(Err(mpsc::error::TrySendError::Closed(_))));
        if is_closed {
            self.sink = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURE: Choice = Choice { token: 0, logprob: -0.5, entropy: 0.1 };

    fn run(stop: &[&str], pieces: &[&[u8]]) -> (bool, String, Vec<String>, Vec<String>) {
        let (sink, mut stream) = mpsc::channel(64);
        let mut output = Output::new(stop.iter().map(|&s| s.to_owned()).collect(), Some(sink));
        let stopped = pieces.iter().any(|p| output.push(SURE, p));
        let (text, tokens) = output.finish();
        let mut sent = Vec::new();
        while let Ok(piece) = stream.try_recv() {
            sent.push(piece);
        }
        (stopped, text, tokens.into_iter().map(|t| t.text).collect(), sent)
    }

    #[test]
    fn text_streams_as_it_comes_and_equals_the_joined_tokens() {
        let (stopped, text, tokens, sent) = run(&[], &[b"Hel", "退".as_bytes(), b"!"]);
        assert!(!stopped);
        assert_eq!((text.as_str(), tokens.concat(), sent.concat()), ("Hel退!", text.clone(), text.clone()));
        assert_eq!(sent.len(), 3);
    }

    #[test]
    fn nothing_of_a_stop_string_is_ever_sent() {
        let (stopped, text, tokens, sent) = run(&["\nUser:"], &[b"yes", b"\nUs", b"er", b": more"]);
        assert!(stopped);
        assert_eq!((text.as_str(), tokens, sent), ("yes", vec!["yes".to_owned()], vec!["yes".to_owned()]));
    }

    #[test]
    fn what_only_looked_like_a_stop_string_is_sent_after_all() {
        let (stopped, text, _, sent) = run(&["\n\n"], &[b"a\n", b"b"]);
        assert!(!stopped);
        assert_eq!((text.as_str(), sent), ("a\nb", vec!["a".to_owned(), "\nb".to_owned()]));
    }

    #[test]
    fn a_stop_string_inside_a_token_cuts_the_token() {
        let (stopped, text, tokens, _) = run(&["。"], &["好的。还有".as_bytes()]);
        assert!(stopped);
        assert_eq!((text.as_str(), tokens), ("好的", vec!["好的".to_owned()]));
    }

    #[test]
    fn a_character_split_over_tokens_belongs_to_the_token_that_completes_it() {
        let bytes = "退".as_bytes();
        let (_, text, tokens, _) = run(&[], &[&bytes[..2], &bytes[2..]]);
        assert_eq!((text.as_str(), tokens), ("退", vec![String::new(), "退".to_owned()]));
    }
}
