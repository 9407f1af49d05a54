//! What has happened, for whoever has to find out why an answer was wrong.

use std::collections::{HashMap, VecDeque};

/// So many events are remembered.
const EVENTS: usize = 20_000;

/// The statements that ran, and when each answer was stored.
#[derive(Debug, Default)]
pub(crate) struct History {
    step: u64,
    events: VecDeque<(u64, String)>,
    stored: HashMap<String, u64>,
}

impl History {
    /// The number of events so far.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// Something ran.
    pub(crate) fn event(&mut self, what: String) {
        self.step += 1;
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back((self.step, what));
    }

    /// The answer to this read came from the database, so what the cache answers later is no older.
    pub(crate) fn loaded(&mut self, read: &str) {
        self.stored.insert(read.to_owned(), self.step);
    }

    /// How many events there were since the answer to this read was last loaded, and the last events, also from before.
    pub(crate) fn since_loaded(
        &self,
        read: &str,
        most: usize,
    ) -> (u64, impl Iterator<Item = &(u64, String)>) {
        let from = self.stored.get(read).copied().unwrap_or_default();
        let skipped = self.events.len().saturating_sub(most);
        (self.step - from, self.events.iter().skip(skipped))
    }
}
