//! Who a buyer is, as the shop's own server signs it: a JSON web token of at most an hour (RFC 7519, HS256).
//!
//! # Why
//! One algorithm and no choice: what the token's head asks for is compared, never obeyed. `sub` is the shop's own id of
//! the buyer; `aud` is the widget, so that a token for one storefront opens no other.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use crate::domain::encoding::BASE64_URL;
use crate::domain::ids::WidgetId;
use crate::storage::buyers::BuyerKey;

/// A token may not be good for longer than this.
const MAX_LIFETIME_S: i64 = 60 * 60;
/// Clocks of two servers may differ by this much.
const LEEWAY_S: i64 = 60;
/// The longest id of a buyer.
const MAX_SUBJECT_CHARS: usize = 128;
/// A token that is longer is not looked at.
const MAX_BYTES: usize = 4096;

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: String,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
}

/// Why a token is not believed. Told to the shop's developer, who has to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It is no token.
    #[error("it is not a JSON web token")]
    Malformed,
    /// Another algorithm.
    #[error("its `alg` is not HS256")]
    Algorithm,
    /// No key fits.
    #[error("it is signed with none of the shop's keys")]
    Signature,
    /// Another widget.
    #[error("its `aud` is not this widget")]
    Audience,
    /// Too old, too new, or good for too long.
    #[error("it has expired, is not valid yet, or is valid for more than an hour")]
    Time,
    /// No id.
    #[error("its `sub` is empty or too long")]
    Subject,
}

/// A buyer whom the shop has named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBuyer {
    /// The shop's id of the buyer.
    pub id: String,
    /// The first moment at which the token is not believed any more.
    pub until_ms: i64,
}

/// The buyer whom `token` names.
pub fn buyer_of(token: &str, widget: WidgetId, keys: &[BuyerKey], now_ms: i64) -> Result<NamedBuyer, IdentityError> {
    let parts: Vec<&str> = token.split('.').collect();
    let (signed, signature) = token.rsplit_once('.').ok_or(IdentityError::Malformed)?;
    let &[head, claims, _] = parts.as_slice() else { return Err(IdentityError::Malformed) };
    if token.len() > MAX_BYTES {
        return Err(IdentityError::Malformed);
    }
    let head: Head = read(head)?;
    if head.alg != "HS256" {
        return Err(IdentityError::Algorithm);
    }
    let signature = BASE64_URL.decode(signature).ok_or(IdentityError::Malformed)?;
    let may_have_signed = |key: &&BuyerKey| head.kid.as_ref().is_none_or(|kid| *kid == key.id.to_string());
    if !keys.iter().filter(may_have_signed).any(|key| has_signed(key, signed, &signature)) {
        return Err(IdentityError::Signature);
    }
    let claims: Claims = read(claims)?;
    check(claims, widget, now_ms.div_euclid(1000))
}

fn check(claims: Claims, widget: WidgetId, now_s: i64) -> Result<NamedBuyer, IdentityError> {
    if claims.aud != widget.to_string() {
        return Err(IdentityError::Audience);
    }
    let begins = claims.nbf.or(claims.iat).unwrap_or(now_s);
    let until_s = claims.exp.saturating_add(LEEWAY_S);
    let is_now = now_s < until_s && begins <= now_s.saturating_add(LEEWAY_S);
    let is_short = claims.exp.saturating_sub(now_s) <= MAX_LIFETIME_S + LEEWAY_S;
    if !is_now || !is_short {
        return Err(IdentityError::Time);
    }
    let subject = claims.sub.trim();
    if subject.is_empty() || subject.chars().count() > MAX_SUBJECT_CHARS {
        return Err(IdentityError::Subject);
    }
    Ok(NamedBuyer { id: subject.to_owned(), until_ms: until_s.saturating_mul(1000) })
}

fn read<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, IdentityError> {
    let bytes = BASE64_URL.decode(part).ok_or(IdentityError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| IdentityError::Malformed)
}

/// The comparison takes as long for a wrong signature as for the right one.
fn has_signed(key: &BuyerKey, text: &str, signature: &[u8]) -> bool {
    mac(&key.secret, text).verify_slice(signature).is_ok()
}

