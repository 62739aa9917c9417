//! Where a text leads to.
//!
//! # Why
//! A planted link is the one thing that a quoted sentence can still do to a buyer. So an answer that leads anywhere
//! but to the shop's own sites waits for a person, wherever the link came from.

use std::sync::LazyLock;

use regex::Regex;

/// Addresses with and without a scheme. A bare name counts as a link if it ends like one: chats make it clickable.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:[a-z][a-z0-9+.-]*:)?//(?:[^\s/@]*@)?([a-z0-9.\-\[\]:\u{80}-\u{10ffff}&&[^，。；）、】》”’\u{3000}]]+)|",
        r"((?:[a-z0-9-]+\.)+(?:com|cn|net|org|info|io|co|me|cc|top|xyz|shop|store|site|online|vip|club|app|link|ly|",
        r"ru|tk|gov|edu|biz|hk|tw|jp|kr|uk|de|fr|eu|us|example|test|club|icu|work|live|pro))(?:[^a-z0-9@.-]|\.?$|\.[^a-z0-9])"
    ))
    .expect("the pattern is a constant and its tests run it")
});

/// The hosts that `text` leads to, in lower case, without a port, each once. An e-mail address leads nowhere.
pub fn hosts(text: &str) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for found in LINK.captures_iter(text) {
        let Some(host) = found.get(1).or_else(|| found.get(2)) else { continue };
        if text[..host.start()].ends_with('@') && found.get(1).is_none() {
            continue;
        }
        let host = host.as_str().split(':').next().unwrap_or_default().trim_matches('.').to_lowercase();
        if !host.is_empty() && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// The first host that `text` leads to and that is none of `allowed`, nor below one of them.
pub fn foreign(text: &str, allowed: &[String]) -> Option<String> {
    let is_ours = |host: &String| {
        allowed
            .iter()
            .any(|ours| host == ours || host.strip_suffix(ours.as_str()).is_some_and(|rest| rest.ends_with('.')))
    };
    hosts(text).into_iter().find(|host| !is_ours(host))
}

/// The host of an origin such as `https://shop.example:8443`, or of a bare name; `None` for what is neither.
pub fn host_of(site: &str) -> Option<String> {
    let rest = site.trim().split_once("://").map_or(site.trim(), |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default().to_lowercase();
    let is_name = host.contains('.') || host == "localhost";
    let is_clean = host.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-');
    (is_name && is_clean && !host.starts_with('.') && !host.ends_with('.')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_in_every_form() {
        for (text, host) in [
            ("see https://Evil.example/a?b=c", "evil.example"),
            ("see //evil.example", "evil.example"),
            ("see javascript://evil.example/%0a", "evil.example"),
            ("点击 www.evil.com 领取", "www.evil.com"),
            ("evil.shop，限时优惠", "evil.shop"),
            ("go to evil.top.", "evil.top"),
            ("https://shop.example@evil.example/", "evil.example"),
            ("http://127.0.0.1:8080/admin", "127.0.0.1"),
            ("![x](https://evil.example/p.png)", "evil.example"),
        ] {
            assert_eq!(hosts(text), [host], "{text}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_no_link() {
        for text in
            ["mail me@shop.example", "Version 2.0.1 costs 9.90", "1.Press OK 2.Wait", "e.g. the net. weight", "a//b"]
        {
            assert_eq!(foreign(text, &["b".to_owned()]), None, "{text}: {:?}", hosts(text));
        }
    }

    #[test]
    fn the_shops_own_sites_and_those_below_are_fine() {
        let allowed = ["shop.example".to_owned()];
        assert_eq!(foreign("https://shop.example/a and https://help.shop.example/b", &allowed), None);
        assert_eq!(foreign("https://notshop.example", &allowed).as_deref(), Some("notshop.example"));
        assert_eq!(foreign("https://shop.example.evil.com", &allowed).as_deref(), Some("shop.example.evil.com"));
    }

    #[test]
    fn a_site_is_kept_as_its_host() {
        assert_eq!(host_of("https://Shop.example:8443/a").as_deref(), Some("shop.example"));
        assert_eq!(host_of("help.shop.example").as_deref(), Some("help.shop.example"));
        for wrong in ["*", "", "shop", "a b.example", ".example", "https://"] {
            assert_eq!(host_of(wrong), None, "{wrong}");
        }
    }
}
