//! Results whose dependencies are known only when they have been made: whole responses, say.
//!
//! They are kept under the stamp that their [`Scope`](super::Scope) found, and everything that holds of other entries holds of
//! them. Two things are different, since nobody knows beforehand what the stamp will be:
//!
//! - A flight cannot be chosen by it. Whoever waited for another's result therefore looks whether it is valid *now*. A write
//!   that had returned before the waiter came has moved its slot by then; if the result was made of older data, the stamp
//!   does not match, and the waiter goes on to make its own (P1).
//! - The shared tier is asked twice: for the slots that the entry depends on, and then, as for any entry, for it together with
//!   their words.

use std::{future::Future, pin::Pin, pin::pin, sync::Arc};

use super::{
    Cached, Cause, Consistency, Engine, Entry, Key, Loaded, Lookup, Question, Source, Stamp, Tags,
    Terms, Tick, Value, WholeKey,
    clock::Validity,
    entry::downcast,
    flight::{Boarding, Landing, Leader},
    shared::Seen,
};
use crate::observe::{Event, span};

/// How often a reader waits for others before it works for itself.
const PATIENCE: usize = 3;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Errand {
    /// Its key in this process.
    pub key: Key,
    /// Its key among processes; `None` keeps it in this one.
    pub whole: Option<WholeKey>,
    /// How it may be answered.
    pub terms: Terms,
}

/// What came of making a result.
#[derive(Debug)]
pub enum Made<T, R> {
    /// It may be kept for as long as the stamp holds.
    Kept {
        /// The result.
        value: T,
        /// Of all that it was made of.
        stamp: Stamp,
    },
    /// It is for the one who made it, in whatever form.
    Passed(R),
}

/// How an errand was answered.
#[derive(Debug)]
pub enum Gathered<T> {
    /// By making it.
    Made(Cached<T>),
    /// By another reader who made it meanwhile.
    Collapsed(Cached<T>),
    /// By an entry that came to light meanwhile: in memory or in the shared tier.
    Found(Cached<T>),
    /// As `Found`, but it is to be made anew in the background: [`Engine::regather`].
    Stale(Cached<T>, Cause),
}

impl Engine {
    /// Answers what [`lookup`](Self::lookup) could not: joins whoever makes the same, finds it in the shared tier, or makes it.
    ///
    /// `make` is polled only if this reader makes it. Its scope must begin with it.
    ///
    /// # Cancel safety
    /// At any await: the lead goes to a waiting reader, nothing is stored, nobody hangs.
    ///
    /// # Errors
    /// What `make` passed, to this reader only.
    pub async fn gather<T: Value, R>(
        &self,
        errand: &Errand,
        make: impl Future<Output = Made<T, R>> + Send,
    ) -> Result<Gathered<T>, R> {
        let make = pin!(make);
        if self.shared.is_some() && errand.terms.consistency == Consistency::Strict {
            return match self.recall_strictly(errand).await {
                Some(found) => Ok(found),
                None => self
                    .make(errand, make)
                    .await
                    .map(|entry| self.of_maker(errand, entry)),
            };
        }
        for _ in 0..PATIENCE {
            let route = self.clock.stamp(&Tags::none());
            let leader = match self.flights.board(&errand.key, &route) {
                Boarding::Lead(leader) => leader,
                Boarding::Full => break,
                // A drop while waiting gives the place up; if the lead had just come to it, it goes on to the next.
                Boarding::Wait(waiter) => match self.landing(waiter).await {
                    Landing::Lead(leader) => leader,
                    Landing::Failed => break,
                    Landing::Done(entry) => {
                        let entry = downcast::<T>(entry);
                        match entry.and_then(|entry| self.of_another(errand, entry)) {
                            Some(cached) => return Ok(Gathered::Collapsed(cached)),
                            // A write came while it was made.
                            None => continue,
                        }
                    }
                },
            };
            return self.lead_making(leader, errand, make).await;
        }
        self.observer.counters.uncoalesced.add(1);
        self.make(errand, make)
            .await
            .map(|entry| self.of_maker(errand, entry))
    }

