//! Secrets that have to be read back, and their encryption: `kefu1:<key>:<nonce, ciphertext and tag in base64url>`,
//! AES-256 in GCM, bound to the table, the column and the row that they stand in.
//!
//! # Why
//!
//! Most secrets are stored as hashes. Two kinds cannot be: the keys of second factors and the keys that shops sign their
//! buyers' identity with, since both have to be known to check what is made of them. Whoever gets hold of a copy of the
//! database, as a backup or through a hole in a query, must not be able to use them: the key that opens them is not in
//! the database. Which key it was stands beside each secret, by its fingerprint, so that a lost key is told from a
//! damaged row. A row that was copied into the place of another does not open: that would lend a second factor to
//! somebody else.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

use super::StorageError;
use crate::clock::secure_random;
use crate::domain::encoding::{BASE64_URL, HEX};

/// What a sealed text begins with.
const MARK: &str = "kefu1:";
const KEY_BYTES: usize = 32;
/// Of the hash of a key, in the name that is stored: enough to tell keys apart, too little to be of use.
const ID_BYTES: usize = 8;

/// Keys, the first of which seals; all of them open.
#[derive(Clone, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    bytes: [u8; KEY_BYTES],
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("key {number} is not 64 hexadecimal digits")]
pub struct KeyError {
    /// Which one, counted from 1. The text itself is a secret.
    number: usize,
}

/// Where a secret stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// `accounts.totp_secret`.
    pub column: &'a str,
    /// Of the row.
    pub id: uuid::Uuid,
}

impl Keyring {
    /// Keys as 64 hexadecimal digits each, separated by commas or white space.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let key = |(at, word): (usize, &str)| {
            let bytes = HEX.decode(&word.to_ascii_lowercase()).and_then(|bytes| bytes.try_into().ok());
            bytes.map(Key::of).ok_or(KeyError { number: at + 1 })
        };
        Ok(Self { keys: words.enumerate().map(key).collect::<Result<_, _>>()? })
    }

    /// The same keys, and a new one before them.
    pub fn with_new_key(&self) -> Self {
        let mut bytes = [0; KEY_BYTES];
        secure_random(&mut bytes);
        let mut keys = vec![Key::of(bytes)];
        keys.extend(self.keys.iter().cloned());
        Self { keys }
    }

    /// The text that [`Keyring::parse`] reads, a key a line. It is as secret as they are.
    pub fn to_text(&self) -> String {
        self.keys.iter().map(|key| HEX.encode(&key.bytes) + "\n").collect()
    }

    /// The fingerprint of the key that seals; `None` if there is no key.
    pub fn id(&self) -> Option<&str> {
        self.keys.first().map(|key| key.id.as_str())
    }

    /// Whether it opens what the key of this fingerprint has sealed.
    pub fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    /// What is stored in `place`.
    pub(super) fn seal(&self, secret: &str, place: Place<'_>) -> Result<String, StorageError> {
        let key = self.keys.first().ok_or(StorageError::NoKey)?;
        let mut nonce = [0; NONCE_LEN];
        secure_random(&mut nonce);
        let mut bytes = secret.as_bytes().to_vec();
        let sealed = key.cipher().seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.to_string()),
            &mut bytes,
        );
        sealed.map_err(|_| place.damaged())?;
        Ok(format!("{MARK}{}:{}", key.id, BASE64_URL.encode(&[nonce.as_slice(), &bytes].concat())))
    }

    /// The secret of what is stored in `place`.
    pub(super) fn open(&self, stored: &str, place: Place<'_>) -> Result<String, StorageError> {
        let (id, body) = parts(stored).ok_or_else(|| place.damaged())?;
        let known = self.keys.iter().find(|key| key.id == id);
        let key = known.ok_or_else(|| StorageError::KeyLost { id: id.to_owned() })?;
        let bytes = BASE64_URL.decode(body).filter(|bytes| bytes.len() > NONCE_LEN).ok_or_else(|| place.damaged())?;
        let (nonce, sealed) = bytes.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| place.damaged())?;
        let mut sealed = sealed.to_vec();
        let opened = key.cipher().open_in_place(nonce, Aad::from(place.to_string()), &mut sealed);
        let opened = opened.map_err(|_| place.damaged())?;
        String::from_utf8(opened.to_vec()).map_err(|_| place.damaged())
    }
}

