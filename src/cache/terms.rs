//! What a reader asks of a cached answer.

use std::time::Duration;

/// The terms of one read, resolved from the pool's defaults and the query's hints.
///
/// Freshness is judged by the reader's terms against the entry's age, whoever stored it: a reader with a short `ttl`
/// does not take what a reader with a long one still would. Ages count from the beginning of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long a result is fresh. Each entry gives up a little of it (the pool's jitter).
    pub ttl: Duration,
    /// The most that `ttl` is for a result without a row: what is missing is often just about to be written.
    pub empty_ttl: Duration,
    /// For how long after `ttl` an expired result is answered at once while a background load replaces it.
    pub stale_while_revalidate: Duration,
    /// For how long after `ttl` an expired result is answered if the load fails with an outage or is slow.
    pub stale_if_error: Duration,
    /// How old a result may be that a write has invalidated. Ignored by strict reads.
    pub tolerate_stale: Option<Duration>,
    /// Nothing older is served stale, whatever the windows above add up to.
    pub max_stale: Duration,
    /// Whether a write in flight keeps the cache from answering.
    pub consistency: Consistency,
    /// Results with more rows are returned and not stored.
    pub max_rows: usize,
    /// Results with a larger encoding are returned and not stored.
    pub max_bytes: usize,
    /// Which way the read goes.
    pub mode: Mode,
}

/// What a cached read guarantees while a write is under way, and after it in other processes. On a pool it is the default of
/// its reads and says how its writes are announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Consistency {
    /// Until `execute` or `commit` has returned, a cached read may still give the older result.
    ///
    /// With a shared tier other processes hear of the write one message later. Where messages do not get through, they may give
    /// the older result for as long as the pool's `max_staleness`.
    #[default]
    Bounded,
    /// From before COMMIT is sent until it is accounted for, reads of what it touches go to the database.
    ///
    /// With a shared tier this holds between processes: once a commit has returned in one of them, no strict read in any
    /// of them answers with older data: neither when the writer was killed between COMMIT and the news of it, nor when the tier has
    /// lost its memory meanwhile. It has a price:
    /// - A strict read asks the tier whether what it has is still valid, also where it has it in memory: one round trip. Where
    ///   the tier does not answer, it asks the database.
    /// - A write on a strict pool is announced to the tier before it is sent: one round trip. Where the tier cannot be told, the
    ///   write fails and is not sent (`is_fence_unavailable`); `commit()` rolls back then.
    ///
    /// It takes strict pools in all processes. A strict read beside writers that are not strict is as new as what the tier has
    /// been told; and only strict pools wait, after the tier has lost its memory, for writes whose announcement went with it.
    ///
    /// Without a shared tier it holds in the process, and costs nothing but the hits while a write is under way.
    Strict,
}

/// Which way a read goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// From the cache if it may, else from the database.
    #[default]
    Normal,
    /// Always from the database, with a load of its own that began after the call; the result is stored.
    Refresh,
    /// From the cache or not at all. The engine answers as in `Normal`; its caller must not go on to load.
    OnlyIfCached,
}

impl Default for Terms {
    /// A minute fresh (5 s without a row), nothing stale, at most 100,000 rows and 8 MiB.
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(60),
            empty_ttl: Duration::from_secs(5),
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            tolerate_stale: None,
            max_stale: Duration::from_secs(24 * 60 * 60),
            consistency: Consistency::Bounded,
            max_rows: 100_000,
            max_bytes: 8 << 20,
            mode: Mode::Normal,
        }
    }
}

impl Terms {
    /// For how long after the beginning of its load a result can be of use under these terms.
    pub(super) fn life(&self) -> Duration {
        let expired = self
            .ttl
            .saturating_add(self.stale_while_revalidate.max(self.stale_if_error));
        let stale = expired
            .max(self.tolerate_stale.unwrap_or_default())
            .min(self.max_stale);
        self.ttl.max(stale)
    }
}
