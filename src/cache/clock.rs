//! The version clock: which results are still true.
//!
//! Every tag stands on a slot, and a slot is one 64-bit word: `[version:43 | writers in flight:20 | quarantine:1]`.
//! A load notes the words of its tags before it asks the database (its *stamp*); a write moves them after its
//! COMMIT has returned. An entry is valid while its stamp equals the words.
//!
//! # The invariant (P2)
//! *An entry whose stamp equals the words holds the effect of every write that has been settled as committed on
//! any of its tags.* Whoever stored it, and whenever.
//!
//! **Proof.** Let `W` be a write on slot `s`, and let a load with `s` in its stamp not show `W`'s effect. `W` bumps `s`
//! after its COMMIT has returned ([`WriteGuard::committed`]). The load notes `s` before its query is sent. Suppose it
//! noted the version that `W` wrote, or a later one: versions only grow, each by a read-modify-write, so the noting
//! load read from the release sequence that `W`'s bump heads. The bump is `Release` (`AcqRel`), the noting is `Acquire`,
//! hence COMMIT had returned before the query was sent, and its snapshot shows `W`: a contradiction. So the stamp
//! holds an older version of `s`, and from the bump on no comparison with the word can succeed again (43 bits of
//! versions do not come round: at a million writes a second on one slot that takes 278 years). When the entry was put
//! into the store never entered the argument: a raced load may be stored at any time and is dead on arrival. ∎
//!
//! Each slot is argued alone, so a stamp over several slots need not be an atomic snapshot of them.
//!
//! # What follows
//! **P1, read your writes.** A read that starts after `execute` or `commit` returned is ordered after the bump by
//! whatever made it start later; by coherence its `Acquire` load of the word sees the bump or something later, and
//! an entry or a flight from before does not match.
//!
//! **Strict.** The writer's count goes up before COMMIT is sent: a `SeqCst` read-modify-write and a `SeqCst` fence,
//! so that it is visible before the effect can be. It comes down in the same read-modify-write as the bump. A strict
//! reader that finds no writer in flight and an equal version therefore reads either before COMMIT was sent or after
//! it was accounted for; never in between, where the effect is visible to others and the bump is not.
//!
//! **Unknown outcome.** A writer whose answer never came may have its COMMIT applied later, on the server, where
//! nothing orders it against us. Its slots are *quarantined*: in one step the version goes up and the quarantine bit
//! on, so the word is unequal to every stamp noted before; a stamp that is noted meanwhile meets the bit, and
//! its load is never stored nor shared. The bit is lifted only after a deadline, with another step of the version: no
//! stamp from before the end of the quarantine matches after it, whatever it noted.
//!
//! **Undone.** A write that certainly had no effect only takes its count back: what was valid is valid.
//!
//! # Saturation
//! The count of writers holds 1,048,575. Should it ever fill, it sticks: nobody counts it down any more, and strict
//! readers of that slot go to the database for good. Slower, still sound.

use std::{sync::Arc, time::Duration};

use smallvec::SmallVec;

use super::{
    Receipt, Stamp, Tags, Tick, Time, WriteGuard,
    quarantine::Quarantine,
    shared::{Delivery, Ended},
    stamp::Standing,
    sync::{AtomicU64, Ordering, fence},
    tag::SLOTS,
};
use crate::observe::{Event, Invalidation, Observer};

const QUARANTINE: u64 = 1;
const WRITER: u64 = 1 << 1;
const WRITERS: u64 = ((1 << 20) - 1) << 1;
const VERSION: u64 = 1 << 21;

/// Neighbouring slots make a region, so that the state of all slots at one moment can be noted in 2 KiB.
const REGIONS: usize = if SLOTS < 256 { 1 } else { 256 };

/// Where all slots stood at a moment, roughly: for reads in a transaction that sees the database as of then.
#[derive(Clone, Debug)]
pub struct Era(Box<[u64]>);

/// The slots, and the writes that move them.
#[derive(Debug)]
pub struct Clock {
    /// Moved by writers, in read-modify-writes only; read by everybody.
    slots: Box<[AtomicU64]>,
    /// How often a slot of each region was about to move. Moved by writers before the slot is.
    regions: Box<[AtomicU64]>,
    quarantine: Quarantine,
    /// Tells the other processes of this one's steps.
    outlet: Option<Arc<Delivery>>,
    /// Of the engine, among processes.
    origin: u64,
    time: Time,
    observer: Arc<Observer>,
}

