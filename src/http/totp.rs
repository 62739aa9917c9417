//! One-time codes by time (RFC 6238): six digits, thirty seconds, SHA-1, which is what authenticator apps know.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::clock::secure_random;
use crate::domain::encoding::BASE32;
use crate::http::password::hash_token;

const STEP_S: i64 = 30;
const DIGITS: u32 = 6;
/// Codes of this many steps before and after are taken: clocks of phones are not exact.
const DRIFT_STEPS: i64 = 1;
/// Recovery codes that are handed out at once.
pub const N_RECOVERY_CODES: usize = 10;

/// A new key, in base32: 160 bits, as the standard advises.
pub fn new_secret() -> String {
    let mut bytes = [0u8; 20];
    secure_random(&mut bytes);
    BASE32.encode(&bytes)
}

/// What an authenticator app reads to set a key up.
pub fn uri(secret: &str, email: &str) -> String {
    let label: String = email.bytes().map(percent).collect();
    format!("otpauth://totp/kefu:{label}?secret={secret}&issuer=kefu&digits={DIGITS}&period={STEP_S}")
}

fn percent(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

/// The step whose code `code` is, if it is one of now. All steps are compared whatever fits: the time tells nothing.
pub fn matching_step(secret: &str, code: &str, now_ms: i64) -> Option<i64> {
    let key = BASE32.decode(secret)?;
    let now = now_ms.div_euclid(1000 * STEP_S);
    let mut found = None;
    for step in now - DRIFT_STEPS..=now + DRIFT_STEPS {
        let is_it = is_same(&code_of(&key, step, DIGITS), code);
        found = found.or(is_it.then_some(step));
    }
    found
}

fn code_of(key: &[u8], step: i64, digits: u32) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 0x0f);
    let number = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
    format!("{:0width$}", number % 10u32.pow(digits), width = digits as usize)
}

/// Compares without telling by its time how far two texts agree.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

/// Codes for the day the phone is lost: 80 bits each, to be written down.
pub fn new_recovery_codes() -> Vec<String> {
    let one = |_| {
        let mut bytes = [0u8; 10];
        secure_random(&mut bytes);
        let code = BASE32.encode(&bytes).to_lowercase();
        format!("{}-{}-{}-{}", &code[..4], &code[4..8], &code[8..12], &code[12..])
    };
    (0..N_RECOVERY_CODES).map(one).collect()
}

/// What is stored instead of a recovery code, however it is typed.
pub fn hash_recovery_code(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    hash_token(&plain.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the rows for SHA-1, eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ];

    #[test]
    fn the_vectors_of_the_standard_hold() {
        for (at_s, code) in VECTORS {
            assert_eq!(code_of(b"12345678901234567890", at_s / STEP_S, 8), code, "at {at_s}");
        }
    }

    #[test]
    fn a_code_of_now_or_a_step_beside_is_taken() {
        let secret = BASE32.encode(b"12345678901234567890");
        let now_ms = 1_111_111_109_000;
        let code = code_of(b"12345678901234567890", now_ms / 30_000, 6);
        assert_eq!(code, "081804");
        for (late_ms, is_taken) in [(0, true), (30_000, true), (60_000, false), (-30_000, true), (-60_000, false)] {
            assert_eq!(matching_step(&secret, &code, now_ms + late_ms).is_some(), is_taken, "{late_ms}");
        }
        assert_eq!(matching_step(&secret, "", now_ms), None);
        assert_eq!(matching_step("not base32!", &code, now_ms), None);
    }

    #[test]
    fn keys_and_codes_are_random_and_typed_in_any_way() {
        assert_ne!(new_secret(), new_secret());
        assert_eq!(BASE32.decode(&new_secret()).unwrap().len(), 20);
        let codes = new_recovery_codes();
        assert_eq!(codes.len(), N_RECOVERY_CODES);
        assert_eq!(hash_recovery_code(&codes[0]), hash_recovery_code(&codes[0].to_uppercase().replace('-', " ")));
        assert!(uri("ABC", "a b@c.example").starts_with("otpauth://totp/kefu:a%20b%40c.example?secret=ABC&"));
    }
}
