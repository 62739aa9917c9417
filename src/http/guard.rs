//! The gate in front of every route: who is asking, and may they?
//!
//! A person of the shop comes with the session cookie (from our pages) or with its token as a bearer; a script comes
//! with a key that a person made for it, as a bearer;
//! a buyer comes with the token of one conversation. What the gate found out, handlers take as [`Member`] or
//! [`Buyer`]: a shop id never comes from the request itself.

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::domain::ids::{AccountId, ConversationId, ShopId};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::origin::{Site, site_of};
use crate::http::password::{TOKEN_PREFIX, hash_token};
use crate::http::permission::Permission;
use crate::http::state::AppState;
use crate::storage::accounts::Account;
use crate::storage::api_tokens::{self, FoundKey};
use crate::storage::conversations::Conversation;
use crate::storage::presence;
use crate::storage::sessions::{self, Found};

/// The cookie of a session. Over TLS its name makes browsers refuse one that another host, or an answer that is not
/// secure, tries to set.
pub fn cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-kefu_session" } else { "kefu_session" }
}

/// What a route's gate knows.
#[derive(Clone)]
pub struct Gate {
    /// To look people up.
    pub state: AppState,
    /// What the route needs.
    pub permission: Permission,
    /// Whether a password must have been given lately.
    pub needs_password: bool,
}

/// A person of the shop, signed in and allowed to be here.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub account: Account,
    /// What the session is stored by; empty for the key of a script.
    pub session_hash: String,
    /// Whether a password was given lately.
    is_confirmed: bool,
    /// Whether the shop demands a second factor of them, and they have none.
    lacks_factor: bool,
    /// What the key of a script is limited to; `None` for a person.
    scopes: Option<Vec<String>>,
}

impl Member {
    fn of_session(found: Found, session_hash: String) -> Self {
        let Found { account, is_confirmed, lacks_factor } = found;
        Self { account, session_hash, is_confirmed, lacks_factor, scopes: None }
    }

    /// A person who has just proven who they are.
    pub fn signing_in(account: Account, session_hash: String, lacks_factor: bool) -> Self {
        Self { account, session_hash, is_confirmed: true, lacks_factor, scopes: None }
    }

    /// Whether they have to set up a second factor before anything else.
    pub fn lacks_factor(&self) -> bool {
        self.lacks_factor
    }

    /// Whether role and scopes allow it. No scope brings what only a person does: their own account, or other people.
    fn may(&self, permission: Permission) -> bool {
        let in_scope =
            |scopes: &Vec<String>| permission.is_scope() && scopes.iter().any(|one| one == permission.name());
        permission.is_held_by(self.account.role) && self.scopes.as_ref().is_none_or(in_scope)
    }

    /// Fails unless a password was given lately. A script cannot give one.
    pub fn check_confirmed(&self) -> ApiResult<()> {
        if self.is_confirmed { Ok(()) } else { Err(Code::PasswordNeeded.into()) }
    }

    /// Whose person it is.
    pub fn shop(&self) -> ShopId {
        self.account.shop
    }

    /// Who it is.
    pub fn id(&self) -> AccountId {
        self.account.id
    }
}

/// A buyer, in the conversation that the token belongs to.
#[derive(Debug, Clone)]
pub struct Buyer {
    /// The thread.
    pub conversation: Conversation,
}

/// Lets a request pass, or says why not.
pub async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> ApiResult<Response> {
    let (mut parts, body) = request.into_parts();
    match gate.permission {
        Permission::Public => refuse_other_sites(&parts, &gate.state, false)?,
        Permission::Chat => {
            let buyer = find_buyer(&mut parts, &gate.state).await?;
            parts.extensions.insert(buyer);
        }
        permission => {
            let member = find_member(&parts, &gate.state).await?;
            if !member.may(permission) {
                return Err(Code::NotAllowed.into());
            }
            // Their own account is all they reach until then: there it is set up.
            if member.lacks_factor && permission != Permission::SignedIn {
                return Err(Code::SecondFactorRequired.into());
            }
            if gate.needs_password {
                member.check_confirmed()?;
            }
            parts.extensions.insert(member);
        }
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// A page of another site must not act in a person's name. With a cookie, the browser has to say where it comes from.
fn refuse_other_sites(parts: &Parts, state: &AppState, has_cookie: bool) -> ApiResult<()> {
    if parts.method.is_safe() {
        return Ok(());
    }
    match site_of(&parts.headers, &parts.uri, &state.settings.public_url) {
        Site::Own => Ok(()),
        Site::Unknown if !has_cookie => Ok(()),
        Site::Unknown | Site::Foreign => Err(Code::CrossSite.into()),
    }
}

async fn find_member(parts: &Parts, state: &AppState) -> ApiResult<Member> {
    let token = match bearer(&parts.headers) {
        Some(token) => token,
        None => {
            let name = cookie_name(state.settings.is_https());
            let token = cookie(&parts.headers, name).ok_or(Code::SignInNeeded)?;
            refuse_other_sites(parts, state, true)?;
            token
        }
    };
    let hash = hash_token(token);
    if token.starts_with(TOKEN_PREFIX) {
        let found = api_tokens::lookup(&state.db, &hash).await?.ok_or(Code::SignInNeeded)?;
        let FoundKey { account, scopes, lacks_factor } = found;
        let session_hash = String::new();
        // Nobody gives a password here, so nothing that asks for one is ever done.
        return Ok(Member { account, session_hash, is_confirmed: false, lacks_factor, scopes: Some(scopes) });
    }
    let found = sessions::find(&state.db, &hash).await?.ok_or(Code::SignInNeeded)?;
    Ok(Member::of_session(found, hash))
}

async fn find_buyer(parts: &mut Parts, state: &AppState) -> ApiResult<Buyer> {
    let hash = bearer(&parts.headers).map(hash_token).ok_or(Code::TokenInvalid)?;
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(ApiError::bug)?;
    let asked = params.iter().find(|(name, _)| *name == "conversation_id").map(|(_, value)| value);
    let asked: ConversationId = asked.and_then(|id| id.parse().ok()).ok_or(Code::TokenInvalid)?;
    let found = presence::find(&state.db, asked, &hash).await?;
    let conversation = found.ok_or(Code::TokenInvalid)?;
    Ok(Buyer { conversation })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// A handler asked for somebody whom its route's permission does not bring.
#[derive(Debug, thiserror::Error)]
#[error("a handler takes `{0}`, but the permission of its route brings none")]
struct NobodyThere(&'static str);

impl<S: Send + Sync> FromRequestParts<S> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| ApiError::bug(NobodyThere("Member")))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Buyer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| ApiError::bug(NobodyThere("Buyer")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_where_they_stand() {
        let mut headers = HeaderMap::new();
        assert_eq!((bearer(&headers), cookie(&headers, "kefu_session")), (None, None));
        headers.insert(header::AUTHORIZATION, "bearer abc".parse().unwrap());
        headers.insert(header::COOKIE, "theme=dark; kefu_session=xyz".parse().unwrap());
        assert_eq!((bearer(&headers), cookie(&headers, "kefu_session")), (Some("abc"), Some("xyz")));
        assert_eq!(cookie(&headers, "__Host-kefu_session"), None);
        headers.insert(header::AUTHORIZATION, "Basic abc".parse().unwrap());
        assert_eq!(bearer(&headers), None);
    }
}
