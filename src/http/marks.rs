//! Which keys have lately had an answer that could not be kept.
//!
//! Requests for one key wait for the one that is under way, since its answer may serve them all. Where it never does, they
//! would only stand in a queue; so they are marked and pass for a while.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::cache::Tick;

/// For how long a key passes.
const SPAN: Duration = Duration::from_secs(10);

/// How many marks there are: 8 KiB. Two keys on one place cost a request or two that do not wait for each other.
const PLACES: usize = 1 << 10;

/// Marks of keys, on a fixed number of places.
pub(super) struct Marks {
    /// Until when the key that was marked last passes, in nanoseconds. Written by whoever marks or clears.
    until: Box<[AtomicU64]>,
    /// Nobody outside can tell which keys share a place.
    state: RandomState,
}

impl Marks {
    pub(super) fn new() -> Self {
        Self {
            until: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            state: RandomState::new(),
        }
    }

    pub(super) fn mark(&self, key: &[u8], now: Tick) {
        // Relaxed, here and below: a mark that is seen late costs a request that waits or one that does not.
        self.place(key)
            .store(now.plus(SPAN).as_nanos(), Ordering::Relaxed);
    }

    pub(super) fn clear(&self, key: &[u8]) {
        self.place(key).store(0, Ordering::Relaxed);
    }

    pub(super) fn holds(&self, key: &[u8], now: Tick) -> bool {
        now.as_nanos() < self.place(key).load(Ordering::Relaxed)
    }

    fn place(&self, key: &[u8]) -> &AtomicU64 {
        // The remainder fits.
        &self.until[(self.state.hash_one(key) % PLACES as u64) as usize]
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_over_after_a_while_or_when_it_is_cleared() {
        let (marks, now) = (Marks::new(), Tick::BEGIN);
        assert!(!marks.holds(b"a", now));
        marks.mark(b"a", now);
        assert!(marks.holds(b"a", now.plus(SPAN - Duration::from_nanos(1))));
        assert!(!marks.holds(b"a", now.plus(SPAN)));
        marks.clear(b"a");
        assert!(!marks.holds(b"a", now));
    }
}
