//! Bytes of tokens to text, as they come.

/// The byte that a character of a byte-level piece stands for (the table of GPT-2): printable bytes stand for
/// themselves, the others were moved to 256 and beyond in their order.
pub fn byte_of(c: char) -> Option<u8> {
    let is_printable = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let code = u32::from(c);
    match u8::try_from(code) {
        Ok(b) => is_printable(b).then_some(b),
        Err(_) => (0..=u8::MAX).filter(|b| !is_printable(*b)).nth(usize::try_from(code).ok()?.checked_sub(256)?),
    }
}

/// Holds back the bytes of a character that is not complete yet.
#[derive(Default)]
pub struct Utf8Stream {
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// Adds bytes and returns the text that is complete. Bytes that can never become a character turn into `�`.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = self.pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(e) => {
                    let (valid, after) = rest.split_at(e.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    let Some(bad) = e.error_len() else {
                        rest = after;
                        break;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &after[bad..];
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }

    /// What is left when nothing more comes.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_exactly_one_character() {
        let mut found = vec![0; 256];
        for code in 0..0x200 {
            if let Some(b) = char::from_u32(code).and_then(byte_of) {
                found[usize::from(b)] += 1;
            }
        }
        assert!(found.iter().all(|n| *n == 1));
        assert_eq!((byte_of('Ġ'), byte_of('Ċ'), byte_of('a')), (Some(b' '), Some(b'\n'), Some(b'a')));
    }

    #[test]
    fn a_character_comes_out_when_its_last_byte_has_come() {
        let mut stream = Utf8Stream::default();
        let bytes = "退a".as_bytes();
        assert_eq!(stream.push(&bytes[..1]), "");
        assert_eq!(stream.push(&bytes[1..2]), "");
        assert_eq!(stream.push(&bytes[2..]), "退a");
        assert_eq!(stream.push(&[0xFF, b'b', 0xE9]), "\u{FFFD}b");
        assert_eq!(stream.finish(), "\u{FFFD}");
    }
}
