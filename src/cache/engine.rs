//! The engine itself: what it is made of, and the steps that are not a read.
//!
//! A read is [`lookup`](Engine::lookup), then on a miss [`load`](Engine::load) or for a stale answer
//! [`refresh`](Engine::refresh); each has its file.

use std::{
    hash::{BuildHasher, Hash},
    sync::Arc,
    time::Duration,
};

use foldhash::fast::FixedState;

use super::{
    AnyEntry, Cached, Cause, Clock, Consistency, Entry, Freshness, Key, Meta, Sabotage, Source,
    Stamp, Store, Stored, Tags, Terms, Tick, Time, Value, WriteGuard,
    clock::Validity,
    entry::downcast,
    flight::Flights,
    freshness::{Share, Verdict, judge},
    stamp::Standing,
    tasks::Tasks,
};
use crate::observe::{Event, Events, Observer, Skip, Stats};

/// What an entry takes beside its value and its key: its own fields and the store's book-keeping, about.
const OVERHEAD: usize = 256;

/// The settings of one engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineSettings {
    /// The most of its time to live that an entry gives up, as a fraction. Each gives up its own part.
    pub ttl_jitter: f64,
    /// The fraction of its time to live after which a fresh entry is refreshed in the background on a hit.
    pub early_refresh: Option<f64>,
    /// How long a load may take while a stale answer is at hand (`stale_if_error`) before that is given.
    pub soft_timeout: Option<Duration>,
    /// For how long after a write of unknown outcome its tags answer nothing.
    pub quarantine: Duration,
    /// How many keys can be loaded with single flight at once; loads beyond go alone.
    pub max_in_flight: usize,
    /// How many background refreshes run at once; what goes beyond is skipped.
    pub max_refreshes: usize,
    /// How many events wait for a slow subscriber before it loses the oldest.
    pub max_events: usize,
    /// What is broken on purpose.
    #[doc(hidden)]
    pub sabotage: Sabotage,
}

impl Default for EngineSettings {
    /// 10 % jitter, no early refresh, no soft timeout, a quarantine of 60 s, 65,536 flights, 64 refreshes,
    /// 1,024 events.
    fn default() -> Self {
        Self {
            ttl_jitter: 0.1,
            early_refresh: None,
            soft_timeout: None,
            quarantine: Duration::from_secs(60),
            max_in_flight: 65_536,
            max_refreshes: 64,
            max_events: 1_024,
            sabotage: Sabotage::None,
        }
    }
}

/// The cache of one pool.
pub struct Engine {
    pub(super) clock: Arc<Clock>,
    pub(super) store: Arc<dyn Store>,
    pub(super) time: Time,
    pub(super) observer: Arc<Observer>,
    pub(super) flights: Arc<Flights>,
    pub(super) tasks: Tasks,
    pub(super) early: Option<Share>,
    pub(super) soft_timeout: Option<Duration>,
    pub(super) sabotage: Sabotage,
    jitter: Share,
}

impl Engine {
    /// An engine that keeps its entries in `store` and refreshes on the runtime of `handle`.
    pub fn new(
        settings: EngineSettings,
        store: Arc<dyn Store>,
        time: Time,
        handle: tokio::runtime::Handle,
    ) -> Arc<Self> {
        let observer = Arc::new(Observer::new(settings.max_events));
        Arc::new(Self {
            clock: Arc::new(Clock::new(
                time.clone(),
                settings.quarantine,
                observer.clone(),
            )),
            store,
            time,
            observer,
            flights: Flights::new(settings.max_in_flight),
            tasks: Tasks::new(settings.max_refreshes, handle),
            early: settings.early_refresh.map(Share::new),
            soft_timeout: settings.soft_timeout,
            sabotage: settings.sabotage,
            jitter: Share::new(settings.ttl_jitter),
        })
    }

    /// The clock, for writes: [`Clock::write`] before COMMIT, and settle the guard.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Announces a write of `tags`. See [`Clock::write`].
    pub fn write(&self, tags: Tags) -> WriteGuard {
        self.clock.write(tags)
    }

    /// Where events go, for subscribers and for those who have something to tell.
    pub fn events(&self) -> &Events {
        &self.observer.events
    }

    /// Tells subscribers of `event`.
    pub fn emit(&self, event: Event) {
        self.observer.emit(event);
    }

    /// Counts a read that did not ask the cache, under its reason.
    pub fn bypassed(&self, reason: &'static str) {
        self.observer.counters.bypasses.add(reason);
    }

    /// Every counter, as of now.
    pub fn stats(&self) -> Stats {
        let mut stats = self.observer.stats();
        self.store.sync();
        stats.entries = self.store.entries();
        stats.bytes = self.store.bytes();
        stats.in_flight = self.flights.len() as u64;
        stats.quarantined = self.clock.quarantined() as u64;
        stats
    }

    /// The present moment.
    pub fn now(&self) -> Tick {
        self.time.now()
    }

    /// Makes every result that depends on one of `tags` invalid. Takes the same time however many there are.
    pub fn invalidate(&self, tags: &Tags) {
        self.clock.advance(tags);
    }

    /// Makes every result invalid.
    pub fn invalidate_all(&self) {
        self.clock.advance_all();
    }

    /// Notes the clock for a load that is to be [`store`](Self::store)d. Call it before the load.
    pub fn stamp(&self, tags: &Tags) -> Stamp {
        self.clock.stamp(tags)
    }

    /// Stores a value that was loaded after `stamp` was noted, unless a write came since or `terms` forbid it, and
    /// hands it out in any case.
    pub fn store<T: Value>(&self, key: Key, terms: &Terms, stamp: Stamp, value: T) -> Cached<T> {
        let entry = self.keep(key, terms, stamp, value);
        Cached::new(entry, self.now(), Freshness::Fresh, Source::Database)
    }

