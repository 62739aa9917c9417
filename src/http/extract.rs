//! What handlers take from a request. Ours instead of axum's, so that a bad request gets a problem document, too.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::domain::text::Lang;
use crate::http::error::{ApiError, Code};
use crate::http::state::AppState;

/// A JSON body, in or out.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = axum::Json::<T>::from_request(request, state).await;
        body.map(|axum::Json(value)| Self(value)).map_err(|rejection| {
            let code = match &rejection {
                JsonRejection::MissingJsonContentType(_) => Code::MediaTypeUnsupported,
                other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
                _ => Code::BodyInvalid,
            };
            ApiError::from(code).with(json!({ "detail": rejection.body_text() }))
        })
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A form with files.
#[derive(Debug)]
pub struct Form(pub Multipart);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = content_type.is_some_and(|value| is_media_type(value, "multipart/form-data"));
        let form = Multipart::from_request(request, state).await;
        form.map(Self).map_err(|rejection: MultipartRejection| {
            let code = if is_form { Code::BodyInvalid } else { Code::MediaTypeUnsupported };
            ApiError::from(code).with(json!({ "detail": rejection.body_text() }))
        })
    }
}

/// A body whose very bytes count: what was signed is what was sent.
#[derive(Debug)]
pub struct Raw(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection: BytesRejection| {
            let is_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
            ApiError::from(if is_large { Code::BodyTooLarge } else { Code::BodyInvalid })
        })
    }
}

/// Whether a `Content-Type` is this one, whatever its parameters.
fn is_media_type(given: &str, wanted: &str) -> bool {
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

/// Query parameters.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection: QueryRejection| {
            ApiError::from(Code::QueryInvalid).with(json!({ "detail": rejection.body_text() }))
        })
    }
}

/// Path parameters. One that cannot be an id names nothing: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|rejection: PathRejection| {
            if rejection.status().is_server_error() { ApiError::bug(rejection) } else { ApiError::from(Code::NotFound) }
        })
    }
}

/// What a request says of itself: where it goes, and its headers.
#[derive(Debug)]
pub struct RequestHead {
    /// Where it goes.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestHead {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { uri: parts.uri.clone(), headers: parts.headers.clone() })
    }
}

/// The language the reader prefers, of the two we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale(pub Lang);

impl Locale {
    /// The best of `Accept-Language`; English where it names neither.
    pub fn of(headers: &HeaderMap) -> Self {
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (0.0f32, Lang::En);
        for range in wanted.split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight: f32 = weight.trim().trim_start_matches("q=").parse().unwrap_or(0.0);
            let lang = match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("zh") => Lang::Zh,
                Some("en") => Lang::En,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        Self(best.1)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Locale {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// The other end of the connection; put on every request by [`crate::http::serve()`].
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Where a request comes from, for limits. Never for permissions.
#[derive(Debug, Clone)]
pub struct ClientAddress(pub String);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;

    /// `X-Forwarded-For` counts only behind a proxy that is known to set it, and then its last entry: the one that
    /// the proxy itself saw. An IPv6 client owns a /64, so that is what is counted.
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
        let forwarded = forwarded
            .filter(|_| state.settings.trust_forwarded_for)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.rsplit(',').next())
            .and_then(|address| address.trim().parse::<IpAddr>().ok());
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        Ok(Self(match forwarded.or(peer) {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(address) => address.to_string(),
                None => format!("{:x?}", &address.segments()[..4]),
            },
            None => "unknown".into(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(accept: &str) -> Lang {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        Locale::of(&headers).0
    }

    #[test]
    fn the_best_language_of_the_two_is_taken() {
        assert_eq!(locale("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh);
        assert_eq!(locale("fr, en;q=0.5, zh;q=0.7"), Lang::Zh);
        assert_eq!(locale("en-GB"), Lang::En);
        assert_eq!(locale("de"), Lang::En);
        assert_eq!(Locale::of(&HeaderMap::new()).0, Lang::En);
    }
}
