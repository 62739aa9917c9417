//! Work on disjoint parts of a buffer, on candle's pool.
//!
//! # Why
//! Between two matrix products the workers of candle's pool spin. Another pool would take turns with them.

use std::sync::Mutex;

use candle_core::utils::barrier_pool;

/// Below this many numbers a barrier costs more than it saves.
const WORTH_IT: usize = 16 * 1024;

/// Calls `work` with every part of `part_len` numbers and its index; the last part may be shorter.
pub fn each_part(data: &mut [f32], part_len: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    each_part_of(data, part_len, 1, work);
}

/// The same for elements that stand for `weight` numbers each.
pub fn each_part_of<T: Send>(data: &mut [T], part_len: usize, weight: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if data.len() * weight < WORTH_IT {
        data.chunks_mut(part_len).enumerate().for_each(|(i, part)| work(i, part));
        return;
    }
    let parts: Vec<_> = data.chunks_mut(part_len).map(Mutex::new).collect();
    barrier_pool().execute_chunked(parts.len(), |range| {
        for i in range {
            work(i, &mut parts[i].lock().expect("a part is worked on once"));
        }
    });
}
