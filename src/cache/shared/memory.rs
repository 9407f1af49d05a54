//! The words and holds of a shared clock, in memory: for tiers that do not leave them to a server.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{EVERYTHING, Held, Hold, HoldReason, Reading, Step, Watcher, Word};

/// What a [`SharedTier`](super::SharedTier) knows of its clock, and the rules of its steps. Holds one number a slot that ever
/// moved and one entry a hold.
///
/// It tells every watcher of every step. `now` is the tier's time in milliseconds.
pub struct MemoryClock {
    watchers: Vec<Arc<dyn Watcher>>,
    epoch: u64,
    versions: HashMap<u16, u64>,
    holds: HashMap<(u16, u64), Standing>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    until: u64,
    reason: HoldReason,
}

impl MemoryClock {
    /// A clock that was never asked before; so its epoch must be one that no other had.
    pub fn new(epoch: u64) -> Self {
        Self {
            watchers: Vec::new(),
            epoch,
            versions: HashMap::new(),
            holds: HashMap::new(),
        }
    }

    /// Whom to tell from now on.
    pub fn attach(&mut self, watcher: Arc<dyn Watcher>) {
        self.watchers.push(watcher);
    }

    /// Reads slots; holds that have expired move theirs first.
    pub fn read(&mut self, slots: &[u16], now: u64) -> Reading {
        let concerns = |slot: u16| slot == EVERYTHING || slots.contains(&slot);
        let expired: Vec<(u16, u64)> = self
            .holds
            .iter()
            .filter(|&(&(slot, _), hold)| concerns(slot) && hold.until <= now)
            .map(|(&hold, _)| hold)
            .collect();
        for hold in expired {
            self.holds.remove(&hold);
            self.bump([hold.0]);
        }
        let held = self.holds.iter().filter(|&(&(slot, _), _)| concerns(slot));
        Reading {
            held: held
                .map(|(_, hold)| match hold.reason {
                    HoldReason::Write => Held::Write,
                    HoldReason::Doubt => Held::Doubt,
                })
                .max()
                .unwrap_or(Held::Free),
            words: slots.iter().map(|&slot| self.word(slot)).collect(),
            at: now,
        }
    }

    /// Takes steps.
    pub fn advance(&mut self, steps: &[Step]) -> Vec<(u16, Word)> {
        for step in steps {
            if let Some(id) = step.releases {
                self.holds.remove(&(step.slot, id));
            }
        }
        let moving = steps.iter().filter(|step| step.moves);
        self.bump(moving.map(|step| step.slot))
    }

    /// Holds slots, or prolongs the hold of this id.
    pub fn hold(&mut self, slots: &[u16], hold: Hold, now: u64) {
        let span = u64::try_from(hold.span.as_millis()).unwrap_or(u64::MAX);
        let standing = Standing {
            until: now.saturating_add(span),
            reason: hold.reason,
        };
        for &slot in slots {
            self.holds.insert((slot, hold.id), standing);
        }
        if hold.reason == HoldReason::Doubt {
            self.bump(slots.iter().copied());
            for watcher in &self.watchers {
                watcher.doubtful(slots, hold.span);
            }
        }
    }

    fn word(&self, slot: u16) -> Word {
        Word {
            epoch: self.epoch,
            version: self.versions.get(&slot).copied().unwrap_or_default(),
        }
    }

    fn bump(&mut self, slots: impl IntoIterator<Item = u16>) -> Vec<(u16, Word)> {
        let mut moved = Vec::new();
        for slot in slots {
            if slot == EVERYTHING {
                self.epoch = self.epoch.wrapping_add(1);
            } else {
                *self.versions.entry(slot).or_default() += 1;
            }
            moved.push((slot, self.word(slot)));
        }
        for watcher in &self.watchers {
            watcher.moved(&moved);
        }
        moved
    }
}

impl fmt::Debug for MemoryClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryClock")
            .field("epoch", &self.epoch)
            .field("slots", &self.versions.len())
            .field("holds", &self.holds.len())
            .finish_non_exhaustive()
    }
}
