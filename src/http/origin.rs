//! Which site a request comes from, as far as a browser tells.
//!
//! A browser sends `Sec-Fetch-Site` and, for unsafe methods, `Origin`; a page cannot forge either. A program can, but a
//! program has no cookie of somebody else to abuse.

use axum::http::{HeaderMap, Uri, header};

/// Where a browser says that a request was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// From a page of ours, or typed by a person.
    Own,
    /// From a page of another site.
    Foreign,
    /// No browser spoke.
    Unknown,
}

/// Reads `Sec-Fetch-Site`, else compares `Origin` with the host asked for and with our public address.
pub fn site_of(headers: &HeaderMap, uri: &Uri, public_url: &str) -> Site {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return if matches!(site, "same-origin" | "none") { Site::Own } else { Site::Foreign };
    }
    match text(headers, header::ORIGIN.as_str()) {
        None => Site::Unknown,
        Some(origin) if is_own(origin, headers, uri, public_url) => Site::Own,
        Some(_) => Site::Foreign,
    }
}

/// Whether `origin` is ours: its host is the one asked for, or it is our public address.
pub fn is_own(origin: &str, headers: &HeaderMap, uri: &Uri, public_url: &str) -> bool {
    let host = text(headers, header::HOST.as_str()).or_else(|| uri.authority().map(|host| host.as_str()));
    let origin_host = origin.split_once("://").map(|(_, host)| host);
    (origin_host.is_some() && origin_host == host) || origin.eq_ignore_ascii_case(public_url)
}

/// Whether a widget may be shown on `origin`. `*` in the list means anywhere.
pub fn is_allowed(origin: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|site| site == "*" || site.eq_ignore_ascii_case(origin))
}

/// `scheme://host[:port]` in lower case, or `*`; `None` for what is no origin.
pub fn normalize(origin: &str) -> Option<String> {
    let origin = origin.trim().trim_end_matches('/').to_lowercase();
    if origin == "*" {
        return Some(origin);
    }
    let uri: Uri = origin.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_bare = uri.path().trim_matches('/').is_empty() && uri.query().is_none();
    let host = uri.authority()?.as_str();
    (is_web && is_bare && !host.contains('@')).then_some(origin)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(headers: &[(&'static str, &str)]) -> Site {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        site_of(&map, &Uri::from_static("/v1/me"), "https://kefu.example")
    }

    #[test]
    fn the_browser_is_believed_before_the_origin() {
        assert_eq!(site(&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")]), Site::Own);
        assert_eq!(site(&[("sec-fetch-site", "same-site"), ("origin", "https://a.example")]), Site::Foreign);
        assert_eq!(site(&[("origin", "https://a.example"), ("host", "a.example")]), Site::Own);
        assert_eq!(site(&[("origin", "https://kefu.example"), ("host", "inner:8080")]), Site::Own);
        assert_eq!(site(&[("origin", "https://evil.example"), ("host", "a.example")]), Site::Foreign);
        assert_eq!(site(&[("origin", "null"), ("host", "null")]), Site::Foreign);
        assert_eq!(site(&[]), Site::Unknown);
    }

    #[test]
    fn origins_are_kept_in_one_form() {
        assert_eq!(normalize(" HTTPS://Shop.example/ ").as_deref(), Some("https://shop.example"));
        assert_eq!(normalize("http://localhost:3000").as_deref(), Some("http://localhost:3000"));
        assert_eq!(normalize("*").as_deref(), Some("*"));
        for wrong in
            ["shop.example", "ftp://a", "https://a.example/path", "https://a b", "https://u@a.example", "https://a?x"]
        {
            assert_eq!(normalize(wrong), None, "{wrong}");
        }
    }
}
