//! The bounded queue in front of an engine thread.
//!
//! # Why
//! Two lanes with one reader: what a person waits for goes first, whatever order it came in. A full lane refuses
//! instead of growing, and a request whose caller has gone frees its place.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::inference::Lane;

/// Something that waits for an engine.
pub trait Request: Send {
    /// Whether nobody wants the result any more.
    fn is_abandoned(&self) -> bool;
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
    Full,
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

    /// Puts a request at the end of its lane.
    pub fn push(&self, lane: Lane, request: T) -> Result<(), Refused> {
        let mut lanes = self.lock();
        if lanes.is_closed {
            return Err(Refused::Closed);
        }
        let queue = lanes.of(lane);
        if queue.len() >= self.capacity {
            queue.retain(|waiting| !waiting.is_abandoned());
        }
        if queue.len() >= self.capacity {
            return Err(Refused::Full);
        }
        queue.push_back(request);
        self.arrived.notify_one();
        Ok(())
    }

    /// The next request somebody still waits for, if there is one in this lane.
    pub fn try_pop(&self, lane: Lane) -> Option<T> {
        let mut lanes = self.lock();
        let queue = lanes.of(lane);
        std::iter::from_fn(|| queue.pop_front()).find(|request| !request.is_abandoned())
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

impl<T> Lanes<T> {
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
    }

    #[test]
    fn a_full_lane_refuses_but_abandoned_requests_make_room() {
        let inbox = Inbox::new(2);
        assert_eq!(inbox.push(Lane::Interactive, Numbered(1, true)), Ok(()));
        assert_eq!(inbox.push(Lane::Interactive, Numbered(2, false)), Ok(()));
        assert_eq!(inbox.push(Lane::Interactive, Numbered(3, false)), Ok(()));
        assert_eq!(inbox.push(Lane::Interactive, Numbered(4, false)), Err(Refused::Full));
        assert_eq!(inbox.push(Lane::Bulk, Numbered(5, false)), Ok(()));
        let popped: Vec<u32> = std::iter::from_fn(|| inbox.try_pop(Lane::Interactive)).map(|r| r.0).collect();
        assert_eq!(popped, [2, 3]);
    }

    #[test]
    fn a_closed_inbox_hands_back_what_waits_and_refuses_more() {
        let inbox = Inbox::new(2);
        assert_eq!(inbox.push(Lane::Bulk, Numbered(1, false)), Ok(()));
        assert!(inbox.wait());
        assert_eq!(inbox.close().len(), 1);
        assert!(!inbox.wait());
        assert_eq!(inbox.push(Lane::Bulk, Numbered(2, false)), Err(Refused::Closed));
    }
}
