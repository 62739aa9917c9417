//! Whether an event comes from who it says, and now: Standard Webhooks, HMAC-SHA256 over id, time and body.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::encoding::BASE64;
use crate::storage::buyers::BuyerKey;

/// An event that was signed longer ago, or lies further ahead, is a replay.
const WINDOW_S: i64 = 5 * 60;
/// The longest id of an event.
const MAX_ID_CHARS: usize = 128;

/// Why an event is not believed. Told to the shop's developer, who has to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("a header is missing: `webhook-id`, `webhook-timestamp` (seconds), `webhook-signature`")]
    Missing,
    #[error("`webhook-timestamp` is more than five minutes from now")]
    Time,
    #[error("no `v1,…` of `webhook-signature` fits one of the shop's keys")]
    Wrong,
}

/// The id of the event, if one of `keys` has signed it lately.
pub fn check(headers: &HeaderMap, body: &[u8], keys: &[BuyerKey], now_ms: i64) -> Result<String, SignatureError> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, time, signatures) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let signed_s: i64 = time.parse().map_err(|_| SignatureError::Missing)?;
    if id.is_empty() || id.len() > MAX_ID_CHARS || signatures.is_empty() {
        return Err(SignatureError::Missing);
    }
    if now_ms.div_euclid(1000).abs_diff(signed_s) > WINDOW_S.unsigned_abs() {
        return Err(SignatureError::Time);
    }
    let given = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    let given: Vec<Vec<u8>> = given.filter_map(|one| BASE64.decode(one.trim_end_matches('='))).collect();
    let fits = |key: &BuyerKey| {
        let signed = mac(&key.secret, (id, time), body);
        given.iter().any(|signature| signed.clone().verify_slice(signature).is_ok())
    };
    if keys.iter().any(fits) { Ok(id.to_owned()) } else { Err(SignatureError::Wrong) }
}

fn mac(secret: &str, (id, time): (&str, &str), body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::BuyerKeyId;

    const NOW_MS: i64 = 1_767_225_600_000;

    fn key(secret: &str) -> BuyerKey {
        BuyerKey { id: BuyerKeyId(Uuid::nil()), secret: secret.to_owned(), created_at_ms: 0 }
    }

    fn headers(secret: &str, (id, time): (&str, i64), body: &[u8]) -> HeaderMap {
        let time = time.to_string();
        let signature = BASE64.encode(&mac(secret, (id, &time), body).finalize().into_bytes());
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", time.parse().unwrap());
        headers.insert("webhook-signature", format!("v1a,x v1,{signature}=").parse().unwrap());
        headers
    }

    #[test]
    fn only_what_was_signed_is_believed() {
        let (now_s, body) = (NOW_MS / 1000, b"{}".as_slice());
        let keys = [key("old"), key("new")];
        let good = headers("new", ("e-1", now_s), body);
        assert_eq!(check(&good, body, &keys, NOW_MS).as_deref(), Ok("e-1"));
        assert_eq!(check(&good, b"{ }", &keys, NOW_MS), Err(SignatureError::Wrong), "another body");
        assert_eq!(check(&good, body, &[key("gone")], NOW_MS), Err(SignatureError::Wrong));
        assert_eq!(check(&good, body, &[], NOW_MS), Err(SignatureError::Wrong));
        let mut other_id = good.clone();
        other_id.insert("webhook-id", "e-2".parse().unwrap());
        assert_eq!(check(&other_id, body, &keys, NOW_MS), Err(SignatureError::Wrong), "the id is signed, too");
        assert_eq!(check(&HeaderMap::new(), body, &keys, NOW_MS), Err(SignatureError::Missing));
    }

    #[test]
    fn an_event_is_good_for_five_minutes_around_its_time() {
        let body = b"{}";
        for (age_s, is_good) in [(0, true), (300, true), (301, false), (-300, true), (-301, false)] {
            let signed = headers("k", ("e", NOW_MS / 1000 - age_s), body);
            assert_eq!(check(&signed, body, &[key("k")], NOW_MS).is_ok(), is_good, "{age_s}");
        }
    }
}