/// How an entry's stamp stands to the words of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    /// Equal, and nobody is writing.
    Current,
    /// Equal, but a write is in flight: good for a bounded reader, not for a strict one.
    Contended,
    /// A write or an invalidation came since, or a quarantine holds.
    Changed,
}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    Undone,
    Unknown,
}

impl Clock {
    pub(super) fn new(
        time: Time,
        quarantine: Duration,
        outlet: Option<Arc<Delivery>>,
        origin: u64,
        observer: Arc<Observer>,
    ) -> Self {
        let slots = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        Self {
            slots,
            regions: (0..REGIONS).map(|_| AtomicU64::new(0)).collect(),
            quarantine: Quarantine::new(quarantine),
            outlet,
            origin,
            time,
            observer,
        }
    }

    /// Announces a write of `tags`: call it before COMMIT is sent, or before a statement that commits by itself.
    ///
    /// The guard must be settled when the outcome is known; dropping it unsettled counts as unknown.
    pub fn write(self: &Arc<Self>, tags: Tags) -> WriteGuard {
        for &slot in tags.write_slots() {
            self.update(slot, |word| {
                if word & WRITERS == WRITERS {
                    word
                } else {
                    word + WRITER
                }
            });
        }
        // The count must be visible before the write's effect can be: an acquire-release operation alone would
        // let later stores pass its own store.
        fence(Ordering::SeqCst);
        WriteGuard::new(self.clone(), tags)
    }

    /// Notes the words of `tags`. Call it before the load.
    pub fn stamp(&self, tags: &Tags) -> Stamp {
        // The time first: an age counted from it is then never too young.
        let noted = self.time.now();
        let mut stamp = self.note(tags, noted);
        if stamp.standing == Standing::Quarantined && self.release_due(noted) {
            stamp = self.note(tags, noted);
        }
        stamp
    }

    /// Notes where all slots stand. Call it before the transaction begins.
    pub fn era(&self) -> Era {
        let regions = self.regions.iter();
        // Acquire: as in `word`.
        Era(regions.map(|moves| moves.load(Ordering::Acquire)).collect())
    }

    /// Whether a slot of `stamp` may have moved between the noting of `era` and its own.
    ///
    /// A write moves the region before the slot. So if the stamp noted the slot as a write left it, and that write's COMMIT
    /// had not returned when the era was noted, the region has moved since.
    pub fn moved_since(&self, era: &Era, stamp: &Stamp) -> bool {
        stamp.tags.read_slots().iter().any(|&slot| {
            let region = region(slot);
            self.regions[region].load(Ordering::Acquire) != era.0[region]
        })
    }

    /// Makes everything that depends on one of `tags` invalid, now.
    pub fn advance(&self, tags: &Tags) -> Receipt {
        self.mark(tags);
        for &slot in tags.write_slots() {
            self.update(slot, |word| word.wrapping_add(VERSION));
        }
        self.tell_invalidated(tags);
        self.send(tags, Outcome::Committed, None)
    }

    /// Makes everything invalid, now.
    pub fn advance_all(&self) -> Receipt {
        self.advance(&Tags::everything())
    }

    /// How many slots wait for the end of their quarantine.
    pub fn quarantined(&self) -> usize {
        self.quarantine.len()
    }

    /// Compares a stamp with the words of now.
    #[inline]
    pub(super) fn check(&self, stamp: &Stamp) -> Validity {
        let mut words = 0;
        for (&slot, &noted) in stamp.tags.read_slots().iter().zip(&stamp.versions) {
            let word = self.word(slot);
            if word & !WRITERS != noted {
                return Validity::Changed;
            }
            words |= word;
        }
        if words & WRITERS == 0 {
            Validity::Current
        } else {
            Validity::Contended
        }
    }

    /// Ends a write. `fence` is its hold in the shared tier.
    pub(super) fn settle(&self, tags: &Tags, outcome: Outcome, fence: Option<Ended>) -> Receipt {
        if outcome != Outcome::Undone {
            self.mark(tags);
        }
        match outcome {
            Outcome::Undone => {
                for &slot in tags.write_slots() {
                    self.update(slot, writer_gone);
                }
            }
            Outcome::Committed => {
                for &slot in tags.write_slots() {
                    self.update(slot, |word| writer_gone(word).wrapping_add(VERSION));
                }
                self.tell_invalidated(tags);
            }
            Outcome::Unknown if tags.is_empty() => {}
            Outcome::Unknown => {
                let until = self.time.now().plus(self.quarantine.span());
                self.quarantine.hold(tags.write_slots(), until, |slot| {
                    self.update(slot, |word| {
                        writer_gone(word).wrapping_add(VERSION) | QUARANTINE
                    });
                });
                self.tell_invalidated(tags);
                self.observer.emit(Event::QuarantineBegan {
                    slots: tags.write_slots().len(),
                });
            }
        }
        self.send(tags, outcome, fence)
    }

