//! The few candidates that are worth reading: the best hits, without repetitions.
//!
//! # Why
//! Manuals repeat whole sections. A second copy tells nobody anything and takes the place of another answer.

use super::items::items;
use super::{Candidate, Hit};

/// The first `size` hits that say something new, in order.
pub fn pool(hits: Vec<Hit>, size: usize) -> Vec<Candidate> {
    let mut seen: Vec<String> = Vec::new();
    let mut out = Vec::new();
    for hit in hits {
        let letters: String =
            hit.row.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        // A short text can stand in a longer one by chance.
        let is_known = seen.iter().any(|other| *other == letters || (letters.len() > 40 && other.contains(&letters)));
        if is_known {
            continue;
        }
        seen.push(letters);
        out.push(Candidate { items: items(&hit.row.text), hit });
        if out.len() == size {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::ChunkId;
    use crate::retrieve::testing;

    fn hit(n: u128, text: &str) -> Hit {
        let mut hit = testing::hit(text);
        hit.row.id = ChunkId(Uuid::from_u128(n));
        hit
    }

    #[test]
    fn a_repeated_section_is_read_once() {
        let long = "Hold the button for three seconds until the light turns green.";
        let got = pool(vec![hit(1, long), hit(2, &long.to_uppercase()), hit(3, "Hold."), hit(4, "Other")], 8);
        let chunks: Vec<u128> = got.iter().map(|candidate| candidate.hit.row.id.0.as_u128()).collect();
        assert_eq!(chunks, [1, 3, 4]);
    }

    #[test]
    fn the_pool_has_a_size() {
        assert_eq!(pool(vec![hit(1, "a"), hit(2, "b"), hit(3, "c")], 2).len(), 2);
    }
}
