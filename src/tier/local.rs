//! This process's memory. The only user of moka.
//!
//! Promises: bounded in bytes as weighed; keys are compared whole; an entry goes when it can be of no more use to the
//! reader who stored it. It must not know whether an entry is valid: the invalid stay until they are replaced, expire or
//! are evicted.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use foldhash::quality::RandomState;
use moka::{Expiry, ops::compute, sync::Cache};

use crate::cache::{AnyEntry, Key, Meta, Store, Stored};

/// An entry may take this part of the capacity: a few large results must not wash out everything else.
const LARGEST: u64 = 8;

/// The longest that an unused entry is kept, whatever its terms say.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The tier in this process's memory.
pub struct LocalTier {
    cache: Cache<Key, Arc<dyn AnyEntry>, RandomState>,
    largest: u64,
}

impl LocalTier {
    /// A tier that holds about `capacity` bytes. Eviction runs a little behind inserts, so it may for a moment
    /// hold more.
    pub fn new(capacity: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(capacity)
            .weigher(|_, entry: &Arc<dyn AnyEntry>| weight(&**entry))
            .expire_after(Life)
            .build_with_hasher(RandomState::default());
        // A weight is 32 bits wide: a larger entry would be counted too low.
        Self {
            cache,
            largest: (capacity / LARGEST).min(u64::from(u32::MAX)),
        }
    }
}

impl Store for LocalTier {
    #[inline]
    fn get(&self, key: &Key) -> Option<Arc<dyn AnyEntry>> {
        self.cache.get(key)
    }

    fn insert(&self, key: Key, entry: Arc<dyn AnyEntry>, keeps: &dyn Fn(&Meta) -> bool) -> Stored {
        if entry.meta().bytes() as u64 > self.largest {
            return Stored::TooLarge;
        }
        let result = self
            .cache
            .entry(key)
            .and_compute_with(|present| match present {
                Some(present) if keeps(present.value().meta()) => compute::Op::Nop,
                _ => compute::Op::Put(entry),
            });
        match result {
            compute::CompResult::Unchanged(_) => Stored::Superseded,
            _ => Stored::Inserted,
        }
    }

    fn remove(&self, key: &Key) -> Option<Arc<dyn AnyEntry>> {
        self.cache.remove(key)
    }

    fn entries(&self) -> u64 {
        self.cache.entry_count()
    }

    fn bytes(&self) -> u64 {
        self.cache.weighted_size()
    }

    fn sync(&self) {
        self.cache.run_pending_tasks();
    }
}

impl std::fmt::Debug for LocalTier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalTier")
            .field("entries", &self.entries())
            .field("bytes", &self.bytes())
            .finish()
    }
}

fn weight(entry: &dyn AnyEntry) -> u32 {
    u32::try_from(entry.meta().bytes()).unwrap_or(u32::MAX)
}

/// Each entry lives as long as it can be of use.
struct Life;

impl Expiry<Key, Arc<dyn AnyEntry>> for Life {
    fn expire_after_create(
        &self,
        _: &Key,
        entry: &Arc<dyn AnyEntry>,
        _: Instant,
    ) -> Option<Duration> {
        Some(entry.meta().life().min(LONGEST))
    }

    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Arc<dyn AnyEntry>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.meta().life().min(LONGEST))
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
