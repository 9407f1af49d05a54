//! The counters behind `stats()`.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{Skip, Stats};

/// A number that goes up. Relaxed throughout: it orders nothing and nobody decides by it.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    fn load(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A counter for the hot path: threads count in cells of their own, each on its own cache line.
#[derive(Debug, Default)]
pub(crate) struct Striped([Stripe; STRIPES]);

const STRIPES: usize = 16;

#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe(Counter);

impl Striped {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0[stripe()].0.add(n);
    }

    fn load(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load()).sum()
    }
}

/// The cell of this thread: they are dealt out in turn.
#[inline]
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: usize = NEXT.fetch_add(1, Relaxed) % STRIPES);
    OWN.with(|own| *own)
}

/// Counts under a few fixed labels. Behind a lock: whoever counts here goes to the database anyway.
#[derive(Debug, Default)]
pub(crate) struct Labelled(Mutex<BTreeMap<&'static str, u64>>);

impl Labelled {
    pub(crate) fn add(&self, label: &'static str) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(label)
            .or_default() += 1;
    }

    fn load(&self) -> BTreeMap<&'static str, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The number of now.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }
}

/// Transactions of others, and how long after their commit they were accounted for.
#[derive(Debug, Default)]
pub(crate) struct Lags {
    count: Counter,
    /// In microseconds.
    last: AtomicU64,
    worst: AtomicU64,
}

impl Lags {
    pub(crate) fn followed(&self, lag: Duration) {
        let micros = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
        self.count.add(1);
        self.last.store(micros, Relaxed);
        self.worst.fetch_max(micros, Relaxed);
    }
}

/// Everything that is counted. See [`Stats`] for what each means.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Striped,
    pub(crate) stale_hits: Striped,
    pub(crate) misses: Counter,
    pub(crate) bypasses: Labelled,
    pub(crate) loads: Counter,
    pub(crate) load_failures: Counter,
    pub(crate) coalesced: Counter,
    pub(crate) uncoalesced: Counter,
    pub(crate) refreshes_started: Counter,
    pub(crate) refreshes_failed: Counter,
    pub(crate) refreshes_skipped: Counter,
    pub(crate) invalidations: Counter,
    pub(crate) hits_shared: Counter,
    pub(crate) steps_heard: Counter,
    pub(crate) shared_failures: Counter,
    pub(crate) deliveries_failed: Counter,
    pub(crate) uploads: Counter,
    pub(crate) uploads_dropped: Counter,
    /// Entries of the shared tier that could not be used, by reason.
    pub(crate) refusals: Labelled,
    /// Results that would not have come back from the shared tier as they were, by reason.
    pub(crate) withheld: Labelled,
    pub(crate) changes: Lags,
    pub(crate) retained_wal: Gauge,
    skips: Labelled,
}

impl Counters {
    pub(crate) fn skip(&self, why: Skip) {
        self.skips.add(why.label());
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            hits_local: self.hits.load(),
            stale_hits: self.stale_hits.load(),
            misses: self.misses.load(),
            bypasses: self.bypasses.load(),
            loads: self.loads.load(),
            load_failures: self.load_failures.load(),
            coalesced: self.coalesced.load(),
            uncoalesced: self.uncoalesced.load(),
            refreshes_started: self.refreshes_started.load(),
            refreshes_failed: self.refreshes_failed.load(),
            refreshes_skipped: self.refreshes_skipped.load(),
            invalidations: self.invalidations.load(),
            hits_shared: self.hits_shared.load(),
            steps_heard: self.steps_heard.load(),
            shared_failures: self.shared_failures.load(),
            deliveries_failed: self.deliveries_failed.load(),
            shared_stores: self.uploads.load(),
            shared_stores_dropped: self.uploads_dropped.load(),
            shared_refusals: self.refusals.load(),
            shared_stores_withheld: self.withheld.load(),
            stores_skipped: self.skips.load(),
            changes_followed: self.changes.count.load(),
            change_lag_micros: self.changes.last.load(Relaxed),
            worst_change_lag_micros: self.changes.worst.load(Relaxed),
            retained_wal_bytes: self.retained_wal.0.load(Relaxed),
            ..Stats::default()
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn what_several_threads_count_adds_up() {
        let counter = Striped::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..1000).for_each(|_| counter.add(1)));
            }
        });
        assert_eq!(counter.load(), 20_000);
    }
}
