//! Storing a result: whether it may be, and what is noted with it.

use std::{
    hash::{BuildHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use foldhash::fast::FixedState;

use super::{
    AnyEntry, Cached, Cause, Consistency, Engine, Entry, Freshness, Key, Meta, Question, Source,
    Stamp, Stored, Terms, Value,
    clock::Validity,
    entry::downcast,
    freshness::{Share, Verdict, lifetime},
    shared::Claimed,
    stamp::Standing,
};
use crate::observe::{Event, Skip};

impl Engine {
    /// Stores a value that was loaded after `stamp` was noted, unless a write came since or the terms forbid it, and
    /// hands it out in any case.
    pub fn store<T: Value>(&self, question: Question, stamp: Stamp, value: T) -> Cached<T> {
        let terms = question.terms;
        let entry = self.keep(question, stamp, value, None);
        self.made(entry, &terms)
    }

    /// Hands out a value that came past the cache and is not to be stored; `stamp` was noted before its load.
    pub fn pass<T: Value>(&self, stamp: Stamp, value: T) -> Cached<T> {
        let meta = Meta {
            rows: value.rows(),
            jitter: Share::new(0.0),
            fresh_at_most: Duration::ZERO,
            life: Duration::ZERO,
            bytes: 0,
            digest: digest_of_nothing(&value),
            origin: Source::Database,
            stamp,
        };
        let entry = Arc::new(Entry { meta, value });
        Cached::new(entry, self.now(), Freshness::Fresh, Source::Database, None)
    }

    /// What was just loaded, for whoever loaded it.
    pub(super) fn made<T>(&self, entry: Arc<Entry<T>>, terms: &Terms) -> Cached<T> {
        let lifetime = Duration::from_nanos(lifetime(&entry.meta, terms));
        let (now, source) = (self.now(), entry.meta.origin);
        Cached::new(entry, now, Freshness::Fresh, source, Some(lifetime))
    }

    /// Takes a fresh entry out of the store: for what only one reader can use.
    ///
    /// Its stamp ([`Meta::stamp`]) goes with what is made of it, to [`store`](Self::store).
    pub fn take<T: Value>(&self, question: &Question) -> Option<Arc<Entry<T>>> {
        let entry = self.store.remove(&question.key)?;
        match self.verdict(entry.meta(), &question.terms) {
            Verdict::Fresh | Verdict::Refresh(Cause::Early) => downcast(entry),
            Verdict::Refresh(_) | Verdict::IfError | Verdict::Gone => None,
        }
    }

    /// Makes an entry of `value` and stores it if it may be: here, and where its stamp has shared words in the shared tier.
    /// `claim` is given up when it is there.
    pub(super) fn keep<T: Value>(
        &self,
        question: Question,
        stamp: Stamp,
        value: T,
        claim: Option<Claimed>,
    ) -> Arc<Entry<T>> {
        let Question {
            key, terms, whole, ..
        } = question;
        let stamp = if self.sabotage.stamps_after_load() {
            self.clock.stamp(stamp.tags())
        } else {
            stamp
        };
        let mut meta = Meta {
            rows: value.rows(),
            jitter: self.jitter.of_entry(&key, &stamp),
            fresh_at_most: value.fresh_at_most(),
            life: terms.life(),
            bytes: 0,
            digest: digest_of_nothing(&value),
            origin: Source::Database,
            stamp,
        };
        let skip = match self.weigh(&key, &terms, &mut meta, &value) {
            Ok(()) => {
                let entry = Arc::new(Entry { meta, value });
                self.put(key, entry.clone());
                if let (Some(shared), Some(whole)) = (&self.shared, whole) {
                    shared.upload(whole, entry.clone(), claim);
                }
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
        // A `Serialize` that panics must not take the answer away from its reader: the value is only borrowed, and
        // what a panic left half done was the meter's.
        let weight = catch_unwind(AssertUnwindSafe(|| value.weight()));
        let Ok(Ok(weight)) = weight else {
            self.observer.emit(Event::EncodeFailed {
                value: std::any::type_name::<T>(),
            });
            return Err(Skip::EncodeFailed);
        };
        if weight.bytes > terms.max_bytes {
            return Err(Skip::TooManyBytes);
        }
        meta.bytes = Meta::bytes_of::<T>(key, weight.bytes);
        meta.digest = Some(weight.digest);
        Ok(())
    }

    /// Keeps an entry that came from the shared tier, if its reader's terms allow it.
    pub(super) fn adopt<T: Value>(&self, key: Key, terms: &Terms, entry: Arc<Entry<T>>) {
        if entry.meta.rows <= terms.max_rows && entry.meta.bytes <= terms.max_bytes {
            self.put(key, entry);
        }
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
}

/// That of an empty result, which costs nothing. It is noted even of what is not stored, since from the value alone, without
/// its rows, it could not be told: no row is encoded like a NULL.
fn digest_of_nothing<T: Value>(value: &T) -> Option<u128> {
    let is_empty = value.rows() == 0;
    is_empty
        .then(|| value.weight().ok())?
        .map(|weight| weight.digest)
}

impl Share {
    /// An entry's own part of the jitter: another for each key and each load, the same whenever it is asked for.
    pub(super) fn of_entry(self, key: &Key, stamp: &Stamp) -> Share {
        let mut hasher = FixedState::with_seed(0).build_hasher();
        key.hash(&mut hasher);
        stamp.noted().hash(&mut hasher);
        self.part(hasher.finish())
    }
}