    /// Takes the steps of other processes.
    pub(super) fn follow(&self, slots: &[u16]) {
        for &slot in slots {
            self.update(slot, |word| word.wrapping_add(VERSION));
        }
        self.observer.counters.steps_heard.add(slots.len() as u64);
    }

    /// Closes slots for `span`: another process does not know whether a write of it takes effect.
    pub(super) fn doubt(&self, slots: &[u16], span: Duration) {
        let until = self.time.now().plus(span);
        self.quarantine.hold(slots, until, |slot| {
            self.update(slot, |word| word.wrapping_add(VERSION) | QUARANTINE);
        });
        self.observer
            .emit(Event::QuarantineBegan { slots: slots.len() });
    }

    /// Before the local words move, see [`Delivery`].
    fn mark(&self, tags: &Tags) {
        if let Some(outlet) = &self.outlet {
            outlet.mark(tags);
        }
    }

    /// After the local words have moved.
    fn send(&self, tags: &Tags, outcome: Outcome, fence: Option<Ended>) -> Receipt {
        match &self.outlet {
            Some(outlet) => outlet.send(tags, outcome, self.quarantine.span(), fence),
            None => Receipt::blind(self.origin),
        }
    }

    /// Lifts every quarantine whose deadline has passed; whether there was one.
    fn release_due(&self, now: Tick) -> bool {
        let released = self.quarantine.release_due(now, |slot| {
            self.update(slot, |word| (word & !QUARANTINE).wrapping_add(VERSION));
        });
        if released > 0 {
            self.observer
                .emit(Event::QuarantineEnded { slots: released });
        }
        released > 0
    }

    fn note(&self, tags: &Tags, noted: Tick) -> Stamp {
        let mut words = 0;
        let versions: SmallVec<[u64; 4]> = tags
            .read_slots()
            .iter()
            .map(|&slot| {
                let word = self.word(slot);
                words |= word;
                word & !WRITERS
            })
            .collect();
        let standing = if tags.is_everything() {
            Standing::Everything
        } else if words & QUARANTINE != 0 {
            Standing::Quarantined
        } else if words & WRITERS != 0 {
            Standing::WriterInFlight
        } else {
            Standing::Clear
        };
        Stamp {
            tags: tags.clone(),
            versions,
            noted,
            standing,
            outside: None,
        }
    }

    #[inline]
    fn word(&self, slot: u16) -> u64 {
        // Acquire: pairs with the release in `update`, see the proof above.
        self.slots[usize::from(slot)].load(Ordering::Acquire)
    }

    fn update(&self, slot: u16, step: impl Fn(u64) -> u64) {
        // Release: whoever sees the slot moved sees that its region is.
        self.regions[region(slot)].fetch_add(1, Ordering::Release);
        // A loop and not an add, since the fields of a word must not carry into each other. Release: whoever sees
        // the new word sees that COMMIT has returned. Sequentially consistent on top, for the fence in `write`.
        let word = &self.slots[usize::from(slot)];
        let mut seen = word.load(Ordering::Relaxed);
        while let Err(now) =
            word.compare_exchange_weak(seen, step(seen), Ordering::SeqCst, Ordering::Relaxed)
        {
            seen = now;
        }
    }

    fn tell_invalidated(&self, tags: &Tags) {
        if tags.is_empty() {
            return;
        }
        self.observer.counters.invalidations.add(1);
        if let Some(hook) = &self.observer.hook {
            hook.call(&match tags.is_everything() {
                true => Invalidation::Everything,
                false => Invalidation::Tags(tags.labels().collect()),
            });
        }
        self.observer.emit(if tags.is_everything() {
            Event::InvalidatedEverything
        } else {
            Event::Invalidated { tags: tags.len() }
        });
    }
}

fn region(slot: u16) -> usize {
    usize::from(slot) / (SLOTS / REGIONS)
}

/// One writer less, unless the count has stuck.
fn writer_gone(word: u64) -> u64 {
    let writers = word & WRITERS;
    if writers == WRITERS || writers == 0 {
        word
    } else {
        word - WRITER
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
