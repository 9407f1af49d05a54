//! The time that all processes of this machine agree on.
//!
//! `std::time::Instant` reads the same clock, but what it reads cannot be told to another process.

use rustix::time::{ClockId, clock_gettime};

/// A moment: nanoseconds of the machine's monotonic clock.
pub(crate) type Moment = u64;

/// One millisecond.
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// The present moment.
pub(crate) fn now() -> Moment {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).expect("the machine's clock counts up from its start");
    let nanoseconds = u64::try_from(now.tv_nsec).expect("a part of a second is not negative");
    seconds * 1_000_000_000 + nanoseconds
}
