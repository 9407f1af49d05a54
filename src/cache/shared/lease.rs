//! Whether this process hears of the others' writes, and whether the tier is worth asking.
//!
//! The lease is counted from when a beat was *sent*: when its answer is here, everything that had been told before it was
//! sent has reached the clock. So for `max_staleness` from then on nothing in memory is older than that (P3). It ends at
//! once when the tier says that it hears no more.

use std::time::Duration;

use super::Session;
use crate::cache::{
    Tick,
    sync::{AtomicU64, Mutex, Ordering, lock},
};

/// Read by every hit, in one load.
#[derive(Debug)]
pub(in crate::cache) struct Lease {
    /// The last moment at which memory may answer, in nanoseconds. Written under the lock of `hearing`.
    until: AtomicU64,
    /// When the tier last cost a reader its budget; zero since it answered in time.
    tripped: AtomicU64,
    hearing: Mutex<Hearing>,
}

#[derive(Debug, Default)]
struct Hearing {
    current: Option<Session>,
    /// A stretch that ended, perhaps before the answer to its last beat was seen.
    over: Option<Session>,
}

/// What a beat's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// The stretch goes on.
    Same,
    /// A new one has begun.
    New,
    /// It is over already.
    Over,
}

impl Lease {
    /// For an engine that shares nothing: it never ends.
    pub(in crate::cache) fn endless() -> Self {
        Self::until(u64::MAX)
    }

    /// Before the first beat.
    pub(in crate::cache) fn not_yet() -> Self {
        Self::until(0)
    }

    fn until(nanos: u64) -> Self {
        Self {
            until: AtomicU64::new(nanos),
            tripped: AtomicU64::new(0),
            hearing: Mutex::default(),
        }
    }

    /// Whether memory may answer a read that goes on at `now`.
    #[inline]
    pub(in crate::cache) fn is_live(&self, now: Tick) -> bool {
        // Acquire: whoever sees a renewal sees the steps that were taken before it.
        now.as_nanos() <= self.until.load(Ordering::Acquire)
    }

    /// Whether the tier is worth asking: it is heard of, and answers in time.
    pub(super) fn is_usable(&self, now: Tick) -> bool {
        self.is_live(now) && self.tripped.load(Ordering::Relaxed) == 0
    }

    /// The tier has cost somebody the budget: nobody asks it until a beat comes back in time.
    pub(super) fn trip(&self, now: Tick) {
        self.tripped.store(now.as_nanos().max(1), Ordering::Relaxed);
    }

    /// A beat that was sent at `sent` came back in time: the tier is worth asking again, unless it tripped since.
    pub(super) fn answered_in_time(&self, sent: Tick) {
        let tripped = self.tripped.load(Ordering::Relaxed);
        if tripped != 0 && sent.as_nanos() > tripped {
            // Fails if somebody trips just now, which then counts.
            let _ = self
                .tripped
                .compare_exchange(tripped, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Takes the answer to a beat that was sent at `sent`. `catch_up` runs first where a new stretch begins, before
    /// memory answers again.
    pub(super) fn renew(
        &self,
        session: Session,
        sent: Tick,
        max_staleness: Duration,
        catch_up: impl FnOnce(),
    ) -> Renewal {
        let mut hearing = lock(&self.hearing);
        if hearing.over == Some(session) {
            return Renewal::Over;
        }
        let renewal = if hearing.current == Some(session) {
            Renewal::Same
        } else {
            catch_up();
            hearing.current = Some(session);
            Renewal::New
        };
        let until = sent.plus(max_staleness).as_nanos();
        // Release: see `is_live`. Not moved back by an answer that overtook another.
        self.until.fetch_max(until, Ordering::Release);
        renewal
    }

    /// The stretch `session` is over. Whether memory could answer until now.
    pub(super) fn lose(&self, session: Session) -> bool {
        let mut hearing = lock(&self.hearing);
        hearing.over = Some(session);
        if hearing.current.is_some_and(|current| current != session) {
            return false;
        }
        self.until.swap(0, Ordering::AcqRel) != 0
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u32) -> Tick {
        Tick::BEGIN.plus(SECOND * seconds)
    }

    fn renew(lease: &Lease, session: u64, sent: Tick) -> (Renewal, bool) {
        let mut caught_up = false;
        let renewal = lease.renew(Session(session), sent, SECOND, || caught_up = true);
        (renewal, caught_up)
    }

    #[test]
    fn it_counts_from_when_the_beat_was_sent() {
        let lease = Lease::not_yet();
        assert!(!lease.is_live(at(0)));
        assert_eq!(renew(&lease, 1, at(5)), (Renewal::New, true));
        assert!(lease.is_live(at(6)));
        assert!(!lease.is_live(at(6).plus(Duration::from_nanos(1))));
        assert_eq!(renew(&lease, 1, at(6)), (Renewal::Same, false));
        assert!(lease.is_live(at(7)));
    }

    #[test]
    fn it_ends_when_hearing_ends_and_a_late_answer_does_not_revive_it() {
        let lease = Lease::not_yet();
        renew(&lease, 1, at(5));
        assert!(lease.lose(Session(1)));
        assert!(!lease.is_live(at(5)));
        assert_eq!(renew(&lease, 1, at(5)), (Renewal::Over, false));
        assert!(!lease.is_live(at(5)));
        assert_eq!(renew(&lease, 2, at(5)), (Renewal::New, true));
        assert!(lease.is_live(at(6)));
        assert!(!lease.lose(Session(1)), "that stretch was over long ago");
        assert!(lease.is_live(at(6)));
    }

    #[test]
    fn what_ended_before_its_first_beat_was_answered_never_began() {
        let lease = Lease::not_yet();
        lease.lose(Session(1));
        assert_eq!(renew(&lease, 1, at(5)), (Renewal::Over, false));
        assert!(!lease.is_live(at(5)));
    }

    #[test]
    fn a_tier_that_cost_a_budget_is_asked_again_after_a_later_beat_came_back_in_time() {
        let lease = Lease::not_yet();
        renew(&lease, 1, at(5));
        assert!(lease.is_usable(at(5)));
        lease.trip(at(5));
        assert!(lease.is_live(at(5)) && !lease.is_usable(at(5)));
        lease.answered_in_time(at(4));
        assert!(!lease.is_usable(at(5)), "that one was sent before");
        lease.answered_in_time(at(6));
        assert!(lease.is_usable(at(6)));
    }
}
