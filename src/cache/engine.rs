//! The engine itself: what it is made of, and the steps that are not a read.
//!
//! A read is [`lookup`](Engine::lookup), then on a miss [`load`](Engine::load) or for a stale answer
//! [`refresh`](Engine::refresh); each has its file.

use std::{sync::Arc, time::Duration};

use super::{
    Clock, EngineSettings, FenceError, Meta, Receipt, Sabotage, SharedSettings, SharedTier, Stamp,
    Store, Tags, Terms, Tick, Time, Token, WriteGuard,
    clock::Validity,
    flight::Flights,
    freshness::{Share, Verdict, judge},
    outsiders::Outsiders,
    shared::{self, Beginning, Lease, Manner, Shared},
    tasks::Tasks,
};
use crate::observe::{Event, Events, Observer, Stats};

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
    pub(super) patience: Duration,
    pub(super) sabotage: Sabotage,
    pub(super) jitter: Share,
    /// Until when memory may answer; endless where nothing is shared.
    lease: Arc<Lease>,
    pub(super) outsiders: Arc<Outsiders>,
    pub(super) shared: Option<Shared>,
    origin: u64,
}

impl Engine {
    /// An engine that keeps its entries in `store` and in the shared tier, if there is one, and works in the background on
    /// the runtime of `handle`.
    pub fn new(
        settings: EngineSettings,
        shared: Option<(Arc<dyn SharedTier>, SharedSettings)>,
        store: Arc<dyn Store>,
        time: Time,
        handle: tokio::runtime::Handle,
    ) -> Arc<Self> {
        let observer = Arc::new(Observer::new(settings.max_events, settings.hook));
        let origin = shared::random();
        let manner = Manner {
            jitter: Share::new(settings.ttl_jitter),
            sabotage: settings.sabotage,
        };
        let beginning = shared
            .map(|(tier, own)| Beginning::new(tier, own, origin, time.clone(), observer.clone()));
        let clock = Arc::new(Clock::new(
            time.clone(),
            settings.quarantine,
            beginning.as_ref().map(|shared| shared.delivery.clone()),
            origin,
            observer.clone(),
        ));
        let lease = match &beginning {
            Some(shared) => shared.lease.clone(),
            None => Arc::new(Lease::endless()),
        };
        let outsiders = Arc::new(Outsiders::new());
        let shared = beginning.map(|shared| shared.start(&clock, &outsiders, manner, &handle));
        Arc::new(Self {
            lease,
            outsiders,
            shared,
            origin,
            clock,
            store,
            time,
            observer,
            flights: Flights::new(settings.max_in_flight),
            tasks: Tasks::new(settings.max_refreshes, handle),
            early: settings.early_refresh.map(Share::new),
            soft_timeout: settings.soft_timeout,
            patience: settings.patience,
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
        if let Some(shared) = &self.shared {
            shared.tell(&mut stats);
        }
        self.outsiders.tell(self.now(), &mut stats);
        stats
    }

    /// Whether a load gives up on its own result after a while when a stale one can stand in.
    pub fn has_soft_timeout(&self) -> bool {
        self.soft_timeout.is_some()
    }

    /// The source of its time.
    pub fn time(&self) -> &Time {
        &self.time
    }

    /// The present moment.
    pub fn now(&self) -> Tick {
        self.time.now()
    }

    /// Makes every result that depends on one of `tags` invalid. Takes the same time however many there are.
    pub fn invalidate(&self, tags: &Tags) -> Receipt {
        self.clock.advance(tags)
    }

    /// Makes every result invalid.
    pub fn invalidate_all(&self) -> Receipt {
        self.clock.advance_all()
    }

    /// As [`write`](Self::write); where writes are strict, first holds what the write may change in the shared tier, so that no
    /// strict read anywhere answers from a cache until the guard is settled.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready leaves at most a hold that expires.
    ///
    /// # Errors
    /// When the shared tier could not be told. The write must not be sent then.
    pub async fn announce(&self, tags: Tags) -> Result<WriteGuard, FenceError> {
        let fence = match &self.shared {
            Some(shared) => {
                shared.revive();
                shared.fence(&tags).await?
            }
            None => None,
        };
        Ok(self.write(tags).fenced(fence))
    }

    /// Whether entries can leave this process, so that a [`Question`](super::Question) should carry its whole key.
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Whether other processes are told of each write before it is sent, where there are any.
    pub fn fences_writes(&self) -> bool {
        let mut shared = self.shared.iter();
        shared.all(|shared| shared.fences_writes())
    }

    /// Whether what this process holds in memory is already as new as `token`.
    pub fn covers(&self, token: &Token) -> bool {
        // Read-your-writes holds in the process that wrote.
        token.origin == self.origin
            || self
                .shared
                .as_ref()
                .is_some_and(|shared| shared.covers(token))
    }

    /// Waits until it is known whether the shared tier answers, at most for the pool's `max_staleness`.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn begun(&self) {
        if let Some(shared) = &self.shared {
            shared.begun().await;
        }
    }

    /// Notes the clock for a load that is to be [`store`](Self::store)d. Call it before the load.
    pub fn stamp(&self, tags: &Tags) -> Stamp {
        self.clock.stamp(tags)
    }

    /// Whether nothing that `stamp` depends on has moved since it was noted. A write may be on its way. What was noted while a
    /// write of unknown outcome could still take effect never holds.
    #[inline]
    pub fn still_holds(&self, stamp: &Stamp) -> bool {
        !stamp.is_quarantined() && self.clock.check(stamp) != Validity::Changed
    }

    /// Whether nothing that `stamp` depends on has moved since it was noted, and nobody is about to move it.
    pub fn is_settled(&self, stamp: &Stamp) -> bool {
        !stamp.is_quarantined() && self.clock.check(stamp) == Validity::Current
    }

    /// The shared tier, where its entries may be taken: what others have stored there is no newer than what they have heard.
    pub(super) fn trusted_tier(&self) -> Option<&Shared> {
        let shared = self.shared.as_ref()?;
        self.hears_outsiders(self.now()).then_some(shared)
    }

    #[inline]
    fn hears_outsiders(&self, now: Tick) -> bool {
        self.outsiders.are_heard(now) || self.sabotage.ignores_outsiders()
    }

    /// What the entry of `meta` is good for.
    #[inline]
    pub(super) fn verdict(&self, meta: &Meta, terms: &Terms) -> Verdict {
        let now = self.now();
        judge(
            meta,
            self.validity(meta.stamp(), now),
            now,
            terms,
            self.early,
        )
    }

    #[inline]
    pub(super) fn validity(&self, stamp: &Stamp, now: Tick) -> Validity {
        // Deaf to the other processes, or to those who bypass the pool, nobody can tell what still holds.
        let hears = self.lease.is_live(now) && self.hears_outsiders(now);
        if !hears && !self.sabotage.ignores_lease() {
            return Validity::Changed;
        }
        if self.sabotage.ignores_stamps() {
            return Validity::Current;
        }
        self.clock.check(stamp)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}