fn mac(secret: &str, text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::BuyerKeyId;

    const NOW_MS: i64 = 1_767_225_600_000;
    const NOW_S: i64 = NOW_MS / 1000;
    const WIDGET: WidgetId = WidgetId(Uuid::nil());

    fn key(n: u128, secret: &str) -> BuyerKey {
        BuyerKey { id: BuyerKeyId(Uuid::from_u128(n)), secret: secret.to_owned(), created_at_ms: 0 }
    }

    fn token(head: &Value, claims: &Value, secret: &str) -> String {
        let part = |value: &Value| BASE64_URL.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(head), part(claims));
        let signature = BASE64_URL.encode(&mac(secret, &signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    fn claims(more: Value) -> Value {
        let mut all = json!({ "sub": "buyer-7", "aud": WIDGET, "exp": NOW_S + 600 });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    }

    fn tried(head: Value, more: Value, secret: &str) -> Result<String, IdentityError> {
        let keys = [key(1, "old"), key(2, "new")];
        buyer_of(&token(&head, &claims(more), secret), WIDGET, &keys, NOW_MS).map(|named| named.id)
    }

    #[test]
    fn both_live_keys_sign_and_no_other() {
        let head = || json!({ "alg": "HS256", "typ": "JWT" });
        assert_eq!(tried(head(), json!({}), "old").as_deref(), Ok("buyer-7"));
        assert_eq!(tried(head(), json!({}), "new").as_deref(), Ok("buyer-7"));
        assert_eq!(tried(head(), json!({}), "gone"), Err(IdentityError::Signature));
        let named = json!({ "alg": "HS256", "kid": Uuid::from_u128(1) });
        assert_eq!(tried(named.clone(), json!({}), "old").as_deref(), Ok("buyer-7"));
        assert_eq!(tried(named, json!({}), "new"), Err(IdentityError::Signature), "not the key that it names");
    }

    #[test]
    fn the_head_cannot_choose_how_it_is_checked() {
        for alg in ["none", "HS512", "RS256", "hs256"] {
            assert_eq!(tried(json!({ "alg": alg }), json!({}), "new"), Err(IdentityError::Algorithm), "{alg}");
        }
        let unsigned = token(&json!({ "alg": "HS256" }), &claims(json!({})), "new");
        let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
        assert_eq!(buyer_of(&unsigned, WIDGET, &[key(1, "new")], NOW_MS), Err(IdentityError::Signature));
        assert_eq!(buyer_of(&unsigned, WIDGET, &[], NOW_MS), Err(IdentityError::Signature));
        for wrong in ["", "a", "a.b", "a.b.c", "a.b.c.d", "....", "é.é.é"] {
            assert_eq!(buyer_of(wrong, WIDGET, &[key(1, "new")], NOW_MS), Err(IdentityError::Malformed), "{wrong}");
        }
    }

    proptest::proptest! {
        /// Whatever is done to a token: it names its buyer or nobody, and never breaks the reader.
        #[test]
        fn a_damaged_token_names_nobody_else(at in 0usize..200, letter in "[A-Za-z0-9._=\\PC-]", cut in 0usize..200) {
            let whole = token(&json!({ "alg": "HS256" }), &claims(json!({})), "new");
            let mut letters: Vec<char> = whole.chars().collect();
            let at = at % letters.len();
            letters.splice(at..=at, letter.chars());
            let changed: String = letters.iter().collect();
            let shortened: String = changed.chars().take(cut).collect();
            for damaged in [changed, shortened, format!("{whole}{letter}"), format!("{letter}{whole}")] {
                let named = buyer_of(&damaged, WIDGET, &[key(1, "new")], NOW_MS).map(|named| named.id);
                proptest::prop_assert!(named.is_err() || named.as_deref() == Ok("buyer-7"), "{damaged}: {named:?}");
            }
        }
    }

    #[test]
    fn claims_are_checked_one_by_one() {
        let head = || json!({ "alg": "HS256" });
        let cases = [
            (json!({ "aud": Uuid::from_u128(9) }), IdentityError::Audience),
            (json!({ "exp": NOW_S - 120 }), IdentityError::Time),
            (json!({ "exp": NOW_S + 2 * 3600 }), IdentityError::Time),
            (json!({ "exp": i64::MAX }), IdentityError::Time),
            (json!({ "exp": i64::MIN }), IdentityError::Time),
            (json!({ "nbf": NOW_S + 300 }), IdentityError::Time),
            (json!({ "sub": " " }), IdentityError::Subject),
            (json!({ "sub": "x".repeat(129) }), IdentityError::Subject),
            (json!({ "sub": 7 }), IdentityError::Malformed),
        ];
        for (more, error) in cases {
            assert_eq!(tried(head(), more.clone(), "new"), Err(error), "{more}");
        }
        assert!(tried(head(), json!({ "exp": NOW_S - 30 }), "new").is_ok(), "clocks differ a little");
    }
}
