//! A write on its way: the guard that tells the clock how it ended.

use std::{fmt, sync::Arc};

use super::{Clock, Receipt, Tags, clock::Outcome, shared::Fence};

/// Holds the slots of a write from before its COMMIT until the outcome is known.
///
/// Settle it with exactly one of [`committed`](Self::committed), [`undone`](Self::undone) and
/// [`unknown`](Self::unknown). Dropped unsettled, which is what a cancelled future or a panic does, it counts as
/// unknown: no invalidation can be lost.
#[must_use = "dropping the guard counts as a write of unknown outcome and closes its slots for a while"]
pub struct WriteGuard {
    clock: Arc<Clock>,
    tags: Tags,
    settled: Option<Outcome>,
    /// Its hold in the shared tier.
    fence: Option<Fence>,
}

impl WriteGuard {
    pub(super) fn new(clock: Arc<Clock>, tags: Tags) -> Self {
        Self {
            clock,
            tags,
            settled: None,
            fence: None,
        }
    }

    pub(super) fn fenced(mut self, fence: Option<Fence>) -> Self {
        self.fence = fence;
        self
    }

    /// What the write may change.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The write has taken effect and its COMMIT has returned. Call it before telling the caller so.
    pub fn committed(mut self) -> Receipt {
        self.settle(Outcome::Committed)
    }

    /// The write certainly has no effect and never will: rolled back, refused, or never sent.
    pub fn undone(mut self) {
        self.settle(Outcome::Undone);
    }

    /// Nobody knows: the connection broke, or the wait was given up. The server may still apply the write, so its
    /// slots answer nothing until the quarantine is over.
    pub fn unknown(mut self) -> Receipt {
        self.settle(Outcome::Unknown)
    }

    /// The one place that settles, so that there is one path however the guard ends.
    fn settle(&mut self, outcome: Outcome) -> Receipt {
        self.settled = Some(outcome);
        let fence = self.fence.take().map(Fence::settle);
        self.clock.settle(&self.tags, outcome, fence)
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        if self.settled.is_none() {
            self.settle(Outcome::Unknown);
        }
    }
}

impl fmt::Debug for WriteGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteGuard")
            .field("tags", &self.tags)
            .field("settled", &self.settled)
            .finish()
    }
}
