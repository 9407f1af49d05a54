//! The time that all processes of this machine agree on.
//!
//! `std::time::Instant` reads the same clock, but what it reads cannot be told to another process.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::sleep;

/// A moment: nanoseconds of the machine's monotonic clock.
pub(crate) type Moment = u64;

/// One millisecond.
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// A process that is woken later than that was kept from running.
const PUNCTUAL: u64 = 10 * MILLISECOND;

/// A time in which a process should have run and did not, because others did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delay {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
}

impl Delay {
    /// How much of it lies between two moments.
    pub(crate) fn within(self, from: Moment, to: Moment) -> u64 {
        self.to.min(to).saturating_sub(self.from.max(from))
    }
}

/// Waits for `span`, and tells if the process was woken late.
pub(crate) async fn nap(span: Duration) -> Option<Delay> {
    let due = now() + u64::try_from(span.as_nanos()).expect("a short time");
    sleep(span).await;
    let delay = Delay {
        from: due,
        to: now(),
    };
    (delay.to > due + PUNCTUAL).then_some(delay)
}

/// The present moment.
pub(crate) fn now() -> Moment {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).expect("the machine's clock counts up from its start");
    let nanoseconds = u64::try_from(now.tv_nsec).expect("a part of a second is not negative");
    seconds * 1_000_000_000 + nanoseconds
}
