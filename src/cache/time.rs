//! The only place that reads a clock.
//!
//! Everything else takes a [`Tick`], so that tests can turn the time by hand instead of sleeping.

use std::time::{Duration, Instant, SystemTime};

#[cfg(any(test, feature = "testing"))]
mod manual;
#[cfg(any(test, feature = "testing"))]
pub use manual::ManualTime;

/// A moment, in nanoseconds. A [`Time`] begins at [`Tick::BEGIN`], so that what happened before it was made has a tick too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// When every [`Time`] begins: 36 years after tick zero.
    pub const BEGIN: Self = Self(1 << 60);

    /// The moment `nanos` after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    pub const fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `span` earlier, at least tick zero.
    #[must_use]
    pub const fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }

    /// The number of nanoseconds since tick zero.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The moment `span` later, at most the end of time (584 years).
    #[must_use]
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

/// `span` in nanoseconds, at most 584 years.
pub(super) const fn nanos(span: Duration) -> u64 {
    span.as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(span.subsec_nanos() as u64)
}

/// A source of time: the machine's monotonic clock, or in tests one that is turned by hand.
#[derive(Clone, Debug)]
pub struct Time(Source);

#[derive(Clone, Debug)]
enum Source {
    Real(Instant),
    #[cfg(any(test, feature = "testing"))]
    Manual(ManualTime),
}

impl Time {
    /// The machine's monotonic clock.
    pub fn real() -> Self {
        Self(Source::Real(Instant::now()))
    }

    /// A time that stands still until its [`ManualTime`] turns it.
    #[cfg(any(test, feature = "testing"))]
    pub fn manual() -> (Self, ManualTime) {
        let hand = ManualTime::new();
        (Self(Source::Manual(hand.clone())), hand)
    }

    /// The present moment.
    #[inline]
    pub fn now(&self) -> Tick {
        match &self.0 {
            Source::Real(start) => Tick::BEGIN.plus(start.elapsed()),
            #[cfg(any(test, feature = "testing"))]
            Source::Manual(hand) => hand.now(),
        }
    }

    /// The date, for those outside. It may jump, so nothing of ours is measured by it.
    pub fn date(&self) -> SystemTime {
        match &self.0 {
            Source::Real(_) => SystemTime::now(),
            #[cfg(any(test, feature = "testing"))]
            Source::Manual(hand) => SystemTime::UNIX_EPOCH + hand.now().since(Tick::from_nanos(0)),
        }
    }

    /// Waits for `span` to pass. The real time needs a tokio runtime with its timer enabled.
    ///
    /// # Cancel safety
    /// Dropping the future forgets the wait and nothing else.
    pub async fn sleep(&self, span: Duration) {
        match &self.0 {
            Source::Real(_) => tokio::time::sleep(span).await,
            #[cfg(any(test, feature = "testing"))]
            Source::Manual(hand) => hand.sleep(span).await,
        }
    }
}
