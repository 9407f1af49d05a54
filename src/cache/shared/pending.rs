//! The steps of the clock that the other processes have not been told of yet.
//!
//! Bounded: steps of one slot are one, and past a number of slots all of them together become one step of everything.
//! While a slot is in here, this process must not ask the shared tier for what depends on it: its words there do not
//! show this process's own write yet (P1).

use std::collections::{BTreeMap, HashMap, HashSet};

use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::{DEFINITIONS, EVERYTHING, Hold, HoldReason, Step, Word};
use crate::cache::Tick;

/// Past so many slots, or holds of unknown outcome, they become one.
const MOST: usize = 8_192;

/// Past so many holds to end on one slot, the rest are left to expire. Each is a strict write that waits for its end.
const MOST_RELEASES: usize = 4_096;

/// Who waits for some slots' steps to be delivered.
pub(super) struct Waiter {
    slots: SmallVec<[u16; 4]>,
    answer: oneshot::Sender<Vec<(u16, Word)>>,
    patience: Patience,
}

/// How long somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until then, and for one attempt only.
    Until(Tick),
    /// Until it is done.
    Endless,
}

impl Waiter {
    pub(super) fn new(
        slots: &[u16],
        answer: oneshot::Sender<Vec<(u16, Word)>>,
        patience: Patience,
    ) -> Self {
        Self {
            slots: slots.into(),
            answer,
            patience,
        }
    }

    /// Tells where its slots have moved to, or nothing if that cannot be said of all of them.
    pub(super) fn tell(self, words: &[(u16, Word)]) {
        let word = |slot: &u16| words.iter().find(|(moved, _)| moved == slot).copied();
        if let Some(words) = self.slots.iter().map(word).collect() {
            // Whoever waited may have gone.
            let _ = self.answer.send(words);
        }
    }
}

#[derive(Default)]
pub(super) struct Pending {
    steps: BTreeMap<u16, Owed>,
    doubts: Vec<Doubt>,
    waiters: Vec<Waiter>,
    /// How many batches, those on their way among them, will move a slot.
    moving: HashMap<u16, u32>,
    /// How many batches were taken. What is put back goes with a later one.
    taken: u64,
}

/// What is owed to one slot.
#[derive(Clone, Default)]
struct Owed {
    moves: bool,
    releases: SmallVec<[u64; 2]>,
}

/// A write of unknown outcome, to be told.
#[derive(Clone)]
pub(super) struct Doubt {
    pub(super) slots: SmallVec<[u16; 4]>,
    pub(super) id: u64,
    /// Until when the write may take effect.
    pub(super) until: Tick,
}

/// What is sent together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) number: u64,
    steps: BTreeMap<u16, Owed>,
    pub(super) doubts: Vec<Doubt>,
    pub(super) waiters: Vec<Waiter>,
    /// The slots that the batch moves.
    moving: HashSet<u16>,
}

/// Whether steps were added as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Whole,
    /// There were too many: everything moves instead.
    Collapsed,
}

impl Pending {
    /// Notes that `slots` will move. Before the local words move, see [`super::delivery`].
    pub(super) fn mark(&mut self, slots: &[u16]) {
        for &slot in slots {
            *self.moving.entry(slot).or_default() += 1;
        }
    }

    /// Adds what was [`mark`](Self::mark)ed.
    pub(super) fn add(&mut self, slots: &[u16], moves: bool, releases: Option<u64>) -> Added {
        for &slot in slots {
            let releases = releases.into_iter().collect();
            self.owe(slot, Owed { moves, releases });
        }
        self.bound()
    }

    fn owe(&mut self, slot: u16, more: Owed) {
        let owed = self.steps.entry(slot).or_default();
        if more.moves && owed.moves {
            // Marked twice and owed once.
            unmark(&mut self.moving, slot);
        }
        owed.moves |= more.moves;
        owed.releases.extend(more.releases);
        owed.releases.truncate(MOST_RELEASES);
    }

    /// Adds a write of unknown outcome.
    pub(super) fn add_doubt(&mut self, doubt: Doubt) -> Added {
        self.doubts.push(doubt);
        self.bound()
    }

    pub(super) fn wait(&mut self, waiter: Waiter) {
        self.waiters.push(waiter);
    }

    /// Whether one of `slots` is to move, or everything is.
    pub(super) fn concerns(&self, slots: &[u16]) -> bool {
        self.moving.contains_key(&EVERYTHING)
            || slots.iter().any(|slot| self.moving.contains_key(slot))
    }

    /// How many slots wait to move.
    pub(super) fn len(&self) -> usize {
        self.moving.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.steps.is_empty() && self.doubts.is_empty()
    }

    /// The batch with which the last of what there is will have gone.
    pub(super) fn last_batch(&self) -> u64 {
        self.taken + u64::from(!self.is_idle())
    }

