//! How a pool learns that others have written to an SQLite file.

use std::time::Duration;

use crate::cdc::follow::sealed::Sealed;

/// SQLite's `PRAGMA data_version` as the way to hear of writes that bypass the pool.
///
/// It is asked on an interval, on a connection of its own, and says whether anybody has committed since, not what and not who. So
/// each commit of others invalidates everything, and so does each of the pool itself, once more, within the interval: this is
/// for files that are read much more often than written.
///
/// # Staleness
/// What others commit is seen within the interval, and within `max_staleness` where the file does not answer. A file that was
/// removed or replaced ends the answers from memory.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is given to a builder"]
pub struct DataVersion {
    pub(crate) interval: Duration,
    pub(crate) max_staleness: Duration,
    pub(crate) serves_when_blind: bool,
}

impl DataVersion {
    /// Ten times a second.
    pub fn new() -> Self {
        Self {
            interval: Duration::from_millis(100),
            max_staleness: Duration::from_secs(1),
            serves_when_blind: false,
        }
    }

    /// How long it is from one question to the next. Default: 100 ms.
    pub fn interval(mut self, time: Duration) -> Self {
        self.interval = time;
        self
    }

    /// How long this process may be without an answer until its cache answers nothing; longer than the interval. Default: 1 s.
    pub fn max_staleness(mut self, time: Duration) -> Self {
        self.max_staleness = time;
        self
    }

    /// Lets the cache answer also while the file does not.
    ///
    /// # Staleness
    /// What others write is then unseen until it does again, or the time to live is over.
    pub fn danger_serve_when_blind(mut self) -> Self {
        self.serves_when_blind = true;
        self
    }
}

impl Default for DataVersion {
    fn default() -> Self {
        Self::new()
    }
}

impl Sealed for DataVersion {}
