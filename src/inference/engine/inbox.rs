//! The bounded queue in front of an engine thread.
//!
//! # Why
//! Two lanes with one reader: what a person waits for goes first, whatever order it came in. A lane that is full, or
//! that holds more work than the caller wants to wait for, refuses at once instead of growing and says how much work it
//! holds. A request whose caller has gone frees its place.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::inference::Lane;

/// Something that waits for an engine.
pub trait Request: Send {
    /// Whether nobody wants the result any more.
    fn is_abandoned(&self) -> bool;

    /// How much there is to do, in units of the engine's own.
    fn work(&self) -> u64;
}

/// The queue.
pub struct Inbox<T> {
    lanes: Mutex<Lanes<T>>,
    arrived: Condvar,
    /// Requests that each lane holds at most.
    capacity: usize,
}

struct Lanes<T> {
    interactive: VecDeque<T>,
    bulk: VecDeque<T>,
    is_closed: bool,
}

/// Why a request was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The lane is full.
    Full {
        /// What waits in this lane and in those before it.
        work: u64,
    },
    /// The engine has stopped.
    Closed,
}

impl<T: Request> Inbox<T> {
    /// Each lane holds `capacity` requests.
    pub fn new(capacity: usize) -> Self {
        let lanes = Lanes { interactive: VecDeque::new(), bulk: VecDeque::new(), is_closed: false };
        Self { lanes: Mutex::new(lanes), arrived: Condvar::new(), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, Lanes<T>> {
        // Nothing in here can leave the queues half changed.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request at the end of its lane, if no more work than `max_work` goes before it.
    pub fn push(&self, lane: Lane, request: T, max_work: u64) -> Result<(), Refused> {
        let mut lanes = self.lock();
        if lanes.is_closed {
            return Err(Refused::Closed);
        }
        if lanes.of(lane).len() >= self.capacity || lanes.work_before(lane) > max_work {
            lanes.interactive.retain(|waiting| !waiting.is_abandoned());
            lanes.bulk.retain(|waiting| !waiting.is_abandoned());
        }
        let work = lanes.work_before(lane);
        if lanes.of(lane).len() >= self.capacity || work > max_work {
            return Err(Refused::Full { work });
        }
        lanes.of(lane).push_back(request);
        self.arrived.notify_one();
        Ok(())
    }

    /// The next request somebody still waits for, if there is one in this lane.
    pub fn try_pop(&self, lane: Lane) -> Option<T> {
        let mut lanes = self.lock();
        let queue = lanes.of(lane);
        std::iter::from_fn(|| queue.pop_front()).find(|request| !request.is_abandoned())
    }

    /// The request of this lane with the smallest key, the first of equals, that somebody still waits for.
    pub fn try_pop_by<K: Ord>(&self, lane: Lane, key: impl Fn(&T) -> K) -> Option<T> {
        let mut lanes = self.lock();
        let queue = lanes.of(lane);
        queue.retain(|request| !request.is_abandoned());
        let first = (0..queue.len()).min_by_key(|i| key(&queue[*i]))?;
        queue.remove(first)
    }

    /// Whether nothing waits in this lane.
    pub fn is_empty(&self, lane: Lane) -> bool {
        self.lock().of(lane).is_empty()
    }

    /// Waits until a request is there. `false`: the inbox is closed and empty.
    pub fn wait(&self) -> bool {
        let mut lanes = self.lock();
        while lanes.interactive.is_empty() && lanes.bulk.is_empty() {
            if lanes.is_closed {
                return false;
            }
            lanes = self.arrived.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
        !lanes.is_closed
    }

    /// Refuses everything from now on and hands out what still waits.
    pub fn close(&self) -> Vec<T> {
        let mut lanes = self.lock();
        lanes.is_closed = true;
        self.arrived.notify_all();
        let Lanes { interactive, bulk, .. } = &mut *lanes;
        interactive.drain(..).chain(bulk.drain(..)).collect()
    }
}

impl<T: Request> Lanes<T> {
    fn work_before(&self, lane: Lane) -> u64 {
        let work = |queue: &VecDeque<T>| queue.iter().map(Request::work).sum::<u64>();
        match lane {
            Lane::Interactive => work(&self.interactive),
            Lane::Bulk => work(&self.interactive) + work(&self.bulk),
        }
    }

    fn of(&mut self, lane: Lane) -> &mut VecDeque<T> {
        match lane {
            Lane::Interactive => &mut self.interactive,
            Lane::Bulk => &mut self.bulk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbered(u32, bool);

    impl Request for Numbered {
        fn is_abandoned(&self) -> bool {
            self.1
        }

        fn work(&self) -> u64 {
            u64::from(self.0)
        }
    }

    #[test]
    fn a_full_lane_refuses_but_abandoned_requests_make_room() {
        let inbox = Inbox::new(2);
        let push = |lane, request| inbox.push(lane, request, u64::MAX);
        assert_eq!(push(Lane::Interactive, Numbered(1, true)), Ok(()));
        assert_eq!(push(Lane::Interactive, Numbered(2, false)), Ok(()));
        assert_eq!(push(Lane::Interactive, Numbered(3, false)), Ok(()));
        assert_eq!(push(Lane::Interactive, Numbered(4, false)), Err(Refused::Full { work: 5 }));
        assert_eq!(push(Lane::Bulk, Numbered(5, false)), Ok(()));
        let popped: Vec<u32> = std::iter::from_fn(|| inbox.try_pop(Lane::Interactive)).map(|r| r.0).collect();
        assert_eq!(popped, [2, 3]);
    }

    #[test]
    fn a_lane_with_too_much_work_refuses_and_says_how_much() {
        let inbox = Inbox::new(100);
        assert_eq!(inbox.push(Lane::Interactive, Numbered(70, false), 0), Ok(()), "nothing goes before it");
        assert_eq!(inbox.push(Lane::Interactive, Numbered(5, false), 60), Err(Refused::Full { work: 70 }));
        assert_eq!(inbox.push(Lane::Bulk, Numbered(5, false), 60), Err(Refused::Full { work: 70 }));
        assert_eq!(inbox.push(Lane::Bulk, Numbered(50, false), 70), Ok(()));
        assert_eq!(inbox.push(Lane::Interactive, Numbered(5, false), 70), Ok(()), "bulk work goes behind it");
        assert_eq!(inbox.try_pop_by(Lane::Interactive, |request| request.0).map(|r| r.0), Some(5));
    }

    #[test]
    fn a_closed_inbox_hands_back_what_waits_and_refuses_more() {
        let inbox = Inbox::new(2);
        assert_eq!(inbox.push(Lane::Bulk, Numbered(1, false), 0), Ok(()));
        assert!(inbox.wait());
        assert_eq!(inbox.close().len(), 1);
        assert!(!inbox.wait());
        assert_eq!(inbox.push(Lane::Bulk, Numbered(2, false), 0), Err(Refused::Closed));
    }
}