    /// Hands out a value that came past the cache and is not to be stored; `stamp` was noted before its load.
    pub fn pass<T: Value>(&self, stamp: Stamp, value: T) -> Cached<T> {
        let meta = Meta {
            rows: value.rows(),
            jitter: Share::new(0.0),
            life: Duration::ZERO,
            bytes: 0,
            digest: None,
            stamp,
        };
        Cached::new(
            Arc::new(Entry { meta, value }),
            self.now(),
            Freshness::Fresh,
            Source::Database,
        )
    }

    /// Takes a fresh entry out of the store: for what only one reader can use.
    ///
    /// Its stamp ([`Meta::stamp`]) goes with what is made of it, to [`store`](Self::store).
    pub fn take<T: Value>(&self, key: &Key, tags: &Tags, terms: &Terms) -> Option<Arc<Entry<T>>> {
        let entry = self.store.remove(key)?;
        match self.verdict(entry.meta(), tags, terms) {
            Verdict::Fresh | Verdict::Refresh(Cause::Early) => downcast(entry),
            Verdict::Refresh(_) | Verdict::IfError | Verdict::Gone => None,
        }
    }

    /// What the entry of `meta` is good for, to a reader who depends on `tags`.
    #[inline]
    pub(super) fn verdict(&self, meta: &Meta, tags: &Tags, terms: &Terms) -> Verdict {
        judge(
            meta,
            self.validity(meta.stamp(), tags),
            self.now(),
            terms,
            self.early,
        )
    }

    #[inline]
    pub(super) fn validity(&self, stamp: &Stamp, tags: &Tags) -> Validity {
        if self.sabotage.ignores_stamps() {
            return Validity::Current;
        }
        // What a statement depends on can change with the schema. An entry from before does not watch what its
        // reader now needs watched.
        if !stamp.tags().same_slots(tags) {
            return Validity::Changed;
        }
        self.clock.check(stamp)
    }

    /// Makes an entry of `value` and stores it if it may be.
    pub(super) fn keep<T: Value>(
        &self,
        key: Key,
        terms: &Terms,
        stamp: Stamp,
        value: T,
    ) -> Arc<Entry<T>> {
        let stamp = if self.sabotage.stamps_after_load() {
            self.clock.stamp(stamp.tags())
        } else {
            stamp
        };
        let mut meta = Meta {
            rows: value.rows(),
            jitter: self.jitter_of(&key, &stamp),
            life: terms.life(),
            bytes: 0,
            digest: None,
            stamp,
        };
        let skip = match self.weigh(&key, terms, &mut meta, &value) {
            Ok(()) => {
                let entry = Arc::new(Entry { meta, value });
                self.put(key, entry.clone());
                return entry;
            }
            Err(skip) => skip,
        };
        self.skipped(skip);
        Arc::new(Entry { meta, value })
    }

    /// Completes `meta`, or finds out why its value is not to be stored. The cheap reasons come first.
    fn weigh<T: Value>(
        &self,
        key: &Key,
        terms: &Terms,
        meta: &mut Meta,
        value: &T,
    ) -> Result<(), Skip> {
        match (meta.stamp.standing, terms.consistency) {
            (Standing::Everything, _) => return Err(Skip::DependsOnEverything),
            (Standing::Quarantined, _) => return Err(Skip::Quarantined),
            (Standing::WriterInFlight, Consistency::Strict) => return Err(Skip::WriterInFlight),
            (Standing::Clear, _) | (Standing::WriterInFlight, Consistency::Bounded) => {}
        }
        if terms.life() == Duration::ZERO {
            return Err(Skip::NoLife);
        }
        if meta.rows > terms.max_rows {
            return Err(Skip::TooManyRows);
        }
        // Not needed for soundness: a raced entry could never be answered. It would only take room.
        if self.clock.check(&meta.stamp) == Validity::Changed {
            return Err(Skip::Raced);
        }
        let Ok(weight) = value.weight() else {
            self.observer.emit(Event::EncodeFailed {
                value: std::any::type_name::<T>(),
            });
            return Err(Skip::EncodeFailed);
        };
        if weight.bytes > terms.max_bytes {
            return Err(Skip::TooManyBytes);
        }
        meta.bytes = weight
            .bytes
            .saturating_add(key.bytes())
            .saturating_add(size_of::<T>())
            .saturating_add(OVERHEAD);
        meta.digest = Some(weight.digest);
        Ok(())
    }

    fn put(&self, key: Key, entry: Arc<dyn AnyEntry>) {
        let created = entry.meta().created();
        // An older load that comes in late must not take the place of a younger one that is still valid: who
        // asked for a refresh would get the older result back.
        let keeps = |present: &Meta| {
            present.created() > created && self.clock.check(&present.stamp) != Validity::Changed
        };
        match self.store.insert(key, entry, &keeps) {
            Stored::Inserted => {}
            Stored::Superseded => self.skipped(Skip::Superseded),
            Stored::TooLarge => self.skipped(Skip::TooLargeForTier),
        }
    }

    fn skipped(&self, why: Skip) {
        self.observer.counters.skip(why);
        self.observer.emit(Event::StoreSkipped { why });
    }

    /// The entry's own part of the jitter: another for each key and each load, the same whenever it is asked for.
    fn jitter_of(&self, key: &Key, stamp: &Stamp) -> Share {
        let mut hasher = FixedState::with_seed(0).build_hasher();
        key.hash(&mut hasher);
        stamp.noted().hash(&mut hasher);
        self.jitter.part(std::hash::Hasher::finish(&hasher))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}
