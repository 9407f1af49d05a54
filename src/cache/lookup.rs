//! The hot path: is there an answer in memory?

use std::{sync::Arc, time::Duration};

use super::{
    Cached, Cause, Consistency, Engine, Entry, Freshness, Key, Mode, Source, Terms, Tick, Value,
    clock::Validity,
    entry::downcast,
    freshness::{Verdict, judge, lifetime, stands_in},
};
use crate::observe::Event;

/// What the cache has for a read.
#[derive(Debug)]
pub enum Lookup<T> {
    /// A fresh answer.
    Fresh(Cached<T>),
    /// An answer that is to be given now and refreshed in the background: [`Engine::refresh`]. With
    /// [`Cause::Early`] it is still fresh.
    Stale(Cached<T>, Cause),
    /// Nothing to answer with: [`Engine::load`], and give it what is in here, which may stand in for a load that
    /// fails.
    Miss(Option<Cached<T>>),
}

impl Engine {
    /// Looks `key` up, for a reader by `terms`. Neither waits nor allocates.
    #[inline]
    pub fn lookup<T: Value>(&self, key: &Key, terms: &Terms) -> Lookup<T> {
        let counters = &self.observer.counters;
        let found = self.peek(key, terms);
        match &found {
            Lookup::Fresh(_) => counters.hits.add(1),
            Lookup::Stale(_, Cause::Early) => counters.hits.add(1),
            Lookup::Stale(_, cause) => {
                counters.stale_hits.add(1);
                self.observer.emit(Event::StaleServed { cause: *cause });
            }
            Lookup::Miss(_) => counters.misses.add(1),
        }
        found
    }

    /// A lookup that is not counted.
    #[inline]
    pub fn peek<T: Value>(&self, key: &Key, terms: &Terms) -> Lookup<T> {
        // Between processes a strict answer needs a word from the shared tier.
        if self.shared.is_some() && terms.consistency == Consistency::Strict {
            return Lookup::Miss(None);
        }
        let Some(entry) = self.store.get(key).and_then(downcast::<T>) else {
            return Lookup::Miss(None);
        };
        // After the entry: the words of the clock are read within the read that they are asked for.
        let now = self.now();
        let validity = self.validity(entry.meta.stamp(), now);
        self.judged(entry, validity, now, terms, Source::Local)
    }

    /// What an entry is to a reader.
    #[inline]
    pub(super) fn judged<T: Value>(
        &self,
        entry: Arc<Entry<T>>,
        validity: Validity,
        now: Tick,
        terms: &Terms,
        source: Source,
    ) -> Lookup<T> {
        let verdict = match terms.mode {
            Mode::Normal | Mode::OnlyIfCached => {
                judge(&entry.meta, validity, now, terms, self.early)
            }
            Mode::Refresh => Verdict::IfError,
        };
        let cached = |entry: Arc<Entry<T>>, freshness| {
            let lifetime = Duration::from_nanos(lifetime(&entry.meta, terms));
            Cached::new(entry, now, freshness, source, Some(lifetime))
        };
        match verdict {
            Verdict::Fresh => Lookup::Fresh(cached(entry, Freshness::Fresh)),
            Verdict::Refresh(Cause::Early) => {
                Lookup::Stale(cached(entry, Freshness::Fresh), Cause::Early)
            }
            Verdict::Refresh(cause) => Lookup::Stale(cached(entry, Freshness::Stale(cause)), cause),
            Verdict::IfError if stands_in(&entry.meta, validity, now, terms) => {
                Lookup::Miss(Some(cached(entry, Freshness::Stale(Cause::LoadFailed))))
            }
            Verdict::IfError | Verdict::Gone => Lookup::Miss(None),
        }
    }
}
