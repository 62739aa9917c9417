//! Passwords and tokens: how they are made, stored and compared.
//!
//! A password is stretched with argon2id; a token is 256 random bits, so one SHA-256 is enough to store it by.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256};

use crate::clock::secure_random;
use crate::domain::encoding::HEX;
use crate::domain::ids::ApiTokenId;

/// The shortest password, in characters.
pub const MIN_CHARS: usize = 8;

/// Longer ones are refused: hashing them would be a gift to whoever wants to keep us busy.
const MAX_BYTES: usize = 1024;

/// The first guesses of every attacker that are long enough to pass.
const COMMON: [&str; 24] = [
    "12345678",
    "123456789",
    "1234567890",
    "password",
    "password1",
    "password123",
    "qwertyui",
    "qwerty123",
    "11111111",
    "00000000",
    "88888888",
    "66666666",
    "87654321",
    "abcd1234",
    "a1234567",
    "a12345678",
    "1q2w3e4r",
    "iloveyou",
    "woaini1314",
    "5201314520",
    "admin123",
    "administrator",
    "letmein1",
    "12341234",
];

/// A hash of a password nobody has: compared against where there is no account, so that both take as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2Q$kzyq2Zl3bY0Qm3mZt8lKzv0b5y0M0r3n9m3a4Yk0b1c";

/// Why a password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("argon2 refused its input: {0}")]
pub struct HashError(argon2::password_hash::Error);

/// Whether a password may be used at all.
pub fn is_acceptable(password: &str) -> bool {
    password.chars().count() >= MIN_CHARS
        && password.len() <= MAX_BYTES
        && !COMMON.contains(&password.to_lowercase().as_str())
}

/// Argon2id with the costs that OWASP recommends: 19 MiB, two passes.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("the costs lie within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// What is stored instead of a password.
///
/// Blocking: tens of milliseconds of work; call it off the async threads.
pub fn hash_password(password: &str) -> Result<String, HashError> {
    let mut salt = [0u8; 16];
    secure_random(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(HashError)?;
    Ok(argon2().hash_password(password.as_bytes(), &salt).map_err(HashError)?.to_string())
}

/// Whether `password` is the one that `stored` was made of. Without a stored hash the same work is done in
/// vain.
///
/// Blocking: as [`hash_password`].
pub fn is_password(password: &str, stored: Option<&str>) -> bool {
    if password.len() > MAX_BYTES {
        return false;
    }
    // An account that was invited but never set a password stores no hash: that must not be faster either.
    let stored = stored.and_then(|stored| PasswordHash::new(stored).ok());
    let is_somebody = stored.is_some();
    let Some(hash) = stored.or_else(|| PasswordHash::new(NOBODY).ok()) else { return false };
    argon2().verify_password(password.as_bytes(), &hash).is_ok() && is_somebody
}

/// A password to hand out: twelve characters that are hard to guess and easy to read out.
pub fn new_password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0u8; 12];
    secure_random(&mut random);
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// A new secret: 256 random bits in hexadecimal.
pub fn new_token() -> String {
    let mut bytes = [0u8; 32];
    secure_random(&mut bytes);
    HEX.encode(&bytes)
}

/// What the key of a script begins with, so that it is recognized where it does not belong.
pub const TOKEN_PREFIX: &str = "kefu_";

/// A key for a script: the prefix, the id it is listed under, 256 random bits.
pub fn new_api_token(id: ApiTokenId) -> String {
    format!("{TOKEN_PREFIX}{}_{}", id.0.simple(), new_token())
}

/// What is stored instead of a token.
pub fn hash_token(token: &str) -> String {
    HEX.encode(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_its_own_hash_only() {
        let stored = hash_password("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(is_password("correct horse", Some(&stored)));
        assert!(!is_password("correct house", Some(&stored)));
    }

    #[test]
    fn an_unknown_account_costs_the_same_hash_and_never_opens() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(Params::try_from(&nobody).unwrap().m_cost(), 19_456, "the decoy costs what a real hash costs");
        assert!(!is_password("anything", None));
    }

    #[test]
    fn short_and_famous_passwords_are_refused() {
        assert!(!is_acceptable("1234567"));
        assert!(!is_acceptable("PassWord"));
        assert!(is_acceptable("七个字的长密码吗"));
        assert!(is_acceptable("tea-kettle-42"));
    }

    #[test]
    fn tokens_differ_and_hash_alike() {
        assert_ne!(new_token(), new_token());
        assert_eq!(new_token().len(), 64);
        assert_eq!(hash_token("a"), hash_token("a"));
    }
}
