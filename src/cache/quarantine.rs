//! Until when the slots of writes with unknown outcome stay closed.
//!
//! Holds at most one deadline a slot, so it is bounded by the number of slots. Deadlines are looked at on the
//! path of a miss, by the reader that met the quarantine: no timer runs.

use std::{collections::HashMap, time::Duration};

use super::{
    Tick,
    sync::{Mutex, lock},
};

#[derive(Debug)]
pub(super) struct Quarantine {
    span: Duration,
    /// Written by writers of unknown outcome and by whoever releases. The slot's bit is set and cleared under
    /// this lock, so that bit and deadline agree.
    deadlines: Mutex<HashMap<u16, Tick>>,
}

impl Quarantine {
    pub(super) fn new(span: Duration) -> Self {
        Self {
            span,
            deadlines: Mutex::new(HashMap::new()),
        }
    }

    /// How long a quarantine lasts.
    pub(super) fn span(&self) -> Duration {
        self.span
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.deadlines).len()
    }

    /// Closes `slots` until `until` or their later deadline, calling `close` for each.
    pub(super) fn hold(&self, slots: &[u16], until: Tick, close: impl Fn(u16)) {
        let mut deadlines = lock(&self.deadlines);
        for &slot in slots {
            let deadline = deadlines.entry(slot).or_insert(until);
            *deadline = (*deadline).max(until);
            close(slot);
        }
    }

    /// Opens the slots whose deadline has passed, calling `open` for each; returns how many.
    pub(super) fn release_due(&self, now: Tick, open: impl Fn(u16)) -> usize {
        let mut deadlines = lock(&self.deadlines);
        let before = deadlines.len();
        deadlines.retain(|&slot, &mut deadline| {
            let held = now < deadline;
            if !held {
                open(slot);
            }
            held
        });
        before - deadlines.len()
    }
}
