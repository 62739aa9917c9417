//! What a person proves who they are with: a password, and a second factor where one is set up.

use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::password::is_password;
use crate::http::state::AppState;
use crate::http::totp;
use crate::http::work::off_the_async_threads;
use crate::storage::accounts::{self, Account};
use crate::storage::second_factor;

/// Whose address and password these are; `None` for a wrong one of either, after the same work.
pub async fn check_password(state: &AppState, email: &str, password: String) -> ApiResult<Option<Account>> {
    let found = accounts::by_email(&state.db, email).await?;
    let stored = found.as_ref().map(|found| found.password_hash.clone());
    let is_right = off_the_async_threads(move || is_password(&password, stored.as_deref())).await?;
    Ok(found.map(|found| found.account).filter(|account| is_right && !account.disabled))
}

/// Asks for the second factor of an account that has one, and uses the code up.
pub async fn check_second_factor(state: &AppState, account: &Account, code: Option<&str>) -> ApiResult<()> {
    let Some(secret) = second_factor::of(&state.db, account.id).await?.secret else { return Ok(()) };
    let code = code.map(str::trim).filter(|code| !code.is_empty()).ok_or(Code::SecondFactorNeeded)?;
    let mut tx = state.db.begin().await?;
    let is_good = match totp::matching_step(&secret, code, state.now_ms()) {
        Some(step) => second_factor::take_step(&mut tx, account.id, step).await?,
        None => second_factor::take_recovery_code(&mut tx, account.id, &totp::hash_recovery_code(code)).await?,
    };
    tx.commit().await?;
    if is_good { Ok(()) } else { Err(Code::SecondFactorWrong.into()) }
}

/// Counts an attempt before the work of checking it: guesses sent at the same time must not slip through while the
/// first is being checked.
pub fn count_attempt(state: &AppState, email: &str, address: &str) -> ApiResult<String> {
    let key = format!("{}\n{address}", email.trim().to_lowercase());
    let now_ms = state.now_ms();
    let limits = &state.limits;
    let wait_s = limits.logins.wait_s(&key, now_ms).or_else(|| limits.logins_of_address.wait_s(address, now_ms));
    if let Some(seconds) = wait_s {
        return Err(ApiError::from(Code::TooManyAttempts).retry_after_s(seconds));
    }
    limits.logins.count(&key, now_ms);
    limits.logins_of_address.count(address, now_ms);
    Ok(key)
}
