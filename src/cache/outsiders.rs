//! Whether this process hears of the writes that bypass its pool, where it is to.
//!
//! The other half of what keeps memory from answering, beside the lease on the shared tier: that is about the writes of
//! other pools, this about everybody else's.

use std::time::Duration;

use super::{
    Engine, Receipt, Tags, Tick,
    sync::{AtomicU64, Ordering},
};
use crate::observe::Stats;

/// Written by the one who follows the changes; read by every hit.
#[derive(Debug)]
pub(super) struct Outsiders {
    /// The last moment at which memory may answer, in nanoseconds; endless where nobody follows.
    until: AtomicU64,
    /// The last moment at which what is known of the changes is new enough.
    heard: AtomicU64,
}

impl Outsiders {
    pub(super) fn new() -> Self {
        Self {
            until: AtomicU64::new(u64::MAX),
            heard: AtomicU64::new(0),
        }
    }

    /// Whether memory may answer a read that goes on at `now`.
    #[inline]
    pub(super) fn are_heard(&self, now: Tick) -> bool {
        // Acquire: whoever sees a renewal sees the steps that were taken before it.
        now.as_nanos() <= self.until.load(Ordering::Acquire)
    }

    pub(super) fn tell(&self, now: Tick, stats: &mut Stats) {
        stats.changes_live = now.as_nanos() <= self.heard.load(Ordering::Relaxed);
    }
}

impl Engine {
    /// From now on memory answers only while the changes by others are [heard](Self::changes_heard). Never taken back.
    pub fn rely_on_changes(&self) {
        self.outsiders.until.store(0, Ordering::Release);
    }

    /// Until then all changes by others that anybody could have seen more than the agreed time ago have moved the clock.
    pub fn changes_heard(&self, until: Tick) {
        let outsiders = &self.outsiders;
        // The last of all stands for "endless".
        let until = until.as_nanos().min(u64::MAX - 1);
        outsiders.heard.store(until, Ordering::Relaxed);
        // Release: see `are_heard`. One task writes, so nothing comes in between; what is endless stays so.
        if outsiders.until.load(Ordering::Relaxed) != u64::MAX {
            outsiders.until.store(until, Ordering::Release);
        }
    }

    /// Others have changed this.
    pub fn changed(&self, tags: &Tags) -> Receipt {
        match self.sabotage.ignores_changes() {
            true => self.invalidate(&Tags::none()),
            false => self.invalidate(tags),
        }
    }

    /// Others may have changed anything before now.
    pub fn changed_unheard(&self) -> Receipt {
        match self.sabotage.skips_beginnings() {
            true => self.invalidate(&Tags::none()),
            false => self.invalidate_all(),
        }
    }

    /// The changes by others are not heard any more.
    pub fn changes_lost(&self) {
        self.changes_heard(Tick::from_nanos(0));
    }

    /// A transaction of others has moved the clock, so long after it was committed.
    pub fn change_followed(&self, lag: Duration) {
        self.observer.counters.changes.followed(lag);
    }
}
