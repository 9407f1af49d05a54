//! The hot path: is there an answer in memory?

use super::{
    Cached, Cause, Engine, Freshness, Key, Mode, Source, Tags, Terms, Value,
    entry::downcast,
    freshness::{Verdict, judge, stands_in},
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
    /// Looks `key` up, for a reader who depends on `tags` and reads by `terms`. Neither waits nor allocates.
    #[inline]
    pub fn lookup<T: Value>(&self, key: &Key, tags: &Tags, terms: &Terms) -> Lookup<T> {
        let counters = &self.observer.counters;
        let found = self.peek(key, tags, terms);
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
    pub(super) fn peek<T: Value>(&self, key: &Key, tags: &Tags, terms: &Terms) -> Lookup<T> {
        let Some(entry) = self.store.get(key).and_then(downcast::<T>) else {
            return Lookup::Miss(None);
        };
        // After the entry: the words of the clock are read within the read that they are asked for.
        let now = self.now();
        let validity = self.validity(entry.meta.stamp(), tags);
        let verdict = match terms.mode {
            Mode::Normal | Mode::OnlyIfCached => {
                judge(&entry.meta, validity, now, terms, self.early)
            }
            Mode::Refresh => Verdict::IfError,
        };
        match verdict {
            Verdict::Fresh => {
                Lookup::Fresh(Cached::new(entry, now, Freshness::Fresh, Source::Local))
            }
            Verdict::Refresh(Cause::Early) => Lookup::Stale(
                Cached::new(entry, now, Freshness::Fresh, Source::Local),
                Cause::Early,
            ),
            Verdict::Refresh(cause) => Lookup::Stale(
                Cached::new(entry, now, Freshness::Stale(cause), Source::Local),
                cause,
            ),
            Verdict::IfError if stands_in(&entry.meta, validity, now, terms) => {
                Lookup::Miss(Some(Cached::new(
                    entry,
                    now,
                    Freshness::Stale(Cause::LoadFailed),
                    Source::Local,
                )))
            }
            Verdict::IfError | Verdict::Gone => Lookup::Miss(None),
        }
    }
}
