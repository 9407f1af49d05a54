//! Keys that are treated in another way for a while: those that have lately had an answer that could not be kept, and those
//! whose renewal has failed.
//!
//! Requests for one key wait for the one that is under way, since its answer may serve them all. Where it never does, they
//! would only stand in a queue; so they are marked and pass for a while.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::cache::Tick;

/// How many marks there are: 8 KiB. Two keys on one place cost a request or two that do not wait for each other.
const PLACES: usize = 1 << 10;

/// How many bits of a key's hash are in its mark.
const NAME: u32 = 24;

/// Marks of keys, on a fixed number of places.
pub(super) struct Marks {
    /// The key that was marked last and until when it is, in a [`Mark`]. Written by whoever marks or clears.
    words: Box<[AtomicU64]>,
    /// For how long a key is marked.
    span: Duration,
    /// Nobody outside can tell which keys share a place.
    state: RandomState,
}

/// Milliseconds since the beginning of time in the upper 40 bits (34 years), and below them the bits of the key's hash that do
/// not choose its place: without them, whoever marks as many keys as there are places would have marked all keys.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark(u64);

impl Mark {
    const NONE: Self = Self(0);

    fn new(name: u64, until: Tick) -> Self {
        Self(millis(until) << NAME | name)
    }

    fn is_of(self, name: u64) -> bool {
        self.0 & ((1 << NAME) - 1) == name
    }

    fn holds(self, now: Tick) -> bool {
        millis(now) < self.0 >> NAME
    }
}

fn millis(tick: Tick) -> u64 {
    let most = (1 << (u64::BITS - NAME)) - 1;
    let millis = tick.since(Tick::BEGIN).as_millis();
    u64::try_from(millis).unwrap_or(most).min(most)
}

impl Marks {
    /// Marks that are over after `span`.
    pub(super) fn new(span: Duration) -> Self {
        Self {
            words: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            span,
            state: RandomState::new(),
        }
    }

    pub(super) fn mark(&self, key: &[u8], now: Tick) {
        let (word, name) = self.place(key);
        // Relaxed, here and below: a mark that is seen late costs a request that waits or one that does not.
        word.store(Mark::new(name, now.plus(self.span)).0, Ordering::Relaxed);
    }

    pub(super) fn clear(&self, key: &[u8]) {
        let (word, name) = self.place(key);
        let mark = Mark(word.load(Ordering::Relaxed));
        if mark.is_of(name) {
            // One that came meanwhile stays.
            let _ =
                word.compare_exchange(mark.0, Mark::NONE.0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    pub(super) fn holds(&self, key: &[u8], now: Tick) -> bool {
        let (word, name) = self.place(key);
        let mark = Mark(word.load(Ordering::Relaxed));
        mark.is_of(name) && mark.holds(now)
    }

    /// The place of a key, and its name there.
    fn place(&self, key: &[u8]) -> (&AtomicU64, u64) {
        let hash = self.state.hash_one(key);
        // The remainder fits.
        let word = &self.words[(hash % PLACES as u64) as usize];
        (word, hash >> (u64::BITS - NAME))
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(10);

    #[test]
    fn a_mark_is_over_after_a_while_or_when_it_is_cleared() {
        let (marks, now) = (Marks::new(SPAN), Tick::BEGIN);
        assert!(!marks.holds(b"a", now));
        marks.mark(b"a", now);
        assert!(marks.holds(b"a", now.plus(SPAN - Duration::from_nanos(1))));
        assert!(!marks.holds(b"a", now.plus(SPAN)));
        marks.clear(b"a");
        assert!(!marks.holds(b"a", now));
    }

    #[test]
    fn whoever_marks_many_keys_has_marked_no_others() {
        let (marks, now) = (Marks::new(SPAN), Tick::BEGIN);
        let key = |n: usize| n.to_le_bytes();
        for n in 0..100 * PLACES {
            marks.mark(&key(n), now);
        }
        let others = 100 * PLACES..101 * PLACES;
        let held = others.filter(|&n| marks.holds(&key(n), now)).count();
        // One in 16 million is.
        assert!(held < 2, "{held}");
    }

    #[test]
    fn a_key_clears_no_other_mark_on_its_place() {
        let (marks, now) = (Marks::new(SPAN), Tick::BEGIN);
        marks.mark(b"a", now);
        for n in 0..10 * PLACES {
            marks.clear(&n.to_le_bytes());
        }
        assert!(marks.holds(b"a", now));
    }
}
