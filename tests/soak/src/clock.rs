//! The time that all processes of this machine agree on.
//!
//! `std::time::Instant` reads the same clock, but what it reads cannot be told to another process.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::sleep;

/// A moment: nanoseconds of the machine's monotonic clock.
pub(crate) type Moment = u64;

/// One microsecond.
pub(crate) const MICROSECOND: u64 = 1_000;

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

/// How much of the time between two moments one delay or several cover.
pub(crate) fn covered(mut delays: Vec<Delay>, from: Moment, to: Moment) -> u64 {
    delays.sort_unstable_by_key(|delay| delay.from);
    let (mut covered, mut reached) = (0, from);
    for delay in delays {
        let end = delay.to.min(to);
        covered += end.saturating_sub(delay.from.max(reached));
        reached = reached.max(end);
    }
    covered
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_delays_cover_counts_once() {
        let delays = |pairs: &[(Moment, Moment)]| {
            pairs.iter().map(|&(from, to)| Delay { from, to }).collect()
        };
        assert_eq!(covered(delays(&[]), 10, 20), 0);
        assert_eq!(covered(delays(&[(0, 5), (25, 30)]), 10, 20), 0);
        assert_eq!(covered(delays(&[(0, 30)]), 10, 20), 10);
        assert_eq!(covered(delays(&[(15, 18), (8, 12), (11, 13)]), 10, 20), 6);
        assert_eq!(covered(delays(&[(11, 19), (12, 13), (18, 30)]), 10, 20), 9);
    }
}
