//! Canned replies: what people say again and again, with places for what differs.

/// What a place may stand for: the buyer, the order at hand, the agent who writes.
pub const PLACES: [&str; 3] = ["buyer", "order", "agent"];

/// The first place of a text that nothing stands for. A reply with one would reach a buyer as it is.
pub fn unknown_place(body: &str) -> Option<&str> {
    let mut rest = body;
    while let Some((_, after)) = rest.split_once('{') {
        // A brace that is never closed, or that closes elsewhere, is just a brace.
        let (name, _) = after.split_once('}')?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if is_name && !PLACES.contains(&name) {
            return Some(name);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_places_are_filled_and_plain_braces_are_plain() {
        assert_eq!(unknown_place("您好{buyer}，订单{order}已发出。{agent}"), None);
        assert_eq!(unknown_place("您好{买家}"), Some("买家"));
        assert_eq!(unknown_place("Dear {name}, {buyer}"), Some("name"));
        assert_eq!(unknown_place("a { b } {} {"), None);
        assert_eq!(unknown_place("{ {who}"), Some("who"));
    }
}
