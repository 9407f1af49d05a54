//! One load for many readers who miss the same key at the same time.
//!
//! A flight belongs to a key *and* a stamp: a reader that starts after a write has another stamp and never joins a
//! load that began before the write. It lasts while its leader loads and is gone from the map when that ends.
//!
//! - The leader succeeds: its waiters share the entry.
//! - The leader's load fails: every waiter goes on for itself, all at once. Errors are not shared, and a dead
//!   database does not serve its waiters one by one.
//! - The leader is dropped: exactly one waiter takes the lead. Waiters that are dropped in their turn pass it on.
//!
//! Lock order: the map, then a flight. Neither is held across an await, and no foreign code (a waker's drop, an
//! entry's drop) runs under one.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use foldhash::quality::RandomState;

use super::{
    AnyEntry, Key, Stamp,
    sync::{Mutex, lock},
};

/// The flights of now.
pub(super) struct Flights {
    /// Written by whoever starts or ends a flight.
    map: Mutex<HashMap<Arc<Route>, Arc<Flight>, RandomState>>,
    limit: usize,
}

#[derive(PartialEq, Eq, Hash)]
struct Route {
    key: Key,
    stamp: Stamp,
}

#[derive(Default)]
struct Flight {
    /// Written by the leader and the waiters of this flight.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// Everyone who waits, in the order of arrival. One without a waker has not been polled yet or was woken and will
    /// be: it looks at the phase before it sleeps.
    waiters: BTreeMap<u64, Option<Waker>>,
    next: u64,
}

#[derive(Default)]
enum Phase {
    #[default]
    Loading,
    /// The leader was dropped and no waiter has taken the lead yet.
    Vacant,
    Done(Arc<dyn AnyEntry>),
    Failed,
}

/// What a reader gets that asks to board.
pub(super) enum Boarding {
    /// It loads, for all.
    Lead(Leader),
    /// Somebody else loads.
    Wait(Waiter),
    /// There are too many flights: it loads for itself.
    Full,
}

/// What a waiter gets.
pub(super) enum Landing {
    Done(Arc<dyn AnyEntry>),
    /// The leader's load failed; go on alone.
    Failed,
    /// The leader was dropped; go on in its place.
    Lead(Leader),
}

impl Flights {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            map: Mutex::default(),
            limit,
        })
    }

    /// How many flights there are.
    pub(super) fn len(&self) -> usize {
        lock(&self.map).len()
    }

    /// Joins the flight of `key` under `stamp`, or starts it.
    pub(super) fn board(self: &Arc<Self>, key: &Key, stamp: &Stamp) -> Boarding {
        let route = Arc::new(Route {
            key: key.clone(),
            stamp: stamp.clone(),
        });
        let mut map = lock(&self.map);
        let Some(flight) = map.get(&route) else {
            return if map.len() < self.limit {
                Boarding::Lead(self.start(&mut map, route))
            } else {
                Boarding::Full
            };
        };
        let flight = flight.clone();
        // Under the map's lock, so that a leader who is dropped just now either counts this waiter or has already
        // taken the flight off the map.
        let mut state = lock(&flight.state);
        if let Phase::Vacant = state.phase {
            state.phase = Phase::Loading;
            drop(state);
            return Boarding::Lead(Leader {
                flights: self.clone(),
                route,
                flight: Some(flight),
            });
        }
        let id = state.next;
        state.next += 1;
        state.waiters.insert(id, None);
        drop(state);
        Boarding::Wait(Waiter {
            flights: self.clone(),
            route,
            flight: Some(flight),
            id,
        })
    }

    /// The lead, if nobody has it: for a refresh, which nobody waits for.
    pub(super) fn lead(self: &Arc<Self>, key: &Key, stamp: &Stamp) -> Option<Leader> {
        match self.board(key, stamp) {
            Boarding::Lead(leader) => Some(leader),
            Boarding::Wait(_) | Boarding::Full => None,
        }
    }

    fn start(
        self: &Arc<Self>,
        map: &mut HashMap<Arc<Route>, Arc<Flight>, RandomState>,
        route: Arc<Route>,
    ) -> Leader {
        let flight = Arc::new(Flight::default());
        map.insert(route.clone(), flight.clone());
        Leader {
            flights: self.clone(),
            route,
            flight: Some(flight),
        }
    }
}