impl Key {
    fn of(bytes: [u8; KEY_BYTES]) -> Self {
        let hash = Sha256::new().chain_update(b"kefu secret key").chain_update(bytes).finalize();
        Self { id: HEX.encode(&hash[..ID_BYTES]), bytes }
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &self.bytes).expect("a key of AES-256 has 32 bytes");
        LessSafeKey::new(key)
    }
}

/// The fingerprint of the key that sealed a stored text; `None` for one that is not sealed.
pub(super) fn key_of(stored: &str) -> Option<&str> {
    parts(stored).map(|(id, _)| id)
}

fn parts(stored: &str) -> Option<(&str, &str)> {
    stored.strip_prefix(MARK)?.split_once(':')
}

impl Place<'_> {
    fn damaged(&self) -> StorageError {
        StorageError::Damaged { what: format!("the secret in {self} does not open: it was changed, or moved here") }
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.column, self.id)
    }
}

/// Never the keys.
impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const PLACE: Place<'_> = Place { column: "accounts.totp_secret", id: Uuid::nil() };

    #[test]
    fn what_was_sealed_opens_in_its_place_with_its_key_and_not_otherwise() {
        let first = Keyring::default().with_new_key();
        let sealed = first.seal("JBSWY3DP", PLACE).unwrap();
        assert!(!sealed.contains("JBSWY3DP"));
        assert_ne!(first.seal("JBSWY3DP", PLACE).unwrap(), sealed, "no two look alike");
        assert_eq!(first.open(&sealed, PLACE).unwrap(), "JBSWY3DP");
        for elsewhere in [Place { column: "accounts.totp_pending", ..PLACE }, Place { id: Uuid::from_u128(1), ..PLACE }]
        {
            assert!(matches!(first.open(&sealed, elsewhere), Err(StorageError::Damaged { .. })), "{elsewhere}");
        }
        let second = first.with_new_key();
        assert_eq!(second.open(&sealed, PLACE).unwrap(), "JBSWY3DP");
        assert_eq!(key_of(&second.seal("x", PLACE).unwrap()), second.id());
        let stranger = Keyring::default().with_new_key();
        assert!(
            matches!(stranger.open(&sealed, PLACE), Err(StorageError::KeyLost { id }) if Some(id.as_str()) == first.id())
        );
        assert!(matches!(Keyring::default().seal("x", PLACE), Err(StorageError::NoKey)));
    }

    #[test]
    fn a_changed_letter_is_noticed() {
        let keys = Keyring::default().with_new_key();
        let sealed = keys.seal("JBSWY3DP", PLACE).unwrap();
        for at in MARK.len()..sealed.len() {
            let mut letters = sealed.clone().into_bytes();
            letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(letters).unwrap();
            assert!(keys.open(&changed, PLACE).is_err(), "{changed}");
        }
        for wrong in ["", "JBSWY3DP", "kefu1:", "kefu1:a", "kefu1:a:", &sealed[..sealed.len() - 30]] {
            assert!(keys.open(wrong, PLACE).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_read_as_they_are_written_and_never_shown() {
        let keys = Keyring::default().with_new_key().with_new_key();
        let again = Keyring::parse(&keys.to_text()).unwrap();
        assert_eq!((again.id(), again.to_text()), (keys.id(), keys.to_text()));
        assert!(keys.to_text().lines().all(|key| !format!("{keys:?}").contains(key)));
        assert_eq!(Keyring::parse(" , \n").unwrap().id(), None);
        let one = "0f".repeat(32);
        assert_eq!(Keyring::parse(&format!("{one},{}", one.to_uppercase())).unwrap().keys.len(), 2);
        assert_eq!(Keyring::parse(&format!("{one},abc")).unwrap_err(), KeyError { number: 2 });
        assert!(!KeyError { number: 2 }.to_string().contains("abc"));
    }
}