    /// Takes all there is to send.
    pub(super) fn take(&mut self) -> Batch {
        self.taken = self.last_batch();
        let steps = std::mem::take(&mut self.steps);
        let doubts = std::mem::take(&mut self.doubts);
        let stepping = steps.iter().filter(|(_, owed)| owed.moves);
        let moving = stepping.map(|(&slot, _)| slot).collect();
        Batch {
            number: self.taken,
            steps,
            doubts,
            waiters: std::mem::take(&mut self.waiters),
            moving,
        }
    }

    /// A batch was delivered.
    pub(super) fn delivered(&mut self, batch: &Batch) {
        for &slot in &batch.moving {
            unmark(&mut self.moving, slot);
        }
        for doubt in &batch.doubts {
            for &slot in &doubt.slots {
                unmark(&mut self.moving, slot);
            }
        }
    }

    /// A batch was not delivered: it is owed still. Whoever waited for this attempt is let go.
    pub(super) fn put_back(&mut self, batch: Batch) -> Added {
        for (slot, owed) in batch.steps {
            self.owe(slot, owed);
        }
        self.doubts.extend(batch.doubts);
        let waiters = batch.waiters.into_iter();
        self.waiters
            .extend(waiters.filter(|waiter| waiter.patience == Patience::Endless));
        self.bound()
    }

    fn bound(&mut self) -> Added {
        if self.steps.len() <= MOST && self.doubts.len() <= MOST {
            return Added::Whole;
        }
        // The releases are dropped with their slots: those holds expire. A doubt of everything stands for all doubts, but for
        // those of definitions: that everything moves does not say that definitions do.
        if let Some(longest) = self.doubts.iter().max_by_key(|doubt| doubt.until).cloned() {
            let mut slots = SmallVec::from_slice(&[EVERYTHING]);
            for doubt in std::mem::take(&mut self.doubts) {
                for slot in doubt.slots {
                    if slot == DEFINITIONS && !slots.contains(&slot) {
                        slots.push(slot);
                    }
                    unmark(&mut self.moving, slot);
                }
            }
            self.mark(&slots);
            self.doubts.push(Doubt { slots, ..longest });
        }
        let definitions = self.steps.remove(&DEFINITIONS);
        for (slot, owed) in std::mem::take(&mut self.steps) {
            if owed.moves {
                unmark(&mut self.moving, slot);
            }
        }
        self.steps
            .extend(definitions.map(|owed| (DEFINITIONS, owed)));
        self.mark(&[EVERYTHING]);
        self.steps.insert(
            EVERYTHING,
            Owed {
                moves: true,
                releases: SmallVec::new(),
            },
        );
        Added::Collapsed
    }
}

fn unmark(moving: &mut HashMap<u16, u32>, slot: u16) {
    if let Some(count) = moving.get_mut(&slot) {
        *count -= 1;
        if *count == 0 {
            moving.remove(&slot);
        }
    }
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.doubts.is_empty()
    }

    /// The steps as the tier takes them.
    pub(super) fn steps(&self) -> Vec<Step> {
        let step = |(&slot, owed): (&u16, &Owed)| {
            let first = Step {
                slot,
                moves: owed.moves,
                releases: owed.releases.first().copied(),
            };
            let others: Vec<Step> = owed
                .releases
                .iter()
                .skip(1)
                .map(|&id| Step {
                    slot,
                    moves: false,
                    releases: Some(id),
                })
                .collect();
            std::iter::once(first).chain(others)
        };
        self.steps.iter().flat_map(step).collect()
    }
}

impl Doubt {
    /// What stands for it when its time is over.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step> {
        self.slots.iter().map(|&slot| Step {
            slot,
            moves: true,
            releases: None,
        })
    }

    /// The hold that tells of it, as of `now`; `None` if its time is over.
    pub(super) fn hold(&self, now: Tick) -> Option<Hold> {
        let span = self.until.since(now);
        (!span.is_zero()).then_some(Hold {
            id: self.id,
            span,
            reason: HoldReason::Doubt,
        })
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn doubt(id: u64, slots: &[u16]) -> Doubt {
        Doubt {
            slots: slots.into(),
            id,
            until: Tick::BEGIN,
        }
    }

    #[test]
    fn of_too_many_doubts_those_of_definitions_are_not_lost() {
        let mut pending = Pending::default();
        pending.mark(&[DEFINITIONS]);
        assert_eq!(pending.add_doubt(doubt(0, &[DEFINITIONS])), Added::Whole);
        let mut added = Added::Whole;
        for id in 1..=MOST as u64 {
            pending.mark(&[7]);
            added = pending.add_doubt(doubt(id, &[7]));
        }
        assert_eq!(added, Added::Collapsed);
        let batch = pending.take();
        assert_eq!(batch.doubts.len(), 1);
        assert_eq!(batch.doubts[0].slots[..], [EVERYTHING, DEFINITIONS]);
        assert!(pending.concerns(&[DEFINITIONS]));
        pending.delivered(&batch);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn too_many_doubts_of_tables_say_nothing_of_definitions() {
        let mut pending = Pending::default();
        for id in 0..=MOST as u64 {
            pending.mark(&[7]);
            pending.add_doubt(doubt(id, &[7]));
        }
        assert_eq!(pending.take().doubts[0].slots[..], [EVERYTHING]);
    }
}