    /// As [`gather`](Self::gather), with what is there already: in memory or in the shared tier. Waits for nobody who makes it, and
    /// nobody waits for this.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn recall_gathered<T: Value>(&self, errand: &Errand) -> Option<Gathered<T>> {
        if self.shared.is_some() && errand.terms.consistency == Consistency::Strict {
            return self.recall_strictly(errand).await;
        }
        match self.peek(&errand.key, &errand.terms) {
            Lookup::Fresh(cached) => return Some(Gathered::Found(cached)),
            Lookup::Stale(cached, cause) => return Some(Gathered::Stale(cached, cause)),
            Lookup::Miss(_) => {}
        }
        let entry = self.recall_entry::<T>(errand).await?;
        self.of_the_tier(errand, &entry)
    }

    /// Makes a result anew in the background, unless somebody does so already or too many refreshes run.
    ///
    /// Returns at once; whatever happens is counted and told as an event.
    pub fn regather<T: Value, R: Send + 'static>(
        self: &Arc<Self>,
        errand: Errand,
        make: impl Future<Output = Made<T, R>> + Send + 'static,
    ) {
        let Some(permit) = self.tasks.permit() else {
            return self.refresh_skipped();
        };
        let route = self.clock.stamp(&Tags::none());
        // The lead is taken here and not in the task, so that a burst of stale answers spawns one task.
        let Some(leader) = self.flights.lead(&errand.key, &route) else {
            return;
        };
        if let Lookup::Fresh(_) = self.peek::<T>(&errand.key, &errand.terms) {
            return;
        }
        let engine = self.clone();
        self.lead_in_background(permit, leader, async move {
            engine.make(&errand, pin!(make)).await.ok()
        });
    }

    async fn lead_making<T: Value, R>(
        &self,
        leader: Leader,
        errand: &Errand,
        make: Pin<&mut (impl Future<Output = Made<T, R>> + Send)>,
    ) -> Result<Gathered<T>, R> {
        // Between this reader's lookup and its lead another may have made it.
        if let Lookup::Fresh(cached) = self.peek(&errand.key, &errand.terms) {
            return Ok(Gathered::Found(cached));
        }
        // A drop at this await, and at the next, drops the leader, which hands over.
        if let Some(entry) = self.recall_entry::<T>(errand).await
            && let Some(found) = self.of_the_tier(errand, &entry)
        {
            leader.done(entry);
            return Ok(found);
        }
        match self.make(errand, make).await {
            Ok(entry) => {
                leader.done(entry.clone());
                Ok(self.of_maker(errand, entry))
            }
            Err(passed) => {
                leader.failed();
                Err(passed)
            }
        }
    }

    /// Makes it and keeps it, if it may be kept.
    async fn make<T: Value, R>(
        &self,
        errand: &Errand,
        make: Pin<&mut impl Future<Output = Made<T, R>>>,
    ) -> Result<Arc<Entry<T>>, R> {
        let begun = self.now();
        self.observer.counters.loads.add(1);
        match tracing::Instrument::instrument(make, span::load(0)).await {
            Made::Kept { value, stamp } => {
                let question = errand.on(stamp.tags());
                Ok(self.keep(question, stamp.renewed(begun), value, None))
            }
            Made::Passed(passed) => Err(passed),
        }
    }

    /// The entry of the shared tier, if it is valid.
    async fn recall_entry<T: Value>(&self, errand: &Errand) -> Option<Arc<Entry<T>>> {
        let (shared, whole) = (self.trusted_tier()?, errand.whole.as_ref());
        let slots = shared.slots_of::<T>(whole).await?;
        let question = errand.on(&Tags::of_slots(&slots));
        let stamp = self.clock.stamp(&question.tags);
        let visit = shared.visit(whole, &question.tags)?;
        match visit.fetch(&errand.key, &stamp, &errand.terms).await {
            Seen::Entry(entry, _) => {
                self.adopt(errand.key.clone(), &errand.terms, entry.clone());
                Some(entry)
            }
            Seen::Nothing(_) | Seen::Doubtful | Seen::Silent => None,
        }
    }

    /// As `recall_entry`, and before that what is in memory, if the shared tier confirms it.
    async fn recall_strictly<T: Value>(&self, errand: &Errand) -> Option<Gathered<T>> {
        let shared = self.trusted_tier()?;
        if let Some(entry) = self.store.get(&errand.key) {
            let question = errand.on(entry.meta().stamp().tags());
            // Its words are asked for, not the entry, so it needs no name among processes.
            let nameless = WholeKey(Box::default());
            let whole = question.whole.as_ref().or(Some(&nameless));
            if let Some(visit) = shared.visit(whole, &question.tags)
                && let Some(Loaded::Answer(cached)) = self.confirmed(&visit, &question).await
            {
                return Some(Gathered::Found(cached));
            }
        }
        let entry = self.recall_entry::<T>(errand).await?;
        self.of_the_tier(errand, &entry)
    }

    fn of_maker<T>(&self, errand: &Errand, entry: Arc<Entry<T>>) -> Gathered<T> {
        Gathered::Made(self.made(entry, &errand.terms))
    }

    /// What another's result is to one who waited for it.
    fn of_another<T: Value>(&self, errand: &Errand, entry: Arc<Entry<T>>) -> Option<Cached<T>> {
        let now = self.now();
        let (validity, source) = (self.validity(entry.meta.stamp(), now), entry.meta.origin);
        match self.judged(entry, validity, now, &errand.terms, source) {
            Lookup::Fresh(cached) | Lookup::Stale(cached, Cause::Early) => {
                self.observer.counters.coalesced.add(1);
                Some(cached)
            }
            Lookup::Stale(..) | Lookup::Miss(_) => None,
        }
    }

    fn of_the_tier<T: Value>(&self, errand: &Errand, entry: &Arc<Entry<T>>) -> Option<Gathered<T>> {
        // It was valid when the tier answered, which is within this read.
        let (now, valid): (Tick, _) = (self.now(), Validity::Current);
        match self.judged(entry.clone(), valid, now, &errand.terms, Source::Shared) {
            Lookup::Fresh(cached) => {
                self.observer.counters.hits_shared.add(1);
                Some(Gathered::Found(cached))
            }
            Lookup::Stale(cached, cause) => {
                self.observer.counters.stale_hits.add(1);
                self.observer.emit(Event::StaleServed { cause });
                Some(Gathered::Stale(cached, cause))
            }
            Lookup::Miss(_) => None,
        }
    }
}

impl Errand {
    /// As it would have been asked had its tags been known.
    fn on(&self, tags: &Tags) -> Question {
        Question {
            key: self.key.clone(),
            tags: tags.clone(),
            terms: self.terms,
            whole: self.whole.clone(),
        }
    }
}
