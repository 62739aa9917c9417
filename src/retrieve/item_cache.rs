//! Embeddings of items that were read for an earlier question.
//!
//! # Why
//! The items of a handful of candidates are embedded for every question, which takes longer than the whole search; but
//! buyers ask about the same chunks all day. What a chunk's items are follows from its text, so an entry is good as
//! long as the text is the same.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::domain::ids::ChunkId;

/// The embeddings of a chunk's items, in their order.
pub type Rows = Arc<Vec<Vec<f32>>>;

/// Numbers kept in each of the two generations: together 64 MiB.
const MAX_NUMBERS: usize = (32 << 20) / size_of::<f32>();

/// Keeps what was used lately, in two generations: when the younger is full it becomes the elder, and what nobody
/// asked for since then is forgotten.
#[derive(Default)]
pub struct ItemCache {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<ChunkId, Entry>,
    n_numbers: usize,
    elder: HashMap<ChunkId, Entry>,
}

#[derive(Clone)]
struct Entry {
    text_hash: u64,
    rows: Rows,
}

impl ItemCache {
    /// What is known of a chunk with this text.
    pub fn get(&self, chunk: ChunkId, text: &str) -> Option<Rows> {
        let mut generations = self.lock();
        let entry = match generations.young.get(&chunk) {
            Some(entry) => entry.clone(),
            None => {
                let entry = generations.elder.remove(&chunk)?;
                generations.keep(chunk, entry.clone(), MAX_NUMBERS);
                entry
            }
        };
        (entry.text_hash == hash(text)).then_some(entry.rows)
    }

    /// Remembers the embeddings of a chunk with this text.
    pub fn put(&self, chunk: ChunkId, text: &str, rows: Rows) {
        self.lock().keep(chunk, Entry { text_hash: hash(text), rows }, MAX_NUMBERS);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().expect("nothing breaks while it is held")
    }
}

impl Generations {
    fn keep(&mut self, chunk: ChunkId, entry: Entry, max_numbers: usize) {
        let len = |entry: &Entry| entry.rows.iter().map(Vec::len).sum::<usize>();
        if self.n_numbers + len(&entry) > max_numbers {
            self.elder = mem::take(&mut self.young);
            self.n_numbers = 0;
        }
        self.n_numbers += len(&entry);
        if let Some(replaced) = self.young.insert(chunk, entry) {
            self.n_numbers -= len(&replaced);
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(value: f32) -> Rows {
        Arc::new(vec![vec![value; 4]])
    }

    #[test]
    fn what_was_put_is_found_until_the_text_changes() {
        let cache = ItemCache::default();
        let chunk = ChunkId(uuid::Uuid::from_u128(1));
        assert_eq!(cache.get(chunk, "old text"), None);
        cache.put(chunk, "old text", rows(1.0));
        assert_eq!(cache.get(chunk, "old text"), Some(rows(1.0)));
        assert_eq!(cache.get(chunk, "new text"), None);
        cache.put(chunk, "new text", rows(2.0));
        assert_eq!(cache.get(chunk, "new text"), Some(rows(2.0)));
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten_and_what_is_used_stays() {
        let mut generations = Generations::default();
        let chunks: Vec<ChunkId> = (0..4).map(|nth| ChunkId(uuid::Uuid::from_u128(nth))).collect();
        let entry = |value| Entry { text_hash: 0, rows: rows(value) };
        for chunk in &chunks[..3] {
            // Room for two entries in each generation.
            generations.keep(*chunk, entry(1.0), 8);
        }
        assert!(generations.elder.contains_key(&chunks[0]) && generations.young.contains_key(&chunks[2]));
        let used = generations.elder.remove(&chunks[0]).unwrap();
        generations.keep(chunks[0], used, 8);
        generations.keep(chunks[3], entry(1.0), 8);
        let known = |chunk| generations.young.contains_key(chunk) || generations.elder.contains_key(chunk);
        assert!(known(&chunks[0]) && known(&chunks[3]) && !known(&chunks[1]));
    }
}
