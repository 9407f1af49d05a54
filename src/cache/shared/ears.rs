//! Hears what the tier tells: steps of other processes move the local words.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::{DEFINITIONS, EVERYTHING, Session, Watcher, Word, known::Known, lease::Lease};
use crate::{
    cache::Clock,
    observe::{Event, Observer},
};

pub(super) struct Ears {
    /// Weak: the clock tells the tier, and the tier tells these.
    pub(super) clock: Weak<Clock>,
    pub(super) lease: Arc<Lease>,
    pub(super) known: Arc<Known>,
    /// Wakes the beats when hearing has ended.
    pub(super) lost: Arc<Notify>,
    pub(super) observer: Arc<Observer>,
}

impl Watcher for Ears {
    fn moved(&self, words: &[(u16, Word)]) {
        let Some(clock) = self.clock.upgrade() else {
            return;
        };
        let moved = |slot| words.iter().any(|&(moved, _)| moved == slot);
        if moved(EVERYTHING) {
            if moved(DEFINITIONS) {
                clock.follow(&[DEFINITIONS]);
            }
            return self.moved_everything();
        }
        let slots: Vec<u16> = words.iter().map(|&(slot, _)| slot).collect();
        clock.follow(&slots);
        // After the local words: whoever finds the slot here finds memory cleared of what was older.
        self.known.note(words);
    }

    fn moved_everything(&self) {
        if let Some(clock) = self.clock.upgrade() {
            self.known.forget();
            clock.follow(&[EVERYTHING]);
        }
    }

    fn doubtful(&self, slots: &[u16], span: Duration) {
        if let Some(clock) = self.clock.upgrade() {
            clock.doubt(slots, span);
        }
    }

    fn lost(&self, session: Session) {
        if self.lease.lose(session) {
            self.observer.emit(Event::SharedTierLost);
        }
        self.lost.notify_one();
    }
}
