//! A miss: join a load or lead one, store what it gave, stand in for it if it fails.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
};

use tracing::{Instrument as _, Span};

use super::{
    Cached, Cause, Consistency, Engine, Entry, Lookup, Mode, Question, Source, Stamp, Terms, Value,
    clock::Validity,
    entry::downcast,
    flight::{Boarding, Landing, Leader, Waiter},
    freshness::stands_in,
    share::Way,
    stamp::Standing,
};
use crate::observe::{Event, span};

/// How a read that missed was answered.
#[derive(Debug)]
pub enum Loaded<T> {
    /// Fresh, or standing in for a load that failed.
    Answer(Cached<T>),
    /// By an entry of another process that is to be refreshed in the background: [`Engine::refresh`].
    Stale(Cached<T>),
}

impl<T> Loaded<T> {
    /// The answer, whichever it is.
    pub fn into_cached(self) -> Cached<T> {
        match self {
            Loaded::Answer(cached) | Loaded::Stale(cached) => cached,
        }
    }
}

/// How a reader gets its result.
pub(super) enum Course {
    /// With whoever else loads the same under the same stamp.
    Together,
    /// By a load of its own.
    Alone,
}

impl Engine {
    /// Answers a read that [`lookup`](Self::lookup) could not: joins the load of the same key that is under way, finds an
    /// entry in the shared tier, or loads and stores.
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
    ) -> Result<Loaded<T>, E> {
        let mut answer = pin!(self.answer(&question, load));
        let answered = match (&fallback, self.soft_timeout) {
            (Some(stale), Some(soft)) => {
                // A drop at this await drops the answer, and with it a load or a place in a flight.
                tokio::select! {
                    biased;
                    answered = &mut answer => answered,
                    () = self.time.sleep(soft) => match self.stand_in(stale, &question, Cause::LoadSlow) {
                        Some(stale) => return Ok(Loaded::Answer(stale)),
                        None => answer.await,
                    },
                }
            }
            _ => answer.await,
        };
        answered.or_else(|error| {
            let stale = fallback
                // What the shared tier had is in memory now, were it only good for this.
                .or_else(|| self.last_resort(&question))
                .filter(|_| is_outage(&error));
            stale
                .and_then(|stale| self.stand_in(&stale, &question, Cause::LoadFailed))
                .map(Loaded::Answer)
                .ok_or(error)
        })
    }

    async fn answer<T: Value, E>(
        &self,
        question: &Question,
        load: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<Loaded<T>, E> {
        let load = pin!(load);
        // Before the load's first poll, before the shared tier is asked, and before the flight, which is chosen by it.
        let stamp = self.clock.stamp(&question.tags);
        match (course(&stamp, &question.terms), question.terms.consistency) {
            (Course::Alone, _) => {
                let stamp = self.with_words(question, stamp).await;
                self.load_alone(question, stamp, load).await
            }
            (Course::Together, Consistency::Strict) if self.shared.is_some() => {
                self.answer_strictly(question, stamp, load).await
            }
            (Course::Together, _) => self.fly(question, stamp, Way::ByTheTier, load).await,
        }
    }

    /// Joins a flight or leads one.
    pub(super) async fn fly<T: Value, E>(
        &self,
        question: &Question,
        stamp: Stamp,
        way: Way,
        load: Pin<&mut (impl Future<Output = Result<T, E>> + Send)>,
    ) -> Result<Loaded<T>, E> {
        match self.flights.board(&question.key, &stamp) {
            Boarding::Lead(leader) => self.lead(leader, question, stamp, way, load).await,
            Boarding::Full => {
                self.observer.counters.uncoalesced.add(1);
                self.load_alone(question, stamp, load).await
            }
            // A drop while waiting gives the place up; if the lead had just come to it, it goes on to the next.
            Boarding::Wait(waiter) => match self.landing(waiter).await {
                Landing::Done(entry) => match downcast::<T>(entry)
                    .and_then(|entry| self.landed(entry, &question.terms))
                {
                    Some(answer) => {
                        self.observer.counters.coalesced.add(1);
                        Ok(answer)
                    }
                    None => {
                        let stamp = stamp.renewed(self.now());
                        self.load_alone(question, stamp, load).await
                    }
                },
                Landing::Failed => {
                    let stamp = stamp.renewed(self.now());
                    self.load_alone(question, stamp, load).await
                }
                Landing::Lead(leader) => {
                    let stamp = stamp.renewed(self.now());
                    self.lead(leader, question, stamp, way, load).await
                }
            },
        }
    }

    /// What a waiter gets. A leader that is alive may still not be polled any more (kept aside by a `select!`, waiting
    /// behind this very reader in one task), so nobody waits for one without an end.
    pub(super) async fn landing(&self, waiter: Waiter) -> Landing {
        tokio::select! {
            biased;
            landing = waiter => landing,
            () = self.time.sleep(self.patience) => Landing::Failed,
        }
    }

    /// What a flight's entry is to one who waited for it.
    fn landed<T: Value>(&self, entry: Arc<Entry<T>>, terms: &Terms) -> Option<Loaded<T>> {
        let now = self.now();
        match entry.meta.origin {
            // Found, not loaded: it may be too old for the terms of those who wait.
            Source::Shared => {
                let found = self.judged(entry, Validity::Current, now, terms, Source::Shared);
                self.answer_of(found)
            }
            _ => Some(Loaded::Answer(self.made(entry, terms))),
        }
    }

    /// What was found, if it answers.
    pub(super) fn answer_of<T>(&self, found: Lookup<T>) -> Option<Loaded<T>> {
        match found {
            Lookup::Fresh(cached) | Lookup::Stale(cached, Cause::Early) => {
                Some(Loaded::Answer(cached))
            }
            Lookup::Stale(cached, cause) => {
                self.observer.counters.stale_hits.add(1);
                self.observer.emit(Event::StaleServed { cause });
                Some(Loaded::Stale(cached))
            }
            Lookup::Miss(_) => None,
        }
    }

    async fn lead<T: Value, E>(
        &self,
        leader: Leader,
        question: &Question,
        stamp: Stamp,
        way: Way,
        load: Pin<&mut (impl Future<Output = Result<T, E>> + Send)>,
    ) -> Result<Loaded<T>, E> {
        // Between this reader's lookup and its lead another flight may have landed.
        // It may be too old for the terms of those who wait, so the lead goes on: each looks for itself.
        if let Lookup::Fresh(cached) | Lookup::Stale(cached, Cause::Early) =
            self.peek(&question.key, &question.terms)
        {
            self.observer.counters.coalesced.add(1);
            return Ok(Loaded::Answer(cached));
        }
        // A drop at this await drops the leader, which hands over; a claim is given up.
        let (stamp, claim) = match way {
            Way::ByTheTier => match self.ask_the_tier(question, stamp).await {
                Ok((entry, answer)) => {
                    leader.done(entry);
                    return Ok(answer);
                }
                Err(not_there) => not_there,
            },
            Way::Straight => (stamp, None),
        };
        // A drop at this await likewise.
        match self.run(span::load(stamp.tags().len()), load).await {
            Ok(value) => {
                let for_all = stamp.standing != Standing::Quarantined;
                let entry = self.keep(question.clone(), stamp, value, claim);
                // After it was stored: who comes when the flight is gone finds the entry.
                if for_all {
                    leader.done(entry.clone());
                } else {
                    leader.failed();
                }
                Ok(Loaded::Answer(self.made(entry, &question.terms)))
            }
            Err(error) => {
                leader.failed();
                Err(error)
            }
        }
    }

    pub(super) async fn load_alone<T: Value, E>(
        &self,
        question: &Question,
        stamp: Stamp,
        load: Pin<&mut (impl Future<Output = Result<T, E>> + Send)>,
    ) -> Result<Loaded<T>, E> {
        let value = self.run(span::load(stamp.tags().len()), load).await?;
        let entry = self.keep(question.clone(), stamp, value, None);
        Ok(Loaded::Answer(self.made(entry, &question.terms)))
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

    /// An expired entry in memory that may stand in for a load that failed.
    fn last_resort<T: Value>(&self, question: &Question) -> Option<Cached<T>> {
        match self.peek(&question.key, &question.terms) {
            Lookup::Miss(fallback) => fallback,
            Lookup::Fresh(cached) | Lookup::Stale(cached, _) => Some(cached),
        }
    }

    /// `stale` once more judged, since time passed and writes may have come while the load was tried.
    fn stand_in<T>(
        &self,
        stale: &Cached<T>,
        question: &Question,
        cause: Cause,
    ) -> Option<Cached<T>> {
        let (now, meta) = (self.now(), stale.meta());
        let validity = self.validity(meta.stamp(), now);
        stands_in(meta, validity, now, &question.terms).then(|| {
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
