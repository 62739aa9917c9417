//! Texts that stand for bytes: base64, base32, hexadecimal, ones and zeros.
//!
//! # Why
//! They differ in nothing but their alphabet, and each is needed: keys of second factors are base32, signed tokens are
//! base64url, and attacks hide in all of them.

/// The letters of a base, in the order of their values; there are 2, 16, 32 or 64 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alphabet {
    letters: &'static str,
    bits: u32,
}

/// RFC 4648 §4.
pub const BASE64: Alphabet =
    Alphabet { letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", bits: 6 };
/// RFC 4648 §5.
pub const BASE64_URL: Alphabet =
    Alphabet { letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", bits: 6 };
/// RFC 4648 §6.
pub const BASE32: Alphabet = Alphabet { letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5 };
/// Lower case.
pub const HEX: Alphabet = Alphabet { letters: "0123456789abcdef", bits: 4 };
/// Ones and zeros.
pub const BINARY: Alphabet = Alphabet { letters: "01", bits: 1 };

impl Alphabet {
    /// The text of `bytes`, without padding.
    pub fn encode(self, bytes: &[u8]) -> String {
        let letters = self.letters.as_bytes();
        let mask = (1u32 << self.bits) - 1;
        let (mut held, mut n_held, mut out) = (0u32, 0u32, String::new());
        let mut push = |value: u32| out.push(char::from(letters[(value & mask) as usize]));
        for byte in bytes {
            held = (held << 8) | u32::from(*byte);
            n_held += 8;
            while n_held >= self.bits {
                n_held -= self.bits;
                push(held >> n_held);
            }
            held &= (1 << n_held) - 1;
        }
        if n_held > 0 {
            push(held << (self.bits - n_held));
        }
        out
    }

    /// The bytes of `text`, padded or not; `None` if a letter is of another alphabet or bits are left over.
    pub fn decode(self, text: &str) -> Option<Vec<u8>> {
        let (mut held, mut n_held, mut out) = (0u32, 0u32, Vec::new());
        for letter in text.trim_end_matches('=').bytes() {
            let value = self.letters.bytes().position(|known| known == letter)?;
            held = (held << self.bits) | u32::try_from(value).ok()?;
            n_held += self.bits;
            if n_held >= 8 {
                n_held -= 8;
                out.push(u8::try_from((held >> n_held) & 0xff).ok()?);
            }
            held &= (1 << n_held) - 1;
        }
        (held == 0 && n_held < self.bits.max(8)).then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_hold() {
        assert_eq!(BASE64.encode(b"fooba"), "Zm9vYmE");
        assert_eq!(BASE64.decode("Zm9vYmE=").unwrap(), b"fooba");
        assert_eq!(BASE32.encode(b"foobar"), "MZXW6YTBOI");
        assert_eq!(BASE32.decode("MZXW6YTBOI======").unwrap(), b"foobar");
        assert_eq!(HEX.encode(&[0, 255]), "00ff");
        assert_eq!(BINARY.decode("0100100001101001").unwrap(), b"Hi");
    }

    #[test]
    fn what_is_no_text_of_the_alphabet_is_refused() {
        assert_eq!(BASE64_URL.decode("ab+c"), None);
        assert_eq!(BASE64_URL.decode("AB"), None, "bits are left over");
        assert_eq!(HEX.decode("xy"), None);
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            for alphabet in [BASE64, BASE64_URL, BASE32, HEX, BINARY] {
                let text = alphabet.encode(&bytes);
                prop_assert_eq!(alphabet.decode(&text), Some(bytes.clone()));
            }
        }
    }
}
