//! A miss: join a load or lead one, store what it gave, stand in for it if it fails.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
};

use tracing::{Instrument as _, Span};

use super::{
    Cached, Cause, Consistency, Engine, Entry, Freshness, Key, Lookup, Mode, Question, Source,
    Stamp, Tags, Terms, Value,
    entry::downcast,
    flight::{Boarding, Landing, Leader, Waiter},
    freshness::stands_in,
    stamp::Standing,
};
use crate::observe::{Event, span};

/// How a reader gets its result.
pub(super) enum Course {
    /// With whoever else loads the same under the same stamp.
    Together,
    /// By a load of its own.
    Alone,
}

impl Engine {
    /// Answers a read that [`lookup`](Self::lookup) could not: joins the load of the same key that is under way, or
    /// loads and stores.
    ///
    /// `load` is polled only if this reader loads, and for the first time after the clock was noted: it must not
    /// have asked the database before. `fallback` is what the lookup's miss gave; it is answered if the load fails
    /// with an outage (`is_outage`) or takes longer than the pool's soft timeout, in which case `load` is dropped.
    ///
    /// # Cancel safety
    /// At any await: the lead goes to a waiting reader, nothing is stored, nobody hangs.
    ///
    /// # Errors
    /// Those of `load`, to this reader only.
    pub async fn load<T: Value, E>(
        &self,
        question: Question,
        fallback: Option<Cached<T>>,
        is_outage: fn(&E) -> bool,
        load: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<Cached<T>, E> {
        let Question {
            key, tags, terms, ..
        } = question;
        let mut answer = pin!(self.answer(key, &tags, &terms, load));
        let answered = match (&fallback, self.soft_timeout) {
            (Some(stale), Some(soft)) => {
                // A drop at this await drops the answer, and with it a load or a place in a flight.
                tokio::select! {
                    biased;
                    answered = &mut answer => answered,
                    () = self.time.sleep(soft) => match self.stand_in(stale, &tags, &terms, Cause::LoadSlow) {
                        Some(stale) => return Ok(stale),
                        None => answer.await,
                    },
                }
            }
            _ => answer.await,
        };
        answered.or_else(|error| {
            let stale = fallback.filter(|_| is_outage(&error));
            stale
                .and_then(|stale| self.stand_in(&stale, &tags, &terms, Cause::LoadFailed))
                .ok_or(error)
        })
    }

    async fn answer<T: Value, E>(
        &self,
        key: Key,
        tags: &Tags,
        terms: &Terms,
        load: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<Cached<T>, E> {
        let load = pin!(load);
        // Before the load's first poll, and before the flight is asked for, which is chosen by it.
        let stamp = self.clock.stamp(tags);
        if let Course::Alone = course(&stamp, terms) {
            return self.load_alone(key, terms, stamp, load).await;
        }
        match self.flights.board(&key, &stamp) {
            Boarding::Lead(leader) => self.load_leading(leader, key, terms, stamp, load).await,
            Boarding::Full => {
                self.observer.counters.uncoalesced.add(1);
                self.load_alone(key, terms, stamp, load).await
            }
            // A drop while waiting gives the place up; if the lead had just come to it, it goes on to the next.
            Boarding::Wait(waiter) => match self.landing(waiter).await {
                Landing::Done(entry) => match downcast::<T>(entry) {
                    Some(entry) => {
                        self.observer.counters.coalesced.add(1);
                        Ok(Cached::new(
                            entry,
                            self.now(),
                            Freshness::Fresh,
                            Source::Database,
                        ))
                    }
                    None => {
                        self.load_alone(key, terms, stamp.renewed(self.now()), load)
                            .await
                    }
                },
                Landing::Failed => {
                    self.load_alone(key, terms, stamp.renewed(self.now()), load)
                        .await
                }
                Landing::Lead(leader) => {
                    let stamp = stamp.renewed(self.now());
                    self.load_leading(leader, key, terms, stamp, load).await
                }
            },
        }
    }

    /// What a waiter gets. A leader that is alive may still not be polled any more (kept aside by a `select!`, waiting
    /// behind this very reader in one task), so nobody waits for one without an end.
    async fn landing(&self, waiter: Waiter) -> Landing {
        tokio::select! {
            biased;
            landing = waiter => landing,
            () = self.time.sleep(self.patience) => Landing::Failed,
        }
    }

    async fn load_leading<T: Value, E>(
        &self,
        leader: Leader,
        key: Key,
        terms: &Terms,
        stamp: Stamp,
        load: Pin<&mut (impl Future<Output = Result<T, E>> + Send)>,
    ) -> Result<Cached<T>, E> {
        // Between this reader's lookup and its lead another flight may have landed.
        // It may be too old for the terms of those who wait, so the lead goes on: each looks for itself.
        if let Lookup::Fresh(cached) | Lookup::Stale(cached, Cause::Early) =
            self.peek(&key, stamp.tags(), terms)
        {
            self.observer.counters.coalesced.add(1);
            return Ok(cached);
        }
        // A drop at this await drops the leader, which hands over.
        match self.run(span::load(stamp.tags().len()), load).await {
            Ok(value) => {
                let entry = self.keep(key, terms, stamp, value);
                // After it was stored: who comes when the flight is gone finds the entry.
                leader.done(entry.clone());
                Ok(self.loaded(entry))
            }
            Err(error) => {
                leader.failed();
                Err(error)
            }
        }
    }

    async fn load_alone<T: Value, E>(
        &self,
        key: Key,
        terms: &Terms,
        stamp: Stamp,
        load: Pin<&mut (impl Future<Output = Result<T, E>> + Send)>,
    ) -> Result<Cached<T>, E> {
        let value = self.run(span::load(stamp.tags().len()), load).await?;
        Ok(self.loaded(self.keep(key, terms, stamp, value)))
    }

    pub(super) async fn run<T, E>(
        &self,
        span: Span,
        load: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.observer.counters.loads.add(1);
        let result = load.instrument(span).await;
        if result.is_err() {
            self.observer.counters.load_failures.add(1);
            self.observer.emit(Event::LoadFailed);
        }
        result
    }

    fn loaded<T>(&self, entry: Arc<Entry<T>>) -> Cached<T> {
        Cached::new(entry, self.now(), Freshness::Fresh, Source::Database)
    }

    /// `stale` once more judged, since time passed and writes may have come while the load was tried.
    fn stand_in<T>(
        &self,
        stale: &Cached<T>,
        tags: &Tags,
        terms: &Terms,
        cause: Cause,
    ) -> Option<Cached<T>> {
        let (now, meta) = (self.now(), stale.meta());
        stands_in(meta, self.validity(meta.stamp(), tags), now, terms).then(|| {
            self.observer.counters.stale_hits.add(1);
            self.observer.emit(Event::StaleServed { cause });
            stale.clone().restated(now, cause)
        })
    }
}

/// Whether a load under `stamp` can serve others.
pub(super) fn course(stamp: &Stamp, terms: &Terms) -> Course {
    match (stamp.standing, terms.mode, terms.consistency) {
        (Standing::Everything | Standing::Quarantined, _, _)
        | (Standing::WriterInFlight, _, Consistency::Strict)
        // Who asks for a refresh wants a load that began after the call.
        | (_, Mode::Refresh, _) => Course::Alone,
        (Standing::Clear, _, _) | (Standing::WriterInFlight, _, Consistency::Bounded) => Course::Together,
    }
}