/// The lead of a flight. Dropped without an outcome, it passes to a waiter.
pub(super) struct Leader {
    flights: Arc<Flights>,
    route: Arc<Route>,
    /// Taken when the flight ends.
    flight: Option<Arc<Flight>>,
}

impl Leader {
    /// Hands `entry` to all who wait.
    pub(super) fn done(self, entry: Arc<dyn AnyEntry>) {
        self.end(Phase::Done(entry));
    }

    /// Sends all who wait on their own ways.
    pub(super) fn failed(self) {
        self.end(Phase::Failed);
    }

    fn end(mut self, outcome: Phase) {
        let Some(flight) = self.flight.take() else {
            return;
        };
        // Off the map first: whoever comes from now on finds the entry in the store, or starts anew.
        lock(&self.flights.map).remove(&self.route);
        let waiters = {
            let mut state = lock(&flight.state);
            state.phase = outcome;
            mem::take(&mut state.waiters)
        };
        waiters.into_values().flatten().for_each(Waker::wake);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            self.flights
                .vacate(&self.route, &flight, |state| state.phase = Phase::Vacant);
        }
    }
}

impl Flights {
    /// Takes a step after which a flight may be vacant, and then sees to it that somebody leads it: the first who
    /// waits is woken, and with nobody waiting the flight ends.
    fn vacate(&self, route: &Arc<Route>, flight: &Flight, step: impl FnOnce(&mut State)) {
        let mut map = lock(&self.map);
        let mut state = lock(&flight.state);
        step(&mut state);
        if !matches!(state.phase, Phase::Vacant) {
            return;
        }
        let first = match state.waiters.values_mut().next() {
            Some(waker) => waker.take(),
            None => {
                map.remove(route);
                None
            }
        };
        drop(state);
        drop(map);
        // The first without a waker needs none: it has yet to look at the phase.
        if let Some(waker) = first {
            waker.wake();
        }
    }
}

/// A place in a flight that somebody else leads. Resolves when the flight ends or its lead falls to this one.
pub(super) struct Waiter {
    flights: Arc<Flights>,
    route: Arc<Route>,
    /// Taken when the wait is over.
    flight: Option<Arc<Flight>>,
    id: u64,
}

impl Future for Waiter {
    type Output = Landing;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Landing> {
        // A future that is polled after its end: it was told to go on alone and is told so again.
        let Some(flight) = self.flight.clone() else {
            return Poll::Ready(Landing::Failed);
        };
        let mut state = lock(&flight.state);
        let landing = match &state.phase {
            Phase::Loading => {
                // Cloned and dropped outside of the map's entry, and the old one outside of the lock: dropping a
                // waker may drop a task, and that task may hold a place in this very flight.
                let old = state.waiters.insert(self.id, Some(context.waker().clone()));
                drop(state);
                drop(old);
                return Poll::Pending;
            }
            Phase::Vacant => {
                state.phase = Phase::Loading;
                state.waiters.remove(&self.id);
                drop(state);
                let (flights, route) = (self.flights.clone(), self.route.clone());
                self.flight = None;
                return Poll::Ready(Landing::Lead(Leader {
                    flights,
                    route,
                    flight: Some(flight),
                }));
            }
            Phase::Done(entry) => Landing::Done(entry.clone()),
            Phase::Failed => Landing::Failed,
        };
        drop(state);
        self.flight = None;
        Poll::Ready(landing)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else {
            return;
        };
        let mut own = None;
        // If this one had just been woken to take the lead, the lead goes on to the next.
        self.flights.vacate(&self.route, &flight, |state| {
            own = state.waiters.remove(&self.id)
        });
        drop(own);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
